#include "analysis/arrhenius.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/error.hpp"
#include "core/units.hpp"

namespace haven {
namespace {

constexpr double clear_preference =
    6.0;  ///< difference of AICc beyond which the low-temperature branch is extrapolated
constexpr double slight_preference = 2.0;

/// Weighted least squares of y = a + b x; chi^2 and b.
struct PlainLine {
  double chi2 = 0, intercept = 0, slope = 0;
};

template <class X>
PlainLine plain_line(std::span<const ArrheniusPoint> points, X x_of) {
  double w = 0, wx = 0, wy = 0, wxx = 0, wxy = 0;
  for (const ArrheniusPoint& p : points) {
    const double weight = 1.0 / (p.sd * p.sd), x = x_of(p.temperature_K);
    w += weight, wx += weight * x, wy += weight * p.y, wxx += weight * x * x, wxy += weight * x * p.y;
  }
  PlainLine line;
  line.slope = (w * wxy - wx * wy) / (w * wxx - wx * wx);
  line.intercept = (wy - line.slope * wx) / w;
  for (const ArrheniusPoint& p : points)
    line.chi2 += std::pow((p.y - line.intercept - line.slope * x_of(p.temperature_K)) / p.sd, 2);
  return line;
}

double inverse_temperature(double t) { return 1.0 / t; }

/// Akaike's criterion with the correction for few points; nothing when there are too few.
std::optional<double> aicc(double chi2, std::size_t n, int k) {
  if (n < static_cast<std::size_t>(k) + 2) return std::nullopt;
  const auto count = static_cast<double>(n);
  return chi2 + 2.0 * k + 2.0 * k * (k + 1.0) / (count - k - 1.0);
}

std::vector<ArrheniusPoint> determined(std::span<const ArrheniusPoint> points) {
  std::vector<ArrheniusPoint> kept;
  for (const ArrheniusPoint& p : points)
    if (!p.upper_bound) kept.push_back(p);
  std::sort(kept.begin(), kept.end(), [](const auto& a, const auto& b) { return a.temperature_K < b.temperature_K; });
  return kept;
}

void try_two_lines(std::span<const ArrheniusPoint> p, ModelComparison& out) {
  double best = 0;
  for (std::size_t cut = 2; cut + 2 <= p.size(); ++cut) {
    const PlainLine low = plain_line(p.first(cut), inverse_temperature),
                    high = plain_line(p.subspan(cut), inverse_temperature);
    const double chi2 = low.chi2 + high.chi2;
    if (cut > 2 && chi2 >= best) continue;
    best = chi2;
    out.break_low_K = p[cut - 1].temperature_K, out.break_high_K = p[cut].temperature_K;
    out.Ea_low_T_eV = -low.slope * units::boltzmann, out.Ea_high_T_eV = -high.slope * units::boltzmann;
  }
  if (p.size() >= 4) out.two_lines = aicc(best, p.size(), 5);
}

void try_vtf(std::span<const ArrheniusPoint> p, ModelComparison& out) {
  constexpr int steps = 400;
  double best = 0;
  for (int k = 1; k < steps; ++k) {
    const double t0 = 0.98 * p[0].temperature_K * k / steps;
    const PlainLine line = plain_line(p, [t0](double t) { return 1.0 / (t - t0); });
    if (k > 1 && line.chi2 >= best) continue;
    best = line.chi2, out.vtf_T0_K = t0, out.vtf_B_K = -line.slope;
  }
  out.vtf = aicc(best, p.size(), 3);
}

/// Builds the result step by step.
class Ladder {
 public:
  Ladder(std::span<const TransportResult> results, const ArrheniusOptions& options)
      : results_(results), options_(options) {
    out_.target_K = options.target_K, out_.superionic_S_per_cm = options.superionic_S_per_cm, out_.seed = options.seed;
    if (!(options.target_K > 0))
      throw ConfigError("the target temperature must be positive", "transport.arrhenius.target_K", "Give it in K.");
    if (options.model != "auto" && options.model != "line" && options.model != "two lines")
      throw ConfigError(fmt::format("'{}' is no Arrhenius model", options.model), "transport.arrhenius.model",
                        "Use auto, line or \"two lines\".");
  }

  ArrheniusResult run() {
    collect();
    const std::size_t usable = determined(out_.sigma_T_points).size();
    out_.grade = usable >= 4 ? "claim" : (usable == 3 ? "estimate" : "refused");
    if (usable == 3) warn("TR022", "three temperatures give an estimate; at least four are needed for a claim");
    fit_sigma(usable);
    fit_tracer();
    compare_energies();
    return std::move(out_);
  }

 private:
  void warn(const char* code, std::string text) { out_.warnings.push_back({code, std::move(text)}); }

