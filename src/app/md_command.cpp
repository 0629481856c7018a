#include <fmt/format.h>

#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "app/md_campaign.hpp"
#include "app/options.hpp"
#include "app/pipeline.hpp"
#include "core/species.hpp"
#include "io/model_file.hpp"
#include "io/trajectory.hpp"

namespace haven {
namespace {

namespace fs = std::filesystem;

/// What the whole ladder depends on.
std::string md_inputs(RunContext& run) {
  Config config = run.config;
  config.md.restart = {};                             // when checkpoints are written
  config.md.skin = MdConfig{}.skin;                   // how often lists are rebuilt,
  config.md.guards.stall_s = GuardsConfig{}.stall_s;  // and what ends a job that hangs change no number
  std::vector<std::string> parts{"md 1",
                                 effective_section(config, "md"),
                                 effective_section(config, "system"),
                                 fmt::format("{}", config.output.thermo_every_fs),
                                 std::to_string(config.seed),
                                 run.book->file_hash(resolve_path(config, config.system.structure))};
  for (const std::string& file : run.layout.model_files(config)) parts.push_back(model_hash(read_model(file)));
  return hash_of(parts);
}

}  // namespace

StepEnd md_step(RunContext& run) {
  const StepPlan plan = plan_step(run, "md", [&] { return md_inputs(run); });
  if (!plan.run) return StepEnd::skipped;
  const MdCampaign campaign{.folder = run.layout.at("md"),
                            .model_paths = run.layout.model_files(run.config),
                            .structure_path = resolve_path(run.config, run.config.system.structure),
                            .supercell = run.config.system.supercell,
                            .precision = precision_of(run.config.md.precision),
                            .device = device_of(run.config.md.device),
                            .masses = run.config.system.masses,
                            .frozen = run.config.system.frozen,
                            .frozen_atoms = run.config.system.frozen_atoms,
                            .options = md_options(run.config),
                            .ladder = ladder_options(run.config),
                            .groups = run.groups};
  const CampaignEnd end = run_campaign(run.session, campaign, run.stop);
  if (end.stopped) return StepEnd::stopped;
  on_root(run.session.world, [&] {
    StepBook::Products products;
    for (const ReplicaJob& job : ladder_jobs(campaign.ladder)) {
      const std::string folder = RunLayout::job(job.temperature, job.replica);
      products.files.push_back(folder + "/" + job_mark_name);
      for (int part = 1; part <= last_segment(run.layout.at(folder)); ++part)
        products.large_files.push_back(folder + "/" + segment_name(part));
    }
    run.book->record("md", plan.inputs, products);
  });
  return StepEnd::done;
}

namespace {

/// The keys of a stage that say how it couples.
std::string ensemble_text(const PlainMdArguments& arguments, const std::string& ensemble) {
  std::string text = fmt::format("ensemble = \"{}\"\n", ensemble);
  const bool mtk = ensemble == "npt" && arguments.barostat == "mtk";
  if (ensemble != "nve")
    text += fmt::format("thermostat = {{ type = \"{}\", tau = {} }}\n", mtk ? "nose-hoover" : "bussi", arguments.tau);
  if (ensemble == "npt")
    text += fmt::format("barostat = {{ type = \"{}\", pressure = {}, shape = \"{}\", tau = {}, bulk_modulus = {} }}\n",
                        arguments.barostat, arguments.pressure, arguments.shape, arguments.barostat_tau,
                        arguments.bulk_modulus);
  return text;
}

Config config_of(const PlainMdArguments& arguments) {
  if (arguments.temperatures.empty())
    throw ConfigError("no temperature", "--temperature",
                      "Give one or several temperatures in K, e.g. --temperature 600.");
  if (arguments.ps <= 0) throw ConfigError("no length", "--ps", "Give the length of the run in ps, e.g. --ps 100.");
  std::string temperatures;
  for (const double t : arguments.temperatures)
    temperatures += fmt::format("{}{}", temperatures.empty() ? "" : ", ", t);
  std::string text = fmt::format(
      "seed = {}\n[md]\ndevice = \"{}\"\ntimestep = {}\nreplicas = {}\nladder = {{ temperatures = [{}] }}\n",
      arguments.seed, arguments.device, arguments.timestep, arguments.replicas, temperatures);
  if (arguments.equilibrate_ps > 0)
    text += fmt::format("[[md.stage]]\nname = \"equil\"\nps = {}\n", arguments.equilibrate_ps) +
            ensemble_text(arguments, "npt");
  text += fmt::format("[[md.stage]]\nname = \"run\"\nps = {}\ntransport = true\ntrajectory = {{ every_fs = {} }}\n{}",
                      arguments.ps, arguments.every_fs, arguments.equilibrate_ps > 0 ? "cell = \"mean:equil\"\n" : "");
  text += ensemble_text(arguments, arguments.ensemble);
  Config config = parse_config(text, "haven md");
  for (std::size_t k = 0; k < 3; ++k) config.system.supercell[k] = arguments.supercell[k];
  config.system.structure = arguments.structure;
  config.out = arguments.folder;
  const double rows = std::round(config.output.thermo_every_fs / arguments.timestep);
  config.output.thermo_every_fs = std::max(1.0, rows) * arguments.timestep;
  return config;
}

std::string json_of(const std::vector<JobReport>& reports, const std::string& folder) {
  static constexpr std::array<const char*, 4> names{"finished", "stopped", "failed", "not_started"};
  nlohmann::ordered_json json = nlohmann::ordered_json::array();
  for (const JobReport& report : reports)
    json.push_back({{"temperature_K", report.job.temperature},
                    {"replica", report.job.replica},
                    {"seed", report.job.seed},
                    {"status", names[static_cast<std::size_t>(report.status)]},
                    {"last_step", report.last_step},
                    {"message", report.message},
                    {"folder", (fs::path(folder) / job_folder(report.job)).string()}});
  return nlohmann::ordered_json{{"runs", json}}.dump(2);
}

}  // namespace

ExitCode plain_md(Session& session, const PlainMdArguments& arguments) {
  const Config config = config_of(arguments);
  std::vector<std::string> models{arguments.model};
  models.insert(models.end(), arguments.committee.begin(), arguments.committee.end());
  const MdCampaign campaign{.folder = arguments.folder,
                            .model_paths = models,
                            .structure_path = arguments.structure,
                            .supercell = config.system.supercell,
                            .precision = precision_of(config.md.precision),
                            .device = device_of(config.md.device),
                            .options = md_options(config),
                            .ladder = ladder_options(config),
                            .groups = arguments.groups};
  if (arguments.spend == Spend::no) {
    on_root(session.world, [&] { session.log.info(describe_campaign(campaign, session.log)); });
    return ExitCode::ok;
  }
  StopRequest stop;
  stop.set_wall_limit(wall_limit(arguments.time_limit_s, config.md.restart));
  on_root(session.world, [&] {
    fs::create_directories(arguments.folder);
    session.log.open_file((fs::path(arguments.folder) / "haven.log").string());
    write_text_file((fs::path(arguments.folder) / "effective.toml").string(), effective_toml(config));
  });
  const CampaignEnd end = run_campaign(session, campaign, stop);
  on_root(session.world, [&] { write_json(arguments.json, json_of(end.reports, arguments.folder)); });
  return end.stopped ? ExitCode::checkpointed : ExitCode::ok;
}

}  // namespace haven
