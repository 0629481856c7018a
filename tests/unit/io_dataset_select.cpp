#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <set>

#include "core/error.hpp"
#include "io/dataset_select.hpp"
#include "support/vasp_writer.hpp"

namespace haven {
namespace {

using testing::made_up_frames;

FrameFeatures points(std::vector<float> values, std::size_t columns) {
  return {.columns = columns, .values = std::move(values)};
}

TEST(FarthestPoints, TakesOneOfEachClusterBeforeASecondOfAny) {
  // Three clusters in the plane.
  const FrameFeatures features =
      points({0, 0, 0.1F, 0, 0, 0.1F, 10, 0, 10.1F, 0, 10, 0.1F, 0, 10, 0.1F, 10, 0, 10.1F}, 2);
  const Selection selection = farthest_points(features, 3);
  std::set<std::size_t> clusters;
  for (const std::size_t k : selection.frames) clusters.insert(k / 3);
  EXPECT_EQ(clusters.size(), 3U);
  EXPECT_LT(selection.left, 0.2);
  EXPECT_EQ(selection.distance[0], 0.0);
  EXPECT_GT(selection.distance[2], 9.0);
}

TEST(FarthestPoints, CoversTheSetWithinTwiceTheBestRadius) {
  // Gonzalez (1985): the covering radius is at most twice the optimum, which for 4 of 8 points on a circle is one chord
  // between neighbours.
  std::vector<float> circle;
  for (int k = 0; k < 8; ++k) {
    circle.push_back(static_cast<float>(std::cos(k * std::numbers::pi / 4)));
    circle.push_back(static_cast<float>(std::sin(k * std::numbers::pi / 4)));
  }
  const Selection selection = farthest_points(points(circle, 2), 4);
  EXPECT_LE(selection.left, 2 * 2 * std::sin(std::numbers::pi / 8) + 1e-6);
}

TEST(FarthestPoints, KnownFramesCountAsChosen) {
  const FrameFeatures features = points({0, 10, 0.1F, 9.9F, 5, 4.9F}, 1);
  const Selection selection = farthest_points(features, 1, 2);
  ASSERT_EQ(selection.frames.size(), 1U);
  EXPECT_EQ(selection.frames[0], 4U);  // halfway between the known ones
  EXPECT_NEAR(selection.distance[0], 5.0, 1e-6);
}

TEST(FarthestPoints, NeverTakesAFrameTwiceAndRefusesTooMany) {
  const FrameFeatures features = points({1, 1, 1, 2}, 1);
  const Selection selection = farthest_points(features, 4);
  EXPECT_EQ(std::set<std::size_t>(selection.frames.begin(), selection.frames.end()).size(), 4U);
  EXPECT_THROW(static_cast<void>(farthest_points(features, 5)), ConfigError);
  EXPECT_THROW(static_cast<void>(farthest_points(features, 0)), ConfigError);
  EXPECT_THROW(static_cast<void>(farthest_points(features, 2, 3)), ConfigError);
}

/// Rotated, shifted, atoms of each element in another order: the same material for the descriptor.
Frame disguised(const Frame& frame) {
  const double c = std::cos(0.7), s = std::sin(0.7);
  const Mat3 rotation{{{{c, s, 0}, {-s, c, 0}, {0, 0, 1}}}};
  Frame result = frame;
  result.structure.cell = Cell(frame.structure.cell.vectors() * rotation);
  for (Vec3& r : result.structure.positions) r = r * rotation + Vec3{1, 2, 3};
  std::swap(result.structure.positions[0], result.structure.positions[1]);
  return result;
}

TEST(FrameFeatures, DoNotDependOnRotationShiftOrOrderOfAtoms) {
  auto frames = made_up_frames(4, 31);
  ASSERT_EQ(frames[0].structure.numbers[0], frames[0].structure.numbers[1]);
  for (std::size_t k = 0; k < 4; ++k) {
    // Larger steps than the made-up trajectory takes, so that frames differ by more than rounding.
    frames[k].structure.positions[0].x += 0.3 * static_cast<double>(k);
    frames.push_back(disguised(frames[k]));
  }
  const FrameFeatures features = frame_features(frames);
  ASSERT_GT(features.columns, 20U);
  for (std::size_t k = 0; k < 4; ++k)
    for (std::size_t c = 0; c < features.columns; ++c)
      EXPECT_NEAR(features.row(k)[c], features.row(k + 4)[c], 2e-4) << k << " " << c;
}

TEST(FrameFeatures, SelectionFindsTheFrameThatIsDifferent) {
  auto frames = made_up_frames(12, 32);
  for (std::size_t k = 1; k < frames.size(); ++k) {
    frames[k].structure = frames[0].structure;
    frames[k].structure.positions[0].x += 1e-3 * static_cast<double>(k);
  }
  frames[7].structure.positions[2] += Vec3{0.6, -0.4, 0.5};
  const FrameFeatures features = frame_features(frames);
  const Selection selection = farthest_points(features, 2);
  EXPECT_EQ(selection.frames[1], 7U);
  EXPECT_EQ(farthest_points(frame_features(frames), 5).frames, farthest_points(features, 5).frames);
}

TEST(FrameFeatures, FramesWithoutAtomsAreRefused) {
  std::vector<Frame> frames(1);
  EXPECT_THROW(static_cast<void>(frame_features(frames)), InputError);
}

}  // namespace
}  // namespace haven
