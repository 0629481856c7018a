#pragma once
/// The third side of an explicit triplet as data; its arithmetic is in triplets.hpp.
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

/// w(r) = f((r - inner)/(cutoff - inner)).
struct Window {
  WindowType type = WindowType::none;
  double cutoff = 0;  ///< A; without meaning for `none`
  double inner = 0;   ///< A
  bool operator==(const Window&) const = default;
};

/// S(r) = e^{-eta (r - shift)^2} w(r).
struct ThirdSide {
  Window window;
  double eta = 0;    ///< 1/A^2
  double shift = 0;  ///< A
  bool operator==(const ThirdSide&) const = default;
};

}  // namespace haven
