#include "training/stress_check.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <vector>

#include "core/units.hpp"

namespace haven::training {
namespace {

constexpr double most_strain = 0.03, least_strain = 1e-4, most_displacement = 0.02;  // the last in A
constexpr double contradiction = 0.25;                                               // GPa

double largest(const Mat3& m) {
  double value = 0;
  for (int i = 0; i < 3; ++i)
    for (int k = 0; k < 3; ++k) value = std::max(value, std::abs(m[i][k]));
  return value;
}

double contraction(const Mat3& a, const Mat3& b) {
  double sum = 0;
  for (int i = 0; i < 3; ++i) sum += dot(a[i], b[i]);
  return sum;
}

/// The symmetric part of H_b H_a^-1 - 1 in Cartesian axes, relative to the mean cell. Exact to second order.
Mat3 strain_between(const Mat3& a, const Mat3& b) {
  const Mat3 f = inverse(0.5 * (a + b)) * (b + -1.0 * a);
  return 0.5 * (f + transpose(f));
}

struct Comparison {
  double missing = 0;  ///< E_b - E_a - what stress and forces say, eV
  double size = 0;     ///< V |strain|, A^3
  double volume = 0;   ///< V tr strain, A^3
};

/// Displacements of b's atoms in fractional coordinates, the first atom's taken off; nothing when one is too long.
std::optional<std::vector<Vec3>> displacements(const std::vector<Vec3>& a, const std::vector<Vec3>& b,
                                               const Mat3& cell) {
  std::vector<Vec3> result;
  const Vec3 drift = b.front() - a.front();
  for (std::size_t i = 0; i < a.size(); ++i) {
    Vec3 d = b[i] - a[i] - drift;
    d -= Vec3{std::round(d.x), std::round(d.y), std::round(d.z)};
    if (norm2(d * cell) > most_displacement * most_displacement) return std::nullopt;
    result.push_back(d);
  }
  return result;
}

std::optional<Comparison> compare(const Frame& a, const Frame& b, const std::vector<Vec3>& a_fractional,
                                  const std::vector<Vec3>& b_fractional) {
  const Mat3 &from = a.structure.cell.vectors(), &to = b.structure.cell.vectors();
  const Mat3 strain = strain_between(from, to);
  if (const double size = largest(strain); size > most_strain || size < least_strain) return std::nullopt;
  const Mat3 middle = 0.5 * (from + to);
  const auto moved = displacements(a_fractional, b_fractional, middle);
  if (!moved) return std::nullopt;
  const double volume = 0.5 * (a.structure.cell.volume() + b.structure.cell.volume());
  double work = 0.5 * (a.structure.cell.volume() * contraction(*a.stress, strain) +
                       b.structure.cell.volume() * contraction(*b.stress, strain));
  for (std::size_t i = 0; i < moved->size(); ++i) work -= 0.5 * dot(a.forces[i] + b.forces[i], (*moved)[i] * middle);
  return Comparison{.missing = *b.energy - *a.energy - work,
                    .size = volume * std::sqrt(contraction(strain, strain)),
                    .volume = volume * (strain[0].x + strain[1].y + strain[2].z)};
}

}  // namespace

bool StressCheck::contradictory() const { return decided() && mismatch * units::ev_per_a3_in_gpa > contradiction; }

StressCheck check_stresses(std::span<const Frame> frames, std::span<const int> which) {
  constexpr std::size_t most_frames = 3000;
  std::map<std::vector<int>, std::vector<int>> compositions;
  for (const int f : which) {
    const Frame& frame = frames[static_cast<std::size_t>(f)];
    if (frame.energy && frame.stress && !frame.forces.empty() && frame.structure.cell.volume() > 0)
      compositions[frame.structure.numbers].push_back(f);
  }
  StressCheck check;
  double missing = 0, sizes = 0, mixed = 0, volumes = 0;
  for (const auto& [numbers, all] : compositions) {
    const std::size_t stride = (all.size() + most_frames - 1) / most_frames;
    std::vector<const Frame*> members;
    std::vector<std::vector<Vec3>> fractional;
    for (std::size_t k = 0; k < all.size(); k += stride) {
      members.push_back(&frames[static_cast<std::size_t>(all[k])]);
      fractional.emplace_back();
      for (const Vec3& position : members.back()->structure.positions)
        fractional.back().push_back(members.back()->structure.cell.to_fractional(position));
    }
    for (std::size_t a = 0; a < members.size(); ++a)
      for (std::size_t b = a + 1; b < members.size(); ++b)
        if (const auto pair = compare(*members[a], *members[b], fractional[a], fractional[b])) {
          ++check.pairs;
          missing += pair->missing * pair->missing;
          sizes += pair->size * pair->size;
          mixed += pair->missing * pair->volume;
          volumes += pair->volume * pair->volume;
        }
  }
  if (sizes > 0) check.mismatch = std::sqrt(missing / sizes);
  if (volumes > 0) check.offset = mixed / volumes;
  return check;
}

}  // namespace haven::training
