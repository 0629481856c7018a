#include "analysis/transport_output.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "analysis/planner.hpp"
#include "analysis/svg_plot.hpp"

namespace haven {
namespace {

constexpr const char* tracer_colour = "#0072b2";
constexpr const char* collective_colour = "#d55e00";

/// Value with the error in units of its last digit, both scaled to the exponent of the value.
std::string with_error(double value, double sd) {
  const int exponent = static_cast<int>(std::floor(std::log10(std::abs(value))));
  const bool scientific = exponent < -2 || exponent > 3;
  const double scale = scientific ? std::pow(10.0, exponent) : 1.0;
  const double v = value / scale, s = sd / scale;
  int decimals = static_cast<int>(-std::floor(std::log10(s)));
  // An error that begins with 1 is given two digits: 1(1.4) says too little.
  if (s * std::pow(10.0, decimals) < 1.95) ++decimals;
  decimals = std::clamp(decimals, 0, 9);
  const auto last_digits = static_cast<long long>(std::llround(s * std::pow(10.0, decimals)));
  const std::string text = fmt::format("{:.{}f}({})", v, decimals, last_digits);
  return scientific ? fmt::format("{}e{}", text, exponent) : text;
}

std::string bounded_text(const Estimate& e) {
  if (e.determined()) return format_estimate(e);
  return e.upper_bound ? fmt::format("< {:.2g} (95 %)", *e.upper_bound) : "not determined";
}

std::string with_interval(const Estimate& e) {
  if (!e.determined()) return bounded_text(e);
  return fmt::format("{:.3g} [{:.3g}, {:.3g}]", e.value, e.ci95[0], e.ci95[1]);
}

void append_warnings(std::string& out, const std::vector<AnalysisWarning>& warnings) {
  for (const AnalysisWarning& w : warnings) out += fmt::format("[WARN {}] {}\n", w.code, w.text);
}

std::vector<double> combined(const std::vector<double>& a, const std::vector<double>& b, double factor) {
  std::vector<double> out(a.size());
  for (std::size_t k = 0; k < a.size(); ++k) out[k] = a[k] + factor * b[k];
  return out;
}

void plot_points(svg::Plot& plot, const std::vector<ArrheniusPoint>& points, const char* colour,
                 const std::string& label) {
  std::vector<double> x, y, low, high, bound_x, bound_y;
  for (const ArrheniusPoint& p : points) {
    if (p.upper_bound) {
      bound_x.push_back(1000.0 / p.temperature_K), bound_y.push_back(std::exp(*p.upper_bound));
      continue;
    }
    x.push_back(1000.0 / p.temperature_K), y.push_back(std::exp(p.y));
    low.push_back(std::exp(p.y - 1.96 * p.sd)), high.push_back(std::exp(p.y + 1.96 * p.sd));
  }
  plot.error_bars(x, low, high, {.colour = colour, .width = 1.3});
  plot.points(x, y, {.label = label, .colour = colour, .size = 4});
  if (!bound_x.empty())
    plot.upper_bounds(bound_x, bound_y, {.label = "upper bound (95 %)", .colour = colour, .width = 1.3});
}

}  // namespace

std::string format_estimate(const Estimate& e) {
  if (!e.determined()) return bounded_text(e);
  const double sd = 0.5 * (e.ci68[1] - e.ci68[0]);
  if (e.value == 0 || !(sd > 0) || !std::isfinite(sd)) return fmt::format("{:.4g}", e.value);
  if (sd > 0.3 * std::abs(e.value)) return fmt::format("{:.2g} [{:.2g}, {:.2g}]", e.value, e.ci95[0], e.ci95[1]);
  return with_error(e.value, sd);
}

std::string curves_csv(const TransportResult& r) {
  const TransportCurves& c = r.curves;
  std::string out =
      "lag_ps,msd_A2,msd_sd_A2,msd_x_A2,msd_y_A2,msd_z_A2,mscd_A2,mscd_sd_A2,mscd_x_A2,mscd_y_A2,mscd_z_A2,alpha2,in_"
      "window\n";
  for (std::size_t k = 0; k < c.lag_ps.size(); ++k)
    out += fmt::format("{:.9g},{:.9g},{:.4g},{:.9g},{:.9g},{:.9g},{:.9g},{:.4g},{:.9g},{:.9g},{:.9g},{:.6g},{}\n",
                       c.lag_ps[k], c.tracer[k], c.tracer_sd[k], c.tracer_axes[k][0], c.tracer_axes[k][1],
                       c.tracer_axes[k][2], c.collective[k], c.collective_sd[k], c.collective_axes[k][0],
                       c.collective_axes[k][1], c.collective_axes[k][2], c.alpha2[k], c.in_window[k] != 0 ? 1 : 0);
  return out;
}

std::string arrhenius_csv(const ArrheniusResult& a) {
  std::string out = "kind,T_K,inverse_T_1000_per_K,ln_value,ln_sd,upper_bound,band_low,band_high\n";
  const auto points = [&](const char* kind, const std::vector<ArrheniusPoint>& list) {
    for (const ArrheniusPoint& p : list)
      out += fmt::format("{},{:.6g},{:.9g},{:.9g},{:.6g},{},,\n", kind, p.temperature_K, 1000.0 / p.temperature_K,
                         p.upper_bound ? *p.upper_bound : p.y, p.sd, p.upper_bound ? 1 : 0);
  };
  const auto band = [&](const char* kind, const std::optional<ArrheniusLine>& line) {
    if (!line) return;
    for (std::size_t k = 0; k < line->band_mid.size(); ++k)
      out += fmt::format("{},{:.6g},{:.9g},{:.9g},,0,{:.9g},{:.9g}\n", kind, 1.0 / line->band_inverse_T[k],
                         1000.0 * line->band_inverse_T[k], line->band_mid[k], line->band_low[k], line->band_high[k]);
  };
  points("sigma_T_S_K_per_cm", a.sigma_T_points), points("D_tracer_cm2_per_s", a.tracer_points);
  band("fit_sigma_T", a.sigma_T), band("fit_D_tracer", a.tracer);
  return out;
}

std::string msd_svg(const TransportResult& r) {
  const TransportCurves& c = r.curves;
  svg::Plot plot({.title = fmt::format("Mean squared displacement{} {:.0f} K",
                                       r.label.empty() ? "," : ", " + r.label + ",", r.temperature_K),
                  .x = {"lag time (ps)", svg::Scale::log},
                  .y = {"displacement (A^{2})", svg::Scale::log}});
  if (r.window.tau1_ps > 0)
    plot.vertical_band(r.window.tau0_ps, r.window.tau1_ps, {.label = "fit window", .colour = "#808080"});
  plot.band(c.lag_ps, combined(c.tracer, c.tracer_sd, -1), combined(c.tracer, c.tracer_sd, 1),
            {.colour = tracer_colour});
  plot.band(c.lag_ps, combined(c.collective, c.collective_sd, -1), combined(c.collective, c.collective_sd, 1),
            {.colour = collective_colour});
  plot.line(c.live.lag_ps, c.live.tracer, {.label = "during the run", .colour = tracer_colour, .dash = "4 2"});
  plot.line(c.live.lag_ps, c.live.collective, {.colour = collective_colour, .dash = "4 2"});
  plot.line(c.lag_ps, c.tracer, {.label = "tracer", .colour = tracer_colour});
  plot.line(c.lag_ps, c.collective, {.label = "collective, per ion", .colour = collective_colour});
  const auto fitted = [&](double slope, double intercept, const char* colour) {
    if (!(slope > 0)) return;
    std::vector<double> x, y;
    for (std::size_t k = 0; k < c.lag_ps.size(); ++k)
      if (c.in_window[k] != 0) x.push_back(c.lag_ps[k]), y.push_back(intercept + slope * c.lag_ps[k]);
    plot.line(x, y, {.colour = colour, .width = 3.5, .dash = "2 3", .opacity = 0.7});
  };
  fitted(c.tracer_slope, c.tracer_intercept, tracer_colour);
  fitted(c.collective_slope, c.collective_intercept, collective_colour);
  plot.note(svg::Corner::bottom_right, "H_{R} = " + with_interval(r.haven_ratio));
  plot.note(svg::Corner::bottom_right, "D_{\u03c3} = " + bounded_text(r.collective.iso) + " cm^{2}/s");
  plot.note(svg::Corner::bottom_right, "D* = " + bounded_text(r.tracer.iso) + " cm^{2}/s");
  return plot.to_svg();
}

std::string arrhenius_svg(const ArrheniusResult& a) {
  svg::Plot plot({.title = "Conductivity",
                  .x = {"1000 / T (1/K)", svg::Scale::linear},
                  .y = {"\u03c3T (S K/cm)", svg::Scale::log},
                  .legend = svg::Corner::top_right});
  if (a.sigma_T) {
    std::vector<double> x, low, mid, high;
    for (std::size_t k = 0; k < a.sigma_T->band_mid.size(); ++k) {
      x.push_back(1000.0 * a.sigma_T->band_inverse_T[k]), mid.push_back(std::exp(a.sigma_T->band_mid[k]));
      low.push_back(std::exp(a.sigma_T->band_low[k])), high.push_back(std::exp(a.sigma_T->band_high[k]));
    }
    plot.band(x, low, high, {.label = "95 %", .colour = collective_colour});
    plot.line(x, mid, {.label = a.model.empty() ? "fit" : a.model, .colour = collective_colour});
    plot.vertical_line(1000.0 / a.target_K, {.colour = "#808080", .width = 1, .dash = "4 4"});
    plot.note(svg::Corner::bottom_left,
              fmt::format("\u03c3({:.0f} K) = {} S/cm", a.target_K, with_interval(a.sigma_at_target)));
    plot.note(svg::Corner::bottom_left, fmt::format("E_{{a}} = {} eV", with_interval(a.Ea_eV)));
  } else {
    plot.note(svg::Corner::bottom_left, "no fit: " + std::to_string(a.sigma_T_points.size()) + " temperatures");
  }
  plot_points(plot, a.sigma_T_points, "#333333", "simulation");
  std::vector<std::pair<double, std::string>> ticks;
  for (const double t : {250.0, 300.0, 350.0, 400.0, 500.0, 600.0, 800.0, 1000.0, 1200.0, 1500.0, 2000.0})
    ticks.emplace_back(1000.0 / t, fmt::format("{:.0f}", t));
  plot.top_axis("T (K)", std::move(ticks));
  return plot.to_svg();
}

std::string haven_ratio_svg(std::span<const TransportResult> results) {
  svg::Plot plot({.title = "Haven ratio",
                  .x = {"T (K)", svg::Scale::linear},
                  .y = {"H_{R} = D* / D_{\u03c3}", svg::Scale::linear},
                  .legend = svg::Corner::top_right});
  std::vector<double> t, value, low, high;
  for (const TransportResult& r : results) {
    if (!r.haven_ratio.determined()) continue;
    t.push_back(r.temperature_K), value.push_back(r.haven_ratio.value);
    low.push_back(r.haven_ratio.ci95[0]), high.push_back(r.haven_ratio.ci95[1]);
  }
  plot.horizontal_line(1.0, {.label = "uncorrelated", .colour = "#808080", .width = 1, .dash = "4 4"});
  plot.error_bars(t, low, high, {.colour = tracer_colour, .width = 1.3});
  plot.points(t, value, {.label = "95 % intervals", .colour = tracer_colour, .size = 4});
  return plot.to_svg();
}

std::string transport_text(const TransportResult& r) {
  std::string out =
      fmt::format("{} {:.0f} K: {} mobile ions, {} x {} = {} of motion, V = {:.1f} A^3\n", r.label, r.temperature_K,
                  r.n_ions, r.replicas, format_time_ps(1e3 * r.time_ns / std::max(1, r.replicas)),
                  format_time_ps(1e3 * r.time_ns), r.volume_A3);
  if (r.window.tau1_ps > 0)
    out += fmt::format("  window    {:.3g} to {:.3g} ps ({})\n", r.window.tau0_ps, r.window.tau1_ps, r.window.why);
  out += fmt::format("  hops/ion  {:.2f} of {:.2f} A\n", r.checks.hops_per_ion, r.checks.hop_length);
  const auto row = [&](const char* name, const Estimate& e, const char* unit) {
    out += fmt::format("  {:<9} {}{}{}\n", name, with_interval(e), *unit != 0 ? " " : "", unit);
  };
  row("D*", r.tracer.iso, "cm^2/s"), row("D_sigma", r.collective.iso, "cm^2/s"), row("H_R", r.haven_ratio, "");
  row("sigma", r.sigma, "S/cm"), row("sigma_NE", r.sigma_NE, "S/cm");
  if (!r.refused.empty()) out += "  refused:  " + r.refused + "\n";
  append_warnings(out, r.warnings);
  return out;
}

std::string arrhenius_text(std::span<const TransportResult> results, const ArrheniusResult& a) {
  std::string out =
      fmt::format("{:>8}  {:<22}{:<22}{:<24}{}\n", "", "D* (cm2/s)", "D_sigma (cm2/s)", "H_R", "sigma (S/cm)");
  std::vector<const TransportResult*> sorted;
  for (const TransportResult& r : results) sorted.push_back(&r);
  std::sort(sorted.begin(), sorted.end(),
            [](const auto* x, const auto* y) { return x->temperature_K > y->temperature_K; });
  for (const TransportResult* r : sorted)
    out += fmt::format("{:>6.0f} K  {:<22}{:<22}{:<24}{}\n", r->temperature_K, bounded_text(r->tracer.iso),
                       bounded_text(r->collective.iso), with_interval(r->haven_ratio), bounded_text(r->sigma));
  if (!a.refused.empty()) {
    out += "no Arrhenius fit: " + a.refused + "\n";
  } else {
    out +=
        fmt::format("Ea(sigma T) {} eV   sigma({:.0f} K) {} S/cm (statistics of the runs)   [{}, {}]\n",
                    with_interval(a.Ea_eV), a.target_K, with_interval(a.sigma_at_target), a.model,
                    a.grade == "extrapolation"
                        ? fmt::format("claim for Ea, sigma extrapolated by {:.1f} x the fitted span", a.extrapolation)
                        : a.grade);
    out += fmt::format(
        "Ea(D*) {} eV   P(sigma > {:g} S/cm) = {:.3f}   extrapolation {:.1f} x the fitted 1/T span   chi2/dof {:.2f} "
        "(p = {:.2g})\n",
        with_interval(a.Ea_tracer_eV), a.superionic_S_per_cm, a.p_superionic.value_or(0.0),
        std::max(0.0, a.extrapolation), a.sigma_T->dof > 0 ? a.sigma_T->chi2 / a.sigma_T->dof : 0.0,
        a.sigma_T->p_value);
  }
  append_warnings(out, a.warnings);
  return out;
}

}  // namespace haven
