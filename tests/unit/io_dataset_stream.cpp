#include <gtest/gtest.h>

#include <filesystem>

#include "core/error.hpp"
#include "io/frame_spool.hpp"
#include "support/failing_file_system.hpp"
#include "support/file_bytes.hpp"
#include "support/shared_data.hpp"
#include "support/vasp_writer.hpp"

namespace haven {
namespace {

std::vector<Frame> varied_frames() {
  auto frames = testing::made_up_frames(6, 81);
  frames[0].structure.velocities.assign(5, Vec3{1e-3, 0.1, -1.0 / 3.0});
  frames[0].group = "hot";
  frames[1].stress.reset();
  frames[1].temperature = 600.5;
  frames[2].energy.reset();
  frames[2].forces.clear();
  frames[2].structure.cell = Cell(frames[2].structure.cell.vectors(), {true, false, true});
  frames[3].weight = 2.5;
  frames[3].source = {.path = "a/OUTCAR", .index = 7, .code = "VASP 6.4.2", .sha256 = std::string(64, 'a')};
  frames[3].source.settings = std::make_shared<const std::string>("ENCUT = 400\n");
  frames[4].source = frames[3].source;
  return frames;
}

TEST(FrameSpool, GivesFramesBackBitForBitAsOftenAsAsked) {
  const testing::TemporaryFolder folder;
  PosixFileSystem files;
  FrameSpool spool(files, folder.path().string());
  EXPECT_TRUE(std::filesystem::is_empty(folder.path())) << "the file has no name";
  const auto frames = varied_frames();
  for (const Frame& frame : frames) spool.append(frame);
  EXPECT_EQ(spool.size(), 6);
  EXPECT_TRUE(spool.has_provenance());
  for (int pass = 0; pass < 2; ++pass) {
    std::vector<Frame> back;
    spool.each([&](const Frame& frame) { back.push_back(frame); });
    ASSERT_EQ(back.size(), frames.size());
    EXPECT_EQ(dataset_hash(back), dataset_hash(frames));
    EXPECT_EQ(back[3].source.settings, frames[3].source.settings);
    EXPECT_EQ(back[2].structure.cell, frames[2].structure.cell);
  }
}

TEST(FrameSpool, DatasetsFromDiskAndFromMemoryAreTheSameFile) {
  const testing::TemporaryFolder folder;
  PosixFileSystem files;
  FrameSpool spool(files, folder.path().string());
  std::vector<Frame> frames;
  // More than one block of the spool and of the dataset's atoms.
  for (unsigned seed = 0; seed < 1500; ++seed)
    for (Frame& frame : varied_frames()) {
      frame.source.index = seed;
      spool.append(frame);
      frames.push_back(std::move(frame));
    }
  const DatasetInfo info{.created_by = "test", .import_report = "{}"};
  write_dataset(files, folder.file("disk.h5"), spool, info);
  write_dataset(files, folder.file("memory.h5"), std::span<const Frame>(frames), info);
  EXPECT_EQ(testing::bytes_of(folder.file("disk.h5")), testing::bytes_of(folder.file("memory.h5")));
  const Dataset back = read_dataset(folder.file("disk.h5"));
  EXPECT_EQ(back.hash, dataset_hash(spool));
  EXPECT_EQ(back.frames.size(), frames.size());
  EXPECT_EQ(back.frames[8999].structure.positions, frames[8999].structure.positions);
}

TEST(FrameSpool, AnEmptyOneIsAnEmptyDataset) {
  const testing::TemporaryFolder folder;
  PosixFileSystem files;
  FrameSpool spool(files, folder.path().string());
  EXPECT_EQ(dataset_hash(spool), dataset_hash(std::vector<Frame>{}));
  write_dataset(files, folder.file("empty.h5"), spool, {.created_by = "test", .import_report = "{}"});
  EXPECT_TRUE(read_dataset(folder.file("empty.h5")).frames.empty());
}

TEST(FrameSpool, AFolderThatIsNotThereIsAnError) {
  PosixFileSystem files;
  EXPECT_THROW(FrameSpool(files, "/absent/folder"), IoError);
}

}  // namespace
}  // namespace haven
