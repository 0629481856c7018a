#include <gtest/gtest.h>
#include <malloc.h>

#include <fstream>

#include "core/error.hpp"
#include "io/h5.hpp"
#include "io/trajectory.hpp"
#include "support/io_examples.hpp"
#include "support/shared_data.hpp"

namespace haven {
namespace {

using testing::example_frame;
using testing::example_header;
using testing::same;
using testing::TemporaryFolder;

std::vector<std::int64_t> steps_of(TrajectoryReader& reader) {
  std::vector<std::int64_t> steps;
  TrajectoryFrame frame;
  while (reader.next(frame)) {
    EXPECT_TRUE(same(frame, example_frame(frame.step))) << frame.step;
    steps.push_back(frame.step);
  }
  return steps;
}

/// Part of a run with frames of these steps.
void write_part(const TemporaryFolder& folder, int part, const std::vector<std::int64_t>& steps,
                std::int64_t supersedes_after, const std::string& stage = "prod") {
  PosixFileSystem files;
  TrajectoryWriter writer(files, folder.file(segment_name(part)), example_header(stage),
                          {.supersedes_after = supersedes_after});
  for (const std::int64_t step : steps) writer.append(example_frame(step));
  writer.close();
}

using Steps = std::vector<std::int64_t>;

TEST(Trajectory, FramesAndHeaderComeBackExactly) {
  const TemporaryFolder folder;
  write_part(folder, 1, {0, 5, 10, 15}, -1);
  TrajectoryReader reader(folder.path().string());
  EXPECT_EQ(reader.frames(), 4);
  EXPECT_EQ(steps_of(reader), (Steps{0, 5, 10, 15}));
  EXPECT_TRUE(reader.rejected().empty());
  EXPECT_FALSE(reader.has_velocities());
  const TrajectoryHeader expected = example_header(), &header = reader.header();
  EXPECT_EQ(header.numbers, expected.numbers);
  EXPECT_EQ(header.masses, expected.masses);
  EXPECT_EQ(header.ids, expected.ids);
  EXPECT_EQ(header.timestep_fs, expected.timestep_fs);
  EXPECT_EQ(header.frame_interval, expected.frame_interval);
  EXPECT_EQ(header.target_temperature, expected.target_temperature);
  EXPECT_EQ(header.stage, expected.stage);
  EXPECT_EQ(header.model_hash, expected.model_hash);
  EXPECT_EQ(header.run_id, expected.run_id);
  EXPECT_EQ(header.created_by, expected.created_by);
  reader.rewind();
  EXPECT_EQ(steps_of(reader).size(), 4U);
}

TEST(Trajectory, VelocitiesAndOpenBoundariesComeBack) {
  const TemporaryFolder folder;
  PosixFileSystem files;
  TrajectoryFrame frame = example_frame(7);
  frame.velocities = testing::random_vectors(99, frame.positions.size());
  frame.cell = Cell(frame.cell.vectors(), {true, true, false});
  {
    TrajectoryWriter writer(files, folder.file("a.h5"), example_header(),
                            {.velocities = true, .periodic = {true, true, false}});
    writer.append(frame);
    writer.close();
  }
  TrajectoryReader reader(folder.file("a.h5"));
  TrajectoryFrame read;
  EXPECT_TRUE(reader.has_velocities());
  ASSERT_TRUE(reader.next(read));
  EXPECT_TRUE(same(read, frame));
}

TEST(Trajectory, AFinishedFileOpensPlainly) {
  const TemporaryFolder folder;
  write_part(folder, 1, {0, 5}, -1);
  EXPECT_NO_THROW(static_cast<void>(h5::File::open(folder.file(segment_name(1)), h5::Access::plain)));
}

TEST(Trajectory, AFileBeingWrittenCanBeReadUpToItsLastFrame) {
  const TemporaryFolder folder;
  PosixFileSystem files;
  TrajectoryWriter writer(files, folder.file(segment_name(1)), example_header(), {});
  Steps expected;
  for (std::int64_t step = 0; step < 1500; step += 5) {
    writer.append(example_frame(step));
    expected.push_back(step);
    if (step % 250 != 0) continue;
    TrajectoryReader reader(folder.path().string());
    EXPECT_EQ(steps_of(reader), expected);
  }
}

/// T68. The library's own caches would take 1.2 MB for these frames, and go on growing; what remains is the first
/// filling of small ones. (Sanitizers have allocators of their own, which report nothing.)
TEST(Trajectory, ManyFramesDoNotFillTheMemory) {
  PosixFileSystem files;
  const TemporaryFolder folder;
  TrajectoryWriter writer(files, folder.file(segment_name(1)), example_header(), {});
  TrajectoryFrame frame = example_frame(0);
  const auto write = [&](std::int64_t last) {
    for (; frame.step <= last; ++frame.step) writer.append(frame);
  };
  write(200);
  const auto before = mallinfo2();
  write(10000);
  const auto after = mallinfo2();
  const auto used = [](const struct mallinfo2& m) { return static_cast<double>(m.uordblks + m.hblkhd); };
  EXPECT_LT(used(after) - used(before), 500e3);
}

TEST(Trajectory, LaterSegmentsHoldWhereTheyOverlap) {
  const TemporaryFolder folder;
  write_part(folder, 1, {0, 5, 10, 15, 20, 25}, -1);
  write_part(folder, 2, {15, 20}, 12);
  {
    TrajectoryReader reader(folder.path().string());
    EXPECT_EQ(steps_of(reader), (Steps{0, 5, 10, 15, 20}));
  }
  write_part(folder, 3, {10, 15, 20, 25, 30}, 7);
  TrajectoryReader reader(folder.path().string());
  EXPECT_EQ(steps_of(reader), (Steps{0, 5, 10, 15, 20, 25, 30}));
}

TEST(Trajectory, ASegmentWithoutFramesTakesNothingAway) {
  const TemporaryFolder folder;
  write_part(folder, 1, {0, 5, 10, 15}, -1);
  write_part(folder, 2, {}, 5);
  TrajectoryReader reader(folder.path().string());
  EXPECT_EQ(steps_of(reader), (Steps{0, 5, 10, 15}));
}

TEST(Trajectory, ARunFromTheBeginningVoidsWhatWasThere) {
  const TemporaryFolder folder;
  PosixFileSystem files;
  {
    TrajectoryWriter other(files, folder.file(segment_name(1)), example_header("prod", 6), {});
    other.append(example_frame(0, 6));
    other.append(example_frame(500, 6));
  }
  write_part(folder, 2, {0, 5}, -1);
  TrajectoryReader reader(folder.path().string());
  EXPECT_EQ(steps_of(reader), (Steps{0, 5}));
}

TEST(Trajectory, StagesAreSelectedByName) {
  const TemporaryFolder folder;
  write_part(folder, 1, {0, 5, 10}, -1, "equil");
  write_part(folder, 2, {10, 15}, 10, "prod");
  write_part(folder, 3, {15, 20}, 10, "prod");
  TrajectoryReader reader(folder.path().string());
  EXPECT_EQ(reader.stages(), (std::vector<std::string>{"equil", "prod"}));
  EXPECT_EQ(steps_of(reader), (Steps{0, 5, 10, 15, 20}));
  reader.select_stage("equil");
  EXPECT_EQ(steps_of(reader), (Steps{0, 5, 10}));
  reader.select_stage("prod");
  EXPECT_EQ(reader.header().stage, "prod");
  EXPECT_EQ(steps_of(reader), (Steps{10, 15, 20}));
  EXPECT_THROW(reader.select_stage("nvt"), InputError);
}

TEST(Trajectory, ADamagedFrameIsLeftOutAndNamed) {
  const TemporaryFolder folder;
  write_part(folder, 1, {0, 5, 10}, -1);
  const std::string path = folder.file(segment_name(1));
  // The x coordinate of atom 3 of the second frame, found by its bytes.
  const double x = example_frame(5).positions[3].x;
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  const std::size_t place = bytes.find(std::string(reinterpret_cast<const char*>(&x), sizeof x));
  ASSERT_NE(place, std::string::npos);
  file.clear();
  file.seekp(static_cast<std::streamoff>(place));
  file.put(static_cast<char>(bytes[place] ^ 1));
  file.close();
  TrajectoryReader reader(folder.path().string());
  EXPECT_EQ(steps_of(reader), (Steps{0, 10}));
  ASSERT_EQ(reader.rejected().size(), 1U);
  EXPECT_EQ(reader.rejected()[0].file, path);
  EXPECT_EQ(reader.rejected()[0].index, 1);
  EXPECT_EQ(reader.rejected()[0].step, 5);
}

TEST(Trajectory, SegmentsOfDifferentRunsAreNotJoined) {
  const TemporaryFolder folder;
  PosixFileSystem files;
  write_part(folder, 1, {0, 5}, -1);
  TrajectoryHeader other = example_header();
  other.model_hash = std::string(64, 'c');
  {
    TrajectoryWriter writer(files, folder.file(segment_name(2)), other, {.supersedes_after = 5});
    writer.append(example_frame(10));
  }
  EXPECT_THROW(TrajectoryReader(folder.path().string()), InputError);
}

TEST(Trajectory, AFolderWithoutTrajectoryAndAForeignFileAreErrors) {
  const TemporaryFolder folder;
  EXPECT_THROW(TrajectoryReader(folder.path().string()), InputError);
  std::ofstream(folder.file("text")) << "hello";
  EXPECT_THROW(TrajectoryReader(folder.file("text")), InputError);
  EXPECT_THROW(TrajectoryReader(folder.file("absent")), IoError);
}

TEST(Trajectory, FramesThatDoNotFollowOrFitAreRefused) {
  const TemporaryFolder folder;
  PosixFileSystem files;
  TrajectoryWriter writer(files, folder.file("a.h5"), example_header(), {});
  writer.append(example_frame(5));
  EXPECT_THROW(writer.append(example_frame(5)), InternalError);
  EXPECT_THROW(writer.append(example_frame(10, 19)), InternalError);
  EXPECT_NO_THROW(writer.append(example_frame(10)));
}

}  // namespace
}  // namespace haven
