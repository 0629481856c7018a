#include "analysis/block_mean.hpp"

#include <cmath>

#include "core/error.hpp"

namespace haven {

BlockMean block_mean(std::span<const double> values) {
  HAVEN_ASSERT(!values.empty());
  const auto mean_of = [](std::span<const double> part) {
    double sum = 0;
    for (const double value : part) sum += value;
    return sum / static_cast<double>(part.size());
  };
  constexpr std::size_t blocks = 10;
  const std::size_t n = values.size();
  BlockMean result{.mean = mean_of(values)};
  if (n < blocks) return result;
  double squares = 0;
  for (std::size_t b = 0; b < blocks; ++b) {
    const std::size_t begin = b * n / blocks, end = (b + 1) * n / blocks;
    const double deviation = mean_of(values.subspan(begin, end - begin)) - result.mean;
    squares += deviation * deviation;
  }
  result.error = std::sqrt(squares / static_cast<double>(blocks * (blocks - 1)));
  return result;
}

}  // namespace haven
