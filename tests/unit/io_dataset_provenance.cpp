#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "io/dataset_file.hpp"
#include "io/extxyz.hpp"
#include "io/import.hpp"
#include "io/import_settings.hpp"
#include "io/outcar.hpp"
#include "io/sha256.hpp"
#include "io/text_file.hpp"
#include "io/vasprun.hpp"
#include "support/shared_data.hpp"
#include "support/vasp_writer.hpp"

/// Where frames come from, what they were calculated with, and what an import says about it.
namespace haven {
namespace {

using testing::EnergySettings;
using testing::made_up_frames;
using testing::outcar_text;
using testing::vasprun_text;
using testing::VaspRunText;

CalculationSettings settings_in(VaspReader& reader) {
  while (reader.next()) {
  }
  return reader.settings().calculation;
}

class Provenance : public ::testing::Test {
 protected:
  std::string write(const std::string& name, const std::string& text) {
    std::filesystem::create_directories((folder_.path() / name).parent_path());
    write_text(folder_.file(name), text);
    return folder_.file(name);
  }
  std::string outcar(const std::string& name, const EnergySettings& energies, unsigned seed) {
    return write(name, outcar_text(made_up_frames(2, seed), {.energies = energies}));
  }
  ImportReport run(ImportOptions options) {
    frames_.clear();
    return import_frames(
        options, [&](Frame&& frame) { frames_.push_back(std::move(frame)); }, log_);
  }
  ImportReport run_all(const std::string& mixed = "error") {
    return run({.sources = {{.path = folder_.path().string()}}, .mixed_settings = mixed});
  }
  testing::TemporaryFolder folder_;
  std::vector<Frame> frames_;
  Log log_;
};

TEST_F(Provenance, OutcarAndVasprunOfOneRunStateTheSameSettings) {
  const std::vector<EnergySettings> all{
      {},
      {.encut = 520, .gga = "PS", .prec = "accurate", .ispin = 2, .ismear = 1, .sigma = 0.1, .kpoints = "4 4 2"},
      {.metagga = "R2SCAN", .ldauu = {3.5, 0}, .dispersion = true}};
  unsigned seed = 100;
  for (const EnergySettings& energies : all) {
    const auto frames = made_up_frames(2, ++seed);
    const VaspRunText text{.potential_suffix = "_sv", .energies = energies};
    const auto in_outcar = settings_in(*open_outcar(write("OUTCAR", outcar_text(frames, text))));
    auto in_vasprun = settings_in(*open_vasprun(write("vasprun.xml", vasprun_text(frames, text))));
    EXPECT_TRUE(differences(in_outcar, in_vasprun).empty()) << in_outcar.text() << "---\n" << in_vasprun.text();
    EXPECT_EQ(in_outcar.find("POTCAR Li"), "PAW_PBE Li_sv 17Jan2003");
    EXPECT_EQ(in_vasprun.find("POTCAR S"), "PAW_PBE S_sv 17Jan2003");
    EXPECT_EQ(in_outcar.find("KPOINTS"), in_vasprun.find("KPOINTS"));
    EXPECT_EQ(in_outcar.find("DISPERSION"), energies.dispersion ? "T" : "F");
  }
}

TEST_F(Provenance, SettingsHaveOneSpelling) {
  const auto settings = settings_in(*open_outcar(
      write("OUTCAR", outcar_text(made_up_frames(1, 110), {.energies = {.metagga = "R2SCAN", .ldauu = {0, 4}}}))));
  const std::map<std::string, std::string> expected{
      {"program", "VASP"}, {"ENCUT", "400"},  {"GGA", "PE"},     {"METAGGA", "R2SCA"}, {"ISPIN", "1"},
      {"ISMEAR", "0"},     {"SIGMA", "0.05"}, {"LDAUTYPE", "2"}, {"LDAUU S", "4"},     {"LDAUU Li", "0"},
      {"LDAUL S", "2"},    {"LHFCALC", "F"},  {"PREC", "normal"}};
  for (const auto& [name, value] : expected) EXPECT_EQ(settings.find(name), value) << name;
  EXPECT_EQ(CalculationSettings::from_text(settings.text()), settings);
}

TEST(CalculationSettings, CompareNumbersAsNumbersAndIgnoreWhatIsUnknown) {
  CalculationSettings a, b;
  a.set("ENCUT", "520.0");
  b.set_number("ENCUT", 520);
  a.set("GGA", "PE");
  EXPECT_TRUE(differences(a, b).empty());
  b.set("GGA", "PS");
  b.set("KPOINTS", "2 2 2");
  a.set("KPOINTS", "1 1 1");
  a.set("PREC", "normal");
  b.set("PREC", "accurate");
  const auto found = differences(a, b);
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].name, "GGA");
  EXPECT_EQ(found[0].weight, SettingDifference::Weight::decisive);
  EXPECT_EQ(found[1].name, "PREC");
  EXPECT_EQ(found[1].weight, SettingDifference::Weight::minor);
}

