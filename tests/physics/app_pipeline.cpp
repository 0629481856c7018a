#include <gtest/gtest.h>

#include <cmath>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "core/rng.hpp"
#include "io/dataset_file.hpp"
#include "io/extxyz.hpp"
#include "io/model_file.hpp"
#include "potentials/pair/lennard_jones.hpp"
#include "potentials/structure_evaluation.hpp"
#include "support/program.hpp"
#include "support/shared_data.hpp"

namespace haven::testing {
namespace {

namespace fs = std::filesystem;

/// Rock salt of two Lennard-Jones species, 8 atoms: a crystal whose true potential is known.
Structure rock_salt(double a) {
  Structure s{.cell = Cell(Mat3{{{{a, 0, 0}, {0, a, 0}, {0, 0, a}}}}), .numbers = {}, .positions = {}};
  for (const int number : {3, 17})
    for (const Vec3& site : {Vec3{0, 0, 0}, Vec3{0, 0.5, 0.5}, Vec3{0.5, 0, 0.5}, Vec3{0.5, 0.5, 0}}) {
      s.numbers.push_back(number);
      s.positions.push_back(s.cell.to_cartesian(number == 3 ? site : site + Vec3{0.5, 0, 0}));
    }
  return s;
}

std::unique_ptr<Potential> reference() {
  const auto pair = [](double minimum) {
    return LennardJonesPair{.epsilon = 0.15, .sigma = minimum / std::pow(2.0, 1.0 / 6)};
  };
  return make_lennard_jones(
      {.elements = {3, 17}, .pairs = {pair(3.5), pair(2.5), pair(2.5), pair(3.5)}, .cutoff = 4.5, .switch_start = 3.5});
}

/// Labelled frames: thermal-like displacements and small changes of volume, in `runs` trajectories.
void write_training_data(const std::string& path, int runs, int frames_per_run) {
  const auto potential = reference();
  std::vector<Frame> frames;
  for (int r = 0; r < runs; ++r)
    for (int k = 0; k < frames_per_run; ++k) {
      RandomSequence random(11, Stream::test, static_cast<std::uint64_t>(r * 1000 + k));
      Frame frame{.structure = rock_salt(5.0 * (1 + 0.015 * random.normal()))};
      const double amplitude = 0.15 * (k + 0.2) / frames_per_run;  // from nearly perfect to hot
      for (Vec3& position : frame.structure.positions)
        position += amplitude * Vec3{random.normal(), random.normal(), random.normal()};
      const StructureEvaluation labels = evaluate_structure(*potential, frame.structure);
      frame.energy = labels.energy;
      frame.forces = labels.forces;
      frame.stress = labels.stress;
      frame.group = "lj";
      frame.trajectory = "run" + std::to_string(r);
      frames.push_back(frame);
    }
  write_extxyz(path, frames);
}

constexpr const char* input = R"(
name = "tiny"
seed = 5
elements = ["Li", "Cl"]
[data]
sources = [ { path = "frames.xyz", group = "lj" } ]
split = { valid = 0.2, test = 0.2 }
[model]
preset = "fast"
cutoff = 4.5
[train]
max_epochs = 60
batch_atoms = 64
[system]
structure = "crystal.xyz"
supercell = [1, 1, 1]
mobile = ["Li"]
charges = { Li = 1, Cl = -1 }
[md]
timestep = 2.0
replicas = 2
guards = { host = "flag", energy_drift = 1.0, max_temperature_factor = 4.0 }
[[md.stage]]
name = "equil"
ps = 0.05
[[md.stage]]
name = "prod"
ps = 0.4
transport = true
thermostat = { tau = 500.0 }
trajectory = { every_fs = 20 }
[md.ladder]
temperatures = [80, 60]
[output]
thermo_every_fs = 20
)";

class Pipeline : public ::testing::Test {
 protected:
  /// A fresh project folder.
  std::string project(const std::string& name) const {
    const std::string folder = folder_.file(name);
    fs::create_directory(folder);
    write_training_data(folder + "/frames.xyz", 5, 12);
    Frame crystal{.structure = rock_salt(5.0)};
    write_extxyz(folder + "/crystal.xyz", std::span(&crystal, 1));
    std::ofstream(folder + "/haven.toml") << input;
    return folder;
  }
  static std::string content(const fs::path& path) {
    std::ifstream stream(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  }
  /// Text files byte by byte; datasets and models by the hash of what they hold, since the container may record times.
  static std::string result_of(const fs::path& path) {
    if (path.extension() == ".h5") return read_dataset(path.string()).hash;
    if (path.extension() == ".haven") return model_payload_hash(read_model(path.string()));
    return content(path);
  }
  /// Files that people read results from, by name; logs, locks, checkpoints and tables with wall times are no results.
  static std::map<std::string, std::string> results(const std::string& folder) {
    static const std::set<std::string> left_out{"haven.log",       "run.lock",           "steps.json",
                                                "provenance.json", "lcurve.csv",         "checkpoint.train",
                                                "checkpoint.h5",   "checkpoint_prev.h5", "events.jsonl"};
    std::map<std::string, std::string> files;
    for (const auto& entry : fs::recursive_directory_iterator(folder + "/run")) {
      const std::string name = entry.path().filename().string();
      if (!entry.is_regular_file() || left_out.contains(name) || name.starts_with("traj.part")) continue;
      files[entry.path().lexically_relative(folder).string()] = result_of(entry.path());
    }
    return files;
  }
  /// The report names the folder of the input file; that is not a result.
  static void expect_equal_results(const std::string& a, const std::string& b) {
    auto first = results(a), second = results(b);
    for (auto* files : {&first, &second})
      for (const char* name : {"run/report.html", "run/report.json"}) files->erase(name);
    std::set<std::string> names;
    for (const auto& [name, text] : first) names.insert(name);
    for (const auto& [name, text] : second) EXPECT_TRUE(names.contains(name)) << name << " exists only in " << b;
    for (const auto& [name, text] : first)
      EXPECT_TRUE(second.contains(name) && second[name] == text) << name << " differs";
  }
  TemporaryFolder folder_;
};

// At constant energy nothing holds the nominal temperature (a crystal that starts from its sites ends near half of it):
// conductivity and Arrhenius plot need the one that the runs had.
TEST_F(Pipeline, TakesTheTemperatureOfARunAtConstantEnergyFromTheRun) {
  const std::string folder = project("nve");
  std::string text = input;
  const std::string bath = "thermostat = { tau = 500.0 }\n";
  text.replace(text.find(bath), bath.size(), "ensemble = \"nve\"\n");
  const std::string stage = "[[md.stage]]\nname = \"equil\"\nps = 0.05\n";
  text.erase(text.find(stage), stage.size());
  std::ofstream(folder + "/haven.toml") << text;
  const ProgramResult result = run_program({haven_program(), "run"}, folder);
  ASSERT_EQ(result.code, 5) << result.err;
  const auto transport = nlohmann::json::parse(content(folder + "/run/transport/transport.json"));
  for (const auto& one : transport.at("temperatures")) {
    double sum = 0, rows = 0;
    for (const char* replica : {"r0", "r1"}) {
      std::ifstream thermo(folder + "/run/md/" + one.at("label").get<std::string>() + "/" + replica + "/thermo.csv");
      std::string line;
      std::getline(thermo, line);
      while (std::getline(thermo, line)) {
        double step = 0, time = 0, temperature = 0;
        ASSERT_EQ(std::sscanf(line.c_str(), "%lf,%lf,%lf", &step, &time, &temperature), 3);
        sum += temperature, rows += 1;
      }
    }
    EXPECT_NEAR(one.at("temperature_K").get<double>(), sum / rows, 1e-5 * sum / rows);
    EXPECT_LT(sum / rows, 0.8 * std::stod(one.at("label").get<std::string>().substr(1)))
        << "half of it became potential energy";
  }
}

// A short run of a crystal that does not diffuse: everything is made, and the conductivity is refused, exit code 5.
TEST_F(Pipeline, GoesFromLabelsToAReportAndRefusesWhatIsNotDetermined) {
  const std::string folder = project("a");
  const ProgramResult result = run_program({haven_program(), "run"}, folder);
  EXPECT_EQ(result.code, 5) << result.err;
  for (const char* name : {"effective.toml", "provenance.json", "haven.log", "data.h5", "data_report.json",
                           "model/tiny.haven", "model/lcurve.csv", "model/errors.json", "model/test_parity_force.csv",
                           "model/parity_force.svg", "md/T80/r1/thermo.csv", "transport/transport.json",
                           "transport/msd_T60.csv", "transport/arrhenius.csv", "report.html", "report.json"})
    EXPECT_TRUE(fs::exists(folder + "/run/" + name)) << name;
  std::string page = content(folder + "/run/report.html");
  const std::string name_space = "http://www.w3.org/2000/svg";  // a name, not an address that is opened
  for (std::size_t at = 0; (at = page.find(name_space)) != std::string::npos;) page.erase(at, name_space.size());
  for (const char* outside : {"http://", "https://", " src=", "<link", "<iframe", "@import"})
    EXPECT_EQ(page.find(outside), std::string::npos) << "the page must stand alone: " << outside;
  EXPECT_NE(page.find("is not determined"), std::string::npos);

  const ProgramResult again = run_program({haven_program(), "run"}, folder);
  EXPECT_EQ(again.code, 5) << "the same answer";
  for (const char* step : {"data: done already", "train: done already", "test: done already", "md: done already",
                           "transport: done already", "report: done already"})
    EXPECT_NE(again.err.find(step), std::string::npos) << step << "\n" << again.err;

  const ProgramResult test = run_program(
      {haven_program(), "test", "run/model/tiny.haven", "run/data.h5", "--part", "test", "--json", "-"}, folder);
  EXPECT_EQ(test.code, 0) << test.err;
  for (const char* key :
       {"\"n_structures\"", "\"n_atoms\"", "\"energy_mae_meV_per_atom\"", "\"energy_rmse_meV_per_atom\"",
        "\"force_mae_meV_per_A\"", "\"force_rmse_meV_per_A\"", "\"stress_rmse_GPa\"", "\"by_element\"", "\"by_group\""})
    EXPECT_NE(test.out.find(key), std::string::npos) << key;

  const ProgramResult transport = run_program({haven_program(), "transport", "haven", "run/md/T80/r0", "run/md/T80/r1",
                                               "--mobile", "Li", "--charges", "Li=1", "--json", "-"},
                                              folder);
  EXPECT_EQ(transport.code, 5) << transport.err;
  for (const char* key : {"\"temperature_K\"", "\"n_ions\": 4", "\"volume_A3\"", "\"time_ns\"",
                          "\"D_tracer_cm2_per_s\"", "\"D_sigma_cm2_per_s\"", "\"haven_ratio\"", "\"sigma_S_per_cm\"",
                          "\"sigma_NE_S_per_cm\"", "\"refused\"", "\"warnings\""})
    EXPECT_NE(transport.out.find(key), std::string::npos) << key << "\n" << transport.out;
  EXPECT_EQ(
      run_program({haven_program(), "transport", "arrhenius", "run", "--target", "300", "--json", "-"}, folder).code,
      5);

  const ProgramResult longer = run_program({haven_program(), "run", "--set", "md.stage.prod.ps=0.6"}, folder);
  EXPECT_EQ(longer.code, 5);
  EXPECT_NE(longer.err.find("train: done already"), std::string::npos);
  EXPECT_NE(longer.err.find("continues from step 225"), std::string::npos)
      << "the finished runs are made longer, not repeated\n"
      << longer.err;
}

TEST_F(Pipeline, KilledAnywhereAndStartedAgainEndsWithTheSameResult) {
  const std::string whole = project("whole"), killed = project("killed");
  ASSERT_EQ(run_program({haven_program(), "run"}, whole).code, 5);
  for (const char* landmark : {"run/data.h5", "run/model/lcurve.csv", "run/model/tiny.haven",
                               "run/md/T80/r0/checkpoint.h5", "run/md/T80/r1/run.json", "run/transport/msd_T80.csv"})
    static_cast<void>(run_until_file({haven_program(), "run"}, killed, killed + "/" + landmark, SIGKILL));
  EXPECT_EQ(run_program({haven_program(), "run"}, killed).code, 5);
  expect_equal_results(whole, killed);
}

/// Two models of one split, stopped between them and continued; the dynamics compares them.
TEST_F(Pipeline, TrainsACommitteeThatTheDynamicsCompares) {
  const std::string folder = project("committee");
  const std::vector<std::string> words{haven_program(),     "md",    "haven.toml",         "--set",
                                       "model.committee=2", "--set", "train.max_epochs=4", "--set",
                                       "train.polish=0"};
  static_cast<void>(run_until_file(words, folder, folder + "/run/model/tiny.haven", SIGTERM));
  const std::string first = result_of(folder + "/run/model/tiny.haven");
  const ProgramResult result = run_program(words, folder);
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(result_of(folder + "/run/model/tiny.haven"), first) << "finished models are kept";
  EXPECT_NE(result_of(folder + "/run/model/tiny_2.haven"), first);
  EXPECT_EQ(content(folder + "/run/model/member2_split.csv"), content(folder + "/run/model/split.csv"));
  EXPECT_NE(content(folder + "/run/md/T80/r0/deviation.csv").find("\n25,"), std::string::npos);
  const ProgramResult again = run_program(words, folder);
  EXPECT_NE(again.err.find("train: done already"), std::string::npos) << again.err;
}

/// Networks over one trained descriptor: the second model only trains its own, and both are one model file besides.
TEST_F(Pipeline, TrainsACommitteeThatSharesItsDescriptor) {
  const std::string folder = project("shared");
  const ProgramResult result =
      run_program({haven_program(), "train", "--config", "haven.toml", "--set", "model.committee=2", "--set",
                   "model.committee_descriptor=shared", "--set", "train.max_epochs=4", "--set", "train.polish=0"},
                  folder);
  ASSERT_EQ(result.code, 0) << result.err;
  const std::string model = folder + "/run/model/tiny_committee.haven";
  ASSERT_TRUE(fs::exists(model)) << result.err;
  const ProgramResult test = run_program({haven_program(), "test", model, "run/data.h5", "--json", "-"}, folder);
  ASSERT_EQ(test.code, 0) << test.err;
  EXPECT_GT(nlohmann::json::parse(test.out)["force_deviation"]["factor"].get<double>(), 0);
}

TEST_F(Pipeline, TwoRanksGiveTheResultOfOne) {
  const auto words = on_ranks(2, {haven_program(), "run"});
  if (words.empty()) GTEST_SKIP() << "no mpirun here";
  const std::string one = project("one"), two = project("two");
  ASSERT_EQ(run_program({haven_program(), "run"}, one).code, 5);
  const ProgramResult result = run_program(words, two);
  EXPECT_EQ(result.code, 5) << result.err;
  expect_equal_results(one, two);
}

TEST_F(Pipeline, DryRunChecksEverythingAndWritesNothing) {
  const std::string folder = project("dry");
  const ProgramResult result = run_program({haven_program(), "run", "--dry-run"}, folder);
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_NE(result.out.find("max_epochs = 60"), std::string::npos) << "the effective configuration";
  EXPECT_NE(result.err.find("4 runs of 225 steps"), std::string::npos) << result.err;
  EXPECT_FALSE(fs::exists(folder + "/run"));
}

TEST_F(Pipeline, ASecondRunInTheSameFolderIsRefused) {
  const std::string folder = project("lock");
  fs::create_directories(folder + "/run");
  const auto locked = [&] { return run_program({"flock", folder + "/run/run.lock", haven_program(), "run"}, folder); };
  const ProgramResult result = locked();
  if (result.code == 127) GTEST_SKIP() << "no flock program here";
  EXPECT_EQ(result.code, 6) << result.err;
  EXPECT_FALSE(fs::exists(folder + "/run/data.h5"));
}

}  // namespace
}  // namespace haven::testing
