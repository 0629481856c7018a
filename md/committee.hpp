#pragma once
#include <memory>
#include <optional>
#include <span>

#include "md/force_engine.hpp"
#include "md/sinks.hpp"
#include "md/watchdog.hpp"

namespace haven {

/// The models of a committee besides the one that moves the atoms. Each, and that one, may be a committee with shared
/// descriptors itself (Requirements::members): its members then count one by one.
using OtherModels = std::span<const std::unique_ptr<Potential>>;

/// The model that moves the atoms, and the others.
struct Committee {
  const Potential& mover;
  OtherModels others;
  [[nodiscard]] Index members() const;
};

/// How far the models of a committee are apart at one step, the same on every rank.
struct Disagreement {
  double force = 0;      ///< eV/A: the largest deviation of the force on an atom; infinite when a model gives no number
  double force_rms = 0;  ///< eV/A: root mean square of the deviations of all atoms
  double energy = 0;     ///< eV/atom: root mean square deviation of the energies from their mean
  AtomId atom = -1;      ///< with the largest deviation
  Vec3 position{};       ///< of that atom, A
};

/// Evaluates all members of the models at the present positions and compares. The deviation of the force on atom i is
/// sqrt(<|F_i - <F_i>|^2>), averages over the models (Zhang, Lin, Wang, Car, E, Phys. Rev. Mater. 3, 023804 (2019),
/// eq. 4). Collective; an exception of one rank fails the Agreement, which the caller settles.
[[nodiscard]] Disagreement measure_disagreement(Communicator& group, Agreement& agreement, ForceEngine& engine,
                                                Dynamics& dynamics, const Committee& committee);
/// What is wrong with it, if it is above the limit of `guards`.
[[nodiscard]] std::optional<Finding> deviation_finding(const Disagreement& disagreement, const GuardOptions& guards);
/// @throws ModelError when one of the others cannot be compared with the mover
void check_committee(const Committee& committee);
/// The largest cut-off of all, A.
[[nodiscard]] double farthest_cutoff(const Committee& committee);

}  // namespace haven
