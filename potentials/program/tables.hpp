#pragma once
#include <algorithm>
#include <functional>
#include <vector>

#include "potentials/program/dual.hpp"
#include "potentials/program/program.hpp"

namespace haven {

struct TableOptions {
  double cutoff = 0;     ///< A
  double tolerance = 0;  ///< largest error between knots, relative to the largest |value| of the channel
};

/// Fills the values of all channels at r.
using ChannelFunction = std::function<void(double r, std::vector<RadialValue>& values)>;

/// Quintic Hermite table of all channels on [0, cutoff], with as many uniform knots as the tolerance asks for.
/// Their number is a multiple of 60 (of 240 when larger), so that functions which end at a simple fraction of the
/// cut-off have that end on a knot; right ends of intervals take the limit from the left.
/// @throws ModelError when 61440 intervals do not reach it.
[[nodiscard]] RadialTable build_table(std::size_t channels, const TableOptions& options,
                                      const ChannelFunction& function);

/// Value and slope of channel c of a table at r, a double or a Dual; r beyond the last knot is not asked for.
/// Value and slope of channel c of a table at r in [0, cutoff], a double or a Dual.
template <class Scalar>
void interpolate(const RadialTable& table, std::size_t c, Scalar r, Scalar& value, Scalar& slope) {
  const Scalar x = r * Scalar(table.inverse_spacing);
  const Index k = std::min(static_cast<Index>(primal(x)), table.intervals - 1);
  const Scalar t = x - Scalar(static_cast<double>(k));
  const auto n = static_cast<std::size_t>(table.channels);
  const double* a = &table.coefficients[static_cast<std::size_t>(k) * 6 * n + c];
  value = Scalar(a[5 * n]);
  slope = Scalar(0.0);
  for (std::size_t power = 5; power-- > 0;) {
    slope = slope * t + value;
    value = value * t + Scalar(a[power * n]);
  }
  slope = slope * Scalar(table.inverse_spacing);
}

}  // namespace haven
