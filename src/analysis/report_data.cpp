#include "analysis/report_data.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <sstream>

#include "analysis/transport_output.hpp"
#include "core/error.hpp"

namespace haven::report {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

/// Empty when the file does not exist.
std::string text_of(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

/// Null when the file does not exist.
Json json_of(const fs::path& path) {
  const std::string text = text_of(path);
  if (text.empty()) return nullptr;
  Json json = Json::parse(text, nullptr, false);
  if (json.is_discarded())
    throw InputError("is damaged: no valid JSON", path.string(), "Run `haven run` again: it makes the file anew.");
  return json;
}

/// A member as text; numbers are printed.
std::string text_member(const Json& json, const char* key) {
  if (!json.is_object() || !json.contains(key) || json[key].is_null()) return "";
  return json[key].is_string() ? json[key].get<std::string>() : json[key].dump();
}

double number_member(const Json& json, const char* key, double fallback) {
  return json.is_object() && json.contains(key) && json[key].is_number() ? json[key].get<double>() : fallback;
}

std::vector<std::string> texts_of(const Json& json) {
  std::vector<std::string> texts;
  if (json.is_array())
    for (const Json& item : json)
      if (item.is_string()) texts.push_back(item.get<std::string>());
  return texts;
}

/// An estimate of the JSON contract: value, ci95, upper_bound, refused.
Estimate estimate_of(const Json& parent, const char* key) {
  if (!parent.contains(key) || !parent[key].is_object()) return refused_estimate("not computed");
  const Json& json = parent[key];
  Estimate estimate;
  if (const std::string refused = text_member(json, "refused");
      !refused.empty() || !json.contains("value") || json["value"].is_null()) {
    estimate.refused = refused.empty() ? "not determined" : refused;
    if (json.contains("upper_bound") && json["upper_bound"].is_number())
      estimate.upper_bound = json["upper_bound"].get<double>();
    return estimate;
  }
  estimate.value = json["value"].get<double>();
  for (std::size_t k = 0; k < 2; ++k) {
    if (json.contains("ci95") && json["ci95"].is_array()) estimate.ci95[k] = json["ci95"].at(k).get<double>();
    if (json.contains("ci68") && json["ci68"].is_array()) estimate.ci68[k] = json["ci68"].at(k).get<double>();
  }
  estimate.n_eff = number_member(json, "n_eff", 0);
  return estimate;
}

DataPart data_of(const Json& json) {
  DataPart part;
  part.kept = static_cast<long long>(number_member(json, "n_kept", 0));
  part.rejected = static_cast<long long>(number_member(json, "n_rejected", 0));
  part.energy = text_member(json, "energy");
  part.notes = texts_of(json.value("notes", Json()));
  if (const Json check = json.value("stress_check", Json()); check.is_object())
    part.stress = number_member(check, "n_pairs", 0) == 0
                      ? "sign not tested (the data hold no strained pairs)"
                      : fmt::format("{} ({:.0f} finite-strain pairs, r = {:.3f})", text_member(check, "verdict"),
                                    number_member(check, "n_pairs", 0), number_member(check, "correlation", 0));
  const Json codes = json.value("codes", Json::object());
  for (const Json& item : json.value("files", Json::array())) {
    DataFile file{.path = text_member(item, "path"),
                  .format = text_member(item, "format"),
                  .code = text_member(item, "code"),
                  .group = text_member(item, "group")};
    file.frames = static_cast<long long>(number_member(item, "n_frames", 0));
    file.kept = static_cast<long long>(number_member(item, "n_kept", 0));
    file.rejected = static_cast<long long>(number_member(item, "n_rejected", 0));
    const Json counts = item.value("counts", Json::object());
    for (const auto& [code, count] : counts.items())
      file.reasons.emplace_back(codes.contains(code) ? codes[code].get<std::string>() : code, count.get<long long>());
    file.notes = texts_of(item.value("notes", Json()));
    part.files.push_back(std::move(file));
  }
  constexpr std::size_t shown = 40;
  for (const Json& item : json.value("decisions", Json::array())) {
    if (part.decisions.size() == shown) break;
    part.decisions.push_back(fmt::format("{} frame {}: {} ({})", text_member(item, "path"), text_member(item, "index"),
                                         text_member(item, "text"), text_member(item, "fate")));
  }
  return part;
}

std::optional<std::array<double, 2>> interval_member(const Json& json, const char* key) {
  const Json pair = json.is_object() ? json.value(key, Json()) : Json();
  if (!pair.is_array() || pair.size() != 2 || !pair[0].is_number() || !pair[1].is_number()) return std::nullopt;
  return std::array<double, 2>{pair[0].get<double>(), pair[1].get<double>()};
}

ErrorRow error_row(const std::string& name, const Json& json) {
  const Json how = json.value("rmse_intervals", Json());
  return {.name = name,
          .structures = number_member(json, "n_structures", 0),
          .energy_rmse = number_member(json, "energy_rmse_meV_per_atom", -1),
          .energy_mae = number_member(json, "energy_mae_meV_per_atom", -1),
          .force_rmse = number_member(json, "force_rmse_meV_per_A", -1),
          .force_mae = number_member(json, "force_mae_meV_per_A", -1),
          .stress_rmse = number_member(json, "stress_rmse_GPa", -1),
          .energy_ci95 = interval_member(json, "energy_rmse_meV_per_atom_ci95"),
          .force_ci95 = interval_member(json, "force_rmse_meV_per_A_ci95"),
          .stress_ci95 = interval_member(json, "stress_rmse_GPa_ci95"),
          .resampled = how.is_object()
                           ? fmt::format("{:.0f} {}", number_member(how, "n", 0), text_member(how, "resampled"))
                           : ""};
}

std::vector<ErrorPart> errors_of(const Json& json) {
  std::vector<ErrorPart> parts;
  if (!json.is_object()) return parts;
  for (const auto& [name, item] : json.items()) {
    ErrorPart part{.name = name, .all = error_row("all", item), .by_group = {}, .by_element = {}};
    const Json groups = item.value("by_group", Json::object()), elements = item.value("by_element", Json::object());
    for (const auto& [key, row] : groups.items()) part.by_group.push_back(error_row(key, row));
    for (const auto& [key, row] : elements.items()) part.by_element.push_back(error_row(key, row));
    parts.push_back(std::move(part));
  }
  return parts;
}

ArrheniusPart arrhenius_of(const Json& json) {
  ArrheniusPart part;
  part.target = number_member(json, "target_K", 300);
  part.extrapolation = number_member(json, "extrapolation", 0);
  part.activation_energy = estimate_of(json, "Ea_eV");
  part.activation_energy_tracer = estimate_of(json, "Ea_tracer_eV");
  part.haven_slope = estimate_of(json, "Ea_tracer_minus_Ea_eV");
  part.sigma_at_target = estimate_of(json, "sigma_S_per_cm_at_target");
  part.tracer_at_target = estimate_of(json, "D_tracer_cm2_per_s_at_target");
  if (json.contains("p_superionic") && json["p_superionic"].is_number())
    part.p_superionic = json["p_superionic"].get<double>();
  part.superionic_threshold = number_member(json, "superionic_S_per_cm", 1e-4);
  part.model = text_member(json, "model");
  part.grade = text_member(json, "grade");
  part.refused = text_member(json, "refused");
  for (const Json& item : json.value("warnings", Json::array()))
    part.warnings.push_back({text_member(item, "code"), text_member(item, "text")});
  return part;
}

std::array<double, 2> pair_member(const Json& json, const char* key) {
  return interval_member(json, key).value_or(std::array<double, 2>{});
}

CommitteePart committee_of(const Json& json) {
  CommitteePart part{.potentials = texts_of(json.value("potentials", Json())),
                     .target = number_member(json, "target_K", 0),
                     .rows = {},
                     .warnings = {}};
  for (const Json& item : json.value("quantities", Json::array())) {
    const Json statistical = item.value("statistical", Json()), model = item.value("model", Json());
    CommitteeRow row{
        .name = text_member(item, "name"), .unit = text_member(item, "unit"), .refused = text_member(item, "refused")};
    row.relative = statistical.is_object() && statistical.contains("relative_error");
    row.temperature = number_member(item, "temperature_K", 0), row.value = number_member(item, "value", 0);
    row.statistical_error = number_member(statistical, row.relative ? "relative_error" : "error", 0);
    row.spread = number_member(model, row.relative ? "relative_spread" : "spread", 0);
    row.spread_upper = number_member(model, "upper_bound95", 0);
    row.statistical_ci95 = pair_member(statistical, "ci95");
    row.total_ci95 = pair_member(item.value("total", Json()), "ci95");
    part.rows.push_back(std::move(row));
  }
  for (const Json& item : json.value("warnings", Json::array()))
    part.warnings.push_back({text_member(item, "code"), text_member(item, "text")});
  return part;
}

/// NaN for anything that is no number.
double number_of(const std::string& cell) {
  double value = std::nan("");
  const auto [end, status] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
  return status == std::errc{} && end == cell.data() + cell.size() ? value : std::nan("");
}

/// Warnings and crashes of events.jsonl.
std::vector<std::string> events_of(const fs::path& path) {
  std::vector<std::string> events;
  std::istringstream stream(text_of(path));
  for (std::string line; std::getline(stream, line);) {
    const Json event = Json::parse(line, nullptr, false);
    if (event.is_discarded() || !event.is_object()) continue;
    const std::string kind = text_member(event, "event"), text = text_member(event, "text");
    if (kind != "stage" && kind != "cell" && !text.empty())
      events.push_back(fmt::format("step {}: {}: {}", text_member(event, "step"), kind, text));
  }
  return events;
}

std::array<double, 3> triple_of(const Json& json, const char* name) {
  std::array<double, 3> values{};
  const Json list = json.value(name, Json::array());
  for (std::size_t k = 0; k < 3 && k < list.size(); ++k)
    if (list[k].is_number()) values[k] = list[k].get<double>();
  return values;
}

/// Mean cells in events.jsonl, the last one of each stage.
std::vector<MeanCellRow> cells_of(const fs::path& path) {
  std::vector<MeanCellRow> cells;
  std::istringstream stream(text_of(path));
  for (std::string line; std::getline(stream, line);) {
    const Json event = Json::parse(line, nullptr, false);
    if (event.is_discarded() || !event.is_object()) continue;
    const std::string kind = text_member(event, "event"), used = text_member(event, "mean_cell_of");
    if (kind == "stage")
      for (MeanCellRow& cell : cells) cell.used = cell.used || cell.stage == used;
    if (kind != "cell") continue;
    const MeanCellRow row{.stage = text_member(event, "stage"),
                          .volume = number_member(event, "volume_A3", 0),
                          .volume_error = number_member(event, "volume_error_A3", 0),
                          .lengths = triple_of(event, "lengths_A"),
                          .length_errors = triple_of(event, "lengths_error_A"),
                          .angles = triple_of(event, "angles_deg")};
    std::erase_if(cells, [&](const MeanCellRow& other) { return other.stage == row.stage; });
    cells.push_back(row);
  }
  return cells;
}

std::vector<fs::path> sorted_entries(const fs::path& folder) {
  std::vector<fs::path> paths;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());
  return paths;
}

std::vector<MdRun> runs_of(const fs::path& folder) {
  std::vector<MdRun> runs;
  for (const fs::path& level : sorted_entries(folder))
    for (const fs::path& path : sorted_entries(level)) {
      const Json json = json_of(path / "run.json");
      if (!json.is_object()) continue;
      MdRun run{.temperature = number_member(json, "temperature_K", 0),
                .replica = static_cast<int>(number_member(json, "replica", 0))};
      run.seed = json.value("seed", 0ULL);
      run.last_step = static_cast<long long>(number_member(json, "last_step", 0));
      run.n_atoms = static_cast<long long>(number_member(json, "n_atoms", 0));
      run.thermo = read_columns((path / "thermo.csv").string());
      run.events = events_of(path / "events.jsonl");
      run.cells = cells_of(path / "events.jsonl");
      runs.push_back(std::move(run));
    }
  std::stable_sort(runs.begin(), runs.end(),
                   [](const MdRun& a, const MdRun& b) { return a.temperature > b.temperature; });
  return runs;
}

/// Results of `haven transport structure` beside those of the temperatures, with their figures.
void load_structures(const fs::path& transport, RunData& run) {
  for (const TransportResult& result : run.transport) {
    auto found = structure_beside(transport.string(), result, run.transport.size());
    if (!found) continue;
    run.structures[result.label] = std::move(*found);
    for (const char* name : {"hops", "ions"}) {
      const fs::path figure = transport.parent_path() / ("structure_" + result.label) / fmt::format("{}.svg", name);
      if (std::string svg = text_of(figure); !svg.empty())
        run.figures[fmt::format("structure/{}_{}.svg", name, result.label)] = std::move(svg);
    }
  }
}

void load_provenance(const fs::path& folder, RunData& run) {
  const Json provenance = json_of(folder / "provenance.json"), steps = json_of(folder / "steps.json");
  if (!provenance.is_object())
    throw InputError("holds no run of Haven", folder.string(), "Give the output folder of `haven run`.");
  run.name = text_member(provenance, "name");
  run.created_by = text_member(provenance, "created_by");
  for (const auto& [key, value] : provenance.items())
    if (key != "name" && key != "created_by")
      run.facts.emplace_back(key, value.is_string() ? value.get<std::string>() : value.dump());
  if (!steps.is_object()) return;
  const Json done = steps.value("steps", Json::object());
  for (const auto& [step, entry] : done.items()) {
    if (step == "report") continue;
    run.facts.emplace_back("inputs of step " + step, text_member(entry, "inputs"));
    const Json facts = entry.value("facts", Json::object());
    for (const auto& [key, value] : facts.items())
      if (key.find("sha256") != std::string::npos || key.find("hash") != std::string::npos)
        run.facts.emplace_back(key, value.get<std::string>());
  }
}

}  // namespace

