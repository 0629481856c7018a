#include <gtest/gtest.h>
#include <zlib.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "io/extxyz.hpp"
#include "io/import.hpp"
#include "io/structure_file.hpp"
#include "io/text_file.hpp"
#include "support/reader_examples.hpp"
#include "support/shared_data.hpp"
#include "support/vasp_writer.hpp"

namespace haven {
namespace {

using testing::made_up_frames;
using testing::outcar_text;
using testing::vasprun_text;

class Import : public ::testing::Test {
 protected:
  void write(const std::string& name, const std::string& text) {
    std::filesystem::create_directories((folder_.path() / name).parent_path());
    write_text(folder_.file(name), text);
  }
  ImportReport run(ImportOptions options) {
    frames_.clear();
    return import_frames(
        options, [&](Frame&& frame) { frames_.push_back(std::move(frame)); }, log_);
  }
  ImportReport run(const std::string& name) { return run({.sources = {{.path = folder_.file(name)}}}); }
  void expect_refused(const ImportOptions& options, const std::string& part) {
    try {
      run(options);
      FAIL() << "not refused: " << part;
    } catch (const InputError& error) {
      EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
      EXPECT_EQ(error.exit_code(), ExitCode::rejected);
      EXPECT_FALSE(error.remedy().empty());
    }
  }
  void expect_refused(const std::string& name, const std::string& part) {
    expect_refused(ImportOptions{.sources = {{.path = folder_.file(name)}}}, part);
  }
  static Index count(const ImportReport& report, const std::string& code) {
    Index total = 0;
    for (const FileReport& file : report.files)
      if (const auto at = file.counts.find(code); at != file.counts.end()) total += at->second;
    return total;
  }

