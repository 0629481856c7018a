#include "analysis/report_evidence.hpp"

#include <fmt/format.h>

#include <cmath>
#include <functional>

#include "analysis/report_html.hpp"

namespace haven::report {
namespace {

constexpr const char* methods =
    "<p class=\"soft\">D*: slope/6 of the mean squared displacement of single ions; D<sub>&sigma;</sub>: slope/6 of "
    "the "
    "squared displacement of the total charge, divided by the sum of squared charges; all time origins, "
    "log-spaced lags within the window, generalised least squares with the exact covariance of overlapping "
    "displacements and a free offset. Error of D*: scatter over ions, times what shared motion adds; of "
    "D<sub>&sigma;</sub>: that covariance. H<sub>R</sub> = D*/D<sub>&sigma;</sub> on the same window, errors joined "
    "with "
    "their covariance. &sigma; = &Sigma;q&sup2; D<sub>&sigma;</sub>/(V k<sub>B</sub>T). Intervals are symmetric in the "
    "logarithm. n: how many independent three-dimensional displacements would have the same error.</p>\n";

struct EvidenceRow {
  const char* name;
  std::function<std::string(const TransportResult&)> cell;
};

std::string rounded(double value) { return scientific(fmt::format("{:.3g}", value)); }
std::string percent(double share) { return share > 0 ? fmt::format("{:.2g}&thinsp;%", 100 * share) : "&mdash;"; }
std::string ratio(double value) { return value > 0 ? fmt::format("{:.3f}", value) : "&mdash;"; }
std::string independent(const Estimate& estimate) {
  return estimate.determined() ? fmt::format("{:.0f}", estimate.n_eff) : "&mdash;";
}

std::vector<EvidenceRow> evidence_rows() {
  using R = const TransportResult&;
  return {
      {"mobile ions &times; runs", [](R r) { return fmt::format("{} &times; {}", r.n_ions, r.replicas); }},
      {"volume (&Aring;&sup3;)", [](R r) { return fmt::format("{:.1f}", r.volume_A3); }},
      {"time, all runs (ns)", [](R r) { return rounded(r.time_ns); }},
      {"window (ps)",
       [](R r) {
         return r.window.tau1_ps > 0 ? fmt::format("{:.3g} &hellip; {:.3g}", r.window.tau0_ps, r.window.tau1_ps)
                                     : std::string("&mdash;");
       }},
      {"n behind D*", [](R r) { return independent(r.tracer.iso); }},
      {"n behind D<sub>&sigma;</sub>", [](R r) { return independent(r.collective.iso); }},
      {"hops per ion", [](R r) { return rounded(r.checks.hops_per_ion); }},
      {"hop length (&Aring;)", [](R r) { return fmt::format("{:.2f}", r.checks.hop_length); }},
      {"exponent of the MSD at the start of the window", [](R r) { return ratio(r.checks.alpha); }},
      {"D* from half the window's start / D*", [](R r) { return ratio(r.checks.half_window_ratio); }},
      {"D* from twice the window's start / D*", [](R r) { return ratio(r.checks.double_window_ratio); }},
      {"error of D* from five blocks", [](R r) { return percent(r.checks.block_relative_error); }},
      {"MSD of ions in the second half of the run / in the first",
       [](R r) {
         return r.checks.halves
                    ? fmt::format("{:.3f}<small>p = {}</small>", r.checks.halves->ratio, rounded(r.checks.halves->p))
                    : std::string("&mdash;");
       }},
      {"factor on the error of D* for shared motion", [](R r) { return ratio(r.checks.shared_motion); }},
      {"error of D* by the rule of He, Zhu &amp; Mo", [](R r) { return percent(r.checks.he_zhu_mo_error); }},
      {"ions that jumped", [](R r) { return fmt::format("{} of {}", r.checks.jumped_ions, r.n_ions * r.replicas); }},
      {"error of D* by the number of ions that jumped", [](R r) { return percent(r.checks.jumped_ions_error); }},
      {"p of the straight line, single ions", [](R r) { return rounded(r.checks.fit_p_tracer); }},
      {"p of the straight line, charge", [](R r) { return rounded(r.checks.fit_p_collective); }},
      {"spread of D* between runs beyond their errors", [](R r) { return percent(r.checks.between_replicas_tracer); }},
      {"host: rms about its sites (&Aring;)", [](R r) { return fmt::format("{:.3f}", r.checks.host.rms); }},
      {"host: drift, removed (&Aring;)", [](R r) { return rounded(r.checks.host_drift); }},
      {"Green&ndash;Kubo &sigma; (S/cm)",
       [](R r) { return r.sigma_GK ? estimate_cell(*r.sigma_GK) : std::string("&mdash;"); }},
  };
}

std::string tensor_row(const DiffusionEstimate& estimate) {
  if (!estimate.tensor) return "&mdash;";
  std::string out;
  for (const Estimate& principal : estimate.tensor->principal)
    out += (out.empty() ? "" : "<br>") + estimate_cell(principal);
  return out;
}

std::string species_part(const RunData& run) {
  Table table({"T (K)", "element", "ions", "D* (cm&sup2;/s)", "transference number"});
  for (const TransportResult& result : run.transport) {
    if (!result.onsager) continue;
    for (const SpeciesTransport& one : result.onsager->species)
      table.row({fmt::format("{:g}", result.temperature_K), escaped(one.symbol), fmt::format("{}", one.n_ions),
                 estimate_cell(one.tracer),
                 fmt::format("{:.3f} &plusmn; {:.3f}", one.transference, one.transference_sd)});
  }
  return table.empty() ? "" : "<h3>Mobile species</h3>\n" + table.html();
}

}  // namespace

std::string evidence_part(const RunData& run) {
  if (run.transport.empty()) return "";
  std::vector<std::string> heads{"quantity"};
  for (const TransportResult& result : run.transport) heads.push_back(fmt::format("{:g} K", result.temperature_K));
  Table table(heads);
  const auto add = [&](const std::string& name, const auto& cell) {
    std::vector<std::string> cells{name};
    for (const TransportResult& result : run.transport) cells.push_back(cell(result));
    table.row(std::move(cells));
  };
  for (const EvidenceRow& row : evidence_rows()) add(row.name, row.cell);
  add("principal values of D* (cm&sup2;/s)", [](const TransportResult& r) { return tensor_row(r.tracer); });
  add("principal values of D<sub>&sigma;</sub> (cm&sup2;/s)",
      [](const TransportResult& r) { return tensor_row(r.collective); });
  return methods + table.html() + species_part(run);
}

}  // namespace haven::report