  static std::optional<ArrheniusPoint> point(const Estimate& e, double temperature, double factor) {
    if (e.determined()) return ArrheniusPoint{temperature, std::log(e.value * factor), e.log_sd(), std::nullopt};
    if (e.upper_bound && *e.upper_bound > 0)
      return ArrheniusPoint{temperature, 0, 0, std::log(*e.upper_bound * factor)};
    return std::nullopt;
  }

  void collect() {
    std::vector<const TransportResult*> sorted;
    for (const TransportResult& r : results_) sorted.push_back(&r);
    std::sort(sorted.begin(), sorted.end(),
              [](const auto* a, const auto* b) { return a->temperature_K < b->temperature_K; });
    int censored = 0;
    for (const TransportResult* r : sorted) {
      const double t = r->temperature_K;
      if (!out_.temperatures_K.empty() && std::abs(out_.temperatures_K.back() - t) < 1e-6)
        throw InputError(fmt::format("two results are given for {} K", t), r->label,
                         "Combine replicas of one temperature in one analysis.");
      out_.temperatures_K.push_back(t);
      if (r->checks.host.mobile()) {
        warn("TR025", fmt::format("{} K is left out: its host moves (TR010, TR011)", t));
        mobile_hosts_.push_back(t);
        continue;
      }
      if (const auto p = point(r->sigma, t, t))
        out_.sigma_T_points.push_back(*p), censored += p->upper_bound.has_value();
      if (const auto p = point(r->tracer.iso, t, 1.0)) out_.tracer_points.push_back(*p);
    }
    if (censored > 0) warn("TR026", fmt::format("{} temperatures enter as upper bounds of sigma", censored));
  }

  /// The points of the branch that holds the target when two lines are used; all points otherwise.
  std::vector<ArrheniusPoint> branch(std::span<const ArrheniusPoint> points) {
    std::vector<ArrheniusPoint> all(points.begin(), points.end());
    const ModelComparison& c = out_.comparison;
    out_.model = "line";
    if (c.break_high_K <= 0 || options_.model == "line") return all;
    const bool clear = c.two_lines && c.line && *c.line - *c.two_lines > clear_preference;
    if (options_.model == "auto" && !clear) return all;
    const bool low = options_.target_K <= 0.5 * (c.break_low_K + c.break_high_K);
    std::vector<ArrheniusPoint> part;
    for (const ArrheniusPoint& p : all)
      if ((p.temperature_K <= c.break_low_K) == low) part.push_back(p);
    if (determined(part).size() < 3) {
      warn("TR024",
           "two lines describe the points better, but the branch at the target has fewer than three temperatures: one "
           "line was used");
      return all;
    }
    out_.model = low ? "two lines (low-temperature branch)" : "two lines (high-temperature branch)";
    return part;
  }

  void fit_sigma(std::size_t usable) {
    if (usable >= 3) out_.comparison = compare_arrhenius_models(out_.sigma_T_points);
    const std::vector<ArrheniusPoint> points = branch(out_.sigma_T_points);
    if (usable < 3) {
      out_.refused = fmt::format(
          "{} temperatures with a determined conductivity; three are needed for an estimate and four for a claim: "
          "add temperatures, or lengthen the runs that were refused",
          usable);
      out_.Ea_eV = out_.sigma_at_target = refused_estimate(out_.refused);
      return;
    }
    out_.sigma_T = fit_arrhenius_line(points, options_);
    const ArrheniusLine& line = *out_.sigma_T;
    out_.Ea_eV = line.Ea_eV;
    out_.sigma_at_target = at_target(line, 1.0 / options_.target_K);
    if (out_.sigma_at_target.determined()) {
      const double threshold = std::log(options_.superionic_S_per_cm * options_.target_K);
      const auto above = std::count_if(line.draws_at_target.begin(), line.draws_at_target.end(),
                                       [&](double y) { return y > threshold; });
      out_.p_superionic = static_cast<double>(above) / static_cast<double>(line.draws_at_target.size());
    }
    out_.extrapolation = (1.0 / options_.target_K - 1.0 / line.T_min) / (1.0 / line.T_min - 1.0 / line.T_max);
    // However many temperatures there are, what lies further away than they reach is no claim about that temperature.
    if (out_.extrapolation > 1.0 && out_.grade == "claim") out_.grade = "extrapolation";
    remark(line);
  }

  static Estimate exponential(const Estimate& y, double factor) {
    Estimate e = y;
    e.value = std::exp(y.value) * factor;
    for (std::size_t k = 0; k < 2; ++k)
      e.ci68[k] = std::exp(y.ci68[k]) * factor, e.ci95[k] = std::exp(y.ci95[k]) * factor;
    return e;
  }

