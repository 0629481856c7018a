#include "analysis/report_sections.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "analysis/report_evidence.hpp"
#include "analysis/report_figures.hpp"
#include "analysis/report_html.hpp"
#include "analysis/sites.hpp"
#include "analysis/transport_output.hpp"

namespace haven::report {
namespace {

double total_ns(const RunData& run) {
  double sum = 0;
  for (const TransportResult& result : run.transport) sum += result.time_ns;
  return sum;
}

/// The transport result that speaks for the run when there is no fit: the coldest temperature.
const TransportResult* coldest(const RunData& run) {
  const auto found = std::min_element(run.transport.begin(), run.transport.end(),
                                      [](const auto& a, const auto& b) { return a.temperature_K < b.temperature_K; });
  return found == run.transport.end() ? nullptr : &*found;
}

bool has_ladder_answer(const RunData& run) {
  return run.arrhenius && run.arrhenius->refused.empty() && run.arrhenius->sigma_at_target.determined();
}

std::size_t determined_temperatures(const RunData& run) {
  return static_cast<std::size_t>(
      std::count_if(run.transport.begin(), run.transport.end(), [](const auto& r) { return r.sigma.determined(); }));
}

/// Headline and explanation; plain text with numbers as "4.1e-04".
struct Answer {
  bool determined = false;
  std::string headline;
  std::vector<std::string> lines;
};

/// What the interval of the answer holds and what it does not.
std::string error_layers(const RunData& run) {
  if (!run.committee)
    return "The interval is statistical: it holds the error of the simulations, not that of the potential or of the "
           "DFT behind it.";
  for (const CommitteeRow& row : run.committee->rows)
    if (row.temperature == 0 && row.name.starts_with("sigma(") && row.refused.empty())
      return fmt::format(
          "The interval above is that of the statistics of one potential. {} potentials trained apart give {} = {:.2g} "
          "S/cm, 95 % interval {:.2g} … {:.2g} S/cm with their spread; the error of the DFT is not in it.",
          run.committee->potentials.size(), row.name, row.value, row.total_ci95[0], row.total_ci95[1]);
  return "The interval is that of the statistics of one potential; the committee does not determine the conductivity.";
}

Answer ladder_answer(const RunData& run, std::size_t temperatures) {
  const ArrheniusPart& fit = *run.arrhenius;
  Answer answer{.determined = true, .headline = {}, .lines = {}};
  const Estimate& sigma = fit.sigma_at_target;
  answer.headline = fmt::format("σ({:g} K) = {:.2g} S/cm, 95 % interval {:.2g} … {:.2g} S/cm", fit.target, sigma.value,
                                sigma.ci95[0], sigma.ci95[1]);
  if (fit.activation_energy.determined())
    answer.lines.push_back(fmt::format(
        "Activation energy of σT: {:.3f} eV, 95 % interval {:.3f} … {:.3f} eV ({}; determined at {} temperatures).",
        fit.activation_energy.value, fit.activation_energy.ci95[0], fit.activation_energy.ci95[1], fit.model,
        temperatures));
  if (fit.extrapolation > 0)
    answer.lines.push_back(fmt::format(
        "{:g} K lies outside the simulated temperatures: the extrapolation covers {:.1f} times the fitted span of 1/T.",
        fit.target, fit.extrapolation));
  if (fit.grade == "extrapolation")
    answer.lines.push_back(
        fmt::format("The activation energy is a claim about the simulated temperatures; σ({:g} K) is an "
                    "extrapolation that no interval of the runs can vouch for.",
                    fit.target));
  if (fit.grade == "estimate")
    answer.lines.push_back("Three temperatures make an estimate; four or more would make a claim.");
  if (fit.p_superionic) {
    const double p = 100 * *fit.p_superionic;
    const std::string percent = p > 99.5 ? "above 99" : (p < 0.5 ? "below 1" : fmt::format("{:.0f}", p));
    answer.lines.push_back(fmt::format("Probability that σ({:g} K) exceeds {:.0e} S/cm: {} %.", fit.target,
                                       fit.superionic_threshold, percent));
  }
  answer.lines.push_back(error_layers(run));
  return answer;
}

Answer single_answer(const TransportResult& result) {
  Answer answer;
  const Estimate& sigma = result.sigma;
  if (sigma.determined()) {
    answer.determined = true;
    answer.headline = fmt::format("σ({:g} K) = {:.2g} S/cm, 95 % interval {:.2g} … {:.2g} S/cm", result.temperature_K,
                                  sigma.value, sigma.ci95[0], sigma.ci95[1]);
  } else if (result.tracer.iso.determined()) {
    const Estimate& d = result.tracer.iso;
    answer.headline =
        fmt::format("D*({:g} K) = {:.2g} cm²/s, 95 % interval {:.2g} … {:.2g}; the conductivity is not determined",
                    result.temperature_K, d.value, d.ci95[0], d.ci95[1]);
    answer.lines.push_back(sigma.refused);
  } else {
    answer.headline = fmt::format("Diffusion at {:g} K is not determined by these runs", result.temperature_K);
    answer.lines.push_back(result.tracer.iso.refused);
    if (result.tracer.iso.upper_bound)
      answer.lines.push_back(fmt::format("Upper bound (95 %): D* < {:.2g} cm²/s.", *result.tracer.iso.upper_bound));
  }
  return answer;
}

Answer answer_of(const RunData& run) {
  if (has_ladder_answer(run)) return ladder_answer(run, determined_temperatures(run));
  if (run.transport.size() > 1 && run.arrhenius) {
    Answer answer{.determined = false,
                  .headline = fmt::format("σ({:g} K) is not determined by these runs", run.arrhenius->target),
                  .lines = {}};
    answer.lines.push_back(run.arrhenius->refused.empty() ? run.arrhenius->sigma_at_target.refused
                                                          : run.arrhenius->refused);
    if (const TransportResult* result = coldest(run); result != nullptr && !result->refused.empty())
      answer.lines.push_back(fmt::format("At {:g} K: {}.", result->temperature_K, result->refused));
    return answer;
  }
  if (const TransportResult* result = coldest(run)) return single_answer(*result);
  if (!run.errors.empty())
    return {
        .determined = true, .headline = "A model has been trained and tested; no transport analysis yet", .lines = {}};
  return {.determined = false, .headline = "This run has no results yet", .lines = {}};
}

std::string tile(const std::string& value, const std::string& name) {
  return fmt::format("<div class=\"tile\"><b>{}</b><span>{}</span></div>", value, name);
}

std::string structures_text(const ErrorRow& row) {
  return row.structures > 0 ? fmt::format("{:.0f} structures", row.structures) : "number of structures unknown";
}

std::string tiles(const RunData& run) {
  std::string out;
  if (run.arrhenius && run.arrhenius->activation_energy.determined())
    out += tile(fmt::format("{:.3f} eV", run.arrhenius->activation_energy.value),
                fmt::format("activation energy of &sigma;T, 95&thinsp;% {} eV",
                            interval_text(run.arrhenius->activation_energy)));
  for (const TransportResult& result : run.transport)
    if (result.haven_ratio.determined()) {
      out += tile(fmt::format("{:.2f}", result.haven_ratio.value),
                  fmt::format("Haven ratio at {:g} K, 95&thinsp;% {}", result.temperature_K,
                              interval_text(result.haven_ratio)));
      break;
    }
  for (auto part = run.errors.rbegin(); part != run.errors.rend(); ++part) {
    if (part->all.force_rmse < 0) continue;
    out += tile(fmt::format("{} meV/&Aring;", number_or_dash(part->all.force_rmse)),
                fmt::format("force error (rms, {} part, {})", escaped(part->name), structures_text(part->all)));
    if (part->all.energy_rmse >= 0)
      out += tile(
          fmt::format("{} meV", number_or_dash(part->all.energy_rmse)),
          fmt::format("energy error per atom (rms, {} part, {})", escaped(part->name), structures_text(part->all)));
    break;
  }
  if (total_ns(run) > 0)
    out += tile(fmt::format("{:.3g} ns", total_ns(run)), fmt::format("analysed dynamics, {} runs", run.runs.size()));
  if (run.data) out += tile(fmt::format("{}", run.data->kept), "labelled structures");
  return out.empty() ? "" : "<div class=\"tiles\">" + out + "</div>\n";
}

std::string axes_table(const RunData& run) {
  Table table({"T (K)", "D*<sub>xx</sub>", "D*<sub>yy</sub>", "D*<sub>zz</sub>", "D<sub>&sigma;,xx</sub>",
               "D<sub>&sigma;,yy</sub>", "D<sub>&sigma;,zz</sub>"});
  for (const TransportResult& result : run.transport) {
    std::vector<std::string> cells{fmt::format("{:g}", result.temperature_K)};
    for (const DiffusionEstimate* d : {&result.tracer, &result.collective})
      for (const Estimate& axis : d->axes) cells.push_back(estimate_cell(axis));
    table.row(cells);
  }
  return table.html();
}

std::string window_text(const WindowChoice& window) {
  return window.tau1_ps > 0 ? fmt::format("{:.3g} &hellip; {:.3g}", window.tau0_ps, window.tau1_ps) : "&mdash;";
}

/// Hops of one ion, with the exact interval of a count.
std::string hops_text(const TransportChecks& checks) {
  if (checks.hops == 0) return "0<small>no hop seen</small>";
  const double ions = static_cast<double>(checks.hops) / checks.hops_per_ion;
  const Rate rate = poisson_rate(checks.hops, ions);
  return fmt::format("{:.2g}<small>95&thinsp;%: {:.2g} &hellip; {:.2g}</small><small>n = {}</small>", rate.per_ps,
                     rate.ci95[0], rate.ci95[1], checks.hops);
}

/// Every number of the lines through the temperatures.
std::string fits_table(const RunData& run) {
  if (!run.arrhenius || !run.arrhenius->refused.empty()) return "";
  const ArrheniusPart& fit = *run.arrhenius;
  Table table({"line through the temperatures", "value"});
  const std::string target = fmt::format("({:g} K)", fit.target);
  table.row({"E<sub>a</sub> of &sigma;T (eV)", estimate_cell(fit.activation_energy)});
  table.row({"E<sub>a</sub> of D* (eV)", estimate_cell(fit.activation_energy_tracer)});
  table.row(
      {"E<sub>a</sub>(D*) &minus; E<sub>a</sub>(&sigma;T) (eV): H<sub>R</sub> &prop; exp(&minus;this/k<sub>B</sub>T)",
       estimate_cell(fit.haven_slope)});
  table.row({"&sigma;" + target + " (S/cm)", estimate_cell(fit.sigma_at_target)});
  table.row({"D*" + target + " (cm&sup2;/s)", estimate_cell(fit.tracer_at_target)});
  return table.html() + fmt::format(
                            "<p class=\"soft\">n: temperatures behind the line. Method: posterior of a line in 1/T "
                            "(flat in E<sub>a</sub> and ln A), bounds as censored points; model: {}.</p>\n",
                            escaped(fit.model));
}

}  // namespace

std::string answer_text(const RunData& run) {
  const Answer answer = answer_of(run);
  std::string text = answer.headline + ".";
  for (const std::string& line : answer.lines)
    if (!line.empty()) text += " " + line;
  return text;
}

std::string header_part(const RunData& run) {
  std::string system;
  if (!run.transport.empty()) {
    std::string mobile;
    for (const std::string& symbol : run.transport.front().mobile) mobile += (mobile.empty() ? "" : ", ") + symbol;
    system = fmt::format("<p>{} mobile {} ions in {:.0f} &Aring;&sup3;, {} temperature{}</p>",
                         run.transport.front().n_ions, escaped(mobile), run.transport.front().volume_A3,
                         run.transport.size(), run.transport.size() == 1 ? "" : "s");
  }
  return fmt::format("<header><h1>{}</h1>{}<p>Made by {}</p></header>\n", escaped(run.name), system,
                     escaped(run.created_by));
}

std::string answer_part(const RunData& run) {
  const Answer answer = answer_of(run);
  std::string lines;
  for (const std::string& line : answer.lines)
    if (!line.empty()) lines += "<p>" + prose(line) + "</p>\n";
  // The script shows it when the page has the fitted band.
  const std::string dial =
      has_ladder_answer(run)
          ? fmt::format(
                "<div class=\"dial\" data-figure=\"fig-arrhenius\" data-target=\"{:g}\" hidden><label "
                "for=\"dial\">Another temperature</label><input id=\"dial\" type=\"range\" "
                "step=\"1\"><output></output></div>\n",
                run.arrhenius->target)
          : "";
  return fmt::format("<section id=\"answer\" class=\"answer{}\"><p class=\"big\">{}</p>\n{}{}{}</section>\n",
                     answer.determined ? "" : " refused", prose(answer.headline), lines, dial, tiles(run));
}

std::string transport_part(const RunData& run) {
  if (run.transport.empty()) return "";
  Table table({"T (K)", "D* (cm&sup2;/s)", "D<sub>&sigma;</sub> (cm&sup2;/s)", "Haven ratio", "&sigma; (S/cm)",
               "&sigma;<sub>NE</sub> (S/cm)", "window (ps)", "hops/ion", "time (ns)"});
  for (const TransportResult& result : run.transport)
    table.row({fmt::format("{:g}<small>{} run{}</small>", result.temperature_K, result.replicas,
                           result.replicas == 1 ? "" : "s"),
               estimate_cell(result.tracer.iso), estimate_cell(result.collective.iso),
               estimate_cell(result.haven_ratio), estimate_cell(result.sigma), estimate_cell(result.sigma_NE),
               window_text(result.window), hops_text(result.checks), fmt::format("{:.3g}", result.time_ns)});
  std::string body = table.html();
  body +=
      "<p class=\"soft\">D*: tracer (self) diffusion. D<sub>&sigma;</sub>: diffusion of the charge, from the "
      "collective displacement of all mobile "
      "ions; it gives the conductivity. Haven ratio H<sub>R</sub> = D*/D<sub>&sigma;</sub>. &sigma;<sub>NE</sub>: "
      "Nernst&ndash;Einstein, which assumes "
      "H<sub>R</sub> = 1. The number in brackets is the standard error of the last digits; n: how many independent "
      "three-dimensional displacements would have the same error; the method: below, under &ldquo;How these numbers "
      "were obtained&rdquo;.</p>\n";
  const bool any_ratio =
      std::any_of(run.transport.begin(), run.transport.end(), [](const auto& r) { return r.haven_ratio.determined(); });
  std::vector<std::string> overview;
  if (run.transport.size() > 1)
    overview.push_back(figure(
        run, "transport/arrhenius.svg",
        "Conductivity times temperature against 1/T with the 95&thinsp;% band of the fit; arrows are upper bounds."));
  if (any_ratio)
    overview.push_back(figure(run, "transport/haven_ratio.svg", "Haven ratio and its 95&thinsp;% intervals."));
  body += figures(overview);
  std::vector<std::string> curves;
  for (const TransportResult& result : run.transport) {
    const std::string window = result.window.tau1_ps > 0
                                   ? fmt::format("; shaded: fit window {:.3g} to {:.3g} ps ({}).",
                                                 result.window.tau0_ps, result.window.tau1_ps, prose(result.window.why))
                                   : "; no fit window was found.";
    const std::string label = result.label.empty() ? fmt::format("T{:g}", result.temperature_K) : result.label;
    curves.push_back(figure(run, fmt::format("transport/msd_{}.svg", label),
                            fmt::format("{:g} K: mean squared displacement of single ions and of the charge{}",
                                        result.temperature_K, window)));
    curves.push_back(figure(
        run, fmt::format("report/diffusion_{}.svg", label),
        fmt::format("{:g} K: slopes between neighbouring lags, which level off when the motion has become diffusive; "
                    "dotted with its band: what the fit makes of the whole window.",
                    result.temperature_K)));
  }
  curves.push_back(figure(run, "report/non_gaussian.svg",
                          "Non-Gaussian parameter of single ions: 0 for a random walk of many small steps; the window "
                          "begins after its peak."));
  body += figures(curves);
  body += details("How these numbers were obtained, and the evidence behind them", evidence_part(run));
  body += fits_table(run);
  std::string refusals;
  for (const TransportResult& result : run.transport)
    if (!result.refused.empty())
      refusals += fmt::format("<li>{:g} K: {}</li>\n", result.temperature_K, prose(result.refused));
  if (!refusals.empty()) body += "<h3>What is not determined, and why</h3><ul>" + refusals + "</ul>\n";
  const bool wants_axes = run.configuration.find("\"xyz\"") != std::string::npos;
  const std::string axes = axes_table(run);
  body += wants_axes ? "<h3>Along each axis (cm&sup2;/s)</h3>\n" + axes : details("Along each axis (cm&sup2;/s)", axes);
  return section("transport", "Diffusion and conductivity", body);
}

std::string committee_part(const RunData& run) {
  if (!run.committee) return "";
  Table table({"quantity", "T (K)", "value", "95&thinsp;%, statistics of the runs", "statistical error",
               "spread of the potentials", "95&thinsp;%, total"});
  for (const CommitteeRow& row : run.committee->rows) {
    const std::string temperature = row.temperature > 0 ? fmt::format("{:g}", row.temperature) : "ladder";
    if (!row.refused.empty()) {
      table.row({escaped(row.name), temperature, "&mdash;<small>" + escaped(row.refused) + "</small>", "", "", "", ""});
      continue;
    }
    const auto error = [&](double value) {
      return row.relative ? fmt::format("{:.2g}&thinsp;%", 100 * value)
                          : fmt::format("{:.3f} {}", value, escaped(row.unit));
    };
    const auto interval = [](const std::array<double, 2>& ci) { return interval_text({.ci95 = ci}); };
    table.row({escaped(row.name), temperature, scientific(fmt::format("{:.3g}", row.value)) + " " + prose(row.unit),
               interval(row.statistical_ci95), error(row.statistical_error),
               error(row.spread) + "<small>below " + error(row.spread_upper) + " (95&thinsp;%)</small>",
               interval(row.total_ci95)});
  }
  return section(
      "committee", "Committee of potentials",
      fmt::format("<p>{} potentials trained apart went through the same protocol. Statistical: what longer runs would "
                  "lower. Spread: what only better potentials would lower. Total: where one more potential would be "
                  "expected.</p>\n",
                  run.committee->potentials.size()) +
          table.html() +
          figures({figure(run, "committee/committee.svg", "Conductivity of every potential with its own line.")}));
}

std::string warnings_part(const RunData& run) {
  // The same warning at several temperatures is one line.
  std::vector<std::pair<AnalysisWarning, std::string>> lines;
  const auto add = [&](const AnalysisWarning& warning, const std::string& where) {
    for (auto& [known, places] : lines)
      if (known.code == warning.code && known.text == warning.text) {
        places += ", " + where;
        return;
      }
    lines.emplace_back(warning, where);
  };
  for (const TransportResult& result : run.transport)
    for (const AnalysisWarning& warning : result.warnings) add(warning, fmt::format("{:g} K", result.temperature_K));
  if (run.arrhenius)
    for (const AnalysisWarning& warning : run.arrhenius->warnings) add(warning, "fit");
  if (run.committee)
    for (const AnalysisWarning& warning : run.committee->warnings) add(warning, "committee");
  std::string items;
  for (const auto& [warning, where] : lines)
    items += fmt::format("<li><code>{}</code> <span class=\"soft\">{}</span>: {}</li>\n", escaped(warning.code), where,
                         prose(warning.text));
  return section("warnings", "Warnings", items.empty() ? "" : "<ul class=\"warn\">" + items + "</ul>\n");
}

std::string provenance_part(const RunData& run) {
  Table table({"what", "value"}, Table::Last::text);
  table.row({"made by", escaped(run.created_by)});
  for (const auto& [key, value] : run.facts)
    table.row({escaped(key), "<code class=\"hash\">" + escaped(value) + "</code>"});
  std::set<unsigned long long> seeds;
  for (const MdRun& item : run.runs) seeds.insert(item.seed);
  return section("provenance", "Provenance",
                 table.html() + details("Configuration with every default (effective.toml)",
                                        "<pre>" + escaped(run.configuration) + "</pre>\n"));
}

}  // namespace haven::report
