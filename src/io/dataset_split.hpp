#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "core/structure.hpp"

namespace haven {

struct DatasetSplitOptions {
  double valid = 0.1, test = 0.1;  ///< fractions of the frames, each in [0, 1), together below 1
  /// Frames of one trajectory that lie in different parts are more than this many steps of their source apart
  /// (FrameSource::index); frames in between are left out of the larger part.
  Index gap = 10;
  std::uint64_t seed = 1;
};

enum class DatasetPart { train, valid, test, left_out };

/// Divides a dataset without leaking neighbours in time. Within each group (so that every group with enough frames is
/// in every part) whole trajectories are drawn at random; one that is longer than half of the group's smaller held-out
/// part is first cut into up to 20 blocks of consecutive frames, each at least four gaps long. Frames at the borders
/// between blocks of different parts are left out as the gap demands. Frames without a trajectory stand for themselves.
/// A function of the frames and the options.
/// @throws ConfigError for fractions out of range, InputError when a part that was asked for would be empty.
[[nodiscard]] std::vector<DatasetPart> split_dataset(std::span<const Frame> frames, const DatasetSplitOptions& options);

}  // namespace haven