  testing::TemporaryFolder folder_;
  std::vector<Frame> frames_;
  Log log_;
};

TEST_F(Import, ReadsARunAndSaysWhereEachFrameCameFrom) {
  write("600K/OUTCAR", outcar_text(made_up_frames(4, 61), {}));
  const ImportReport report = run("600K/OUTCAR");
  ASSERT_EQ(frames_.size(), 4U);
  EXPECT_EQ(report.kept, 4);
  EXPECT_EQ(frames_[2].group, "600K");
  EXPECT_EQ(frames_[2].trajectory, folder_.file("600K/OUTCAR"));
  EXPECT_EQ(frames_[2].source.index, 2);
  EXPECT_EQ(frames_[2].source.code, "VASP 5.4.4.18Apr17-6-g9f103f2a35");
  EXPECT_EQ(frames_[2].temperature, 600.0);
  EXPECT_EQ(report.files[0].format, FileFormat::outcar);
}

TEST_F(Import, EveryRejectedFrameHasACodeAndALine) {
  auto frames = made_up_frames(6, 62);
  frames[2].forces[0].x = 41.3;
  frames[3].structure.positions[1] = frames[3].structure.positions[0] + Vec3{0.3, 0, 0};
  frames[5] = frames[4];
  write("a/OUTCAR", outcar_text(frames, {.version = "6.3.0", .nelm = 20, .unconverged = {0}, .predicted = {1}}));
  const ImportReport report = run("a/OUTCAR");
  EXPECT_EQ(report.kept, 1);
  EXPECT_EQ(report.rejected, 5);
  for (const char* code : {"DI001", "DI002", "DI005", "DI006", "DI008"}) {
    EXPECT_EQ(count(report, code), 1) << code;
    EXPECT_NE(decision_label(code), "");
  }
  const std::string text = report.to_text();
  EXPECT_NE(text.find("6 frames  kept 1  rejected 5 (1 SCF reached NELM, 1 machine-learned steps (ML), 1 max|F| 4"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("atom 1 (Li) and atom 2 (Li) are 0.300 A apart"), std::string::npos) << text;
}

TEST_F(Import, UnconvergedStepsAreRejectedKeptOrAnErrorAsAsked) {
  write("a/OUTCAR",
        outcar_text(made_up_frames(3, 63), {.nelm = 15, .unconverged = {1}, .converged_in_last_step = {2}}));
  const ImportSource source{.path = folder_.file("a/OUTCAR")};
  const ImportReport rejecting = run({.sources = {source}});
  EXPECT_EQ(rejecting.kept, 2);
  EXPECT_EQ(count(rejecting, "DI102"), 1);
  const ImportReport keeping = run({.sources = {source}, .unconverged = Unconverged::keep});
  EXPECT_EQ(keeping.kept, 3);
  EXPECT_EQ(count(keeping, "DI103"), 1);
  expect_refused({.sources = {source}, .unconverged = Unconverged::error},
                 "ionic step 2: SCF not converged: 15 SCF steps of NELM = 15");
}

/// A vaspout.h5 before VASP 6.5 lists no SCF steps: its frames are kept, and each carries the remark.
TEST_F(Import, FramesOfUnknownConvergenceAreKeptWithARemark) {
  const auto made = made_up_frames(3, 85);
  testing::write_vaspout(folder_.file("vaspout.h5"), made);
  const ImportReport report = run("vaspout.h5");
  EXPECT_EQ(report.kept, 3);
  EXPECT_EQ(count(report, "DI106"), 3);
  ASSERT_EQ(report.decisions.size(), 1U);  // successive steps of which the same is said share a line
  const FrameDecision& decision = report.decisions[0];
  EXPECT_EQ(decision.fate, Fate::kept_with_note);
  EXPECT_EQ(decision.code, "DI106");
  EXPECT_EQ(decision.index, 0);
  EXPECT_EQ(decision.last, 2);
  EXPECT_EQ(decision.text, "the file lists no SCF steps: convergence is not known");
  EXPECT_NE(report.to_text().find("3 SCF not listed"), std::string::npos) << report.to_text();
  EXPECT_NE(report.to_json().find("DI106"), std::string::npos);
  // The OUTCAR of the same steps says it.
  write("OUTCAR", outcar_text(made, {}));
  EXPECT_EQ(count(run("OUTCAR"), "DI106"), 0);
}

TEST_F(Import, TakesTheEnergyThatIsAskedFor) {
  const auto made = made_up_frames(1, 64);
  write("a/OUTCAR", outcar_text(made, {}));
  const ImportSource source{.path = folder_.file("a/OUTCAR")};
  run({.sources = {source}});
  EXPECT_NEAR(*frames_[0].energy, *made[0].energy, 1e-8);
  run({.sources = {source}, .energy = "sigma0"});
  EXPECT_NEAR(*frames_[0].energy, *made[0].energy + 1e-3, 2e-8);
  EXPECT_THROW(run({.sources = {source}, .energy = "total"}), ConfigError);
}

TEST_F(Import, IsolatedAtomsOfASetAreLeftOutWithACode) {
  std::string text =
      "1\nProperties=species:S:1:pos:R:3:forces:R:3 energy=-0.2 config_type=IsolatedAtom\nLi 0 0 0 0 0 0\n";
  for (const Frame& frame : made_up_frames(3, 71)) text += extxyz_text(frame);
  write("set.xyz", text);
  const ImportReport report = run("set.xyz");
  EXPECT_EQ(report.kept, 3);
  EXPECT_EQ(count(report, "DI013"), 1);
  EXPECT_EQ(frames_[0].source.index, 1);
  EXPECT_THROW(static_cast<void>(read_frames(folder_.file("set.xyz"))), InputError) << "no cell, no structure";
}

TEST_F(Import, SearchesFoldersAndExpandsGlobs) {
  write("aimd/600K/OUTCAR", outcar_text(made_up_frames(2, 65), {}));
  write("aimd/900K/OUTCAR.1", outcar_text(made_up_frames(2, 66), {}));
  write("aimd/900K/deep/er/vasprun.xml", vasprun_text(made_up_frames(2, 67), {}));
  write("aimd/900K/INCAR", "NSW = 3\n");
  EXPECT_EQ(run("aimd").kept, 6);
  EXPECT_EQ(run("aimd/*/OUTCAR*").kept, 4);
  EXPECT_EQ(run("aimd/9*").kept, 4);
  ImportOptions twice{.sources = {{.path = folder_.file("aimd/600K")}, {.path = folder_.file("aimd/600K/OUTCAR")}}};
  const ImportReport report = run(twice);
  EXPECT_EQ(report.kept, 2);
  ASSERT_EQ(report.notes.size(), 1U);
  EXPECT_NE(report.notes[0].find("named more than once"), std::string::npos);
}

TEST_F(Import, UsesOneOfOutcarAndVasprunOfTheSameRunAndSaysSo) {
  const auto made = made_up_frames(3, 68);
  write("run/OUTCAR", outcar_text(made, {}));
  write("run/vasprun.xml", vasprun_text(made, {}));
  const ImportReport report = run("run");
  EXPECT_EQ(report.kept, 3);
  ASSERT_EQ(report.files.size(), 1U);
  EXPECT_EQ(report.files[0].format, FileFormat::vasprun);
  EXPECT_NE(report.to_text().find("OUTCAR holds the same run and is not read"), std::string::npos) << report.to_text();
}

TEST_F(Import, PrefersTheOutcarUnderPressureBecauseOnlyThereTheStressIsCertain) {
  const auto made = made_up_frames(2, 69);
  write("run/OUTCAR", outcar_text(made, {.pstress_kbar = 10}));
  write("run/vasprun.xml", vasprun_text(made, {.pstress_kbar = 10}));
  const ImportReport report = run("run");
  ASSERT_EQ(report.files.size(), 1U);
  EXPECT_EQ(report.files[0].format, FileFormat::outcar);
  EXPECT_EQ(report.files[0].without_stress, 0);
  EXPECT_NE(report.to_text().find("PSTRESS = 10 kB: P V is not part of the energies used"), std::string::npos);
}

TEST_F(Import, ReadsBothWhenOutcarAndVasprunAreDifferentRuns) {
  write("run/OUTCAR", outcar_text(made_up_frames(2, 70), {}));
  write("run/vasprun.xml", vasprun_text(made_up_frames(2, 71), {}));
  EXPECT_EQ(run("run").kept, 4);
}

TEST_F(Import, ATwinWithoutAnyStepDoesNotSpoilTheOther) {
  const auto made = made_up_frames(2, 72);
  const std::string xml = vasprun_text(made, {});
  write("run/OUTCAR", outcar_text(made, {}));
  write("run/vasprun.xml", xml.substr(0, xml.find("<calculation>") + 200));
  const ImportReport report = run("run");
  EXPECT_EQ(report.kept, 2);
  EXPECT_EQ(report.files[0].format, FileFormat::outcar);
}

TEST_F(Import, TakesEveryNthStepAndWeightsAndNamesAsTold) {
  write("a/OUTCAR", outcar_text(made_up_frames(10, 73), {}));
  const ImportReport report =
      run({.sources = {{.path = folder_.file("a"), .group = "aimd", .every = 4, .weight = 2.5}}});
  ASSERT_EQ(frames_.size(), 3U);
  EXPECT_EQ(frames_[1].source.index, 4);
  EXPECT_EQ(frames_[1].group, "aimd");
  EXPECT_EQ(frames_[1].weight, 2.5);
  EXPECT_EQ(report.files[0].not_selected, 7);
}

TEST_F(Import, FramesWithoutStressAreKeptAndCounted) {
  auto made = made_up_frames(3, 74);
  for (std::size_t k = 1; k < 3; ++k) made[k].stress.reset();
  write("a/OUTCAR", outcar_text(made, {}));
  const ImportReport report = run("a");
  EXPECT_EQ(report.kept, 3);
  EXPECT_EQ(report.files[0].without_stress, 2);
  EXPECT_EQ(count(report, "DI104"), 2);
  EXPECT_TRUE(frames_[0].stress.has_value());
  EXPECT_FALSE(frames_[1].stress.has_value());
}

TEST_F(Import, ZeroedForcesOfHeldAtomsAreNoLabels) {
  auto made = made_up_frames(2, 75);
  made[1].forces[0] = made[1].forces[2] = {};
  made[1].forces[4] = {-1, 2, 0.5};
  write("a/OUTCAR", outcar_text(made, {}));
  EXPECT_EQ(count(run("a"), "DI007"), 1);
  const std::vector<std::array<bool, 3>> movable{
      {false, false, false}, {true, true, true}, {true, true, true}, {true, true, true}, {true, true, true}};
  for (Frame& frame : made) frame.forces[0] = {};
  for (Frame& frame : made)
    frame.forces[4] = -(frame.forces[1] + frame.forces[2] + frame.forces[3]);  // sums to zero all the same
  write("b/vasprun.xml", vasprun_text(made, {.movable = movable}));
  expect_refused("b", "selective dynamics");
}

TEST_F(Import, ForcesThatAreZeroBySymmetryStay) {
  auto made = made_up_frames(1, 76);
  made[0].forces = {{}, {0.5, 0, 0}, {-0.5, 0, 0}, {}, {}};
  write("a/OUTCAR", outcar_text(made, {}));
  EXPECT_EQ(run("a").kept, 1);
}

TEST_F(Import, WarnsOfForcesThatDoNotSumToZero) {
  auto made = made_up_frames(1, 77);
  made[0].forces[0].x += 0.5;
  write("a/OUTCAR", outcar_text(made, {}));
  const ImportReport report = run("a");
  EXPECT_EQ(report.kept, 1);
  EXPECT_EQ(count(report, "DI101"), 1);
  EXPECT_NE(report.decisions[0].text.find("0.1000 eV/A per atom"), std::string::npos) << report.decisions[0].text;
}

TEST_F(Import, TheSameStructureWithAnotherEnergyIsKeptWithARemark) {
  auto made = made_up_frames(1, 78);
  write("a/OUTCAR", outcar_text(made, {}));
  *made[0].energy += 0.5;
  write("b/OUTCAR", outcar_text(made, {}));
  const ImportReport report = run("");
  EXPECT_EQ(report.kept, 2);
  EXPECT_EQ(count(report, "DI105"), 1);
}

TEST_F(Import, KeepsTheCompleteStepsOfACutFileAndReportsTheLast) {
  std::string text = outcar_text(made_up_frames(3, 79), {.finished = false});
  text.resize(text.rfind("TOTAL-FORCE") + 300);
  write("a/OUTCAR", text);
  const ImportReport report = run("a/OUTCAR");
  EXPECT_EQ(report.kept, 2);
  EXPECT_EQ(report.files[0].frames, 3);
  EXPECT_EQ(count(report, "DI003"), 1);
}

TEST_F(Import, ReadsGzipAndWhatIsLeftOfACutGzip) {
  const std::string text = outcar_text(made_up_frames(200, 80), {});
  std::filesystem::create_directories(folder_.path() / "a");
  const std::string path = folder_.file("a/OUTCAR.gz");
  gzFile file = gzopen(path.c_str(), "wb");
  ASSERT_NE(file, nullptr);
  ASSERT_EQ(gzwrite(file, text.data(), static_cast<unsigned>(text.size())), static_cast<int>(text.size()));
  ASSERT_EQ(gzclose(file), Z_OK);
  EXPECT_EQ(run("a").kept, 200);
  std::filesystem::resize_file(path, std::filesystem::file_size(path) / 2);
  const ImportReport report = run("a");
  EXPECT_GT(report.kept, 50);
  EXPECT_LT(report.kept, 150);
  EXPECT_EQ(count(report, "DI003"), 1);
  EXPECT_NE(report.to_text().find("compressed file is damaged or cut off"), std::string::npos) << report.to_text();
}

TEST_F(Import, ExtxyzFramesKeepTheirGroupsAndTheMappingIsPrinted) {
  auto made = made_up_frames(4, 81);
  made[0].group = made[1].group = "melt";
  made[2].group = made[3].group = "glass";
  std::filesystem::create_directories(folder_.path() / "a");
  write_extxyz(folder_.file("a/set.xyz"), made);
  const ImportReport report = run("a");
  EXPECT_EQ(report.kept, 4);
  EXPECT_EQ(frames_[0].group, "melt");
  EXPECT_EQ(frames_[3].group, "glass");
  EXPECT_NE(frames_[0].trajectory, frames_[3].trajectory);
  EXPECT_NE(report.to_text().find("labels: energy <- energy, forces <- forces, stress <- stress"), std::string::npos)
      << report.to_text();
}

TEST_F(Import, RefusesWhatCannotBeTrainedOn) {
  std::filesystem::create_directories(folder_.path() / "empty");
  expect_refused("empty", "no file with energies and forces here");
  expect_refused("absent", "no file with energies and forces here");
  write("notes.txt", "hello\n");
  expect_refused("notes.txt", "format of this file is not known");
  const std::string text = outcar_text(made_up_frames(2, 82), {.nelm = 9, .unconverged = {0, 1}});
  write("head/OUTCAR", text.substr(0, text.find("TOTAL-FORCE")));
  expect_refused("head/OUTCAR", "no complete ionic step");
  write("bad/OUTCAR", text);
  expect_refused("bad", "no frame is usable, all 2 were rejected");
  expect_refused({.sources = {{.path = folder_.file("bad")}}, .elements = {"Li", "P"}}, "S is not among the elements");
  auto made = made_up_frames(2, 83);
  for (Frame& frame : made) frame.forces.clear();
  std::filesystem::create_directories(folder_.path() / "noforce");
  write_extxyz(folder_.file("noforce/a.xyz"), made);
  expect_refused("noforce", "none of the 2 frames has forces");
  EXPECT_THROW(run(ImportOptions{}), ConfigError);
}

TEST_F(Import, ACrashedRunAmongOthersIsReportedAndTheRestIsUsed) {
  const std::string text = outcar_text(made_up_frames(2, 84), {});
  write("a/OUTCAR", text);
  write("b/OUTCAR", text.substr(0, text.find("Iteration")));
  const ImportReport report = run("");
  EXPECT_EQ(report.kept, 2);
  EXPECT_NE(report.to_text().find("no complete ionic step or frame"), std::string::npos);
}

TEST_F(Import, TheJsonReportHoldsCountsDecisionsAndCodes) {
  write("a/OUTCAR", outcar_text(made_up_frames(3, 85), {.nelm = 9, .unconverged = {1}}));
  const auto json = nlohmann::json::parse(run("a").to_json());
  EXPECT_EQ(json["n_kept"], 2);
  EXPECT_EQ(json["files"][0]["counts"]["DI001"], 1);
  EXPECT_EQ(json["files"][0]["format"], "OUTCAR");
  EXPECT_EQ(json["decisions"][0]["code"], "DI001");
  EXPECT_EQ(json["decisions"][0]["index"], 1);
  EXPECT_EQ(json["decisions"][0]["fate"], "rejected");
  EXPECT_EQ(json["codes"]["DI001"], "SCF reached NELM");
}

TEST_F(Import, FindsClosePairsThroughThePeriodicBoundary) {
  auto made = made_up_frames(1, 86);
  Structure& s = made[0].structure;
  s.positions[1] = s.positions[0] + s.cell.translation({3, -2, 1}) + Vec3{0.1, 0.2, 0.2};
  write("a/OUTCAR", outcar_text(made, {}));
  expect_refused("a", "atom 1 (Li) and atom 2 (Li) are 0.300 A apart");
}

}  // namespace
}  // namespace haven
