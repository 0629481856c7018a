#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "app/config.hpp"
#include "core/error.hpp"
#include "io/text_file.hpp"
#include "support/program.hpp"
#include "support/shared_data.hpp"

namespace haven {
namespace {

std::string message_of(const std::string& text, const std::vector<std::string>& overrides = {},
                       Needs required = Needs::nothing) {
  try {
    static_cast<void>(parse_config(text, "haven.toml", overrides, required));
  } catch (const ConfigError& error) {
    EXPECT_EQ(error.exit_code(), ExitCode::usage);
    EXPECT_EQ(error.where(), "haven.toml");
    EXPECT_FALSE(error.remedy().empty());
    return error.summary();
  }
  return "accepted";
}

/// One broken input file and the line that must be said about it.
struct Broken {
  std::string name, text, message;
};
void PrintTo(const Broken& broken, std::ostream* out) { *out << broken.name; }

class BrokenConfig : public ::testing::TestWithParam<Broken> {};

TEST_P(BrokenConfig, IsReportedWithLineKeyAndRemedy) {
  EXPECT_EQ(message_of(GetParam().text), "1 problem in the configuration\n  " + GetParam().message);
}

const std::vector<Broken> broken_configs{
    {"MisspeltTopKey", "sed = 1", "line 1, sed: unknown key; did you mean \"seed\"?"},
    {"MisspeltTable", "[trian]\nmax_epochs = 3", "line 1, trian: unknown key; did you mean \"train\"?"},
    {"MisspeltKeyInTable", "[data]\nmax_forces = 3.0",
     "line 2, data.max_forces: unknown key; did you mean \"max_force\"?"},
    {"SwappedLetters", "[model]\ncutfof = 5.0", "line 2, model.cutfof: unknown key; did you mean \"cutoff\"?"},
    {"NothingLikeIt", "[train.early_stop]\nxyzzy = 5",
     "line 2, train.early_stop.xyzzy: unknown key; valid here: patience"},
    {"KeyInListOfTables", "[data]\nsources = [ { path = \"a\", evry = 2 } ]",
     "line 2, data.sources[0].evry: unknown key; did you mean \"every\"?"},
    {"TextForNumber", "[model]\ncutoff = \"5\"", "line 2, model.cutoff: expected a number, found the text \"5\""},
    {"FractionForInteger", "[train]\nmax_epochs = 1.5",
     "line 2, train.max_epochs: expected an integer, found the number 1.5"},
    {"NumberForText", "name = 5", "line 1, name: expected a text in quotes, found the integer 5"},
    {"NumberForFlag", "[[md.stage]]\nname = \"a\"\nps = 1\ntransport = 1",
     "line 4, md.stage[0].transport: expected true or false, found the integer 1"},
    {"ScalarForTable", "model = 3", "line 1, model: expected a table, found the integer 3"},
    {"TableForList", "[data]\nsources = { path = \"a\" }",
     "line 2, data.sources: expected a list of tables, found a table"},
    {"TextInListOfTables", "[data]\nsources = [ \"OUTCAR\" ]",
     "line 2, data.sources[0]: expected a table, found the text \"OUTCAR\""},
    {"NegativeCutoff", "[model]\ncutoff = -1.0", "line 2, model.cutoff: -1 is out of range: must be >= 1 and <= 15"},
    {"ZeroTimestep", "[md]\ntimestep = 0.0", "line 2, md.timestep: 0 is out of range: must be > 0 and <= 20"},
    {"NotANumber", "[md]\ntimestep = nan", "line 2, md.timestep: must be finite"},
    {"NoStepAtAll", "[data]\nsources = [ { path = \"a\", every = 0 } ]",
     "line 2, data.sources[0].every: 0 is out of range: must be >= 1"},
    {"NegativeWeight", "[data]\nsources = [ { path = \"a\", weight = -1.0 } ]",
     "line 2, data.sources[0].weight: -1 is out of range: must be > 0"},
    {"UnknownEnergy", "[data]\nenergy = \"sigma\"",
     "line 2, data.energy: \"sigma\" is not one of \"free\", \"sigma0\"; did you mean \"sigma0\"?"},
    {"FlagForText", "[data]\nmixed_settings = true",
     "line 2, data.mixed_settings: expected a text in quotes, found true"},
    {"InfiniteForce", "[data]\nmax_force = inf", "line 2, data.max_force: must be finite"},
    {"NegativeSeed", "seed = -4", "line 1, seed: -4 is out of range: must be >= 0"},
    {"FutureSchema", "schema = 2", "line 1, schema: 2 is out of range: only 1 is available in this version"},
    {"WrongChoice", "[data]\nunconverged = \"rejct\"",
     "line 2, data.unconverged: \"rejct\" is not one of \"reject\", \"keep\", \"error\"; did you mean \"reject\"?"},
    {"WrongChoiceWithoutGuess", "[md]\nprecision = \"octuple\"",
     "line 2, md.precision: \"octuple\" is not one of \"mixed\", \"float64\""},
    {"DeviceOfALaterVersion", "[train]\ndevice = \"cuda\"",
     "line 2, train.device: \"cuda\" is not available in this version; available: \"auto\", \"cpu\""},
    {"QuantityOfALaterVersion", "[transport]\nquantities = [\"tracer\", \"green_kubo\"]",
     "line 2, transport.quantities[1]: \"green_kubo\" is not available in this version; available: \"tracer\", "
     "\"collective\", \"haven\""},
    {"ActiveLearning", "[active]\nenabled = true",
     "line 1, active: active learning is not available in this version; remove it"},
    {"CommitteeWithoutAFirstModel", "[model]\nmembers = [\"b.haven\"]",
     "line 2, model.members: the other models of a committee need the first one: give it as model.file"},
    {"CommitteeOfAGivenModel", "[model]\nfile = \"a.haven\"\ncommittee = 4",
     "line 3, model.committee: existing models are not trained; list the others in model.members"},
    {"BarostatAtConstantVolume", "[[md.stage]]\nname = \"a\"\nps = 1\nbarostat = { pressure = 0.0 }",
     "line 4, md.stage[0].barostat: contradicts ensemble = \"nvt\""},
    {"BarostatFasterThanTheStep", "[[md.stage]]\nname = \"a\"\nensemble = \"npt\"\nps = 1\nbarostat = { tau = 5.0 }",
     "line 5, md.stage[0].barostat.tau: must be at least ten time steps"},
    {"ShapeOfTheCell", "[[md.stage]]\nname = \"a\"\nensemble = \"npt\"\nps = 1\nbarostat = { shape = \"tricinic\" }",
     "line 5, md.stage[0].barostat.shape: \"tricinic\" is not one of \"isotropic\", \"anisotropic\", \"triclinic\"; "
     "did "
     "you mean \"triclinic\"?"},
    {"MeanCellOfNothing", "[[md.stage]]\nname = \"a\"\nps = 1\ncell = \"mean:equil\"",
     "line 4, md.stage[0].cell: no earlier npt stage is named \"equil\""},
    {"MeanCellMisspelt",
     "[[md.stage]]\nname = \"equil\"\nensemble = \"npt\"\nps = 1\n[[md.stage]]\nname = \"prod\"\nps = 1\n"
     "cell = \"mean:equl\"",
     "line 8, md.stage[1].cell: no earlier npt stage is named \"equl\"; did you mean \"mean:equil\"?"},
    {"LangevinForTransport",
     "[[md.stage]]\nname = \"a\"\nps = 1\ntransport = true\nthermostat = { type = \"langevin\" }",
     "line 5, md.stage[0].thermostat.type: MD005: friction changes diffusion and the conductivity; use \"bussi\" with "
     "a "
     "weak coupling (tau = 1000) here"},
    {"RampForTransport", "[[md.stage]]\nname = \"a\"\nps = 1\ntransport = true\nstart_temperature = 10.0",
     "line 5, md.stage[0].start_temperature: a transport stage must not ramp the temperature; put the ramp into an "
     "earlier stage"},
    {"FrozenAtomsAreNoRange", "[system]\nfrozen_atoms = [\"20-10\"]",
     "line 2, system.frozen_atoms: \"20-10\" is neither an atom nor a range of atoms such as \"10-20\""},
    {"FrozenAndMobile", "[system]\nmobile = [\"Li\"]\nfrozen = [\"Li\"]",
     "line 3, system.frozen: \"Li\" is also mobile"},
    {"MasslessElement", "[system]\nmasses = { Li = 0.0 }", "line 2, system.masses.Li: must be positive"},
    {"TimeWithoutUnit", "[train]\ncheckpoint = \"5\"",
     "line 2, train.checkpoint: expected a time with its unit, such as \"30 s\", \"10 min\", \"2 h\" or \"1 d\", found "
     "the text \"5\""},
    {"TimeAsNumber", "[md]\nrestart = { every = 600 }",
     "line 2, md.restart.every: expected a time with its unit, such as \"30 s\", \"10 min\", \"2 h\" or \"1 d\", found "
     "the integer 600"},
    {"EmptyWindow", "[transport]\nwindow = [20, 5]",
     "line 2, transport.window: [20, 5] is empty: the start must be before the end"},
    {"HalfAWindow", "[transport]\nwindow = [20]",
     "line 2, transport.window: expected \"auto\" or [start, end], found a list"},
    {"FlatSupercell", "[system]\nsupercell = [2, 2]",
     "line 2, system.supercell: expected a list of three integers, found a list"},
    {"ZeroSupercell", "[system]\nsupercell = [2, 0, 2]",
     "line 2, system.supercell[1]: 0 is out of range: must be >= 1 and <= 1000"},
    {"ForeignUnit", "[units]\nenergy = \"Ha\"",
     "line 2, units.energy: \"Ha\" cannot be chosen: units are fixed, and this one is \"eV\"; convert the numbers and "
     "the unit"},
    {"UnknownUnit", "[units]\nenery = \"eV\"", "line 2, units.enery: unknown key; did you mean \"energy\"?"},
    {"NoElement", "elements = [\"Li\", \"Xx\"]", "line 1, elements: \"Xx\" is no element; did you mean \"Xe\"?"},
    {"ElementTwice", "elements = [\"Li\", \"N\", \"Li\"]", "line 1, elements: \"Li\" is listed twice"},
    {"ChargeOfAForeignElement", "elements = [\"Li\", \"N\"]\n[system]\ncharges = { Li = 1, O = -2 }",
     "line 3, system.charges.O: \"O\" is not among the elements of the model"},
    {"MobileWithoutCharge", "[system]\nmobile = [\"Li\"]\ncharges = { O = -2 }",
     "line 2, system.mobile: \"Li\" carries the current but has no charge in system.charges"},
    {"NothingToTrainOn", "[data]\nsplit = { valid = 0.6, test = 0.4 }",
     "line 2, data.split: valid = 0.6 and test = 0.4 leave nothing to train on"},
    {"GrowingLearningRate", "[train]\nlearning_rate = { start = 1e-4, end = 1e-3 }",
     "line 2, train.learning_rate: must not grow: start = 0.0001, end = 0.001"},
    {"NoLoss", "[train]\nloss = { energy = 0, force = 0 }",
     "line 2, train.loss: energy and force are both 0: nothing would be learnt"},
    {"StageWithoutLength", "[[md.stage]]\nname = \"a\"",
     "line 1, md.stage[0].ps: must be given: the length of the stage in ps"},
    {"StageNameTwice", "[[md.stage]]\nname = \"a\"\nps = 1\n[[md.stage]]\nname = \"a\"\nps = 1",
     "line 5, md.stage[1].name: \"a\" is used twice"},
    {"ThermostatInNve", "[[md.stage]]\nname = \"a\"\nps = 1\nensemble = \"nve\"\nthermostat = { tau = 100 }",
     "line 5, md.stage[0].thermostat: contradicts ensemble = \"nve\""},
    {"TwoTransportStages",
     "[[md.stage]]\nname = \"a\"\nps = 1\ntransport = true\n[[md.stage]]\nname = \"b\"\nps = 1\ntransport = true",
     "line 8, md.stage[1].transport: only one stage can be the transport stage"},
    {"FramesBetweenSteps", "[md]\ntimestep = 2\n[[md.stage]]\nname = \"a\"\nps = 1\ntrajectory = { every_fs = 5 }",
     "line 6, md.stage[0].trajectory.every_fs: 5 fs is not a whole number of time steps of 2 fs"},
    {"TemperatureTwice", "[md.ladder]\ntemperatures = [600, 600]",
     "line 2, md.ladder.temperatures: 600 K is listed twice"},
    {"ColdTemperature", "[md.ladder]\ntemperatures = [-5]",
     "line 2, md.ladder.temperatures[0]: -5 is out of range: must be > 0"},
    {"NameThatIsAPath", "name = \"a/b\"", "line 1, name: must be usable as a file name: not empty, without \"/\""},
};
INSTANTIATE_TEST_SUITE_P(Golden, BrokenConfig, ::testing::ValuesIn(broken_configs),
                         [](const auto& item) { return item.param.name; });

/// The same through the program, at the command that reads training data: exit code 2, the message, and not a file
/// more.
TEST(Config, BrokenInputFilesStopTheProgramBeforeItWrites) {
  ASSERT_GE(broken_configs.size(), 60U);
  const testing::TemporaryFolder folder;
  for (const Broken& broken : broken_configs) {
    write_text(folder.file("haven.toml"), broken.text);
    const auto result =
        testing::run_program({testing::haven_program(), "data", "import", "--config", "haven.toml", "-o", "out/set.h5"},
                             folder.path().string());
    EXPECT_EQ(result.code, 2) << broken.name << ": " << result.err;
    EXPECT_NE(result.err.find(broken.message), std::string::npos) << broken.name << ": " << result.err;
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder.path()))
      names.push_back(entry.path().filename().string());
    EXPECT_EQ(names, std::vector<std::string>{"haven.toml"}) << broken.name;
  }
}

