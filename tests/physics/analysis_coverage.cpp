#include <gtest/gtest.h>

#include <cmath>

#include "analysis/planner.hpp"
#include "physics/analysis_walks.hpp"

namespace haven {
namespace {

using testing::Coverage;
using testing::make_walk;
using testing::Walk;
using testing::walk_diffusion;
using testing::walk_options;

struct WalkCoverage {
  Coverage tracer, collective, ratio;
};

WalkCoverage cover(const Walk& walk, int runs, int replicas = 1) {
  WalkCoverage out;
  for (int run = 0; run < runs; ++run) {
    std::vector<IonTracks> tracks;
    for (int r = 0; r < replicas; ++r)
      tracks.push_back(make_walk(walk, 1000 + 10 * static_cast<std::uint64_t>(run) + static_cast<std::uint64_t>(r)));
    const TransportResult result = analyse_tracks(std::move(tracks), walk_options());
    out.tracer.add(result.tracer.iso, walk_diffusion);
    out.collective.add(result.collective.iso, walk_diffusion / walk.haven_ratio());
    out.ratio.add(result.haven_ratio, walk.haven_ratio());
  }
  return out;
}

/// The standard error of a 95 % coverage over 300 runs is 1.3 %, of 68 % 2.7 %: three of them are 3.8 % and 8 %. A
/// systematic deficit of the kind that peers have (0 to 10 % coverage) is far outside.
void expect_honest(const Coverage& coverage, const char* name) {
  SCOPED_TRACE(name);
  EXPECT_EQ(coverage.refused, 0);
  EXPECT_NEAR(coverage.share95(), 0.95, 0.038);
  EXPECT_NEAR(coverage.share68(), 0.68, 0.08);
  EXPECT_NEAR(coverage.mean_sd() / coverage.rms(), 1.0, 0.12);
}

}  // namespace

// 48 independent ions with vibration, 200 ps: the case of the design's table (collective error 9.5 %, tracer 1.3 %).
TEST(Coverage, OfIndependentBrownianIons) {
  const WalkCoverage c = cover({}, 300);
  expect_honest(c.tracer, "D*");
  expect_honest(c.collective, "D_sigma");
  expect_honest(c.ratio, "H_R");
  EXPECT_NEAR(c.collective.rms(), 0.094, 0.015);
  EXPECT_NEAR(c.tracer.rms(), 0.013, 0.003);
  EXPECT_NEAR(c.tracer.bias(), 0, 0.003);  // four standard errors of the mean
}

// A quarter of the length: errors of 18 %, where Gaussian intervals of the coefficient itself would begin to fail.
TEST(Coverage, OfShortRuns) {
  const WalkCoverage c = cover({.frames = 500}, 300);
  expect_honest(c.tracer, "D*");
  expect_honest(c.collective, "D_sigma");
  expect_honest(c.ratio, "H_R");
  EXPECT_NEAR(c.collective.rms(), 0.18, 0.03);
}

// Steps correlated so that H_R = 1 / (1 + (N - 1) rho) = 0.5.
TEST(Coverage, OfCorrelatedIons) {
  const WalkCoverage c = cover({.frames = 1000, .correlation = 1.0 / 47.0}, 300);
  expect_honest(c.tracer, "D*");
  expect_honest(c.collective, "D_sigma");
  expect_honest(c.ratio, "H_R");
}

// Strings of four that move almost as one: their squared displacements are not independent, which the scatter over ions
// does not show (its error of D* is too small by 1.8). H_R = 0.27.
TEST(Coverage, OfStringsOfIonsThatMoveTogether) {
  const WalkCoverage c = cover({.frames = 1000, .correlation = 0.9, .string = 4}, 200);
  EXPECT_NEAR(c.tracer.mean_sd() / c.tracer.rms(), 1.0, 0.15);  // three standard errors of an rms over 200 runs
  for (const Coverage* part : {&c.tracer, &c.collective, &c.ratio}) {
    EXPECT_NEAR(part->share95(), 0.95, 0.046);
    EXPECT_NEAR(part->share68(), 0.68, 0.1);
  }
}

// Three replicas of a third of the length carry the same information; random effects may only make the tracer cautious.
TEST(Coverage, OfReplicas) {
  const WalkCoverage c = cover({.frames = 600}, 200, 3);
  EXPECT_NEAR(c.ratio.share95(), 0.95, 0.046);
  EXPECT_GT(c.tracer.share95(), 0.93);
  EXPECT_NEAR(c.collective.rms(), 0.094 * std::sqrt(2000.0 / 1800.0), 0.02);
}

// The factor N: with twice the ions and the same motion H_R stays 1, and so does the error of D_sigma.
TEST(Coverage, OfMoreIonsDoesNotChangeTheCollectiveError) {
  const WalkCoverage few = cover({.ions = 12, .frames = 500}, 100), many = cover({.ions = 96, .frames = 500}, 100);
  EXPECT_NEAR(few.ratio.bias(), 0, 0.07);
  EXPECT_NEAR(many.ratio.bias(), 0, 0.07);
  EXPECT_NEAR(few.collective.mean_sd(), many.collective.mean_sd(), 0.02);
  EXPECT_GT(few.tracer.mean_sd(), 2.0 * many.tracer.mean_sd());
}

// One-dimensional conduction: the variance of the trace is that of one axis, three times what three equal axes would
// give.
TEST(Coverage, OfOneDimensionalMotion) {
  Coverage collective, tracer;
  for (std::uint64_t run = 0; run < 200; ++run) {
    IonTracks tracks = make_walk({.ions = 24, .frames = 1500}, run);
    for (std::size_t s = 0; s < tracks.series.size(); ++s)
      if (s % 3 != 2) {
        testing::FastRandom random(run * 1000 + s);
        for (double& x : tracks.series[s]) x = random.normal();
      }
    TransportOptions options = walk_options();
    options.hop_length = 4.5;
    const TransportResult result = analyse_tracks({std::move(tracks)}, options);
    tracer.add(result.tracer.iso, walk_diffusion / 3);
    collective.add(result.collective.iso, walk_diffusion / 3);
  }
  EXPECT_NEAR(collective.share95(), 0.95, 0.046);
  EXPECT_NEAR(tracer.share95(), 0.95, 0.046);
}

TEST(Refusal, OfIonsThatOnlyVibrateGivesThePoissonBound) {
  const TransportResult result = analyse_tracks({make_walk({.noise = 0.3, .step = 0}, 3)}, walk_options());
  EXPECT_EQ(result.checks.hops, 0);
  EXPECT_FALSE(result.tracer.iso.determined());
  // 3 hops of 7.5 A by 48 ions in 199.9 ps at most.
  EXPECT_NEAR(*result.tracer.iso.upper_bound, 2.9957 * 7.5 * 7.5 / (6 * 48 * 199.9) * 1e-4, 1e-9);
  EXPECT_NEAR(*result.collective.iso.upper_bound, 5 * *result.tracer.iso.upper_bound, 1e-9);
  EXPECT_FALSE(result.haven_ratio.determined());
  EXPECT_NE(result.refused.find("more"), std::string::npos);
}

TEST(Refusal, OfARunTooShortForDSigmaSaysHowMuchMore) {
  TransportOptions options = walk_options();
  options.max_relative_error = 0.15;
  const TransportResult result = analyse_tracks({make_walk({.frames = 500}, 3)}, options);
  EXPECT_TRUE(result.tracer.iso.determined());
  EXPECT_FALSE(result.collective.iso.determined());
  EXPECT_FALSE(result.haven_ratio.determined());
  EXPECT_GT(*result.collective.iso.upper_bound, walk_diffusion);
  EXPECT_NE(result.collective.iso.refused.find("for 20 %"), std::string::npos);
  EXPECT_EQ(result.haven_ratio.refused.rfind("95 % interval [", 0), 0U) << result.haven_ratio.refused;
  EXPECT_NE(result.haven_ratio.refused.find("for 20 %"), std::string::npos) << result.haven_ratio.refused;
}

// Ions caged by harmonic springs move, but not away: the MSD levels off, and no window is diffusive.
TEST(Refusal, OfCagedIonsThatHopBackAndForth) {
  IonTracks tracks = make_walk({}, 11);
  testing::FastRandom random(3);
  for (auto& series : tracks.series) {
    double x = 0;
    for (double& value : series) value = x = 0.98 * x + random.normal();
  }
  const TransportResult result = analyse_tracks({tracks}, walk_options());
  EXPECT_FALSE(result.window.diffusive);
  EXPECT_FALSE(result.tracer.iso.determined());
  EXPECT_FALSE(result.sigma.determined());
}

TEST(Refusal, UpperBoundsHoldInNineteenOfTwentyRuns) {
  int covered = 0, refused = 0;
  TransportOptions options = walk_options();
  options.max_relative_error = 0.05;  // refuses every D_sigma
  for (std::uint64_t run = 0; run < 200; ++run) {
    const TransportResult result = analyse_tracks({make_walk({.ions = 12, .frames = 400}, run)}, options);
    if (result.collective.iso.determined()) continue;
    ++refused;
    covered += *result.collective.iso.upper_bound > walk_diffusion;
  }
  EXPECT_GE(refused, 195);
  EXPECT_GE(covered, 0.95 * refused - 3 * std::sqrt(0.95 * 0.05 * refused));
}

TEST(Transport, DriftChangesNothing) {
  std::vector<TrajectoryFrame> still, moving;
  testing::FastRandom random(21);
  const Cell cell(Mat3{{{{20, 0, 0}, {0, 20, 0}, {0, 0, 20}}}});
  std::vector<Vec3> r(32);
  for (int t = 0; t < 1200; ++t) {
    for (std::size_t i = 0; i < 16; ++i) r[i] += 0.5 * Vec3{random.normal(), random.normal(), random.normal()};
    std::vector<Vec3> shifted = r;
    for (Vec3& x : shifted) x += Vec3{0.05 * t, -0.03 * t, 0.4 * std::sin(0.01 * t)};
    still.push_back({t, 100.0 * t, cell, r, {}});
    moving.push_back({t, 100.0 * t, cell, shifted, {}});
  }
  TrajectoryInfo info;
  info.numbers.assign(16, 3);
  info.numbers.insert(info.numbers.end(), 16, 16);
  info.temperature_K = 500;
  info.wrapping = Wrapping::unwrapped;
  TransportOptions options = walk_options();
  options.hop_length = 3;
  Log log;
  const auto analyse = [&](const std::vector<TrajectoryFrame>& frames) {
    std::vector<std::unique_ptr<TrajectorySource>> sources;
    sources.push_back(make_memory_source(info, frames));
    return analyse_transport(std::move(sources), options, log);
  };
  const TransportResult a = analyse(still), b = analyse(moving);
  ASSERT_TRUE(a.tracer.iso.determined());
  EXPECT_NEAR(b.tracer.iso.value / a.tracer.iso.value, 1, 1e-9);
  EXPECT_NEAR(b.collective.iso.value / a.collective.iso.value, 1, 1e-9);
  EXPECT_GT(b.checks.host_drift, 50);
}

}  // namespace haven