TEST(CalculationSettings, DigitsThatAnOutcarDoesNotPrintAreNoDifference) {
  CalculationSettings outcar, vasprun;
  outcar.set("ENCUT", "359.7");
  vasprun.set("ENCUT", "359.73990000");
  outcar.set("SIGMA", "0.11");
  vasprun.set("SIGMA", "0.11151019");
  outcar.set("LDAUU Fe", "3.3");
  vasprun.set("LDAUU Fe", "3.32");
  EXPECT_TRUE(differences(outcar, vasprun).empty());
  vasprun.set("ENCUT", "360");
  EXPECT_EQ(differences(outcar, vasprun).size(), 1U);
}

TEST_F(Provenance, PublishedOutcarAndVasprunPairsAgree) {
  const std::vector<std::pair<std::string, std::string>> pairs{
      {"dpdata/OUTCAR.h2o.md.10", "dpdata/vasprun.h2o.md.10.xml"},
      {"dpdata/OUTCAR.Ge.vdw", "dpdata/vasprun.Ge.vdw.xml"},
      {"dpdata/Ti-O-Ti-v6.OUTCAR", "dpdata/Ti-O-Ti-v6.vasprun.xml"},
      {"dpdata/Ti-aimd-nwrite0.OUTCAR", "dpdata/Ti-aimd-nwrite0.vasprun.xml"},
      {"aiida-vasp/phonondb.OUTCAR", "aiida-vasp/phonondb.vasprun.xml"},
      {"custodian/Si_6.4.2.OUTCAR.gz", "custodian/Si_6.4.2.vasprun.xml.gz"}};
  for (const auto& [outcar_name, vasprun_name] : pairs) {
    HAVEN_SHARED_DATA(outcar_path, "vasp/" + outcar_name);
    HAVEN_SHARED_DATA(vasprun_path, "vasp/" + vasprun_name);
    const auto in_outcar = settings_in(*open_outcar(outcar_path));
    const auto in_vasprun = settings_in(*open_vasprun(vasprun_path));
    EXPECT_GT(in_outcar.values().size(), 10U) << outcar_name;
    for (const SettingDifference& d : differences(in_outcar, in_vasprun))
      ADD_FAILURE() << outcar_name << ": " << d.name << " " << d.first << ", in the vasprun.xml " << d.second;
  }
}

TEST(CalculationSettings, SmearingWidthCountsOnlyWhereItIsUsed) {
  CalculationSettings a, b;
  a.set("ISMEAR", "-5");
  b.set("ISMEAR", "-5");
  a.set_number("SIGMA", 0.2);
  b.set_number("SIGMA", 0.05);
  EXPECT_TRUE(differences(a, b).empty());
  a.set("ISMEAR", "0");
  b.set("ISMEAR", "0");
  ASSERT_EQ(differences(a, b).size(), 1U);
  EXPECT_EQ(differences(a, b)[0].name, "SIGMA");
}

TEST_F(Provenance, EveryFrameKeepsFileHashIndexCodeAndSettings) {
  const std::string path = outcar("600K/OUTCAR", {.encut = 450}, 120);
  const ImportReport report = run_all();
  ASSERT_EQ(frames_.size(), 2U);
  const FrameSource& source = frames_[1].source;
  EXPECT_EQ(source.path, path);
  EXPECT_EQ(source.sha256, file_sha256(path));
  EXPECT_EQ(source.index, 1);
  EXPECT_EQ(source.code, "VASP 5.4.4.18Apr17-6-g9f103f2a35");
  ASSERT_NE(source.settings, nullptr);
  EXPECT_EQ(source.settings, frames_[0].source.settings);  // one text, shared
  EXPECT_EQ(CalculationSettings::from_text(*source.settings).find("ENCUT"), "450");
  EXPECT_EQ(report.files[0].sha256, source.sha256);
}

