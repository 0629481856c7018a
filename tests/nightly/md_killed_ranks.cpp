#include <gtest/gtest.h>

#include <cstdio>

#include "support/killed_ranks.hpp"

namespace haven::testing {
namespace {

/// In ten parts, so that somebody who waits sees it go on.
void kill_two_hundred(Victims victims) {
  KillReport all;
  for (std::uint64_t part = 1; part <= 10 && !::testing::Test::HasFailure(); ++part) {
    const KillReport report = kill_ranks({.victims = victims, .kills = 20, .kills_per_run = 10, .seed = part});
    if (report.kills == 0 && !::testing::Test::HasFailure()) GTEST_SKIP() << "no mpirun here";
    std::printf("%s\n", report.text().c_str());
    std::fflush(stdout);
    all.kills += report.kills;
    all.after_frames += report.after_frames;
  }
  EXPECT_EQ(all.kills, 200);
  EXPECT_GT(all.after_frames, 100) << "hardly a kill hit a job at work";
}

}  // namespace

TEST(KilledJobs, LoseNothingWhenOneRankIsKilledTwoHundredTimes) { kill_two_hundred(Victims::one_rank); }
TEST(KilledJobs, LoseNothingWhenAllRanksAreKilledTwoHundredTimes) { kill_two_hundred(Victims::all_ranks); }

}  // namespace haven::testing
