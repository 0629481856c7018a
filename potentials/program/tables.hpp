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
  Index unit = 60;       ///< the number of intervals is a multiple of this (of four times it when larger)
};

/// The number of intervals on [0, cutoff], at least 60 and the smallest, that puts knots on all `breaks`; 60 when no
/// number up to 24000 does (to 1e-9 of a spacing).
[[nodiscard]] Index knots_at(const std::vector<double>& breaks, double cutoff);

/// Fills the values of all channels at r.
using ChannelFunction = std::function<void(double r, std::vector<RadialValue>& values)>;

/// Quintic Hermite table of all channels on [0, cutoff], with as many uniform knots as the tolerance asks for.
/// Both ends of an interval take the limit from inside, so that functions whose curvature jumps on a knot are exact.
/// @throws ModelError when 61440 intervals, or a table of 256 MiB, do not reach it.
[[nodiscard]] RadialTable build_table(std::size_t channels, const TableOptions& options,
                                      const ChannelFunction& function);

/// The table of some of its channels.
[[nodiscard]] RadialTable columns_of(const RadialTable& table, const std::vector<std::size_t>& channels);

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