TEST_F(Provenance, TheDatasetFileAndExtxyzBringAllOfItBack) {
  outcar("600K/OUTCAR", {}, 130);
  run_all();
  frames_.push_back(made_up_frames(1, 131)[0]);  // of unknown origin
  write_dataset(folder_.file("d.h5"), frames_, {.created_by = "test", .import_report = "{}"});
  write_extxyz(folder_.file("d.xyz"), frames_);
  const Dataset set = read_dataset(folder_.file("d.h5"));
  EXPECT_EQ(set.hash, dataset_hash(frames_));
  ExtxyzReader reader(folder_.file("d.xyz"));
  for (std::size_t k = 0; k < 2; ++k) {
    const auto written = reader.next();
    ASSERT_TRUE(written);
    for (const Frame* frame : {&set.frames[k], &*written}) {
      EXPECT_EQ(frame->source.path, frames_[k].source.path);
      EXPECT_EQ(frame->source.index, frames_[k].source.index);
      EXPECT_EQ(frame->source.code, frames_[k].source.code);
      EXPECT_EQ(frame->source.sha256, frames_[k].source.sha256);
      ASSERT_NE(frame->source.settings, nullptr);
      EXPECT_EQ(*frame->source.settings, *frames_[k].source.settings);
    }
  }
  EXPECT_EQ(set.frames[0].source.settings, set.frames[1].source.settings);
  EXPECT_EQ(set.frames[2].source.settings, nullptr);
}

TEST_F(Provenance, ProvenanceIsPartOfTheContentHash) {
  auto frames = made_up_frames(2, 132);
  const std::string plain = dataset_hash(frames);
  frames[0].source.sha256 = std::string(64, 'a');
  EXPECT_NE(dataset_hash(frames), plain);
}

TEST_F(Provenance, SourcesOfDifferentSettingsAreNotMixed) {
  outcar("a/OUTCAR", {.encut = 520}, 140);
  outcar("b/OUTCAR", {.encut = 520}, 141);
  outcar("c/OUTCAR", {.encut = 400, .gga = "PS"}, 142);
  try {
    run_all();
    FAIL() << "mixed settings were accepted";
  } catch (const InputError& error) {
    const std::string text = error.what();
    for (const char* part :
         {"DI203", "ENCUT 520 or 400", "GGA PE or PS", "a/OUTCAR and 1 more", "c/OUTCAR", "--allow-mixed-settings"})
      EXPECT_NE(text.find(part), std::string::npos) << part << " in " << text;
    EXPECT_EQ(error.exit_code(), ExitCode::rejected);
  }
  const ImportReport allowed = run_all("allow");
  EXPECT_EQ(allowed.kept, 6);
  EXPECT_NE(allowed.to_text().find("DI107"), std::string::npos);
  EXPECT_EQ(run_all("ENCUT, GGA").kept, 6);
  EXPECT_THROW(run_all("ENCUT"), InputError);
  EXPECT_THROW(run_all(" , "), ConfigError);
}

TEST_F(Provenance, OtherPotentialsOrAnotherUAreOtherSettings) {
  write("a/OUTCAR", outcar_text(made_up_frames(1, 143), {}));
  write("b/OUTCAR", outcar_text(made_up_frames(1, 144), {.potential_suffix = "_sv"}));
  EXPECT_THROW(run_all(), InputError);
  write("b/OUTCAR", outcar_text(made_up_frames(1, 144), {.energies = {.ldauu = {0, 2}}}));
  EXPECT_THROW(run_all(), InputError);
  write("b/OUTCAR", outcar_text(made_up_frames(1, 144), {.energies = {.dispersion = true}}));
  EXPECT_THROW(run_all(), InputError);
  write("b/OUTCAR", outcar_text(made_up_frames(1, 144), {.energies = {.kpoints = "1 1 1"}}));
  EXPECT_EQ(run_all().kept, 2);  // another cell has another mesh
}

TEST_F(Provenance, SettingsThatMatterLittleAreNoted) {
  outcar("a/OUTCAR", {}, 145);
  outcar("b/OUTCAR", {.prec = "accurate"}, 146);
  const ImportReport report = run_all();
  EXPECT_EQ(report.kept, 4);
  EXPECT_NE(report.to_text().find("DI108: settings that matter little differ: PREC normal or accurate"),
            std::string::npos)
      << report.to_text();
}

