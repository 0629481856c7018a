#include "analysis/estimate.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace haven {
namespace {
constexpr double z68 = 0.994457883209753;  // central 68 %
constexpr double z95 = 1.959963984540054;  // central 95 %
}  // namespace

double Estimate::log_sd() const { return (std::log(ci68[1]) - std::log(ci68[0])) / (2.0 * z68); }

Estimate log_normal_estimate(double value, double log_sd, int dimensions, double quantile_factor) {
  Estimate e;
  e.value = value;
  // The 68 % interval of a t distribution is hardly wider than the normal one; the tail carries the factor.
  e.ci68 = {value * std::exp(-z68 * log_sd), value * std::exp(z68 * log_sd)};
  e.ci95 = {value * std::exp(-z95 * quantile_factor * log_sd), value * std::exp(z95 * quantile_factor * log_sd)};
  e.n_eff = log_sd > 0 ? 2.0 / (dimensions * log_sd * log_sd) : 0.0;
  return e;
}

Estimate refused_estimate(std::string reason, std::optional<double> upper_bound) {
  Estimate e;
  e.refused = std::move(reason);
  e.upper_bound = upper_bound;
  return e;
}

Estimate scaled(Estimate e, double factor) {
  e.value *= factor;
  for (auto* interval : {&e.ci68, &e.ci95})
    for (double& bound : *interval) bound *= factor;
  if (e.upper_bound) *e.upper_bound *= factor;
  return e;
}

Estimate ratio_estimate(const Estimate& numerator, const Estimate& denominator, double covariance) {
  const double a = numerator.log_sd(), b = denominator.log_sd();
  const double variance = a * a + b * b - 2.0 * std::min(covariance, a * b);
  // The wider tail of the two carries over: it belongs to the dominant error.
  const auto tail = [](const Estimate& e, double sd) {
    return sd > 0 ? std::log(e.ci95[1] / e.value) / (z95 * sd) : 1.0;
  };
  const double factor = b >= a ? tail(denominator, b) : tail(numerator, a);
  // Perfectly correlated errors (a single ion) leave no error; keep the interval from collapsing below rounding.
  const double sd = std::sqrt(std::max(variance, 1e-24));
  return log_normal_estimate(numerator.value / denominator.value, sd, 3, std::max(1.0, factor));
}

}  // namespace haven