const std::vector<double>* Columns::find(const std::vector<std::string>& words) const {
  for (std::size_t k = 0; k < names.size(); ++k)
    if (std::all_of(words.begin(), words.end(),
                    [&](const std::string& word) { return names[k].find(word) != std::string::npos; }))
      return &values[k];
  return nullptr;
}

Columns read_columns(const std::string& path) {
  Columns columns;
  std::istringstream stream(text_of(path));
  for (std::string line; std::getline(stream, line);) {
    if (line.empty() || line[0] == '#') continue;
    std::vector<std::string> cells;
    std::istringstream row(line);
    for (std::string cell; std::getline(row, cell, ',');) cells.push_back(cell);
    if (columns.names.empty()) {
      columns.names = cells;
      columns.values.resize(cells.size());
      continue;
    }
    if (cells.size() != columns.names.size()) break;  // cut off while being written
    for (std::size_t k = 0; k < cells.size(); ++k) columns.values[k].push_back(number_of(cells[k]));
    columns.last_cells.push_back(cells.back());
  }
  return columns;
}

RunData load_run(const std::string& folder_name) {
  const fs::path folder(folder_name);
  RunData run;
  load_provenance(folder, run);
  run.configuration = text_of(folder / "effective.toml");
  if (const Json json = json_of(folder / "data_report.json"); json.is_object()) run.data = data_of(json);
  run.errors = errors_of(json_of(folder / "model" / "errors.json"));
  run.learning_curve = read_columns((folder / "model" / "lcurve.csv").string());
  run.runs = runs_of(folder / "md");
  const fs::path transport = folder / "transport" / "transport.json";
  if (const Json json = json_of(transport); json.is_object()) {
    run.transport = transport_results_from_json(text_of(transport), transport.string());
    if (const Json fit = json.value("arrhenius", Json()); fit.is_object()) run.arrhenius = arrhenius_of(fit);
  }
  load_structures(transport, run);
  for (const TransportResult& result : run.transport)
    if (Columns curves = read_columns((folder / "transport" / ("msd_" + result.label + ".csv")).string());
        !curves.empty())
      run.curves[result.label] = std::move(curves);
  if (const Json json = json_of(folder / "committee" / "committee.json"); json.is_object())
    run.committee = committee_of(json);
  for (const char* part : {"model", "transport", "committee"})
    for (const fs::path& path : sorted_entries(folder / part))
      if (path.extension() == ".svg") run.figures[(fs::path(part) / path.filename()).string()] = text_of(path);
  return run;
}

}  // namespace haven::report
