#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numbers>

#include "analysis/block_mean.hpp"
#include "analysis/distributions.hpp"
#include "analysis/layers.hpp"
#include "analysis/sites.hpp"
#include "analysis/structure.hpp"
#include "analysis/transport.hpp"
#include "core/units.hpp"
#include "md/mean_cell.hpp"
#include "physics/analysis_walks.hpp"
#include "support/md_fixtures.hpp"

/// Motion whose displacements are known, from the engine through the analysis (T28), and errors of correlated series
/// (T29).
namespace haven {
namespace {

using testing::FastRandom;

constexpr double mass = 39.948;

/// Every atom on a spring of its own.
class EinsteinCrystal final : public Potential {
 public:
  EinsteinCrystal(std::vector<Vec3> sites, double spring) : sites_(std::move(sites)), spring_(spring) {
    requirements_.cutoff = 4.0, requirements_.elements = {18};
  }
  const Requirements& requirements() const override { return requirements_; }
  void evaluate(const LocalAtoms& atoms, const NeighbourView&, Wanted, Evaluation& out) const override {
    for (auto i = static_cast<std::size_t>(atoms.first_centre); i < static_cast<std::size_t>(atoms.n_centres); ++i) {
      const Vec3 away = atoms.positions[i] - sites_[static_cast<std::size_t>(atoms.ids[i])];
      out.forces[i] += to_fixed(-spring_ * away);
      out.energy.add(0.5 * spring_ * norm2(away));
    }
  }
  std::string description() const override { return "springs"; }