TEST(Config, ReportsAllProblemsAtOnceInOrderOfLines) {
  EXPECT_EQ(message_of("sed = 1\n[model]\ncutoff = -1.0\ntype = \"momnt\"\n[md]\ntimestep = \"x\"\n"),
            "4 problems in the configuration\n"
            "  line 1, sed: unknown key; did you mean \"seed\"?\n"
            "  line 3, model.cutoff: -1 is out of range: must be >= 1 and <= 15\n"
            "  line 4, model.type: \"momnt\" is not one of \"moment\", \"bpnn\", \"chebyshev\", \"deeppot-se\", "
            "\"deeppot-se-r\"; did you mean \"moment\"?\n"
            "  line 6, md.timestep: expected a number, found the text \"x\"");
}

TEST(Config, ReportsASyntaxErrorWithItsLine) {
  const std::string message = message_of("a = 1\nb = = 2\n");
  EXPECT_TRUE(message.starts_with("1 problem in the configuration\n  line 2, syntax: ")) << message;
}

TEST(Config, RefusesNestingWithoutEnd) {
  std::string text = "a = ";
  for (int k = 0; k < 100000; ++k) text += "[";
  EXPECT_TRUE(message_of(text).starts_with("1 problem in the configuration\n  line 1, syntax: "));
}

