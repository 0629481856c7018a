#pragma once
#include <cmath>

/// First-order dual numbers: exact directional derivatives of the templated kernels (Lane = Dual).
namespace haven {

struct Dual {
  double value = 0, tangent = 0;

  constexpr Dual() = default;
  constexpr Dual(double v) : value(v) {}  // NOLINT: a constant is a dual with zero tangent
  constexpr Dual(double v, double t) : value(v), tangent(t) {}
  friend constexpr Dual operator+(Dual a, Dual b) { return {a.value + b.value, a.tangent + b.tangent}; }
  friend constexpr Dual operator-(Dual a, Dual b) { return {a.value - b.value, a.tangent - b.tangent}; }
  friend constexpr Dual operator*(Dual a, Dual b) {
    return {a.value * b.value, a.tangent * b.value + a.value * b.tangent};
  }
  friend constexpr Dual operator/(Dual a, Dual b) {
    const double q = a.value / b.value;
    return {q, (a.tangent - q * b.tangent) / b.value};
  }
  constexpr Dual& operator+=(Dual b) { return *this = *this + b; }
};

/// f(x) and f'(x) as a lane: a closed form enters the kernels through its derivatives.
inline double with_derivative(double, double value, double) { return value; }
inline Dual with_derivative(Dual x, double value, double slope) { return {value, slope * x.tangent}; }
inline double primal(double x) { return x; }
inline double primal(Dual x) { return x.value; }

inline Dual multiply_add(Dual a, Dual b, Dual c) { return a * b + c; }
inline Dual largest(Dual a, Dual b) { return a.value > b.value ? a : b; }
inline Dual smallest(Dual a, Dual b) { return a.value < b.value ? a : b; }
inline Dual magnitude(Dual a) { return a.value < 0 ? Dual(0.0) - a : a; }
inline Dual square_root(Dual a) {
  const double s = std::sqrt(a.value);
  return {s, 0.5 * a.tangent / s};
}
inline double square_root(double a) { return std::sqrt(a); }
inline Dual hyperbolic_tangent(Dual x) {
  const double t = std::tanh(x.value);
  return {t, (1 - t * t) * x.tangent};
}
inline Dual exponential(Dual x) {
  const double e = std::exp(x.value);
  return {e, e * x.tangent};
}
inline Dual sine(Dual x) { return {std::sin(x.value), std::cos(x.value) * x.tangent}; }
inline Dual cosine(Dual x) { return {std::cos(x.value), -std::sin(x.value) * x.tangent}; }
inline Dual logarithm(Dual x) { return {std::log(x.value), x.tangent / x.value}; }
/// At x = +-1, where the slope has no bound, a tangent of zero.
inline Dual arc_cosine(Dual x) {
  const double square = (1 - x.value) * (1 + x.value);
  return {std::acos(x.value), square > 0 ? -x.tangent / std::sqrt(square) : 0.0};
}
inline Dual step(Dual x) { return {x.value > 0 ? 1.0 : 0.0, 0.0}; }
inline Dual log_one_plus(Dual x) { return {std::log1p(x.value), x.tangent / (1 + x.value)}; }

}  // namespace haven
