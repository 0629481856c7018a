// Closed forms of radial functions: the slopes that forces are made of, and the curvatures that tables are made of,
// against exact derivatives of the published formulas.
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "potentials/lowerings/radial_functions.hpp"

namespace haven::testing {
namespace {

/// A number with its first and second derivative: the product and chain rules, and nothing else.
struct Jet {
  double value = 0, first = 0, second = 0;
  friend Jet operator+(Jet a, Jet b) { return {a.value + b.value, a.first + b.first, a.second + b.second}; }
  friend Jet operator-(Jet a, Jet b) { return {a.value - b.value, a.first - b.first, a.second - b.second}; }
  friend Jet operator*(Jet a, Jet b) {
    return {a.value * b.value, a.first * b.value + a.value * b.first,
            a.second * b.value + 2 * a.first * b.first + a.value * b.second};
  }
};

Jet constant(double c) { return {c, 0, 0}; }
Jet chain(Jet x, double f, double f1, double f2) { return {f, f1 * x.first, f2 * x.first * x.first + f1 * x.second}; }
Jet exponential(Jet x) {
  const double e = std::exp(x.value);
  return chain(x, e, e, e);
}
Jet cosine(Jet x) { return chain(x, std::cos(x.value), -std::sin(x.value), -std::cos(x.value)); }
Jet tangent_hyperbolic(Jet x) {
  const double t = std::tanh(x.value), s = 1 - t * t;
  return chain(x, t, s, -2 * t * s);
}
Jet power(Jet x, int n) {
  Jet result = constant(1);
  for (int k = 0; k < n; ++k) result = result * x;
  return result;
}

void expect_same(const RadialValue& found, const Jet& exact, const Jet& scale) {
  EXPECT_NEAR(found.value, exact.value, 1e-13 * scale.value);
  EXPECT_NEAR(found.slope, exact.first, 1e-13 * scale.first);
  EXPECT_NEAR(found.curvature, exact.second, 1e-13 * scale.second);
}

constexpr double cutoff = 5.3;

Jet cutoff_formula(CutoffType type, Jet r) {
  const Jet x = constant(1 / cutoff) * r;
  switch (type) {
    case CutoffType::cosine:
      return constant(0.5) * (cosine(constant(std::numbers::pi) * x) + constant(1));
    case CutoffType::tanh_cubed:
      return power(tangent_hyperbolic(constant(1) - x), 3);
    case CutoffType::polynomial:
      break;
  }
  return constant(1) - constant(10) * power(x, 3) + constant(15) * power(x, 4) - constant(6) * power(x, 5);
}

TEST(RadialFunctions, CutoffFunctionsHaveTheirExactDerivatives) {
  for (const CutoffType type : {CutoffType::polynomial, CutoffType::cosine, CutoffType::tanh_cubed})
    for (double r = 0.3; r < cutoff; r += 0.17)
      // The polynomial in powers of x cancels: its terms are up to 15, 60 and 180 times the result near the cut-off.
      expect_same(cutoff_function(type, r, cutoff), cutoff_formula(type, {r, 1, 0}), {15, 60, 180});
}

TEST(RadialFunctions, CutoffFunctionsEndAsTheirNamesPromise) {
  const double near = cutoff * (1 - 1e-7);
  for (const CutoffType type : {CutoffType::polynomial, CutoffType::cosine, CutoffType::tanh_cubed}) {
    const RadialValue at = cutoff_function(type, cutoff, cutoff), before = cutoff_function(type, near, cutoff);
    EXPECT_EQ(at.value, 0);
    EXPECT_EQ(at.slope, 0);
    EXPECT_EQ(at.curvature, 0);
    EXPECT_NEAR(before.value, 0, 1e-12);
    EXPECT_NEAR(before.slope, 0, 1e-6);
    if (type != CutoffType::cosine) {
      EXPECT_NEAR(before.curvature, 0, 1e-5);
    }
  }
}

TEST(RadialFunctions, GaussiansAndChebyshevPolynomialsHaveTheirExactDerivatives) {
  for (double r = 0.3; r < cutoff; r += 0.17) {
    const Jet jet{r, 1, 0};
    for (const double eta : {0.0, 0.05, 2.0, 30.0}) {
      const Jet d = jet - constant(1.7);
      expect_same(gaussian(eta, 1.7, r), exponential(constant(-eta) * d * d), {1, 1 + std::sqrt(eta), 1 + 4 * eta});
    }
    const RadialValue x{.value = 2 * r / cutoff - 1, .slope = 2 / cutoff, .curvature = 0};
    const Jet x_jet{x.value, x.slope, 0};
    for (int n = 0; n <= 20; ++n) {
      // T_n = cos(n acos x), with acos' = -1/sqrt(1 - x^2): another way than the recurrence.
      const double s = 1 - x.value * x.value;
      const Jet angle = chain(x_jet, std::acos(x.value), -1 / std::sqrt(s), -x.value / (s * std::sqrt(s)));
      const double slope = n * n * x.slope, curvature = n * n * n * n * x.slope * x.slope;
      expect_same(chebyshev_polynomial(n, x), cosine(constant(n) * angle),
                  {100, 100 * (1 + slope), 100 * (1 + curvature)});
    }
  }
}

}  // namespace
}  // namespace haven::testing
