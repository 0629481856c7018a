#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>

#include "core/error.hpp"
#include "core/rng.hpp"
#include "io/dataset_file.hpp"
#include "io/h5_library.hpp"
#include "support/failing_file_system.hpp"
#include "support/shared_data.hpp"

namespace haven {
namespace {

using testing::TemporaryFolder;

Vec3 random_vector(RandomSequence& random) { return {random.normal(), random.normal(), random.normal()}; }

Frame random_frame(std::uint64_t seed, int atoms) {
  RandomSequence random(seed, Stream::test, 0);
  Frame frame;
  const Mat3 cell{{{random_vector(random) + Vec3{9, 0, 0}, random_vector(random) + Vec3{0, 9, 0},
                    random_vector(random) + Vec3{0, 0, 9}}}};
  frame.structure.cell = Cell(cell, {true, seed % 2 == 0, seed % 3 == 0});
  for (int i = 0; i < atoms; ++i) {
    frame.structure.numbers.push_back(1 + static_cast<int>(random.below(118)));
    frame.structure.positions.push_back(random_vector(random));
    if (seed % 3 == 1) frame.structure.velocities.push_back(random_vector(random));
    if (seed % 4 != 2) frame.forces.push_back(random_vector(random));
  }
  if (seed % 5 != 3) frame.energy = random.normal();
  if (seed % 2 == 1) frame.stress = Mat3{{{random_vector(random), random_vector(random), random_vector(random)}}};
  if (seed % 3 == 2) frame.temperature = 300.0 + random.uniform();
  frame.group = seed % 2 == 0 ? "aimd_600K" : "";
  frame.trajectory = "run " + std::to_string(seed / 4);
  frame.weight = random.uniform();
  frame.source = {"folder/OUTCAR." + std::to_string(seed % 5), static_cast<Index>(seed),
                  seed % 2 == 0 ? "VASP 5.4.4" : ""};
  return frame;
}

std::vector<Frame> random_frames(std::uint64_t count) {
  std::vector<Frame> frames;
  for (std::uint64_t k = 0; k < count; ++k) frames.push_back(random_frame(k, static_cast<int>(k % 7)));
  return frames;
}

void expect_equal(const Frame& a, const Frame& b) {
  EXPECT_EQ(a.structure.cell, b.structure.cell);
  EXPECT_EQ(a.structure.numbers, b.structure.numbers);
  EXPECT_EQ(a.structure.positions, b.structure.positions);
  EXPECT_EQ(a.structure.velocities, b.structure.velocities);
  EXPECT_EQ(a.energy, b.energy);
  EXPECT_EQ(a.forces, b.forces);
  EXPECT_EQ(a.stress, b.stress);
  EXPECT_EQ(a.temperature, b.temperature);
  EXPECT_EQ(a.group, b.group);
  EXPECT_EQ(a.trajectory, b.trajectory);
  EXPECT_EQ(a.weight, b.weight);
  EXPECT_EQ(a.source.path, b.source.path);
  EXPECT_EQ(a.source.index, b.source.index);
  EXPECT_EQ(a.source.code, b.source.code);
}

TEST(Dataset, EveryMemberOfEveryFrameComesBackExactly) {
  const TemporaryFolder folder;
  const std::vector<Frame> frames = random_frames(60);
  const DatasetInfo info{
      "haven 0.1", R"({"kept": 60, "rejected": 0})", {{"command", "haven data import"}, {"note", ""}}};
  write_dataset(folder.file("set.h5"), frames, info);
  const Dataset read = read_dataset(folder.file("set.h5"));
  ASSERT_EQ(read.frames.size(), frames.size());
  for (std::size_t k = 0; k < frames.size(); ++k) expect_equal(read.frames[k], frames[k]);
  EXPECT_EQ(read.info, info);
  EXPECT_EQ(read.hash, dataset_hash(frames));
}

TEST(Dataset, AnEmptyDatasetIsADataset) {
  const TemporaryFolder folder;
  write_dataset(folder.file("set.h5"), {}, {});
  EXPECT_TRUE(read_dataset(folder.file("set.h5")).frames.empty());
}

TEST(Dataset, TheHashNoticesEveryChangeAndNothingElse) {
  const std::vector<Frame> frames = random_frames(8);
  const std::string hash = dataset_hash(frames);
  const auto changed = [&](auto change) {
    std::vector<Frame> copy = frames;
    change(copy);
    return dataset_hash(copy);
  };
  EXPECT_EQ(hash, changed([](auto&) {}));
  EXPECT_NE(hash,
            changed([](auto& f) { f[5].structure.positions[0].x = std::nextafter(f[5].structure.positions[0].x, 9); }));
  EXPECT_NE(hash, changed([](auto& f) { f[1].energy.reset(); }));
  EXPECT_NE(hash, changed([](auto& f) { f[1].stress.reset(); }));
  EXPECT_NE(hash, changed([](auto& f) { f[1].forces.clear(); }));
  EXPECT_NE(hash, changed([](auto& f) { f[1].group = "b"; }));
  EXPECT_NE(hash, changed([](auto& f) { f[1].weight += 1; }));
  EXPECT_NE(hash, changed([](auto& f) { std::swap(f[0], f[1]); }));
}

TEST(Dataset, ValuesThatAreNotFiniteAreRefusedByFrame) {
  const TemporaryFolder folder;
  std::vector<Frame> frames = random_frames(6);
  frames[5].forces[2].y = std::numeric_limits<double>::infinity();
  try {
    write_dataset(folder.file("set.h5"), frames, {});
    FAIL() << "an infinite force was accepted";
  } catch (const InputError& error) {
    EXPECT_NE(error.where().find("frame 5"), std::string::npos);
  }
  EXPECT_FALSE(std::filesystem::exists(folder.file("set.h5")));
  frames[5].forces.pop_back();
  EXPECT_THROW(write_dataset(folder.file("set.h5"), frames, {}), InputError);
}

TEST(Dataset, AChangedByteAnywhereIsNoticedOrMeansNothing) {
  const TemporaryFolder folder;
  const std::vector<Frame> frames = random_frames(12);
  write_dataset(folder.file("set.h5"), frames, {"haven", "", {}});
  std::ifstream in(folder.file("set.h5"), std::ios::binary);
  const std::string good{std::istreambuf_iterator<char>(in), {}};
  RandomSequence random(3, Stream::test, 0);
  int refused = 0;
  for (int k = 0; k < 300; ++k) {
    std::string bad = good;
    bad[random.below(bad.size())] ^= static_cast<char>(1 << random.below(8));
    std::filesystem::remove(folder.file("bad.h5"));
    std::ofstream(folder.file("bad.h5"), std::ios::binary) << bad;
    try {
      EXPECT_EQ(dataset_hash(read_dataset(folder.file("bad.h5")).frames), dataset_hash(frames));
    } catch (const InputError&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, 100);
}

/// The checksum covers the numbers alone: whoever converts them in place, or takes the unit away, is asked.
TEST(Dataset, NumbersInAnotherUnitAreRefused) {
  const TemporaryFolder folder;
  const std::string path = folder.file("set.h5");
  for (const char* name : {"/frames/cell", "/frames/energy", "/frames/stress", "/frames/temperature", "/atoms/position",
                           "/atoms/force", "/atoms/velocity"})
    for (const std::string unit : {"kbar", ""}) {
      write_dataset(path, random_frames(4), {});
      {
        const h5::Id file(H5Fopen(path.c_str(), H5F_ACC_RDWR, H5P_DEFAULT));
        const h5::Id data(H5Dopen2(file.get(), name, H5P_DEFAULT));
        ASSERT_GE(H5Adelete(data.get(), "unit"), 0) << name;
        const h5::Id type(H5Tcopy(H5T_C_S1)), space(H5Screate(H5S_SCALAR));
        if (!unit.empty()) {
          H5Tset_size(type.get(), unit.size());
          H5Tset_cset(type.get(), H5T_CSET_UTF8);
          const h5::Id attribute(H5Acreate2(data.get(), "unit", type.get(), space.get(), H5P_DEFAULT, H5P_DEFAULT));
          ASSERT_GE(H5Awrite(attribute.get(), type.get(), unit.data()), 0);
        }
      }
      try {
        static_cast<void>(read_dataset(path));
        ADD_FAILURE() << name << " in '" << unit << "' is taken";
      } catch (const InputError& error) {
        EXPECT_NE(error.summary().find("the unit of " + std::string(name) + " is '" + unit + "', not '"),
                  std::string::npos)
            << error.what();
      }
    }
}

TEST(Dataset, AFailingDiskLeavesTheOldDataset) {
  const TemporaryFolder folder;
  const std::vector<Frame> old_frames = random_frames(3), new_frames = random_frames(9);
  write_dataset(folder.file("set.h5"), old_frames, {});
  bool finished = false;
  for (int call = 1; !finished; ++call) {
    testing::FailingFileSystem files({.call = call, .error = EIO});
    try {
      write_dataset(files, folder.file("set.h5"), new_frames, {});
      finished = !files.failed();
      EXPECT_TRUE(finished) << files.failed_call();
    } catch (const IoError&) {
      const std::string expected = dataset_hash(files.failed_call() == "sync_folder" ? new_frames : old_frames);
      EXPECT_EQ(read_dataset(folder.file("set.h5")).hash, expected) << files.failed_call();
    }
  }
}

TEST(Dataset, OtherFilesAreRefused) {
  const TemporaryFolder folder;
  std::ofstream(folder.file("text")) << "hello";
  EXPECT_THROW(static_cast<void>(read_dataset(folder.file("text"))), InputError);
  EXPECT_THROW(static_cast<void>(read_dataset(folder.file("absent"))), IoError);
}

}  // namespace
}  // namespace haven