 private:
  Requirements requirements_;
  std::vector<Vec3> sites_;
  double spring_;
};

/// 108 atoms at 300 K and constant energy, a frame every 20 fs.
IonTracks simulated(const Potential& potential, const MdInput& input, double duration_fs) {
  StageOptions stage = testing::nve_stage(300, duration_fs);
  stage.trajectory_interval = 10;
  const auto result = testing::run({.potential = potential, .input = input, .options = testing::options_for({stage})});
  TrajectoryInfo info{"run", input.structure.numbers, input.masses, 300, Wrapping::unwrapped};
  const auto source = make_memory_source(std::move(info), result->sink.frames);
  return collect_tracks(*source, {.mobile = {18}});
}

/// Of the atoms that are at rest relative to their centre of mass: 3 (N - 1) free components.
double thermal_square(int atoms) {
  return 3 * units::boltzmann * 300 * units::force_to_acceleration / mass * (atoms - 1) / atoms;
}

TransportOptions argon_options() {
  TransportOptions options;
  options.mobile = {"Ar"}, options.charges = {{"Ar", 1.0}};
  return options;
}

}  // namespace

/// T28: free flight, MSD = <v^2> tau^2 at every lag (1e-9: the squares of sums of 1,000 rounded steps), with <v^2> of
/// the Maxwell distribution within three standard errors of 3 (N - 1) squares. It is no diffusion and is refused.
TEST(KnownMotion, IdealGasFliesFreely) {
  const testing::IdealGas gas;
  const IonTracks tracks = simulated(gas, testing::input_for(testing::argon_crystal(3)), 2000);
  const auto lags = log_spaced_lags(tracks.n_frames / 2);
  const MsdCurve msd = mean_squared_displacement(tracks, lags, {0, tracks.n_frames});
  const auto square = [&](std::size_t k) { return msd.total[k] / std::pow(20.0 * static_cast<double>(lags[k]), 2); };
  for (std::size_t k = 0; k < lags.size(); ++k) EXPECT_NEAR(square(k) / square(0), 1, 1e-9) << lags[k];
  EXPECT_NEAR(square(0) / thermal_square(108), 1, 3 * std::sqrt(2.0 / (3 * 107)));
  const TransportResult result = analyse_tracks({tracks}, argon_options());
  EXPECT_FALSE(result.tracer.iso.determined());
  EXPECT_FALSE(result.window.diffusive);
}

/// T28: atoms on springs of 1 eV/A^2 that start from their sites, x = v / w sin(w t): MSD = <v^2> / w^2 (1 - cos w tau)
/// = 3 kT / k (1 - cos w tau). Fifty periods leave 0.4 % of the phase they began with; the period of 404 fs is longer
/// in steps of 2 fs by 4e-5. <v^2> as above. Nobody diffuses, and the bound says so.
TEST(KnownMotion, HarmonicCrystalSwings) {
  const MdInput input = testing::input_for(testing::argon_crystal(3));
  const EinsteinCrystal crystal(input.structure.positions, 1.0);
  const IonTracks tracks = simulated(crystal, input, 20200);
  const double w = std::sqrt(units::force_to_acceleration / mass), square = thermal_square(108) / (w * w);
  std::vector<Index> lags;
  for (Index lag = 1; lag <= 100; ++lag) lags.push_back(lag);
  const MsdCurve msd = mean_squared_displacement(tracks, lags, {0, tracks.n_frames});
  const auto law = [&](std::size_t k) { return 1 - std::cos(w * 20 * static_cast<double>(lags[k])); };
  double seen = 0, expected = 0;
  for (std::size_t k = 0; k < lags.size(); ++k) seen += msd.total[k], expected += law(k);
  EXPECT_NEAR(seen / expected / square, 1, 0.004 + 3 * std::sqrt(2.0 / (3 * 107)));
  for (std::size_t k = 0; k < lags.size(); ++k) EXPECT_NEAR(msd.total[k] / (seen / expected), law(k), 0.02) << lags[k];
  const TransportResult result = analyse_tracks({tracks}, argon_options());
  EXPECT_FALSE(result.tracer.iso.determined());
  EXPECT_EQ(result.checks.hops, 0);
}

/// T29: the mean of 200 series of correlated numbers (AR(1), correlation time 20 of 2,000 steps) lies within the 95 %
/// interval that ten blocks and Student's t give in 90 to 99 % of them: means over thermo.csv, and temperatures.
TEST(ErrorBars, OfMeansOverTimeCoverTheMeanOfCorrelatedSeries) {
  const double a = std::exp(-1.0 / 20), quantile = student_quantile(0.975, 9);
  int covered = 0, naive = 0;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    FastRandom random(seed);
    std::vector<double> series;
    for (double x = random.normal(); series.size() < 2000; x = a * x + std::sqrt(1 - a * a) * random.normal())
      series.push_back(300 + 10 * x);
    const BlockMean found = block_mean(series);
    ASSERT_TRUE(found.error);
    covered += std::abs(found.mean - 300) <= quantile * *found.error;
    naive += std::abs(found.mean - 300) <= 1.96 * 10 / std::sqrt(2000.0);
  }
  EXPECT_GE(covered, 180);
  EXPECT_LE(covered, 198);
  EXPECT_LT(naive, 100) << "2,000 correlated numbers are not 2,000 independent ones";
}

TEST(ErrorBars, OfFewerThanTenValuesAreNotGiven) {
  const std::vector<double> values{1, 2, 3, 4, 5, 6, 7, 8, 9};
  EXPECT_DOUBLE_EQ(block_mean(values).mean, 5);
  EXPECT_FALSE(block_mean(values).error);
}

/// T29, of the mean cell of a stage at constant pressure, whose volume is such a series.
TEST(ErrorBars, OfTheMeanCellCoverTheMeanOfCorrelatedSeries) {
  const double a = std::exp(-1.0 / 20), quantile = student_quantile(0.975, 9);
  int covered = 0;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    FastRandom random(seed);
    MeanCell mean(0, 4000);
    double x = random.normal();
    for (int step = 1; step <= 4000; ++step) {
      x = a * x + std::sqrt(1 - a * a) * random.normal();
      const double length = std::cbrt(1000 + 10 * x);
      mean.add(step, Cell(Mat3{{{{length, 0, 0}, {0, length, 0}, {0, 0, length}}}}));
    }
    const MeanCellResult result = mean.result();
    covered += std::abs(result.volume - 1000) <= quantile * result.volume_error;
  }
  EXPECT_GE(covered, 180);
  EXPECT_LE(covered, 198);
}

