#include <gtest/gtest.h>

#include "core/local_rank.hpp"
#include "parallel/md_world.hpp"

namespace haven::testing {
namespace {

// All ranks of the tests are on one machine.
TEST(LocalRank, CountsTheRanksOfAMachine) { EXPECT_EQ(local_rank(world()), world().rank()); }

}  // namespace
}  // namespace haven::testing
