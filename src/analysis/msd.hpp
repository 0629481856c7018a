#pragma once
#include <array>
#include <span>
#include <vector>

#include "analysis/displacements.hpp"

namespace haven {

/// Lags in frames, 1 .. largest, about four per octave, without repeats.
[[nodiscard]] std::vector<Index> log_spaced_lags(Index largest);

/// Half-open range of frames [first, last).
struct FrameRange {
  Index first = 0, last = 0;
  [[nodiscard]] Index size() const { return last - first; }
};

/// Mean squared displacement of single ions over all time origins, weighted mean over ions.
struct MsdCurve {
  std::vector<Index> lags;                               ///< frames
  std::vector<std::array<double, 3>> axes;               ///< [lag] A^2 along x, y, z
  std::vector<double> total;                             ///< [lag] A^2, sum over axes
  std::vector<double> variance_of_mean;                  ///< [lag] A^4: sample variance over ions / number of ions
  std::vector<std::array<std::vector<double>, 3>> ions;  ///< [ion][axis][lag] A^2, times the weight of the ion
  std::vector<double>
      alpha2;  ///< [lag] non-Gaussian parameter sum_a <x_a^4> / (3 sum_a <x_a^2>^2) - 1: equal to the
               ///< usual 3<r^4>/(5<r^2>^2) - 1 in isotropic motion, and 0 for Gaussian motion that is not
};

/// MSD over frames of `range`; `weights` one per ion with mean 1 (empty: all 1).
/// Direct sums over contiguous series: for ~60 lags this is as fast as the FFT algorithm, and exact.
[[nodiscard]] MsdCurve mean_squared_displacement(const IonTracks& tracks, std::span<const Index> lags,
                                                 const FrameRange& range, std::span<const double> weights = {});
/// The same for several ranges, in one pass over the ions.
[[nodiscard]] std::vector<MsdCurve> mean_squared_displacements(const IonTracks& tracks, std::span<const Index> lags,
                                                               std::span<const FrameRange> ranges,
                                                               std::span<const double> weights = {});

/// Mean squared displacement of one 3-component series over all origins; [lag][axis] in squared units of the series.
[[nodiscard]] std::vector<std::array<double, 3>> series_msd(const std::array<std::span<const double>, 3>& series,
                                                            std::span<const Index> lags);

/// The same of one component at one lag.
[[nodiscard]] double line_msd(std::span<const double> series, Index lag);
/// Mean over all origins of the product of the displacements of two components at one lag.
[[nodiscard]] double line_product(std::span<const double> first, std::span<const double> second, Index lag);

/// Hops seen in the tracks: block-averaged positions (at least three frames and 0.3 ps) that moved by more than half
/// the hop length from where the ion last settled.
struct HopCount {
  Index total = 0;
  Index ions = 0;  ///< that made at least one
  double per_ion = 0;
};
[[nodiscard]] HopCount count_hops(const IonTracks& tracks, double hop_length);

/// Whether the framework stays where it is.
struct HostReport {
  std::vector<double> lag_ps, msd;  ///< A^2
  double rms = 0;                   ///< A, about each atom's mean position
  double slope = 0, slope_sd = 0;   ///< A^2/ps over the second half of the lags
  double nearest_distance = 0;      ///< A
  bool grows = false;    ///< slope > 3 sigma and the MSD grows over the run by more than (factor * nearest distance)^2
  bool exceeds = false;  ///< rms > factor * nearest host distance (Lindemann-like)
  [[nodiscard]] bool mobile() const { return grows || exceeds; }
};
[[nodiscard]] HostReport analyse_host(const HostTrack& host, double lindemann_factor = 0.25);

}  // namespace haven
