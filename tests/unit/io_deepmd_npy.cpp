#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "core/error.hpp"
#include "io/deepmd_npy.hpp"
#include "io/import.hpp"
#include "io/npy.hpp"
#include "io/text_file.hpp"
#include "support/reader_examples.hpp"
#include "support/shared_data.hpp"
#include "support/vasp_writer.hpp"

namespace haven {
namespace {

using testing::made_up_frames;
using testing::npy_bytes;

class Npy : public ::testing::Test {
 protected:
  std::string write(const std::string& bytes) {
    write_text(folder_.file("a.npy"), bytes);
    return folder_.file("a.npy");
  }
  void expect_refused(const std::string& bytes, const std::string& part) {
    try {
      NpyRows rows(write(bytes));
      std::vector<double> row;
      for (Index k = 0; k < rows.rows(); ++k) rows.next(row);
      FAIL() << "not refused: " << part;
    } catch (const InputError& error) {
      EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
    }
  }
  testing::TemporaryFolder folder_;
};

TEST_F(Npy, ReadsEachTypeRowByRow) {
  for (const char* type : {"<f8", "<f4", "<i4", "<i8"}) {
    NpyRows rows(write(npy_bytes(type, {2, 3}, {1, -2, 3, 4, 5, -6})));
    EXPECT_EQ(rows.rows(), 2);
    EXPECT_EQ(rows.row_size(), 3);
    EXPECT_EQ(rows.is_integer(), type[1] == 'i');
    std::vector<double> row;
    rows.next(row);
    EXPECT_EQ(row, (std::vector<double>{1, -2, 3})) << type;
    rows.next(row);
    EXPECT_EQ(row, (std::vector<double>{4, 5, -6})) << type;
    EXPECT_THROW(rows.next(row), InputError);
  }
}

TEST_F(Npy, RefusesWhatItCannotBeSureOf) {
  const std::string good = npy_bytes("<f8", {2, 3}, {1, 2, 3, 4, 5, 6});
  const auto with = [&](const std::string& from, std::string to) {
    std::string bytes = good;
    to.resize(from.size(), ' ');
    return bytes.replace(bytes.find(from), from.size(), to);
  };
  expect_refused("", "no .npy file");
  expect_refused("PK\x03\x04 an npz archive", "no .npy file");
  expect_refused(with("'<f8'", "'>f8'"), "numbers of type");
  expect_refused(with("'<f8'", "'|O'"), "numbers of type");
  expect_refused(with("False", "True"), "Fortran order");
  expect_refused(with("(2, 3, )", "(2, -3,)"), "no list of extents");
  expect_refused(with("(2, 3, )", "(2, 9, )"), "it is cut off");
  expect_refused(with("(2, 3, )", "(1, 3, )"), "it is damaged");
  expect_refused(with("(2, 3, )", "()"), "single number");
  expect_refused(good.substr(0, good.size() - 1), "it is cut off");
  expect_refused(good + "x", "it is damaged");
}

TEST_F(Npy, ClaimedSizesNeverAllocate) {
  expect_refused(npy_bytes("<f8", {1000000000, 1000000000}, {}), "no list of extents");
  expect_refused(npy_bytes("<f8", {1, 60000000}, {1}), "it is cut off");
  expect_refused(npy_bytes("<f8", {1, 1000000000}, {1}), "too long");
  // No rows at all, so nothing is ever read: still the length of a row must not overflow.
  expect_refused(npy_bytes("<f8", {0, 4000000000000000000, 9}, {}), "no list of extents");
  std::string header = npy_bytes("<f8", {2, 3}, {});
  header[8] = '\xFF';
  header[9] = '\xFF';
  expect_refused(header, "cut off in its header");
}

TEST_F(Npy, EveryCutIsRefused) {
  const std::string good = npy_bytes("<f4", {2, 3}, {1, 2, 3, 4, 5, 6});
  for (std::size_t length = 0; length < good.size(); ++length) expect_refused(good.substr(0, length), "");
}

class Deepmd : public ::testing::Test {
 protected:
  std::string file(const std::string& name) { return folder_.file(name); }
  std::vector<Frame> read(const FrameReading& reading = {}) {
    std::string ending;
    return testing::frames_in(file("type.raw"), reading, ending);
  }
  void expect_refused(const std::string& part, const FrameReading& reading = {}) {
    try {
      const auto reader = open_deepmd(file("type.raw"), reading);
      while (reader->next()) {
      }
      FAIL() << "not refused: " << part;
    } catch (const InputError& error) {
      EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
    }
  }
  testing::TemporaryFolder folder_;
};

TEST_F(Deepmd, GivesBackWhatWasWrittenAndTurnsTheVirialIntoStress) {
  const auto frames = made_up_frames(3, 151);
  testing::write_deepmd_system(folder_.path().string(), frames);
  const auto found = read();
  ASSERT_EQ(found.size(), 3U);
  for (std::size_t k = 0; k < 3; ++k) testing::expect_same_frame(found[k], frames[k], 1e-14);
}

TEST_F(Deepmd, StressIsMinusTheVirialOverTheVolume) {
  // A box of 8 A^3 with a virial of 4 eV pushes outwards: the stress is -0.5 eV/A^3, as ASE's calculator of DeePMD-kit
  // has it (stress = -virial / volume).
  auto frames = made_up_frames(1, 152);
  testing::write_deepmd_system(folder_.path().string(), frames);
  write_text(file("set.000/box.npy"), npy_bytes("<f8", {1, 3, 3}, {2, 0, 0, 0, 2, 0, 0, 0, 2}));
  write_text(file("set.000/virial.npy"), npy_bytes("<f8", {1, 9}, {4, 0, 0, 0, -8, 0, 0.8, 0, 0}));
  const Mat3 stress = *read().at(0).stress;
  EXPECT_DOUBLE_EQ(stress[0].x, -0.5);
  EXPECT_DOUBLE_EQ(stress[1].y, 1.0);
  EXPECT_DOUBLE_EQ(stress[2].x, -0.1);
}

TEST_F(Deepmd, ReadsTheMixedTypeLayoutWithPadding) {
  const auto frames = made_up_frames(2, 153);
  testing::write_deepmd_system(folder_.path().string(), frames);
  write_text(file("type.raw"), "0\n0\n0\n0\n0\n");
  write_text(file("type_map.raw"), "Li S\nO\n");
  write_text(file("set.000/real_atom_types.npy"), npy_bytes("<i4", {2, 5}, {0, 2, 0, 1, 1, 2, 2, 0, -1, -1}));
  const auto found = read();
  EXPECT_EQ(found[0].structure.numbers, (std::vector<int>{3, 8, 3, 16, 16}));
  EXPECT_EQ(found[1].structure.numbers, (std::vector<int>{8, 8, 3}));
  EXPECT_EQ(found[1].forces.size(), 3U);
}

TEST_F(Deepmd, SaysWhatSinglePrecisionCosts) {
  testing::write_deepmd_system(folder_.path().string(), made_up_frames(2, 154), "<f4");
  const auto reader = open_deepmd(file("type.raw"), {});
  while (reader->next()) {
  }
  EXPECT_NE(reader->notes().at(1).find("single precision"), std::string::npos);
}

TEST_F(Deepmd, ElementsComeFromTheMapOrTheUserNeverFromNowhere) {
  testing::write_deepmd_system(folder_.path().string(), made_up_frames(1, 155));
  EXPECT_EQ(read({.types = {11, 8}}).at(0).structure.numbers, (std::vector<int>{11, 11, 11, 8, 8}));
  write_text(file("type_map.raw"), "Li\n");
  expect_refused("atom type 1 has no element");
  write_text(file("type_map.raw"), "Li\nfoo\n");
  expect_refused("'foo' is no element");
  std::filesystem::remove(file("type_map.raw"));
  expect_refused("no type_map.raw");
}

TEST_F(Deepmd, RefusesArraysThatDoNotBelongTogether) {
  testing::write_deepmd_system(folder_.path().string(), made_up_frames(2, 156));
  write_text(file("set.000/energy.npy"), npy_bytes("<f8", {3}, {1, 2, 3}));
  expect_refused("3 frames, but coord.npy has 2");
  write_text(file("set.000/energy.npy"), npy_bytes("<f8", {2, 2}, {1, 2, 3, 4}));
  expect_refused("2 numbers a frame instead of 1");
  write_text(file("set.000/energy.npy"), npy_bytes("<i8", {2}, {1, 2}));
  expect_refused("whole numbers where reals should be");
  std::filesystem::remove(file("set.000/box.npy"));
  expect_refused("no box.npy");
  write_text(file("nopbc"), "");
  expect_refused("without periodic boundaries");
}

TEST_F(Deepmd, MarksFramesThatAreNotFinite) {
  testing::write_deepmd_system(folder_.path().string(), made_up_frames(2, 157));
  write_text(file("set.000/energy.npy"), npy_bytes("<f8", {2}, {NAN, -20}));
  const auto reader = open_deepmd(file("type.raw"), {});
  EXPECT_EQ(reader->next()->problem, "the energy is not finite");
  EXPECT_EQ(reader->next()->problem, "");
}

TEST_F(Deepmd, IsFoundInAFolderWithAHashOverAllItsArrays) {
  testing::write_deepmd_system(folder_.path().string(), made_up_frames(3, 158));
  Log log;
  std::vector<Frame> kept;
  const auto import = [&] {
    kept.clear();
    return import_frames(
        {.sources = {{.path = folder_.path().string()}}}, [&](Frame&& frame) { kept.push_back(std::move(frame)); },
        log);
  };
  const ImportReport report = import();
  EXPECT_EQ(report.kept, 3);
  ASSERT_EQ(report.files.size(), 1U);
  EXPECT_EQ(report.files[0].format, FileFormat::deepmd);
  write_text(file("set.000/energy.npy"), npy_bytes("<f8", {3}, {-20, -21, -22}));
  EXPECT_NE(import().files[0].sha256, report.files[0].sha256);
}

}  // namespace
}  // namespace haven
