#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <memory>

#include "core/structure.hpp"
#include "io/extxyz.hpp"
#include "io/model_file.hpp"
#include "potentials/registry.hpp"
#include "support/program.hpp"
#include "support/shared_data.hpp"
#include "support/tiny_model.hpp"

namespace haven::testing {
namespace {

namespace fs = std::filesystem;

class ExitCodes : public ::testing::Test {
 protected:
  ProgramResult haven(std::vector<std::string> words) const {
    words.insert(words.begin(), haven_program());
    return run_program(words, folder_.path().string());
  }
  void write(const std::string& name, const std::string& text) const { std::ofstream(folder_.file(name)) << text; }
  TemporaryFolder folder_;
};

TEST_F(ExitCodes, HelpOfEveryVerbHasAnExampleAndTheExitCodes) {
  for (const std::vector<std::string>& verb : std::vector<std::vector<std::string>>{{},
                                                                                    {"run"},
                                                                                    {"data"},
                                                                                    {"data", "import"},
                                                                                    {"train"},
                                                                                    {"test"},
                                                                                    {"predict"},
                                                                                    {"md"},
                                                                                    {"transport"},
                                                                                    {"transport", "msd"},
                                                                                    {"transport", "haven"},
                                                                                    {"transport", "arrhenius"},
                                                                                    {"report"},
                                                                                    {"init"},
                                                                                    {"model", "info"},
                                                                                    {"schema"},
                                                                                    {"version"}}) {
    std::vector<std::string> words = verb;
    words.emplace_back("--help");
    const ProgramResult result = haven(words);
    EXPECT_EQ(result.code, 0);
    EXPECT_NE(result.out.find("Examples:"), std::string::npos) << result.out;
    EXPECT_NE(result.out.find("Exit codes:"), std::string::npos);
  }
}

TEST_F(ExitCodes, VersionAndSchemaWriteToStandardOutput) {
  EXPECT_EQ(haven({"--version"}).out.substr(0, 6), "haven ");
  EXPECT_NE(haven({"version", "--json", "-"}).out.find("\"training_module\""), std::string::npos);
  EXPECT_NE(haven({"schema"}).out.find("json-schema.org"), std::string::npos);
}

TEST_F(ExitCodes, UsageErrorsAreTwoAndSuggestTheVerb) {
  EXPECT_EQ(haven({}).code, 2);
  const ProgramResult typo = haven({"trian"});
  EXPECT_EQ(typo.code, 2);
  EXPECT_NE(typo.err.find("Did you mean \"train\"?"), std::string::npos) << typo.err;
  EXPECT_EQ(haven({"test", "only-a-model"}).code, 2);
  EXPECT_EQ(haven({"run", "--time-limit", "soon"}).code, 2);
  EXPECT_EQ(haven({"transport", "haven", "x", "--mobile", "Li", "--charges", "Li"}).code, 2);
}

TEST_F(ExitCodes, EmptyFolderIsAnInputErrorThatSaysWhatToDo) {
  fs::create_directory(folder_.path() / "empty");
  const ProgramResult result = haven({"data", "import", "empty", "-o", "set.h5"});
  EXPECT_EQ(result.code, 3);
  EXPECT_NE(result.err.find("empty"), std::string::npos);
  EXPECT_NE(result.err.find("->"), std::string::npos) << "a remedy is given";
  EXPECT_FALSE(fs::exists(folder_.file("set.h5")));
}

TEST_F(ExitCodes, UnknownKeyIsTwoAndNothingIsWritten) {
  write("haven.toml", "sed = 1\n[data]\nsources = [ { path = \"a.xyz\" } ]\n");
  const ProgramResult result = haven({"train"});
  EXPECT_EQ(result.code, 2);
  EXPECT_NE(result.err.find("did you mean \"seed\"?"), std::string::npos) << result.err;
  EXPECT_FALSE(fs::exists(folder_.file("run")));
}

TEST_F(ExitCodes, MissingInputFileIsTwo) { EXPECT_EQ(haven({"run", "nowhere.toml"}).code, 2); }

TEST_F(ExitCodes, TruncatedOutcarWithoutAStepIsRejected) {
  write("OUTCAR", " vasp.5.4.4.18Apr17-6-g9f103f2a35 (build) complex\n executed on LinuxIFC date 2020.01.01\n");
  const ProgramResult result = haven({"data", "import", "OUTCAR", "-o", "set.h5"});
  EXPECT_EQ(result.code, 3) << result.err;
  EXPECT_FALSE(fs::exists(folder_.file("set.h5")));
}

TEST_F(ExitCodes, AFileThatIsNoModelIsRejected) {
  write("model.haven", "not a model");
  write("POSCAR", tiny_poscar);
  EXPECT_EQ(haven({"predict", "model.haven", "POSCAR"}).code, 3);
  EXPECT_EQ(haven({"model", "info", "model.haven"}).code, 3);
  EXPECT_EQ(haven({"predict", "missing.haven", "POSCAR"}).code, 6) << "the operating system refused";
}

TEST_F(ExitCodes, AnElementTheModelDoesNotKnowIsNamed) {
  write_model(folder_.file("m.haven"), tiny_model());
  write("POSCAR", "NaCl\n1.0\n5 0 0\n0 5 0\n0 0 5\nNa Cl\n1 1\nDirect\n0 0 0\n0.5 0.5 0.5\n");
  const ProgramResult result = haven({"predict", "m.haven", "POSCAR"});
  EXPECT_EQ(result.code, 3);
  EXPECT_NE(result.err.find("Na"), std::string::npos) << result.err;
  EXPECT_NE(result.err.find("Li"), std::string::npos) << "what it was trained on: " << result.err;
}

TEST_F(ExitCodes, PredictWritesExtxyzWithEnergyForcesAndStress) {
  write_model(folder_.file("m.haven"), tiny_model());
  write("POSCAR", tiny_poscar);
  const ProgramResult result = haven({"predict", "m.haven", "POSCAR", "-o", "out.xyz", "--json", "p.json"});
  ASSERT_EQ(result.code, 0) << result.err;
  ExtxyzReader reader(folder_.file("out.xyz"));
  const auto frame = reader.next();
  ASSERT_TRUE(frame.has_value());
  EXPECT_TRUE(frame->energy.has_value());
  EXPECT_TRUE(frame->stress.has_value());
  EXPECT_EQ(frame->forces.size(), 2U);
  EXPECT_TRUE(fs::exists(folder_.file("p.json")));
}

TEST_F(ExitCodes, ModelInfoNamesElementsAndHash) {
  write_model(folder_.file("m.haven"), tiny_model());
  const ProgramResult result = haven({"model", "info", "m.haven", "--json", "-"});
  ASSERT_EQ(result.code, 0) << result.err;
  for (const char* word : {"\"Li\"", "\"Cl\"", "model_hash", "cutoff_A"})
    EXPECT_NE(result.out.find(word), std::string::npos) << word;
}

TEST_F(ExitCodes, ACellThinnerThanAnyCrystalIsRejected) {
  write_model(folder_.file("m.haven"), tiny_model());
  write("POSCAR", "thin\n1.0\n5 0 0\n0 5 0\n0 0 1.5\nLi Cl\n1 1\nDirect\n0 0 0\n0.5 0.5 0\n");
  const ProgramResult result = haven({"md", "m.haven", "POSCAR", "-T", "300", "--ps", "0.01"});
  EXPECT_EQ(result.code, 3);
  EXPECT_NE(result.err.find("1.500 A high along axis c"), std::string::npos) << result.err;
}

TEST_F(ExitCodes, ACellSmallerThanTheCutoffIsLegal) {
  write_model(folder_.file("m.haven"), tiny_model());
  write("POSCAR", tiny_poscar);  // 3.6 A cell, cut-off 4.5 A
  const ProgramResult result =
      haven({"md", "m.haven", "POSCAR", "-T", "100", "--ps", "0.02", "-o", "out", "--json", "-"});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_NE(result.out.find("\"finished\""), std::string::npos);
  EXPECT_TRUE(fs::exists(folder_.file("out/T100/r0/thermo.csv")));
  EXPECT_EQ(haven({"md", "m.haven", "POSCAR", "-T", "100", "--ps", "0.02", "-o", "out"}).code, 0)
      << "a finished run stays finished";
}

TEST_F(ExitCodes, OverlappingAtomsAreRejectedBeforeTheFirstStep) {
  write_model(folder_.file("m.haven"), tiny_model());
  write("POSCAR", "close\n1.0\n5 0 0\n0 5 0\n0 0 5\nLi Cl\n1 1\nDirect\n0 0 0\n0.01 0 0\n");
  EXPECT_EQ(haven({"md", "m.haven", "POSCAR", "-T", "300", "--ps", "0.01"}).code, 3);
}

TEST_F(ExitCodes, ARunThatGoesWrongIsStoppedByAGuard) {
  write_model(folder_.file("m.haven"), tiny_model());
  write("POSCAR", tiny_poscar);  // 1e5 K: atoms move further per step than any crystal allows
  const ProgramResult result =
      haven({"md", "m.haven", "POSCAR", "-T", "100000", "--ps", "1", "--timestep", "5", "-o", "out"});
  EXPECT_EQ(result.code, 4) << result.err;
  EXPECT_NE(result.err.find("step"), std::string::npos);
}

TEST_F(ExitCodes, EverySignalLeavesACheckpointAndTheSameCommandContinues) {
  write_model(folder_.file("m.haven"), tiny_model());
  write("POSCAR", tiny_poscar);
  const std::vector<std::string> words{haven_program(), "md",          "m.haven", "POSCAR", "-T", "100", "--ps",
                                       "1000000",       "--supercell", "2",       "2",      "2",  "-o",  "out"};
  int part = 0;
  for (const int signal : {SIGTERM, SIGINT, SIGUSR1, SIGUSR2}) {
    const std::string segment = "out/T100/r0/traj.part000" + std::to_string(++part) + ".h5";  // it has begun to run
    const ProgramResult result = run_until_file(words, folder_.path().string(), folder_.file(segment), signal);
    EXPECT_EQ(result.code, 75) << "signal " << signal << "\n" << result.err;
    EXPECT_TRUE(fs::exists(folder_.file("out/T100/r0/checkpoint.h5")));
  }
  std::vector<std::string> again = words;
  again.insert(again.end(), {"--time-limit", "1 s"});
  const ProgramResult result = run_program(again, folder_.path().string());
  EXPECT_EQ(result.code, 75) << result.err;
  EXPECT_NE(result.err.find("continues from step"), std::string::npos) << result.err;
}

TEST_F(ExitCodes, ARunFolderThatIsNoneIsRejectedByReport) {
  fs::create_directory(folder_.path() / "empty");
  EXPECT_EQ(haven({"report", "empty"}).code, 3);
}

TEST_F(ExitCodes, AnUnwritableOutputIsSix) {
  write_model(folder_.file("m.haven"), tiny_model());
  write("POSCAR", tiny_poscar);
  EXPECT_EQ(haven({"predict", "m.haven", "POSCAR", "-o", "/nonexistent/folder/out.xyz"}).code, 6);
}

TEST_F(ExitCodes, InitWritesAnInputThatIsValidAndNeverReplacesOne) {
  fs::create_directory(folder_.path() / "vasp");
  write("vasp/POSCAR", tiny_poscar);
  write("vasp/INCAR", "IBRION = 0 ; POTIM = 2.0\nTEBEG = 650 # K\n");
  ASSERT_EQ(haven({"init", "vasp"}).code, 0);
  std::ifstream stream(folder_.file("haven.toml"));
  const std::string text{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  for (const char* word : {"elements = [\"Li\", \"Cl\"]", "timestep = 2.0", "650", "charges   = { Li = 1, Cl = -1 }"})
    EXPECT_NE(text.find(word), std::string::npos) << word << "\n" << text;
  const ProgramResult again = haven({"init", "vasp"});
  EXPECT_EQ(again.code, 2);
  EXPECT_NE(again.err.find("exists already"), std::string::npos);
}

TEST_F(ExitCodes, ErrorsReachAllRanksAndAreToldOnce) {
  const auto words = on_ranks(2, {haven_program(), "run", "nowhere.toml"});
  if (words.empty()) GTEST_SKIP() << "no mpirun here";
  const ProgramResult result = run_program(words, folder_.path().string());
  EXPECT_EQ(result.code, 2) << result.err;
  const std::size_t first = result.err.find("haven: error:");
  ASSERT_NE(first, std::string::npos) << result.err;
  EXPECT_EQ(result.err.find("haven: error:", first + 1), std::string::npos) << result.err;
}

}  // namespace
}  // namespace haven::testing
