#include <fmt/format.h>
#include <gtest/gtest.h>

#include "core/error.hpp"
#include "core/units.hpp"
#include "io/text_file.hpp"
#include "support/reader_examples.hpp"
#include "support/shared_data.hpp"
#include "support/vasp_writer.hpp"

/// ML_AB, n2p2 input.data, aenet XSF, pw.x output and CP2K trajectories: what was written comes out, numbers worked out
/// by hand come out, and what is wrong is refused with the line.
namespace haven {
namespace {

using testing::AtomicUnits;
using testing::expect_same_frame;
using testing::made_up_frames;

class Labelled : public ::testing::Test {
 protected:
  std::vector<Frame> read(const std::string& text, const FrameReading& reading = {}) {
    write_text(folder_.file("file"), text);
    return testing::frames_in(folder_.file("file"), reading, ending_);
  }
  void expect_refused(const std::string& text, const std::string& part, const FrameReading& reading = {}) {
    write_text(folder_.file("file"), text);
    try {
      const auto reader = open_frames(folder_.file("file"), recognise_format(folder_.file("file")), reading);
      while (reader->next()) {
      }
      FAIL() << "not refused: " << part;
    } catch (const InputError& error) {
      EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
      EXPECT_FALSE(error.remedy().empty());
    }
  }
  static void expect_same(const std::vector<Frame>& found, std::vector<Frame> expected, double tolerance,
                          bool stress = true) {
    ASSERT_EQ(found.size(), expected.size());
    for (std::size_t k = 0; k < found.size(); ++k) {
      if (!stress) expected[k].stress.reset();
      expect_same_frame(found[k], expected[k], tolerance);
      EXPECT_EQ(found[k].source.index, static_cast<Index>(k));
    }
  }
  static std::string replaced(std::string text, const std::string& from, const std::string& to) {
    const std::size_t at = text.find(from);
    EXPECT_NE(at, text.npos) << from;
    return text.replace(at, from.size(), to);
  }

