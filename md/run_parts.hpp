#pragma once
#include <chrono>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "core/stall_watch.hpp"
#include "md/committee.hpp"
#include "md/extrapolation.hpp"
#include "md/force_engine.hpp"
#include "md/integrators/integrator.hpp"
#include "md/live_transport.hpp"
#include "md/mean_cell.hpp"
#include "md/recorder.hpp"
#include "md/setup.hpp"
#include "md/simulation.hpp"
#include "md/watchdog.hpp"

namespace haven {

/// A run: the parts of run_md(). The order in which they act, step by step, is in simulation.cpp; what happens at the
/// beginning and end of stages and at outputs is in run_parts.cpp. Everything is collective.
class Simulation {
 public:
  Simulation(const Potential& potential, const MdOptions& options, PreparedRun& prepared, const RunServices& services,
             Agreement& agreement);
  [[nodiscard]] RunOutcome run();

 private:
  using Clock = std::chrono::steady_clock;

  void begin();
  void warn_of_small_cell();
  void warn_of_unknown_ranges();
  void enter_stage();
  void take_mean_cell();
  void resume_stage();
  void leave_stage();
  void tell_drift();
  void tell_mean_cell();
  bool advance();
  [[nodiscard]] RunOutcome finish(RunStatus status);

  void write_row(double max_force);
  [[nodiscard]] bool wants_candidate() const;
  void keep_candidate(const std::string& reason, const std::string& members);
  [[nodiscard]] std::vector<OutsideAtom> atoms_outside();
  [[nodiscard]] std::optional<Finding> compare_committee();
  void report_finding(const Finding& finding);
  void name_atoms(Finding& finding, const std::vector<OutsideAtom>& outside);
  void write_checkpoint();
  [[nodiscard]] SimulationState gather_state();
  void report_progress(const ThermoRow& row);
  [[noreturn]] void fail(Finding finding);

  [[nodiscard]] const StageOptions& stage() const { return options_.stages[static_cast<std::size_t>(stage_)]; }
  [[nodiscard]] std::int64_t stage_end() const {
    return stage_first_step_ + stage_steps(stage(), options_.timestep_fs);
  }
  [[nodiscard]] bool is_over() const;
  [[nodiscard]] bool is_due(std::int64_t interval) const;
  [[nodiscard]] bool checkpoint_time_has_come() const;
  [[nodiscard]] double target_temperature(std::int64_t step) const;

  const Potential& potential_;
  const MdOptions& options_;
  PreparedRun& prepared_;
  const RunServices& services_;
  Communicator& group_;
  Agreement& agreement_;
  RankGrid grid_;
  ForceEngine engine_;
  Watchdog watchdog_;
  Recorder recorder_;
  LiveTransportMeter meter_;
  std::unique_ptr<Integrator> integrator_;
  Dynamics dynamics_;
  StallWatch stall_;
  MeanCell mean_cell_;                                      // of the present stage, when it is at constant pressure
  std::map<std::string, std::vector<double>> stage_cells_;  // mean cell vectors (A) of finished npt stages by name
  int stage_ = 0;
  std::int64_t stage_first_step_ = 0;
  bool resumes_stage_ = false;     // the next enter_stage() continues one
  std::set<std::string> flagged_;  // guards reported in this stage
  Index extrapolating_rows_ = 0;
  double largest_deviation_ = 0;      // eV/A, of a committee
  Index candidates_ = 0;              // frames given for labelling in this stage
  std::int64_t last_candidate_ = -1;  // step
  Clock::time_point began_ = Clock::now(), last_checkpoint_ = Clock::now();
};

}  // namespace haven
