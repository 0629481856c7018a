#include "analysis/distributions.hpp"

#include <cmath>
#include <limits>

#include "core/error.hpp"

namespace haven {
namespace {

constexpr double tiny = 1e-300;

/// Modified Lentz evaluation of the continued fraction of Q(a, x), for x > a + 1.
double gamma_fraction(double a, double x) {
  double b = x + 1.0 - a, c = 1.0 / tiny, d = 1.0 / b, h = d;
  for (int i = 1; i < 10000; ++i) {
    const double an = -i * (i - a);
    b += 2.0;
    d = an * d + b;
    if (std::abs(d) < tiny) d = tiny;
    c = b + an / c;
    if (std::abs(c) < tiny) c = tiny;
    d = 1.0 / d;
    h *= d * c;
    if (std::abs(d * c - 1.0) < 1e-15) break;
  }
  return h;
}

/// Regularised upper incomplete gamma function Q(a, x).
double gamma_q(double a, double x) {
  if (x <= 0) return 1.0;
  const double scale = std::exp(-x + a * std::log(x) - std::lgamma(a));
  if (x > a + 1.0) return scale * gamma_fraction(a, x);
  double term = 1.0 / a, sum = term;
  for (int k = 1; k < 100000 && term > sum * 1e-17; ++k) sum += term *= x / (a + k);
  return 1.0 - scale * sum;
}

/// Continued fraction of the incomplete beta function (Lentz).
double beta_fraction(double a, double b, double x) {
  double c = 1.0, d = 1.0 - (a + b) * x / (a + 1.0);
  d = 1.0 / (std::abs(d) < tiny ? tiny : d);
  double h = d;
  for (int m = 1; m < 10000; ++m) {
    const double m2 = 2.0 * m;
    const double even = m * (b - m) * x / ((a + m2 - 1.0) * (a + m2));
    d = 1.0 + even * d, c = 1.0 + even / c;
    d = 1.0 / (std::abs(d) < tiny ? tiny : d);
    h *= d * c;
    const double odd = -(a + m) * (a + b + m) * x / ((a + m2) * (a + m2 + 1.0));
    d = 1.0 + odd * d, c = 1.0 + odd / c;
    d = 1.0 / (std::abs(d) < tiny ? tiny : d);
    h *= d * c;
    if (std::abs(d * c - 1.0) < 1e-15) break;
  }
  return h;
}

/// Regularised incomplete beta function I_x(a, b).
double beta_i(double a, double b, double x) {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  const double front =
      std::exp(std::lgamma(a + b) - std::lgamma(a) - std::lgamma(b) + a * std::log(x) + b * std::log1p(-x));
  if (x < (a + 1.0) / (a + b + 2.0)) return front * beta_fraction(a, b, x) / a;
  return 1.0 - front * beta_fraction(b, a, 1.0 - x) / b;
}

double student_cdf(double t, double dof) {
  const double tail = 0.5 * student_two_sided(t, dof);
  return t > 0 ? 1.0 - tail : tail;
}

/// Root of an increasing function by bisection to the last bits.
template <class F>
double bisect(F f, double low, double high) {
  for (int i = 0; i < 200; ++i) {
    const double mid = 0.5 * (low + high);
    if (mid <= low || mid >= high) break;
    (f(mid) < 0 ? low : high) = mid;
  }
  return 0.5 * (low + high);
}

}  // namespace

double student_two_sided(double t, double dof) {
  HAVEN_ASSERT(dof > 0);
  return beta_i(0.5 * dof, 0.5, dof / (dof + t * t));
}

double normal_cdf(double z) { return 0.5 * std::erfc(-z / std::sqrt(2.0)); }

double normal_quantile(double p) {
  HAVEN_ASSERT(p > 0 && p < 1);
  // The lower half only: the distribution function keeps full relative accuracy there.
  if (p > 0.5) return -normal_quantile(1.0 - p);
  return bisect([p](double z) { return normal_cdf(z) - p; }, -40.0, 0.0);
}

double chi2_survival(double x, double dof) {
  HAVEN_ASSERT(dof > 0);
  return gamma_q(0.5 * dof, 0.5 * x);
}

double chi2_quantile(double p, double dof) {
  HAVEN_ASSERT(p > 0 && p < 1 && dof > 0);
  double high = dof + 10.0;
  while (1.0 - chi2_survival(high, dof) < p) high *= 2.0;
  return bisect([p, dof](double x) { return 1.0 - chi2_survival(x, dof) - p; }, 0.0, high);
}

double student_quantile(double p, double dof) {
  HAVEN_ASSERT(p > 0 && p < 1 && dof > 0);
  if (dof > 1e6) return normal_quantile(p);
  if (p < 0.5) return -student_quantile(1.0 - p, dof);
  double high = 10.0;
  while (student_cdf(high, dof) < p) high *= 10.0;
  return bisect([p, dof](double t) { return student_cdf(t, dof) - p; }, 0.0, high);
}

}  // namespace haven
