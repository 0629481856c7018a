#include <gtest/gtest.h>

#include <Eigen/Dense>
#include <cmath>
#include <cstdio>
#include <functional>
#include <numeric>

#include "analysis/collective.hpp"
#include "physics/analysis_walks.hpp"

/// What other estimators make of the same walks: their formulas, re-implemented from their sources and papers, beside
/// ours. The table stands in docs/transport.md.
namespace haven {
namespace {

using testing::make_walk;
using testing::walk_diffusion;

constexpr int runs = 200;

/// y, its variance as an independent-block method sees it, and the number of independent observations, at each lag.
struct Curve {
  std::vector<double> lag, y, variance, observations;
};

Curve tracer_curve(const IonTracks& tracks, const std::vector<Index>& lags) {
  Curve out;
  for (const Index lag : lags) {
    double sum = 0, sum2 = 0, count = 0;
    for (std::size_t i = 0; i < tracks.numbers.size(); ++i)
      for (Index t = 0; t + lag < tracks.n_frames; ++t, count += 1) {
        double square = 0;
        for (std::size_t a = 0; a < 3; ++a) {
          const auto& r = tracks.series[3 * i + a];
          square += std::pow(r[static_cast<std::size_t>(t + lag)] - r[static_cast<std::size_t>(t)], 2);
        }
        sum += square, sum2 += square * square;
      }
    const double independent = static_cast<double>(tracks.n_ions() * tracks.n_frames) / static_cast<double>(lag);
    out.lag.push_back(static_cast<double>(lag)), out.y.push_back(sum / count);
    out.variance.push_back((sum2 / count - std::pow(sum / count, 2)) / independent);
    out.observations.push_back(independent);
  }
  return out;
}

/// The sum of all ions as one walker, divided by sqrt(N).
IonTracks as_one(const IonTracks& tracks) {
  IonTracks one = tracks;
  const std::vector<double> charges(tracks.numbers.size(), 1.0);
  const ChargeDisplacement p = charge_displacement(tracks, charges);
  one.numbers = {3};
  one.series.assign(p.begin(), p.end());
  for (auto& series : one.series)
    for (double& x : series) x /= std::sqrt(static_cast<double>(charges.size()));
  return one;
}

std::vector<Index> even_lags(Index first, Index last, Index count) {
  std::vector<Index> lags;
  for (Index lag = first; lag < last; lag += std::max<Index>((last - first) / count, 1)) lags.push_back(lag);
  return lags;
}

struct Answer {
  double slope = 0, sd = 0;
  bool failed = false;
};

/// pymatgen-analysis-diffusion, smoothed = "max": lags from 1 ps over the whole run, about 200 of them, weights 1/lag;
/// the error takes the weighted residual with the denominator of the plain fit, in units of fs.
Answer pymatgen_like(const Curve& c) {
  double sw = 0, swx = 0, swy = 0, swxx = 0, swxy = 0, sx = 0, sxx = 0;
  const auto n = static_cast<double>(c.lag.size());
  std::vector<double> fs;
  for (const double lag : c.lag) fs.push_back(100.0 * lag);
  for (std::size_t k = 0; k < fs.size(); ++k) {
    const double w = 1 / fs[k];
    sw += w, swx += w * fs[k], swy += w * c.y[k], swxx += w * fs[k] * fs[k], swxy += w * fs[k] * c.y[k];
    sx += fs[k], sxx += fs[k] * fs[k];
  }
  const double slope = (sw * swxy - swx * swy) / (sw * swxx - swx * swx), offset = (swy - slope * swx) / sw;
  double residual = 0;
  for (std::size_t k = 0; k < fs.size(); ++k) residual += std::pow(c.y[k] - offset - slope * fs[k], 2) / fs[k];
  return {100 * slope, 100 * std::sqrt(n * residual / ((n * sxx - sx * sx) * (n - 2)))};
}

/// Unweighted line with its textbook error.
Answer plain(const Curve& c) {
  const auto n = static_cast<double>(c.lag.size());
  const double mx = std::accumulate(c.lag.begin(), c.lag.end(), 0.0) / n,
               my = std::accumulate(c.y.begin(), c.y.end(), 0.0) / n;
  double sxx = 0, sxy = 0, residual = 0;
  for (std::size_t k = 0; k < c.lag.size(); ++k)
    sxx += std::pow(c.lag[k] - mx, 2), sxy += (c.lag[k] - mx) * (c.y[k] - my);
  for (std::size_t k = 0; k < c.lag.size(); ++k) residual += std::pow(c.y[k] - my - sxy / sxx * (c.lag[k] - mx), 2);
  return {sxy / sxx, std::sqrt(residual / (n - 2) / sxx)};
}

/// kinisi: generalised least squares whose covariance is that of independent blocks, cov_ij = var_i n_i / n_j for
/// i <= j, with the measured variances.
Answer kinisi_like(const Curve& c) {
  const auto n = static_cast<Eigen::Index>(c.lag.size());
  Eigen::MatrixXd covariance(n, n), x(n, 2);
  Eigen::VectorXd y(n);
  for (Eigen::Index a = 0; a < n; ++a) {
    const auto i = static_cast<std::size_t>(a);
    x(a, 0) = 1, x(a, 1) = c.lag[i], y(a) = c.y[i];
    for (Eigen::Index b = a; b < n; ++b) {
      const auto j = static_cast<std::size_t>(b);
      covariance(a, b) = covariance(b, a) = c.variance[i] * c.observations[i] / c.observations[j];
    }
  }
  const Eigen::LLT<Eigen::MatrixXd> factor(covariance);
  if (factor.info() != Eigen::Success) return {0, 0, true};
  const Eigen::Matrix2d inverse = (x.transpose() * factor.solve(x)).inverse();
  return {(inverse * (x.transpose() * factor.solve(y)))(1), std::sqrt(inverse(1, 1))};
}

struct Row {
  int runs = 0, in95 = 0, failed = 0;
  double sum = 0, sum2 = 0, reported2 = 0;
  std::vector<double> values;
  void add(const Answer& a, double truth) {
    if (a.failed || !(a.slope > 0)) {
      ++failed;
      return;
    }
    ++runs, in95 += std::abs(a.slope - truth) < 1.96 * a.sd;
    sum2 += std::pow(a.slope / truth - 1, 2), reported2 += std::pow(a.sd / truth, 2);
  }
  double scatter() const { return std::sqrt(sum2 / runs); }
  double reported() const { return std::sqrt(reported2 / runs); }
  double coverage() const { return static_cast<double>(in95) / runs; }
  void print(const char* name) const {
    if (runs == 0) return static_cast<void>(std::printf("| %s | - | - | - | %d of %d |\n", name, failed, failed));
    std::printf("| %s | %.1f %% | %.4g %% | %.0f %% | %d of %d |\n", name, 100 * scatter(), 100 * reported(),
                100 * coverage(), failed, runs + failed);
  }
};

}  // namespace

TEST(Peers, EstimatorsOnTheSameWalks) {
  constexpr double truth = 3.0;  // A^2 per frame
  Row pymatgen, least, kinisi, ours, pymatgen_all, kinisi_all, ours_all;
  for (std::uint64_t run = 0; run < runs; ++run) {
    const IonTracks tracks = make_walk({}, 3000 + run), one = as_one(tracks);
    const Index frames = tracks.n_frames;
    const auto long_lags = even_lags(10, frames, 200), half = even_lags(10, frames / 2, 24);
    pymatgen.add(pymatgen_like(tracer_curve(tracks, long_lags)), truth);
    pymatgen_all.add(pymatgen_like(tracer_curve(one, long_lags)), truth);
    least.add(plain(tracer_curve(tracks, long_lags)), truth);
    kinisi.add(kinisi_like(tracer_curve(tracks, half)), truth);
    kinisi_all.add(kinisi_like(tracer_curve(one, half)), truth);
    const TransportResult result = analyse_tracks({tracks}, testing::walk_options());
    const auto add_ours = [&](Row& row, const Estimate& e) {
      // Intervals are those of the logarithm.
      ++row.runs, row.in95 += e.ci95[0] <= walk_diffusion && walk_diffusion <= e.ci95[1];
      row.sum2 += std::pow(e.value / walk_diffusion - 1, 2), row.reported2 += std::pow(e.log_sd(), 2);
    };
    add_ours(ours, result.tracer.iso), add_ours(ours_all, result.collective.iso);
  }
  std::puts("| estimator | true scatter | reported error | 95 % coverage | failed |");
  pymatgen.print("tracer, pymatgen-like"), least.print("tracer, least squares"), kinisi.print("tracer, kinisi-like");
  ours.print("tracer, Haven"), pymatgen_all.print("collective, pymatgen-like");
  kinisi_all.print("collective, kinisi-like"), ours_all.print("collective, Haven");
  EXPECT_LT(pymatgen.coverage(), 0.05);
  EXPECT_LT(least.coverage(), 0.3);
  EXPECT_GT(kinisi.coverage(), 0.9);
  EXPECT_NEAR(ours.coverage(), 0.95, 0.046);
  EXPECT_NEAR(ours_all.coverage(), 0.95, 0.046);
  EXPECT_LT(ours.scatter(), 0.85 * kinisi.scatter());
  EXPECT_LT(ours_all.scatter(), 0.3 * pymatgen_all.scatter());
}

}  // namespace haven
