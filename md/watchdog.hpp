#pragma once
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "md/agreement.hpp"
#include "md/drift_fit.hpp"
#include "md/dynamics.hpp"
#include "md/force_engine.hpp"
#include "md/integrators/integrator.hpp"
#include "md/observables.hpp"
#include "md/options.hpp"

namespace haven {

/// What a guard found; the same on every rank.
struct Finding {
  std::string guard;  ///< stable name, e.g. "max_force"
  GuardAction action = GuardAction::stop;
  std::string text;  ///< what happened, with value and limit
  std::string remedy;
  double value = 0, limit = 0;
  std::string code{};     ///< of the warning (docs/warnings.md) when the action is to flag
  AtomId atom = -1;       ///< -1 when no single atom is to blame
  Vec3 position{};        ///< of that atom, A
  std::string members{};  ///< further members for events.jsonl, each with a comma before it
};

/// Host atoms are those of elements that are not mobile.
struct Host {
  std::vector<char> flags;  ///< by id; empty when there is no host guard
  double spacing = 0;       ///< A; mean distance to the nearest other host atom in the input structure
};
[[nodiscard]] Host find_host(const Cell& cell, const AtomTable& table, std::span<const int> mobile_elements);

/// The guards of a run. All checks are collective and agree on every rank; none depends on rank count or rebuild
/// schedule.
class Watchdog {
 public:
  struct Setup {
    const AtomTable& table;
    const MdOptions& options;
    Host host;
    double trained_minimum_distance = 0;  ///< A, 0 when unknown
  };
  Watchdog(Communicator& group, Agreement& agreement, Setup setup);

  /// @param temperature  K, of the system when the stage begins
  void begin_stage(Ensemble ensemble, double temperature);

  struct Motion {
    double displacement2 = 0;  ///< A^2, largest since the neighbour list was built
    std::optional<Finding> finding{};
  };
  /// After the drift and before anything uses the positions: are they finite, did nobody jump, is the cell usable?
  /// @param deformation  of the cell since the neighbour list was built, which displacements do not count
  [[nodiscard]] Motion check_motion(const Dynamics& dynamics, const Mat3& deformation);

  /// What a rank wants the others to know at the end of a step; after agreement, the same everywhere.
  struct StepVerdict {
    bool stop = false, checkpoint = false;
    double max_force = 0;  ///< eV/A
    std::optional<Finding> finding{};
  };
  /// After the forces. Settles the Agreement: a rank's exception is thrown on all.
  [[nodiscard]] StepVerdict check_step(const Dynamics& dynamics, bool stop, bool checkpoint);

  /// Before the first evaluation: the closest pair if it is nearer than options.guards.overlap_distance.
  [[nodiscard]] std::optional<Finding> check_overlap(const ForceEngine& engine, const AtomStore& atoms);
  /// At a thermodynamic row.
  [[nodiscard]] std::vector<Finding> check_row(const Dynamics& dynamics, const ForceEngine& engine,
                                               const Thermodynamics& thermo, double conserved);

  /// The conserved energy of the stage's rows so far, eV/atom over ns.
  [[nodiscard]] const DriftFit& drift() const { return drift_; }
  void save(Integrator::Variables& variables) const;
  void load(const Integrator::Variables& variables);

 private:
  struct Candidate {
    double value = 0;  // larger is worse
    AtomId atom = -1;
    Vec3 position{};
  };
  [[nodiscard]] Candidate worst(Candidate mine);
  [[nodiscard]] Candidate worst_owned(const AtomStore& atoms, const std::function<double(std::size_t)>& badness);
  [[nodiscard]] ClosePair closest_pair(const ForceEngine& engine, const AtomStore& atoms);
  [[nodiscard]] Finding fault_finding(const Dynamics& dynamics);
  [[nodiscard]] Finding unusable_finding(const AtomStore& atoms);
  [[nodiscard]] Finding force_finding(const AtomStore& atoms);
  void add_distance_finding(const ForceEngine& engine, const AtomStore& atoms, std::vector<Finding>& findings);
  void add_host_finding(const Dynamics& dynamics, std::vector<Finding>& findings);
  [[nodiscard]] std::optional<Finding> cell_finding(const Dynamics& dynamics) const;
  void add_temperature_finding(const Dynamics& dynamics, double temperature, std::vector<Finding>& findings) const;
  void add_drift_finding(const Dynamics& dynamics, double conserved, std::vector<Finding>& findings);

  Communicator& group_;
  Agreement& agreement_;
  const AtomTable& table_;
  const MdOptions& options_;
  Host host_;
  double minimum_distance_;
  Ensemble ensemble_ = Ensemble::nve;
  double start_temperature_ = 0;
  DriftFit drift_;
  TrendTest trend_;
};

/// "atom 17 (Li) at (1.00, 2.00, 3.00) A".
[[nodiscard]] std::string describe_atom(const AtomTable& table, AtomId atom, const Vec3& position);

}  // namespace haven
