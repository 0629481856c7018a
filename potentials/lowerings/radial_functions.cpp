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

namespace {

/// f, f', f'' at x.
RadialValue unit_window(WindowType type, double x) {
  const double rest = 1 - x, p = x * rest, bend = 1 - 2 * x;
  switch (type) {
    case WindowType::cosine: {
      const double pi = std::numbers::pi;
      return {.value = 0.5 * (1 + std::cos(pi * x)),
              .slope = -0.5 * pi * std::sin(pi * x),
              .curvature = -0.5 * pi * pi * std::cos(pi * x)};
    }
    case WindowType::tanh_cubed:
    case WindowType::tanh_scaled: {
      const double one = std::tanh(1.0), scale = type == WindowType::tanh_scaled ? 1 / (one * one * one) : 1;
      const double t = std::tanh(rest), s = 1 - t * t;
      return {.value = scale * t * t * t,
              .slope = -scale * 3 * t * t * s,
              .curvature = scale * (6 * t * s * s - 6 * t * t * t * s)};
    }
    case WindowType::exponential: {
      if (x > 0.999) return {};  // below e^-499
      const double u = 1 / (1 - x * x), slope = 2 * x * u * u, curvature = 2 * u * u + 8 * x * x * u * u * u;
      const double f = std::exp(1 - u);
      return {.value = f, .slope = -slope * f, .curvature = (slope * slope - curvature) * f};
    }
    case WindowType::poly1:
      return {.value = rest * rest * (1 + 2 * x), .slope = -6 * p, .curvature = -6 * bend};
    case WindowType::poly2:
      return {.value = rest * rest * rest * (1 + x * (3 + x * 6)), .slope = -30 * p * p, .curvature = -60 * p * bend};
    case WindowType::poly3:
      return {.value = std::pow(rest, 4) * (1 + x * (4 + x * (10 + x * 20))),
              .slope = -140 * p * p * p,
              .curvature = -420 * p * p * bend};
    case WindowType::poly4:
      return {.value = std::pow(rest, 5) * (1 + x * (5 + x * (15 + x * (35 + x * 70)))),
              .slope = -630 * p * p * p * p,
              .curvature = -2520 * p * p * p * bend};
    case WindowType::hard:
    case WindowType::none:
      break;
  }
  return {.value = 1, .slope = 0, .curvature = 0};
}

}  // namespace

namespace {

/// f(y(|x|)) with x = (r - inner)/width and y = |x|, or (2 - |x|) |x|.
RadialValue bump_of(const Window& window, double r) {
  const double width = window.cutoff - window.inner, x = (r - window.inner) / width, a = std::abs(x);
  if (a > 1) return {};  // the limit from inside at the end itself: r = 0 is one
  const bool flat = window.shape == WindowShape::flat_bump;
  const RadialValue f = unit_window(window.type, flat ? (2 - a) * a : a);
  const double slope = flat ? 2 - 2 * a : 1, bend = flat ? -2 : 0;
  return {.value = f.value,
          .slope = (x < 0 ? -1 : 1) * f.slope * slope / width,
          .curvature = (f.curvature * slope * slope + f.slope * bend) / (width * width)};
}

}  // namespace

RadialValue window_of(const Window& window, double r) {
  if (window.type == WindowType::none) return {.value = 1, .slope = 0, .curvature = 0};
  if (r >= window.cutoff) return {};
  if (window.shape != WindowShape::step) return bump_of(window, r);
  const double inner = window.inner, width = window.cutoff - inner;
  if (r < inner) return {.value = 1, .slope = 0, .curvature = 0};
  const RadialValue f = unit_window(window.type, (r - inner) / width);
  return {.value = f.value, .slope = f.slope / width, .curvature = f.curvature / (width * width)};
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
