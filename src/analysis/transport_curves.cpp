#include "analysis/transport_curves.hpp"

#include <algorithm>
#include <utility>

#include "core/error.hpp"

namespace haven {
namespace {

constexpr Index fewest_ions_for_measured_variance = 8;
constexpr Index blocks_per_run = 5;

constexpr std::size_t all_axes = 3;

/// The curve of the tracer along one axis, or summed over all_axes, with the curves of the single ions.
RunCurve tracer_run(const OverlapCovariance* covariance, const MsdCurve& msd, std::size_t axis) {
  RunCurve run{covariance, {}, static_cast<double>(msd.ions.size())};
  for (std::size_t k = 0; k < msd.lags.size(); ++k)
    run.y.push_back(axis == all_axes ? msd.total[k] : msd.axes[k][axis]);
  // A variance over a handful of ions is worse than the analytic one.
  if (static_cast<Index>(msd.ions.size()) < fewest_ions_for_measured_variance) return run;
  for (const auto& ion : msd.ions) {
    run.walker_curves.push_back(axis == all_axes ? ion[0] : ion[axis]);
    if (axis != all_axes) continue;
    for (std::size_t k = 0; k < msd.lags.size(); ++k) run.walker_curves.back()[k] += ion[1][k] + ion[2][k];
  }
  return run;
}

}  // namespace

ReplicaCurves::ReplicaCurves(const std::vector<IonTracks>& replicas, std::vector<double> charges)
    : replicas_(replicas), charges_(std::move(charges)) {
  HAVEN_ASSERT(!replicas.empty());
  for (const double q : charges_) sum_of_squares_ += q * q;
  HAVEN_ASSERT(sum_of_squares_ > 0);
  for (const double q : charges_) weights_.push_back(q * q * static_cast<double>(charges_.size()) / sum_of_squares_);
  shortest_ = replicas[0].n_frames;
  for (const IonTracks& tracks : replicas) shortest_ = std::min(shortest_, tracks.n_frames);
  lags_ = log_spaced_lags(shortest_ / 2);
  for (const IonTracks& tracks : replicas) add_replica(tracks);
  average();
}

const OverlapCovariance* ReplicaCurves::covariance_for(Index n_frames) {
  for (const auto& known : covariances_)
    if (known->n_positions() == n_frames) return known.get();
  covariances_.push_back(std::make_unique<OverlapCovariance>(n_frames, lags_));
  return covariances_.back().get();
}

void ReplicaCurves::add_replica(const IonTracks& tracks) {
  const FrameRange all{0, tracks.n_frames};
  const OverlapCovariance* covariance = covariance_for(tracks.n_frames);
  msd_.push_back(mean_squared_displacement(tracks, lags_, all, weights_));
  displacement_.push_back(charge_displacement(tracks, charges_));
  mscd_.push_back(collective_displacement(displacement_.back(), sum_of_squares_, lags_, all));
  tracer_.push_back(tracer_run(covariance, msd_.back(), all_axes));
  collective_.push_back({covariance, mscd_.back().total, 1.0});
}

void ReplicaCurves::share_motion(double factor) {
  shared_motion_ = factor;
  for (RunCurve& run : tracer_) run.shared_motion = factor;
}

void ReplicaCurves::average() {
  const std::size_t n = lags_.size();
  mean_tracer_ = {lags_,
                  std::vector<std::array<double, 3>>(n),
                  std::vector<double>(n),
                  std::vector<double>(n),
                  {},
                  std::vector<double>(n)};
  mean_collective_ = {lags_, std::vector<std::array<double, 3>>(n), std::vector<double>(n)};
  double frames = 0;
  for (const IonTracks& tracks : replicas_) frames += static_cast<double>(tracks.n_frames);
  for (std::size_t r = 0; r < replicas_.size(); ++r) {
    const double w = static_cast<double>(replicas_[r].n_frames) / frames;
    for (std::size_t k = 0; k < n; ++k) {
      mean_tracer_.total[k] += w * msd_[r].total[k];
      mean_tracer_.variance_of_mean[k] += w * w * msd_[r].variance_of_mean[k];
      mean_tracer_.alpha2[k] += w * msd_[r].alpha2[k];
      mean_collective_.total[k] += w * mscd_[r].total[k];
      for (std::size_t a = 0; a < 3; ++a) {
        mean_tracer_.axes[k][a] += w * msd_[r].axes[k][a];
        mean_collective_.axes[k][a] += w * mscd_[r].axes[k][a];
      }
    }
  }
}

std::vector<RunCurve> ReplicaCurves::tracer_axis(std::size_t axis) const {
  std::vector<RunCurve> runs;
  for (std::size_t r = 0; r < replicas_.size(); ++r) {
    runs.push_back(tracer_run(tracer_[r].covariance, msd_[r], axis));
    runs.back().shared_motion = shared_motion_;
  }
  return runs;
}

std::vector<RunCurve> ReplicaCurves::collective_axis(std::size_t axis) const {
  std::vector<RunCurve> runs;
  for (std::size_t r = 0; r < replicas_.size(); ++r) {
    std::vector<double> y;
    for (const auto& value : mscd_[r].axes) y.push_back(value[axis]);
    runs.push_back({collective_[r].covariance, std::move(y), 1.0});
  }
  return runs;
}

TracerProducts ReplicaCurves::tracer_products(const LagRange& range) const {
  TracerProducts products{.range = range, .of_ion = {}};
  for (const IonTracks& tracks : replicas_) {
    products.of_ion.emplace_back();
    for (std::size_t i = 0; i < static_cast<std::size_t>(tracks.n_ions()); ++i) {
      const IonPath path = tracks.ion(i);
      products.of_ion.back().emplace_back();
      for (std::size_t k = range.first; k < range.last; ++k)
        products.of_ion.back().back().push_back({line_product(path[0], path[1], lags_[k]),
                                                 line_product(path[1], path[2], lags_[k]),
                                                 line_product(path[2], path[0], lags_[k])});
    }
  }
  return products;
}

std::vector<RunCurve> ReplicaCurves::tracer_along(const Vec3& direction, const TracerProducts& products) const {
  std::vector<RunCurve> runs;
  for (std::size_t r = 0; r < replicas_.size(); ++r) {
    const std::size_t ions = products.of_ion[r].size();
    RunCurve run{tracer_[r].covariance, std::vector<double>(lags_.size(), 0.0), static_cast<double>(ions)};
    run.shared_motion = shared_motion_;
    for (std::size_t i = 0; i < ions; ++i) {
      std::vector<double> curve(lags_.size(), 0.0);
      for (std::size_t k = products.range.first; k < products.range.last; ++k) {
        const std::array<double, 3>& product = products.of_ion[r][i][k - products.range.first];
        for (int a = 0; a < 3; ++a) {
          const auto axis = static_cast<std::size_t>(a);
          curve[k] += direction[a] * direction[a] * msd_[r].ions[i][axis][k];
          curve[k] += 2.0 * weights_[i] * direction[a] * direction[(a + 1) % 3] * product[axis];
        }
        run.y[k] += curve[k] / static_cast<double>(ions);
      }
      if (!tracer_[r].walker_curves.empty()) run.walker_curves.push_back(std::move(curve));
    }
    runs.push_back(std::move(run));
  }
  return runs;
}

std::vector<RunCurve> ReplicaCurves::collective_along(const Vec3& direction, const LagRange& range) const {
  std::vector<RunCurve> runs;
  for (std::size_t r = 0; r < replicas_.size(); ++r) {
    std::vector<double> path(displacement_[r][0].size(), 0.0);
    for (int axis = 0; axis < 3; ++axis)
      for (std::size_t t = 0; t < path.size(); ++t)
        path[t] += direction[axis] * displacement_[r][static_cast<std::size_t>(axis)][t];
    RunCurve run{collective_[r].covariance, std::vector<double>(lags_.size(), 0.0), 1.0};
    for (std::size_t k = range.first; k < range.last; ++k) run.y[k] = line_msd(path, lags_[k]) / sum_of_squares_;
    runs.push_back(std::move(run));
  }
  return runs;
}

std::vector<RunCurve> ReplicaCurves::tracer_of(int number) const {
  std::vector<RunCurve> runs;
  for (std::size_t r = 0; r < replicas_.size(); ++r) {
    RunCurve run{tracer_[r].covariance, std::vector<double>(lags_.size(), 0.0), 0.0};
    run.shared_motion = shared_motion_;
    for (std::size_t i = 0; i < msd_[r].ions.size(); ++i) {
      if (replicas_[r].numbers[i] != number) continue;
      std::vector<double> curve(lags_.size(), 0.0);
      for (std::size_t k = 0; k < lags_.size(); ++k)
        for (std::size_t a = 0; a < 3; ++a) curve[k] += msd_[r].ions[i][a][k] / weights_[i];
      for (std::size_t k = 0; k < lags_.size(); ++k) run.y[k] += curve[k];
      run.walker_curves.push_back(std::move(curve));
    }
    run.walkers = static_cast<double>(run.walker_curves.size());
    for (double& y : run.y) y /= run.walkers;
    if (static_cast<Index>(run.walker_curves.size()) < fewest_ions_for_measured_variance) run.walker_curves.clear();
    runs.push_back(std::move(run));
  }
  return runs;
}

std::vector<RunCurve> ReplicaCurves::charge_of(std::span<const int> numbers) const {
  std::vector<RunCurve> runs;
  for (std::size_t r = 0; r < replicas_.size(); ++r) {
    std::vector<double> charges = charges_;
    for (std::size_t i = 0; i < charges.size(); ++i)
      if (std::find(numbers.begin(), numbers.end(), replicas_[r].numbers[i]) == numbers.end()) charges[i] = 0;
    const CollectiveCurve curve =
        collective_displacement(charge_displacement(replicas_[r], charges), 1.0, lags_, {0, replicas_[r].n_frames});
    runs.push_back({collective_[r].covariance, curve.total, 1.0});
  }
  return runs;
}

std::vector<double> ReplicaCurves::axis_share() const {
  std::size_t late = 0, early = 0;
  for (std::size_t k = 0; k < lags_.size(); ++k) {
    if (lags_[k] * 10 <= shortest_) late = k;
    if (lags_[k] * 30 <= shortest_) early = k;
  }
  if (late == early) return {};
  std::vector<double> share(3);
  double sum = 0;
  const double total = mean_tracer_.total[late] - mean_tracer_.total[early];
  if (!(total > 0)) return {};
  for (std::size_t a = 0; a < 3; ++a) {
    // An axis without diffusion keeps a little, so that the covariance of its own fit stays positive.
    share[a] = std::max((mean_tracer_.axes[late][a] - mean_tracer_.axes[early][a]) / total, 0.01);
    sum += share[a];
  }
  for (double& value : share) value /= sum;
  return share;
}

std::size_t ReplicaCurves::alpha2_peak() const {
  double highest = 0;
  for (std::size_t k = 0; k < lags_.size() && lags_[k] * 10 <= shortest_; ++k)
    highest = std::max(highest, mean_tracer_.alpha2[k]);
  if (highest <= 0.1) return 0;
  // On a plateau (ions of different mobility) the noise would choose: the first lag that is as good as the highest.
  std::size_t peak = 0;
  while (mean_tracer_.alpha2[peak] < 0.95 * highest) ++peak;
  return peak;
}

ReplicaCurves::BlockSlopes ReplicaCurves::block_slopes(const LagRange& window, const FitShape& shape) const {
  const Index block = shortest_ / blocks_per_run;
  std::vector<Index> lags;
  for (std::size_t k = window.first; k < window.last && 3 * lags_[k] < block; ++k) lags.push_back(lags_[k]);
  if (lags.size() < 3) return {};
  const OverlapCovariance covariance(block, lags);
  std::vector<RunCurve> tracer, collective;
  std::vector<FrameRange> ranges;
  for (Index b = 0; b < blocks_per_run; ++b) ranges.push_back({b * block, (b + 1) * block});
  for (std::size_t r = 0; r < replicas_.size(); ++r) {
    for (const MsdCurve& msd : mean_squared_displacements(replicas_[r], lags, ranges, weights_))
      tracer.push_back(tracer_run(&covariance, msd, all_axes));
    for (const FrameRange& range : ranges)
      collective.push_back(
          {&covariance, collective_displacement(displacement_[r], sum_of_squares_, lags, range).total, 1.0});
  }
  const LagRange all{0, lags.size()};
  return {fit_line(tracer, all, shape).run_slopes, fit_line(collective, all, shape).run_slopes};
}

std::vector<std::array<double, 2>> ReplicaCurves::halves(std::size_t k) const {
  std::vector<std::array<double, 2>> out;
  const std::array lag{lags_[k]};
  if (3 * lag[0] >= shortest_ / 2) return out;
  for (const IonTracks& tracks : replicas_) {
    const Index half = tracks.n_frames / 2;
    const std::vector<MsdCurve> msd =
        mean_squared_displacements(tracks, lag, std::array{FrameRange{0, half}, FrameRange{half, 2 * half}}, weights_);
    for (std::size_t i = 0; i < msd[0].ions.size(); ++i) {
      out.push_back({0, 0});
      for (std::size_t h = 0; h < 2; ++h)
        for (const std::vector<double>& axis : msd[h].ions[i]) out.back()[h] += axis[0];
    }
  }
  return out;
}

}  // namespace haven
