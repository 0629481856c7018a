#include <gtest/gtest.h>

#include "core/error.hpp"
#include "io/file_format.hpp"
#include "io/h5.hpp"
#include "io/text_file.hpp"
#include "io/vaspout.hpp"
#include "support/reader_examples.hpp"
#include "support/shared_data.hpp"
#include "support/vasp_writer.hpp"

namespace haven {
namespace {

TEST(Vaspout, GivesBackWhatWasWritten) {
  const testing::TemporaryFolder folder;
  const auto frames = testing::made_up_frames(3, 161);
  testing::write_vaspout(folder.file("vaspout.h5"), frames);
  EXPECT_EQ(recognise_format(folder.file("vaspout.h5")), FileFormat::vaspout);
  const auto reader = open_vaspout(folder.file("vaspout.h5"));
  for (const Frame& expected : frames) {
    const auto step = reader->next();
    ASSERT_TRUE(step);
    EXPECT_EQ(step->problem, "");
    EXPECT_EQ(step->scf, Scf::unknown);
    EXPECT_DOUBLE_EQ(*step->energy_sigma0, *expected.energy + 0.001);
    testing::expect_same_frame(frame_of_step(*step, reader->settings(), EnergyKind::free, "vaspout.h5"), expected,
                               1e-13);
  }
  EXPECT_FALSE(reader->next());
  EXPECT_TRUE(reader->ending().finished);
}

TEST(Vaspout, OfVasp641) {
  HAVEN_SHARED_DATA(path, "vasp/pymatgen/vaspout.static.h5.gz");
  EXPECT_EQ(recognise_format(path), FileFormat::vaspout);
  const auto reader = open_vaspout(path);
  const auto step = reader->next();
  ASSERT_TRUE(step);
  EXPECT_EQ(reader->settings().code(), "VASP 6.4.1");
  EXPECT_EQ(reader->settings().numbers, (std::vector<int>{31, 51}));
  EXPECT_EQ(reader->settings().nelm, 200);
  EXPECT_EQ(reader->settings().calculation.find("ENCUT"), "680");
  EXPECT_TRUE(reader->settings().calculation.find("POTCAR Ga").value_or("").starts_with("PAW_PBE Ga_d 06Jul2010"));
  EXPECT_NEAR(*step->free_energy, -8.95303508, 1e-8);
  EXPECT_NEAR(step->lattice[0].x, 3.75837492, 1e-8);
  EXPECT_NEAR(norm(step->positions[1] -
                   Vec3{0.25 * (3.75837492 + 1.25279231), 0.25 * 3.54342933, 0.25 * (2 * 2.16989755 + 4.33979811)}),
              0, 1e-7);
  EXPECT_FALSE(step->stress_kbar);  // written as zeros
  EXPECT_NE(step->stress_note.find("zeros"), std::string::npos);
}

TEST(Vaspout, EveryCutFileIsRefusedWithARemedy) {
  const testing::TemporaryFolder folder;
  testing::write_vaspout(folder.file("vaspout.h5"), testing::made_up_frames(2, 162));
  std::string bytes;
  {
    TextFile file(folder.file("vaspout.h5"));
    for (auto block = file.next_block(); !block.empty(); block = file.next_block()) bytes += block;
  }
  for (std::size_t length = 0; length < bytes.size(); length += 97) {
    write_text(folder.file("cut.h5"), bytes.substr(0, length));
    try {
      const auto reader = open_vaspout(folder.file("cut.h5"));
      while (reader->next()) {
      }
      FAIL() << "a file cut to " << length << " bytes is not refused";
    } catch (const InputError& error) {
      EXPECT_FALSE(error.remedy().empty());
    }
  }
}

TEST(Vaspout, OtherHdf5FilesAreNone) {
  const testing::TemporaryFolder folder;
  h5::File file = h5::File::create_in_memory("x");
  PosixFileSystem system;
  write_file_atomically(system, folder.file("x.h5"), std::move(file).image());
  EXPECT_EQ(recognise_format(folder.file("x.h5")), FileFormat::unknown);
  EXPECT_THROW(static_cast<void>(open_vaspout(folder.file("x.h5"))), InputError);
}

}  // namespace
}  // namespace haven
