#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "analysis/distributions.hpp"
#include "analysis/hop_spread.hpp"
#include "analysis/svg_plot.hpp"
#include "analysis/transport_output.hpp"
#include "core/species.hpp"

namespace haven {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* seen_colour = "#0072b2";
constexpr const char* expected_colour = "#d55e00";

/// A histogram with what was expected of it.
struct Histogram {
  std::vector<double> edges, counts, expected;  ///< one edge more than counts
};

std::string histogram_svg(const Histogram& h, svg::PlotOptions options, const std::string& expected_name) {
  options.legend = svg::Corner::top_right;
  svg::Plot plot(std::move(options));
  std::vector<double> x, low, high, centres;
  for (std::size_t k = 0; k < h.counts.size(); ++k) {
    for (const double edge : {h.edges[k], h.edges[k + 1]})
      x.push_back(edge), low.push_back(0), high.push_back(h.counts[k]);
    centres.push_back(0.5 * (h.edges[k] + h.edges[k + 1]));
  }
  plot.band(x, low, high, {.colour = seen_colour});
  plot.line(x, high, {.label = "ions", .colour = seen_colour, .width = 1.3});
  plot.line(centres, h.expected, {.label = expected_name, .colour = expected_colour, .dash = "6 4"});
  return plot.to_svg();
}

std::string interval_text(const Estimate& e) {
  if (!e.determined()) return e.upper_bound ? fmt::format("< {:.2g} (95 %)", *e.upper_bound) : "not determined";
  return fmt::format("{:.3g} [{:.3g}, {:.3g}]", e.value, e.ci95[0], e.ci95[1]);
}

}  // namespace

std::string ions_csv(const HopSpread& spread) {
  std::string out = "ion,element,hops,msd_A2,msd_over_mean\n";
  for (std::size_t i = 0; i < spread.hops.size(); ++i)
    out += fmt::format("{},{},{},{:.6g},{:.6g}\n", i, element_symbol(spread.numbers[i]), spread.hops[i], spread.msd[i],
                       spread.mean_msd > 0 ? spread.msd[i] / spread.mean_msd : 0.0);
  return out;
}

std::string hops_csv(const HopSpread& spread) {
  std::string out = "hops_from,hops_to,ions,expected_poisson\n";
  for (const HopBin& bin : spread.histogram)
    out += fmt::format("{},{},{},{:.6g}\n", bin.first, bin.last, bin.ions, bin.expected);
  return out;
}

std::string hops_svg(const HopSpread& spread) {
  Histogram h;
  for (const HopBin& bin : spread.histogram) {
    h.edges.push_back(static_cast<double>(bin.first) - 0.5);
    h.counts.push_back(static_cast<double>(bin.ions)), h.expected.push_back(bin.expected);
  }
  h.edges.push_back(static_cast<double>(spread.histogram.back().last) + 0.5);
  return histogram_svg(h, {.title = "Hops of single ions", .x = {"hops of an ion"}, .y = {"ions"}},
                       "one rate for all (Poisson)");
}

std::string ions_svg(const HopSpread& spread) {
  Histogram h;
  constexpr std::size_t bins = 24;
  double end = 3.0;
  for (const double msd : spread.msd)
    if (spread.mean_msd > 0) end = std::max(end, msd / spread.mean_msd * (1.0 + 1e-9));
  const double width = end / static_cast<double>(bins), ions = static_cast<double>(spread.msd.size());
  h.counts.assign(bins, 0.0);
  for (const double msd : spread.msd)
    h.counts[spread.mean_msd > 0 ? static_cast<std::size_t>(msd / spread.mean_msd / width) : 0] += 1;
  // The gamma distribution of mean one and the expected variance.
  const double shape = spread.msd_spread_expected > 0 ? std::pow(spread.msd_spread_expected, -2) : 0.0;
  const auto above = [&](double x) { return x > 0 ? chi2_survival(2.0 * shape * x, 2.0 * shape) : 1.0; };
  for (std::size_t k = 0; k <= bins; ++k) h.edges.push_back(width * static_cast<double>(k));
  if (shape > 0)
    for (std::size_t k = 0; k < bins; ++k) h.expected.push_back(ions * (above(h.edges[k]) - above(h.edges[k + 1])));
  else
    h.expected.assign(bins, std::nan(""));
  return histogram_svg(h,
                       {.title = fmt::format("Displacement of single ions, lag {:.3g} ps", spread.lag_ps),
                        .x = {"MSD of an ion / mean"},
                        .y = {"ions"}},
                       "equal ions");
}

