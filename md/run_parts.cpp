#include "md/run_parts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace haven {
namespace {

constexpr std::string_view flagged_prefix = "guard.flagged.";

RankGrid grid_for(const Potential& potential, const MdOptions& options, const PreparedRun& prepared, int ranks) {
  return choose_rank_grid(prepared.state.cell, ranks, potential.requirements().cutoff + options.skin,
                          prepared.state.positions);
}

double seconds(std::chrono::steady_clock::duration d) { return std::chrono::duration<double>(d).count(); }

}  // namespace

Simulation::Simulation(const Potential& potential, const MdOptions& options, const PreparedRun& prepared,
                       const RunServices& services, Agreement& agreement)
    : potential_(potential),
      options_(options),
      prepared_(prepared),
      services_(services),
      group_(services.group),
      agreement_(agreement),
      grid_(grid_for(potential, options, prepared, services.group.size())),
      engine_(services.group, agreement,
              {.potential = potential, .table = prepared.table, .grid = grid_, .skin = options.skin}),
      watchdog_(services.group, agreement,
                {.table = prepared.table,
                 .options = options,
                 .host = prepared.host,
                 .trained_minimum_distance = potential.requirements().minimum_distance}),
      recorder_(services.group, agreement,
                {.table = prepared.table,
                 .input = prepared.input,
                 .timestep_fs = options.timestep_fs,
                 .sink = services.sink}) {}

void Simulation::begin() {
  const SimulationState& state = prepared_.state;
  const AtomTable& table = prepared_.table;
  dynamics_.cell = state.cell;
  dynamics_.step = state.step;
  dynamics_.timestep = options_.timestep_fs;
  dynamics_.degrees_of_freedom = degrees_of_freedom(table.size(), table.frozen);
  dynamics_.seed = options_.seed;
  stage_ = state.stage;
  stage_first_step_ = state.stage_first_step;
  resumes_stage_ = prepared_.is_restart;
  const DomainGeometry geometry(state.cell, grid_);
  agreement_.attempt([&] {
    for (std::size_t id = 0; id < state.positions.size(); ++id)
      if (geometry.owner(state.positions[id]) == group_.rank())
        dynamics_.atoms.add_owned(table, static_cast<AtomId>(id), state.positions[id], state.velocities[id]);
  });
  engine_.rebuild(dynamics_.cell, dynamics_.atoms);
  const auto overlap = watchdog_.check_overlap(engine_, dynamics_.atoms);
  if (overlap)
    agreement_.throw_on_all(
        InputError(overlap->text, prepared_.is_restart ? "checkpoint" : "structure", overlap->remedy));
  services_.log.info(fmt::format("{} atoms on {} ranks ({} x {} x {} domains), potential: {}", table.size(),
                                 group_.size(), grid_.n[0], grid_.n[1], grid_.n[2], potential_.description()));
  if (const double drift = norm(prepared_.removed_drift); drift > 0)
    services_.log.info(fmt::format("removed a centre-of-mass drift of {:.3g} A/fs", drift));
  warn_of_small_cell();
}

void Simulation::warn_of_small_cell() {
  const double cutoff = potential_.requirements().cutoff;
  const Vec3 heights = dynamics_.cell.heights();
  const double lowest = std::min({heights[0], heights[1], heights[2]});
  if (lowest >= cutoff) return;
  const auto repeats = [&](int axis) { return static_cast<int>(std::ceil(2 * cutoff / heights[axis])); };
  services_.log.warn(
      "MD004",
      fmt::format("the cell is {:.2f} A high, less than the cut-off of {:g} A: atoms act on their own images. This is "
                  "calculated exactly, but such a cell cannot show how they move apart; {} x {} x {} cells are twice "
                  "the cut-off high",
                  lowest, cutoff, repeats(0), repeats(1), repeats(2)));
}

void Simulation::enter_stage() {
  const bool resumes = resumes_stage_;
  resumes_stage_ = false;
  if (!resumes) {
    stage_first_step_ = dynamics_.step;
    flagged_.clear();
  }
  integrator_ = make_integrator(stage());
  dynamics_.target_temperature = target_temperature(dynamics_.step);
  dynamics_.result = engine_.evaluate(dynamics_.atoms, integrator_->wanted() | Wanted::virial);
  const auto verdict = watchdog_.check_step(dynamics_, false, false);
  if (verdict.finding) fail(*verdict.finding);
  const double temperature = measure(dynamics_, group_).temperature;
  watchdog_.begin_stage(stage().ensemble, temperature);
  services_.log.info(fmt::format("stage \"{}\" from step {} to {}", stage().name, dynamics_.step, stage_end()));
  recorder_.begin_stage(stage(), dynamics_.step);
  if (resumes) {
    agreement_.attempt([&] {
      integrator_->load(prepared_.state.variables);
      watchdog_.load(prepared_.state.variables);
      for (const auto& [name, values] : prepared_.state.variables)
        if (name.starts_with(flagged_prefix)) flagged_.insert(name.substr(flagged_prefix.size()));
    });
    recorder_.event(plain_event("restart", stage().name, dynamics_.step));
  } else {
    recorder_.event(stage_event(stage(), stage_, dynamics_.step));
    write_row(verdict.max_force);
    if (stage().trajectory_interval > 0) recorder_.frame(dynamics_);
  }
  agreement_.settle();
}

