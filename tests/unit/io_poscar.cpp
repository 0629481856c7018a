#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "io/extxyz.hpp"
#include "io/poscar.hpp"
#include "io/structure_file.hpp"
#include "io/text_file.hpp"
#include "support/shared_data.hpp"
#include "support/vasp_writer.hpp"

namespace haven {
namespace {

const std::string ordinary =
    "Li2S made up\n1.0\n 4.0 0.0 0.0\n 0.0 5.0 0.0\n 0.0 0.0 6.0\n Li S\n 2 1\nDirect\n 0.0 0.0 0.0\n 0.5 0.5 0.5\n "
    "0.25 0.75 0.1\n";

void expect_refused(const std::string& text, const std::string& part) {
  try {
    (void)parse_poscar(text, "POSCAR");
    FAIL() << "not refused: " << part;
  } catch (const InputError& error) {
    EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
    EXPECT_FALSE(error.remedy().empty());
  }
}

std::string replaced(std::string text, const std::string& what, const std::string& with) {
  return text.replace(text.find(what), what.size(), with);
}

TEST(Poscar, ReadsDirectCoordinates) {
  const Poscar poscar = parse_poscar(ordinary, "POSCAR");
  EXPECT_EQ(poscar.comment, "Li2S made up");
  EXPECT_EQ(poscar.structure.numbers, (std::vector<int>{3, 3, 16}));
  EXPECT_EQ(poscar.structure.positions[1], (Vec3{2.0, 2.5, 3.0}));
  EXPECT_TRUE(poscar.structure.velocities.empty());
  EXPECT_TRUE(poscar.movable.empty());
}

TEST(Poscar, ScalesLatticeAndCartesianCoordinatesAlike) {
  const std::string text = "x\n2.0\n2 0 0\n0 2.5 0\n0 0 3\nLi\n1\nCartesian\n1.0 0.5 0.25\n";
  const Structure s = parse_poscar(text, "POSCAR").structure;
  EXPECT_EQ(s.cell.vectors()[1].y, 5.0);
  EXPECT_EQ(s.positions[0], (Vec3{2.0, 1.0, 0.5}));
  const Structure three = parse_poscar(replaced(text, "2.0\n", "1.0 2.0 3.0\n"), "POSCAR").structure;
  EXPECT_EQ(three.cell.vectors()[2].z, 9.0);
  EXPECT_EQ(three.positions[0], (Vec3{1.0, 1.0, 0.75}));
}

TEST(Poscar, NegativeScaleIsTheVolume) {
  const Structure s = parse_poscar(replaced(ordinary, "\n1.0\n", "\n-960.0\n"), "POSCAR").structure;
  EXPECT_NEAR(s.cell.volume(), 960.0, 1e-10);
  EXPECT_NEAR(s.positions[1].x, 4.0, 1e-12);  // edges grow by 2
}

TEST(Poscar, TakesElementsOfOldFilesFromSymbolsOrFromTheComment) {
  const std::string marked = "no names\n1.0\n4 0 0\n0 4 0\n0 0 4\n1 1\ndirect\n0 0 0 Li\n0.5 0.5 0.5 S\n";
  EXPECT_EQ(parse_poscar(marked, "POSCAR").structure.numbers, (std::vector<int>{3, 16}));
  const std::string commented = "Li S\n1.0\n4 0 0\n0 4 0\n0 0 4\n1 1\ndirect\n0 0 0\n0.5 0.5 0.5\n";
  EXPECT_EQ(parse_poscar(commented, "POSCAR").structure.numbers, (std::vector<int>{3, 16}));
  expect_refused(replaced(commented, "Li S\n", "who knows\n"), "does not say which elements");
}

TEST(Poscar, ReadsSpeciesAndCountsWrappedOverLines) {
  const std::string text = "x\n1.0\n4 0 0\n0 4 0\n0 0 4\nLi S\nLi\n1\n1 1\nDirect\n0 0 0\n.5 .5 .5\n.2 .2 .2\n";
  EXPECT_EQ(parse_poscar(text, "POSCAR").structure.numbers, (std::vector<int>{3, 16, 3}));
}

TEST(Poscar, ReadsSelectiveDynamicsAndVelocities) {
  const std::string text =
      "x\n1.0\n4 0 0\n0 4 0\n0 0 4\nLi\n2\nSelective dynamics\nDirect\n0 0 0 T F T\n.5 .5 .5 F F F\n\n 0.1E-02 0 0\n 0 "
      "-2.0D-03 0\n";
  const Poscar poscar = parse_poscar(text, "POSCAR");
  EXPECT_EQ(poscar.movable, (std::vector<std::array<bool, 3>>{{true, false, true}, {false, false, false}}));
  ASSERT_EQ(poscar.structure.velocities.size(), 2U);
  EXPECT_EQ(poscar.structure.velocities[1].y, -2e-3);
  const std::string zeros = text.substr(0, text.find("\n\n")) + "\n\n 0 0 0\n 0 0 0\n";
  EXPECT_TRUE(parse_poscar(zeros, "POSCAR").structure.velocities.empty());
}

TEST(Poscar, SkipsLatticeVelocitiesOfConstantPressureRuns) {
  const std::string text = ordinary +
                           "Lattice velocities and vectors\n 1\n 0 0 0\n 0 0 0\n 0 0 0\n 4 0 0\n 0 5 0\n 0 0 6\n\n"
                           " 1e-3 0 0\n 0 0 0\n 0 0 0\n";
  const Structure s = parse_poscar(text, "CONTCAR").structure;
  ASSERT_EQ(s.velocities.size(), 3U);
  EXPECT_EQ(s.velocities[0].x, 1e-3);
}

TEST(Poscar, AcceptsForeignLineEndsByteOrderMarkTabsAndNoFinalNewline) {
  std::string text = "\xEF\xBB\xBF" + ordinary;
  for (std::size_t at = 0; (at = text.find('\n', at)) != std::string::npos; at += 2) text.replace(at, 1, "\r\n");
  for (char& c : text)
    if (c == ' ' && text.find("made") == std::string::npos) c = '\t';
  text.resize(text.size() - 2);
  EXPECT_EQ(parse_poscar(text, "POSCAR").structure.positions, parse_poscar(ordinary, "POSCAR").structure.positions);
}

TEST(Poscar, RefusesWithLineAndRemedy) {
  expect_refused("", "the file ends before");
  expect_refused(replaced(ordinary, "\n1.0\n", "\nzero\n"), "POSCAR:2");
  expect_refused(replaced(ordinary, "Li S", "Li Qq"), "'Qq' is no element");
  expect_refused(replaced(ordinary, " 2 1\n", " 2\n 0\n"), "'0' is no number of atoms");
  expect_refused(replaced(ordinary, "0.5 0.5 0.5", "0.5 NaN 0.5"), "not a finite number");
  expect_refused(replaced(ordinary, "0.5 0.5 0.5", "0.5 ****** 0.5"), "asterisks");
  expect_refused(replaced(ordinary, "Direct", "Fractional"), "where Direct or Cartesian should be");
  expect_refused(replaced(ordinary, " 0.25 0.75 0.1\n", ""), "atom 3 of 3");
  expect_refused(replaced(ordinary, " 0.0 0.0 6.0", " 4.0 5.0 0.0"), "POSCAR:3-5");
  expect_refused(replaced(ordinary, "Direct", "Selective\nDirect"), "three flags");
}

TEST(Poscar, RefusesABillionAtomsInAShortFileBeforeAllocating) {
  expect_refused(replaced(ordinary, " 2 1\n", " 1000000000 1\n"), "more atoms than the file can hold");
  expect_refused(replaced(ordinary, " 2 1\n", " 9223372036854775807 9223372036854775807\n"),
                 "more atoms than the file can hold");
}

TEST(Poscar, WrittenStructuresReadBack) {
  Structure s = testing::made_up_frames(1, 41)[0].structure;
  s.velocities.assign(5, Vec3{1e-3, -2e-4, 3.3e-5});
  const Structure back = parse_poscar(poscar_text(s, "round trip"), "POSCAR").structure;
  EXPECT_EQ(back.numbers, s.numbers);
  for (std::size_t k = 0; k < 5; ++k) {
    EXPECT_LT(norm(back.positions[k] - s.positions[k]), 1e-13);
    EXPECT_LT(norm(back.velocities[k] - s.velocities[k]), 1e-17);
  }
}

TEST(StructureFile, RecognisesFormatsByContent) {
  const testing::TemporaryFolder folder;
  const auto frames = testing::made_up_frames(2, 42);
  const auto format = [&](const std::string& text) {
    write_text(folder.file("file"), text);
    return recognise_format(folder.file("file"));
  };
  EXPECT_EQ(format(ordinary), FileFormat::poscar);
  EXPECT_EQ(format(extxyz_text(frames[0])), FileFormat::extxyz);
  EXPECT_EQ(format(testing::outcar_text(frames, {})), FileFormat::outcar);
  EXPECT_EQ(format(testing::vasprun_text(frames, {})), FileFormat::vasprun);
  EXPECT_EQ(format("hello\n"), FileFormat::unknown);
  EXPECT_EQ(format(""), FileFormat::unknown);
  EXPECT_EQ(format(replaced(ordinary, "Direct", "Direct configuration=     1")), FileFormat::xdatcar);
}

TEST(StructureFile, ReadsTheStructureOfEveryFormat) {
  const testing::TemporaryFolder folder;
  const auto frames = testing::made_up_frames(2, 43);
  const std::string path = folder.file("file");
  const auto read = [&](const std::string& text) {
    write_text(path, text);
    return read_structure(path);
  };
  EXPECT_EQ(read(poscar_text(frames[0].structure, "x")).numbers, frames[0].structure.numbers);
  EXPECT_EQ(read(extxyz_text(frames[0])).positions, frames[0].structure.positions);
  EXPECT_LT(norm(read(testing::outcar_text(frames, {})).positions[2] - frames[1].structure.positions[2]), 1e-5);
  EXPECT_LT(norm(read(testing::vasprun_text(frames, {})).positions[2] - frames[1].structure.positions[2]), 1e-7);
  EXPECT_THROW(read("hello\n"), InputError);
  EXPECT_THROW((void)read_structure(folder.file("absent")), InputError);
  EXPECT_THROW((void)read_structure(folder.path().string()), InputError);
}

TEST(Poscar, VelocitiesInDirectCoordinatesAreLeftOut) {
  // They are per time step, which the file does not hold.
  const std::string text = "x\n1.0\n4 0 0\n0 4 0\n0 0 4\nLi\n1\nDirect\n0 0 0\nDirect\n 0.001 0 0\n";
  EXPECT_TRUE(parse_poscar(text, "POSCAR").structure.velocities.empty());
  expect_refused(text.substr(0, text.size() - 3) + "x\n", "the velocity of atom 1");
}

TEST(Poscar, FilesOfOtherProjectsAreReadOrRefusedForTheirFault) {
  HAVEN_SHARED_DATA(manifest, "vasp/manifest.json");
  const nlohmann::json entries = nlohmann::json::parse(read_text(manifest));
  const std::map<std::string, std::string> refused{{"dpdata/POSCAR.oh.err1", "needs three flags"},
                                                   {"dpdata/POSCAR.oh.err2", "needs three flags"},
                                                   {"parsevasp/POSCARNAMES", "is no element"},
                                                   {"ase/POSCAR_example_1", "does not say which elements"}};
  int files = 0;
  for (const auto& [name, entry] : entries.items()) {
    if (entry["type"] != "POSCAR") continue;
    ++files;
    HAVEN_SHARED_DATA(path, "vasp/" + name);
    if (const auto reason = refused.find(name); reason != refused.end()) {
      try {
        static_cast<void>(read_poscar(path));
        ADD_FAILURE() << name << " is not refused";
      } catch (const InputError& error) {
        EXPECT_NE(error.summary().find(reason->second), std::string::npos) << error.what();
      }
      continue;
    }
    try {
      const Poscar poscar = read_poscar(path);
      EXPECT_EQ(poscar.structure.positions.size(), poscar.structure.numbers.size()) << name;
      EXPECT_FALSE(poscar.structure.numbers.empty()) << name;
      const Structure again = parse_poscar(poscar_text(poscar.structure, "again"), name).structure;
      ASSERT_EQ(again.numbers, poscar.structure.numbers) << name;
      for (std::size_t k = 0; k < again.positions.size(); ++k)
        EXPECT_LT(norm(again.positions[k] - poscar.structure.positions[k]), 1e-13 * 20) << name;
    } catch (const InputError& error) {
      ADD_FAILURE() << name << ": " << error.what();
    }
  }
  EXPECT_EQ(files, 13);
}

TEST(StructureFile, ReadsAllFrames) {
  const testing::TemporaryFolder folder;
  const auto frames = testing::made_up_frames(3, 44);
  write_text(folder.file("OUTCAR"), testing::outcar_text(frames, {.predicted = {1}}));
  EXPECT_EQ(read_frames(folder.file("OUTCAR")).size(), 2U);
  write_extxyz(folder.file("a.xyz"), frames);
  EXPECT_EQ(read_frames(folder.file("a.xyz")).size(), 3U);
  write_poscar(folder.file("POSCAR"), frames[0].structure, "x");
  const auto one = read_frames(folder.file("POSCAR"));
  ASSERT_EQ(one.size(), 1U);
  EXPECT_FALSE(one[0].energy.has_value());
}

}  // namespace
}  // namespace haven
