#include "io/stress_check.hpp"

#include <algorithm>
#include <cmath>

namespace haven {
namespace {

constexpr std::size_t remembered = 64;  // samples that a new one is compared with
constexpr std::size_t most_points = 100'000;
constexpr double smallest_strain = 1e-4, largest_strain = 0.05;
constexpr double largest_displacement = 0.05;  // A, inside the cell

double largest_component(const Mat3& m) {
  double largest = 0;
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 3; ++j) largest = std::max(largest, std::abs(m[i][j]));
  return largest;
}

Mat3 symmetric(const Mat3& m) { return 0.5 * (m + transpose(m)); }

double contraction(const Mat3& a, const Mat3& b) { return dot(a[0], b[0]) + dot(a[1], b[1]) + dot(a[2], b[2]); }

/// log(1 + x) to third order.
Mat3 logarithm(const Mat3& x) {
  const Mat3 squared = x * x;
  return x + (-0.5) * squared + (1.0 / 3.0) * (squared * x);
}

/// Fractional difference reduced to the nearest image.
Vec3 nearest(const Vec3& d) { return {d.x - std::round(d.x), d.y - std::round(d.y), d.z - std::round(d.z)}; }

}  // namespace

std::optional<Vec3> StressChecker::compare(const Sample& i, const Sample& j) {
  if (i.origin != j.origin || i.numbers != j.numbers) return std::nullopt;
  const Mat3 identity = Mat3::identity();
  const Mat3 deformation = inverse(i.cell) * j.cell + (-1.0) * identity;  // r_j = r_i (1 + deformation)
  const double strain = largest_component(symmetric(deformation));
  if (strain < smallest_strain || largest_component(deformation) > largest_strain) return std::nullopt;
  const Mat3 mean_cell = 0.5 * (i.cell + j.cell);
  double force_work = 0;
  for (std::size_t atom = 0; atom < i.fractional.size(); ++atom) {
    const Vec3 moved = nearest(j.fractional[atom] - i.fractional[atom]) * mean_cell;
    if (norm2(moved) > largest_displacement * largest_displacement) return std::nullopt;
    force_work += 0.5 * dot(i.forces[atom] + j.forces[atom], moved);
  }
  const double volume_i = std::abs(determinant(i.cell)), volume_j = std::abs(determinant(j.cell));
  const Mat3 work_stress = (0.5 * volume_i) * i.stress + (0.5 * volume_j) * j.stress;
  const Vec3 point{contraction(work_stress, symmetric(logarithm(deformation))), j.energy - i.energy + force_work, 0};
  return (1.0 / static_cast<double>(i.numbers.size())) * point;
}

void StressChecker::add(const Frame& frame) {
  if (!frame.energy || !frame.stress || frame.forces.size() != frame.structure.positions.size()) return;
  const FrameSource& source = frame.source;
  Sample sample{.origin = frame.group + '\n' + source.code + '\n' + (source.settings ? *source.settings : ""),
                .numbers = frame.structure.numbers,
                .fractional = {},
                .forces = frame.forces,
                .cell = frame.structure.cell.vectors(),
                .stress = *frame.stress,
                .energy = *frame.energy};
  // A run at constant cell contributes one sample: it has no strained neighbours in itself.
  if (!samples_.empty() && samples_.back().cell == sample.cell && samples_.back().numbers == sample.numbers) return;
  for (const Vec3& position : frame.structure.positions)
    sample.fractional.push_back(frame.structure.cell.to_fractional(position));
  for (const Sample& other : samples_) {
    if (points_.size() >= most_points) break;
    if (const auto point = compare(other, sample)) points_.push_back(*point);
  }
  if (samples_.size() >= remembered) samples_.erase(samples_.begin());
  samples_.push_back(std::move(sample));
}

StressCheck StressChecker::result() const {
  StressCheck check;
  check.pairs = static_cast<Index>(points_.size());
  double xx = 0, yy = 0, xy = 0;
  for (const Vec3& p : points_) {
    xx += p.x * p.x;
    yy += p.y * p.y;
    xy += p.x * p.y;
  }
  if (check.pairs < fewest_pairs || xx <= 0 || yy <= 0) return check;
  // Both quantities are odd under exchange of the frames of a pair, so neither has a mean to subtract.
  check.correlation = xy / std::sqrt(xx * yy);
  check.slope = xy / xx;
  const double size = std::abs(check.slope);
  if (std::abs(check.correlation) < 0.9) return check;
  if (size > 0.6 && size < 1.6)
    check.verdict = check.slope > 0 ? StressCheck::Verdict::right : StressCheck::Verdict::wrong_sign;
  else if (size > 10 || size < 0.1)
    check.verdict = StressCheck::Verdict::wrong_unit;
  return check;
}

StressCheck check_stress(const std::vector<Frame>& frames) {
  StressChecker checker;
  for (const Frame& frame : frames) checker.add(frame);
  return checker.result();
}

}  // namespace haven
