#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "analysis/error_interval.hpp"
#include "core/rng.hpp"

namespace haven::testing {
namespace {

/// One made-up test set: squared errors of every frame and where the frames come from.
struct TestSet {
  std::vector<SquaredErrors> frames;
  std::vector<FrameOrigin> origins;
};

/// A frame whose `components` errors are normal with variance scale^2.
SquaredErrors errors_of_frame(RandomSequence& random, double scale, int components) {
  SquaredErrors errors{.sum = 0, .count = components};
  for (int k = 0; k < components; ++k) errors.sum += std::pow(scale * random.normal(), 2);
  return errors;
}

struct Coverage {
  double inside = 0, below = 0, above = 0;  ///< shares of the sets whose interval holds the truth, lies below, above it
};

Coverage coverage(const std::function<TestSet(RandomSequence&)>& make, double truth, std::uint64_t sets = 2000) {
  Coverage found;
  for (std::uint64_t k = 0; k < sets; ++k) {
    RandomSequence random(17, Stream::test, k);
    const TestSet set = make(random);
    const ResamplingUnits units = resampling_units(set.origins);
    std::vector<SquaredErrors> sums(static_cast<std::size_t>(units.count));
    for (std::size_t f = 0; f < set.frames.size(); ++f) {
      SquaredErrors& into = sums[static_cast<std::size_t>(units.unit_of[f])];
      into.sum += set.frames[f].sum;
      into.count += set.frames[f].count;
    }
    const auto interval = rmse_interval(sums);
    if (!interval) continue;
    found.inside += (*interval)[0] <= truth && truth <= (*interval)[1];
    found.below += (*interval)[1] < truth;
    found.above += (*interval)[0] > truth;
  }
  const auto n = static_cast<double>(sets);
  return {found.inside / n, found.below / n, found.above / n};
}

/// The binomial error of 2,000 sets is 0.5 %. Few units show less of a long tail than there is, so the truth is covered
/// in 94 to 95 % (n = 20 to 40) rather than 95; found between 93 and 97 % at two sigma.
void expect_calibrated(const char* what, const std::function<TestSet(RandomSequence&)>& make, double truth) {
  const Coverage found = coverage(make, truth);
  EXPECT_GE(found.inside, 0.93) << what << ": below the truth " << found.below << ", above it " << found.above;
  EXPECT_LE(found.inside, 0.97) << what;
}

TEST(RmseInterval, OfIndependentEnergiesHoldsTheTruthIn95Percent) {
  expect_calibrated(
      "60 energies",
      [](RandomSequence& random) {
        TestSet set;
        for (int f = 0; f < 60; ++f) set.frames.push_back(errors_of_frame(random, 0.002, 1));
        set.origins.resize(60);
        return set;
      },
      0.002);
}

/// Frames are unequally hard (their scale is log-normal, s = 0.3) and unequally large, so components are not the
/// independent numbers: the mean of scale^2 is exp(2 s^2).
TEST(RmseInterval, OfForcesInFramesOfUnequalDifficultyHoldsTheTruthIn95Percent) {
  expect_calibrated(
      "40 frames",
      [](RandomSequence& random) {
        TestSet set;
        for (int f = 0; f < 40; ++f)
          set.frames.push_back(errors_of_frame(random, 0.05 * std::exp(0.3 * random.normal()), 15 + 15 * (f % 3)));
        set.origins.resize(40);
        return set;
      },
      0.05 * std::exp(0.09));
}

/// 30 trajectories of 6 frames that share their difficulty.
TestSet trajectories(RandomSequence& random) {
  TestSet set;
  for (int t = 0; t < 30; ++t) {
    const double scale = 0.05 * std::exp(0.3 * random.normal());
    for (int f = 0; f < 6; ++f) {
      set.frames.push_back(errors_of_frame(random, scale, 15));
      set.origins.push_back({.trajectory = std::to_string(t), .step = f});
    }
  }
  return set;
}

TEST(RmseInterval, OfTrajectoriesThatShareTheirErrorsHoldsTheTruthIn95Percent) {
  expect_calibrated("30 trajectories", trajectories, 0.05 * std::exp(0.09));
}

TEST(RmseInterval, WouldBeTooShortIfFramesOfATrajectoryWereTakenForIndependent) {
  const Coverage found = coverage(
      [](RandomSequence& random) {
        TestSet set = trajectories(random);
        for (FrameOrigin& origin : set.origins) origin.trajectory.clear();
        return set;
      },
      0.05 * std::exp(0.09), 100);
  EXPECT_LT(found.inside, 0.80);
}

/// One run of 400 frames whose difficulty ln scale is an autoregressive process of correlation time 2.8 frames.
TEST(RmseInterval, OfOneTrajectoryComesFromBlocksAndHoldsTheTruthIn95Percent) {
  constexpr double memory = 0.7, spread = 0.3;
  expect_calibrated(
      "blocks of one run",
      [](RandomSequence& random) {
        TestSet set;
        double state = random.normal();
        for (int f = 0; f < 400; ++f) {
          set.frames.push_back(errors_of_frame(random, 0.05 * std::exp(spread * state), 6));
          set.origins.push_back({.trajectory = "run", .step = f});
          state = memory * state + std::sqrt(1 - memory * memory) * random.normal();
        }
        return set;
      },
      0.05 * std::exp(spread * spread));
}

}  // namespace
}  // namespace haven::testing
