#pragma once
#include <optional>
#include <span>

namespace haven {

/// The mean of a series in time with its standard error.
struct BlockMean {
  double mean = 0;
  std::optional<double> error{};  ///< from the means of ten stretches of equal length; none below ten values
};
/// The error is honest when a stretch is long against the memory of the series; it has nine degrees of freedom.
/// @throws InternalError when there are no values
[[nodiscard]] BlockMean block_mean(std::span<const double> values);

}  // namespace haven
