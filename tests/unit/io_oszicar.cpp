#include <fmt/format.h>
#include <gtest/gtest.h>

#include "core/error.hpp"
#include "io/import.hpp"
#include "io/oszicar.hpp"
#include "io/position_reader.hpp"
#include "support/shared_data.hpp"

namespace haven {
namespace {

using testing::TemporaryFolder;

/// Ionic steps as VASP 5 and 6 print them, each after its SCF steps.
std::string oszicar_text(int first, int last, int every = 1) {
  std::string text;
  for (int step = first; step <= last; step += every) {
    text += "       N       E                     dE             d eps       ncg     rms          rms(c)\n";
    text += "DAV:   1    -0.101880000000E+02   -0.10188E+02   -0.53240E+03   840   0.823E+02\n";
    text += "RMM:   2    -0.101990000000E+02   -0.11000E-01   -0.40000E-03   840   0.823E-02    0.312E-01\n";
    text += fmt::format(
        "{:7} T={:6}. E= -.10123456E+02 F= -.1{:03}4567E+02 E0= -.11000000E+02  EK= 0.12345E+01 SP= 0.00E+00 SK= "
        "0.00E+00 mag=     0.0012\n",
        step, 700 + step, step);
  }
  return text;
}

std::string xdatcar_text(int first, int last, int every = 1) {
  std::string text = "made up\n 1.0\n 5 0 0\n 0 5 0\n 0 0 6\n Li S\n 1 1\n";
  for (int step = first; step <= last; step += every)
    text += fmt::format("Direct configuration= {:5}\n  0.1 0.2 0.3\n  0.5 0.5 0.5\n", step);
  return text;
}

struct Labelled {
  std::vector<FrameLabels> frames;
  std::string doubt;
  std::vector<std::string> notes;
};

Labelled labels_of(const std::string& xdatcar) {
  const auto reader = open_xdatcar_positions(xdatcar);
  Labelled all;
  PositionFrame frame;
  while (reader->next(frame)) all.frames.push_back(frame.labels);
  all.doubt = reader->labels_doubt();
  all.notes = reader->notes();
  return all;
}

/// Those of an XDATCAR and an OSZICAR beside it.
Labelled labels_of(const std::string& xdatcar, const std::string& oszicar) {
  const TemporaryFolder folder;
  write_text(folder.file("XDATCAR"), xdatcar);
  write_text(folder.file("OSZICAR"), oszicar);
  return labels_of(folder.file("XDATCAR"));
}

}  // namespace

TEST(Oszicar, GivesTheIonicStepsOfMolecularDynamics) {
  const TemporaryFolder folder;
  write_text(folder.file("OSZICAR"), oszicar_text(1, 3));
  OszicarReader reader(folder.file("OSZICAR"));
  for (int step = 1; step <= 3; ++step) {
    const auto found = reader.next();
    ASSERT_TRUE(found);
    EXPECT_EQ(found->number, step);
    EXPECT_EQ(found->run, 0);
    EXPECT_DOUBLE_EQ(found->temperature_K.value(), 700 + step);
    EXPECT_NEAR(found->free_energy.value(), -10.0 - 0.01 * step - 0.0004567e1, 1e-9);
  }
  EXPECT_FALSE(reader.next());
}

TEST(Oszicar, ReadsRelaxationsAsterisksAndRunsPutTogether) {
  const TemporaryFolder folder;
  write_text(folder.file("OSZICAR"),
             "   1 F= -.85424385E+02 E0= -.85424000E+02  d E =-.854244E+02  mag=     6.0000\n"
             "*** T=******* E= -.1E+02 F= -.85424386E+02 E0= ************** EK= 0.1E+01\n"
             "   1 F= ************** E0= -.85424000E+02  d E =-.854244E+02\n"
             "   2 F= -.85424387E+02 E0= -.85424000E+02  d E =-.8");  // being written
  OszicarReader reader(folder.file("OSZICAR"));
  const auto relaxed = reader.next(), overflow = reader.next(), second_run = reader.next();
  ASSERT_TRUE(relaxed && overflow && second_run);
  EXPECT_FALSE(relaxed->temperature_K);
  EXPECT_DOUBLE_EQ(relaxed->free_energy.value(), -85.424385);
  EXPECT_EQ(overflow->number, 2);
  EXPECT_FALSE(overflow->temperature_K);
  EXPECT_DOUBLE_EQ(overflow->free_energy.value(), -85.424386);
  EXPECT_EQ(second_run->run, 1);
  EXPECT_EQ(second_run->number, 1);
  EXPECT_FALSE(second_run->free_energy);
  EXPECT_FALSE(reader.next());
}

TEST(Oszicar, IsFoundBesideTheXdatcarUnderTheSameName) {
  const TemporaryFolder folder;
  EXPECT_EQ(oszicar_beside(folder.file("XDATCAR")), "");
  write_text(folder.file("OSZICAR.gz"), "");
  EXPECT_EQ(oszicar_beside(folder.file("XDATCAR")), folder.file("OSZICAR.gz"));
  write_text(folder.file("NaCl_OSZICAR_800K"), "");
  EXPECT_EQ(oszicar_beside(folder.file("NaCl_XDATCAR_800K.xz")), folder.file("NaCl_OSZICAR_800K"));
  EXPECT_EQ(oszicar_beside(folder.file("run.xyz")), "");
}

TEST(Oszicar, LabelsTheFramesOfItsRunByTheNumbersOfTheSteps) {
  const Labelled all = labels_of(xdatcar_text(5, 20, 5), oszicar_text(1, 23));  // NBLOCK = 5
  ASSERT_EQ(all.frames.size(), 4U);
  for (std::size_t k = 0; k < 4; ++k) {
    EXPECT_DOUBLE_EQ(all.frames[k].temperature_K.value(), 705.0 + 5.0 * static_cast<double>(k));
    EXPECT_TRUE(all.frames[k].energy);
  }
  EXPECT_EQ(all.doubt, "");
  EXPECT_TRUE(all.notes.empty());
}

TEST(Oszicar, OfOtherRunsIsDoubted) {
  const std::string one = xdatcar_text(1, 300), steps = oszicar_text(1, 300);
  EXPECT_EQ(labels_of(one, steps).doubt, "");
  EXPECT_EQ(labels_of(one, oszicar_text(1, 297)).doubt, "");  // a killed run: one of the files is a little behind
  EXPECT_EQ(labels_of(one, oszicar_text(1, 310)).doubt, "");
  EXPECT_NE(labels_of(one, oszicar_text(1, 100)).doubt.find("lacks the steps of 200 of 300 frames"), std::string::npos);
  EXPECT_NE(labels_of(one, steps + steps).doubt.find("more runs than the XDATCAR"), std::string::npos);
  EXPECT_NE(labels_of(one + one, steps).doubt.find("lacks the steps"), std::string::npos);
  EXPECT_NE(labels_of(one, "").doubt, "");
  const Labelled both = labels_of(one + one, steps + oszicar_text(1, 300));  // both were put together: they fit
  EXPECT_EQ(both.doubt, "");
  EXPECT_DOUBLE_EQ(both.frames.at(300).temperature_K.value(), 701);
}

TEST(Oszicar, IsNotUsedForFramesWithoutNumbers) {
  const Labelled all =
      labels_of("old\n 1.0\n 5 0 0\n 0 5 0\n 0 0 6\n Li S\n 1 1\n\n0.1 0.2 0.3\n0 0 0\n\n0.1 0.2 0.3\n0 0 0\n",
                oszicar_text(1, 2));
  ASSERT_EQ(all.frames.size(), 2U);
  EXPECT_FALSE(all.frames[0].energy || all.frames[1].temperature_K);
  EXPECT_EQ(all.doubt, "");
  ASSERT_EQ(all.notes.size(), 1U);
  EXPECT_NE(all.notes[0].find("have no numbers"), std::string::npos);
}

TEST(Oszicar, CutAnywhereItGivesTheStepsBeforeTheCut) {
  const TemporaryFolder folder;
  const std::string text = oszicar_text(1, 4), path = folder.file("OSZICAR");
  for (std::size_t length = 0; length <= text.size(); ++length) {
    write_text(path, text.substr(0, length));
    OszicarReader reader(path);
    int steps = 0;
    while (const auto step = reader.next()) {
      ++steps;
      ASSERT_EQ(step->number, steps) << length;
      ASSERT_DOUBLE_EQ(step->temperature_K.value(), 700 + steps) << length;
      ASSERT_TRUE(step->free_energy) << length;
    }
    ASSERT_EQ(steps,
              static_cast<int>(std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(length), '\n')) / 4);
  }
}

TEST(Oszicar, AndItsXdatcarAreNoTrainingData) {
  const TemporaryFolder folder;
  write_text(folder.file("XDATCAR"), xdatcar_text(1, 3));
  write_text(folder.file("OSZICAR"), oszicar_text(1, 3));
  write_text(folder.file("relaxed"), "   1 F= -.85424385E+02 E0= -.85424000E+02  d E =-.854244E+02\n");
  const auto refusal = [&](const std::string& name) {
    Log silent;
    try {
      static_cast<void>(import_frames(
          {.sources = {{.path = folder.file(name)}}}, [](Frame&&) {}, silent));
    } catch (const InputError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_NE(refusal("XDATCAR").find("no forces, also with the energies of its OSZICAR"), std::string::npos);
  EXPECT_NE(refusal("OSZICAR").find("neither positions nor forces"), std::string::npos);
  EXPECT_NE(refusal("relaxed").find("neither positions nor forces"), std::string::npos);
}

}  // namespace haven
