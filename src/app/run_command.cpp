#include <fmt/format.h>

#include <array>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "app/md_campaign.hpp"
#include "app/options.hpp"
#include "app/pipeline.hpp"
#include "app/training_module.hpp"
#include "core/error.hpp"
#include "io/import_sources.hpp"
#include "io/model_file.hpp"
#include "io/run_lock.hpp"
#include "io/sha256.hpp"
#include "potentials/structure_evaluation.hpp"

namespace haven {
namespace {

namespace fs = std::filesystem;

struct Step {
  const char* name;
  StepEnd (*work)(RunContext&);
};
constexpr std::array<Step, 6> steps{{{"data", data_step},
                                     {"train", train_step},
                                     {"test", test_step},
                                     {"md", md_step},
                                     {"transport", transport_step},
                                     {"report", report_step}}};

Needs needs_of(const std::string& last_step) {
  Needs result = Needs::data;
  if (last_step == "md") result = result | Needs::system | Needs::md;
  if (last_step == "transport" || last_step == "report") result = result | Needs::system | Needs::md | Needs::transport;
  return result;
}

/// Whether the step is one of those that make the model.
bool makes_model(const std::string& step) { return step == "data" || step == "train" || step == "test"; }

/// What the input file promises is there: found before anything is written. Rank 0.
void check_inputs(const Config& config, const std::string& last_step) {
  if (config.model.file.empty()) {
    static_cast<void>(find_import_files(import_options(config).sources));
  } else {
    if (makes_model(last_step))
      throw ConfigError("names an existing model, so there is nothing to train", "model.file",
                        "Remove the key to train a model, or use `haven md` or `haven run`.");
    for (const std::string& file : RunLayout{}.model_files(config)) static_cast<void>(read_model(file));
  }
  if (needs(needs_of(last_step), Needs::system)) {
    const Structure structure =
        simulated_structure(resolve_path(config, config.system.structure), config.system.supercell);
    if (!config.elements.empty())
      static_cast<void>(species_indices(structure.numbers, atomic_numbers(config.elements)));
    validate(md_options(config));
  }
}

void dry_run(const Config& config, const PipelineArguments& arguments, Log& log) {
  if (config.model.file.empty()) {
    for (const ImportFile& file : find_import_files(import_options(config).sources).files)
      log.info("would read " + file.path);
  } else {
    log.info("would use the model " + resolve_path(config, config.model.file));
  }
  if (config.model.file.empty() && training_module_path().empty())
    log.info("note: this build cannot train (no training module)");
  if (needs(needs_of(arguments.last_step), Needs::system)) {
    const MdOptions options = md_options(config);
    const Structure structure =
        simulated_structure(resolve_path(config, config.system.structure), config.system.supercell);
    double steps_per_run = 0;
    for (const StageOptions& stage : options.stages)
      steps_per_run += static_cast<double>(stage_steps(stage, options.timestep_fs));
    const auto jobs = static_cast<double>(ladder_jobs(ladder_options(config)).size());
    log.info(fmt::format("would simulate {} ({} atoms): {:.0f} runs of {:.0f} steps, {:.3g} atom-steps in all",
                         composition(structure), structure.size(), jobs, steps_per_run,
                         jobs * steps_per_run * static_cast<double>(structure.size())));
  }
  log.info("the configuration is complete and valid; nothing was written");
  if (arguments.json != "-") std::fputs(effective_toml(config).c_str(), stdout);
}

/// Opens the run folder: its lock, log, and the record of what it was made from. Rank 0.
struct OpenFolder {
  std::unique_ptr<RunLock> lock;
  std::unique_ptr<StepBook> book;
};

void write_provenance(const Config& config, const RunLayout& layout) {
  const nlohmann::ordered_json json{{"created_by", version_text()},
                                    {"compiler", __VERSION__},
                                    {"name", config.name},
                                    {"seed", config.seed},
                                    {"configuration_sha256", sha256_hex(effective_toml(config, Comments::no))},
                                    {"input_folder", fs::absolute(config.base_folder).lexically_normal().string()}};
  write_text_file(layout.at("provenance.json"), json.dump(2) + "\n");
}

OpenFolder open_folder(const Config& config, const RunLayout& layout, const PipelineArguments& arguments,
                       FileSystem& files, Log& log) {
  if (arguments.restart == Restart::from_scratch)
    if (const std::string old = set_aside(layout.root); !old.empty()) log.info("earlier results are kept as " + old);
  OpenFolder folder;
  folder.lock = std::make_unique<RunLock>(files, layout.root, log);
  log.open_file(layout.at("haven.log"));
  folder.book = std::make_unique<StepBook>(layout.root, log);
  write_text_file(layout.at("effective.toml"),
                  "# Every key with its value in this run; relative paths start at the folder of the input file.\n" +
                      effective_toml(config));
  write_provenance(config, layout);
  return folder;
}

/// Runs the steps in order. Returns false when a stop was requested.
bool run_steps(RunContext& run, const std::string& last_step) {
  for (const Step& step : steps) {
    if (!run.config.model.file.empty() && makes_model(step.name)) continue;
    const StepEnd end = step.work(run);
    const bool requested = max_over_ranks(run.session.world, static_cast<std::int64_t>(run.stop.requested())) != 0;
    if (end == StepEnd::stopped) return false;
    if (last_step == step.name) return true;
    if (requested) return false;
  }
  return true;
}

/// What the last step has made, as one JSON text.
std::string result_json(const RunContext& run, const std::string& last_step) {
  if (last_step == "report") return read_text_file(run.layout.at("report.json"));
  const std::vector<std::string> models = run.layout.model_files(run.config);
  nlohmann::ordered_json json{{"model", models.front()}};
  if (models.size() > 1) json["committee"] = models;
  if (run.config.model.file.empty())
    json["errors"] = nlohmann::ordered_json::parse(read_text_file(run.layout.at("model/errors.json")));
  if (last_step == "md")
    for (const ReplicaJob& job : ladder_jobs(ladder_options(run.config))) {
      const std::string folder = run.layout.at(RunLayout::job(job.temperature, job.replica));
      json["runs"].push_back(
          nlohmann::ordered_json::parse(read_text_file((fs::path(folder) / job_mark_name).string())));
      json["runs"].back()["folder"] = folder;
    }
  return json.dump(2);
}

void tell_end(RunContext& run, const PipelineArguments& arguments) {
  Log& log = run.session.log;
  if (arguments.last_step == "report") {
    log.info("\n" + read_text_file(run.layout.at("transport/transport.txt")));
    log.info("report: " + run.layout.at("report.html"));
  } else {
    log.info("model: " + run.layout.model_file(run.config));
  }
  if (!arguments.json.empty()) write_json(arguments.json, result_json(run, arguments.last_step));
}

}  // namespace

std::string RunLayout::job(double temperature, int replica) {
  return "md/" + job_folder({.temperature = temperature, .replica = replica});
}

std::vector<std::string> RunLayout::model_files(const Config& config) const {
  std::vector<std::string> files{model_file(config)};
  for (const std::string& member : config.model.members) files.push_back(resolve_path(config, member));
  for (std::int64_t number = 2; number <= config.model.committee; ++number)
    files.push_back(at(fmt::format("model/{}_{}.haven", config.name, number)));
  return files;
}

std::string hash_of(const std::vector<std::string>& parts) {
  Sha256 hash;
  for (const std::string& part : parts) hash.add(std::string_view(part));
  return hash.hex();
}

StepPlan plan_step(RunContext& run, const std::string& step, const std::function<std::string()>& inputs) {
  std::string hash;
  const std::string reason = from_root(run.session.world, [&] {
    hash = inputs();
    return run.book->reason(step, hash);
  });
  broadcast(run.session.world, hash);
  run.session.log.info(reason.empty() ? fmt::format("{}: done already", step)
                                      : fmt::format("{}: runs ({})", step, reason));
  return {.run = !reason.empty(), .inputs = hash};
}

ExitCode run_pipeline(Session& session, const PipelineArguments& arguments) {
  Communicator& world = session.world;
  // Rank 0 reads the file, so that all ranks see the same text even while somebody edits it.
  Config config;
  on_root(world, [&] {
    config = load_config(arguments.config.path, arguments.config.overrides, needs_of(arguments.last_step));
    check_inputs(config, arguments.last_step);
  });
  std::string text = effective_toml(config, Comments::no), folder = config.base_folder;
  broadcast(world, text);
  broadcast(world, folder);
  if (!world.is_root()) config = parse_config(text, arguments.config.path);
  config.base_folder = folder;
  for (const std::string& note : config.notes) session.log.info(fmt::format("note: {}", note));
  if (arguments.spend == Spend::no) {
    on_root(world, [&] { dry_run(config, arguments, session.log); });
    return ExitCode::ok;
  }
  StopRequest stop;
  stop.set_wall_limit(wall_limit(arguments.time_limit_s, config.md.restart));
  const RunLayout layout{resolve_path(config, config.out)};
  PosixFileSystem files;
  OpenFolder open;
  on_root(world, [&] { open = open_folder(config, layout, arguments, files, session.log); });
  session.log.info(fmt::format("{}, {} rank{}: {} -> {}", version_text(), world.size(), world.size() == 1 ? "" : "s",
                               arguments.config.path, layout.root));
  RunContext run{.session = session,
                 .config = config,
                 .layout = layout,
                 .book = open.book.get(),
                 .stop = stop,
                 .groups = arguments.groups};
  if (!run_steps(run, arguments.last_step)) {
    session.log.info(
        fmt::format("stopped on {}; the same command continues", stop.reason().empty() ? "request" : stop.reason()));
    return ExitCode::checkpointed;
  }
  on_root(world, [&] { tell_end(run, arguments); });
  const std::string refused = from_root(
      world, [&] { return arguments.last_step == "report" ? run.book->fact("transport", "refused") : std::string(); });
  if (!refused.empty())
    throw NotDetermined(refused, layout.at("transport/transport.json"),
                        "The report shows which bounds the data give and what would be needed.");
  return ExitCode::ok;
}

}  // namespace haven
