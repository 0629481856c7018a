#include "io/import_checks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>

#include "core/species.hpp"
#include "core/units.hpp"
#include "io/label_scale.hpp"

namespace haven {
namespace {

std::string atom_name(const Structure& structure, std::size_t atom) {
  return fmt::format("atom {} ({})", atom + 1, element_symbol(structure.numbers[atom]));
}

Vec3 net_force(const Frame& frame) { return std::accumulate(frame.forces.begin(), frame.forces.end(), Vec3{}); }

std::optional<FrameFinding> check_finite(const Frame& frame) {
  const auto finite = [](const std::vector<Vec3>& v) { return std::all_of(v.begin(), v.end(), is_finite); };
  const bool stress = !frame.stress ||
                      (is_finite((*frame.stress)[0]) && is_finite((*frame.stress)[1]) && is_finite((*frame.stress)[2]));
  if (finite(frame.structure.positions) && finite(frame.forces) && stress && std::isfinite(frame.energy.value_or(0)))
    return std::nullopt;
  return FrameFinding{"DI004", "a number is not finite"};
}

std::optional<FrameFinding> check_forces(const Frame& frame, double limit) {
  double largest = 0;
  std::size_t where = 0;
  for (std::size_t atom = 0; atom < frame.forces.size(); ++atom)
    if (const double f = norm2(frame.forces[atom]); f > largest) {
      largest = f;
      where = atom;
    }
  if (largest <= limit * limit) return std::nullopt;
  return FrameFinding{"DI005",
                      fmt::format("max|F| {:.1f} eV/A on {}", std::sqrt(largest), atom_name(frame.structure, where))};
}

std::optional<FrameFinding> check_scale(const Frame& frame) {
  if (const auto stress = stress_beyond_physics(frame))
    return FrameFinding{
        "DI011", fmt::format("stress of {:.1f} eV/A^3 ({:.0f} GPa)", *stress, *stress * units::ev_per_a3_in_gpa)};
  if (const auto energy = energy_beyond_physics(frame))
    return FrameFinding{"DI012", fmt::format("energy of {:.6g} eV per atom", *energy)};
  return std::nullopt;
}

std::optional<FrameFinding> check_distances(const Frame& frame, double limit) {
  const auto pair = closest_pair_below(frame.structure, limit);
  if (!pair) return std::nullopt;
  const auto a = static_cast<std::size_t>(pair->a), b = static_cast<std::size_t>(pair->b);
  return FrameFinding{"DI006", fmt::format("{} and {} are {:.3f} A apart", atom_name(frame.structure, a),
                                           atom_name(frame.structure, b), pair->distance)};
}

/// Forces that a program set to zero because the atoms were held are no labels. With flags: every held component is
/// exactly zero while others are not. Without: some atoms have exactly zero force, and the rest does not sum to zero,
/// as it would by symmetry.
std::optional<FrameFinding> check_constraints(const Frame& frame, const std::vector<std::array<bool, 3>>& movable) {
  Index held = 0, zero_atoms = 0, nonzero = 0;
  bool held_are_zero = true;
  for (std::size_t atom = 0; atom < frame.forces.size(); ++atom) {
    const Vec3& f = frame.forces[atom];
    if (norm2(f) == 0)
      ++zero_atoms;
    else
      ++nonzero;
    if (movable.size() != frame.forces.size()) continue;
    for (int axis = 0; axis < 3; ++axis) {
      if (movable[atom][static_cast<std::size_t>(axis)]) continue;
      ++held;
      held_are_zero = held_are_zero && f[axis] == 0;
    }
  }
  if (nonzero == 0) return std::nullopt;
  if (held > 0 && held_are_zero)
    return FrameFinding{"DI007",
                        fmt::format("the forces on {} held coordinates were set to zero (selective dynamics)", held)};
  const double net = norm(net_force(frame));
  const double limit = std::max(0.1, 0.005 * static_cast<double>(frame.forces.size()));
  if (zero_atoms == 0 || net < limit) return std::nullopt;
  return FrameFinding{"DI007",
                      fmt::format("{} atoms have exactly zero force while the others sum to {:.2f} eV/A (held atoms)",
                                  zero_atoms, net)};
}

std::uint64_t mixed(std::uint64_t hash, std::uint64_t value) {
  // splitmix64 finaliser over the running value.
  std::uint64_t z = hash ^ (value + 0x9E3779B97F4A7C15ULL + (hash << 6U) + (hash >> 2U));
  z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ (z >> 27U)) * 0x94D049BB133111EBULL;
  return z ^ (z >> 31U);
}

std::uint64_t digest(const Structure& structure) {
  std::uint64_t hash = static_cast<std::uint64_t>(structure.size());
  const auto add = [&](const Vec3& v) {
    for (int axis = 0; axis < 3; ++axis) hash = mixed(hash, std::bit_cast<std::uint64_t>(v[axis] + 0.0));  // -0 = 0
  };
  for (int k = 0; k < 3; ++k) add(structure.cell.vectors()[k]);
  for (const int number : structure.numbers) hash = mixed(hash, static_cast<std::uint64_t>(number));
  for (const Vec3& position : structure.positions) add(position);
  return hash;
}

struct Entry {
  Vec3 fractional;
  Index atom = 0;
};

/// Atoms by their fractional coordinate along one axis, wrapped into [0, 1) when that is periodic.
std::vector<Entry> sorted_along(const Structure& structure, int axis) {
  std::vector<Entry> entries;
  for (Index atom = 0; atom < structure.size(); ++atom) {
    Vec3 f = structure.cell.to_fractional(structure.positions[static_cast<std::size_t>(atom)]);
    if (structure.cell.periodic()[static_cast<std::size_t>(axis)]) f[axis] -= std::floor(f[axis]);
    entries.push_back({f, atom});
  }
  const auto before = [axis](const Entry& a, const Entry& b) { return a.fractional[axis] < b.fractional[axis]; };
  std::sort(entries.begin(), entries.end(), before);
  return entries;
}

/// Exact for distances below half of every height.
double nearest_distance(const Cell& cell, Vec3 d) {
  for (int k = 0; k < 3; ++k)
    if (cell.periodic()[static_cast<std::size_t>(k)]) d[k] -= std::round(d[k]);
  return norm(cell.to_cartesian(d));
}

}  // namespace

