#include <gtest/gtest.h>

#include <cmath>

#include "physics/analysis_walks.hpp"

/// Runs that have little or the wrong thing to say: each must end in the right answer or the right refusal.
namespace haven {
namespace {

using testing::make_walk;
using testing::walk_diffusion;
using testing::walk_options;

bool warns(const TransportResult& result, const std::string& code) {
  for (const AnalysisWarning& warning : result.warnings)
    if (warning.code == code) return true;
  return false;
}

/// 16 Li and 16 S atoms of a cubic cell, seen through `place`, which gives position and cell of every frame.
template <class Place>
TransportResult analysed(int frames, Wrapping wrapping, Place place, double hop_length) {
  TrajectoryInfo info;
  info.path = "made up";
  info.numbers.assign(16, 3);
  info.numbers.insert(info.numbers.end(), 16, 16);
  info.temperature_K = 500;
  info.wrapping = wrapping;
  std::vector<TrajectoryFrame> all;
  for (int t = 0; t < frames; ++t) {
    TrajectoryFrame frame{t, 100.0 * t, Cell(), {}, {}};
    place(t, frame);
    all.push_back(std::move(frame));
  }
  TransportOptions options = walk_options();
  options.hop_length = hop_length;
  std::vector<std::unique_ptr<TrajectorySource>> sources;
  sources.push_back(make_memory_source(info, all));
  Log log;
  return analyse_transport(std::move(sources), options, log);
}

/// Sites of a 4 x 4 x 2 lattice of spacing 5 A.
Vec3 site(std::size_t atom) {
  return {5.0 * static_cast<double>(atom % 4), 5.0 * static_cast<double>(atom / 4 % 4),
          5.0 * static_cast<double>(atom / 16)};
}

Cell cubic(double edge) { return Cell(Mat3{{{{edge, 0, 0}, {0, edge, 0}, {0, 0, edge}}}}); }

}  // namespace

// One hop of 3 A among 48 vibrating ions: a bound from the Poisson limit of one event, 4.744 hops.
TEST(EdgeCase, OneHopGivesItsPoissonBound) {
  IonTracks tracks = make_walk({.noise = 0.2, .step = 0}, 9);
  for (std::size_t t = 800; t < tracks.series[0].size(); ++t) tracks.series[0][t] += 3.0;
  TransportOptions options = walk_options();
  options.hop_length = 3.0;
  const TransportResult result = analyse_tracks({std::move(tracks)}, options);
  EXPECT_EQ(result.checks.hops, 1);
  ASSERT_FALSE(result.tracer.iso.determined());
  EXPECT_NEAR(*result.tracer.iso.upper_bound, 4.7439 * 9 / (6 * 48 * 199.9) * 1e-4, 1e-10);
  EXPECT_NE(result.refused.find("1 hops of 48 ions"), std::string::npos) << result.refused;
}

// Everything diffuses: the framework is no frame of reference, and a Haven ratio of lithium alone has no meaning.
TEST(EdgeCase, AMeltingHostLeavesNoHavenRatio) {
  std::vector<Vec3> moved(32);
  testing::FastRandom random(2);
  const TransportResult result = analysed(
      1500, Wrapping::unwrapped,
      [&](int, TrajectoryFrame& frame) {
        frame.cell = cubic(20);
        for (std::size_t i = 0; i < 32; ++i) {
          const double step = i < 16 ? 0.5 : 0.25;
          moved[i] += step * Vec3{random.normal(), random.normal(), random.normal()};
          frame.positions.push_back(site(i) + moved[i]);
        }
      },
      3.0);
  EXPECT_TRUE(result.checks.host.mobile());
  EXPECT_TRUE(warns(result, "TR010"));
  EXPECT_FALSE(result.haven_ratio.determined());
  EXPECT_NE(result.haven_ratio.refused.find("the host moves"), std::string::npos);
}

// A cell that breathes by 10 % in volume with atoms that only vibrate, stored wrapped and with a drift through the
// boundary: nobody has diffused, and no hop is seen.
TEST(EdgeCase, ABreathingDriftingCellDoesNotDiffuse) {
  testing::FastRandom random(7);
  const TransportResult result = analysed(
      1500, Wrapping::wrapped,
      [&](int t, TrajectoryFrame& frame) {
        const double edge = 20.0 * (1.0 + 0.033 * std::sin(0.11 * t));
        frame.cell = cubic(edge);
        for (std::size_t i = 0; i < 32; ++i) {
          Vec3 r = (edge / 20.0) * (site(i) + Vec3{0.07 * t, 0, -0.05 * t}) +
                   0.1 * Vec3{random.normal(), random.normal(), random.normal()};
          for (int k = 0; k < 3; ++k) r[k] -= edge * std::floor(r[k] / edge);
          frame.positions.push_back(r);
        }
      },
      3.0);
  EXPECT_EQ(result.checks.hops, 0);
  ASSERT_FALSE(result.tracer.iso.determined());
  EXPECT_NEAR(*result.tracer.iso.upper_bound, 2.9957 * 9 / (6 * 16 * 149.9) * 1e-4, 1e-9);
  EXPECT_TRUE(warns(result, "TR008"));
  EXPECT_FALSE(result.checks.host.mobile());
  EXPECT_NEAR(result.checks.host_drift, std::hypot(0.07, 0.05) * 1499, 1.0);
  EXPECT_LT(result.checks.max_msd, 0.1) << "vibration alone";
}

// Fifty frames hold a tenth of a window: a slow walk is refused with a bound that holds, a walk that is diffusive from
// the first frame gives a D* whose interval covers, and never a D_sigma of more than half its value in error.
TEST(EdgeCase, FiftyFramesAreRefusedOrCovered) {
  testing::Coverage tracer;
  int bounds = 0, held = 0;
  for (std::uint64_t seed = 0; seed < 120; ++seed) {
    const TransportResult slow = analyse_tracks({make_walk({.frames = 50}, 70 + seed)}, walk_options());
    EXPECT_FALSE(slow.collective.iso.determined()) << seed;
    if (!slow.tracer.iso.determined())
      ++bounds, held += slow.tracer.iso.upper_bound.has_value() && *slow.tracer.iso.upper_bound > walk_diffusion;
    TransportOptions fine = walk_options();
    fine.hop_length = 2.0;
    const TransportResult fast = analyse_tracks({make_walk({.frames = 50, .noise = 0}, 70 + seed)}, fine);
    tracer.add(fast.tracer.iso, walk_diffusion);
    if (fast.collective.iso.determined()) {
      EXPECT_LE(fast.collective.iso.log_sd(), 0.5);
    }
  }
  EXPECT_EQ(bounds, 120);
  EXPECT_GE(held, 0.95 * bounds - 3 * std::sqrt(0.95 * 0.05 * bounds));
  EXPECT_GT(tracer.runs, 100);
  EXPECT_NEAR(tracer.share95(), 0.95, 3 * 0.02);
}

// A single ion is its own collective: H_R is 1 whatever happens, and both coefficients have the same interval.
TEST(EdgeCase, OneIonIsItsOwnCollective) {
  testing::Coverage tracer;
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    const TransportResult result = analyse_tracks({make_walk({.ions = 1, .frames = 4000}, seed)}, walk_options());
    tracer.add(result.tracer.iso, walk_diffusion);
    if (!result.haven_ratio.determined()) continue;
    EXPECT_NEAR(result.haven_ratio.value, 1.0, 1e-9);
    EXPECT_LT(result.haven_ratio.log_sd(), 1e-6);
    EXPECT_NEAR(result.tracer.iso.log_sd(), result.collective.iso.log_sd(), 1e-9);
  }
  EXPECT_GE(tracer.runs, 57);
  EXPECT_NEAR(tracer.share95(), 0.95, 3 * 0.029);
}

}  // namespace haven
