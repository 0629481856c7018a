#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "core/structure.hpp"
#include "potentials/registry.hpp"

namespace haven {

/// One row per frame that describes its atoms' surroundings: for each element the mean and the spread over its atoms of
/// every feature of the moment descriptor, then the share of the element. Every column is shifted and scaled to mean 0
/// and spread 1 over all rows, so that no feature outweighs the others; columns that do not vary are left out.
struct FrameFeatures {
  std::size_t columns = 0;
  std::vector<float> values;  ///< [frames][columns]
  [[nodiscard]] std::span<const float> row(std::size_t frame) const {
    return {values.data() + frame * columns, columns};
  }
};
/// @throws InputError for frames without atoms, ConfigError for an unknown preset.
[[nodiscard]] FrameFeatures frame_features(std::span<const Frame> frames,
                                           const DescriptorOptions& descriptor = {.preset = "fast", .cutoff = 5.0});

struct Selection {
  std::vector<std::size_t> frames;  ///< in the order in which they were chosen
  std::vector<double> distance;     ///< of each, when it was chosen, to the nearest one chosen before (or known)
  double left = 0;                  ///< largest distance of a frame that was not chosen to the nearest chosen one
};

/// Farthest-point selection (Gonzalez, Theor. Comput. Sci. 38, 293 (1985): covers the set within twice the best
/// possible radius). The first `known` rows count as chosen already. Without known rows it starts with the frame
/// nearest to the mean. Ties go to the earlier frame: a function of the rows alone.
/// @throws ConfigError when count is not in 1 .. number of rows that are not known.
[[nodiscard]] Selection farthest_points(const FrameFeatures& features, std::size_t count, std::size_t known = 0);

}  // namespace haven
