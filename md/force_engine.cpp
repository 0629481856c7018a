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
  exchange_.start_positions(atoms);
  if (!(cell == present_cell_)) list_.follow_cell(cell);
  present_cell_ = cell;
}

Mat3 ForceEngine::deformation(const Cell& cell) const {
  return cell == list_cell_ ? Mat3::identity() : list_cell_.inverse_vectors() * cell.vectors();
}

/// Which part of the interior is evaluated when cannot be seen in the results, which are sums of integers. Each half of
/// it covers one exchange, and is cut in two so that messages which need a call to move on get one.
void ForceEngine::evaluate_and_exchange(AtomStore& atoms, Wanted wanted, Evaluation& evaluation) {
  const auto evaluate = [&](Index first, Index last) {
    LocalAtoms part = atoms.local();
    part.first_centre = first;
    part.n_centres = last;
    agreement_.attempt([&] { potential_.evaluate(part, list_.view(), wanted, evaluation); });
  };
  const Index n = atoms.n_owned, interior = exchange_.n_interior(), quarter = interior / 4;
  // Every call looks at all positions, which a few centres are not worth.
  constexpr Index worthwhile_share = 32;
  const bool overlaps = potential_.evaluates_parts() && interior < n && quarter > 0 && worthwhile_share * interior >= n;
  if (overlaps) {
    evaluate(0, quarter);
    exchange_.progress();
    evaluate(quarter, 2 * quarter);
  }
  exchange_.finish_positions(atoms);
  evaluate(overlaps ? interior : 0, n);
  exchange_.start_forces(atoms);
  if (overlaps) {
    evaluate(2 * quarter, 3 * quarter);
    exchange_.progress();
    evaluate(3 * quarter, interior);
  }
  exchange_.finish_forces(atoms);
}

ForceResult ForceEngine::evaluate(AtomStore& atoms, Wanted wanted) {
  std::fill(atoms.forces.begin(), atoms.forces.end(), FixedVec3{});
  atoms.extrapolates.assign(static_cast<std::size_t>(atoms.n_owned), 0);
  Evaluation evaluation;
  evaluation.forces = atoms.forces;
  evaluation.extrapolates = atoms.extrapolates;
  evaluate_and_exchange(atoms, wanted, evaluation);
  return {.energy = evaluation.energy,
          .virial = evaluation.virial,
          .fault = evaluation.fault,
          .fault_atom = evaluation.fault_atom,
          .extrapolating = evaluation.extrapolating};
}

MemberResults ForceEngine::evaluate_members(const Potential& potential, AtomStore& atoms) {
  const auto others = static_cast<std::size_t>(potential.requirements().members - 1);
  const std::size_t n = atoms.forces.size();
  MemberResults results;
  results.forces.assign(others + 1, std::vector<FixedVec3>(n));
  results.energy_deviations.resize(others);
  std::vector<FixedVec3>& last = results.forces.back();
  std::vector<FixedVec3> deviations(others * n);
  Evaluation evaluation;
  evaluation.forces = last;
  evaluation.force_deviations = deviations;
  evaluation.energy_deviations = results.energy_deviations;
  const Wanted wanted = others > 0 ? Wanted::deviation : Wanted::forces;
  agreement_.attempt([&] { potential.evaluate(atoms.local(), list_.view(), wanted, evaluation); });
  results.energy = evaluation.energy;
  results.fault = evaluation.fault;
  // The mean lies where the last member's forces will: it deviates by minus the sum of the others' deviations.
  for (std::size_t m = 0; m < others; ++m) results.forces[m] = last;
  for (std::size_t m = 0; m < others; ++m)
    for (std::size_t i = 0; i < n; ++i) {
      results.forces[m][i] += deviations[m * n + i];
      last[i] -= deviations[m * n + i];
    }
  for (std::vector<FixedVec3>& forces : results.forces) {
    std::swap(forces, atoms.forces);
    exchange_.start_forces(atoms);
    exchange_.finish_forces(atoms);
    std::swap(forces, atoms.forces);
  }
  return results;
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
