#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <fstream>
#include <limits>

#include "io/h5.hpp"
#include "support/failing_file_system.hpp"
#include "support/shared_data.hpp"

namespace haven {
namespace {

using testing::FailingFileSystem;
using testing::TemporaryFolder;

/// Numbers that lose something in any careless conversion.
std::vector<double> difficult_numbers() {
  using Limits = std::numeric_limits<double>;
  return {0.0,
          -0.0,
          0.1,
          1.0 / 3.0,
          Limits::max(),
          Limits::min(),
          Limits::denorm_min(),
          -Limits::max(),
          std::nextafter(1.0, 2.0),
          Limits::infinity(),
          Limits::quiet_NaN()};
}

TEST(H5, DoublesComeBackBitForBitFromFileAndMemory) {
  const TemporaryFolder folder;
  PosixFileSystem files;
  const std::vector<double> values = difficult_numbers();
  h5::File on_disk = h5::File::create(files, folder.file("a.h5"));
  h5::File in_memory = h5::File::create_in_memory("memory");
  for (h5::File* file : {&on_disk, &in_memory}) file->root().create_group("g").write("x", values);
  on_disk.close();
  const std::vector<std::byte> image = std::move(in_memory).image();
  const h5::File a = h5::File::open(folder.file("a.h5")), b = h5::File::open_image(image, "memory");
  for (const h5::File* file : {&a, &b}) {
    const std::vector<double> read = file->root().group("g").dataset("x").read<double>();
    ASSERT_EQ(read.size(), values.size());
    for (std::size_t k = 0; k < values.size(); ++k)
      EXPECT_EQ(std::bit_cast<std::uint64_t>(read[k]), std::bit_cast<std::uint64_t>(values[k])) << k;
  }
}

TEST(H5, AttributesAndTextsComeBack) {
  h5::File file = h5::File::create_in_memory("memory");
  {
    h5::Group root = file.root();
    root.set("text", "Ångström");
    root.set("empty", "");
    root.set("list", std::vector<std::string>{"a", "", "long one"});
    root.set("integer", std::int64_t{-7});
    root.set("number", 0.1);
    root.write_text("long", std::string(100000, 'x'));
    root.write_texts("none", {});
  }
  const h5::File copy = h5::File::open_image(std::move(file).image(), "copy");
  const h5::Group root = copy.root();
  EXPECT_EQ(root.text("text"), "Ångström");
  EXPECT_EQ(root.text("empty"), "");
  EXPECT_EQ(root.texts("list"), (std::vector<std::string>{"a", "", "long one"}));
  EXPECT_EQ(root.integer("integer"), -7);
  EXPECT_EQ(root.number("number"), 0.1);
  EXPECT_EQ(root.dataset("long").read_text(), std::string(100000, 'x'));
  EXPECT_TRUE(root.dataset("none").read_texts().empty());
  EXPECT_EQ(root.attribute_count(), 5);
  EXPECT_THROW(static_cast<void>(root.text("absent")), IoError);
  EXPECT_THROW(static_cast<void>(root.number("integer")), IoError);
}

TEST(H5, WhatIsAskedForMustBeWhatIsThere) {
  h5::File file = h5::File::create_in_memory("memory");
  file.root().write("x", std::vector<double>{1, 2});
  const h5::Group root = file.root();
  EXPECT_THROW(static_cast<void>(root.dataset("y")), IoError);
  EXPECT_THROW(static_cast<void>(root.group("x")), IoError);
  EXPECT_THROW(static_cast<void>(root.dataset("x").read<std::int64_t>()), IoError);
}

TEST(H5, RowsAreAppendedAndReadBack) {
  const TemporaryFolder folder;
  PosixFileSystem files;
  h5::File file = h5::File::create(files, folder.file("a.h5"));
  {
    h5::Dataset rows = file.root().create_extendible("rows", h5::Type::f64, {2}, 4);
    for (int k = 0; k < 11; ++k) rows.append_row(h5::Type::f64, std::vector<double>{k + 0.5, -k - 0.5}.data());
  }
  file.close();
  const h5::File read = h5::File::open(folder.file("a.h5"));
  const h5::Dataset rows = read.root().dataset("rows");
  EXPECT_EQ(rows.rows(), 11);
  std::vector<double> two(4);
  rows.read_rows(7, 2, h5::Type::f64, std::as_writable_bytes(std::span(two)));
  EXPECT_EQ(two, (std::vector<double>{7.5, -7.5, 8.5, -8.5}));
  EXPECT_THROW(rows.read_rows(10, 2, h5::Type::f64, std::as_writable_bytes(std::span(two))), IoError);
}

TEST(H5, EqualContentMakesEqualFiles) {
  const auto image = [] {
    h5::File file = h5::File::create_in_memory("memory");
    file.root().create_group("g").write("x", std::vector<double>{1, 2, 3});
    return std::move(file).image();
  };
  EXPECT_EQ(image(), image());
}

TEST(H5, AFileThatIsNotHdf5IsRefused) {
  const TemporaryFolder folder;
  std::ofstream(folder.file("text")) << "not HDF5 at all";
  EXPECT_THROW(static_cast<void>(h5::File::open(folder.file("text"))), IoError);
  EXPECT_THROW(static_cast<void>(h5::File::open(folder.file("absent"))), IoError);
  EXPECT_THROW(static_cast<void>(h5::File::open_image({}, "empty")), IoError);
}

/// HDF5 allocates what a driver information block claims: 770 MB for this file of 64 bytes, which fuzzing found.
TEST(H5, ASuperblockThatNamesADriverIsRefusedBeforeTheLibraryReadsIt) {
  const TemporaryFolder folder;
  std::string bytes = "\x89HDF\r\n\x1a\n";
  bytes += std::string{1, 0, 0, 0, 0, 8, 8, 0, 4, 0, 16, 0, 0, 0, 0, 0, 0, 0, 0, 0};  // version 1, addresses of 8 bytes
  bytes += std::string(8, 0) + std::string(8, '\xff') + std::string{0, 0x69} + std::string(6, 0);
  bytes += std::string{0x2d} + std::string(7, 0);  // the block would begin within these bytes
  bytes.resize(64);
  for (const std::size_t before : {0U, 512U, 2048U}) {  // users may put bytes of their own before it
    std::ofstream(folder.file("a.h5"), std::ios::binary) << std::string(before, 'x') << bytes;
    try {
      static_cast<void>(h5::File::open(folder.file("a.h5")));
      ADD_FAILURE() << "opened with " << before << " bytes before it";
    } catch (const IoError& error) {
      EXPECT_NE(std::string(error.what()).find("driver"), std::string::npos) << error.what();
    }
  }
}

TEST(H5, AFailedWriteIsReportedWithItsErrnoAndTheFileStillCloses) {
  const TemporaryFolder folder;
  bool finished = false;
  int failures = 0;
  for (int call = 1; !finished; ++call) {
    FailingFileSystem files({.call = call, .error = ENOSPC});
    try {
      h5::File file = h5::File::create(files, folder.file("a.h5"));
      file.root().write("x", std::vector<double>(10000, 1.0));
      file.sync();
      file.close();
      finished = !files.failed();
      EXPECT_TRUE(finished) << "the failure of " << files.failed_call() << " went unnoticed";
    } catch (const IoError& error) {
      ++failures;
      EXPECT_NE(error.summary().find("errno 28"), std::string::npos) << error.summary();
      EXPECT_EQ(error.where(), folder.file("a.h5"));
    }
  }
  EXPECT_GE(failures, 6);
}

}  // namespace
}  // namespace haven
