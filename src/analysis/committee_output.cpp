#include <fmt/core.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "analysis/committee.hpp"
#include "analysis/svg_plot.hpp"

namespace haven {
namespace {

using Json = nlohmann::ordered_json;

Json json_of(const CommitteeQuantity& q) {
  Json json{{"name", q.name}, {"unit", q.unit}};
  json["temperature_K"] = q.temperature_K > 0 ? Json(q.temperature_K) : Json();
  json["members"] = q.members;
  if (!q.refused.empty()) {
    json["value"] = nullptr, json["refused"] = q.refused;
    return json;
  }
  json["value"] = q.value;
  json["statistical"] = {{q.logarithmic ? "relative_error" : "error", q.statistical_error},
                         {"ci95", q.statistical_ci95}};
  json["model"] = {{q.logarithmic ? "relative_spread" : "spread", q.spread},
                   {"upper_bound95", q.spread_upper},
                   {"p_equal", q.p_equal}};
  json["total"] = {{"ci95", q.total_ci95}};
  json["refused"] = nullptr;
  return json;
}

std::string layer_text(const CommitteeQuantity& q, double value) {
  return q.logarithmic ? fmt::format("{:.1f} %", 100.0 * value) : fmt::format("{:.3f} {}", value, q.unit);
}

}  // namespace

std::string committee_json(const CommitteeResult& result) {
  Json json{{"potentials", result.names}, {"target_K", result.target_K}, {"quantities", Json::array()}};
  for (const CommitteeQuantity& q : result.quantities) json["quantities"].push_back(json_of(q));
  json["error_layers"] =
      "statistical: runs of one potential; model: spread between potentials; total: one more potential of the "
      "committee";
  json["warnings"] = Json::array();
  for (const AnalysisWarning& w : result.warnings) json["warnings"].push_back({{"code", w.code}, {"text", w.text}});
  return json.dump(2) + "\n";
}

std::string committee_text(const CommitteeResult& result) {
  std::string out =
      fmt::format("{} potentials\n{:<14}{:>8}  {:<18}{:<24}{:<12}{:<22}{}\n", result.names.size(), "", "T (K)", "value",
                  "95 % statistics", "statistics", "spread of potentials", "95 % total");
  for (const CommitteeQuantity& q : result.quantities) {
    out += fmt::format("{:<14}{:>8}  ", q.name, q.temperature_K > 0 ? fmt::format("{:g}", q.temperature_K) : "");
    if (!q.refused.empty()) {
      out += "refused: " + q.refused + "\n";
      continue;
    }
    const auto interval = [](const std::array<double, 2>& ci) { return fmt::format("[{:.3g}, {:.3g}]", ci[0], ci[1]); };
    out += fmt::format("{:<18}{:<24}{:<12}{:<22}{}\n", fmt::format("{:.3g} {}", q.value, q.unit),
                       interval(q.statistical_ci95), layer_text(q, q.statistical_error),
                       layer_text(q, q.spread) + " (< " + layer_text(q, q.spread_upper) + ")", interval(q.total_ci95));
  }
  for (const AnalysisWarning& w : result.warnings) out += fmt::format("[WARN {}] {}\n", w.code, w.text);
  return out;
}

std::string committee_svg(std::span<const CommitteeMember> members) {
  svg::Plot plot({.title = "Conductivity by potential",
                  .x = {"1000 / T (1/K)", svg::Scale::linear},
                  .y = {"\u03c3T (S K/cm)", svg::Scale::log},
                  .legend = svg::Corner::top_right});
  constexpr std::array<const char*, 6> colours{"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00"};
  for (std::size_t m = 0; m < members.size(); ++m) {
    const char* colour = colours[m % colours.size()];
    std::vector<double> x, y, low, high;
    for (const TransportResult& r : members[m].results) {
      if (!r.sigma.determined()) continue;
      x.push_back(1000.0 / r.temperature_K), y.push_back(r.sigma.value * r.temperature_K);
      low.push_back(r.sigma.ci95[0] * r.temperature_K), high.push_back(r.sigma.ci95[1] * r.temperature_K);
    }
    plot.error_bars(x, low, high, {.colour = colour, .width = 1.2});
    plot.points(x, y, {.label = members[m].name, .colour = colour, .size = 4});
    if (const auto& line = members[m].fit.sigma_T) {
      std::vector<double> at, mid;
      for (std::size_t k = 0; k < line->band_mid.size(); ++k)
        at.push_back(1000.0 * line->band_inverse_T[k]), mid.push_back(std::exp(line->band_mid[k]));
      plot.line(at, mid, {.colour = colour, .width = 1.2});
    }
  }
  return plot.to_svg();
}

}  // namespace haven
