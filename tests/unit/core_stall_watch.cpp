#include <gtest/gtest.h>

#include <chrono>
#include <future>

#include "core/stall_watch.hpp"

namespace haven::testing {

/// Whoever waits hears once, with the last place that was reported. The test waits for the call, not for a time.
TEST(StallWatch, SaysWhereTheWorkStoppedMoving) {
  std::promise<std::string> heard;
  StallWatch watch(0.05, [&](const std::string& place) { heard.set_value(place); });
  watch.report(12, "forces");
  EXPECT_EQ(heard.get_future().get(), "step 12 (forces)");
}

TEST(StallWatch, IsSilentWhenOffAndWhenTheWorkEnds) {
  const auto never = [](const std::string&) { FAIL(); };
  StallWatch off(0, never);
  off.report(1, "forces");
  const StallWatch ends(3600, never);
}

}  // namespace haven::testing
