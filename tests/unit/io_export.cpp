#include <gtest/gtest.h>

#include <filesystem>

#include "core/error.hpp"
#include "io/deepmd_npy.hpp"
#include "io/export_formats.hpp"
#include "io/extxyz.hpp"
#include "io/n2p2_data.hpp"
#include "io/text_file.hpp"
#include "support/shared_data.hpp"
#include "support/vasp_writer.hpp"

/// What is written for other programs reads back as it was.
namespace haven {
namespace {

using testing::made_up_frames;

std::vector<Frame> labelled_frames() {
  auto frames = made_up_frames(4, 41);
  for (std::size_t k = 0; k < frames.size(); ++k) {
    frames[k].group = k < 2 ? "melt 900K" : "neb \"03\"";
    frames[k].trajectory = "run/" + std::to_string(k / 2);
    frames[k].temperature = 900.25;
    frames[k].weight = 1.0 / 3;
    frames[k].source = {.path = "aimd/OUTCAR",
                        .index = static_cast<Index>(5 * k),
                        .code = "VASP 6.4.2",
                        .sha256 = std::string(64, 'b'),
                        .settings = std::make_shared<const std::string>("ENCUT = 520\nGGA = PE\n")};
    frames[k].structure.velocities.assign(frames[k].structure.numbers.size(), {1e-3, -1.0 / 7e3, 0});
  }
  return frames;
}

std::vector<Frame> read_all(FrameReader& reader) {
  std::vector<Frame> frames;
  while (auto read = reader.next()) {
    EXPECT_EQ(read->problem, "");
    frames.push_back(std::move(read->frame));
  }
  EXPECT_EQ(reader.ending(), "");
  return frames;
}

std::vector<Frame> read_xyz(const std::string& path) {
  ExtxyzReader reader(path);
  std::vector<Frame> frames;
  while (auto frame = reader.next()) frames.push_back(std::move(*frame));
  return frames;
}

void expect_same_labels(const Frame& a, const Frame& b, double relative) {
  const auto near = [&](double x, double y) { EXPECT_NEAR(x, y, relative * std::max(1.0, std::abs(y))); };
  ASSERT_EQ(a.structure.numbers, b.structure.numbers);
  for (int k = 0; k < 3; ++k)
    for (int j = 0; j < 3; ++j) near(a.structure.cell.vectors()[k][j], b.structure.cell.vectors()[k][j]);
  for (std::size_t atom = 0; atom < a.forces.size(); ++atom)
    for (int k = 0; k < 3; ++k) {
      near(a.structure.positions[atom][k], b.structure.positions[atom][k]);
      near(a.forces[atom][k], b.forces[atom][k]);
    }
  near(a.energy.value(), b.energy.value());
}

void expect_same_origin(const Frame& a, const Frame& b) {
  EXPECT_EQ(a.group, b.group);
  EXPECT_EQ(a.trajectory, b.trajectory);
  EXPECT_EQ(a.temperature, b.temperature);
  EXPECT_EQ(a.weight, b.weight);
  EXPECT_EQ(a.source.path, b.source.path);
  EXPECT_EQ(a.source.index, b.source.index);
  EXPECT_EQ(a.source.code, b.source.code);
  EXPECT_EQ(a.source.sha256, b.source.sha256);
  EXPECT_EQ(*a.source.settings, *b.source.settings);
}

class Export : public ::testing::Test {
 protected:
  ExportReport write(const std::string& name, const std::vector<Frame>& frames, const ExportOptions& options) {
    return export_frames(files_, folder_.file(name), frames, options);
  }
  testing::TemporaryFolder folder_;
  PosixFileSystem files_;
};

TEST_F(Export, ExtxyzBringsBackEveryBit) {
  const auto frames = labelled_frames();
  EXPECT_TRUE(write("a.xyz", frames, {}).lost.empty());
  const auto again = read_xyz(folder_.file("a.xyz"));
  ASSERT_EQ(again.size(), frames.size());
  for (std::size_t k = 0; k < frames.size(); ++k) {
    expect_same_labels(again[k], frames[k], 0);
    expect_same_origin(again[k], frames[k]);
    EXPECT_EQ(again[k].stress, frames[k].stress);
    EXPECT_EQ(again[k].structure.velocities, frames[k].structure.velocities);
  }
}

TEST_F(Export, GpumdGetsVirialAndForce) {
  const auto frames = labelled_frames();
  write("train.xyz", frames, {.format = ExportFormat::gpumd});
  const std::string text = read_text(folder_.file("train.xyz"));
  EXPECT_NE(text.find(":force:R:3"), std::string::npos);
  EXPECT_NE(text.find(" virial=\""), std::string::npos);
  EXPECT_EQ(text.find(" stress=\""), std::string::npos);
  const auto again = read_xyz(folder_.file("train.xyz"));
  for (std::size_t k = 0; k < frames.size(); ++k) {
    expect_same_labels(again[k], frames[k], 0);
    expect_same_origin(again[k], frames[k]);
    for (int i = 0; i < 3; ++i)  // stress -> virial -> stress: two roundings
      for (int j = 0; j < 3; ++j)
        EXPECT_NEAR((*again[k].stress)[i][j], (*frames[k].stress)[i][j], 1e-15 * std::abs((*frames[k].stress)[i][j]));
  }
}

TEST_F(Export, DeepmdSystemsReadBackAndKeepTheRestBeside) {
  auto frames = labelled_frames();
  frames[1].stress.reset();
  std::swap(frames[3].structure.numbers[0], frames[3].structure.numbers[4]);  // another order of elements
  const ExportReport report = write("systems", frames, {.format = ExportFormat::deepmd});
  ASSERT_EQ(report.lost.size(), 1U);
  EXPECT_EQ(report.lost[0], "the velocities of 4 frames");
  std::size_t found = 0;
  for (const auto& [name, members] :
       std::map<std::string, std::vector<std::size_t>>{{"Li3S2", {0, 2}}, {"Li3S2_2", {1}}, {"Li3S2_3", {3}}}) {
    const auto again = read_all(*open_deepmd(folder_.file("systems/" + name + "/type.raw"), {}));
    ASSERT_EQ(again.size(), members.size()) << name;
    for (std::size_t k = 0; k < members.size(); ++k) {
      const Frame& original = frames[members[k]];
      expect_same_labels(again[k], original, 0);
      expect_same_origin(again[k], original);
      EXPECT_EQ(again[k].stress.has_value(), original.stress.has_value());
      if (original.stress) {
        EXPECT_NEAR((*again[k].stress)[0].x, (*original.stress)[0].x, 1e-15 * std::abs((*original.stress)[0].x));
      }
      ++found;
    }
    const std::string csv = read_text(folder_.file("systems/" + name + "/haven_frames.csv"));
    EXPECT_NE(csv.find("aimd/OUTCAR"), std::string::npos);
    EXPECT_NE(csv.find("0.3333333333333333"), std::string::npos);
  }
  EXPECT_EQ(found, frames.size());
}

TEST_F(Export, DeepmdSystemsWithChangedFramesDoNotGetTheSourcesOfOthers) {
  write("systems", labelled_frames(), {.format = ExportFormat::deepmd});
  const std::string csv = folder_.file("systems/Li3S2/haven_frames.csv"), text = read_text(csv);
  const std::string one_row_less = text.substr(0, text.rfind('\n', text.size() - 2) + 1);
  const std::string other_columns = "x" + text;
  for (const std::string& changed : {one_row_less, other_columns}) {
    write_text(csv, changed);
    EXPECT_THROW(read_all(*open_deepmd(folder_.file("systems/Li3S2/type.raw"), {})), InputError);
  }
}

TEST_F(Export, DeepmdNeverWritesIntoAFolderInUse) {
  const auto frames = labelled_frames();
  write("systems", frames, {.format = ExportFormat::deepmd});
  EXPECT_THROW(write("systems", frames, {.format = ExportFormat::deepmd}), ConfigError);
}

TEST_F(Export, N2p2ReadsBackInBothUnits) {
  const auto frames = labelled_frames();
  for (const FileUnits units : {FileUnits::angstrom_ev, FileUnits::bohr_hartree}) {
    const ExportReport report = write("input.data", frames, {.format = ExportFormat::n2p2, .units = units});
    EXPECT_EQ(report.lost.size(), 2U);  // stress and velocities
    const auto again = read_all(*open_n2p2_data(folder_.file("input.data"), {.units = units}));
    ASSERT_EQ(again.size(), frames.size());
    // A and eV bit for bit; through bohr and hartree two roundings.
    for (std::size_t k = 0; k < frames.size(); ++k)
      expect_same_labels(again[k], frames[k], units == FileUnits::angstrom_ev ? 0 : 4e-16);
  }
  EXPECT_NE(read_text(folder_.file("input.data")).find("comment config_type="), std::string::npos);
}

TEST_F(Export, WhatAFormatCannotHoldIsRefusedByName) {
  auto frames = labelled_frames();
  frames[2].energy.reset();
  for (const ExportFormat format : {ExportFormat::deepmd, ExportFormat::n2p2}) {
    try {
      write("out", frames, {.format = format});
      FAIL() << "accepted";
    } catch (const InputError& error) {
      EXPECT_EQ(error.where(), "frame 3");
    }
  }
  EXPECT_NO_THROW(write("out.xyz", frames, {}));
  frames = labelled_frames();
  frames[0].structure.cell = Cell(frames[0].structure.cell.vectors(), {true, true, false});
  EXPECT_THROW(write("out", frames, {.format = ExportFormat::n2p2}), InputError);
  EXPECT_THROW(write("out.xyz", {}, {}), InputError);
}

TEST_F(Export, TheNameOfTheOutputSaysTheFormat) {
  EXPECT_EQ(export_format_of("a/train.xyz"), ExportFormat::gpumd);
  EXPECT_EQ(export_format_of("a/set.extxyz"), ExportFormat::extxyz);
  EXPECT_EQ(export_format_of("input.data"), ExportFormat::n2p2);
  EXPECT_EQ(export_format_of("systems"), std::nullopt);
  EXPECT_EQ(export_format("deepmd"), ExportFormat::deepmd);
  EXPECT_EQ(export_format("xyz"), std::nullopt);
}

}  // namespace
}  // namespace haven
