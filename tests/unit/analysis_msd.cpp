#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "analysis/collective.hpp"
#include "analysis/msd.hpp"
#include "physics/analysis_walks.hpp"

namespace haven {
namespace {

using testing::FastRandom;
using testing::make_walk;

/// 32 host atoms that vibrate with `sd` per axis and, when asked, drift apart from their sites.
HostTrack host_track(double sd, double wander) {
  HostTrack host;
  host.interval_ps = 1.0;
  host.nearest_distance = 2.0;
  FastRandom random(5);
  std::vector<Vec3> site(32);
  for (int t = 0; t < 300; ++t) {
    std::vector<Vec3> frame(32);
    for (std::size_t i = 0; i < 32; ++i) {
      for (int k = 0; k < 3; ++k) site[i][k] += wander * random.normal();
      frame[i] = site[i] + Vec3{sd * random.normal(), sd * random.normal(), sd * random.normal()};
    }
    host.frames.push_back(frame);
  }
  return host;
}

}  // namespace

TEST(Lags, GrowByAQuarterOfAnOctaveWithoutRepeats) {
  const auto lags = log_spaced_lags(1000);
  ASSERT_EQ(lags.front(), 1);
  EXPECT_LE(lags.back(), 1000);
  for (std::size_t k = 1; k < lags.size(); ++k) {
    EXPECT_GT(lags[k], lags[k - 1]);
    if (lags[k] > 20) {
      EXPECT_NEAR(static_cast<double>(lags[k]) / static_cast<double>(lags[k - 1]), std::exp2(0.25), 0.06);
    }
  }
}

TEST(Msd, EqualsTheDefinitionOverAllOrigins) {
  const IonTracks tracks = make_walk({.ions = 5, .frames = 60}, 3);
  const std::vector<Index> lags{1, 7, 31};
  const MsdCurve curve = mean_squared_displacement(tracks, lags, {4, 57});
  for (std::size_t k = 0; k < lags.size(); ++k) {
    double sum = 0;
    int count = 0;
    for (std::size_t t = 4; t + static_cast<std::size_t>(lags[k]) < 57; ++t, ++count)
      for (std::size_t s = 0; s < 15; ++s)
        sum += std::pow(tracks.series[s][t + static_cast<std::size_t>(lags[k])] - tracks.series[s][t], 2) / 5.0;
    EXPECT_NEAR(curve.total[k], sum / count, 1e-10);
  }
}

TEST(Msd, NonGaussianParameterOfAGaussianWalkIsZero) {
  const MsdCurve curve = mean_squared_displacement(make_walk({}, 3), std::vector<Index>{5}, {0, 2000});
  EXPECT_NEAR(curve.alpha2[0], 0, 0.02);  // 48 x 2000/5 independent displacements
}

// Steps of one length in random directions along x have <x^4> = <x^2>^2; ions of which a quarter moves and the others
// rest have <x^4> / <x^2>^2 four times that of those that move.
TEST(Msd, NonGaussianParameterOfKnownDistributions) {
  IonTracks tracks = make_walk({.ions = 8, .frames = 400, .noise = 0}, 3);
  FastRandom random(8);
  for (std::size_t s = 0; s < tracks.series.size(); ++s)
    for (std::size_t t = 0; t < 400; ++t)
      tracks.series[s][t] =
          s % 3 != 0 || t == 0 ? 0.0 : tracks.series[s][t - 1] + (random.uniform() < 0.5 ? 1.0 : -1.0);
  const std::vector<Index> one{1};
  EXPECT_NEAR(mean_squared_displacement(tracks, one, {0, 400}).alpha2[0], 1.0 / 3.0 - 1.0, 1e-12);
  for (std::size_t s = 6; s < tracks.series.size(); ++s)
    std::fill(tracks.series[s].begin(), tracks.series[s].end(), 0.0);
  EXPECT_NEAR(mean_squared_displacement(tracks, one, {0, 400}).alpha2[0], 4.0 / 3.0 - 1.0, 1e-12);
}

// The other way to all origins, for the ions and for their sum.
TEST(Msd, EqualsTheOneByFourierTransform) {
  const IonTracks tracks = make_walk({.ions = 3, .frames = 1000}, 17);
  const std::vector<Index> lags = log_spaced_lags(500);
  const MsdCurve curve = mean_squared_displacement(tracks, lags, {0, 1000});
  const std::vector<double> by_transform = testing::fourier_msd(tracks.series, lags);
  const auto total = charge_displacement(tracks, std::vector<double>(3, 1.0));
  const CollectiveCurve collective = collective_displacement(total, 3, lags, {0, 1000});
  const std::vector<double> collective_by_transform =
      testing::fourier_msd(std::vector<std::vector<double>>(total.begin(), total.end()), lags);
  for (std::size_t k = 0; k < lags.size(); ++k) {
    EXPECT_NEAR(by_transform[k] / 3 / curve.total[k], 1, 1e-10) << lags[k];
    EXPECT_NEAR(collective_by_transform[k] / 3 / collective.total[k], 1, 1e-10) << lags[k];
  }
}

TEST(Collective, SumsChargesAndDividesByTheirSquares) {
  IonTracks tracks = make_walk({.ions = 2, .frames = 50, .noise = 0}, 9);
  for (std::size_t a = 0; a < 3; ++a) tracks.series[3 + a] = tracks.series[a];  // two ions that move as one
  const std::vector<double> same{1, 1}, opposite{1, -1};
  const std::vector<Index> lags{4};
  const double single = mean_squared_displacement(tracks, lags, {0, 50}).total[0];
  EXPECT_NEAR(collective_displacement(charge_displacement(tracks, same), 2, lags, {0, 50}).total[0], 2 * single, 1e-10);
  EXPECT_NEAR(collective_displacement(charge_displacement(tracks, opposite), 2, lags, {0, 50}).total[0], 0, 1e-20);
}

TEST(Hops, CountsJumpsAndNotVibration) {
  IonTracks tracks = make_walk({.ions = 1, .frames = 3000, .noise = 0.25, .step = 0}, 2);
  EXPECT_EQ(count_hops(tracks, 3.0).total, 0);
  for (std::size_t t = 1000; t < 3000; ++t) tracks.series[0][t] += 3.0;  // one jump, and one forth and back
  for (std::size_t t = 2000; t < 2300; ++t) tracks.series[1][t] += 3.0;
  EXPECT_EQ(count_hops(tracks, 3.0).total, 3);
  EXPECT_EQ(count_hops(tracks, 3.0).ions, 1);
}

TEST(Host, VibratingFrameworkIsQuiet) {
  const HostReport report = analyse_host(host_track(0.1, 0));
  EXPECT_FALSE(report.mobile());
  EXPECT_NEAR(report.rms, 0.1 * std::sqrt(3.0), 0.01);
}

TEST(Host, MeltingFrameworkIsFlagged) {
  const HostReport report = analyse_host(host_track(0.1, 0.1));
  EXPECT_TRUE(report.grows);
  EXPECT_TRUE(report.exceeds);
  EXPECT_NEAR(report.slope, 0.03, 0.01);  // 3 x 0.1^2 A^2 per ps
}

TEST(Host, LargeVibrationExceedsTheLindemannBoundWithoutGrowing) {
  const HostReport report = analyse_host(host_track(0.4, 0));
  EXPECT_TRUE(report.exceeds);
  EXPECT_FALSE(report.grows);
}

}  // namespace haven
