#include <gtest/gtest.h>

#include "core/error.hpp"
#include "io/checkpoint.hpp"
#include "io/dataset_file.hpp"
#include "io/h5_library.hpp"
#include "io/position_reader.hpp"
#include "io/sha256.hpp"
#include "io/trajectory.hpp"
#include "io/vaspout.hpp"
#include "support/h5md_example.hpp"
#include "support/io_examples.hpp"
#include "support/reader_examples.hpp"
#include "support/shared_data.hpp"
#include "support/vasp_writer.hpp"

/// HDF5 files whose arrays claim a terabyte that is not there are refused before memory for it is asked for.
namespace haven {
namespace {

constexpr hsize_t terabyte = hsize_t{1} << 37U;  // numbers of 8 bytes

enum class Storage { contiguous, chunked };

/// Puts an empty array of `rows` rows (other extents and the type stay) in the place of an array of the file.
void claim(const std::string& path, const std::string& name, hsize_t rows, Storage storage) {
  const h5::Id file(H5Fopen(path.c_str(), H5F_ACC_RDWR, H5P_DEFAULT));
  ASSERT_GE(file.get(), 0) << path;
  std::vector<hsize_t> shape(8);
  h5::Id type;
  {
    const h5::Id old(H5Dopen2(file.get(), name.c_str(), H5P_DEFAULT));
    ASSERT_GE(old.get(), 0) << name;
    type = h5::Id(H5Dget_type(old.get()));
    const h5::Id space(H5Dget_space(old.get()));
    shape.resize(static_cast<std::size_t>(H5Sget_simple_extent_ndims(space.get())));
    H5Sget_simple_extent_dims(space.get(), shape.data(), nullptr);
  }
  shape.at(0) = rows;
  ASSERT_GE(H5Ldelete(file.get(), name.c_str(), H5P_DEFAULT), 0);
  const h5::Id list(H5Pcreate(H5P_DATASET_CREATE));
  if (storage == Storage::chunked) {
    std::vector<hsize_t> chunk = shape;
    chunk[0] = 1024;
    H5Pset_chunk(list.get(), static_cast<int>(chunk.size()), chunk.data());
  }
  const h5::Id space(H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr));
  const h5::Id data(
      H5Dcreate2(file.get(), name.c_str(), type.get(), space.get(), H5P_DEFAULT, list.get(), H5P_DEFAULT));
  ASSERT_GE(data.get(), 0);
}

/// Makes the file anew for each array, and expects that reading it is refused.
template <class Make, class Read>
void expect_refused(const std::vector<std::string>& arrays, Make make, Read read) {
  for (const std::string& name : arrays)
    for (const Storage storage : {Storage::contiguous, Storage::chunked}) {
      const testing::TemporaryFolder folder;
      const std::string path = make(folder);
      claim(path, name, terabyte, storage);
      EXPECT_THROW(read(path), InputError) << name << (storage == Storage::chunked ? ", chunked" : ", contiguous");
    }
}

TEST(HugeClaims, OfADataset) {
  expect_refused(
      {"/frames/offset", "/frames/cell", "/frames/energy", "/atoms/number", "/atoms/position", "/atoms/velocity",
       "/names/source"},
      [](const testing::TemporaryFolder& folder) {
        const std::string path = folder.file("set.h5");
        write_dataset(path, testing::made_up_frames(3, 5), {.created_by = "test", .import_report = "{}"});
        return path;
      },
      [](const std::string& path) { static_cast<void>(read_dataset(path)); });
}

/// Steps are read one by one, so a claimed number of them asks for no memory; the shortest array counts.
TEST(HugeClaims, OfAVaspout) {
  for (const char* name : {"/intermediate/ion_dynamics/energies", "/intermediate/ion_dynamics/forces",
                           "/intermediate/ion_dynamics/position_ions", "/intermediate/ion_dynamics/lattice_vectors"})
    for (const Storage storage : {Storage::contiguous, Storage::chunked}) {
      const testing::TemporaryFolder folder;
      const std::string path = folder.file("vaspout.h5");
      testing::write_vaspout(path, testing::made_up_frames(3, 6));
      claim(path, name, terabyte, storage);
      int steps = 0;
      try {
        const auto reader = open_vaspout(path);
        while (reader->next()) ++steps;
        EXPECT_TRUE(reader->ending().dropped_step) << name;
      } catch (const InputError& error) {
        EXPECT_FALSE(error.remedy().empty()) << name;
      }
      EXPECT_LE(steps, 3) << name;
    }
  expect_refused(
      {"/results/positions/number_ion_types"},
      [](const testing::TemporaryFolder& folder) {
        const std::string path = folder.file("vaspout.h5");
        testing::write_vaspout(path, testing::made_up_frames(3, 6));
        return path;
      },
      [](const std::string& path) { static_cast<void>(open_vaspout(path)->next()); });
}

TEST(HugeClaims, OfATrajectory) {
  expect_refused(
      {"/particles/all/species", "/particles/all/mass", "/particles/all/id"},
      [](const testing::TemporaryFolder& folder) {
        PosixFileSystem files;
        const std::string path = folder.file(segment_name(1));
        TrajectoryWriter writer(files, path, testing::example_header("prod", 4), {});
        writer.append(testing::example_frame(5, 4));
        writer.close();
        return path;
      },
      [](const std::string& path) {
        TrajectoryReader reader(path);
        TrajectoryFrame frame;
        for (int frames = 0; frames < 10 && reader.next(frame); ++frames) {
        }
      });
}

/// With a checksum that fits what was changed.
TEST(HugeClaims, OfACheckpoint) {
  for (const char* name : {"/atoms/number", "/atoms/mass", "/atoms/position", "/atoms/velocity", "/variables/offset",
                           "/variables/value", "/variables/name"})
    for (const Storage storage : {Storage::contiguous, Storage::chunked}) {
      const testing::TemporaryFolder folder;
      const std::string path = folder.file("checkpoint.h5");
      PosixFileSystem files;
      write_checkpoint(files, path, testing::example_state(10));
      constexpr std::size_t seal = std::string_view("haven-sha256 ").size() + 64 + 1;
      std::vector<std::byte> bytes = read_file(files, path);
      bytes.resize(bytes.size() - seal);
      write_file_atomically(files, path, bytes);
      ASSERT_NO_FATAL_FAILURE(claim(path, name, terabyte, storage)) << name;
      bytes = read_file(files, path);
      const std::string fits = "haven-sha256 " + sha256_hex(bytes) + "\n";
      OutputFile(files, path, OpenMode::update).append(fits);
      EXPECT_THROW(static_cast<void>(read_checkpoint(path)), InputError) << name;
    }
}

TEST(HugeClaims, OfAForeignTrajectory) {
  const Cell cell(Mat3{{{{9, 0, 0}, {0, 9, 0}, {0, 0, 9}}}});
  expect_refused(
      {"/particles/atoms/species"},
      [&](const testing::TemporaryFolder& folder) {
        const std::string path = folder.file("other.h5");
        testing::write_foreign_h5md(path, {{{1, 2, 3}, {4, 5, 6}}, {{1, 2, 3}, {4, 5, 6}}}, cell,
                                    testing::SpeciesNames::given);
        return path;
      },
      [](const std::string& path) {
        const auto reader = open_foreign_h5md(path, {});
        PositionFrame frame;
        for (int frames = 0; frames < 10 && reader->next(frame); ++frames) {
        }
      });
}

}  // namespace
}  // namespace haven
