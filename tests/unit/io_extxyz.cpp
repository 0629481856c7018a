#include <gtest/gtest.h>

#include "core/error.hpp"
#include "io/extxyz.hpp"
#include "support/shared_data.hpp"
#include "support/vasp_writer.hpp"

namespace haven {
namespace {

const std::string lattice = "Lattice=\"4 0 0 0 5 0 0 0 6\" ";

/// One frame of two atoms with forces and the given comment part.
std::string two_atoms(const std::string& comment, const std::string& columns = "species:S:1:pos:R:3:forces:R:3") {
  return "2\n" + lattice + "Properties=" + columns + " " + comment + "\nLi 0 0 0 0.5 0 0\nS 2.0 2.5 3.0 -0.5 0 0\n";
}

class Extxyz : public ::testing::Test {
 protected:
  std::vector<Frame> read(const std::string& text, EnergyKind energy = EnergyKind::free) {
    write_text(path_, text);
    ExtxyzReader reader(path_, energy);
    std::vector<Frame> frames;
    while (auto frame = reader.next()) frames.push_back(std::move(*frame));
    mapping_ = reader.mapping();
    ending_ = reader.ending();
    return frames;
  }
  void expect_refused(const std::string& text, const std::string& part) {
    try {
      read(text);
      FAIL() << "not refused: " << part;
    } catch (const InputError& error) {
      EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
      EXPECT_FALSE(error.remedy().empty());
    }
  }
  testing::TemporaryFolder folder_;
  std::string path_ = folder_.file("set.xyz"), mapping_, ending_;
};

TEST_F(Extxyz, WhatIsWrittenReadsBackBitForBit) {
  auto frames = testing::made_up_frames(3, 51);
  frames[0].structure.velocities.assign(5, Vec3{1e-3, 0.1, -1.0 / 3.0});
  frames[0].group = "aimd \"hot\" run";
  frames[0].trajectory = "runs/a b/OUTCAR";
  frames[0].temperature = 600.5;
  frames[0].weight = 2.0;
  frames[1].stress.reset();
  frames[2].energy.reset();
  frames[2].forces.clear();
  frames[2].structure.cell = Cell(frames[2].structure.cell.vectors(), {true, false, true});
  write_extxyz(path_, frames);
  ExtxyzReader reader(path_);
  for (const Frame& frame : frames) {
    const auto back = reader.next();
    ASSERT_TRUE(back.has_value());
    EXPECT_EQ(back->structure.cell, frame.structure.cell);
    EXPECT_EQ(back->structure.numbers, frame.structure.numbers);
    EXPECT_EQ(back->structure.positions, frame.structure.positions);
    EXPECT_EQ(back->structure.velocities, frame.structure.velocities);
    EXPECT_EQ(back->energy, frame.energy);
    EXPECT_EQ(back->forces, frame.forces);
    EXPECT_EQ(back->stress, frame.stress);
    EXPECT_EQ(back->group, frame.group);
    EXPECT_EQ(back->trajectory, frame.trajectory);
    EXPECT_EQ(back->temperature, frame.temperature);
    EXPECT_EQ(back->weight, frame.weight);
  }
  EXPECT_FALSE(reader.next().has_value());
  EXPECT_EQ(reader.ending(), "");
}

TEST_F(Extxyz, ReadsTheNamesOfAseGpumdAndMaceAndPrintsTheMapping) {
  EXPECT_EQ(read(two_atoms("energy=-3.5"))[0].energy, -3.5);
  EXPECT_EQ(mapping_, "energy <- energy, forces <- forces");
  EXPECT_EQ(read(two_atoms("REF_energy=-3.5", "species:S:1:pos:R:3:REF_forces:R:3"))[0].forces[0].x, 0.5);
  EXPECT_EQ(mapping_, "energy <- REF_energy, forces <- REF_forces");
  EXPECT_EQ(read(two_atoms("Energy=-3.5", "species:S:1:pos:R:3:force:R:3"))[0].energy, -3.5);
  EXPECT_EQ(mapping_, "energy <- Energy, forces <- force");
}

TEST_F(Extxyz, FramesWithDifferentNamesShowInTheMapping) {
  EXPECT_EQ(read(two_atoms("energy=-3.5") + two_atoms("free_energy=-3.6")).size(), 2U);
  EXPECT_EQ(mapping_, "energy <- energy and free_energy, forces <- forces");
}

TEST_F(Extxyz, FreeEnergyAndEnergyMayDifferAndTheKindDecides) {
  const std::string text = two_atoms("energy=-3.5 free_energy=-3.6");
  EXPECT_EQ(read(text)[0].energy, -3.6);
  EXPECT_EQ(read(text, EnergyKind::sigma0)[0].energy, -3.5);
}

TEST_F(Extxyz, NamesThatDisagreeAreAnError) {
  expect_refused(two_atoms("energy=-3.5 REF_energy=-3.6"), "energy and REF_energy disagree");
  expect_refused("2\n" + lattice +
                     "Properties=species:S:1:pos:R:3:forces:R:3:REF_forces:R:3 energy=1\n"
                     "Li 0 0 0 0.5 0 0 0.5 0 0\nS 2 2 2 -0.5 0 0 -0.6 0 0\n",
                 "forces and REF_forces disagree");
  expect_refused(two_atoms("energy=1 stress=\"1 0 0 0 1 0 0 0 1\" virial=\"120 0 0 0 120 0 0 0 120\""),
                 "stress and virial disagree");
  EXPECT_EQ(read(two_atoms("energy=-3.5 REF_energy=-3.5"))[0].energy, -3.5);
}

TEST_F(Extxyz, StressComesInThreeForms) {
  const Mat3 expected{{{{1, 6, 5}, {6, 2, 4}, {5, 4, 3}}}};
  EXPECT_EQ(read(two_atoms("energy=1 stress=\"1 6 5 6 2 4 5 4 3\""))[0].stress, expected);
  EXPECT_EQ(read(two_atoms("energy=1 stress=\"1 2 3 4 5 6\""))[0].stress, expected);  // xx yy zz yz xz xy
  const auto virial =
      read(two_atoms("energy=1 virial=\"-120 -720 -600 -720 -240 -480 -600 -480 -360\""))[0].stress;  // volume 120
  for (int i = 0; i < 3; ++i) EXPECT_LT(norm((*virial)[i] - expected[i]), 1e-13);
}

TEST_F(Extxyz, UnusedColumnsAreNamed) {
  const std::string text = "1\n" + lattice + "Properties=species:S:1:pos:R:3:magmom:R:1:tag:I:1\nLi 0 0 0 1.5 7\n";
  EXPECT_EQ(read(text).size(), 1U);
  EXPECT_NE(mapping_.find("not used magmom"), std::string::npos) << mapping_;
}

TEST_F(Extxyz, KeysThatLookLikeLabelsAndAreNotUsedAreNamed) {
  read(two_atoms("energy=-3 dft_virial=\"1 0 0 0 1 0 0 0 1\" MACE_energy=-3.1 magmom=0"));
  EXPECT_NE(mapping_.find("not used dft_virial"), std::string::npos) << mapping_;
  EXPECT_NE(mapping_.find("not used MACE_energy"), std::string::npos) << mapping_;
  EXPECT_EQ(mapping_.find("magmom"), std::string::npos) << mapping_;
}

TEST_F(Extxyz, ListsComeInEverySpelling) {
  const std::string numbers = "2\n" + lattice + "Properties=Z:I:1:pos:R:3 ";
  for (const char* pbc : {"pbc=T", "pbc=\"T T T\"", "pbc=\"[T, T, T]\"", "pbc=\"_JSON [true, true, true]\"", "pbc=1"})
    for (const char* stress : {"stress=\"_JSON [[1, 0, 0], [0, 2, 0], [0, 0, 3]]\"", "stress=[[1,0,0],[0,2,0],[0,0,3]]",
                               "stress=\"1 2 3 0 0 0\"", "stress={1 0 0 0 2 0 0 0 3}"}) {
      const auto frames = read(numbers + pbc + " " + stress + " energy=-1\n3 0 0 0\n16 2 2 2\n");
      ASSERT_EQ(frames.size(), 1U);
      EXPECT_EQ(frames[0].structure.numbers, (std::vector<int>{3, 16}));
      EXPECT_EQ(*frames[0].stress, (Mat3{{{{1, 0, 0}, {0, 2, 0}, {0, 0, 3}}}})) << stress;
      EXPECT_EQ(frames[0].structure.cell.periodic(), (std::array{true, true, true})) << pbc;
      EXPECT_EQ(frames[0].energy, -1.0);
    }
  expect_refused(numbers + "pbc=T\n0 0 0 0\n3 1 1 1\n", "Z is no atomic number");
  expect_refused(numbers + "pbc=\"T F\"\n3 0 0 0\n3 1 1 1\n", "is not three of T and F");
}

TEST_F(Extxyz, AFrameWithoutACellIsNoErrorOfTheFile) {
  write_text(path_, "1\nProperties=species:S:1:pos:R:3 energy=-0.2 config_type=IsolatedAtom pbc=\"F F F\"\nLi 0 0 0\n" +
                        two_atoms("energy=-3"));
  ExtxyzReader reader(path_);
  std::string problem;
  ASSERT_TRUE(reader.next(problem).has_value());
  EXPECT_TRUE(reader.without_cell());
  ASSERT_TRUE(reader.next(problem).has_value());
  EXPECT_FALSE(reader.without_cell());
  expect_refused("1\npbc=\"T T T\" Properties=species:S:1:pos:R:3\nLi 0 0 0\n", "no Lattice");
  expect_refused("1\nProperties=species:S:1:pos:R:3\nLi 0 0 0\n", "no Lattice");
}

TEST_F(Extxyz, AcceptsForeignLineEndsAndByteOrderMark) {
  std::string text = "\xEF\xBB\xBF" + two_atoms("energy=-3.5") + two_atoms("energy=-3.6");
  for (std::size_t at = 0; (at = text.find('\n', at)) != std::string::npos; at += 2) text.replace(at, 1, "\r\n");
  EXPECT_EQ(read(text).size(), 2U);
}

TEST_F(Extxyz, AFrameThatIsCutOffIsLeftOutWithAReason) {
  const std::string text =
      extxyz_text(testing::made_up_frames(1, 52)[0]) + extxyz_text(testing::made_up_frames(1, 53)[0]);
  EXPECT_EQ(read(text.substr(0, text.size() - 40)).size(), 1U);
  EXPECT_NE(ending_.find("frame 2 (5 atoms) is cut off"), std::string::npos) << ending_;
}

TEST_F(Extxyz, ALastLineWithoutNewlineCountsOnlyWhenItsDigitsAreComplete) {
  const std::string fixed = "2\n" + lattice +
                            "Properties=species:S:1:pos:R:3:forces:R:3 energy=1\nLi 0.0 0.0 0.0 0.500 0.000 0.125\nS "
                            "2.0 2.5 3.0 -0.500 0.000 -0.125";
  EXPECT_EQ(read(fixed).size(), 1U);
  EXPECT_EQ(read(fixed.substr(0, fixed.size() - 1)).size(), 0U);
}

TEST_F(Extxyz, RefusesWithLineAndRemedy) {
  expect_refused("two\n", "set.xyz:1");
  expect_refused("2\nPBC=T energy=1\nLi 0 0 0\nS 1 1 1\n", "no Lattice");
  expect_refused("1\nLattice=\"1 2 3\"\nLi 0 0 0\n", "3 numbers instead of 9");
  expect_refused("1\n" + lattice + "\nQq 0 0 0\n", "'Qq' is no element");
  expect_refused("1\n" + lattice + "\nLi 0 0\n", "pos is missing");
  expect_refused("1\n" + lattice + "energy=\nLi 0 0 0\n", "not one number");
  expect_refused("1\n" + lattice + "energy=abc\nLi 0 0 0\n", "is no number");
  expect_refused("1\n" + lattice + "note=\"open\nLi 0 0 0\n", "no closing");
  expect_refused("1\n" + lattice + "Properties=species:S\nLi 0 0 0\n", "triples");
  expect_refused("1\n" + lattice + "stress=\"1 2 3\"\nLi 0 0 0\n", "3 numbers instead of 9 or 6");
  expect_refused("1\n" + lattice + "\nLi 0 NaN 0\n", "not a finite number");
  expect_refused("1\nLattice=\"4 0 0 8 0 0 0 0 6\"\nLi 0 0 0\n", "set.xyz:2");
}

TEST_F(Extxyz, ABadNumberCanBeReportedInsteadOfThrown) {
  write_text(path_, "1\n" + lattice + "energy=NaN\nLi 0 0 0\n1\n" + lattice + "energy=2\nLi 0 0 0\n");
  ExtxyzReader reader(path_);
  std::string problem;
  EXPECT_TRUE(reader.next(problem).has_value());
  EXPECT_NE(problem.find("energy is not a finite number"), std::string::npos) << problem;
  EXPECT_EQ(reader.next(problem)->energy, 2.0);
  EXPECT_EQ(problem, "");
}

TEST_F(Extxyz, ABillionClaimedAtomsAndAHugeLineNeedNoMemory) {
  EXPECT_EQ(read("1000000000\n" + lattice + "\nLi 0 0 0\n").size(), 0U);
  EXPECT_NE(ending_.find("cut off"), std::string::npos);
  expect_refused("1\n" + lattice + std::string(10U << 20U, 'x') + "\nLi 0 0 0\n", "longer than 1 MiB");
}

}  // namespace
}  // namespace haven
