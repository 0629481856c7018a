#include "analysis/report.hpp"

#include <filesystem>
#include <nlohmann/json.hpp>

#include "analysis/report_data.hpp"
#include "analysis/report_figures.hpp"
#include "analysis/report_html.hpp"
#include "analysis/report_sections.hpp"
#include "analysis/transport_output.hpp"

namespace haven {
namespace {

using Json = nlohmann::ordered_json;

Json number_or_null(double value) { return value < 0 ? Json() : Json(value); }

Json json_of(const report::RunData& run) {
  Json json{{"name", run.name}, {"created_by", run.created_by}, {"answer", report::answer_text(run)}};
  for (const TransportResult& result : run.transport)
    json["temperatures"].push_back(Json::parse(transport_json(result)));
  if (run.arrhenius) {
    const Estimate& sigma = run.arrhenius->sigma_at_target;
    json["target_K"] = run.arrhenius->target;
    json["sigma_S_per_cm_at_target"] = sigma.determined()
                                           ? Json{{"value", sigma.value}, {"ci95", sigma.ci95}, {"refused", nullptr}}
                                           : Json{{"value", nullptr}, {"refused", sigma.refused}};
  }
  for (const report::ErrorPart& part : run.errors)
    json["model_errors"][part.name] = {{"n_structures", part.all.structures},
                                       {"energy_rmse_meV_per_atom", number_or_null(part.all.energy_rmse)},
                                       {"force_rmse_meV_per_A", number_or_null(part.all.force_rmse)},
                                       {"stress_rmse_GPa", number_or_null(part.all.stress_rmse)}};
  if (run.data) json["data"] = {{"n_kept", run.data->kept}, {"n_rejected", run.data->rejected}};
  for (const auto& [key, value] : run.facts) json["provenance"][key] = value;
  return json;
}

}  // namespace

ReportPage make_run_report(const std::string& run_folder) {
  report::RunData run = report::load_run(run_folder);
  run.figures.merge(report::drawn_figures(run));
  const std::vector<std::pair<std::string, std::pair<std::string, std::string>>> parts{
      {"transport", {"Diffusion and conductivity", report::transport_part(run)}},
      {"structure", {"Sites and hops", report::structure_part(run)}},
      {"committee", {"Committee of potentials", report::committee_part(run)}},
      {"warnings", {"Warnings", report::warnings_part(run)}},
      {"model", {"Model", report::model_part(run)}},
      {"dynamics", {"Molecular dynamics", report::dynamics_part(run)}},
      {"data", {"Data", report::data_part(run)}},
      {"provenance", {"Provenance", report::provenance_part(run)}}};
  std::string body = report::header_part(run) + report::answer_part(run);
  std::vector<std::pair<std::string, std::string>> contents{{"answer", "Answer"}};
  for (const auto& [id, part] : parts) {
    if (part.second.empty()) continue;
    contents.emplace_back(id, part.first);
    body += part.second;
  }
  ReportPage page{.html = report::page(run.name, contents, body), .json = json_of(run).dump(2) + "\n"};
  for (const auto& [path, svg] : run.figures) page.figures[std::filesystem::path(path).filename().string()] = svg;
  return page;
}

}  // namespace haven
