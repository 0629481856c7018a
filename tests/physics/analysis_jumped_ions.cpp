#include <gtest/gtest.h>

#include <cmath>

#include "analysis/planner.hpp"
#include "physics/analysis_walks.hpp"

namespace haven {

// Ions that jump at random along the axes of a lattice: the scatter of the mean of one squared displacement over 1,500
// runs is known to 1.8 % and must be what the number of ions that jumped says, from rare jumps to many. 8 %: four
// standard errors, the skewness of rare jumps included.
TEST(JumpedIons, TellTheErrorOfOneDisplacementOfEveryIon) {
  constexpr int runs = 1500, ions = 300;
  for (const double jumps : {0.05, 0.5, 4.0}) {
    testing::FastRandom random(static_cast<std::uint64_t>(100 * jumps));
    double sum = 0, sum2 = 0, jumped = 0;
    for (int run = 0; run < runs; ++run) {
      double squares = 0;
      for (int ion = 0; ion < ions; ++ion) {
        int at[3] = {}, count = 0;
        for (double time = -std::log(1 - random.uniform()); time < jumps; time -= std::log(1 - random.uniform())) {
          at[random.below(3)] += random.uniform() < 0.5 ? 1 : -1;
          ++count;
        }
        squares += at[0] * at[0] + at[1] * at[1] + at[2] * at[2];
        jumped += count > 0;
      }
      sum += squares, sum2 += squares * squares;
    }
    const double mean = sum / runs, scatter = std::sqrt(sum2 / runs - mean * mean) / mean;
    EXPECT_NEAR(jumped_ions_relative_error(ions, jumped / runs) / scatter, 1, 0.08) << jumps;
  }
}

TEST(JumpedIons, HaveLimits) {
  EXPECT_NEAR(jumped_ions_relative_error(1e6, 100), 0.1, 1e-4);                       // few: one over the root
  EXPECT_NEAR(jumped_ions_relative_error(1000, 1000), std::sqrt(2.0 / 3000), 1e-12);  // all
  EXPECT_TRUE(std::isinf(jumped_ions_relative_error(1000, 0)));
}

// They stand with the result, and survive the file.
TEST(JumpedIons, AreCountedOverAllReplicas) {
  IonTracks tracks = testing::make_walk({.ions = 10, .frames = 2000, .noise = 0.1, .step = 0}, 3);
  for (std::size_t i = 0; i < 4; ++i)
    for (std::size_t t = 200 * (i + 1); t < 2000; ++t) tracks.series[3 * i][t] += 3.0;
  TransportOptions options = testing::walk_options();
  options.hop_length = 3;
  const TransportResult result = analyse_tracks({tracks, tracks}, options);
  EXPECT_EQ(result.checks.jumped_ions, 8);
  EXPECT_NEAR(result.checks.jumped_ions_error, jumped_ions_relative_error(20, 8), 1e-12);
}

}  // namespace haven
