// haven bench: the models and boxes that it makes, the arithmetic that it counts, and its result.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <numeric>

#include "app/bench_model.hpp"
#include "app/commands.hpp"
#include "core/error.hpp"
#include "potentials/descriptor.hpp"
#include "potentials/program/compile.hpp"
#include "potentials/program/operations.hpp"
#include "potentials/registry.hpp"
#include "potentials/structure_evaluation.hpp"
#include "support/shared_data.hpp"

namespace haven::testing {
namespace {

OperationCount count_of(const Model& model, const Structure& structure) {
  std::vector<int> elements;
  for (const ModelElement& element : model.elements) elements.push_back(element.number);
  const std::vector<int> species = species_indices(structure.numbers, elements);
  std::vector<AtomId> ids(species.size());
  std::iota(ids.begin(), ids.end(), AtomId{0});
  const LocalAtoms atoms{
      .positions = structure.positions, .ids = ids, .species = species, .n_centres = structure.size()};
  NeighbourList list;
  list.build(structure.cell, atoms, model.cutoff);
  return count_operations(compile(describe(model), model, 1e-3), atoms, list.view());
}

Structure pair_at(double distance) {
  return {.cell = Cell(Mat3{{{{40, 0, 0}, {0, 40, 0}, {0, 0, 40}}}}, {false, false, false}),
          .numbers = {3, 17},
          .positions = {{0, 0, 0}, {distance, 0, 0}}};
}

TEST(Bench, EveryPresetIsAPotentialWithFiniteForces) {
  for (const std::string& name : bench_presets()) {
    const Model model = bench_model(name);
    const StructureEvaluation result =
        evaluate_structure(*make_potential(model, Precision::mixed), bench_structure(model, 100));
    double largest = 0;
    for (const Vec3& force : result.forces) largest = std::max(largest, norm(force));
    EXPECT_TRUE(std::isfinite(result.energy)) << name;
    EXPECT_GT(largest, 0) << name;
    EXPECT_LT(largest, 50) << name;  // below the limit that stops a run
  }
  EXPECT_THROW(static_cast<void>(bench_model("none")), ConfigError);
}

// 60 = 4/3 pi 6^3 / 15 A^3; the displacements move some across the cut-off.
TEST(Bench, TheBoxHasAboutSixtyNeighbours) {
  const Model model = bench_model("moment-c8-l4");
  const Structure structure = bench_structure(model, 500);
  EXPECT_GE(structure.size(), 500);
  EXPECT_NEAR(count_of(model, structure).neighbours / static_cast<double>(structure.size()), 60, 6);
}

// Two atoms see each other: the network and the terms are counted per atom whether or not there are neighbours, the
// rest per neighbour, with 8 channels of 25 harmonics: 14 + (18 8 + 4) + 6 200 + 16 25 + 20.
TEST(Bench, OperationsAreThoseOfAtomsAndOfNeighbours) {
  const Model model = bench_model("moment-c8-l4");
  const OperationCount apart = count_of(model, pair_at(30)), together = count_of(model, pair_at(3));
  EXPECT_EQ(apart.neighbours, 0);
  EXPECT_EQ(together.neighbours, 2);
  EXPECT_DOUBLE_EQ(together.total - apart.total, 2 * (14 + 148 + 1200 + 400 + 20));
  double network = 0;
  for (const ModelElement& element : model.elements)
    for (const Layer& layer : element.network.layers)
      network += 4 * static_cast<double>(layer.weights.size()) + 12 * static_cast<double>(layer.outputs);
  EXPECT_GT(apart.total, network);
  EXPECT_LT(apart.total, 3 * network);
}

TEST(Bench, NeedsEitherAModelOrAPreset) {
  const auto world = make_serial_communicator();
  Log log;
  Session session{*world, log};
  EXPECT_THROW(static_cast<void>(bench(session, {})), ConfigError);
  EXPECT_THROW(static_cast<void>(bench(session, {.model = "m.haven", .preset = "moment-fast"})), ConfigError);
}

TEST(Bench, WritesTimesAndTheShareOfThePeak) {
  const TemporaryFolder folder;
  const auto world = make_serial_communicator();
  Log log;
  Session session{*world, log};
  BenchArguments arguments{.preset = "moment-fast"};
  arguments.atoms = 108;
  arguments.repeats = 4;
  arguments.steps = 12;
  arguments.json = folder.file("bench.json");
  ASSERT_EQ(bench(session, arguments), ExitCode::ok);
  const auto json = nlohmann::json::parse(std::ifstream(arguments.json));
  for (const char* what : {"forces", "list_build", "md_step"}) {
    EXPECT_GT(json.at(what).at("min_us_per_atom"), 0) << what;
    EXPECT_GE(json.at(what).at("median_us_per_atom"), json.at(what).at("min_us_per_atom")) << what;
  }
  EXPECT_EQ(json.at("n_atoms"), 108);
  // The contract of the command: what other programs read.
  EXPECT_EQ(json.at("us_per_atom_step"), json.at("md_step").at("median_us_per_atom"));
  EXPECT_DOUBLE_EQ(json.at("atom_steps_per_s").get<double>() * json.at("us_per_atom_step").get<double>(), 1e6);
  EXPECT_EQ(json.at("ranks"), 1);
  EXPECT_EQ(json.at("threads"), 1);
  EXPECT_EQ(json.at("device"), "cpu");
  EXPECT_EQ(json.at("precision"), "mixed");
  EXPECT_GT(json.at("neighbors_per_atom"), 10);
  EXPECT_GE(json.at("list_build_share"), 0);
  EXPECT_LT(json.at("list_build_share"), 1);
  EXPECT_GT(json.at("share_of_peak"), 0);
  EXPECT_GT(json.at("kflop_per_atom"), 1);
}

}  // namespace
}  // namespace haven::testing