void Simulation::write_row(double max_force) {
  const Thermodynamics thermo = measure(dynamics_, group_);
  const double conserved = integrator_->conserved(dynamics_, thermo.kinetic, thermo.potential);
  for (const Finding& finding : watchdog_.check_row(dynamics_, engine_, thermo, conserved)) {
    if (finding.action == GuardAction::stop) fail(finding);
    if (!flagged_.insert(finding.guard).second) continue;
    recorder_.event(finding_event("warning", finding, prepared_.table, dynamics_.step));
    services_.log.warn(finding.code, fmt::format("step {}: {}; reported once per stage", dynamics_.step, finding.text));
  }
  if (thermo.extrapolating > 0) ++extrapolating_rows_;
  const ThermoRow row{.step = dynamics_.step,
                      .time_fs = static_cast<double>(dynamics_.step) * options_.timestep_fs,
                      .temperature = thermo.temperature,
                      .kinetic = thermo.kinetic,
                      .potential = thermo.potential,
                      .conserved = conserved,
                      .pressure_gpa = thermo.pressure,
                      .volume = dynamics_.cell.volume(),
                      .max_force = max_force,
                      .extrapolating = thermo.extrapolating};
  recorder_.thermo(row);
  report_progress(row);
}

void Simulation::report_progress(const ThermoRow& row) {
  if (!services_.log.enabled()) return;
  const double elapsed = seconds(Clock::now() - began_);
  const auto made = static_cast<double>(dynamics_.step - prepared_.state.step);
  const double ns_per_day = elapsed > 0 ? made * options_.timestep_fs * 1e-6 / elapsed * 86400 : 0;
  services_.log.progress(fmt::format("{} {:.3f}/{:.3f} ps  {:.3g} ns/day  T {:.1f} K  P {:.3f} GPa", stage().name,
                                     static_cast<double>(row.step - stage_first_step_) * options_.timestep_fs / 1000,
                                     stage().duration_fs / 1000, ns_per_day, row.temperature, row.pressure_gpa));
}

SimulationState Simulation::gather_state() {
  SimulationState rest;
  rest.seed = options_.seed;
  rest.stage = stage_;
  rest.stage_first_step = stage_first_step_;
  rest.model_hash = prepared_.input.model_hash;
  rest.input_hash = prepared_.input.input_hash;
  integrator_->save(rest.variables);
  watchdog_.save(rest.variables);
  for (const std::string& guard : flagged_) rest.variables[std::string(flagged_prefix) + guard] = {1};
  return recorder_.gather(dynamics_, rest);
}

void Simulation::write_checkpoint() {
  recorder_.checkpoint(gather_state());
  last_checkpoint_ = Clock::now();
}

RunOutcome Simulation::finish(RunStatus status) {
  stage_ = std::min(stage_, static_cast<int>(options_.stages.size()) - 1);
  RunOutcome outcome{.status = status,
                     .reason = services_.stop.reason(),
                     .first_step = prepared_.state.step,
                     .last_step = dynamics_.step,
                     .wall_seconds = seconds(Clock::now() - began_),
                     .rebuilds = engine_.rebuilds(),
                     .extrapolating_rows = extrapolating_rows_,
                     .final_state = gather_state()};
  if (status == RunStatus::finished) {
    outcome.reason.clear();
    return outcome;
  }
  outcome.reason.clear();  // perhaps only another rank was told to stop: that of the lowest rank counts
  for (int rank = 0; rank < group_.size() && outcome.reason.empty(); ++rank) {
    std::string reason = services_.stop.reason();
    broadcast(group_, reason, rank);
    outcome.reason = reason;
  }
  recorder_.event(plain_event("stopped", outcome.reason, dynamics_.step));
  agreement_.settle();
  return outcome;
}

void Simulation::fail(const Finding& finding) {
  std::string where = fmt::format("step {}", dynamics_.step);
  if (finding.atom >= 0) where += ", " + describe_atom(prepared_.table, finding.atom, finding.position);
  recorder_.event(finding_event("crash", finding, prepared_.table, dynamics_.step));
  agreement_.throw_on_all(NumericalError(finding.text, where, finding.remedy));
}

bool Simulation::is_over() const {
  return stage_ + 1 == static_cast<int>(options_.stages.size()) && dynamics_.step == stage_end();
}

bool Simulation::is_due(std::int64_t interval) const {
  return interval > 0 && (dynamics_.step - stage_first_step_) % interval == 0;
}

bool Simulation::checkpoint_time_has_come() const {
  return group_.is_root() && options_.checkpoint_minutes > 0 &&
         seconds(Clock::now() - last_checkpoint_) >= 60 * options_.checkpoint_minutes;
}

double Simulation::target_temperature(std::int64_t step) const {
  const auto done = static_cast<double>(step - stage_first_step_);
  return stage().temperature.at(done / static_cast<double>(stage_steps(stage(), options_.timestep_fs)));
}

}  // namespace haven
