#include "analysis/structure_output.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "analysis/svg_plot.hpp"
#include "core/species.hpp"

namespace haven {
namespace {

std::string pair_name(const PairDistribution& pair) {
  return fmt::format("{}-{}", element_symbol(pair.first), element_symbol(pair.second));
}

/// Types with their jumps, those of most sites first are left in the order of their numbers.
std::string type_lines(const StructureReport& report) {
  std::string out;
  const JumpNetwork& network = report.network;
  for (std::size_t k = 0; k < network.types.size(); ++k) {
    const SiteStatistics& s = network.types[k];
    out += fmt::format("  type {:<3} {:>5} sites  occupied {:.3f} +- {:.3f}", k, network.sites_of_type[k], s.occupation,
                       s.occupation_sd);
    if (s.departures > 0)
      out += fmt::format("  residence {:.3g} [{:.3g}, {:.3g}] ps", s.residence_ps, s.residence_ci95[0],
                         s.residence_ci95[1]);
    out += '\n';
  }
  for (const Jump& jump : network.type_jumps)
    out += fmt::format("  {} -> {}  {:.2f} A  {} jumps  {:.3g} [{:.3g}, {:.3g}] /ps per ion\n", jump.from, jump.to,
                       jump.distance, jump.rate.count, jump.rate.per_ps, jump.rate.ci95[0], jump.rate.ci95[1]);
  return out;
}

}  // namespace

std::string pair_csv(std::span<const PairDistribution> pairs) {
  std::string out = "r_A";
  for (const PairDistribution& pair : pairs) out += fmt::format(",g_{0},coordination_{0}", pair_name(pair));
  out += '\n';
  for (std::size_t k = 0; !pairs.empty() && k < pairs[0].r.size(); ++k) {
    out += fmt::format("{:.4f}", pairs[0].r[k]);
    for (const PairDistribution& pair : pairs) out += fmt::format(",{:.6g},{:.6g}", pair.g[k], pair.coordination[k]);
    out += '\n';
  }
  return out;
}

std::string pair_svg(std::span<const PairDistribution> pairs) {
  svg::Plot plot({.title = "Pair distributions", .x = {"r (A)"}, .y = {"g(r)"}, .legend = svg::Corner::top_right});
  for (const PairDistribution& pair : pairs) plot.line(pair.r, pair.g, {.label = pair_name(pair), .width = 1.3});
  plot.horizontal_line(1.0, {.colour = "#808080", .width = 1, .dash = "4 4"});
  return plot.to_svg();
}

std::string van_hove_csv(std::span<const VanHove> functions) {
  std::string out = "r_A";
  for (const VanHove& f : functions) out += fmt::format(",self_{0:.6g}ps_per_A,distinct_{0:.6g}ps", f.lag_ps);
  out += '\n';
  for (std::size_t k = 0; !functions.empty() && k < functions[0].r.size(); ++k) {
    out += fmt::format("{:.4f}", functions[0].r[k]);
    for (const VanHove& f : functions) out += fmt::format(",{:.6g},{:.6g}", f.self[k], f.distinct[k]);
    out += '\n';
  }
  return out;
}

std::string van_hove_svg(std::span<const VanHove> functions) {
  svg::Plot plot({.title = "van Hove functions",
                  .x = {"r (A)"},
                  .y = {"4\u03c0r^{2}G_{s} (1/A), G_{d}"},
                  .legend = svg::Corner::top_right});
  constexpr std::array colours{"#0072b2", "#d55e00", "#009e73", "#cc79a7"};
  for (std::size_t k = 0; k < functions.size(); ++k) {
    const char* colour = colours[k % colours.size()];
    plot.line(functions[k].r, functions[k].self,
              {.label = fmt::format("self, {:.3g} ps", functions[k].lag_ps), .colour = colour});
    plot.line(functions[k].r, functions[k].distinct,
              {.label = fmt::format("distinct, {:.3g} ps", functions[k].lag_ps), .colour = colour, .dash = "5 3"});
  }
  return plot.to_svg();
}

std::string structure_json(const StructureReport& report) {
  using Json = nlohmann::ordered_json;
  Json out{{"source", report.source},
           {"temperature_K", report.temperature_K > 0 ? Json(report.temperature_K) : Json(nullptr)},
           {"pairs", Json::array()},
           {"remarks", report.remarks}};
  for (const PairDistribution& pair : report.pairs) {
    const bool shell = pair.first_minimum > 0;
    out["pairs"].push_back({{"pair", pair_name(pair)},
                            {"first_peak_A", shell ? Json(pair.first_peak) : Json(nullptr)},
                            {"first_minimum_A", shell ? Json(pair.first_minimum) : Json(nullptr)},
                            {"coordination", shell ? Json(pair.neighbours) : Json(nullptr)},
                            {"coordination_sd", shell ? Json(pair.neighbours_sd) : Json(nullptr)}});
  }
  out["hops"] = Json::parse(hop_spread_json(report.spread));
  out["coefficients"] = Json::parse(correlation_factors_json(report.factors));
  out["network"] = Json::parse(network_json(report.sites, report.network));
  return out.dump(1) + "\n";
}

std::string structure_text(const StructureReport& report) {
  std::string out = report.source + "\n";
  for (const PairDistribution& pair : report.pairs)
    if (pair.first_minimum > 0)
      out += fmt::format("  {:<6} peak {:.2f} A, {:.2f} +- {:.2f} neighbours within {:.2f} A\n", pair_name(pair),
                         pair.first_peak, pair.neighbours, pair.neighbours_sd, pair.first_minimum);
  const JumpNetwork& network = report.network;
  out += fmt::format("  {} sites from the {}, core {:.2f} A; ions are outside every core {:.0f} % of the time\n",
                     report.sites.fractional.size(), report.sites.origin, network.core_radius,
                     100.0 * network.between_sites);
  out += type_lines(report);
  out += fmt::format("  {} jumps, {:.0f} % undone by the next\n", network.jumps_total,
                     network.jumps_total > 0
                         ? 100.0 * static_cast<double>(network.returns) / static_cast<double>(network.jumps_total)
                         : 0.0);
  out += hop_spread_text(report.spread) + correlation_factors_text(report.factors);
  for (const std::string& remark : report.remarks) out += "  " + remark + "\n";
  return out;
}

}  // namespace haven
