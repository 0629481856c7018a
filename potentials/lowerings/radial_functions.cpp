#include "potentials/lowerings/radial_functions.hpp"

#include <cmath>
#include <numbers>

namespace haven {

RadialValue cutoff_function(CutoffType type, double r, double cutoff) {
  if (r >= cutoff) return {};
  const double x = r / cutoff, rest = 1 - x;
  switch (type) {
    case CutoffType::cosine: {
      const double k = std::numbers::pi / cutoff;
      return {.value = 0.5 * (1 + std::cos(k * r)),
              .slope = -0.5 * k * std::sin(k * r),
              .curvature = -0.5 * k * k * std::cos(k * r)};
    }
    case CutoffType::tanh_cubed: {
      const double t = std::tanh(rest), s = 1 - t * t;  // dt/dr = -s/r_c
      return {.value = t * t * t,
              .slope = -3 * t * t * s / cutoff,
              .curvature = (6 * t * s * s - 6 * t * t * t * s) / (cutoff * cutoff)};
    }
    case CutoffType::polynomial:
      break;
  }
  return {.value = rest * rest * rest * (1 + x * (3 + x * 6)),
          .slope = -30 * x * x * rest * rest / cutoff,
          .curvature = -60 * x * rest * (rest - x) / (cutoff * cutoff)};
}

RadialValue chebyshev_polynomial(int n, const RadialValue& x) {
  // T_{n+1} = 2 x T_n - T_{n-1}, with both derivatives carried along.
  RadialValue before{.value = 1, .slope = 0, .curvature = 0};
  if (n == 0) return before;
  RadialValue current = x;
  for (int k = 1; k < n; ++k) {
    const RadialValue product = x * current;
    const RadialValue next{.value = 2 * product.value - before.value,
                           .slope = 2 * product.slope - before.slope,
                           .curvature = 2 * product.curvature - before.curvature};
    before = current;
    current = next;
  }
  return current;
}

RadialValue gaussian(double eta, double shift, double r) {
  const double d = r - shift, value = std::exp(-eta * d * d);
  return {.value = value, .slope = -2 * eta * d * value, .curvature = (4 * eta * eta * d * d - 2 * eta) * value};
}

}  // namespace haven
