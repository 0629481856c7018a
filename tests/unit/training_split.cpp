#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "core/error.hpp"
#include "training/split.hpp"

namespace haven {
namespace {

using namespace training;

std::vector<Frame> frames_of(const std::vector<std::pair<std::string, int>>& trajectories) {
  std::vector<Frame> frames;
  for (const auto& [name, count] : trajectories)
    for (int k = 0; k < count; ++k) {
      Frame frame;
      frame.trajectory = name;
      frames.push_back(frame);
    }
  return frames;
}

Index count(const std::vector<Part>& parts, Part part) { return std::count(parts.begin(), parts.end(), part); }

TEST(Split, KeepsManyShortTrajectoriesWhole) {
  std::vector<std::pair<std::string, int>> runs;
  for (int k = 0; k < 50; ++k) runs.emplace_back("run" + std::to_string(k), 4);
  const auto frames = frames_of(runs);
  const auto parts = split_frames(frames, 0.1, 0.1, 3);
  for (std::size_t f = 0; f < frames.size(); ++f) EXPECT_EQ(parts[f], parts[f / 4 * 4]) << f;
  EXPECT_EQ(count(parts, Part::valid), 20);
  EXPECT_EQ(count(parts, Part::test), 20);
}

TEST(Split, CutsASingleTrajectoryIntoBlocksInTime) {
  const auto parts = split_frames(frames_of({{"long", 400}}), 0.1, 0.0, 3);
  EXPECT_EQ(count(parts, Part::valid), 40);
  int changes = 0;
  for (std::size_t f = 1; f < parts.size(); ++f) changes += parts[f] != parts[f - 1] ? 1 : 0;
  EXPECT_LE(changes, 4);  // two blocks of twenty frames
}

TEST(Split, TreatsFramesWithoutTrajectoryAsIndependent) {
  const auto parts = split_frames(frames_of({{"", 200}}), 0.1, 0.0, 3);
  EXPECT_EQ(count(parts, Part::valid), 20);
  int changes = 0;
  for (std::size_t f = 1; f < parts.size(); ++f) changes += parts[f] != parts[f - 1] ? 1 : 0;
  EXPECT_GT(changes, 20);
}

TEST(Split, IsAFunctionOfTheSeed) {
  const auto frames = frames_of({{"", 100}});
  EXPECT_EQ(split_frames(frames, 0.2, 0.1, 5), split_frames(frames, 0.2, 0.1, 5));
  EXPECT_NE(split_frames(frames, 0.2, 0.1, 5), split_frames(frames, 0.2, 0.1, 6));
}

TEST(Split, GivesASmallFractionAtLeastOneFrame) {
  EXPECT_EQ(count(split_frames(frames_of({{"", 3}}), 0.1, 0.0, 1), Part::valid), 1);
}

TEST(Split, RefusesToLeaveNothingToTrainOn) {
  EXPECT_THROW((void)split_frames(frames_of({{"", 1}}), 0.1, 0.0, 1), InputError);
}

TEST(EpochPlan, HasEveryFrameOnce) {
  std::vector<Index> atoms;
  for (int k = 0; k < 103; ++k) atoms.push_back(k % 3 == 0 ? 400 : 50);
  std::multiset<int> seen;
  for (const Batch& batch : plan_epoch(atoms, {.batch_atoms = 512, .batch_frames = 4, .shards = 4, .seed = 1}, 0))
    for (const auto& shard : batch) seen.insert(shard.begin(), shard.end());
  EXPECT_EQ(seen.size(), atoms.size());
  EXPECT_EQ(std::set<int>(seen.begin(), seen.end()).size(), atoms.size());
}

TEST(EpochPlan, PutsFramesOfLikeSizeIntoABatchAndBalancesItsShards) {
  std::vector<Index> atoms;
  for (int k = 0; k < 80; ++k) atoms.push_back(k < 16 ? 400 : 50);
  for (const Batch& batch : plan_epoch(atoms, {.batch_atoms = 400, .batch_frames = 4, .shards = 4, .seed = 1}, 0)) {
    ASSERT_EQ(batch.size(), 4u);
    std::set<Index> sizes, loads;
    for (const auto& shard : batch) {
      Index load = 0;
      for (const int f : shard) {
        sizes.insert(atoms[static_cast<std::size_t>(f)]);
        load += atoms[static_cast<std::size_t>(f)];
      }
      loads.insert(load);
    }
    EXPECT_EQ(sizes.size(), 1u);
    EXPECT_EQ(loads.size(), 1u);
  }
}

TEST(EpochPlan, ChangesWithTheEpochAndRepeatsForTheSameOne) {
  const std::vector<Index> atoms(40, 10);
  const BatchRules rules{.batch_atoms = 40, .batch_frames = 1, .shards = 2, .seed = 9};
  EXPECT_EQ(plan_epoch(atoms, rules, 3), plan_epoch(atoms, rules, 3));
  EXPECT_NE(plan_epoch(atoms, rules, 3), plan_epoch(atoms, rules, 4));
}

}  // namespace
}  // namespace haven
