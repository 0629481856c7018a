#include "app/md_campaign.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "app/atom_range.hpp"
#include "app/options.hpp"
#include "app/step_book.hpp"
#include "app/threads.hpp"
#include "core/local_rank.hpp"
#include "core/species.hpp"
#include "io/checkpoint.hpp"
#include "io/model_file.hpp"
#include "io/run_files.hpp"
#include "io/sha256.hpp"
#include "md/agreement.hpp"
#include "md/committee.hpp"
#include "potentials/committee/merge.hpp"
#include "potentials/registry.hpp"
#include "potentials/structure_evaluation.hpp"

namespace haven {
namespace {

namespace fs = std::filesystem;

/// What every run of a campaign shares.
struct Material {
  std::unique_ptr<Potential> potential;
  std::unique_ptr<FeatureRanges> ranges;
  std::vector<std::unique_ptr<Potential>> committee;  // the others
  MdInput input;
};

double mass_of(const Model& model, int number) {
  for (const ModelElement& element : model.elements)
    if (element.number == number && element.mass > 0) return element.mass;
  return standard_mass(number);
}

std::unique_ptr<Potential> potential_of(const Model& model, const MdCampaign& campaign, int local) {
  if (campaign.device == Device::cpu) return make_potential(model, campaign.precision);
  return make_potential(model, campaign.precision, CudaOptions{.device = cuda_device_of(local)});
}

/// Adds the atoms that the campaign names by number, in every copy of the structure file's cell.
void freeze_atoms(const MdCampaign& campaign, MdInput& input) {
  const auto [a, b, c] = campaign.supercell;
  const auto atoms = static_cast<Index>(input.structure.numbers.size()), in_file = atoms / (a * b * c);
  for (const std::string& text : campaign.frozen_atoms) {
    const AtomRange range = parse_atom_range(text).value();
    if (range.last >= in_file)
      throw InputError(fmt::format("system.frozen_atoms has \"{}\", but the last atom is {}", text, in_file - 1),
                       campaign.structure_path, "Atoms are counted from 0, in the order of the file.");
    for (Index copy = 0; copy < atoms; copy += in_file)
      for (Index atom = range.first; atom <= range.last; ++atom) input.frozen.push_back(copy + atom);
  }
  std::ranges::sort(input.frozen);
  const auto repeated = std::ranges::unique(input.frozen);
  input.frozen.erase(repeated.begin(), repeated.end());
}

/// @param local  number of the rank on its machine
Material load_material(const MdCampaign& campaign, int local, Log& log) {
  const Model model = read_model(campaign.model_paths.front(), &log);
  Material material{.potential = potential_of(model, campaign, local),
                    .ranges = std::make_unique<FeatureRanges>(model),
                    .committee = {},
                    .input = {}};
  std::vector<Model> others;
  for (std::size_t k = 1; k < campaign.model_paths.size(); ++k)
    others.push_back(read_model(campaign.model_paths[k], &log));
  if (campaign.device == Device::cpu) others = merge_what_fits(std::move(others));  // committees run on CPUs
  for (const Model& other : others) material.committee.push_back(potential_of(other, campaign, local));
  check_committee({*material.potential, material.committee});
  MdInput& input = material.input;
  input.structure = simulated_structure(campaign.structure_path, campaign.supercell);
  input.structure.velocities.clear();
  static_cast<void>(species_indices(input.structure.numbers, material.potential->requirements().elements));
  for (std::size_t id = 0; id < input.structure.numbers.size(); ++id) {
    const std::string symbol(element_symbol(input.structure.numbers[id]));
    const auto given = campaign.masses.find(symbol);
    input.masses.push_back(given != campaign.masses.end() ? given->second
                                                          : mass_of(model, input.structure.numbers[id]));
    if (std::find(campaign.frozen.begin(), campaign.frozen.end(), symbol) != campaign.frozen.end())
      input.frozen.push_back(static_cast<AtomId>(id));
  }
  freeze_atoms(campaign, input);
  input.model_hash = model_hash(model);
  input.created_by = version_text();
  return material;
}

/// The length of a stage at constant pressure counts even for the last one: it decides what its mean cell is.
void add_barostat(Sha256& hash, const StageOptions& stage) {
  const BarostatOptions& barostat = stage.barostat;
  hash.add(barostat.pressure_gpa).add(static_cast<std::int64_t>(barostat.shape)).add(barostat.tau_fs);
  hash.add(barostat.bulk_modulus_gpa).add(stage.duration_fs);
  if (barostat.type != Barostat::cell_rescaling) hash.add("mtk");
}

/// What defines a trajectory; the length of the last stage does not, so a finished run can be made longer.
std::string trajectory_hash(const MdCampaign& campaign, const MdInput& input, const MdOptions& options) {
  Sha256 hash;
  hash.add("trajectory 1").add(input.structure.cell.vectors()).add(std::span<const int>(input.structure.numbers));
  hash.add(std::span<const Vec3>(input.structure.positions)).add(std::span<const double>(input.masses));
  if (!input.frozen.empty()) hash.add("frozen").add(std::span<const std::int64_t>(input.frozen));
  hash.add(options.timestep_fs)
      .add(static_cast<std::int64_t>(options.seed))
      .add(static_cast<std::int64_t>(campaign.precision));
  for (const StageOptions& stage : options.stages) {
    hash.add(stage.name)
        .add(static_cast<std::int64_t>(stage.ensemble))
        .add(stage.temperature.start)
        .add(stage.temperature.end);
    hash.add(stage.tau_fs).add(stage.trajectory_interval).add(static_cast<std::int64_t>(stage.store_velocities));
    if (&stage != &options.stages.back()) hash.add(stage.duration_fs);
    if (stage.thermostat != Thermostat::bussi) hash.add(static_cast<std::int64_t>(stage.thermostat));
    if (stage.ensemble == Ensemble::npt) add_barostat(hash, stage);
    if (stage.correlator_interval > 0) hash.add("correlator").add(stage.correlator_interval);
    if (!stage.mean_cell_of.empty()) hash.add("mean:" + stage.mean_cell_of);
  }
  hash.add(options.thermo_interval);
  return hash.hex();
}

std::int64_t last_step_of(const MdOptions& options) {
  std::int64_t steps = 0;
  for (const StageOptions& stage : options.stages) steps += stage_steps(stage, options.timestep_fs);
  return steps;
}

/// One run in full.
struct JobSetup {
  std::string folder;
  MdInput input;
  MdOptions options;
  std::int64_t last_step = 0;
};

/// How a run begins: finished already, from a checkpoint, or from the beginning. Only on the root of a group.
struct Opening {
  bool finished = false;
  std::optional<SimulationState> restart{};
  std::unique_ptr<RunFiles> files{};
};

bool is_finished(const JobSetup& job) {
  if (!fs::exists(job.folder)) return false;
  const auto stores = [](const StageOptions& stage) { return stage.trajectory_interval > 0; };
  if (std::any_of(job.options.stages.begin(), job.options.stages.end(), stores) && last_segment(job.folder) == 0)
    return false;
  const std::string mark = (fs::path(job.folder) / job_mark_name).string();
  if (!fs::exists(mark)) return false;
  const auto json = nlohmann::json::parse(read_text_file(mark), nullptr, false);
  return !json.is_discarded() && json.value("input_hash", "") == job.input.input_hash &&
         json.value("model_hash", "") == job.input.model_hash &&
         json.value("last_step", std::int64_t{-1}) == job.last_step;
}

Opening open_run(FileSystem& files, const JobSetup& job, Log& log) {
  if (is_finished(job)) return {.finished = true};
  Opening opening;
  if (fs::exists(job.folder)) {
    opening.restart = read_newest_checkpoint(job.folder, log);
    const auto& state = opening.restart;
    if (state && (state->input_hash != job.input.input_hash || state->model_hash != job.input.model_hash ||
                  state->step > job.last_step)) {
      log.info(fmt::format("an earlier run with other inputs is kept as {}", set_aside(job.folder)));
      opening.restart.reset();
    }
  }
  opening.files = std::make_unique<RunFiles>(files, RunLock(files, job.folder, log),
                                             opening.restart ? std::optional(opening.restart->step) : std::nullopt);
  return opening;
}

void mark_finished(const std::string& folder, const ReplicaJob& job, const MdInput& input, std::int64_t last_step) {
  const nlohmann::ordered_json json{{"temperature_K", job.temperature},
                                    {"replica", job.replica},
                                    {"seed", job.seed},
                                    {"last_step", last_step},
                                    {"n_atoms", input.structure.size()},
                                    {"input_hash", input.input_hash},
                                    {"model_hash", input.model_hash}};
  write_text_file((fs::path(folder) / job_mark_name).string(), json.dump(1) + "\n");
}

class Campaign {
 public:
  Campaign(Session& session, const MdCampaign& campaign, const StopRequest& stop, Material material)
      : session_(session), campaign_(campaign), stop_(stop), material_(std::move(material)) {}

