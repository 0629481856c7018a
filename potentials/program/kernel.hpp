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
#include "potentials/program/host_device.hpp"

// Loops over l and m: unrolled where vectors are, since callers there pass a constant l_max for all common degrees.
#undef HAVEN_UNROLL_DEGREES
#undef HAVEN_KERNEL_INLINE
#ifdef HAVEN_KERNEL_VECTORISED
#define HAVEN_UNROLL_DEGREES HAVEN_UNROLL
#define HAVEN_KERNEL_INLINE HWY_INLINE
#else
#define HAVEN_UNROLL_DEGREES HAVEN_UNROLL_ON_DEVICE
#define HAVEN_KERNEL_INLINE inline
#endif

#ifdef HAVEN_KERNEL_VECTORISED
HWY_BEFORE_NAMESPACE();
namespace haven::HWY_NAMESPACE {
#else
#include <cmath>
namespace haven::kernel {
HAVEN_HD inline double multiply_add(double a, double b, double c) { return a * b + c; }
HAVEN_HD inline double largest(double a, double b) { return a > b ? a : b; }
HAVEN_HD inline double smallest(double a, double b) { return a < b ? a : b; }
HAVEN_HD inline double magnitude(double a) { return std::abs(a); }
HAVEN_HD inline double sine(double x) { return std::sin(x); }
HAVEN_HD inline double cosine(double x) { return std::cos(x); }
HAVEN_HD inline double logarithm(double x) { return std::log(x); }
HAVEN_HD inline double arc_cosine(double x) { return std::acos(x); }
HAVEN_HD inline double step(double x) { return x > 0 ? 1.0 : 0.0; }
HAVEN_HD inline double hyperbolic_tangent(double x) { return std::tanh(x); }
HAVEN_HD inline double exponential(double x) { return std::exp(x); }
HAVEN_HD inline double log_one_plus(double x) { return std::log1p(x); }
HAVEN_HD inline float multiply_add(float a, float b, float c) { return a * b + c; }
HAVEN_HD inline float largest(float a, float b) { return a > b ? a : b; }
HAVEN_HD inline float smallest(float a, float b) { return a < b ? a : b; }
HAVEN_HD inline float magnitude(float a) { return std::abs(a); }
HAVEN_HD inline float sine(float x) { return std::sin(x); }
HAVEN_HD inline float cosine(float x) { return std::cos(x); }
HAVEN_HD inline float logarithm(float x) { return std::log(x); }
HAVEN_HD inline float arc_cosine(float x) { return std::acos(x); }
HAVEN_HD inline float step(float x) { return x > 0 ? 1.0F : 0.0F; }
HAVEN_HD inline float hyperbolic_tangent(float x) { return std::tanh(x); }
HAVEN_HD inline float exponential(float x) { return std::exp(x); }
HAVEN_HD inline float log_one_plus(float x) { return std::log1p(x); }
#endif

/// Arithmetic type of a lane.
template <class Lane>
struct RealOf {
  using type = double;
};
template <>
struct RealOf<float> {
  using type = float;
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
HAVEN_HD HAVEN_KERNEL_INLINE void spherical_harmonics(int l_max, Lane x, Lane y, Lane z, Lane* out) {
#ifdef __CUDA_ARCH__
  const auto& table = device_harmonic_coefficients<typename RealOf<Lane>::type>;
#else
  const auto& table = harmonic_coefficients<typename RealOf<Lane>::type>;
#endif
  Lane cosine = Lane(1.0), sine = Lane(0.0);  // (x + iy)^m
  HAVEN_UNROLL_DEGREES
  for (int m = 0; m <= l_max; ++m) {
    Lane before = Lane(0.0), current = Lane(table.diagonal[m]);
    HAVEN_UNROLL_DEGREES
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
HAVEN_HD HAVEN_KERNEL_INLINE Gradient<Lane> solid_harmonic_gradient(int l_max, const Lane* harmonics, const Lane* v) {
#ifdef __CUDA_ARCH__
  const auto& table = device_harmonic_coefficients<typename RealOf<Lane>::type>;
#else
  const auto& table = harmonic_coefficients<typename RealOf<Lane>::type>;
#endif
  Gradient<Lane> g{Lane(0.0), Lane(0.0), Lane(0.0)};
  HAVEN_UNROLL_DEGREES
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
    HAVEN_UNROLL_DEGREES
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

/// Y_lm / norm_lm of bare_harmonic_coefficients, in the order of spherical_harmonics().
template <class Lane>
HAVEN_KERNEL_INLINE void bare_harmonics(int l_max, Lane x, Lane y, Lane z, Lane* out) {
  const auto& table = bare_harmonic_coefficients<typename RealOf<Lane>::type>;
  Lane cosine = Lane(1.0), sine = Lane(0.0);  // (x + iy)^m
  HAVEN_UNROLL_DEGREES
  for (int m = 0; m <= l_max; ++m) {
    Lane before = Lane(0.0), current = Lane(1.0);
    HAVEN_UNROLL_DEGREES
    for (int l = m; l <= l_max; ++l) {
      if (l > m) {
        const Lane ahead = Lane(table.ahead[l]) * z;
        const Lane next =
            l == m + 1 ? ahead * current : multiply_add(ahead, current, Lane(-table.behind[triangle(l, m)]) * before);
        before = current;
        current = next;
      }
      const Lane scaled = Lane(table.scale[triangle(l, m)]) * current;
      out[l * l + l + m] = scaled * cosine;
      if (m > 0) out[l * l + l - m] = scaled * sine;
    }
    const Lane next_cosine = x * cosine - y * sine;
    sine = x * sine + y * cosine;
    cosine = next_cosine;
  }
}

/// sum_lm v_lm grad (r^l H_lm) at the unit vector whose bare harmonics are `harmonics`. With the complex solid
/// harmonics S_lm = C_lm + i S_lm: d/dz S_lm = S_{l-1,m} and (d/dx -+ i d/dy) S_lm = +-S_{l-1,m-+1}, collected by the
/// harmonic below.
template <class Lane>
HAVEN_KERNEL_INLINE Gradient<Lane> bare_harmonic_gradient(int l_max, const Lane* harmonics, const Lane* v) {
  Lane x = Lane(0.0), y = Lane(0.0), z = Lane(0.0);  // twice the x and y of the gradient
  HAVEN_UNROLL_DEGREES
  for (int l = 1; l <= l_max; ++l) {
    const Lane* below = harmonics + (l - 1) * (l - 1) + (l - 1);  // below[m] = H_{l-1,m}
    const Lane* weight = v + l * l + l;
    z = multiply_add(below[0], weight[0], z);
    x = multiply_add(below[0], weight[1], x);
    y = multiply_add(below[0], weight[-1], y);
    HAVEN_UNROLL_DEGREES
    for (int m = 1; m < l; ++m) {
      z = multiply_add(below[m], weight[m], z);
      z = multiply_add(below[-m], weight[-m], z);
      const Lane c = m == 1 ? weight[0] + weight[0] : weight[m - 1];  // S_{l,0} has no sine
      const Lane cosine_below = below[m], sine_below = below[-m];
      if (m == 1) {
        x = multiply_add(sine_below, weight[-2], x);
        y = multiply_add(cosine_below, weight[-2], y);
      } else {
        x = multiply_add(sine_below, weight[-m - 1] - weight[1 - m], x);
        y = multiply_add(cosine_below, weight[-m - 1] + weight[1 - m], y);
      }
      x = multiply_add(cosine_below, weight[m + 1] - c, x);
      y = y - sine_below * (weight[m + 1] + c);
    }
  }
  const Lane half = Lane(0.5);
  return {half * x, half * y, z};
}

template <class Lane>
struct ValueAndSlope {
  Lane value, slope;
};

/// 1 / (1 + e^-x) without overflow.
template <class Lane>
HAVEN_HD inline Lane sigmoid(Lane x) {
  return multiply_add(Lane(0.5), hyperbolic_tangent(Lane(0.5) * x), Lane(0.5));
}

/// GELU in the tanh form of Hendrycks & Gimpel (arXiv:1606.08415), which is the one Haven means by gelu.
template <class Lane>
HAVEN_HD inline ValueAndSlope<Lane> gelu(Lane x) {
  constexpr double a = 0.7978845608028654, b = 0.044715;  // sqrt(2/pi)
  const Lane x2 = x * x;
  const Lane t = hyperbolic_tangent(Lane(a) * x * multiply_add(Lane(b), x2, Lane(1.0)));
  const Lane inner = Lane(a) * multiply_add(Lane(3 * b), x2, Lane(1.0));
  const Lane half = Lane(0.5) * (Lane(1.0) + t);
  return {half * x, half + Lane(0.5) * x * (Lane(1.0) - t * t) * inner};
}

/// Activation and its derivative.
template <class Lane>
HAVEN_HD inline ValueAndSlope<Lane> activate(Activation kind, Lane x) {
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
    case Activation::logistic: {
      const Lane s = sigmoid(x);
      return {s, s * (Lane(1.0) - s)};
    }
    case Activation::relu:
      return {largest(x, Lane(0.0)), step(x)};
    case Activation::gaussian: {
      const Lane e = exponential(Lane(-0.5) * x * x);
      return {e, Lane(0.0) - x * e};
    }
    case Activation::cosine:
      return {cosine(x), Lane(0.0) - sine(x)};
    case Activation::reversed_logistic: {
      const Lane s = sigmoid(x);
      return {Lane(1.0) - s, s * (s - Lane(1.0))};
    }
    case Activation::exponential: {
      const Lane e = exponential(Lane(0.0) - x);
      return {e, Lane(0.0) - e};
    }
    case Activation::harmonic:
      return {x * x, Lane(2.0) * x};
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
