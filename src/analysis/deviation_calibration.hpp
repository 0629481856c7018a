#pragma once
#include <optional>
#include <span>
#include <vector>

#include "core/types.hpp"

namespace haven {

/// The force on one atom: how far the members of a committee are apart, sqrt(<|F_m - <F>|^2>), and how far their mean
/// is from the label, |<F> - F|. Both in eV/A.
struct DeviationPoint {
  double deviation = 0, error = 0;
};

/// What the deviation of a committee says about its true error.
struct DeviationCalibration {
  /// Atoms of like deviation.
  struct Bin {
    Index atoms = 0;
    double deviation = 0, error = 0;  ///< root mean squares, eV/A
  };
  Index atoms = 0;
  double deviation = 0, error = 0;  ///< root mean squares over all atoms, eV/A
  /// error / deviation: times this, the deviation is the expected error. Members that are trained on the same frames
  /// err together, so it is usually above 1.
  double factor = 0;
  /// Spearman's rank correlation of deviation and error, ties sharing their mean rank: 1 when the deviation puts the
  /// atoms into the order of their errors. Nothing where one of them is the same for all.
  std::optional<double> rank_correlation{};
  std::vector<Bin> bins;  ///< up to ten of as many atoms each, by ascending deviation
};

/// Nothing without points or without any deviation.
[[nodiscard]] std::optional<DeviationCalibration> calibrate_deviation(std::span<const DeviationPoint> points);

}  // namespace haven
