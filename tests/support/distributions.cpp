#include "support/distributions.hpp"

#include <algorithm>
#include <cmath>

namespace haven::testing {
namespace {

double gamma_series(double a, double x) {
  double term = 1 / a, sum = term;
  for (double k = a + 1; term > 1e-16 * sum; ++k) {
    term *= x / k;
    sum += term;
  }
  return sum * std::exp(a * std::log(x) - x - std::lgamma(a));
}

/// 1 - P by the continued fraction, evaluated with Lentz's method.
double gamma_fraction(double a, double x) {
  double b = x + 1 - a, c = 1e300, d = 1 / b, h = d;
  for (int k = 1; k < 10000; ++k) {
    const double an = -k * (k - a);
    b += 2;
    d = 1 / (an * d + b);
    c = b + an / c;
    h *= c * d;
    if (std::abs(c * d - 1) < 1e-15) break;
  }
  return h * std::exp(a * std::log(x) - x - std::lgamma(a));
}

}  // namespace

double gamma_cumulative(double shape, double scale, double x) {
  const double y = x / scale;
  if (y <= 0) return 0;
  return y < shape + 1 ? gamma_series(shape, y) : 1 - gamma_fraction(shape, y);
}

double kolmogorov_smirnov(std::vector<double> samples, const Cumulative& cumulative) {
  std::sort(samples.begin(), samples.end());
  const auto n = static_cast<double>(samples.size());
  double distance = 0;
  for (std::size_t k = 0; k < samples.size(); ++k) {
    const double f = cumulative(samples[k]), below = static_cast<double>(k) / n;
    distance = std::max({distance, f - below, below + 1 / n - f});
  }
  const double lambda = (std::sqrt(n) + 0.12 + 0.11 / std::sqrt(n)) * distance;
  double p = 0;
  for (int k = 1; k <= 100; ++k) p += (k % 2 == 1 ? 2 : -2) * std::exp(-2 * lambda * lambda * k * k);
  return std::clamp(p, 0.0, 1.0);
}

double chi_squared_test(const std::vector<double>& samples, const Cumulative& cumulative, int bins) {
  std::vector<double> counts(static_cast<std::size_t>(bins), 0.0);
  for (const double x : samples)
    ++counts[static_cast<std::size_t>(std::clamp(static_cast<int>(bins * cumulative(x)), 0, bins - 1))];
  const double expected = static_cast<double>(samples.size()) / bins;
  double chi2 = 0;
  for (const double count : counts) chi2 += (count - expected) * (count - expected) / expected;
  return 1 - gamma_cumulative(0.5 * (bins - 1), 2, chi2);
}

}  // namespace haven::testing