namespace {

/// 20 ions that change between two places, 0 and 1, with probability 0.05 a frame (correlation time 10 of 400 frames):
/// half of them are in each. `at` tells where ion i is when it is there.
IonTracks two_places(std::uint64_t seed, const std::function<Vec3(std::size_t ion, bool second)>& at) {
  FastRandom random(seed);
  IonTracks tracks = testing::make_walk({.ions = 20, .frames = 400, .noise = 0, .step = 0}, 1);
  tracks.mean_cell = Mat3{{{{10, 0, 0}, {0, 10, 0}, {0, 0, 10}}}}, tracks.volume = 1000;
  for (std::size_t i = 0; i < 20; ++i) {
    bool second = random.uniform() < 0.5;
    for (std::size_t t = 0; t < 400; ++t) {
      if (random.uniform() < 0.05) second = !second;
      const Vec3 r = at(i, second);
      for (std::size_t k = 0; k < 3; ++k) tracks.series[3 * i + k][t] = r[static_cast<int>(k)];
    }
  }
  return tracks;
}

}  // namespace

/// T29: the occupation of a site is 10 of 20 ions within what five blocks and Student's t say, in 90 to 99 % of 200
/// runs.
TEST(ErrorBars, OfSiteOccupationsCoverTheMeanOfCorrelatedSeries) {
  SiteMap sites;
  sites.cell = Mat3{{{{10, 0, 0}, {0, 10, 0}, {0, 0, 10}}}};
  sites.fractional = {{0.25, 0.5, 0.5}, {0.75, 0.5, 0.5}}, sites.type = {0, 1};
  const double quantile = student_quantile(0.975, 4);
  int covered = 0;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    const IonTracks tracks = two_places(seed, [](std::size_t, bool second) { return Vec3{second ? 7.5 : 2.5, 5, 5}; });
    const SiteStatistics left = jump_network(tracks, sites).sites[0];
    covered += std::abs(left.occupation - 10) <= quantile * left.occupation_sd;
  }
  EXPECT_GE(covered, 180);
  EXPECT_LE(covered, 198);
}

/// T29: an ion is 2 A from the one host atom half of the time and 4.5 A otherwise, so it has half a neighbour: within
/// what five blocks and Student's t say, in 90 to 99 % of 200 runs.
TEST(ErrorBars, OfCoordinationNumbersCoverTheMeanOfCorrelatedSeries) {
  const double quantile = student_quantile(0.975, 4);
  int covered = 0;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    IonTracks tracks = two_places(seed, [](std::size_t ion, bool second) {
      const double angle = 2 * std::numbers::pi * static_cast<double>(ion) / 20, r = second ? 4.5 : 2.0;
      return Vec3{5 + r * std::cos(angle), 5 + r * std::sin(angle), 5};
    });
    tracks.host.interval_ps = tracks.interval_ps;
    tracks.host.frames.assign(400, {Vec3{5, 5, 5}});
    tracks.host.numbers = {16};
    const auto pairs = pair_distributions(tracks);
    const auto mixed = std::find_if(pairs.begin(), pairs.end(), [](const auto& p) { return p.first != p.second; });
    ASSERT_NE(mixed, pairs.end());
    ASSERT_GT(mixed->first_minimum, 2.0);
    ASSERT_LT(mixed->first_minimum, 4.4);
    covered += std::abs(mixed->neighbours - 0.5) <= quantile * mixed->neighbours_sd;
  }
  EXPECT_GE(covered, 180);
  EXPECT_LE(covered, 198);
}

/// T29: a layer of the lower half holds half of the ions within what ten blocks and Student's t say.
TEST(ErrorBars, OfTheIonsInALayerCoverTheMeanOfCorrelatedSeries) {
  const double quantile = student_quantile(0.975, 9);
  int covered = 0;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    const IonTracks tracks = two_places(seed, [](std::size_t, bool second) { return Vec3{5, 5, second ? 7.5 : 2.5}; });
    const CellLayer lower = analyse_layers(tracks, {.edges = {0.0, 0.5}, .lag_ps = 0.2}).layers[0];
    covered += std::abs(lower.ions - 10) <= quantile * lower.ions_sd;
  }
  EXPECT_GE(covered, 180);
  EXPECT_LE(covered, 198);
}

}  // namespace haven
