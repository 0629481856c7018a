#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "app/commands.hpp"
#include "app/data_import.hpp"
#include "app/options.hpp"
#include "app/pipeline.hpp"
#include "io/file_system.hpp"
#include "io/import_sources.hpp"
#include "io/sha256.hpp"

namespace haven {

ImportedData import_data(const Config& config, const std::string& folder, Log& log, const std::function<bool()>& stop) {
  ImportedData data;
  data.files = std::make_unique<PosixFileSystem>();
  data.frames = std::make_unique<FrameSpool>(*data.files, folder);
  ImportOptions options = import_options(config);
  struct Stopped {};
  try {
    data.report = import_frames(
        options,
        [&](Frame&& frame) {
          data.frames->append(frame);
          if (stop && stop()) throw Stopped{};
        },
        log);
  } catch (const Stopped&) {
    data.stopped = true;
  }
  return data;
}

namespace {

/// The sources of the command line.
void name_sources(Config& config, const DataImportArguments& arguments) {
  for (const std::string& path : arguments.sources)
    config.data.sources.push_back({.path = path, .group = {}, .units = arguments.units, .types = arguments.types});
}

/// The input that `haven data import SRC...` stands for.
Config config_of(const DataImportArguments& arguments) {
  if (arguments.config) {
    Config config = load_config(arguments.config->path, arguments.overrides,
                                arguments.sources.empty() ? Needs::data : Needs::nothing);
    if (arguments.sources.empty()) return config;
    config.data.sources.clear();
    config.base_folder.clear();  // paths of the command line start here, not at the input file
    name_sources(config, arguments);
    return config;
  }
  if (arguments.sources.empty())
    throw ConfigError("nothing to import", "haven data import",
                      "Name files or folders, or an input file with --config haven.toml.");
  Config config = parse_config("", "--set", arguments.overrides);
  name_sources(config, arguments);
  return config;
}

std::string output_of(const DataImportArguments& arguments, const Config& config) {
  if (!arguments.output.empty()) return arguments.output;
  if (arguments.config) return (std::filesystem::path(resolve_path(config, config.out)) / "data.h5").string();
  throw ConfigError("no file to write", "-o", "Name the dataset to write, e.g. -o set.h5.");
}

/// Where frames wait on disk: where the dataset goes, or the nearest folder above it that is there already. A dry run
/// leaves that place alone.
std::string spool_folder(const DataImportArguments& arguments, const std::string& output) {
  if (arguments.spend == Spend::no) return std::filesystem::temp_directory_path().string();
  std::error_code ignored;
  std::filesystem::path folder = folder_of(output);
  while (!std::filesystem::is_directory(folder, ignored) && folder.has_relative_path()) folder = folder_of(folder);
  return folder.string();
}

}  // namespace

ExitCode data_import(Session& session, const DataImportArguments& arguments) {
  on_root(session.world, [&] {
    Config config = config_of(arguments);
    if (arguments.mixing == Mixing::allowed) config.data.mixed_settings = "allow";
    const std::string output = output_of(arguments, config);
    for (const std::string& note : config.notes) session.log.info(fmt::format("note: {}", note));
    const ImportedData data = import_data(config, spool_folder(arguments, output), session.log);
    session.log.info(data.report.to_text());
    const std::string report = data.report.to_json(), hash = dataset_hash(*data.frames);
    nlohmann::ordered_json json = nlohmann::ordered_json::parse(report);
    json["dataset_sha256"] = hash;
    json["frames"] = data.frames->size();
    if (arguments.spend == Spend::yes) {
      std::error_code ignored;
      std::filesystem::create_directories(folder_of(output), ignored);
      write_dataset(*data.files, output, *data.frames, {.created_by = version_text(), .import_report = report});
      session.log.info(fmt::format("wrote {} ({} frames, sha256 {})", output, data.frames->size(), hash.substr(0, 12)));
      json["file"] = output;
    } else {
      session.log.info(fmt::format("dry run: {} frames would be written to {}", data.frames->size(), output));
    }
    write_json(arguments.json, json.dump(2));
  });
  return ExitCode::ok;
}

namespace {

/// Everything that decides what the dataset holds.
std::string data_inputs(RunContext& run) {
  Config config = run.config;
  config.data.split = {};  // decides about training, not about the dataset
  std::vector<std::string> parts{"data 1", effective_section(config, "data")};
  parts.insert(parts.end(), config.elements.begin(), config.elements.end());
  for (const ImportFile& file : find_import_files(import_options(config).sources).files) {
    parts.push_back(file.path);
    parts.push_back(run.book->file_hash(file.path));
    for (const std::string& part : file.parts) parts.push_back(run.book->file_hash(part));
  }
  return hash_of(parts);
}

}  // namespace

StepEnd data_step(RunContext& run) {
  const StepPlan plan = plan_step(run, "data", [&] { return data_inputs(run); });
  if (!plan.run) return StepEnd::skipped;
  const std::string end = from_root(run.session.world, [&]() -> std::string {
    const ImportedData data = import_data(run.config, folder_of(run.layout.at("data.h5")), run.session.log,
                                          [&] { return run.stop.requested(); });
    if (data.stopped) return "stopped";
    run.session.log.info(data.report.to_text());
    const std::string hash = dataset_hash(*data.frames);
    write_dataset(*data.files, run.layout.at("data.h5"), *data.frames,
                  {.created_by = version_text(), .import_report = data.report.to_json()});
    write_text_file(run.layout.at("data_report.json"), data.report.to_json());
    run.session.log.info(fmt::format("wrote {} ({} frames, sha256 {})", run.layout.at("data.h5"), data.frames->size(),
                                     hash.substr(0, 12)));
    run.book->record("data", plan.inputs,
                     {.files = {"data.h5", "data_report.json"}, .facts = {{"dataset_sha256", hash}}});
    return "done";
  });
  return end == "stopped" ? StepEnd::stopped : StepEnd::done;
}

}  // namespace haven
