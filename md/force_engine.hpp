#pragma once
#include "core/neighbour_list.hpp"
#include "md/dynamics.hpp"
#include "md/ghost_exchange.hpp"

namespace haven {

/// Two atoms (or an atom and an image) and their distance.
struct ClosePair {
  double distance2 = 0;  ///< A^2
  AtomId first = -1, second = -1;
};

/// What the members of a committee say, or the one of a single potential.
struct MemberResults {
  std::vector<std::vector<FixedVec3>> forces;  ///< [members][local atoms], eV/A; owned ones complete
  FixedSum energy;                             ///< eV, of their mean, over the centres of this rank
  std::vector<FixedSum> energy_deviations;     ///< [members - 1], see Evaluation
  EvaluationFault fault = EvaluationFault::none;
};

/// From positions to forces: copies, neighbour list, potential, sum over ranks. All functions are collective unless
/// they say so.
class ForceEngine {
 public:
  struct Setup {
    const Potential& potential;
    const AtomTable& table;
    RankGrid grid;
    double cutoff = 0;  ///< A; lists serve potentials up to this one
    double skin = 1.0;  ///< A
  };
  ForceEngine(Communicator& group, Agreement& agreement, const Setup& setup);

  /// Brings atoms to their owners and builds copies and list anew.
  void rebuild(const Cell& cell, AtomStore& atoms);
  /// Makes copies and list fit the present positions: rebuilds when the list could miss a pair.
  /// @param displacement2  largest squared displacement since the last list from where the cell's deformation() took
  /// the atom, over all ranks (A^2)
  void follow(const Cell& cell, AtomStore& atoms, double displacement2);
  /// r -> r m takes points along with the cell since the last list.
  [[nodiscard]] Mat3 deformation(const Cell& cell) const;
  /// Forces into `atoms` (owned ones complete). A failing potential fails the Agreement, which the caller settles.
  /// Positions and forces of copies travel while the potential evaluates atoms that have nothing to do with copies.
  [[nodiscard]] ForceResult evaluate(AtomStore& atoms, Wanted wanted);
  /// What each member of a potential says at the positions of the last evaluation, whose results stay.
  [[nodiscard]] MemberResults evaluate_members(const Potential& potential, AtomStore& atoms);
  /// Not collective: the closest pair with an owned atom, lowest ids first among equals; distance2 is infinite without
  /// pairs.
  [[nodiscard]] ClosePair closest_pair(const AtomStore& atoms) const;
  /// The present list; its entries are indices into the AtomStore.
  [[nodiscard]] NeighbourView list() const { return list_.view(); }
  /// Owned atoms, the first ones, that no other rank has a copy of: messages travel while they are evaluated.
  [[nodiscard]] Index n_interior() const { return exchange_.n_interior(); }
  [[nodiscard]] Index rebuilds() const { return rebuilds_; }
  /// How often planes between domains were moved because one rank had more than a tenth too many atoms.
  [[nodiscard]] Index rebalances() const { return rebalances_; }

 private:
  /// Adds the potential's results for owned and copied atoms, then those of other ranks' copies to atoms.forces.
  void evaluate_and_exchange(AtomStore& atoms, Wanted wanted, Evaluation& evaluation);
  [[nodiscard]] bool move_planes(const Cell& cell, const AtomStore& atoms);

  Communicator& group_;
  Agreement& agreement_;
  const Potential& potential_;
  RankGrid grid_;
  DomainPlanes planes_;
  std::vector<std::int64_t> owned_;  // by rank: scratch of move_planes()
  Index n_atoms_;
  double cutoff_, skin_;
  GhostExchange exchange_;
  NeighbourList list_;
  Cell list_cell_;     // of the last build
  Cell present_cell_;  // that the list's translations belong to
  Index rebuilds_ = 0, rebalances_ = 0;
};

}  // namespace haven
