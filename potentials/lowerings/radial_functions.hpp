#pragma once
#include "potentials/descriptor.hpp"
#include "potentials/program/third_side.hpp"

/// Closed forms that lowerings combine. All are values with first and second derivative with respect to r.
namespace haven {

/// f g with product-rule derivatives.
inline RadialValue operator*(const RadialValue& f, const RadialValue& g) {
  return {.value = f.value * g.value,
          .slope = f.slope * g.value + f.value * g.slope,
          .curvature = f.curvature * g.value + 2 * f.slope * g.slope + f.value * g.curvature};
}

enum class CutoffType : int { polynomial = 0, cosine = 1, tanh_cubed = 2 };

/// f_c(r); zero at and beyond `cutoff`. polynomial: 1 - 10x^3 + 15x^4 - 6x^5 with x = r/cutoff (zero value, slope and
/// curvature at x = 1); cosine: (1 + cos(pi x))/2 (curvature jumps at the cut-off); tanh_cubed: tanh^3(1 - x), n2p2's
/// CT_TANHU.
[[nodiscard]] RadialValue cutoff_function(CutoffType type, double r, double cutoff);

/// w(r) of a window, with both derivatives; zero at and beyond its cut-off. The tanh windows have no inner cut-off.
[[nodiscard]] RadialValue window_of(const Window& window, double r);

/// T_n(x(r)) for a map x with derivatives x' and x''.
[[nodiscard]] RadialValue chebyshev_polynomial(int n, const RadialValue& x);

/// e^{-eta (r - r_s)^2}
[[nodiscard]] RadialValue gaussian(double eta, double shift, double r);

}  // namespace haven
