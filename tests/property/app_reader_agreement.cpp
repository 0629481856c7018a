#include <gtest/gtest.h>

#include "core/error.hpp"
#include "io/dataset_file.hpp"
#include "io/extxyz.hpp"
#include "io/file_format.hpp"
#include "io/poscar.hpp"
#include "io/structure_file.hpp"
#include "io/text_file.hpp"
#include "support/program.hpp"
#include "support/reader_examples.hpp"
#include "support/shared_data.hpp"
#include "support/vasp_writer.hpp"

/// One set of frames by different ways: through Haven's own formats, as OUTCAR and vasprun.xml of one run, and as
/// another program reads the same files.
namespace haven {
namespace {

using testing::made_up_frames;
using testing::TemporaryFolder;

void expect_near(const std::vector<Vec3>& found, const std::vector<Vec3>& expected, double tolerance) {
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) EXPECT_LE(norm(found[i] - expected[i]), tolerance) << i;
}

/// POSCAR -> extended XYZ -> dataset -> extended XYZ -> POSCAR.
TEST(ReaderAgreement, RoundTripsThroughAllOwnFormatsKeepPositionsAndLabels) {
  const TemporaryFolder folder;
  for (Frame frame : made_up_frames(4, 401)) {
    write_text(folder.file("POSCAR"), poscar_text(frame.structure, "first"));
    const Structure first = read_structure(folder.file("POSCAR"), {});
    EXPECT_EQ(first.numbers, frame.structure.numbers);
    expect_near(first.positions, frame.structure.positions, 1e-8);  // A
    frame.structure = first;
    write_extxyz(folder.file("one.xyz"), std::vector<Frame>{frame});
    const auto second = read_frames(folder.file("one.xyz"));
    ASSERT_EQ(second.size(), 1U);
    write_dataset(folder.file("set.h5"), second, {});
    const auto third = read_dataset(folder.file("set.h5")).frames;
    ASSERT_EQ(third.size(), 1U);
    write_extxyz(folder.file("two.xyz"), third);
    const auto last = read_frames(folder.file("two.xyz"));
    ASSERT_EQ(last.size(), 1U);
    EXPECT_EQ(last[0].energy, frame.energy);
    EXPECT_EQ(last[0].forces, frame.forces);
    EXPECT_EQ(last[0].stress, frame.stress);
    EXPECT_EQ(last[0].structure.positions, first.positions);
    write_text(folder.file("CONTCAR"), poscar_text(last[0].structure, "last"));
    const Structure again = read_structure(folder.file("CONTCAR"), {});
    EXPECT_EQ(again.numbers, first.numbers);
    expect_near(again.positions, first.positions, 1e-8);
  }
}

/// Both files of one run: energies to the printed digits, forces and positions to the coarser ones of the OUTCAR, the
/// stress with one sign and one unit.
TEST(ReaderAgreement, OutcarAndVasprunOfOneRunGiveTheSameFrames) {
  const TemporaryFolder folder;
  const auto frames = made_up_frames(5, 402);
  write_text(folder.file("OUTCAR"), testing::outcar_text(frames, {}));
  write_text(folder.file("vasprun.xml"), testing::vasprun_text(frames, {}));
  const auto outcar = open_vasp_run(folder.file("OUTCAR"), FileFormat::outcar);
  const auto vasprun = open_vasp_run(folder.file("vasprun.xml"), FileFormat::vasprun);
  for (const Frame& frame : frames) {
    const auto one = outcar->next(), other = vasprun->next();
    ASSERT_TRUE(one && other);
    const Frame a = frame_of_step(*one, outcar->settings(), EnergyKind::free, "OUTCAR");
    const Frame b = frame_of_step(*other, vasprun->settings(), EnergyKind::free, "vasprun.xml");
    EXPECT_EQ(a.energy, b.energy);
    EXPECT_EQ(a.structure.numbers, b.structure.numbers);
    expect_near(a.structure.positions, b.structure.positions, 2e-5);
    expect_near(a.forces, b.forces, 2e-6);
    ASSERT_TRUE(a.stress && b.stress);
    for (int row = 0; row < 3; ++row)
      EXPECT_LE(norm((*a.stress)[row] - (*b.stress)[row]), 1e-7) << "eV/A^3; five decimals of a kbar are printed";
    EXPECT_GT(norm((*frame.stress)[0]), 1e-4) << "a stress of zero would not show its sign";
    EXPECT_LE(norm((*a.stress)[0] - (*frame.stress)[0]), 1e-7);
  }
}

/// The script that users run, on files whose numbers are printed by VASP and on one that Haven writes.
TEST(ReaderAgreement, AseReadsTheSameFromTheSameFiles) {
  const TemporaryFolder folder;
  const std::string here = folder.path().string();
  if (testing::run_program({"/usr/bin/python3", "-c", "import ase, h5py"}, here).code != 0)
    GTEST_SKIP() << "ASE or h5py is not installed";
  write_extxyz(folder.file("set.xyz"), made_up_frames(5, 403));
  std::vector<std::string> words{"/usr/bin/python3", HAVEN_SOURCE_DIR "/scripts/compare-readers", "--haven",
                                 testing::haven_program(), folder.file("set.xyz")};
  std::size_t files = 1;
  for (const char* name : {"vasp/dpdata/OUTCAR.h2o.md.10", "vasp/dpdata/vasprun.h2o.md.10.xml"})
    if (const auto path = testing::shared_data(name)) words.push_back(path->string()), ++files;
  const auto result = testing::run_program(words, here);
  EXPECT_EQ(result.code, 0) << result.out << result.err;
  std::size_t agreements = 0;
  for (std::size_t at = 0; (at = result.out.find("ase: agrees", at)) != std::string::npos; ++at) ++agreements;
  EXPECT_EQ(agreements, files) << result.out;
}

}  // namespace
}  // namespace haven
