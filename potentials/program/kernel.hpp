// Pure functions of the moment program, templated on a lane: double, Dual, or a Highway vector. No memory is touched
// beyond the arguments. The Highway driver includes this file once per instruction set, inside that target's namespace,
// so that everything here is compiled for it; elsewhere it is an ordinary header.
#if defined(HAVEN_KERNEL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef HAVEN_KERNEL_HPP
#undef HAVEN_KERNEL_HPP
#else
#define HAVEN_KERNEL_HPP
#endif

#include "potentials/model.hpp"
#include "potentials/program/harmonic_coefficients.hpp"

#ifdef HAVEN_KERNEL_VECTORISED
HWY_BEFORE_NAMESPACE();
namespace haven::HWY_NAMESPACE {
#else
#include <cmath>
namespace haven::kernel {
inline double multiply_add(double a, double b, double c) { return a * b + c; }
inline double largest(double a, double b) { return a > b ? a : b; }
inline double magnitude(double a) { return std::abs(a); }
inline double hyperbolic_tangent(double x) { return std::tanh(x); }
inline double exponential(double x) { return std::exp(x); }
inline double log_one_plus(double x) { return std::log1p(x); }
#endif

/// Arithmetic type of a lane.
template <class Lane>
struct RealOf {
  using type = double;
};
template <class Lane>
requires requires { typename Lane::Real; }
struct RealOf<Lane> {
  using type = typename Lane::Real;
};

/// Real orthonormal spherical harmonics of the unit vector (x, y, z) for l <= l_max <= 16: out[l*l + l + m], m < 0 for
/// the sine functions, no Condon-Shortley phase: Y_{1,-1..1} = sqrt(3/4pi) (y, z, x). Products of Q_l^m(z), a
/// polynomial by the standard three-term recurrence, with the real or imaginary part of (x + iy)^m: no pole, no
/// division.
template <class Lane>
inline void spherical_harmonics(int l_max, Lane x, Lane y, Lane z, Lane* out) {
  const auto& table = harmonic_coefficients<typename RealOf<Lane>::type>;
  Lane cosine = Lane(1.0), sine = Lane(0.0);  // (x + iy)^m
  for (int m = 0; m <= l_max; ++m) {
    Lane before = Lane(0.0), current = Lane(table.diagonal[m]);
    for (int l = m; l <= l_max; ++l) {
      if (l > m) {
        const int k = triangle(l, m);
        const Lane next = multiply_add(Lane(table.ahead[k]) * z, current, Lane(-table.behind[k]) * before);
        before = current;
        current = next;
      }
      out[l * l + l + m] = current * cosine;
      if (m > 0) out[l * l + l - m] = current * sine;
    }
    const Lane next_cosine = x * cosine - y * sine;
    sine = x * sine + y * cosine;
    cosine = next_cosine;
  }
}

template <class Lane>
struct Gradient {
  Lane x, y, z;  // no default initialisers: the implied constructor would not be compiled for the instruction set
};

/// sum_lm v_lm grad (r^l Y_lm) at the unit vector whose harmonics are `harmonics`: the gradient of a solid harmonic is
/// a combination of those of degree l - 1. Its part normal to the unit vector is r grad Y_lm.
template <class Lane>
inline Gradient<Lane> solid_harmonic_gradient(int l_max, const Lane* harmonics, const Lane* v) {
  const auto& table = harmonic_coefficients<typename RealOf<Lane>::type>;
  Gradient<Lane> g{Lane(0.0), Lane(0.0), Lane(0.0)};
  for (int l = 1; l <= l_max; ++l) {
    const Lane* below = harmonics + (l - 1) * (l - 1) + (l - 1);  // below[m] = Y_{l-1,m}
    const Lane* weight = v + l * l + l;
    {
      const int k = triangle(l, 0);
      g.z = multiply_add(Lane(table.vertical[k]) * weight[0], below[0], g.z);
      if (l > 1) {
        const Lane up = Lane(table.raise[k]) * weight[0];
        g.x = g.x - up * below[1];
        g.y = g.y - up * below[-1];
      }
    }
    for (int m = 1; m <= l; ++m) {
      const int k = triangle(l, m);
      if (m < l) {
        const Lane vertical = Lane(table.vertical[k]);
        g.z = multiply_add(vertical * weight[m], below[m], g.z);
        g.z = multiply_add(vertical * weight[-m], below[-m], g.z);
      }
      if (m + 1 < l) {
        const Lane up = Lane(table.raise[k]);
        const Lane c = up * weight[m], s = up * weight[-m];
        g.x = g.x - multiply_add(c, below[m + 1], s * below[-m - 1]);
        g.y = g.y + (s * below[m + 1] - c * below[-m - 1]);
      }
      const Lane down = Lane(table.lower[k]);
      const Lane c = down * weight[m], s = down * weight[-m];
      g.x = multiply_add(c, below[m - 1], g.x);
      g.y = multiply_add(s, below[m - 1], g.y);
      if (m > 1) {
        g.x = multiply_add(s, below[1 - m], g.x);
        g.y = g.y - c * below[1 - m];
      }
    }
  }
  return g;
}

template <class Lane>
struct ValueAndSlope {
  Lane value, slope;
};

/// 1 / (1 + e^-x) without overflow.
template <class Lane>
inline Lane sigmoid(Lane x) {
  return multiply_add(Lane(0.5), hyperbolic_tangent(Lane(0.5) * x), Lane(0.5));
}

/// GELU in the tanh form of Hendrycks & Gimpel (arXiv:1606.08415), which is the one Haven means by gelu.
template <class Lane>
inline ValueAndSlope<Lane> gelu(Lane x) {
  constexpr double a = 0.7978845608028654, b = 0.044715;  // sqrt(2/pi)
  const Lane x2 = x * x;
  const Lane t = hyperbolic_tangent(Lane(a) * x * multiply_add(Lane(b), x2, Lane(1.0)));
  const Lane inner = Lane(a) * multiply_add(Lane(3 * b), x2, Lane(1.0));
  const Lane half = Lane(0.5) * (Lane(1.0) + t);
  return {half * x, half + Lane(0.5) * x * (Lane(1.0) - t * t) * inner};
}

/// Activation and its derivative.
template <class Lane>
inline ValueAndSlope<Lane> activate(Activation kind, Lane x) {
  switch (kind) {
    case Activation::tanh: {
      const Lane t = hyperbolic_tangent(x);
      return {t, Lane(1.0) - t * t};
    }
    case Activation::silu: {
      const Lane s = sigmoid(x);
      return {x * s, s * multiply_add(x, Lane(1.0) - s, Lane(1.0))};
    }
    case Activation::softplus:
      return {largest(x, Lane(0.0)) + log_one_plus(exponential(Lane(0.0) - magnitude(x))), sigmoid(x)};
    case Activation::gelu:
      return gelu(x);
    case Activation::identity:
      break;
  }
  return {x, Lane(1.0)};
}

}  // namespace haven
#ifdef HAVEN_KERNEL_VECTORISED
HWY_AFTER_NAMESPACE();
#endif
#endif  // HAVEN_KERNEL_HPP
