// Third sides and angles of explicit triplets, templated on a lane like kernel.hpp: pure functions of their arguments.
// Included once per instruction set by the Highway driver, after kernel.hpp.
#if defined(HAVEN_TRIPLETS_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef HAVEN_TRIPLETS_HPP
#undef HAVEN_TRIPLETS_HPP
#else
#define HAVEN_TRIPLETS_HPP
#endif

#include "potentials/program/third_side.hpp"

#ifdef HAVEN_KERNEL_VECTORISED
HWY_BEFORE_NAMESPACE();
namespace haven::HWY_NAMESPACE {
#else
#include "potentials/program/kernel.hpp"
namespace haven::kernel {
#endif

/// sin and cos for |y| <= pi/4 by their series, to the last bits of the lane's arithmetic.
template <class Lane>
[[gnu::always_inline]] inline void small_sine_cosine(Lane y, Lane& sine, Lane& cosine) {
  const Lane s = y * y;
  Lane odd(-1.0 / 5040), even(1.0 / 40320);
  if constexpr (sizeof(typename RealOf<Lane>::type) == 8) {
    odd = Lane(-1.0 / 1307674368000.0);
    odd = multiply_add(odd, s, Lane(1.0 / 6227020800.0));
    odd = multiply_add(odd, s, Lane(-1.0 / 39916800));
    odd = multiply_add(odd, s, Lane(1.0 / 362880));
    odd = multiply_add(odd, s, Lane(-1.0 / 5040));
    even = Lane(1.0 / 20922789888000.0);
    even = multiply_add(even, s, Lane(-1.0 / 87178291200.0));
    even = multiply_add(even, s, Lane(1.0 / 479001600));
    even = multiply_add(even, s, Lane(-1.0 / 3628800));
    even = multiply_add(even, s, Lane(1.0 / 40320));
  }
  odd = multiply_add(multiply_add(odd, s, Lane(1.0 / 120)), s, Lane(-1.0 / 6));
  even = multiply_add(multiply_add(multiply_add(even, s, Lane(-1.0 / 720)), s, Lane(1.0 / 24)), s, Lane(-0.5));
  sine = y * multiply_add(odd, s, Lane(1.0));
  cosine = multiply_add(even, s, Lane(1.0));
}

/// tanh(y) for 0 <= y <= 1. Floats need no more than this polynomial (relative error 5e-8).
template <class Lane>
[[gnu::always_inline]] inline Lane unit_tanh(Lane y) {
  if constexpr (sizeof(typename RealOf<Lane>::type) == 4) {
    const Lane s = y * y;
    Lane p(0.0010455535428479834);
    p = multiply_add(p, s, Lane(-0.006217069879411099));
    p = multiply_add(p, s, Lane(0.02030551944772114));
    p = multiply_add(p, s, Lane(-0.0534651773581583));
    p = multiply_add(p, s, Lane(0.13325397841593048));
    p = multiply_add(p, s, Lane(-0.33332856094332575));
    return y * multiply_add(p, s, Lane(0.9999999526624205));
  } else {
    return hyperbolic_tangent(y);
  }
}

/// f(x) and f'(x) of a window for 0 <= x <= 1.
template <class Lane>
[[gnu::always_inline]] inline ValueAndSlope<Lane> window_function(WindowType type, Lane x) {
  const Lane rest = Lane(1.0) - x;
  switch (type) {
    case WindowType::cosine: {
      // (1 + cos pi x)/2 = 1/2 - sin y cos y with y = pi (x - 1/2)/2
      Lane s, c;
      small_sine_cosine(Lane(1.5707963267948966) * (x - Lane(0.5)), s, c);
      return {Lane(0.5) - s * c, Lane(1.5707963267948966) * (s * s - c * c)};
    }
    case WindowType::tanh_cubed:
    case WindowType::tanh_scaled: {
      constexpr double one = 2.2637537952253513;  // 1/tanh^3(1)
      const Lane t = unit_tanh(rest), t2 = t * t;
      const Lane scale(type == WindowType::tanh_scaled ? one : 1.0);
      return {scale * t2 * t, scale * Lane(3.0) * t2 * (t2 - Lane(1.0))};
    }
    case WindowType::exponential: {
      // 1/(1 - x^2); from x = 0.995 on the function is below e^-98 and stays at that.
      const Lane inverse = Lane(1.0) / (largest(rest, Lane(0.005)) * (Lane(1.0) + x));
      const Lane value = exponential(Lane(1.0) - inverse);
      return {value, Lane(-2.0) * x * inverse * inverse * value};
    }
    case WindowType::poly1:
      return {rest * rest * (Lane(1.0) + Lane(2.0) * x), Lane(-6.0) * x * rest};
    case WindowType::poly2:
      return {rest * rest * rest * multiply_add(multiply_add(Lane(6.0), x, Lane(3.0)), x, Lane(1.0)),
              Lane(-30.0) * (x * rest) * (x * rest)};
    case WindowType::poly3: {
      const Lane r2 = rest * rest, p = x * rest;
      const Lane q = multiply_add(multiply_add(multiply_add(Lane(20.0), x, Lane(10.0)), x, Lane(4.0)), x, Lane(1.0));
      return {r2 * r2 * q, Lane(-140.0) * p * p * p};
    }
    case WindowType::poly4: {
      const Lane r2 = rest * rest, p = x * rest;
      const Lane q =
          multiply_add(multiply_add(multiply_add(multiply_add(Lane(70.0), x, Lane(35.0)), x, Lane(15.0)), x, Lane(5.0)),
                       x, Lane(1.0));
      return {r2 * r2 * rest * q, Lane(-630.0) * (p * p) * (p * p)};
    }
    case WindowType::hard:
    case WindowType::none:
      break;
  }
  return {Lane(1.0), Lane(0.0)};
}

/// f(|x|) and its derivative with respect to x; 0 from |x| = 1 on.
template <class Lane>
[[gnu::always_inline]] inline ValueAndSlope<Lane> bump_function(WindowType type, Lane x) {
  const Lane sign = multiply_add(Lane(2.0), step(x), Lane(-1.0));
  const ValueAndSlope<Lane> f = window_function(type, smallest(magnitude(x), Lane(1.0)));
  return {f.value, sign * f.slope};
}

/// w(r) and w'(r) for r below the cut-off; `inverse_width` is 1/(cutoff - inner).
template <class Lane>
[[gnu::always_inline]] inline ValueAndSlope<Lane> window_value(const Window& window, double inverse_width, Lane r) {
  const WindowType type = window.type;
  const double inner = window.inner;
  if (type == WindowType::none || type == WindowType::hard) return {Lane(1.0), Lane(0.0)};
  if (window.shape == WindowShape::bump) {
    const ValueAndSlope<Lane> f = bump_function(type, (r - Lane(inner)) * Lane(inverse_width));
    return {f.value, Lane(inverse_width) * f.slope};
  }
  if (window.shape == WindowShape::flat_bump) {
    const Lane x = (r - Lane(inner)) * Lane(inverse_width), rest = Lane(1.0) - smallest(magnitude(x), Lane(1.0));
    const Lane sign = multiply_add(Lane(2.0), step(x), Lane(-1.0));
    // (2 - |x|) |x| = 1 - (1 - |x|)^2
    const ValueAndSlope<Lane> f = window_function(type, Lane(1.0) - rest * rest);
    return {f.value, Lane(2 * inverse_width) * sign * rest * f.slope};
  }
  // Below the inner cut-off x = 0, where every function is 1 with slope 0 (the tanh ones have no inner cut-off). A
  // vector may be filled up with lanes beyond the cut-off whose results are not used: they stay finite.
  const Lane x = largest((r - Lane(inner)) * Lane(inverse_width), Lane(0.0));
  const ValueAndSlope<Lane> f = window_function(type, smallest(x, Lane(1.0)));
  return {f.value, Lane(inverse_width) * f.slope};
}

/// Value and derivative with respect to cos theta of a window on the angle. sin theta goes to zero with the slope of f:
/// the floor keeps their quotient finite where rounding leaves one of them.
template <class Lane>
[[gnu::always_inline]] inline ValueAndSlope<Lane> sector_value(const AngleWindow& sector, Lane theta, Lane cosine) {
  constexpr double smallest_square = sizeof(typename RealOf<Lane>::type) == 4 ? 1e-7 : 1e-15;
  const double inverse_width = 1 / sector.width;
  const ValueAndSlope<Lane> f = bump_function(sector.type, (theta - Lane(sector.middle)) * Lane(inverse_width));
  const Lane square = (Lane(1.0) - cosine) * (Lane(1.0) + cosine);
  return {f.value, Lane(-inverse_width) * f.slope / square_root(largest(square, Lane(smallest_square)))};
}

/// base^zeta and zeta base^{zeta-1} for base >= 0 and an integer zeta >= 1, by repeated squaring.
template <class Lane>
inline ValueAndSlope<Lane> integer_power(Lane base, int zeta) {
  Lane below(1.0), square = base;
  for (int n = zeta - 1; n > 0; n >>= 1) {
    if ((n & 1) != 0) below = below * square;
    if (n > 1) square = square * square;
  }
  return {below * base, Lane(static_cast<double>(zeta)) * below};
}

/// The same for any zeta >= 1; base = 0 gives 0.
template <class Lane>
inline ValueAndSlope<Lane> real_power(Lane base, double zeta) {
  const Lane below = exponential(Lane(zeta - 1) * logarithm(largest(base, Lane(1e-30))));
  return {below * base, Lane(zeta) * below};
}

}  // namespace haven
#ifdef HAVEN_KERNEL_VECTORISED
HWY_AFTER_NAMESPACE();
#endif
#endif  // HAVEN_TRIPLETS_HPP
