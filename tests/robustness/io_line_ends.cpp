#include <gtest/gtest.h>

#include "core/error.hpp"
#include "io/extxyz.hpp"
#include "io/poscar.hpp"
#include "io/structure_file.hpp"
#include "io/text_file.hpp"
#include "support/reader_examples.hpp"
#include "support/shared_data.hpp"
#include "support/vasp_writer.hpp"

/// What editors and file transfers do to text (CRLF, a byte order mark, trailing blanks and tabs, tabs between columns)
/// changes nothing, in any text format.
namespace haven {
namespace {

struct Example {
  std::string name, text;
  bool tabs;  // columns may be separated by tabs; elsewhere single blanks are part of keywords
};

std::vector<Example> examples() {
  const auto frames = testing::made_up_frames(2, 191);
  return {
      {"ML_AB", testing::ml_ab_text(frames), false},
      {"input.data", testing::n2p2_text(frames, testing::AtomicUnits::no), true},
      {"a.xsf", testing::xsf_text(frames[0]), true},
      {"pw.out", testing::espresso_text(frames), false},
      {"set.xyz", extxyz_text(frames[0]) + extxyz_text(frames[1]), true},
      {"OUTCAR", testing::outcar_text(frames, {}), false},
      {"OUTCAR.4", testing::outcar_text(frames, {.version = "4.6.35"}), false},
      {"vasprun.xml", testing::vasprun_text(frames, {}), false},
      {"POSCAR", poscar_text(frames[0].structure, "made up"), true},
      {"XDATCAR", testing::xdatcar_text(frames), false},
      {"a.cif",
       "data_x\n_cell_length_a 5\n_cell_length_b 6\n_cell_length_c 7\n_cell_angle_alpha 90\n_cell_angle_beta 95\n"
       "_cell_angle_gamma 90\nloop_\n_space_group_symop_operation_xyz\n'x,y,z'\nloop_\n_atom_site_type_symbol\n"
       "_atom_site_fract_x\n_atom_site_fract_y\n_atom_site_fract_z\nLi 0 0 0\nS 0.5 0.5 0.5\n",
       true},
      {"data.lammps",
       "made up\n\n2 atoms\n2 atom types\n\n0 5 xlo xhi\n0 6 ylo yhi\n0 7 zlo zhi\n\nMasses\n\n1 6.94 # Li\n2 32.06 "
       "# S\n\nAtoms # atomic\n\n1 1 0.1 0.2 0.3\n2 2 2.5 3 3.5\n",
       false}};
}

std::string with_line_ends(const std::string& text, const std::string& end) {
  std::string result;
  for (const char c : text) result += c == '\n' ? end : std::string(1, c);
  return result;
}

std::string with_tabs(const std::string& text) {
  std::string result;
  bool comment = false;
  for (const char c : text) {
    comment = c == '#' || (comment && c != '\n');
    result += c == ' ' && !comment ? '\t' : c;
  }
  return result;
}

void expect_same(const std::vector<Frame>& found, const std::vector<Frame>& expected, const std::string& what) {
  ASSERT_EQ(found.size(), expected.size()) << what;
  for (std::size_t k = 0; k < found.size(); ++k) {
    EXPECT_EQ(found[k].structure.numbers, expected[k].structure.numbers) << what;
    EXPECT_EQ(found[k].structure.positions, expected[k].structure.positions) << what;
    EXPECT_EQ(found[k].structure.cell, expected[k].structure.cell) << what;
    EXPECT_EQ(found[k].forces, expected[k].forces) << what;
    EXPECT_EQ(found[k].energy, expected[k].energy) << what;
    EXPECT_EQ(found[k].stress, expected[k].stress) << what;
  }
}

std::vector<Frame> frames_of(const std::string& path) {
  const FileFormat format = recognise_format(path);
  if (!is_frame_file(format)) return read_frames(path);
  std::string ending;
  return testing::frames_in(path, {.units = FileUnits::angstrom_ev, .types = {}}, ending);
}

/// The same without those that have a problem.
std::vector<Frame> readable_frames_of(const std::string& path) {
  const FileFormat format = recognise_format(path);
  if (!is_frame_file(format)) return read_frames(path);
  std::vector<Frame> frames;
  const auto reader = open_frames(path, format, {.units = FileUnits::angstrom_ev, .types = {}});
  while (auto read = reader->next())
    if (read->problem.empty()) frames.push_back(std::move(read->frame));
  return frames;
}

TEST(LineEnds, WhatEditorsDoToTextChangesNothing) {
  const testing::TemporaryFolder folder;
  for (const Example& example : examples()) {
    const std::string path = folder.file(example.name);
    write_text(path, example.text);
    const auto expected = frames_of(path);
    ASSERT_FALSE(expected.empty()) << example.name;
    std::vector<std::pair<std::string, std::string>> variants{
        {"CRLF", with_line_ends(example.text, "\r\n")},
        {"byte order mark", "\xEF\xBB\xBF" + example.text},
        {"trailing blanks", with_line_ends(example.text, "  \t\n")},
        {"all", "\xEF\xBB\xBF" + with_line_ends(example.text, " \t\r\n")}};
    if (example.tabs) variants.emplace_back("tabs", with_tabs(example.text));
    for (const auto& [name, text] : variants) {
      write_text(path, text);
      try {
        expect_same(frames_of(path), expected, example.name + ", " + name);
      } catch (const Error& error) {
        ADD_FAILURE() << example.name << ", " << name << ": " << error.what();
      }
    }
  }
}

/// A crash or a wrong tool can leave a line without end. It is refused, or its frame is; never read into memory whole.
TEST(LineEnds, ALineOfTenMegabytesIsRefusedOrItsFrameIs) {
  const testing::TemporaryFolder folder;
  for (const Example& example : examples()) {
    const std::string path = folder.file(example.name);
    write_text(path, example.text);
    const auto expected = frames_of(path);
    for (const char fill : {'7', '\0'}) {
      const std::size_t at = example.text.find('\n', example.text.size() / 2) + 1;
      write_text(path, example.text.substr(0, at) + std::string(10'000'000, fill) + "\n" + example.text.substr(at));
      std::vector<Frame> found;
      try {
        found = readable_frames_of(path);
      } catch (const InputError& error) {
        EXPECT_FALSE(error.remedy().empty()) << example.name;
      }
      for (const Frame& frame : found) {
        const bool known = std::any_of(expected.begin(), expected.end(), [&](const Frame& one) {
          return one.forces == frame.forces && one.energy == frame.energy &&
                 one.structure.positions == frame.structure.positions;
        });
        EXPECT_TRUE(known) << example.name << ", filled with character " << static_cast<int>(fill);
      }
    }
  }
}

}  // namespace
}  // namespace haven
