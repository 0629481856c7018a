#pragma once
#include <array>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/types.hpp"

namespace haven {

/// Where a frame of a test set comes from in time.
struct FrameOrigin {
  std::string trajectory;  ///< empty: the frame stands for itself
  Index step = 0;          ///< its position in the source
};

/// Frames that are resampled together because their errors may be alike.
struct ResamplingUnits {
  std::string kind;            ///< "frames", "trajectories", or "blocks" of consecutive frames of few trajectories
  Index count = 0;             ///< number of units
  std::vector<Index> unit_of;  ///< of every frame, in [0, count)
};

/// Fewer units than this give no interval.
inline constexpr Index least_resampling_units = 10;
inline constexpr int resamples = 2000;

/// Trajectories, each whole, when there are at least ten (frames without one count as their own). Else blocks of
/// consecutive frames, twenty in all where there are as many frames: frames of one run resemble each other, and a frame
/// taken for an independent one makes the interval too short.
[[nodiscard]] ResamplingUnits resampling_units(std::span<const FrameOrigin> frames);

/// Sum of squared errors over some labels.
struct SquaredErrors {
  double sum = 0;
  Index count = 0;
};

/// 95 % interval of the root of sum / count over the whole population that the units were drawn from: studentised
/// bootstrap (Efron & Tibshirani 1993, ch. 12.5) of ln RMSE over units, 2,000 resamples with a fixed seed. More than
/// 500 units are added up to 500 first. Percentiles of the resampled RMSE themselves would be too narrow for few units.
/// Units without labels do not count; nothing below ten units, or when too few of them have errors.
[[nodiscard]] std::optional<std::array<double, 2>> rmse_interval(std::span<const SquaredErrors> units);

}  // namespace haven
