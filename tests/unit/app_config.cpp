#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "app/config.hpp"
#include "app/config_fields.hpp"

namespace haven {
namespace {

constexpr const char* complete_input = R"(
schema = 1
name   = "LLZO"
seed   = 7
elements = ["Li", "La", "Zr", "O"]
out    = "run"

[units]
energy = "eV"
length = "A"
time   = "fs"
pressure = "GPa"

[data]
sources = [
  { path = "aimd/*/OUTCAR",      group = "aimd",  every = 5 },
  { path = "neb/*/OUTCAR",       group = "neb",   weight = 2.0 },
]
energy      = "free"
unconverged = "reject"
max_force   = 25.0
stress      = "auto"
split       = { by = "trajectory", valid = 0.2, test = 0.1 }
energy_shift = "fit"

[model]
type      = "moment"
preset    = "fast"
cutoff    = 5.5
repulsion = "zbl"

[train]
device        = "auto"
precision     = "mixed"
batch_atoms   = 256
max_epochs    = 50
learning_rate = { start = 1.0e-3, end = 1.0e-6 }
loss          = { energy = 1.0, force = 100.0, virial = 0.1 }
early_stop    = { patience = 40 }
checkpoint    = "5 min"

[active]
enabled   = false
explore   = { temperatures = [300, 600], ps = 50 }

[system]
structure = "POSCAR"
supercell = [3, 3, 2]
charges   = { Li = 1, La = 3, Zr = 4, O = -2 }
mobile    = ["Li"]

[md]
timestep   = 2
replicas   = 3
device     = "auto"
neighbor   = { skin = 0.7 }
restart    = { every = "1.5 h", keep = 2, on_signal = true }

[[md.stage]]
name     = "equil"
ensemble = "nvt"
ps       = 100

[[md.stage]]
name     = "prod"
ensemble = "nvt"
cell     = "keep"
thermostat = { type = "bussi", tau = 1000.0 }
ps       = 4000
transport = true
trajectory = { every_fs = 100, format = "h5md", velocities = false }

[md.ladder]
temperatures = [600, 800, 1000, 1200]
order = "descending"

[md.guards]
nan            = "stop"
max_temperature_factor = 1.5
max_force      = 50.0
host_msd_factor = 0.25
energy_drift   = 1.0e-4

[transport]
quantities = ["tracer", "collective", "haven"]
axes       = ["iso", "xyz"]
drift      = "host"
window     = [5, 50.5]
min_hops   = 20
lindemann_factor = 0.25
arrhenius  = { target_K = 300, quantity = "sigmaT", model = "auto" }

[output]
plots = "svg"
thermo_every_fs = 50
log   = "info"
)";

TEST(Config, ReadsACompleteInput) {
  const Config config =
      parse_config(complete_input, "haven.toml", {}, Needs::data | Needs::system | Needs::md | Needs::transport);
  EXPECT_EQ(config.name, "LLZO");
  EXPECT_EQ(config.seed, 7U);
  EXPECT_EQ(config.elements.size(), 4U);
  ASSERT_EQ(config.data.sources.size(), 2U);
  EXPECT_EQ(config.data.sources[0].every, 5);
  EXPECT_EQ(config.data.sources[1].weight, 2.0);
  EXPECT_EQ(config.data.split.valid, 0.2);
  EXPECT_EQ(config.train.checkpoint_s, 300);
  ASSERT_TRUE(config.train.loss.has_value());
  EXPECT_EQ(config.train.loss->force, 100.0);
  EXPECT_EQ(config.system.supercell, (std::array<std::int64_t, 3>{3, 3, 2}));
  EXPECT_EQ(config.system.charges.at("O"), -2);
  EXPECT_EQ(config.md.restart.every_s, 5400);
  ASSERT_EQ(config.md.stages.size(), 2U);
  EXPECT_FALSE(config.md.stages[0].transport);
  ASSERT_TRUE(config.md.stages[1].trajectory.has_value());
  EXPECT_EQ(config.md.ladder.temperatures.front(), 600);
  ASSERT_TRUE(config.transport.window_ps.has_value());
  EXPECT_EQ((*config.transport.window_ps)[1], 50.5);
  ASSERT_EQ(config.notes.size(), 1U) << "the switched-off [active] is mentioned";
  EXPECT_TRUE(config.notes[0].starts_with("[active]")) << config.notes[0];
}

TEST(Config, EffectiveTomlReadsBackToTheSameConfiguration) {
  for (const std::string& text : {std::string(complete_input), std::string()}) {
    const Config config = parse_config(text, "a");
    const std::string effective = effective_toml(config);
    const Config again = parse_config(effective, "b");
    EXPECT_EQ(effective_toml(again), effective);
  }
}

TEST(Config, EffectiveTomlHoldsEveryDefault) {
  const std::string text = effective_toml(parse_config("", "empty"), Comments::no);
  for (const char* line : {"seed = 20240229\n", "max_force = 30.0\n", "type = \"moment\"\n", "timestep = 1.0\n",
                           "window = \"auto\"\n", "[md.guards]\n", "target_K = 300.0\n", "checkpoint = \"300 s\"\n"})
    EXPECT_NE(text.find(line), std::string::npos) << line;
}

TEST(Config, FillsInWhatAStageNeeds) {
  const Config config = parse_config(
      "[[md.stage]]\nname = \"p\"\nps = 1\ntransport = true\n[[md.stage]]\nname = \"e\"\nensemble = \"nve\"\nps = 1\n",
      "x");
  EXPECT_TRUE(config.md.stages[0].thermostat.has_value());
  EXPECT_TRUE(config.md.stages[0].trajectory.has_value()) << "the transport analysis needs positions";
  EXPECT_FALSE(config.md.stages[1].thermostat.has_value());
  EXPECT_FALSE(config.md.stages[1].trajectory.has_value());
}

TEST(Config, CouplesATransportStageWeaklyUnlessToldOtherwise) {
  const auto tau_of = [](const std::string& keys) {
    return parse_config("[[md.stage]]\nname = \"p\"\nps = 1\n" + keys, "x").md.stages[0].thermostat->tau;
  };
  EXPECT_EQ(tau_of(""), 100);
  EXPECT_EQ(tau_of("transport = true\n"), 1000);
  EXPECT_EQ(tau_of("transport = true\nthermostat = { type = \"nose-hoover\" }\n"), 1000);
  EXPECT_EQ(tau_of("transport = true\nthermostat = { tau = 50.0 }\n"), 50);
}

TEST(Config, SetReplacesValuesOfAnyDepth) {
  const Config config =
      parse_config(complete_input, "x",
                   {"seed=9", "model.cutoff=4.5", "md.stage.prod.ps=20", "md.stage.0.ps=5", "out=elsewhere",
                    "md.ladder.temperatures=[500]", "data.sources.0.group=\"new\"", "train.loss=\"auto\""});
  EXPECT_EQ(config.seed, 9U);
  EXPECT_EQ(config.model.cutoff, 4.5);
  EXPECT_EQ(config.md.stages[1].ps, 20);
  EXPECT_EQ(config.md.stages[0].ps, 5);
  EXPECT_EQ(config.out, "elsewhere");
  EXPECT_EQ(config.md.ladder.temperatures, std::vector<double>{500});
  EXPECT_EQ(config.data.sources[0].group, "new");
  EXPECT_FALSE(config.train.loss.has_value());
}

TEST(Config, SectionsForHashingSeeOnlyTheirOwnKeys) {
  const Config a = parse_config(complete_input, "x");
  const Config b = parse_config(complete_input, "x", {"model.cutoff=4.5"});
  EXPECT_NE(effective_section(a, "model"), effective_section(b, "model"));
  for (const char* section : {"", "data", "train", "system", "md", "transport", "output"})
    EXPECT_EQ(effective_section(a, section), effective_section(b, section)) << section;
  EXPECT_NE(effective_section(a, "md").find("temperatures"), std::string::npos) << "sub-tables belong to their section";
}

TEST(Config, SchemaListsEveryKeyWithItsDefault) {
  const std::string schema = config_json_schema();
  for (const char* word :
       {"\"max_force\"", "\"additionalProperties\": false", "\"default\": 30.0", "\"exclusiveMinimum\"", "\"stage\""})
    EXPECT_NE(schema.find(word), std::string::npos) << word;
  EXPECT_EQ(schema.find("green_kubo"), std::string::npos) << "what this version cannot do is not offered";
  EXPECT_NE(
      config_markdown().find("| `md.stage[].thermostat.tau` | number >= 0 | `0.0` | relaxation time, fs; 0: 1000"),
      std::string::npos);
}

TEST(Config, TheDocumentedTableIsTheProgramsOwn) {
  std::ifstream stream(std::string(HAVEN_SOURCE_DIR) + "/docs/configuration.md");
  const std::string page{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  EXPECT_NE(page.find(config_markdown()), std::string::npos)
      << "docs/configuration.md is out of date: put in the output of `haven schema --markdown`";
}

TEST(Config, NearestFindsMisspellingsAndLeavesStrangersAlone) {
  EXPECT_EQ(nearest("cutof", {"cutoff", "preset"}), "cutoff");
  EXPECT_EQ(nearest("temperature", {"temperatures", "order"}), "temperatures");
  EXPECT_EQ(nearest("xyz", {"cutoff", "preset"}), "");
  EXPECT_EQ(nearest("", {"cutoff"}), "");
}

}  // namespace
}  // namespace haven
