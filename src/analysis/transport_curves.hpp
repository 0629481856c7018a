#pragma once
#include <memory>
#include <span>
#include <vector>

#include "analysis/collective.hpp"
#include "analysis/msd.hpp"
#include "analysis/regression.hpp"

namespace haven {

/// <dx dy>, <dy dz>, <dz dx> of every ion on the lags of a range: with its MSD along the axes, the MSD along any
/// direction.
struct TracerProducts {
  LagRange range;
  std::vector<std::vector<std::vector<std::array<double, 3>>>> of_ion;  ///< [replica][ion][lag - range.first], A^2
};

/// Tracer and collective curves of all replicas on one lag grid, ready for fits.
class ReplicaCurves {
 public:
  /// @param charges  one per ion, e, the same ions in every replica
  ReplicaCurves(const std::vector<IonTracks>& replicas, std::vector<double> charges);

  /// Tells the tracer curves by how much motion that ions share raises their errors.
  void share_motion(double factor);
  [[nodiscard]] const std::vector<Index>& lags() const { return lags_; }
  [[nodiscard]] std::span<const RunCurve> tracer() const { return tracer_; }
  [[nodiscard]] std::span<const RunCurve> collective() const { return collective_; }
  [[nodiscard]] std::vector<RunCurve> tracer_axis(std::size_t axis) const;
  [[nodiscard]] std::vector<RunCurve> collective_axis(std::size_t axis) const;
  /// What tracer_along needs, in one pass over the ions.
  [[nodiscard]] TracerProducts tracer_products(const LagRange& range) const;
  /// Curves along a unit vector on the lags of the products, or of `range` (zero elsewhere).
  [[nodiscard]] std::vector<RunCurve> tracer_along(const Vec3& direction, const TracerProducts& products) const;
  [[nodiscard]] std::vector<RunCurve> collective_along(const Vec3& direction, const LagRange& range) const;
  /// Tracer curves of the ions of one element alone.
  [[nodiscard]] std::vector<RunCurve> tracer_of(int number) const;
  /// Curves of sum_i q_i r_i over the ions of the given elements, in e^2 A^2 (not divided by the squared charges).
  [[nodiscard]] std::vector<RunCurve> charge_of(std::span<const int> numbers) const;
  [[nodiscard]] std::span<const double> charges() const { return charges_; }
  /// Squared charge of each ion over their mean: its weight in D*.
  [[nodiscard]] std::span<const double> weights() const { return weights_; }
  /// Means over replicas, weighted by length.
  [[nodiscard]] const MsdCurve& mean_tracer() const { return mean_tracer_; }
  [[nodiscard]] const CollectiveCurve& mean_collective() const { return mean_collective_; }
  [[nodiscard]] Index shortest_run() const { return shortest_; }
  /// Share of each axis in the tracer slope at long lags: the anisotropy that the covariance of both curves assumes.
  [[nodiscard]] std::vector<double> axis_share() const;
  /// Index of the lag where the mean non-Gaussian parameter peaks, up to a tenth of the run; 0 when it never exceeds
  /// 0.1.
  [[nodiscard]] std::size_t alpha2_peak() const;
  /// Slopes of D* and D_sigma of five blocks per replica on lags of the window that fit into a block; empty when fewer
  /// than three do.
  struct BlockSlopes {
    std::vector<double> tracer, collective;
  };
  [[nodiscard]] BlockSlopes block_slopes(const LagRange& window, const FitShape& shape) const;
  /// MSD at lag index k of every ion of every replica, in the first and the second half of its run, A^2; empty when the
  /// halves are shorter than three lags.
  [[nodiscard]] std::vector<std::array<double, 2>> halves(std::size_t k) const;

 private:
  void add_replica(const IonTracks& tracks);
  void average();
  const OverlapCovariance* covariance_for(Index n_frames);
  const std::vector<IonTracks>& replicas_;
  std::vector<double> charges_, weights_;
  double sum_of_squares_ = 0, shared_motion_ = 1;
  Index shortest_ = 0;
  std::vector<Index> lags_;
  std::vector<std::unique_ptr<OverlapCovariance>> covariances_;
  std::vector<MsdCurve> msd_;
  std::vector<ChargeDisplacement> displacement_;
  std::vector<CollectiveCurve> mscd_;
  std::vector<RunCurve> tracer_, collective_;
  MsdCurve mean_tracer_;
  CollectiveCurve mean_collective_;
};

}  // namespace haven
