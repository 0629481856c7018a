#include "md/simulation.hpp"

#include <fmt/format.h>

#include "md/run_parts.hpp"

namespace haven {

RunOutcome Simulation::run() {
  begin();
  for (; stage_ < static_cast<int>(options_.stages.size()); ++stage_) {
    enter_stage();
    while (dynamics_.step < stage_end())
      if (advance() && !is_over()) return finish(RunStatus::stopped);
    leave_stage();
  }
  return finish(RunStatus::finished);
}

/// One step. Every rank makes the same collective calls in the same order; a rank that fails inside says so in
/// check_motion() or check_step(), and all throw. Returns whether a stop was requested on any rank.
bool Simulation::advance() {
  ++dynamics_.step;
  dynamics_.target_temperature = target_temperature(dynamics_.step);
  stall_.report(dynamics_.step, "integration");
  integrator_->before_forces(dynamics_, group_);

  const Watchdog::Motion motion = watchdog_.check_motion(dynamics_, engine_.deformation(dynamics_.cell));
  if (motion.finding) fail(*motion.finding);
  stall_.report(dynamics_.step, "neighbour lists");
  engine_.follow(dynamics_.cell, dynamics_.atoms, motion.displacement2);

  const bool row_due = is_due(options_.thermo_interval), frame_due = is_due(stage().trajectory_interval);
  stall_.report(dynamics_.step, "forces");
  dynamics_.result =
      engine_.evaluate(dynamics_.atoms, integrator_->wanted() | (row_due ? Wanted::virial : Wanted::forces));
  integrator_->after_forces(dynamics_, group_);
  if (stage().ensemble == Ensemble::npt) mean_cell_.add(dynamics_.step, dynamics_.cell);

  const auto verdict = watchdog_.check_step(dynamics_, services_.stop.requested(), checkpoint_time_has_come());
  if (verdict.finding) fail(*verdict.finding);
  stall_.report(dynamics_.step, "output");
  if (row_due) write_row(verdict.max_force);
  if (frame_due) recorder_.frame(dynamics_);
  if (meter_.is_on() && is_due(stage().correlator_interval)) meter_.sample(dynamics_);
  const bool checkpoint_due =
      verdict.checkpoint || verdict.stop || is_due(options_.checkpoint_interval) || dynamics_.step == stage_end();
  if (checkpoint_due) write_checkpoint();
  if (row_due || frame_due || checkpoint_due) agreement_.settle();
  return verdict.stop;
}

RunOutcome run_md(const Potential& potential, const MdInput& input, const MdOptions& options,
                  const std::optional<SimulationState>& restart, const RunServices& services) {
  Agreement agreement(services.group);
  try {
    PreparedRun prepared = prepare_run(potential, input, options, restart, services.group, agreement);
    return Simulation(potential, options, prepared, services, agreement).run();
  } catch (const std::exception& error) {
    // An error that the other ranks do not know of would leave them waiting for ever.
    if (agreement.agreed() || services.group.size() == 1) throw;
    const auto* ours = dynamic_cast<const Error*>(&error);
    fmt::print(stderr, "rank {}: {}\n", services.group.rank(), error.what());
    services.group.abort(static_cast<int>(ours != nullptr ? ours->exit_code() : ExitCode::bug));
    throw;
  }
}

}  // namespace haven
