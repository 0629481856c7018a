#pragma once
#include <compare>

/// Windows on distances and angles, and the third side of an explicit triplet, as data; their arithmetic is in
/// triplets.hpp and, with curvatures, in radial_functions.hpp.
namespace haven {

/// Cut-off functions f(x), 0 <= x <= 1, with f = 1 below x = 0 and f = 0 from x = 1 on; numbered as n2p2's cutoff_type.
enum class WindowType : int {
  none = -1,        ///< 1 at any distance
  hard = 0,         ///< 1 inside
  cosine = 1,       ///< (1 + cos(pi x))/2
  tanh_cubed = 2,   ///< tanh^3(1 - x); has no inner cut-off
  tanh_scaled = 3,  ///< tanh^3(1 - x)/tanh^3(1); has no inner cut-off
  exponential = 4,  ///< e^{1 - 1/(1 - x^2)}
  poly1 = 5,        ///< 1 - 3x^2 + 2x^3
  poly2 = 6,        ///< 1 - 10x^3 + 15x^4 - 6x^5
  poly3 = 7,        ///< 1 - 35x^4 + 84x^5 - 70x^6 + 20x^7
  poly4 = 8,        ///< 1 - 126x^5 + 420x^6 - 540x^7 + 315x^8 - 70x^9
};

/// How a cut-off function makes a window of r, with x = (r - inner)/(cutoff - inner).
enum class WindowShape : int {
  step = 0,       ///< f(x): 1 below `inner`
  bump = 1,       ///< f(|x|): 1 at `inner` and 0 from the cut-off on and from 2 inner - cutoff down
  flat_bump = 2,  ///< f((2 - |x|) |x|): the same, falling twice as fast and ending flatter
};

struct Window {
  WindowType type = WindowType::none;
  double cutoff = 0;  ///< A; without meaning for `none`
  double inner = 0;   ///< A; of a bump it is the middle, which may be negative
  WindowShape shape = WindowShape::step;
  auto operator<=>(const Window&) const = default;
};

/// f(|theta - middle|/width), 0 where that is above 1; `none`: there is no such window.
struct AngleWindow {
  WindowType type = WindowType::none;
  double middle = 0, width = 0;  ///< radians
  bool operator==(const AngleWindow&) const = default;
};

/// S(r) = e^{-eta (r - shift)^2} w(r).
struct ThirdSide {
  Window window;
  double eta = 0;    ///< 1/A^2
  double shift = 0;  ///< A
  bool operator==(const ThirdSide&) const = default;
};

}  // namespace haven