TEST(Config, NamesWhatACommandCannotDoWithout) {
  EXPECT_EQ(message_of("", {}, Needs::data | Needs::system | Needs::md | Needs::transport),
            "6 problems in the configuration\n"
            "  data.sources: is needed: name at least one file or folder to learn from\n"
            "  system.structure: is needed: the file of the structure to simulate\n"
            "  md.stage: is needed: at least one [[md.stage]] with name, ensemble and ps\n"
            "  md.ladder.temperatures: is needed: at least one temperature in K\n"
            "  system.mobile: is needed: the elements that carry the current, such as [\"Li\"]\n"
            "  system.charges: is needed: formal charges such as { Li = 1, O = -2 }");
}

TEST(Config, ReportsBadOverrides) {
  EXPECT_EQ(message_of("[model]\ncutoff = 5.0", {"model.cutof=3", "seed", "name.x=1", "md.stage.prod.ps=1"}),
            "4 problems in the configuration\n"
            "  --set seed: expected key=value\n"
            "  name: expected a text in quotes, found a table\n"
            "  model.cutof: unknown key; did you mean \"cutoff\"?\n"
            "  md.stage: expected a list of tables, found a table");
}

TEST(Config, RefusesAFolderAndAMissingFileAsInput) {
  EXPECT_THROW(static_cast<void>(load_config("/")), ConfigError);
  EXPECT_THROW(static_cast<void>(load_config("/nonexistent/haven.toml")), ConfigError);
}

}  // namespace
}  // namespace haven