  testing::TemporaryFolder folder_;
  std::string ending_;
  const FrameReading atomic_{.units = FileUnits::bohr_hartree}, metal_{.units = FileUnits::angstrom_ev};
};

TEST_F(Labelled, MlAbGivesBackWhatWasWritten) {
  const auto frames = made_up_frames(3, 101);
  expect_same(read(testing::ml_ab_text(frames)), frames, 1e-14);
  EXPECT_EQ(ending_, "");
}

TEST_F(Labelled, MlAbStressHasVaspsSignAndOrder) {
  auto frames = made_up_frames(1, 102);
  std::string text = testing::ml_ab_text(frames);
  // The last two lines of numbers are XX YY ZZ and XY YZ ZX in kbar, pressure positive.
  const std::size_t stress = text.find("     XX YY ZZ");
  const std::string rule = std::string(50, '-') + "\n";
  text = text.substr(0, stress) + "     XX YY ZZ\n" + rule + " 16.02176634 32.04353268 0.0\n" + rule +
         "     XY YZ ZX\n" + rule + " 1.602176634 3.204353268 4.806529902\n";
  const Mat3 s = *read(text).at(0).stress;
  EXPECT_NEAR(s[0].x, -0.01, 1e-15);
  EXPECT_NEAR(s[1].y, -0.02, 1e-15);
  EXPECT_NEAR(s[0].y, -0.001, 1e-16);  // XY
  EXPECT_NEAR(s[1].z, -0.002, 1e-16);  // YZ
  EXPECT_NEAR(s[0].z, -0.003, 1e-16);  // ZX
  EXPECT_EQ(s[2].z, 0.0);
}

TEST_F(Labelled, MlAbSaysThatConfigurationsAreMissing) {
  const std::string text = testing::ml_ab_text(made_up_frames(3, 103));
  const std::size_t third = text.find("     Configuration num.      3") - 51;
  EXPECT_EQ(read(text.substr(0, third)).size(), 2U);
  EXPECT_NE(ending_.find("states 3 configurations, the file holds 2"), std::string::npos) << ending_;
}

TEST_F(Labelled, MlAbRefusesWhatContradictsItself) {
  const std::string text = testing::ml_ab_text(made_up_frames(1, 104));
  expect_refused(replaced(text, "     Li      3", "     Li      4"), "do not sum to 5");
  expect_refused(replaced(text, "     Li      3", "     Qq      3"), "'Qq' is no element");
  expect_refused(replaced(text, "          5\n", " 99999999999\n"), "is no number of atoms");
  expect_refused(text, "free energy only", {.energy = EnergyKind::sigma0});
}

TEST_F(Labelled, MlAbMarksNumbersThatCannotBeUsed) {
  std::string text = testing::ml_ab_text(made_up_frames(2, 105));
  for (const char* bad : {"                    1E+400", "  ************************", "                       NaN"}) {
    std::string damaged = text;
    const std::size_t forces = damaged.find("Forces (eV ang.^-1)");
    damaged.replace(damaged.find('\n', damaged.find("---\n", forces)) + 1, 24, std::string(bad).substr(2));
    write_text(folder_.file("file"), damaged);
    const auto reader = open_frames(folder_.file("file"), FileFormat::ml_ab, {});
    EXPECT_NE(reader->next()->problem.find("the force on atom 1 is"), std::string::npos);
    EXPECT_EQ(reader->next()->problem, "");
    EXPECT_FALSE(reader->next());
  }
}

TEST_F(Labelled, MlAbOfVasp) {
  HAVEN_SHARED_DATA(path, "vasp/ML_AB/ML_AB.Si.gz");
  const auto frames = testing::frames_in(path, {}, ending_);
  ASSERT_EQ(frames.size(), 134U);
  EXPECT_EQ(ending_, "");
  // The first configuration, from the text of the file.
  EXPECT_EQ(*frames[0].energy, -347.156962774626);
  EXPECT_EQ(frames[0].forces[0].x, -1.789764932098365E-003);
  EXPECT_NEAR((*frames[0].stress)[0].x, -3.340691896723910E-002 / 1602.176634, 1e-12);
  EXPECT_NEAR((*frames[0].stress)[0].y, 6.978113251161597E-002 / 1602.176634, 1e-12);
  EXPECT_NEAR((*frames[0].stress)[1].z, 6.970564890906143E-002 / 1602.176634, 1e-12);
  EXPECT_EQ(frames[0].structure.numbers, std::vector<int>(64, 14));
}

TEST_F(Labelled, N2p2NeedsItsUnitsAndConvertsThem) {
  const auto frames = made_up_frames(2, 111);
  const std::string text = testing::n2p2_text(frames, AtomicUnits::yes);
  expect_refused(text, "the units of an n2p2 file are not known");
  expect_same(read(text, atomic_), frames, 1e-14, false);
  expect_same(read(testing::n2p2_text(frames, AtomicUnits::no), metal_), frames, 1e-15, false);
}

TEST_F(Labelled, N2p2ConvertsByHand) {
  const std::string text =
      "begin\nlattice 10 0 0\nlattice 0 10 0\nlattice 0 0 10\natom 1 2 3 Li 0 0 0.1 0.2 0.3\nenergy -2\ncharge "
      "0\nend\n";
  const Frame frame = read(text, atomic_).at(0);
  EXPECT_NEAR(frame.structure.cell.vectors()[0].x, 5.29177210903, 1e-11);
  EXPECT_NEAR(frame.structure.positions[0].z, 1.587531632709, 1e-11);
  EXPECT_NEAR(*frame.energy, -54.422772491976, 1e-10);
  EXPECT_NEAR(frame.forces[0].x, 5.142206747632594, 1e-9);  // 0.1 hartree/bohr; 1 hartree/bohr is 51.422067 eV/A
}

TEST_F(Labelled, N2p2RefusesWhatIsDamaged) {
  const std::string text = testing::n2p2_text(made_up_frames(2, 112), AtomicUnits::no);
  expect_refused(replaced(text, "Li 0.0 0.0", "Lx 0.0 0.0"), "'Lx' is no element", metal_);
  expect_refused(replaced(text, "end\nbegin", "begin"), "'begin' inside a structure", metal_);
  expect_refused(replaced(text, "comment made up", "remark made up"), "'remark' is no keyword", metal_);
  expect_refused("begin\natom 0 0 0 Li 0 0 0 0 0\nenergy 1\nend\n", "without lattice", metal_);
  EXPECT_EQ(read(text.substr(0, text.size() - 4), metal_).size(), 1U);
  EXPECT_NE(ending_.find("structure 2 is cut off"), std::string::npos) << ending_;
}

TEST_F(Labelled, N2p2FilesOfN2p2) {
  HAVEN_SHARED_DATA(path, "n2p2_reference/Li_mlearn/structure_000.data");
  const auto frames = testing::frames_in(path, atomic_, ending_);
  ASSERT_EQ(frames.size(), 1U);
  EXPECT_NEAR(frames[0].structure.cell.vectors()[0].x, 19.427236827745 * 0.529177210903, 1e-10);
  EXPECT_NEAR(frames[0].forces[0].x, 4.223498600066e-03 * 27.211386245988 / 0.529177210903, 1e-12);
}

TEST_F(Labelled, XsfGivesBackWhatWasWritten) {
  auto frames = made_up_frames(1, 121);
  expect_same(read(testing::xsf_text(frames[0])), frames, 1e-12, false);
}

TEST_F(Labelled, XsfWithoutAenetsEnergyHasNoLabels) {
  std::string text = testing::xsf_text(made_up_frames(1, 122)[0]);
  text.erase(0, text.find('\n') + 1);
  const Frame frame = read(text).at(0);
  EXPECT_FALSE(frame.energy);
  EXPECT_TRUE(frame.forces.empty());  // an ordinary XSF has them in hartree/A
}

TEST_F(Labelled, XsfRefusesOtherUnitsAndShapes) {
  const std::string text = testing::xsf_text(made_up_frames(1, 123)[0]);
  expect_refused(replaced(text, " eV\n", " Ry\n"), "in 'Ry', not in eV");
  expect_refused(replaced(text, "CRYSTAL", "ATOMS"), "not periodic");
  expect_refused("ANIMSTEPS 3\n" + text, "several structures");
  expect_refused(replaced(text, "\n5 1\n", "\n4 1\n"), "more atom lines than");
}

TEST_F(Labelled, XsfOfAenet) {
  HAVEN_SHARED_DATA(path, "aenet_reference/TiO2_chebyshev/structure-001.xsf");
  const Frame frame = testing::frames_in(path, {}, ending_).at(0);
  EXPECT_EQ(*frame.energy, -19517.09425849);
  EXPECT_EQ(frame.structure.size(), 23);
  EXPECT_EQ(frame.forces[1].z, -2.01453824);
  EXPECT_EQ(frame.structure.cell.vectors()[2].z, 9.26300011);
}

TEST_F(Labelled, EspressoGivesBackWhatWasWritten) {
  const auto frames = made_up_frames(3, 131);
  expect_same(read(testing::espresso_text(frames)), frames, 1e-12);
  EXPECT_EQ(ending_, "");
}

TEST_F(Labelled, EspressoConvertsByHand) {
  const std::string text =
      "     Program PWSCF v.6.7MaX starts\n"
      "     lattice parameter (alat)  =      10.0000  a.u.\n"
      "     number of atoms/cell      =            1\n"
      "     celldm(1)=  10.000000  celldm(2)=   0.000000\n"
      "     crystal axes: (cart. coord. in units of alat)\n"
      "               a(1) = (   1.000000   0.000000   0.000000 )\n"
      "               a(2) = (   0.000000   1.000000   0.000000 )\n"
      "               a(3) = (   0.000000   0.000000   1.000000 )\n"
      "     site n.     atom                  positions (alat units)\n"
      "         1           Li  tau(   1) = (   0.1000000   0.0000000   0.0000000  )\n"
      "!    total energy              =     -15.00000000 Ry\n"
      "     Forces acting on atoms (cartesian axes, Ry/au):\n\n"
      "     atom    1 type  1   force =     0.10000000   -0.20000000    0.00000000\n\n"
      "     total   stress  (Ry/bohr**3)                   (kbar)     P=       49.03\n"
      "   0.00100000   0.00000000   0.00000000          147.11        0.00        0.00\n"
      "   0.00000000   0.00000000   0.00000000            0.00        0.00        0.00\n"
      "   0.00000000   0.00000000   0.00000000            0.00        0.00        0.00\n"
      "   JOB DONE.\n";
  const Frame frame = read(text).at(0);
  EXPECT_NEAR(*frame.energy, -204.08539684491, 1e-9);
  EXPECT_NEAR(frame.structure.positions[0].x, 0.529177210903, 1e-12);
  EXPECT_NEAR(frame.forces[0].x, 2.571103373816, 1e-9);
  // 147.1051 kbar of pressure; the rounded kbar column says the same.
  EXPECT_NEAR((*frame.stress)[0].x, -147.1051 / 1602.176634, 1e-6);
  EXPECT_EQ(frame.source.code, "Quantum ESPRESSO 6.7MaX");
}

TEST_F(Labelled, EspressoMarksStepsThatAreNotConverged) {
  const std::string text = replaced(testing::espresso_text(made_up_frames(2, 132)),
                                    "convergence has been achieved in   9", "convergence NOT achieved after 100");
  write_text(folder_.file("file"), text);
  const auto reader = open_frames(folder_.file("file"), FileFormat::espresso, {});
  EXPECT_NE(reader->next()->unconverged.find("NOT achieved after 100"), std::string::npos);
  EXPECT_EQ(reader->next()->unconverged, "");
}

TEST_F(Labelled, Cp2kPutsItsThreeFilesTogether) {
  const auto frames = made_up_frames(4, 141);
  const auto files = testing::cp2k_files(frames);
  const std::string path = folder_.file("LiS-pos-1.xyz");
  write_text(path, files.positions);
  EXPECT_THROW(testing::frames_in(path, {}, ending_), InputError);
  write_text(folder_.file("LiS-frc-1.xyz"), files.forces);
  EXPECT_THROW(testing::frames_in(path, {}, ending_), InputError);
  write_text(folder_.file("LiS-1.cell"), files.cell);
  expect_same(testing::frames_in(path, {}, ending_), frames, 1e-13, false);
  EXPECT_EQ(ending_, "");
}

TEST_F(Labelled, Cp2kMatchesStepsAndCountsThoseWithoutForces) {
  const auto frames = made_up_frames(4, 142);
  const auto files = testing::cp2k_files(frames);
  const auto fewer = testing::cp2k_files({frames[0], frames[1]});
  write_text(folder_.file("a-pos-1.xyz"), files.positions);
  write_text(folder_.file("a-frc-1.xyz"), fewer.forces);
  write_text(folder_.file("a-1.cell"), files.cell);
  const auto reader = open_frames(folder_.file("a-pos-1.xyz"), FileFormat::cp2k, {});
  Index count = 0;
  while (reader->next()) ++count;
  EXPECT_EQ(count, 2);
  EXPECT_NE(reader->notes().at(1).find("2 steps have no forces"), std::string::npos);
}

}  // namespace
}  // namespace haven