std::string hop_spread_json(const HopSpread& spread) {
  Json bins = Json::array();
  for (const HopBin& bin : spread.histogram)
    bins.push_back(
        {{"hops_from", bin.first}, {"hops_to", bin.last}, {"ions", bin.ions}, {"expected_poisson", bin.expected}});
  const Json out{{"ions", spread.hops.size()},
                 {"hops_per_ion", spread.mean_hops},
                 {"variance_over_mean", spread.dispersion},
                 {"p_poisson", spread.poisson_p},
                 {"share_of_ions_with_half_of_the_hops", spread.half_share},
                 {"share_of_ions_with_half_of_the_hops_poisson", spread.half_share_poisson},
                 {"histogram", bins},
                 {"msd_lag_ps", spread.lag_ps},
                 {"msd_A2", spread.mean_msd},
                 {"msd_relative_spread", spread.msd_spread},
                 {"msd_relative_spread_equal_ions", spread.msd_spread_expected}};
  return out.dump(1);
}

std::string correlation_factors_json(const CorrelationFactors& factors) {
  const auto object = [](const Estimate& e) { return Json::parse(estimate_json(e)); };
  const Json out{{"D_hop_cm2_per_s", object(factors.hop)},
                 {"D_tracer_cm2_per_s", object(factors.tracer)},
                 {"D_sigma_cm2_per_s", object(factors.collective)},
                 {"f", object(factors.f)},
                 {"f_I", object(factors.f_I)},
                 {"haven_ratio", object(factors.haven_ratio)},
                 {"definitions",
                  {{"D_hop", "sum of squared jump lengths / (6 N t): the diffusion of independent jumps"},
                   {"f", "D_tracer / D_hop"},
                   {"f_I", "D_sigma / D_hop"},
                   {"haven_ratio", "D_tracer / D_sigma = f / f_I"}}}};
  return out.dump(1);
}

std::string hop_spread_text(const HopSpread& spread) {
  std::string out = fmt::format("  hops per ion {:.3g}", spread.mean_hops);
  if (spread.mean_hops > 0)
    out += fmt::format(
        ", variance/mean {:.2g} (1 for ions of one rate; p = {:.2g}); {:.0f} % of the ions make half of them (of equal "
        "ions {:.0f} %)",
        spread.dispersion, spread.poisson_p, 100.0 * spread.half_share, 100.0 * spread.half_share_poisson);
  out +=
      fmt::format("\n  MSD of single ions within {:.3g} ps: spread {:.0f} %", spread.lag_ps, 100.0 * spread.msd_spread);
  if (spread.msd_spread_expected > 0) out += fmt::format(" (equal ions {:.0f} %)", 100.0 * spread.msd_spread_expected);
  return out + "\n";
}

std::string correlation_factors_text(const CorrelationFactors& factors) {
  std::string out;
  const std::array<std::pair<const char*, const Estimate*>, 6> rows{
      {{"D_hop, of independent jumps (cm^2/s)", &factors.hop},
       {"D*, of single ions (cm^2/s)", &factors.tracer},
       {"D_sigma, of the charge (cm^2/s)", &factors.collective},
       {"f = D*/D_hop", &factors.f},
       {"f_I = D_sigma/D_hop", &factors.f_I},
       {"H_R = D*/D_sigma = f/f_I", &factors.haven_ratio}}};
  for (const auto& [name, estimate] : rows) {
    out += fmt::format("  {:<38}{}\n", name, interval_text(*estimate));
    if (!estimate->determined()) out += fmt::format("    {}\n", estimate->refused);
  }
  return out;
}

}  // namespace haven
