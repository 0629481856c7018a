#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <filesystem>

#include "core/error.hpp"
#include "core/rng.hpp"
#include "io/extxyz.hpp"
#include "io/position_reader.hpp"
#include "io/trajectory_export.hpp"
#include "support/file_bytes.hpp"
#include "support/shared_data.hpp"

// What is written is read back by the readers of these formats, which are tested with files of the programs themselves.
namespace haven::testing {
namespace {

std::vector<TrajectoryFrame> frames() {
  RandomSequence random(5, Stream::test, 2);
  std::vector<TrajectoryFrame> frames;
  for (int k = 0; k < 4; ++k) {
    const double stretch = 1 + 0.01 * k;
    TrajectoryFrame frame{.step = 100 + 50 * k,
                          .time_fs = 2.0 * (100 + 50 * k),
                          .cell = Cell({{{{6 * stretch, 1, 0.5}, {-2, 7, 0.3}, {0.4, -1, 8}}}}),
                          .positions = {},
                          .velocities = {}};
    for (int i = 0; i < 5; ++i) {
      frame.positions.push_back({30 * random.normal(), 30 * random.normal(), 30 * random.normal()});
      frame.velocities.push_back({0.01 * random.normal(), 0.01 * random.normal(), 0.01 * random.normal()});
    }
    frames.push_back(frame);
  }
  return frames;
}

const ExportHeader header{.numbers = {3, 16, 3, 15, 16}, .frame_interval_fs = 100, .created_by = "haven test"};

std::string exported(const TemporaryFolder& folder, const std::string& name, ExportFormat format,
                     const std::vector<TrajectoryFrame>& content) {
  PosixFileSystem files;
  const auto exporter = make_exporter(files, folder.file(name), format, header);
  for (const TrajectoryFrame& frame : content) exporter->append(frame, {});
  EXPECT_FALSE(std::filesystem::exists(folder.file(name)));
  exporter->finish();
  EXPECT_FALSE(std::filesystem::exists(folder.file(name + ".tmp")));
  return folder.file(name);
}

/// Distances within the frame and to the cell do not change when a crystal is turned.
void expect_same_geometry(const PositionFrame& found, const TrajectoryFrame& expected, double tolerance) {
  ASSERT_EQ(found.positions.size(), expected.positions.size());
  EXPECT_NEAR(found.cell.volume(), expected.cell.volume(), tolerance * expected.cell.volume());
  for (std::size_t i = 0; i < found.positions.size(); ++i)
    for (std::size_t j = 0; j < found.positions.size(); ++j) {
      const Vec3 s = found.cell.to_fractional(found.positions[i] - found.positions[j]),
                 t = expected.cell.to_fractional(expected.positions[i] - expected.positions[j]);
      EXPECT_LT(norm(s - t), 10 * tolerance);
      EXPECT_NEAR(norm(found.positions[i] - found.positions[j]), norm(expected.positions[i] - expected.positions[j]),
                  100 * tolerance);
    }
}

}  // namespace

TEST(TrajectoryExport, ExtendedXyzKeepsEveryBit) {
  const TemporaryFolder folder;
  const auto expected = frames();
  ExtxyzReader reader(exported(folder, "t.xyz", ExportFormat::extxyz, expected));
  for (const TrajectoryFrame& frame : expected) {
    const auto found = reader.next();
    ASSERT_TRUE(found);
    EXPECT_EQ(found->structure.numbers, header.numbers);
    EXPECT_EQ(found->structure.positions, frame.positions);
    EXPECT_EQ(found->structure.velocities, frame.velocities);
    EXPECT_EQ(found->structure.cell.vectors(), frame.cell.vectors());
  }
  EXPECT_FALSE(reader.next());
}

TEST(TrajectoryExport, LammpsDumpIsTheTurnedCrystal) {
  const TemporaryFolder folder;
  const auto expected = frames();
  const auto reader = open_lammps_dump(exported(folder, "t.lammpstrj", ExportFormat::lammps_dump, expected), {});
  PositionFrame found;
  for (const TrajectoryFrame& frame : expected) {
    ASSERT_TRUE(reader->next(found));
    EXPECT_TRUE(reader->unwrapped());
    EXPECT_EQ(reader->numbers(), header.numbers);
    EXPECT_EQ(found.step, frame.step);
    ASSERT_TRUE(found.time_fs);
    EXPECT_NEAR(*found.time_fs, frame.time_fs, 1e-9);
    expect_same_geometry(found, frame, 1e-13);
    ASSERT_EQ(found.velocities.size(), frame.velocities.size());
    for (std::size_t i = 0; i < found.velocities.size(); ++i)
      EXPECT_NEAR(dot(found.velocities[i], found.positions[i]), dot(frame.velocities[i], frame.positions[i]), 1e-10);
  }
  EXPECT_FALSE(reader->next(found));
}

TEST(TrajectoryExport, DcdIsTheTurnedCrystalInSinglePrecision) {
  const TemporaryFolder folder;
  const auto expected = frames();
  const std::string path = exported(folder, "t.dcd", ExportFormat::dcd, expected);
  const auto reader = open_dcd(path, {});
  PositionFrame found;
  for (const TrajectoryFrame& frame : expected) {
    ASSERT_TRUE(reader->next(found));
    expect_same_geometry(found, frame, 1e-6);
  }
  EXPECT_FALSE(reader->next(found));
  const std::string bytes = bytes_of(path);
  std::int32_t count = 0;
  std::memcpy(&count, bytes.data() + 8, sizeof count);
  EXPECT_EQ(count, 4);  // the head says how many frames there are
}

TEST(TrajectoryExport, OfAnOrthogonalCellHasNoTilts) {
  const TemporaryFolder folder;
  auto one = frames();
  one.resize(1);
  one[0].cell = Cell({{{{5, 0, 0}, {0, 6, 0}, {0, 0, 7}}}});
  one[0].velocities.clear();
  const std::string text = bytes_of(exported(folder, "t.dump", ExportFormat::lammps_dump, one));
  EXPECT_NE(text.find("ITEM: BOX BOUNDS pp pp pp\n0 5\n0 6\n0 7\n"), std::string::npos) << text;
  EXPECT_NE(text.find("ITEM: ATOMS id type element xu yu zu\n1 1 Li"), std::string::npos) << text;
}

/// What is not finished leaves nothing behind; a left-handed cell has no place in LAMMPS and DCD.
TEST(TrajectoryExport, LeavesNothingHalfWritten) {
  const TemporaryFolder folder;
  PosixFileSystem files;
  auto content = frames();
  std::swap(content[1].cell, content[0].cell);
  content[1].cell = Cell({{{{-6, 1, 0.5}, {-2, 7, 0.3}, {0.4, -1, 8}}}});
  for (const ExportFormat format : {ExportFormat::lammps_dump, ExportFormat::dcd}) {
    const auto exporter = make_exporter(files, folder.file("t"), format, header);
    exporter->append(content[0], {});
    EXPECT_THROW(exporter->append(content[1], {}), InputError);
  }
  EXPECT_FALSE(std::filesystem::exists(folder.file("t")));
  EXPECT_FALSE(std::filesystem::exists(folder.file("t.tmp")));
}

}  // namespace haven::testing
