#include "analysis/collective.hpp"

#include "core/error.hpp"

namespace haven {

ChargeDisplacement charge_displacement(const IonTracks& tracks, std::span<const double> charges) {
  HAVEN_ASSERT(static_cast<Index>(charges.size()) == tracks.n_ions());
  const auto frames = static_cast<std::size_t>(tracks.n_frames);
  ChargeDisplacement p;
  for (std::vector<double>& component : p) component.assign(frames, 0.0);
  for (std::size_t ion = 0; ion < charges.size(); ++ion) {
    if (charges[ion] == 0) continue;
    const IonPath path = tracks.ion(ion);
    for (std::size_t axis = 0; axis < 3; ++axis) {
      const std::span<const double> r = path[axis];
      for (std::size_t t = 0; t < frames; ++t) p[axis][t] += charges[ion] * (r[t] - r[0]);
    }
  }
  return p;
}

CollectiveCurve collective_displacement(const ChargeDisplacement& displacement, double sum_of_squared_charges,
                                        std::span<const Index> lags, const FrameRange& range) {
  HAVEN_ASSERT(sum_of_squared_charges > 0);
  std::array<std::span<const double>, 3> part;
  for (std::size_t axis = 0; axis < 3; ++axis)
    part[axis] = std::span<const double>(displacement[axis])
                     .subspan(static_cast<std::size_t>(range.first), static_cast<std::size_t>(range.size()));
  CollectiveCurve curve;
  curve.lags.assign(lags.begin(), lags.end());
  curve.axes = series_msd(part, lags);
  for (auto& value : curve.axes) {
    for (double& component : value) component /= sum_of_squared_charges;
    curve.total.push_back(value[0] + value[1] + value[2]);
  }
  return curve;
}

}  // namespace haven