std::optional<ClosestAtoms> closest_pair_below(const Structure& structure, double limit) {
  const Cell& cell = structure.cell;
  const Vec3 heights = cell.heights();
  int axis = 0;
  for (int k = 0; k < 3; ++k) {
    if (heights[k] > heights[axis]) axis = k;
    // An atom and its own image; below two limits the nearest-image rule used further down would not hold either.
    if (cell.periodic()[static_cast<std::size_t>(k)] && heights[k] < 2 * limit && structure.size() > 0)
      return ClosestAtoms{0, 0, heights[k]};
  }
  // Sweep along the tallest axis: only atoms within the limit of each other's slab can be close.
  const auto entries = sorted_along(structure, axis);
  const bool periodic = cell.periodic()[static_cast<std::size_t>(axis)];
  const double window = limit / heights[axis];
  std::optional<ClosestAtoms> closest;
  double best = limit;
  const std::size_t n = entries.size();
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t step = 1; step < n; ++step) {
      const std::size_t j = (i + step) % n;
      if (j < i && !periodic) break;
      const double along = entries[j].fractional[axis] - entries[i].fractional[axis] + (j < i ? 1.0 : 0.0);
      if (along > window) break;
      const double distance = nearest_distance(cell, entries[j].fractional - entries[i].fractional);
      if (distance >= best) continue;
      best = distance;
      closest = ClosestAtoms{std::min(entries[i].atom, entries[j].atom), std::max(entries[i].atom, entries[j].atom),
                             distance};
    }
  }
  return closest;
}

std::optional<FrameFinding> FrameChecks::reason_to_reject(const Frame& frame,
                                                          const std::vector<std::array<bool, 3>>& movable) {
  if (auto found = check_finite(frame)) return found;
  if (auto found = check_forces(frame, max_force_)) return found;
  if (auto found = check_scale(frame)) return found;
  if (auto found = check_distances(frame, min_distance_)) return found;
  if (auto found = check_constraints(frame, movable)) return found;
  other_energy_.reset();
  const double energy = frame.energy.value_or(0.0);
  const auto [at, inserted] = energy_of_geometry_.try_emplace(digest(frame.structure), energy);
  if (inserted) return std::nullopt;
  if (std::abs(at->second - energy) < 1e-6)
    return FrameFinding{"DI008", "the same structure and energy as an earlier frame"};
  other_energy_ = at->second;
  return std::nullopt;
}

std::vector<FrameFinding> FrameChecks::remarks(const Frame& frame) const {
  std::vector<FrameFinding> found;
  const double net = norm(net_force(frame)) / static_cast<double>(std::max<std::size_t>(1, frame.forces.size()));
  if (net > max_net_force_)
    found.push_back({"DI101", fmt::format("the forces sum to {:.4f} eV/A per atom instead of 0", net)});
  if (other_energy_)
    found.push_back({"DI105", fmt::format("the same structure has the energy {:.6f} eV elsewhere, here {:.6f} eV",
                                          *other_energy_, frame.energy.value_or(0.0))});
  return found;
}

}  // namespace haven
