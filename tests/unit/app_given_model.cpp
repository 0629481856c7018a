#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "io/model_file.hpp"
#include "io/trajectory.hpp"
#include "md/mean_cell.hpp"
#include "support/file_bytes.hpp"
#include "support/program.hpp"
#include "support/shared_data.hpp"
#include "support/tiny_model.hpp"

namespace haven::testing {
namespace {

namespace fs = std::filesystem;

constexpr const char* input = R"(
name = "given"
[model]
file = "given.haven"
[system]
structure = "POSCAR"
charges = { Li = 1, Cl = -1 }
mobile = ["Li"]
[md.ladder]
temperatures = [80]
[md.guards]
host = "flag"
[[md.stage]]
name = "prod"
ps = 0.05
transport = true
trajectory = { every_fs = 5 }
)";

class GivenModel : public ::testing::Test {
 protected:
  void SetUp() override {
    write_model(folder_.file("given.haven"), tiny_model());
    write("POSCAR", tiny_poscar);
    write("haven.toml", input);
  }
  ProgramResult haven(std::vector<std::string> words) const {
    words.insert(words.begin(), haven_program());
    return run_program(words, folder_.path().string());
  }
  void write(const std::string& name, const std::string& text) const { std::ofstream(folder_.file(name)) << text; }
  /// Whether the last frame has each atom where the first one had it not.
  [[nodiscard]] std::vector<bool> atoms_that_moved() const {
    TrajectoryReader reader(folder_.file("run/md/T80/r0"));
    TrajectoryFrame first, last;
    EXPECT_TRUE(reader.next(first));
    while (reader.next(last)) {
    }
    std::vector<bool> moved;
    for (std::size_t i = 0; i < first.positions.size(); ++i) moved.push_back(first.positions[i] != last.positions[i]);
    return moved;
  }
  TemporaryFolder folder_;
};

/// T63: the summary of a run counts the rows.
TEST_F(GivenModel, AtomsOutsideTheTrainingRangeAreInTheSummary) {
  Model model = tiny_model();
  for (ModelElement& element : model.elements) {
    element.feature_min.assign(element.feature_shift.size(), 1e6);
    element.feature_max = element.feature_min;
  }
  write_model(folder_.file("given.haven"), model);
  const ProgramResult result = haven({"md", "haven.toml"});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_NE((result.out + result.err).find("2 rows with atoms outside the training range"), std::string::npos)
      << result.out << result.err;
}

/// A guard that looks at rows ends the program with its exit code and its reason.
TEST_F(GivenModel, AtomsThatComeTooNearEndTheRunWithExitCode4) {
  std::string text = input;
  text.insert(text.find("charges"), "supercell = [6, 6, 6]\n");
  text.insert(text.find("host = "), "minimum_distance_factor = 1.0\n");
  text.replace(text.find("ps = 0.05"), 9, "ps = 1.00");
  write("haven.toml", text);
  const ProgramResult result = haven({"md", "haven.toml"});
  EXPECT_EQ(result.code, 4) << result.err;
  EXPECT_NE(result.err.find("A apart, below the limit of 3.000 A"), std::string::npos) << result.err;
}

/// The limit of the input file ends the command like that of the command line, and the next one goes on.
TEST_F(GivenModel, StopsAtTheWallTimeOfTheInputFile) {
  std::string limited = input;
  limited.replace(limited.find("[md.guards]"), 0, "[md.restart]\nmax_walltime = \"0.001 s\"\n");
  write("haven.toml", limited);
  const ProgramResult stopped = haven({"md", "haven.toml"});
  EXPECT_EQ(stopped.code, 75) << stopped.err;
  EXPECT_TRUE(fs::exists(folder_.file("run/md/T80/r0/checkpoint.h5")));
  const ProgramResult rest = haven({"md", "haven.toml", "--time-limit", "1h"});
  EXPECT_EQ(rest.code, 0) << rest.err;
  EXPECT_NE((rest.out + rest.err).find("continues from step"), std::string::npos) << rest.out << rest.err;
}

TEST_F(GivenModel, RunsDynamicsWithoutDataOrTraining) {
  const ProgramResult result = haven({"md", "haven.toml"});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_TRUE(fs::exists(folder_.file("run/md/T80/r0/run.json")));
  EXPECT_FALSE(fs::exists(folder_.file("run/data.h5")));
  EXPECT_FALSE(fs::exists(folder_.file("run/model")));
  const ProgramResult again = haven({"md", "haven.toml"});
  EXPECT_NE((again.out + again.err).find("md: done already"), std::string::npos) << again.err;
}

/// The others are compared at every row and change nothing of the trajectory.
TEST_F(GivenModel, CommitteeIsComparedAlongTheRun) {
  Model other = tiny_model();
  for (double& weight : other.elements[0].network.layers.back().weights) weight *= 1e6;
  write_model(folder_.file("other.haven"), other);
  const std::vector<std::string> plain{"md", "given.haven", "POSCAR", "-T", "80", "--ps", "0.1", "--every-fs", "5"};
  auto words = plain;
  words.insert(words.end(), {"-o", "alone"});
  EXPECT_EQ(haven(words).code, 0);
  EXPECT_FALSE(fs::exists(folder_.file("alone/T80/r0/deviation.csv")));
  words = plain;
  words.insert(words.end(), {"-o", "both", "--committee", "other.haven"});
  const ProgramResult both = haven(words);
  EXPECT_EQ(both.code, 0) << both.err;
  EXPECT_NE(both.err.find("the forces of the 2 models deviate by at most"), std::string::npos) << both.err;
  EXPECT_NE(both.err.find("warning MD007"), std::string::npos) << "this model has no ranges\n" << both.err;
  EXPECT_EQ(bytes_of(folder_.file("both/T80/r0/thermo.csv")), bytes_of(folder_.file("alone/T80/r0/thermo.csv")));
  EXPECT_TRUE(fs::exists(folder_.file("both/T80/r0/deviation.csv")));

  std::string text = input;
  text.replace(text.find("file = \"given.haven\""), 20, "file = \"given.haven\"\nmembers = [\"other.haven\"]");
  text.replace(text.find("host = \"flag\""), 13, "host = \"flag\"\nmax_deviation = 1e-9\ndeviation = \"stop\"");
  write("haven.toml", text);
  const ProgramResult stopped = haven({"md", "haven.toml"});
  EXPECT_EQ(stopped.code, 4) << stopped.err;
  EXPECT_NE(bytes_of(folder_.file("run/md/T80/r0/events.jsonl")).find("\"guard\":\"deviation\""), std::string::npos);
  EXPECT_TRUE(fs::exists(folder_.file("run/md/T80/r0/candidates.xyz")));
}

TEST_F(GivenModel, ChangingItRepeatsTheDynamics) {
  ASSERT_EQ(haven({"md", "haven.toml"}).code, 0);
  Model other = tiny_model();
  other.provenance["remark"] = "another file with the same numbers";
  write_model(folder_.file("given.haven"), other);
  const ProgramResult same = haven({"md", "haven.toml"});
  EXPECT_EQ(same.code, 0) << same.err;
  EXPECT_NE((same.out + same.err).find("md: done already"), std::string::npos)
      << "only what the model computes counts\n"
      << same.err;
}

/// Constant pressure, then production in the mean cell: every stage has its frames, and the production has one cell,
/// the mean of the second half of the equilibration.
TEST_F(GivenModel, ProducesInTheMeanCellOfItsEquilibration) {
  std::string text = input;
  text.insert(text.find("[[md.stage]]"), R"([[md.stage]]
name = "equil"
ensemble = "npt"
barostat = { pressure = 0.5, shape = "triclinic", bulk_modulus = 20.0 }
start_temperature = 40.0
ps = 0.04
trajectory = { every_fs = 1 }
)");
  text.insert(text.find("transport = true"), "cell = \"mean:equil\"\n");
  write("haven.toml", text);
  const ProgramResult result = haven({"md", "haven.toml"});
  ASSERT_EQ(result.code, 0) << result.err;
  TrajectoryReader reader(folder_.file("run/md/T80/r0"));
  MeanCell mean(0, 40);
  TrajectoryFrame frame;
  reader.select_stage("equil");
  while (reader.next(frame))
    if (frame.step > 0) mean.add(frame.step, frame.cell);
  reader.select_stage("prod");
  int frames = 0;
  for (; reader.next(frame); ++frames) EXPECT_EQ(frame.cell.vectors(), mean.result().vectors) << frame.step;
  EXPECT_EQ(frames, 11);
  const std::string events = bytes_of(folder_.file("run/md/T80/r0/events.jsonl"));
  EXPECT_NE(events.find(R"("event":"cell","step":40,"stage":"equil")"), std::string::npos) << events;
  EXPECT_NE(events.find(R"("mean_cell_of":"equil")"), std::string::npos) << events;
}

/// The deterministic barostat, displacements measured during the run, and its trajectory for other programs.
TEST_F(GivenModel, MeasuresDisplacementsDuringTheRunAndExports) {
  std::string text = input;
  text.insert(text.find("[[md.stage]]"), R"([[md.stage]]
name = "equil"
ensemble = "npt"
barostat = { type = "mtk", pressure = 0.5, shape = "anisotropic" }
ps = 0.04
)");
  text.insert(text.find("transport = true"), "cell = \"mean:equil\"\ncorrelator = { every_fs = 2 }\n");
  write("haven.toml", text);
  const ProgramResult result = haven({"md", "haven.toml"});
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_NE(bytes_of(folder_.file("run/effective.toml")).find("nose-hoover"), std::string::npos);
  const std::string table = bytes_of(folder_.file("run/md/T80/r0/displacements_prod.csv"));
  EXPECT_EQ(table.find("lag_ps,origins,tracer_Li_A2,collective_Li_Li_A2\n0.002,25,"), 0U) << table;
  EXPECT_NE(table.find("\n0.048,"), std::string::npos) << table;  // 24 samples, of which every second is an origin
  for (const char* name : {"t.xyz", "t.lammpstrj", "t.dcd"}) {
    const ProgramResult exported = haven({"export", "run/md/T80/r0", "-o", name, "--every", "2"});
    EXPECT_EQ(exported.code, 0) << exported.err;
    EXPECT_NE(exported.err.find("6 of 11 frames"), std::string::npos) << exported.err;
    EXPECT_TRUE(fs::exists(folder_.file(name)));
  }
  EXPECT_EQ(haven({"export", "run/md/T80/r0", "-o", "t.unknown"}).code, 2);
  EXPECT_EQ(haven({"export", "POSCAR", "-o", "t.xyz"}).code, 3);
}

TEST_F(GivenModel, FlagsEquilibrateAtConstantPressure) {
  const ProgramResult result =
      haven({"md", "given.haven", "POSCAR", "-T", "80", "--ps", "0.02", "--equilibrate", "0.02", "--shape",
             "anisotropic", "--pressure", "1.5", "--every-fs", "5", "-o", "out"});
  ASSERT_EQ(result.code, 0) << result.err;
  const std::string effective = bytes_of(folder_.file("out/effective.toml"));
  for (const char* text : {"ensemble = \"npt\"", "pressure = 1.5", "shape = \"anisotropic\"", "cell = \"mean:equil\""})
    EXPECT_NE(effective.find(text), std::string::npos) << text << "\n" << effective;
  EXPECT_NE(result.err.find("mean cell of stage"), std::string::npos) << result.err;
}

TEST_F(GivenModel, TakesMassesFrozenElementsAndThermostats) {
  std::string text = input;
  text.insert(text.find("[md.ladder]"), "masses = { Li = 6.015 }\nfrozen = [\"Cl\"]\n");
  text.insert(text.find("transport = true"), "thermostat = { type = \"nose-hoover\", tau = 50.0 }\n");
  write("haven.toml", text);
  const ProgramResult result = haven({"md", "haven.toml"});
  ASSERT_EQ(result.code, 0) << result.err;
  const std::vector<bool> moved = atoms_that_moved();
  const TrajectoryReader reader(folder_.file("run/md/T80/r0"));
  for (std::size_t i = 0; i < moved.size(); ++i) {
    const bool lithium = reader.header().numbers[i] == 3;
    EXPECT_EQ(reader.header().masses[i] == 6.015, lithium);
    EXPECT_EQ(moved[i], lithium);
  }
}

TEST_F(GivenModel, RefusesToMeasureDiffusionUnderFriction) {
  std::string text = input;
  text.insert(text.find("[[md.stage]]"),
              "[[md.stage]]\nname = \"mix\"\nps = 0.02\nthermostat = { type = \"langevin\" }\n"
              "trajectory = { every_fs = 1 }\n");
  write("haven.toml", text);
  ASSERT_EQ(haven({"md", "haven.toml"}).code, 0);
  const std::string events = bytes_of(folder_.file("run/md/T80/r0/events.jsonl"));
  EXPECT_NE(events.find(R"("thermostat":"langevin","tau_fs":100)"), std::string::npos) << events;
  const auto msd = [&](const std::string& path, const std::string& stage) {
    return haven({"transport", "msd", path, "--mobile", "Li", "--stage", stage});
  };
  for (const char* path : {"run/md/T80/r0", "run/md/T80/r0/traj.part0001.h5"}) {
    const ProgramResult refused = msd(path, "mix");
    EXPECT_EQ(refused.code, 3) << refused.err;
    EXPECT_NE(refused.err.find("MD005"), std::string::npos) << refused.err;
    EXPECT_EQ(msd(path, "prod").err.find("MD005"), std::string::npos);
    EXPECT_EQ(haven({"transport", "structure", path, "--mobile", "Li", "--stage", "mix", "-o", "s"}).code, 3);
  }
}

/// Atoms of the file by number, in every copy of its cell; one that it does not have is refused.
TEST_F(GivenModel, FreezesAtomsByNumber) {
  std::string text = input;
  text.insert(text.find("charges"), "supercell = [1, 2, 1]\nfrozen_atoms = [\"1\"]\n");
  write("haven.toml", text);
  const ProgramResult result = haven({"md", "haven.toml"});
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(atoms_that_moved(), (std::vector<bool>{true, false, true, false}));
  text.replace(text.find("\"1\""), 3, "\"1-2\"");
  write("haven.toml", text);
  const ProgramResult refused = haven({"md", "haven.toml"});
  EXPECT_EQ(refused.code, 3) << refused.err;
  EXPECT_NE(refused.err.find("the last atom is 1"), std::string::npos) << refused.err;
}

TEST_F(GivenModel, RelaxesAStructure) {
  const ProgramResult result =
      haven({"relax", "given.haven", "POSCAR", "--cell", "fixed", "-o", "CONTCAR", "--json", "r.json"});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_TRUE(fs::exists(folder_.file("CONTCAR")));
  EXPECT_NE(bytes_of(folder_.file("r.json")).find("\"converged\": true"), std::string::npos);
  EXPECT_NE(bytes_of(folder_.file("r.json")).find("\"space_group_after\": {"), std::string::npos);
  EXPECT_NE(result.err.find("space group "), std::string::npos) << result.err;
  const ProgramResult fire = haven({"relax", "given.haven", "POSCAR", "--cell", "fixed", "--method", "fire"});
  EXPECT_EQ(fire.code, 0) << fire.err;
  const ProgramResult open = haven({"relax", "given.haven", "POSCAR", "--max-steps", "1", "--pressure", "1"});
  EXPECT_EQ(open.code, 5) << open.err;
}

TEST_F(GivenModel, IsNotTrained) {
  const ProgramResult result = haven({"train", "haven.toml"});
  EXPECT_EQ(result.code, 2);
  EXPECT_NE(result.err.find("model.file"), std::string::npos) << result.err;
  EXPECT_FALSE(fs::exists(folder_.file("run")));
}

TEST_F(GivenModel, ContradictsASourceOfData) {
  write("haven.toml", std::string("data = { sources = [ { path = \"a.xyz\" } ] }\n") + input);
  const ProgramResult result = haven({"run", "haven.toml"});
  EXPECT_EQ(result.code, 2);
  EXPECT_NE(result.err.find("model.file"), std::string::npos) << result.err;
}

}  // namespace
}  // namespace haven::testing