  void remark(const ArrheniusLine& line) {
    if (out_.extrapolation > 1.0)
      warn("TR021", fmt::format("{:.0f} K lies {:.1f} times the fitted span of 1/T beyond the coldest point ({:.0f} K)",
                                options_.target_K, out_.extrapolation, line.T_min));
    if (line.p_value < 0.05)
      warn("TR023", fmt::format("the points scatter more than their errors (chi2/dof = {:.1f}, p = {:.2g}); errors are "
                                "enlarged by {:.2f}",
                                line.chi2 / line.dof, line.p_value, line.birge));
    const ModelComparison& c = out_.comparison;
    if (c.preferred == "two lines") {
      out_.at_break = changes_at_break(results_, c.break_low_K, c.break_high_K);
      warn("TR024", fmt::format("two lines are preferred (AICc {:.1f} against {:.1f}): a break between {:.0f} and "
                                "{:.0f} K, Ea {:.3f} eV below and "
                                "{:.3f} eV above{}; run temperatures inside the regime of interest",
                                *c.two_lines, *c.line, c.break_low_K, c.break_high_K, c.Ea_low_T_eV, c.Ea_high_T_eV,
                                break_text(*out_.at_break)));
    }
    if (c.preferred == "VTF")
      warn("TR024", fmt::format("the points are curved (VTF AICc {:.1f} against {:.1f}, T0 = {:.0f} K): a straight "
                                "extrapolation overestimates "
                                "sigma at low temperature",
                                *c.vtf, *c.line, c.vtf_T0_K));
  }

  void fit_tracer() {
    std::vector<ArrheniusPoint> points = out_.tracer_points;
    const std::string model = out_.model;
    if (out_.sigma_T && model != "line") points = branch(points);
    out_.model = model;  // the label belongs to sigma T
    const std::size_t usable = determined(points).size();
    if (usable < 3) {
      out_.Ea_tracer_eV = out_.tracer_at_target =
          refused_estimate(fmt::format("{} temperatures with a determined D*; at least three are needed", usable));
      return;
    }
    out_.tracer = fit_arrhenius_line(points, options_);
    out_.Ea_tracer_eV = out_.tracer->Ea_eV;
    out_.tracer_at_target = at_target(*out_.tracer, 1.0);
  }

  void compare_energies() {
    if (!out_.sigma_T || !out_.tracer) {
      out_.haven_slope_eV = refused_estimate("needs both activation energies");
      return;
    }
    const auto sd = [](const Estimate& e) { return 0.5 * (e.ci68[1] - e.ci68[0]) / 0.994457883209753; };
    const double width = std::hypot(sd(out_.Ea_eV), sd(out_.Ea_tracer_eV));
    Estimate& slope = out_.haven_slope_eV;
    slope.value = out_.Ea_tracer_eV.value - out_.Ea_eV.value;
    slope.ci68 = {slope.value - 0.994457883209753 * width, slope.value + 0.994457883209753 * width};
    slope.ci95 = {slope.value - 1.959963984540054 * width, slope.value + 1.959963984540054 * width};
    slope.n_eff = out_.Ea_eV.n_eff;
    if (slope.ci95[0] > 0 || slope.ci95[1] < 0)
      warn("TR027", fmt::format("Ea of D* ({:.3f} eV) and of sigma T ({:.3f} eV) differ: H_R depends on temperature",
                                out_.Ea_tracer_eV.value, out_.Ea_eV.value));
  }

  /// The temperature between the fitted ones and the target at which the host moves: a line does not reach beyond.
  std::optional<double> mobile_host_on_the_way(const ArrheniusLine& line) const {
    for (const double t : mobile_hosts_)
      if ((t > line.T_max && options_.target_K >= t) || (t < line.T_min && options_.target_K <= t)) return t;
    return std::nullopt;
  }

  Estimate at_target(const ArrheniusLine& line, double factor) const {
    if (const auto t = mobile_host_on_the_way(line))
      return refused_estimate(
          fmt::format("the host moves at {:g} K, between the fitted temperatures and {:g} K: run "
                      "temperatures on the side of the target",
                      *t, options_.target_K));
    return exponential(line.y_at_target, factor);
  }

  std::span<const TransportResult> results_;
  ArrheniusOptions options_;
  ArrheniusResult out_;
  std::vector<double> mobile_hosts_;  ///< temperatures that were left out
};

}  // namespace

ModelComparison compare_arrhenius_models(std::span<const ArrheniusPoint> points) {
  const std::vector<ArrheniusPoint> p = determined(points);
  ModelComparison out;
  if (p.size() < 3) return out;
  out.line = aicc(plain_line(std::span(p), inverse_temperature).chi2, p.size(), 2);
  try_two_lines(p, out);
  try_vtf(p, out);
  out.preferred = "line";
  if (!out.line) return out;
  double best = *out.line - slight_preference;
  if (out.vtf && *out.vtf < best) best = *out.vtf, out.preferred = "VTF";
  if (out.two_lines && *out.two_lines < best) out.preferred = "two lines";
  return out;
}

ArrheniusResult fit_arrhenius(std::span<const TransportResult> results, const ArrheniusOptions& options) {
  return Ladder(results, options).run();
}

}  // namespace haven
