#include "md/run_parts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>

namespace haven {
namespace {

constexpr std::string_view flagged_prefix = "guard.flagged.";
constexpr std::string_view stage_cell_prefix = "cell.mean.";
constexpr const char* candidates_name = "guard.candidates";

RankGrid grid_for(double cutoff, const MdOptions& options, const PreparedRun& prepared, int ranks) {
  return choose_rank_grid(prepared.state.cell, ranks, cutoff + options.skin, prepared.state.positions);
}

/// The thread that watches cannot speak MPI; the launcher ends the job when one rank is gone.
[[noreturn]] void end_stalled_job(int rank, double minutes, const std::string& place) {
  fmt::print(stderr,
             "haven: error: rank {} has made no progress for {:g} min, in {}; a rank that does not say so hangs\n"
             "  -> look at the machine of that rank, then run the same command again: it continues from the last "
             "checkpoint (md.guards.stall sets the limit)\n",
             rank, minutes, place);
  std::fflush(stderr);
  std::_Exit(static_cast<int>(ExitCode::resource));
}

double seconds(std::chrono::steady_clock::duration d) { return std::chrono::duration<double>(d).count(); }

}  // namespace

Simulation::Simulation(const Potential& potential, const MdOptions& options, PreparedRun& prepared,
                       const RunServices& services, Agreement& agreement)
    : potential_(potential),
      options_(options),
      prepared_(prepared),
      services_(services),
      group_(services.group),
      agreement_(agreement),
      grid_(grid_for(farthest_cutoff({potential, services.committee}), options, prepared, services.group.size())),
      engine_(services.group, agreement,
              {.potential = potential,
               .table = prepared.table,
               .grid = grid_,
               .cutoff = farthest_cutoff({potential, services.committee}),
               .skin = options.skin}),
      watchdog_(services.group, agreement,
                {.table = prepared.table,
                 .options = options,
                 .host = prepared.host,
                 .trained_minimum_distance = potential.requirements().minimum_distance}),
      recorder_(services.group, agreement,
                {.table = prepared.table,
                 .input = prepared.input,
                 .timestep_fs = options.timestep_fs,
                 .sink = services.sink}),
      meter_(services.group, prepared.table, options.guards.mobile_elements),
      stall_(services.group.size() > 1 ? 60 * options.stall_minutes : 0,
             [rank = services.group.rank(), minutes = options.stall_minutes](const std::string& place) {
               end_stalled_job(rank, minutes, place);
             }) {}

void Simulation::begin() {
  agreement_.attempt([&] { check_committee({potential_, services_.committee}); });
  agreement_.settle();
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
  agreement_.settle();
  prepared_.forget_atoms();
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
  warn_of_unknown_ranges();
}

void Simulation::warn_of_small_cell() {
  const double cutoff = potential_.requirements().cutoff;
  const Vec3 heights = dynamics_.cell.heights();
  const double lowest = std::min({heights[0], heights[1], heights[2]});
  if (lowest >= cutoff) return;
  const auto repeats = [&](int axis) { return static_cast<int>(std::ceil(2 * cutoff / heights[axis])); };
  services_.log.warn(
      "MD006",
      fmt::format("the cell is {:.2f} A high, less than the cut-off of {:g} A: atoms act on their own images. This is "
                  "calculated exactly, but such a cell cannot show how they move apart; {} x {} x {} cells are twice "
                  "the cut-off high",
                  lowest, cutoff, repeats(0), repeats(1), repeats(2)));
}

void Simulation::warn_of_unknown_ranges() {
  if (services_.ranges == nullptr || services_.ranges->known()) return;
  services_.log.warn("MD007",
                     "the model carries no range of its features over a training set (imported potentials have none): "
                     "atoms unlike those it was made for will not be noticed");
}

void Simulation::enter_stage() {
  const bool resumes = resumes_stage_;
  resumes_stage_ = false;
  if (!resumes) {
    stage_first_step_ = dynamics_.step;
    flagged_.clear();
    candidates_ = 0;
    last_candidate_ = -1;
    if (!stage().mean_cell_of.empty()) take_mean_cell();
  }
  mean_cell_ = MeanCell(stage_first_step_, stage_end() - stage_first_step_);
  integrator_ = make_integrator(stage());
  dynamics_.target_temperature = target_temperature(dynamics_.step);
  dynamics_.result = engine_.evaluate(dynamics_.atoms, integrator_->wanted() | Wanted::virial);
  const auto verdict = watchdog_.check_step(dynamics_, false, false);
  if (verdict.finding) fail(*verdict.finding);
  const double temperature = measure(dynamics_, group_).temperature;
  watchdog_.begin_stage(stage().ensemble, temperature);
  services_.log.info(fmt::format("stage \"{}\" from step {} to {}", stage().name, dynamics_.step, stage_end()));
  recorder_.begin_stage(stage(), dynamics_.step);
  meter_.begin_stage(stage(), options_.timestep_fs, stage_first_step_);
  if (resumes) {
    resume_stage();
  } else {
    recorder_.event(stage_event(stage(), stage_, dynamics_.step));
    write_row(verdict.max_force);
    if (stage().trajectory_interval > 0) recorder_.frame(dynamics_);
    if (meter_.is_on()) meter_.sample(dynamics_);
    if (stage_ == 0)
      write_checkpoint();  // a run that fails at once has its beginning; later stages have the end before
  }
  agreement_.settle();
}

void Simulation::resume_stage() {
  agreement_.attempt([&] {
    const auto& variables = prepared_.state.variables;
    integrator_->load(variables);
    watchdog_.load(variables);
    if (group_.is_root()) meter_.load(variables);
    if (stage().ensemble == Ensemble::npt) mean_cell_.load(variables);
    if (const auto found = variables.find(candidates_name); found != variables.end() && found->second.size() == 2) {
      candidates_ = static_cast<Index>(found->second[0]);
      last_candidate_ = static_cast<std::int64_t>(found->second[1]);
    }
    for (const auto& [name, values] : variables) {
      if (name.starts_with(flagged_prefix)) flagged_.insert(name.substr(flagged_prefix.size()));
      if (name.starts_with(stage_cell_prefix)) stage_cells_[name.substr(stage_cell_prefix.size())] = values;
    }
  });
  recorder_.event(plain_event("restart", stage().name, dynamics_.step));
}

/// Atoms keep their places relative to the cell, and their velocities.
void Simulation::take_mean_cell() {
  const auto found = stage_cells_.find(stage().mean_cell_of);
  if (found == stage_cells_.end() || found->second.size() != 9)
    agreement_.throw_on_all(
        InputError(fmt::format("the checkpoint lacks the mean cell of stage \"{}\"", stage().mean_cell_of),
                   "checkpoint", "It was written by another version: start the run anew."));
  const std::vector<double>& v = found->second;
  const Cell cell({{{{v[0], v[1], v[2]}, {v[3], v[4], v[5]}, {v[6], v[7], v[8]}}}}, dynamics_.cell.periodic());
  const Mat3 map = dynamics_.cell.inverse_vectors() * cell.vectors();
  AtomStore& atoms = dynamics_.atoms;
  for (std::size_t i = 0; i < static_cast<std::size_t>(atoms.n_owned); ++i)
    atoms.positions[i] = atoms.positions[i] * map;
  dynamics_.cell = cell;
  engine_.rebuild(dynamics_.cell, atoms);
}

/// What is said here is a function of the state at the end of the stage: a restart from there says it again.
void Simulation::leave_stage() {
  tell_drift();
  if (stage().ensemble == Ensemble::npt) tell_mean_cell();
  agreement_.settle();
}

void Simulation::tell_drift() {
  const DriftFit& drift = watchdog_.drift();
  constexpr Index least_rows = 3;  // two have no error
  if (drift.count() < least_rows) return;
  recorder_.event(drift_event(stage().name, drift, dynamics_.step));
  services_.log.info(fmt::format("stage \"{}\": the conserved energy drifts by {:.2g} +- {:.2g} eV/atom/ns",
                                 stage().name, drift.slope(), drift.slope_error()));
}

void Simulation::tell_mean_cell() {
  const MeanCellResult mean = mean_cell_.result();
  std::vector<double>& kept = stage_cells_[stage().name];
  kept.clear();
  for (int k = 0; k < 9; ++k) kept.push_back(mean.vectors[k / 3][k % 3]);
  recorder_.event(cell_event(stage().name, mean, dynamics_.step));
  const auto value = [](double v, double error) {
    return error > 0 ? fmt::format("{:.4f} +- {:.4f}", v, error) : fmt::format("{:.4f}", v);
  };
  const LatticeParameters &p = mean.parameters, &e = mean.errors;
  services_.log.info(fmt::format("mean cell of stage \"{}\": V {} A^3; a {}, b {}, c {} A; angles {:.3f} {:.3f} {:.3f}",
                                 stage().name, value(mean.volume, mean.volume_error), value(p.lengths.x, e.lengths.x),
                                 value(p.lengths.y, e.lengths.y), value(p.lengths.z, e.lengths.z), p.angles.x,
                                 p.angles.y, p.angles.z));
  constexpr double significant = 5;  // by chance once in a thousand stages
  if (std::abs(mean.trend) > significant)
    services_.log.warn("MD004", fmt::format("stage \"{}\": the volume still changes ({} by {:.1f} standard errors)",
                                            stage().name, mean.trend > 0 ? "grows" : "falls", std::abs(mean.trend)));
}

void Simulation::write_row(double max_force) {
  const Thermodynamics thermo = measure(dynamics_, group_);
  const double conserved = integrator_->conserved(dynamics_, thermo.kinetic, thermo.potential);
  const bool keeps = thermo.extrapolating > 0 && wants_candidate();
  std::vector<OutsideAtom> outside;  // naming atoms takes milliseconds: only where somebody reads it
  if (thermo.extrapolating > 0 && (keeps || !flagged_.contains("extrapolation"))) outside = atoms_outside();
  std::vector<Finding> findings = watchdog_.check_row(dynamics_, engine_, thermo, conserved);
  for (Finding& finding : findings) {
    if (finding.guard == "extrapolation") name_atoms(finding, outside);
    report_finding(finding);
  }
  if (thermo.extrapolating > 0) {
    ++extrapolating_rows_;
    if (keeps) keep_candidate("extrapolation", outside.empty() ? "" : outside_json(outside, *services_.ranges));
  }
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
  if (const auto finding = compare_committee()) {
    report_finding(*finding);
    if (wants_candidate()) keep_candidate(finding->guard, finding_members(*finding));
  }
  report_progress(row);
}

/// Ends the run, or says so once in a stage.
void Simulation::report_finding(const Finding& finding) {
  if (finding.action == GuardAction::stop) fail(finding);
  if (!flagged_.insert(finding.guard).second) return;
  recorder_.event(finding_event("warning", finding, prepared_.table, dynamics_.step));
  services_.log.warn(finding.code, fmt::format("step {}: {}; reported once per stage", dynamics_.step, finding.text));
}

std::optional<Finding> Simulation::compare_committee() {
  const Committee committee{potential_, services_.committee};
  if (committee.members() == 1) return std::nullopt;
  const Disagreement found = measure_disagreement(group_, agreement_, engine_, dynamics_, committee);
  largest_deviation_ = std::max(largest_deviation_, found.force);
  recorder_.deviation({.step = dynamics_.step,
                       .time_fs = static_cast<double>(dynamics_.step) * options_.timestep_fs,
                       .force = found.force,
                       .force_rms = found.force_rms,
                       .atom = found.atom,
                       .energy = found.energy});
  return deviation_finding(found, options_.guards);
}

/// Frames to be calculated are far enough apart to differ, and few.
bool Simulation::wants_candidate() const {
  constexpr Index most_frames = 20;
  constexpr double apart_fs = 500;
  const double since = static_cast<double>(dynamics_.step - last_candidate_) * options_.timestep_fs;
  return candidates_ < most_frames && (last_candidate_ < 0 || since >= apart_fs);
}

void Simulation::keep_candidate(const std::string& reason, const std::string& members) {
  constexpr Index most_atoms = 2000;
  if (prepared_.table.size() > most_atoms || last_candidate_ == dynamics_.step) return;
  recorder_.candidate(dynamics_);
  recorder_.event(candidate_event(reason, members, dynamics_.step));
  ++candidates_;
  last_candidate_ = dynamics_.step;
}

/// Collective.
std::vector<OutsideAtom> Simulation::atoms_outside() {
  if (services_.ranges == nullptr || !services_.ranges->known()) return {};
  return outside_atoms(group_, engine_, dynamics_.atoms, *services_.ranges);
}

void Simulation::name_atoms(Finding& finding, const std::vector<OutsideAtom>& outside) {
  const OutsideAtom* worst = farthest(outside);
  if (worst == nullptr) return;
  finding.text += ": " + outside_text(outside, *services_.ranges);
  finding.members = outside_json(outside, *services_.ranges);
  finding.atom = worst->atom;
  finding.position = worst->position;
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
  meter_.save(rest.variables);
  if (candidates_ > 0)
    rest.variables[candidates_name] = {static_cast<double>(candidates_), static_cast<double>(last_candidate_)};
  if (stage().ensemble == Ensemble::npt) mean_cell_.save(rest.variables);
  for (const auto& [name, cell] : stage_cells_) rest.variables[std::string(stage_cell_prefix) + name] = cell;
  for (const std::string& guard : flagged_) rest.variables[std::string(flagged_prefix) + guard] = {1};
  return recorder_.gather(dynamics_, rest);
}

void Simulation::write_checkpoint() {
  recorder_.checkpoint(gather_state());
  if (meter_.is_on() && group_.is_root()) recorder_.live_transport(meter_.result());
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
                     .largest_deviation = largest_deviation_,
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

void Simulation::fail(Finding finding) {
  if (finding.guard == "extrapolation" && finding.atom < 0) name_atoms(finding, atoms_outside());
  if (finding.guard == "extrapolation" || finding.guard == "deviation")
    keep_candidate(finding.guard, finding_members(finding));
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
