#include "support/distributions.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

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

double mean_of(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double variance_of(const std::vector<double>& values) {
  const double mean = mean_of(values);
  double sum = 0;
  for (const double v : values) sum += (v - mean) * (v - mean);
  return sum / static_cast<double>(values.size() - 1);
}

Blocks blocks_of(const std::vector<double>& values, std::size_t blocks) {
  std::vector<double> means;
  for (std::size_t b = 0; b < blocks; ++b)
    means.push_back(mean_of({values.begin() + static_cast<std::ptrdiff_t>(b * values.size() / blocks),
                             values.begin() + static_cast<std::ptrdiff_t>((b + 1) * values.size() / blocks)}));
  return {.mean = mean_of(means), .error = std::sqrt(variance_of(means) / static_cast<double>(blocks))};
}

double inefficiency(const std::vector<double>& values) {
  const double mean = mean_of(values), variance = variance_of(values);
  double sum = 1;
  for (std::size_t lag = 1; lag < values.size() / 2; ++lag) {
    double product = 0;
    for (std::size_t k = lag; k < values.size(); ++k) product += (values[k] - mean) * (values[k - lag] - mean);
    const double correlation = product / static_cast<double>(values.size() - lag) / variance;
    if (correlation <= 0) break;
    sum += 2 * correlation;
  }
  return sum;
}

RatioSlope ratio_slope(const std::vector<double>& first, const std::vector<double>& second) {
  const double origin = 0.5 * (mean_of(first) + mean_of(second)), width = std::sqrt(variance_of(first));
  double a = std::log(static_cast<double>(second.size()) / static_cast<double>(first.size())),
         b = (mean_of(second) - mean_of(first)) / width;  // exact for normal distributions of one width
  double aa = 0, ab = 0, bb = 0;
  for (int iteration = 0; iteration < 50; ++iteration) {  // Newton's method; the likelihood is concave
    double ga = 0, gb = 0;
    aa = ab = bb = 0;
    const auto add = [&](double value, double is_second) {
      const double x = (value - origin) / width, p = 1 / (1 + std::exp(-(a + b * x)));
      ga += is_second - p, gb += (is_second - p) * x;
      aa += p * (1 - p), ab += p * (1 - p) * x, bb += p * (1 - p) * x * x;
    };
    for (const double v : first) add(v, 0);
    for (const double v : second) add(v, 1);
    const double determinant = aa * bb - ab * ab;
    a += (bb * ga - ab * gb) / determinant;
    b += (aa * gb - ab * ga) / determinant;
  }
  return {.slope = b / width, .error = std::sqrt(aa / (aa * bb - ab * ab)) / width};
}

}  // namespace haven::testing