TEST_F(Provenance, MeshesOfKPointsAreComparedByTheLengthTheySample) {
  const auto note_of = [&](const std::string& first, const std::string& second) {
    outcar("a/OUTCAR", {.kpoints = first}, 151);
    outcar("b/OUTCAR", {.kpoints = second}, 152);
    return run_all().to_text();
  };
  EXPECT_NE(note_of("1 1 1", "4 4 4").find("DI110"), std::string::npos);
  EXPECT_NE(note_of("4 1 4", "4 4 4").find("DI110"), std::string::npos);
  EXPECT_EQ(note_of("3 3 3", "4 4 4").find("DI110"), std::string::npos);
  EXPECT_EQ(note_of("", "4 4 4").find("DI110"), std::string::npos);
}

TEST_F(Provenance, FramesOfUnknownSettingsAreKeptAndCounted) {
  outcar("a/OUTCAR", {}, 147);
  write_extxyz(folder_.file("b.xyz"), made_up_frames(3, 148));
  const ImportReport report = run_all();
  EXPECT_EQ(report.kept, 5);
  EXPECT_NE(report.to_text().find("settings of 3 frames are not known"), std::string::npos) << report.to_text();
}

TEST_F(Provenance, PressureInTheEnthalpyHasACode) {
  write("a/OUTCAR", outcar_text(made_up_frames(2, 149), {.pstress_kbar = 10}));
  const ImportReport report = run_all();
  EXPECT_EQ(report.files[0].counts.at("DI109"), 2);
  EXPECT_NE(report.to_text().find("PSTRESS: P V left out of the energy"), std::string::npos);
}

TEST_F(Provenance, AsterisksInPlaceOfAForceRejectTheFrame) {
  std::string text = outcar_text(made_up_frames(2, 150), {});
  const std::size_t row = text.find('\n', text.find("-----", text.find("TOTAL-FORCE"))) + 1;
  text.replace(row + 43, 14, "**************");
  write("a/OUTCAR", text);
  const ImportReport report = run_all();
  EXPECT_EQ(report.kept, 1);
  EXPECT_EQ(report.files[0].counts.at("DI004"), 1);
  EXPECT_NE(report.decisions[0].text.find("asterisks"), std::string::npos) << report.decisions[0].text;
}

TEST_F(Provenance, CollectedProblemsDoNotStopTheReport) {
  outcar("a/OUTCAR", {}, 151);
  outcar("b/OUTCAR", {.ismear = 1}, 152);
  write("broken/OUTCAR", "vasp.5.4.4 (build)\n");
  const ImportReport report = run(
      {.sources = {{.path = folder_.file("a")}, {.path = folder_.file("b")}, {.path = folder_.file("broken/OUTCAR")}},
       .on_problem = ImportOptions::OnProblem::collect});
  EXPECT_EQ(report.kept, 4);
  ASSERT_EQ(report.problems.size(), 2U);
  EXPECT_EQ(report.problems[0].code, "");
  EXPECT_EQ(report.problems[1].code, "DI203");
  EXPECT_FALSE(report.problems[0].remedy.empty());
  const auto json = nlohmann::json::parse(report.to_json());
  EXPECT_EQ(json["problems"].size(), 2U);
  EXPECT_NE(report.to_text().find("PROBLEM DI203"), std::string::npos);
}

TEST_F(Provenance, FramesOfADatasetAreJudgedLikeThoseOfASource) {
  auto frames = made_up_frames(5, 153);
  frames[1].forces[0].x = 99;
  frames[2] = frames[0];
  frames[3].forces.clear();
  frames[4].energy.reset();
  const ImportReport report =
      check_frames("set.h5", frames, {.sources = {}, .on_problem = ImportOptions::OnProblem::collect}, log_);
  EXPECT_EQ(report.kept, 1);
  EXPECT_EQ(report.rejected, 4);
  for (const char* code : {"DI005", "DI008", "DI009", "DI010"}) EXPECT_EQ(report.files[0].counts.at(code), 1) << code;
  EXPECT_TRUE(report.problems.empty());
}

}  // namespace
}  // namespace haven