  RunOutcome run(Communicator& group, const ReplicaJob& job) {
    const JobSetup setup = set_up(job);
    Opening opening;
    const std::string begin = from_root(group, [&] {
      opening = open_run(files_, setup, session_.log);
      return opening.finished ? "finished" : "run";
    });
    if (begin == "finished") {
      RunOutcome outcome;
      outcome.first_step = outcome.last_step = setup.last_step;
      return outcome;
    }
    session_.log.info(fmt::format(
        "{}: {} to step {}", job_folder(job),
        opening.restart ? fmt::format("continues from step {}", opening.restart->step) : "starts", setup.last_step));
    use_threads_for(material_.input.structure.size() / group.size());
    const RunServices services{.group = group,
                               .sink = opening.files.get(),
                               .stop = stop_,
                               .log = session_.log,
                               .ranges = material_.ranges.get(),
                               .committee = material_.committee};
    RunOutcome outcome = run_md(*material_.potential, setup.input, setup.options, opening.restart, services);
    on_root(group, [&] {
      opening.files->finish();
      if (outcome.status == RunStatus::finished) mark_finished(setup.folder, job, setup.input, setup.last_step);
    });
    report(job, outcome);
    return outcome;
  }

 private:
  JobSetup set_up(const ReplicaJob& job) const {
    JobSetup setup{.folder = (fs::path(campaign_.folder) / job_folder(job)).string(),
                   .input = material_.input,
                   .options = campaign_.options};
    setup.options.stages = stages_at(setup.options.stages, job.temperature);
    setup.options.seed = job.seed;
    setup.last_step = last_step_of(setup.options);
    setup.input.input_hash = trajectory_hash(campaign_, setup.input, setup.options);
    setup.input.run_id = sha256_hex(setup.input.input_hash + setup.input.model_hash).substr(0, 16);
    return setup;
  }
  void report(const ReplicaJob& job, const RunOutcome& outcome) {
    const double steps = static_cast<double>(outcome.last_step - outcome.first_step);
    const double atoms = static_cast<double>(material_.input.structure.size());
    session_.log.info(
        fmt::format("{}: {} at step {} ({:.1f} ps), {:.0f} s, {:.2f} us per atom and step{}", job_folder(job),
                    outcome.status == RunStatus::finished ? "finished" : "stopped", outcome.last_step,
                    static_cast<double>(outcome.last_step) * campaign_.options.timestep_fs / 1000, outcome.wall_seconds,
                    steps > 0 ? outcome.wall_seconds / steps / atoms * 1e6 : 0.0,
                    outcome.extrapolating_rows > 0
                        ? fmt::format("; {} rows with atoms outside the training range", outcome.extrapolating_rows)
                        : ""));
    if (outcome.largest_deviation > 0)
      session_.log.info(fmt::format("{}: the forces of the {} models deviate by at most {:.3g} eV/A", job_folder(job),
                                    Committee{*material_.potential, material_.committee}.members(),
                                    outcome.largest_deviation));
  }
  Session& session_;
  const MdCampaign& campaign_;
  const StopRequest& stop_;
  Material material_;
  PosixFileSystem files_;
};

/// The error that stands for all failed runs: the worst one, with the number of the others.
void throw_failures(const MdCampaign& campaign, const std::vector<JobReport>& reports, Log& log) {
  const JobReport* worst = nullptr;
  std::size_t failed = 0;
  for (const JobReport& report : reports) {
    if (report.status != JobStatus::failed) continue;
    ++failed;
    log.info(fmt::format("{} failed: {}", job_folder(report.job), report.message));
    if (worst == nullptr || static_cast<int>(report.exit_code) > static_cast<int>(worst->exit_code)) worst = &report;
  }
  if (worst == nullptr) return;
  throw_typed(worst->exit_code,
              fmt::format("{} of {} runs failed; the first reason: {}", failed, reports.size(), worst->message),
              (fs::path(campaign.folder) / job_folder(worst->job)).string(),
              "events.jsonl and the last checkpoint in this folder show what happened; finished runs are kept.");
}

}  // namespace

std::string job_folder(const ReplicaJob& job) { return fmt::format("T{:g}/r{}", job.temperature, job.replica); }

CampaignEnd run_campaign(Session& session, const MdCampaign& campaign, const StopRequest& stop) {
  Agreement agreement(session.world);
  const int local = local_rank(session.world);
  Material material;
  agreement.attempt([&] {
    validate(campaign.options);
    material = load_material(campaign, local, session.log);
  });
  agreement.settle();
  session.log.info(fmt::format("molecular dynamics of {} ({} atoms), {}", composition(material.input.structure),
                               material.input.structure.size(), material.potential->description()));
  const std::vector<ReplicaJob> jobs = ladder_jobs(campaign.ladder);
  Campaign work(session, campaign, stop, std::move(material));
  CampaignEnd end{
      .stopped = false,
      .reports = run_jobs(
          session.world, jobs, [&](Communicator& group, const ReplicaJob& job) { return work.run(group, job); },
          campaign.groups)};
  throw_failures(campaign, end.reports, session.log);
  end.stopped = campaign_exit_code(end.reports) == ExitCode::checkpointed;
  return end;
}

std::string describe_campaign(const MdCampaign& campaign, Log& log) {
  validate(campaign.options);
  const Material material = load_material(campaign, 0, log);
  const Structure& structure = material.input.structure;
  const auto jobs = static_cast<double>(ladder_jobs(campaign.ladder).size());
  const auto steps = static_cast<double>(last_step_of(campaign.options));
  double frames = 0;
  for (const StageOptions& stage : campaign.options.stages)
    if (stage.trajectory_interval > 0)
      frames += static_cast<double>(stage_steps(stage, campaign.options.timestep_fs)) /
                static_cast<double>(stage.trajectory_interval);
  const double atoms = static_cast<double>(structure.size());
  return fmt::format(
      "{} ({} atoms): {:.0f} runs of {:.0f} steps ({:.1f} ps), {:.3g} atom-steps in all, trajectories of about {:.1f} "
      "MB",
      composition(structure), structure.size(), jobs, steps, steps * campaign.options.timestep_fs / 1000,
      jobs * steps * atoms, jobs * frames * atoms * 24 / 1e6);
}

}  // namespace haven
