#include <gtest/gtest.h>

#include <map>
#include <set>

#include "core/error.hpp"
#include "io/dataset_split.hpp"

namespace haven {
namespace {

Frame frame_of(const std::string& trajectory, Index step, const std::string& group) {
  Frame frame;
  frame.trajectory = trajectory;
  frame.group = group;
  frame.source.index = step;
  return frame;
}

/// `runs` trajectories of `length` frames, every `stride` steps one.
std::vector<Frame> runs_of(int runs, Index length, Index stride, const std::string& group) {
  std::vector<Frame> frames;
  for (int run = 0; run < runs; ++run)
    for (Index k = 0; k < length; ++k) frames.push_back(frame_of(group + std::to_string(run), k * stride, group));
  return frames;
}

std::map<DatasetPart, Index> counts(const std::vector<DatasetPart>& parts) {
  std::map<DatasetPart, Index> result;
  for (const DatasetPart part : parts) ++result[part];
  return result;
}

/// The promise: frames of one trajectory in different parts are more than the gap apart.
void expect_no_leak(const std::vector<Frame>& frames, const std::vector<DatasetPart>& parts, Index gap) {
  for (std::size_t a = 0; a < frames.size(); ++a)
    for (std::size_t b = a + 1; b < frames.size(); ++b) {
      if (frames[a].trajectory != frames[b].trajectory || parts[a] == parts[b]) continue;
      if (parts[a] == DatasetPart::left_out || parts[b] == DatasetPart::left_out) continue;
      ASSERT_GT(std::abs(frames[a].source.index - frames[b].source.index), gap)
          << frames[a].trajectory << " steps " << frames[a].source.index << " and " << frames[b].source.index;
    }
}

class DatasetSplit : public ::testing::TestWithParam<std::uint64_t> {};

TEST_P(DatasetSplit, NeighboursInTimeNeverLieInDifferentParts) {
  for (const Index gap : {0, 1, 5, 40}) {
    auto frames = runs_of(1, 600, 1, "long");
    const auto thinned = runs_of(3, 80, 20, "thinned"), brief = runs_of(12, 5, 1, "short");
    frames.insert(frames.end(), thinned.begin(), thinned.end());
    frames.insert(frames.end(), brief.begin(), brief.end());
    const auto parts = split_dataset(frames, {.gap = gap, .seed = GetParam()});
    expect_no_leak(frames, parts, gap);
    auto n = counts(parts);
    EXPECT_GT(n[DatasetPart::valid], 40) << gap;
    EXPECT_GT(n[DatasetPart::test], 40) << gap;
    EXPECT_GT(n[DatasetPart::train], static_cast<Index>(frames.size()) / 3) << gap;  // wide gaps cost frames
    if (gap == 0) {
      EXPECT_EQ(n[DatasetPart::left_out], 0);
    }
  }
}

TEST_P(DatasetSplit, EveryGroupIsInEveryPart) {
  auto frames = runs_of(4, 50, 1, "a");
  const auto more = runs_of(20, 2, 1, "b");
  frames.insert(frames.end(), more.begin(), more.end());
  const auto parts = split_dataset(frames, {.gap = 2, .seed = GetParam()});
  std::map<std::string, std::set<DatasetPart>> seen;
  for (std::size_t k = 0; k < frames.size(); ++k) seen[frames[k].group].insert(parts[k]);
  for (const char* group : {"a", "b"})
    for (const DatasetPart part : {DatasetPart::train, DatasetPart::valid, DatasetPart::test})
      EXPECT_TRUE(seen[group].contains(part)) << group;
}

TEST_P(DatasetSplit, FramesOutOfOrderOrInSeveralGroupsDoNotLeakEither) {
  auto frames = runs_of(2, 300, 1, "x");
  std::reverse(frames.begin(), frames.end());
  for (std::size_t k = 0; k < frames.size(); k += 3) frames[k].group = "y";
  const auto parts = split_dataset(frames, {.gap = 4, .seed = GetParam()});
  expect_no_leak(frames, parts, 4);
}

TEST_P(DatasetSplit, IsAFunctionOfFramesAndSeed) {
  const auto frames = runs_of(3, 100, 1, "a");
  EXPECT_EQ(split_dataset(frames, {.seed = GetParam()}), split_dataset(frames, {.seed = GetParam()}));
  EXPECT_NE(split_dataset(frames, {.seed = GetParam()}), split_dataset(frames, {.seed = GetParam() + 77}));
}

INSTANTIATE_TEST_SUITE_P(Seeds, DatasetSplit, ::testing::Values(1, 2, 3));

TEST(DatasetSplitErrors, WhatCannotBeDividedIsRefused) {
  const auto one = runs_of(1, 30, 1, "a");
  EXPECT_THROW(static_cast<void>(split_dataset(one, {.gap = 100})), InputError);
  EXPECT_THROW(static_cast<void>(split_dataset(one, {.valid = 0.6, .test = 0.5})), ConfigError);
  EXPECT_THROW(static_cast<void>(split_dataset(one, {.valid = -0.1})), ConfigError);
  EXPECT_THROW(static_cast<void>(split_dataset(one, {.gap = -1})), ConfigError);
  const auto parts = split_dataset(one, {.valid = 0.2, .test = 0, .gap = 1});
  EXPECT_EQ(counts(parts).count(DatasetPart::test), 0U);
}

TEST(DatasetSplitErrors, FramesWithoutATrajectoryStandForThemselves) {
  std::vector<Frame> frames(40);
  const auto parts = split_dataset(frames, {.gap = 10});
  auto n = counts(parts);
  EXPECT_EQ(n[DatasetPart::valid], 4);
  EXPECT_EQ(n[DatasetPart::test], 4);
  EXPECT_EQ(n[DatasetPart::train], 32);
}

}  // namespace
}  // namespace haven
