#include <fmt/format.h>

#include "analysis/report_figures.hpp"
#include "analysis/report_html.hpp"
#include "analysis/report_sections.hpp"

namespace haven::report {
namespace {

std::string percent(double share) { return fmt::format("{:.0f}&thinsp;%", 100.0 * share); }

std::string factors_table(const RunData& run) {
  Table table({"T (K)", "D<sub>hop</sub> (cm&sup2;/s)", "D* (cm&sup2;/s)", "D<sub>&sigma;</sub> (cm&sup2;/s)",
               "f = D*/D<sub>hop</sub>", "f<sub>I</sub> = D<sub>&sigma;</sub>/D<sub>hop</sub>",
               "H<sub>R</sub> = f/f<sub>I</sub>"});
  for (const TransportResult& result : run.transport) {
    const auto found = run.structures.find(result.label);
    if (found == run.structures.end()) continue;
    std::vector<std::string> cells{fmt::format("{:g}", result.temperature_K)};
    const CorrelationFactors& c = found->second.factors;
    for (const Estimate* e : {&c.hop, &c.tracer, &c.collective, &c.f, &c.f_I, &c.haven_ratio})
      cells.push_back(estimate_cell(*e));
    table.row(cells);
  }
  return table.html() +
         "<p class=\"soft\">Of one trajectory of each temperature. D<sub>hop</sub> = &Sigma; l&sup2;/6Nt, from the "
         "lengths l of all jumps between sites: the diffusion of independent jumps; its interval is that of a Poisson "
         "process, widened where jumps come in bursts.</p>\n";
}

std::string spread_table(const RunData& run) {
  // What equal ions of one rate would show stands in brackets.
  const auto beside = [](double seen, double expected) {
    return percent(seen) + (expected > 0 ? " (" + percent(expected) + ")" : "");
  };
  Table table({"T (K)", "hops per ion", "variance / mean (1)", "p", "ions with half of the hops", "lag (ps)",
               "spread of MSD over ions"});
  for (const TransportResult& result : run.transport) {
    const auto found = run.structures.find(result.label);
    if (found == run.structures.end()) continue;
    const HopSpread& s = found->second.spread;
    table.row({fmt::format("{:g}", result.temperature_K), fmt::format("{:.3g}", s.mean_hops),
               fmt::format("{:.2g}", s.dispersion), scientific(fmt::format("{:.2g}", s.poisson_p)),
               beside(s.half_share, s.half_share_poisson), fmt::format("{:.3g}", s.lag_ps),
               beside(s.msd_spread, s.msd_spread_expected)});
  }
  return "<h3>Do few ions carry the diffusion?</h3>\n" + table.html() +
         "<p class=\"soft\">In brackets: of ions that jump independently with one rate; p: that such ions scatter like "
         "this.</p>\n";
}

std::string occupancy_table(const RunData& run) {
  Table table({"T (K)", "type of site", "sites", "ions on a site"});
  for (const TransportResult& result : run.transport) {
    const auto found = run.structures.find(result.label);
    if (found == run.structures.end()) continue;
    for (std::size_t k = 0; k < found->second.types.size(); ++k) {
      const SiteOccupancy& type = found->second.types[k];
      table.row({fmt::format("{:g}", result.temperature_K), fmt::format("{}", k), fmt::format("{}", type.sites),
                 fmt::format("{:.3f} &plusmn; {:.3f}", type.occupation, type.sd)});
    }
  }
  return "<h3>Sites</h3>\n" + table.html();
}

}  // namespace

std::string structure_part(const RunData& run) {
  if (run.structures.empty()) return "";
  std::vector<std::string> pictures;
  std::string remarks;
  for (const TransportResult& result : run.transport) {
    const auto found = run.structures.find(result.label);
    if (found == run.structures.end()) continue;
    const auto add = [&](const char* name, const std::string& caption) {
      pictures.push_back(figure(run, fmt::format("structure/{}_{}.svg", name, result.label),
                                fmt::format("{:g} K: {}", result.temperature_K, caption)));
    };
    add("hops", "hops of single ions, and those of ions with one rate.");
    add("ions", "mean squared displacement of single ions, and that of equal ions.");
    for (const std::string& remark : found->second.remarks)
      remarks += fmt::format("<li>{:g} K: {}</li>\n", result.temperature_K, prose(remark));
  }
  if (!remarks.empty()) remarks = "<ul>" + remarks + "</ul>\n";
  return section("structure", "Sites and hops",
                 factors_table(run) + spread_table(run) + figures(pictures) + occupancy_table(run) + remarks);
}

}  // namespace haven::report
