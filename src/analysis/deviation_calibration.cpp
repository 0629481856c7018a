#include "analysis/deviation_calibration.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace haven {
namespace {

constexpr std::size_t most_bins = 10;

using Value = double DeviationPoint::*;

std::vector<std::size_t> order_by(std::span<const DeviationPoint> points, Value value) {
  std::vector<std::size_t> order(points.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return points[a].*value < points[b].*value; });
  return order;
}

/// Ranks less their mean; equal values share the mean of their ranks.
std::vector<double> centred_ranks(std::span<const DeviationPoint> points, Value value) {
  const std::vector<std::size_t> order = order_by(points, value);
  const double mean = 0.5 * static_cast<double>(points.size() - 1);
  std::vector<double> ranks(points.size());
  for (std::size_t begin = 0, end = 0; begin < order.size(); begin = end) {
    while (end < order.size() && points[order[end]].*value == points[order[begin]].*value) ++end;
    for (std::size_t k = begin; k < end; ++k) ranks[order[k]] = 0.5 * static_cast<double>(begin + end - 1) - mean;
  }
  return ranks;
}

std::optional<double> rank_correlation(std::span<const DeviationPoint> points) {
  const std::vector<double> a = centred_ranks(points, &DeviationPoint::deviation);
  const std::vector<double> b = centred_ranks(points, &DeviationPoint::error);
  const auto product = [](const std::vector<double>& x, const std::vector<double>& y) {
    return std::inner_product(x.begin(), x.end(), y.begin(), 0.0);
  };
  const double squares = product(a, a) * product(b, b);
  if (squares <= 0) return std::nullopt;
  return product(a, b) / std::sqrt(squares);
}

double root_mean_square(std::span<const DeviationPoint> points, std::span<const std::size_t> which, Value value) {
  double squares = 0;
  for (const std::size_t k : which) squares += points[k].*value * points[k].*value;
  return std::sqrt(squares / static_cast<double>(which.size()));
}

}  // namespace

std::optional<DeviationCalibration> calibrate_deviation(std::span<const DeviationPoint> points) {
  if (points.empty()) return std::nullopt;
  const std::vector<std::size_t> order = order_by(points, &DeviationPoint::deviation);
  const auto summary = [&](std::span<const std::size_t> which) {
    return DeviationCalibration::Bin{.atoms = static_cast<Index>(which.size()),
                                     .deviation = root_mean_square(points, which, &DeviationPoint::deviation),
                                     .error = root_mean_square(points, which, &DeviationPoint::error)};
  };
  const DeviationCalibration::Bin all = summary(order);
  if (!(all.deviation > 0)) return std::nullopt;
  DeviationCalibration result{.atoms = all.atoms,
                              .deviation = all.deviation,
                              .error = all.error,
                              .factor = all.error / all.deviation,
                              .rank_correlation = rank_correlation(points),
                              .bins = {}};
  const std::size_t bins = std::min(most_bins, points.size());
  for (std::size_t b = 0; b < bins; ++b) {
    const std::size_t begin = b * points.size() / bins, end = (b + 1) * points.size() / bins;
    result.bins.push_back(summary(std::span(order).subspan(begin, end - begin)));
  }
  return result;
}

}  // namespace haven
