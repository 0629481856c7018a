#include <gtest/gtest.h>

#include "core/error.hpp"
#include "io/file_format.hpp"
#include "io/h5.hpp"
#include "io/h5_library.hpp"
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

/// Adds a number or a list of numbers to a file.
void add(const std::string& path, const std::string& name, const std::vector<double>& values) {
  const h5::Id file(H5Fopen(path.c_str(), H5F_ACC_RDWR, H5P_DEFAULT));
  const hsize_t count = values.size();
  const h5::Id space(count == 1 ? H5Screate(H5S_SCALAR) : H5Screate_simple(1, &count, nullptr));
  const h5::Id links(H5Pcreate(H5P_LINK_CREATE));
  H5Pset_create_intermediate_group(links.get(), 1);
  const h5::Id data(
      H5Dcreate2(file.get(), name.c_str(), H5T_IEEE_F64LE, space.get(), links.get(), H5P_DEFAULT, H5P_DEFAULT));
  ASSERT_GE(H5Dwrite(data.get(), H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()), 0);
}

TEST(Vaspout, SettingsThatChangeEnergiesAreKept) {
  const testing::TemporaryFolder folder;
  const std::string path = folder.file("vaspout.h5");
  testing::write_vaspout(path, testing::made_up_frames(1, 162));  // Li and S
  add(path, "/input/incar/LDAU", {1});
  add(path, "/input/incar/LDAUU", {0, 4.5});
  add(path, "/input/incar/LDAUL", {-1, 1});
  add(path, "/input/incar/IVDW", {12});
  for (const auto& [name, value] : {std::pair("x", 2), std::pair("y", 3), std::pair("z", 1)})
    add(path, std::string("/input/kpoints/nkp") + name, {static_cast<double>(value)});
  const auto reader = open_vaspout(path);
  ASSERT_TRUE(reader->next());
  const CalculationSettings& settings = reader->settings().calculation;
  EXPECT_EQ(settings.find("DISPERSION"), "T");
  EXPECT_EQ(settings.find("KPOINTS"), "2 3 1");
  EXPECT_EQ(settings.find("LDAUU S"), "4.5");
  EXPECT_EQ(settings.find("LDAUL Li"), "-1");
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
