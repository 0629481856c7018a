#include "app/analysis_inputs.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>

#include "analysis/foreign_trajectory.hpp"
#include "analysis/report_data.hpp"
#include "analysis/structure_reading.hpp"
#include "analysis/transport_output.hpp"
#include "app/options.hpp"
#include "core/error.hpp"
#include "io/trajectory.hpp"

namespace haven {

namespace fs = std::filesystem;

TrajectoryReading reading_of(const TransportArguments& arguments) {
  return {.frame_interval_fs = arguments.frame_interval_fs,
          .timestep_fs = arguments.timestep_fs,
          .temperature_K = arguments.temperature,
          .stage = arguments.stage,
          .types = arguments.types,
          .structure = arguments.structure};
}

namespace {

Drift drift_of(const TransportArguments& arguments) {
  return arguments.drift == "host-mass" ? Drift::host_mass : Drift::host;
}

std::size_t memory_bytes(const TransportArguments& arguments) {
  return static_cast<std::size_t>(arguments.memory_GB * 1e9);
}

}  // namespace

TransportOptions options_of(const TransportArguments& arguments) {
  TransportOptions options;
  options.mobile = arguments.mobile;
  options.charges = arguments.charges;
  if (arguments.quantity == "msd")  // charges only scale what is not asked for
    for (const std::string& symbol : arguments.mobile) options.charges.try_emplace(symbol, 1.0);
  options.temperature_K = arguments.temperature;
  options.window_ps = arguments.window_ps;
  options.skip_ps = arguments.skip_ps;
  options.hop_length = arguments.hop_length;
  options.drift = drift_of(arguments);
  options.memory_bytes = memory_bytes(arguments);
  return options;
}

namespace {

/// Thermostat of a stage as the run wrote it down; empty at constant energy, and where nothing is known.
std::string thermostat_of_stage(const fs::path& events, const std::string& stage) {
  std::string thermostat;
  std::istringstream lines(read_text_file(events.string()));
  for (std::string line; std::getline(lines, line);) {
    const auto event = nlohmann::json::parse(line, nullptr, false);
    const auto text = [&](const char* key) {
      return event.is_object() && event.contains(key) && event[key].is_string() ? event[key].get<std::string>() : "";
    };
    if (text("event") == "stage" && text("name") == stage) thermostat = text("thermostat");
  }
  return thermostat;
}

}  // namespace

std::unique_ptr<TrajectorySource> open_for_diffusion(const std::string& path, const TransportArguments& arguments) {
  auto source = open_trajectory(path, reading_of(arguments));
  const bool folder = fs::is_directory(path);
  const fs::path events = (folder ? fs::path(path) : fs::path(path).parent_path()) / "events.jsonl";
  if (!(folder || is_own_h5md(path)) || !fs::exists(events)) return source;
  const std::string stage = arguments.stage.empty() ? TrajectoryReader(path).stages().back() : arguments.stage;
  if (thermostat_of_stage(events, stage) == "langevin")
    throw InputError(fmt::format("MD005: stage \"{}\" ran with Langevin friction, which changes diffusion", stage),
                     path,
                     "Choose another stage (--stage), or run one at constant energy or with the thermostat bussi.");
  return source;
}

IonTracks tracks_of(Session& session, const TransportArguments& arguments) {
  const auto source = open_for_diffusion(arguments.trajectories[0], arguments);
  session.log.progress("reading " + arguments.trajectories[0]);
  return collect_tracks(*source, {.mobile = atomic_numbers(arguments.mobile),
                                  .skip_ps = arguments.skip_ps,
                                  .drift = drift_of(arguments),
                                  .memory_bytes = memory_bytes(arguments)});
}

TransportResult motion_of(const IonTracks& tracks, const std::vector<std::string>& mobile) {
  TransportOptions options;
  options.mobile = mobile;
  for (const std::string& symbol : mobile) options.charges[symbol] = 1.0;
  options.temperature_K = 300;  // scales the conductivity only, which is not asked for
  return analyse_tracks({tracks}, options);
}

double diffusive_lag_ps(const TransportResult& motion, const IonTracks& tracks) {
  return motion.window.diffusive ? motion.window.tau0_ps : tracks.duration_ps() / 50.0;
}

double stage_temperature(const std::string& folder, const std::string& stage) {
  const std::string path = (std::filesystem::path(folder) / "thermo.csv").string();
  const report::Columns thermo = report::read_columns(path);
  const std::vector<double>* temperatures = thermo.find({"temperature"});
  double sum = 0, rows = 0;
  for (std::size_t k = 0; temperatures != nullptr && k < temperatures->size(); ++k)
    if (thermo.last_cells[k] == stage) sum += (*temperatures)[k], rows += 1;
  if (rows == 0)
    throw InputError(fmt::format("no row of stage \"{}\": the temperature of the run is not known", stage), path,
                     "Continue the run, or restore the file.");
  return sum / rows;
}

std::vector<TransportResult> transport_results(const std::string& given) {
  const std::string file = transport_result_file(given);
  std::vector<TransportResult> results = transport_results_from_json(read_text_file(file), file);
  for (TransportResult& result : results)
    if (const auto structure = structure_beside(file, result, results.size())) result.sites = structure->types;
  return results;
}

std::string transport_result_file(const std::string& given) {
  namespace fs = std::filesystem;
  for (const fs::path& path :
       {fs::path(given), fs::path(given) / "transport.json", fs::path(given) / "transport" / "transport.json"})
    if (fs::is_regular_file(path)) return path.string();
  throw InputError("holds no transport.json", given,
                   "Run `haven run` first, or `haven transport haven ... -o FOLDER` for each temperature.");
}

}  // namespace haven
