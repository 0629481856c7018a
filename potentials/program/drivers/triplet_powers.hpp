#pragma once
#include <cstddef>
#include <vector>

#include "potentials/program/program.hpp"

namespace haven {

/// One row of numbers over triplets, from the cosines or from rows before it.
struct PowerStep {
  enum class Kind {
    base,          ///< 1 + lambda cos
    product,       ///< rows left * right
    real,          ///< row left to the power zeta
    angle,         ///< theta, of cosines within [-1, 1]
    sector,        ///< a window on row left, which is theta
    sector_slope,  ///< its derivative with respect to cos theta
  };
  Kind kind = Kind::base;
  double lambda = 0, zeta = 1;
  std::size_t left = 0, right = 0;
  AngleWindow window{};
};

/// How the angular functions of a group, powers (1 + lambda cos)^zeta and windows on the angle, and their slopes are
/// formed together: with integer exponents each row costs one multiplication, since rows of one lambda are made from
/// each other; all windows share the row of angles.
struct PowerRows {
  std::vector<PowerStep> steps;
  std::size_t for_values = 0;       ///< the first ones give all values; the others are for the slopes
  std::vector<std::size_t> value;   ///< per power: the row (1 + lambda cos)^zeta, or of the window
  std::vector<std::size_t> below;   ///< per power: the row (1 + lambda cos)^(zeta - 1), or of the window's slope
  std::vector<double> slope_scale;  ///< per power: lambda zeta, or 1, so that the slope is slope_scale * below
};

[[nodiscard]] PowerRows plan_powers(const std::vector<TripletPower>& powers);

}  // namespace haven
