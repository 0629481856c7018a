#include "md/force_engine.hpp"

#include <algorithm>
#include <limits>
#include <tuple>

#include "md/integrators/strain.hpp"

namespace haven {

ForceEngine::ForceEngine(Communicator& group, Agreement& agreement, const Setup& setup)
    : group_(group),
      agreement_(agreement),
      potential_(setup.potential),
      grid_(setup.grid),
      planes_(equal_planes(setup.grid)),
      owned_(static_cast<std::size_t>(setup.grid.size())),
      n_atoms_(setup.table.size()),
      cutoff_(setup.cutoff),
      skin_(setup.skin),
      exchange_(group, agreement, setup.table) {
  HAVEN_ASSERT(setup.grid.size() == group.size() && setup.cutoff >= setup.potential.requirements().cutoff);
}

void ForceEngine::rebuild(const Cell& cell, AtomStore& atoms) {
  const double radius = cutoff_ + skin_;
  DomainGeometry geometry(cell, grid_, planes_);
  exchange_.migrate(geometry, atoms);
  if (move_planes(cell, atoms)) {
    geometry = DomainGeometry(cell, grid_, planes_);
    exchange_.migrate(geometry, atoms);
  }
  exchange_.make_copies(geometry, radius, atoms);
  agreement_.attempt([&] {
    list_.build(cell, atoms.local(), radius);
    atoms.list_positions.assign(atoms.positions.begin(), atoms.positions.begin() + atoms.n_owned);
    list_cell_ = present_cell_ = cell;
  });
  agreement_.settle();
  ++rebuilds_;
}

/// Domains follow the atoms of uneven systems. What a rank owns never changes a result, so the planes are no part of
/// the state.
bool ForceEngine::move_planes(const Cell& cell, const AtomStore& atoms) {
  constexpr double tolerated = 1.1, worthwhile = 0.95;
  if (group_.size() == 1) return false;
  const auto most = static_cast<double>(max_over_ranks(group_, atoms.n_owned));
  const double mean = static_cast<double>(n_atoms_) / group_.size();
  if (most <= tolerated * mean + 1) return false;
  LoadProfile profile{};
  const auto owned = std::span(atoms.positions).first(static_cast<std::size_t>(atoms.n_owned));
  add_to_profile(cell, owned, profile);
  group_.all_reduce_sum(profile);
  const DomainGeometry moved(cell, grid_, balanced_planes(grid_, profile));
  std::fill(owned_.begin(), owned_.end(), 0);
  for (const Vec3& r : owned) ++owned_[static_cast<std::size_t>(moved.owner(r))];
  group_.all_reduce_sum(owned_);
  if (static_cast<double>(*std::max_element(owned_.begin(), owned_.end())) > worthwhile * most) return false;
  planes_ = moved.planes();
  ++rebalances_;
  return true;
}

void ForceEngine::follow(const Cell& cell, AtomStore& atoms, double displacement2) {
  // A pair that is not in the list was at least `radius` apart. The cell's deformation brings it to radius * stretch at
  // worst, and two atoms can approach by twice the largest displacement; the factor covers the rounding of the squares.
  const double radius = cutoff_ + skin_;
  const double stretch = cell == list_cell_ ? 1.0 : least_stretch(deformation(cell));
  const double allowed = 0.5 * (skin_ - radius * (1 - stretch)) * (1 - 1e-9);
  if (!(allowed > 0) || displacement2 >= allowed * allowed) {
    rebuild(cell, atoms);
    return;
  }
  exchange_.send_positions(atoms);
  if (!(cell == present_cell_)) list_.follow_cell(cell);
  present_cell_ = cell;
}

Mat3 ForceEngine::deformation(const Cell& cell) const {
  return cell == list_cell_ ? Mat3::identity() : list_cell_.inverse_vectors() * cell.vectors();
}

ForceResult ForceEngine::evaluate(AtomStore& atoms, Wanted wanted) {
  std::fill(atoms.forces.begin(), atoms.forces.end(), FixedVec3{});
  atoms.extrapolates.assign(static_cast<std::size_t>(atoms.n_owned), 0);
  Evaluation evaluation;
  evaluation.forces = atoms.forces;
  evaluation.extrapolates = atoms.extrapolates;
  agreement_.attempt([&] { potential_.evaluate(atoms.local(), list_.view(), wanted, evaluation); });
  exchange_.return_forces(atoms);
  return {.energy = evaluation.energy,
          .virial = evaluation.virial,
          .fault = evaluation.fault,
          .fault_atom = evaluation.fault_atom,
          .extrapolating = evaluation.extrapolating};
}

ForceResult ForceEngine::evaluate_other(const Potential& other, AtomStore& atoms, std::vector<FixedVec3>& forces) {
  forces.assign(atoms.forces.size(), FixedVec3{});
  Evaluation evaluation;
  evaluation.forces = forces;
  agreement_.attempt([&] { other.evaluate(atoms.local(), list_.view(), Wanted::forces, evaluation); });
  std::swap(forces, atoms.forces);
  exchange_.return_forces(atoms);
  std::swap(forces, atoms.forces);
  return {.energy = evaluation.energy,
          .virial = {},
          .fault = evaluation.fault,
          .fault_atom = evaluation.fault_atom,
          .extrapolating = evaluation.extrapolating};
}

ClosePair ForceEngine::closest_pair(const AtomStore& atoms) const {
  const NeighbourView list = list_.view();
  ClosePair closest{.distance2 = std::numeric_limits<double>::infinity()};
  for (Index i = 0; i < atoms.n_owned; ++i) {
    const auto centre = static_cast<std::size_t>(i);
    for (Index k = list.offsets[centre]; k < list.offsets[centre + 1]; ++k) {
      const double d2 = norm2(list.displacement(atoms.positions, i, k));
      if (d2 > closest.distance2) continue;
      const AtomId other = atoms.ids[static_cast<std::size_t>(list.atom[static_cast<std::size_t>(k)])];
      const auto [low, high] = std::minmax(atoms.ids[centre], other);
      if (d2 < closest.distance2 || std::tie(low, high) < std::tie(closest.first, closest.second))
        closest = {d2, low, high};
    }
  }
  return closest;
}

}  // namespace haven
