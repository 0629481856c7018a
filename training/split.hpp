#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "core/structure.hpp"
#include "training/training_api.hpp"

namespace haven::training {

/// Divides frames into training, validation and test parts without separating neighbours in time: whole trajectories
/// (Frame::trajectory) are drawn at random; one that is longer than half of the validation part is first cut into up to
/// 20 blocks of consecutive frames. Frames without a trajectory stand for themselves. A function of the frames and the
/// seed. A fraction above 0 gives at least one frame. @throws InputError when nothing would be left to train on.
[[nodiscard]] std::vector<Part> split_frames(std::span<const Frame> frames, double valid_fraction, double test_fraction,
                                             std::uint64_t seed);

/// Batches of one epoch: [batch][shard][frame], frames as indices into `atoms`. Frames of similar size share a batch; a
/// batch is closed at `batch_atoms` atoms but not before it has `batch_frames` frames; its frames are dealt to the
/// shards by size.
struct BatchRules {
  Index batch_atoms = 512, batch_frames = 4;
  int shards = 4;
  std::uint64_t seed = 1;
};
using Batch = std::vector<std::vector<int>>;
[[nodiscard]] std::vector<Batch> plan_epoch(std::span<const Index> atoms, const BatchRules& rules, Index epoch);

/// Random order of 0..n-1, a function of (seed, stream, step).
[[nodiscard]] std::vector<int> random_order(std::size_t n, std::uint64_t seed, std::uint32_t stream,
                                            std::uint64_t step);

}  // namespace haven::training
