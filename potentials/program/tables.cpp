#include "potentials/program/tables.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/error.hpp"

namespace haven {
namespace {

/// Coefficients in t of the quintic with the given values, slopes and curvatures at t = 0 and t = 1 (spacing h).
void hermite_coefficients(const RadialValue& a, const RadialValue& b, double h, double* out, std::size_t stride) {
  const double s0 = h * a.slope, s1 = h * b.slope, c0 = 0.5 * h * h * a.curvature, c1 = 0.5 * h * h * b.curvature;
  const double rise = b.value - a.value - s0 - c0, bend = s1 - s0 - 2 * c0, twist = c1 - c0;
  out[0] = a.value;
  out[stride] = s0;
  out[2 * stride] = c0;
  out[3 * stride] = 10 * rise - 4 * bend + twist;
  out[4 * stride] = -15 * rise + 7 * bend - 2 * twist;
  out[5 * stride] = 6 * rise - 3 * bend + twist;
}

RadialTable tabulate(std::size_t channels, Index intervals, double cutoff, const ChannelFunction& function) {
  RadialTable table{.intervals = intervals,
                    .channels = static_cast<Index>(channels),
                    .inverse_spacing = static_cast<double>(intervals) / cutoff,
                    .coefficients = std::vector<double>(static_cast<std::size_t>(intervals) * 6 * channels)};
  std::vector<RadialValue> left(channels), right(channels);
  const double h = cutoff / static_cast<double>(intervals);
  for (Index k = 0; k < intervals; ++k) {
    // A break lies on a knot only to rounding: both ends are moved inside by more than that.
    constexpr double inside = 1e-14;
    function(h * static_cast<double>(k) * (1 + inside) + inside * h, left);
    function(h * static_cast<double>(k + 1) * (1 - inside), right);
    for (std::size_t c = 0; c < channels; ++c)
      hermite_coefficients(left[c], right[c], h, &table.coefficients[static_cast<std::size_t>(k) * 6 * channels + c],
                           channels);
  }
  return table;
}

/// Largest |table - closed form| at quarters of intervals, relative to the largest |value| of the channel.
double table_error(const RadialTable& table, double cutoff, const ChannelFunction& function) {
  const auto channels = static_cast<std::size_t>(table.channels);
  std::vector<RadialValue> exact(channels);
  std::vector<double> error(channels, 0.0), largest(channels, 0.0);
  const double h = cutoff / static_cast<double>(table.intervals);
  for (Index k = 0; k < table.intervals; ++k)
    for (const double t : {0.0, 0.25, 0.5, 0.75}) {
      const double r = h * (static_cast<double>(k) + t);
      function(r, exact);
      for (std::size_t c = 0; c < channels; ++c) {
        double value = 0, slope = 0;
        interpolate(table, c, r, value, slope);
        error[c] = std::max(error[c], std::abs(value - exact[c].value));
        largest[c] = std::max(largest[c], std::abs(exact[c].value));
      }
    }
  double worst = 0;
  for (std::size_t c = 0; c < channels; ++c)
    if (largest[c] > 0) worst = std::max(worst, error[c] / largest[c]);
  return worst;
}

}  // namespace

RadialTable columns_of(const RadialTable& table, const std::vector<std::size_t>& channels) {
  RadialTable out{.intervals = table.intervals,
                  .channels = static_cast<Index>(channels.size()),
                  .inverse_spacing = table.inverse_spacing,
                  .coefficients = {}};
  const auto all = static_cast<std::size_t>(table.channels);
  for (std::size_t row = 0; row < static_cast<std::size_t>(table.intervals) * 6; ++row)
    for (const std::size_t c : channels) out.coefficients.push_back(table.coefficients[row * all + c]);
  return out;
}

Index knots_at(const std::vector<double>& breaks, double cutoff) {
  constexpr Index usual = 60, most = 24000;
  for (Index n = 1; n <= most; ++n) {
    const bool fits = std::all_of(breaks.begin(), breaks.end(), [&](double r) {
      const double at = r / cutoff * static_cast<double>(n);
      return std::abs(at - std::round(at)) < 1e-9;
    });
    if (fits) return (usual + n - 1) / n * n;
  }
  return usual;
}

RadialTable build_table(std::size_t channels, const TableOptions& options, const ChannelFunction& function) {
  constexpr Index most = 240 * 256, most_numbers = Index{1} << 25;
  Index intervals = options.unit;
  while (true) {
    if (intervals * 6 * static_cast<Index>(channels) > most_numbers)
      throw ModelError(fmt::format("{} radial functions would need a table of {} intervals", channels, intervals),
                       "radial functions", "Check the descriptor parameters: a function is too sharp.");
    RadialTable table = tabulate(channels, intervals, options.cutoff, function);
    const double error = table_error(table, options.cutoff, function);
    if (error <= options.tolerance) return table;
    // NaN would never satisfy the tolerance either and ends here.
    const Index coarse = 4 * options.unit <= most ? 4 * options.unit : options.unit, last = most / coarse * coarse;
    if (intervals >= last)
      throw ModelError(fmt::format("a radial function cannot be tabulated to {} (error {})", options.tolerance, error),
                       "radial functions", "Check the descriptor parameters: a function is too sharp or not smooth.");
    // The error of quintic interpolation falls with the sixth power of the spacing.
    const double factor = std::isfinite(error) ? std::pow(error / options.tolerance, 1.0 / 6) * 1.05 : 2.0;
    const double wanted = static_cast<double>(intervals) * std::clamp(factor, 1.1, 4.0);
    const Index unit = wanted > 4 * static_cast<double>(options.unit) ? 4 * options.unit : options.unit;
    intervals = std::min(last, static_cast<Index>(std::ceil(wanted / static_cast<double>(unit))) * unit);
  }
}

}  // namespace haven
