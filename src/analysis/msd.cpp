#include "analysis/msd.hpp"

#include <algorithm>
#include <cmath>

#include "core/error.hpp"

namespace haven {
namespace {

// Four lanes side by side. Their width does not depend on the machine, nor do the bits of the sums: where a register
// holds two numbers the compiler uses two of them.
using Lanes [[gnu::vector_size(32)]] = double;
using Unaligned [[gnu::vector_size(32), gnu::aligned(8), gnu::may_alias]] = double;
#if defined(__x86_64__) && !defined(__clang__)
#define HAVEN_WIDE_LANES [[gnu::target_clones("avx2", "default")]]
#else
#define HAVEN_WIDE_LANES
#endif

struct Powers {
  double square = 0, fourth = 0;
};

/// Sums over origins of the squares and fourth powers of the steps of one component. Two chains of sums hide the
/// latency of the additions.
HAVEN_WIDE_LANES Powers step_powers(const double* r, std::size_t count, std::size_t lag) {
  Lanes square[2] = {}, fourth[2] = {};
  std::size_t t = 0;
  for (; t + 8 <= count; t += 8)
    for (std::size_t chain = 0; chain < 2; ++chain) {
      const Lanes later = *reinterpret_cast<const Unaligned*>(r + t + 4 * chain + lag);
      const Lanes x = later - *reinterpret_cast<const Unaligned*>(r + t + 4 * chain);
      const Lanes xx = x * x;
      square[chain] += xx, fourth[chain] += xx * xx;
    }
  Powers sum;
  for (; t < count; ++t) {
    const double x = r[t + lag] - r[t];
    sum.square += x * x, sum.fourth += x * x * (x * x);
  }
  square[0] += square[1], fourth[0] += fourth[1];
  for (int k = 0; k < 4; ++k) sum.square += square[0][k], sum.fourth += fourth[0][k];
  return sum;
}

/// The squares alone.
HAVEN_WIDE_LANES double step_squares(const double* r, std::size_t count, std::size_t lag) {
  Lanes square[4] = {};
  std::size_t t = 0;
  for (; t + 16 <= count; t += 16)
    for (std::size_t chain = 0; chain < 4; ++chain) {
      const Lanes later = *reinterpret_cast<const Unaligned*>(r + t + 4 * chain + lag);
      const Lanes x = later - *reinterpret_cast<const Unaligned*>(r + t + 4 * chain);
      square[chain] += x * x;
    }
  double sum = 0;
  for (; t < count; ++t) sum += (r[t + lag] - r[t]) * (r[t + lag] - r[t]);
  square[0] += square[1], square[2] += square[3], square[0] += square[2];
  for (int k = 0; k < 4; ++k) sum += square[0][k];
  return sum;
}

/// Sum over origins of the products of the steps of two components.
HAVEN_WIDE_LANES double step_products(const double* a, const double* b, std::size_t count, std::size_t lag) {
  Lanes product[2] = {};
  std::size_t t = 0;
  for (; t + 8 <= count; t += 8)
    for (std::size_t chain = 0; chain < 2; ++chain) {
      const std::size_t from = t + 4 * chain;
      const Lanes x = *reinterpret_cast<const Unaligned*>(a + from + lag),
                  y = *reinterpret_cast<const Unaligned*>(b + from + lag);
      product[chain] +=
          (x - *reinterpret_cast<const Unaligned*>(a + from)) * (y - *reinterpret_cast<const Unaligned*>(b + from));
    }
  double sum = 0;
  for (; t < count; ++t) sum += (a[t + lag] - a[t]) * (b[t + lag] - b[t]);
  product[0] += product[1];
  for (int k = 0; k < 4; ++k) sum += product[0][k];
  return sum;
}

/// Variance of the mean of independent values.
double variance_of_mean(std::span<const double> values) {
  const auto n = static_cast<double>(values.size());
  if (values.size() < 2) return 0;
  double mean = 0, sum = 0;
  for (const double value : values) mean += value / n;
  for (const double value : values) sum += (value - mean) * (value - mean);
  return sum / (n * (n - 1.0));
}

/// A curve while ions are added.
struct Sums {
  MsdCurve curve;
  std::vector<double> fourth;  ///< [lag]
};

/// One ion at all lags: its track stays in the cache.
void add_ion(const IonPath& path, const FrameRange& range, std::size_t ion, double weight, Sums& to) {
  MsdCurve& curve = to.curve;
  for (std::size_t a = 0; a < 3; ++a) {
    const double* r = path[a].data() + range.first;
    curve.ions[ion][a].reserve(curve.lags.size());
    for (std::size_t k = 0; k < curve.lags.size(); ++k) {
      const auto lag = static_cast<std::size_t>(curve.lags[k]), count = static_cast<std::size_t>(range.size()) - lag;
      const Powers sums = step_powers(r, count, lag);
      curve.ions[ion][a].push_back(weight * sums.square / static_cast<double>(count));
      to.fourth[k] += sums.fourth / static_cast<double>(count);
    }
  }
}

/// Means over ions from the curves of the ions.
MsdCurve averaged(Sums sums, std::span<const double> weights) {
  MsdCurve& curve = sums.curve;
  const std::size_t ions = curve.ions.size();
  const double per_ion = 1.0 / static_cast<double>(ions);
  std::vector<double> of_ion(ions);
  for (std::size_t k = 0; k < curve.lags.size(); ++k) {
    std::array<double, 3> axes{}, plain{};
    for (std::size_t i = 0; i < ions; ++i) {
      of_ion[i] = 0;
      for (std::size_t a = 0; a < 3; ++a) {
        const double value = curve.ions[i][a][k];
        of_ion[i] += value, axes[a] += value * per_ion;
        plain[a] += value / (weights.empty() ? 1.0 : weights[i]) * per_ion;
      }
    }
    curve.axes.push_back(axes);
    curve.total.push_back(axes[0] + axes[1] + axes[2]);
    curve.variance_of_mean.push_back(variance_of_mean(of_ion));
    const double squares = plain[0] * plain[0] + plain[1] * plain[1] + plain[2] * plain[2];
    curve.alpha2.push_back(squares > 0 ? sums.fourth[k] * per_ion / (3.0 * squares) - 1.0 : 0.0);
  }
  return std::move(curve);
}

/// Means of consecutive blocks of `length` frames; a rest shorter than a block is left out.
std::vector<double> block_means(std::span<const double> series, std::size_t length) {
  std::vector<double> means(series.size() / length);
  for (std::size_t b = 0; b < means.size(); ++b) {
    for (std::size_t t = 0; t < length; ++t) means[b] += series[b * length + t];
    means[b] /= static_cast<double>(length);
  }
  return means;
}

/// Straight line through (x, y) with equal weights.
double plain_slope(std::span<const double> x, std::span<const double> y) {
  double mx = 0, my = 0, sxx = 0, sxy = 0;
  for (std::size_t k = 0; k < x.size(); ++k)
    mx += x[k] / static_cast<double>(x.size()), my += y[k] / static_cast<double>(x.size());
  for (std::size_t k = 0; k < x.size(); ++k) sxx += (x[k] - mx) * (x[k] - mx), sxy += (x[k] - mx) * (y[k] - my);
  return sxx > 0 ? sxy / sxx : 0.0;
}

/// MSD of each host atom at each lag: [atom][lag].
std::vector<std::vector<double>> host_atom_msd(const HostTrack& host, std::span<const Index> lags) {
  std::vector<std::vector<double>> msd(host.frames[0].size(), std::vector<double>(lags.size(), 0.0));
  for (std::size_t k = 0; k < lags.size(); ++k) {
    const auto lag = static_cast<std::size_t>(lags[k]);
    const std::size_t count = host.frames.size() - lag;
    for (std::size_t t = 0; t < count; ++t)
      for (std::size_t i = 0; i < msd.size(); ++i)
        msd[i][k] += norm2(host.frames[t + lag][i] - host.frames[t][i]) / static_cast<double>(count);
  }
  return msd;
}

double host_rms(const HostTrack& host) {
  const std::size_t n = host.frames[0].size();
  const auto count = static_cast<double>(host.frames.size());
  double sum = 0;
  for (std::size_t i = 0; i < n; ++i) {
    Vec3 mean;
    for (const auto& frame : host.frames) mean += (1.0 / count) * frame[i];
    for (const auto& frame : host.frames) sum += norm2(frame[i] - mean) / count;
  }
  return std::sqrt(sum / static_cast<double>(n));
}

}  // namespace

std::vector<Index> log_spaced_lags(Index largest) {
  std::vector<Index> lags;
  for (int k = 0;; ++k) {
    const auto lag = static_cast<Index>(std::llround(std::exp2(0.25 * k)));
    if (lag > largest) break;
    if (lags.empty() || lag > lags.back()) lags.push_back(lag);
  }
  return lags;
}

std::vector<MsdCurve> mean_squared_displacements(const IonTracks& tracks, std::span<const Index> lags,
                                                 std::span<const FrameRange> ranges, std::span<const double> weights) {
  HAVEN_ASSERT(tracks.n_ions() > 0);
  HAVEN_ASSERT(weights.empty() || static_cast<Index>(weights.size()) == tracks.n_ions());
  const auto ions = static_cast<std::size_t>(tracks.n_ions());
  std::vector<Sums> sums(ranges.size());
  for (std::size_t k = 0; k < ranges.size(); ++k) {
    HAVEN_ASSERT(ranges[k].first >= 0 && ranges[k].last <= tracks.n_frames);
    for (const Index lag : lags) HAVEN_ASSERT(lag > 0 && lag < ranges[k].size());
    sums[k].curve.lags.assign(lags.begin(), lags.end());
    sums[k].curve.ions.resize(ions);
    sums[k].fourth.assign(lags.size(), 0.0);
  }
  for (std::size_t i = 0; i < ions; ++i) {
    const IonPath path = tracks.ion(i);
    for (std::size_t k = 0; k < ranges.size(); ++k)
      add_ion(path, ranges[k], i, weights.empty() ? 1.0 : weights[i], sums[k]);
  }
  std::vector<MsdCurve> curves;
  for (Sums& one : sums) curves.push_back(averaged(std::move(one), weights));
  return curves;
}

MsdCurve mean_squared_displacement(const IonTracks& tracks, std::span<const Index> lags, const FrameRange& range,
                                   std::span<const double> weights) {
  return std::move(mean_squared_displacements(tracks, lags, {&range, 1}, weights)[0]);
}

double line_msd(std::span<const double> series, Index lag) {
  HAVEN_ASSERT(lag > 0 && static_cast<std::size_t>(lag) < series.size());
  const std::size_t count = series.size() - static_cast<std::size_t>(lag);
  return step_squares(series.data(), count, static_cast<std::size_t>(lag)) / static_cast<double>(count);
}

double line_product(std::span<const double> first, std::span<const double> second, Index lag) {
  HAVEN_ASSERT(lag > 0 && static_cast<std::size_t>(lag) < first.size() && first.size() == second.size());
  const std::size_t count = first.size() - static_cast<std::size_t>(lag);
  return step_products(first.data(), second.data(), count, static_cast<std::size_t>(lag)) / static_cast<double>(count);
}

std::vector<std::array<double, 3>> series_msd(const std::array<std::span<const double>, 3>& series,
                                              std::span<const Index> lags) {
  std::vector<std::array<double, 3>> msd;
  for (const Index lag : lags)
    msd.push_back({line_msd(series[0], lag), line_msd(series[1], lag), line_msd(series[2], lag)});
  return msd;
}

HopCount count_hops(const IonTracks& tracks, double hop_length) {
  HAVEN_ASSERT(hop_length > 0);
  const auto length = static_cast<std::size_t>(std::max(3.0, std::ceil(0.3 / tracks.interval_ps)));
  const double threshold2 = 0.25 * hop_length * hop_length;
  HopCount hops;
  for (std::size_t i = 0; i < static_cast<std::size_t>(tracks.n_ions()); ++i) {
    std::array<std::vector<double>, 3> r;
    const IonPath path = tracks.ion(i);
    for (std::size_t a = 0; a < 3; ++a) r[a] = block_means(path[a], length);
    const auto away = [&](std::size_t t, std::size_t from) {
      return norm2({r[0][t] - r[0][from], r[1][t] - r[1][from], r[2][t] - r[2][from]}) >= threshold2;
    };
    // A hop must last for two blocks; the second is the new reference, the first may contain the flight.
    std::size_t settled = 0;
    const Index before = hops.total;
    for (std::size_t t = 1; t + 1 < r[0].size(); ++t) {
      if (!away(t, settled) || !away(t + 1, settled)) continue;
      ++hops.total;
      settled = ++t;
    }
    hops.ions += hops.total > before;
  }
  hops.per_ion = static_cast<double>(hops.total) / static_cast<double>(tracks.n_ions());
  return hops;
}

HostReport analyse_host(const HostTrack& host, double lindemann_factor) {
  HostReport report;
  report.nearest_distance = host.nearest_distance;
  if (host.frames.size() < 8 || host.frames[0].size() < 2) return report;
  const auto frames = static_cast<Index>(host.frames.size());
  std::vector<Index> lags;
  for (int k = 1; k <= 10; ++k) lags.push_back(std::max<Index>(k, frames * k / 20));
  const auto atoms = host_atom_msd(host, lags);
  const auto n = static_cast<double>(atoms.size());
  for (std::size_t k = 0; k < lags.size(); ++k) {
    report.lag_ps.push_back(static_cast<double>(lags[k]) * host.interval_ps);
    report.msd.push_back(0);
    for (const auto& atom : atoms) report.msd.back() += atom[k] / n;
  }
  // The slope of every atom over the longer lags: atoms are the independent samples of its error.
  const std::size_t half = lags.size() / 2;
  double sum = 0, sum2 = 0;
  for (const auto& atom : atoms) {
    const double slope = plain_slope(std::span(report.lag_ps).subspan(half), std::span(atom).subspan(half));
    sum += slope, sum2 += slope * slope;
  }
  report.slope = sum / n;
  report.slope_sd = std::sqrt(std::max(0.0, sum2 / n - report.slope * report.slope) / (n - 1.0));
  report.rms = host_rms(host);
  const double run = host.interval_ps * static_cast<double>(frames - 1);
  report.grows = report.slope > 3.0 * report.slope_sd &&
                 report.slope * run > std::pow(lindemann_factor * report.nearest_distance, 2);
  report.exceeds = report.rms > lindemann_factor * report.nearest_distance;
  return report;
}

}  // namespace haven
