// Training of embedding nets: what the optimiser moves and what the evaluators see.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/rng.hpp"
#include "support/finite_difference.hpp"
#include "support/training_fixtures.hpp"
#include "training/embedding.hpp"
#include "training/team.hpp"

namespace haven::testing {
namespace {

using namespace training;

std::vector<double> random_numbers(std::size_t n, std::uint64_t step) {
  RandomSequence random(5, Stream::test, step);
  std::vector<double> values(n);
  for (double& v : values) v = random.normal();
  return values;
}

/// A model with random weights, its evaluator parameters, and the numbers that the optimiser moves.
struct Example {
  Model model = random_model({.kind = "deeppot-se", .elements = {3, 16}, .cutoff = 4.0, .hidden = 6, .seed = 3});
  TrainerView view = view_of(model);
  EmbeddingMap map{model, view.layout};
  std::vector<double> trained = map.initial(model, view.parameters);
};

TEST(EmbeddingMap, ExpandsToTheMixingThatTheEngineUses) {
  const Example e;
  EXPECT_LT(e.trained.size(), e.view.parameters.size());
  std::vector<double> expanded(e.view.parameters.size());
  e.map.expand(e.trained, expanded);
  EXPECT_EQ(expanded, e.view.parameters);
}

/// <g, d expand(x + h y)/dh> = <pull_back(g), y>; fourth-order differences leave some 1e-10.
TEST(EmbeddingMap, GradientsGoBackByTheTransposeOfTheExpansion) {
  const Example e;
  const auto g = random_numbers(e.view.parameters.size(), 1), y = random_numbers(e.trained.size(), 2);
  std::vector<double> back(e.trained.size());
  e.map.pull_back(e.trained, g, back);
  const double forward = central_difference(
      [&](double h) {
        std::vector<double> moved = e.trained, expanded(g.size());
        for (std::size_t k = 0; k < moved.size(); ++k) moved[k] += h * y[k];
        e.map.expand(moved, expanded);
        return std::inner_product(g.begin(), g.end(), expanded.begin(), 0.0);
      },
      1e-4);
  const double backward = std::inner_product(back.begin(), back.end(), y.begin(), 0.0);
  EXPECT_NEAR(forward, backward, 1e-8 * std::abs(backward));
}

TEST(EmbeddingMap, ExportPutsTheNetsIntoTheModel) {
  const Example e;
  Model exported = e.model;
  for (Array* nets : {&exported.parameters.at("embedding_0"), &exported.parameters.at("embedding_1")})
    std::fill(nets->values.begin(), nets->values.end(), 0.0);
  export_parameters(e.map.trained(), e.trained, e.view.normalisation, exported);
  for (const char* name : {"embedding_0", "embedding_1"})
    EXPECT_EQ(exported.parameters.at(name).values, e.model.parameters.at(name).values);
  EXPECT_EQ(exported.elements[1].network.layers[0].weights, e.model.elements[1].network.layers[0].weights);
  EXPECT_NO_THROW(static_cast<void>(make_potential(exported, Precision::float64)));
}

/// T14 for the nets' own numbers: energies, forces and stress, through the sweeps over neighbours.
TEST(EmbeddingMap, LossGradientIsItsFiniteDifference) {
  Example e;
  const auto frames = labelled_frames(3);
  const std::vector<Part> parts(frames.size(), Part::train);
  TrainingData<double> data(frames, parts, {3, 16}, e.model.cutoff);
  data.set_reference_energies({-2, -4});
  const TrainingProgram<double> program(e.view.descriptor, e.view.layout, e.view.normalisation, RadialMode::exact);
  const auto group = make_serial_communicator();
  Team<double> team(program, data, *group, 1, &e.map);
  const LossScale scale{.energy = 3.0, .force = 1.0, .stress = 2.0, .frames = 3};
  std::vector<double> gradient(e.trained.size());
  const LossSums sums = team.gradient({{0, 1}, {2}}, e.trained, scale, gradient);
  const std::vector<int> all{0, 1, 2};
  EXPECT_NEAR(team.errors(all, e.trained, scale).loss, sums.loss, 1e-12 * sums.loss);
  double largest = 0;
  for (const double g : gradient) largest = std::max(largest, std::abs(g));
  RandomSequence random(7, Stream::test, 1);
  for (int trial = 0; trial < 50; ++trial) {
    const auto k = static_cast<std::size_t>(random.below(e.trained.size()));
    const double centre = e.trained[k];
    const double difference = central_difference(
        [&](double h) {
          e.trained[k] = centre + h;
          return team.errors(all, e.trained, scale).loss;
        },
        1e-3);
    e.trained[k] = centre;
    EXPECT_NEAR(gradient[k], difference, 1e-6 * std::max(std::abs(difference), 1e-3 * largest)) << "parameter " << k;
  }
}

/// A trained model is what the trainer computed: to rounding with closed forms, and with the tables of dynamics within
/// the limits that an export must meet (tables hold values to 1e-10, slopes lose a digit or two).
TEST(TrainedDeepPot, ForcesAreThoseOfTheTrainer) {
  const auto frames = labelled_frames(24);
  TrainOptions options = quick_options();
  options.descriptor.kind = "deeppot-se";
  options.max_epochs = 4;
  Log log;
  const auto group = make_serial_communicator();
  const TrainResult result = train({.options = options, .frames = frames, .group = group.get(), .log = &log});
  const Model untrained = new_model_for(options.descriptor, {3, 16}, frames, options.seed);
  EXPECT_NE(result.model.parameters.at("embedding_0").values, untrained.parameters.at("embedding_0").values);
  EXPECT_LT(result.model.parameters.at("core").values[0], result.model.minimum_distance);
  const TrainerView view = view_of(result.model);
  const TrainingProgram<double> program(view.descriptor, view.layout, view.normalisation, RadialMode::exact);
  ShardEvaluator<double> evaluator(program);
  const auto exact = make_potential(result.model, Precision::float64, Backend::reference);
  const auto shipped = make_potential(result.model, Precision::float64);
  for (const Frame& frame : frames) {
    const FullEvaluation expected = evaluate_all(*exact, frame.structure),
                         tabulated = evaluate_all(*shipped, frame.structure);
    PreparedFrame<double> prepared(frame.structure, result.model);
    const Prediction own = evaluator.predict(std::span(&prepared.frame, 1), view.parameters).front();
    double energy = own.energy;
    for (const int a : prepared.species) energy += result.model.elements[static_cast<std::size_t>(a)].reference_energy;
    EXPECT_NEAR(energy, expected.energy, 1e-12 * std::abs(expected.energy));
    EXPECT_LE(largest_difference(own.forces, expected.forces), 1e-12 * largest_component(expected.forces));
    EXPECT_LE(largest_difference(own.virial, expected.virial), 1e-12 * largest_component(expected.virial));
    EXPECT_NEAR(energy, tabulated.energy, 1e-9 * static_cast<double>(frame.structure.size()));
    EXPECT_LE(largest_difference(own.forces, tabulated.forces), 1e-8);
  }
}

}  // namespace
}  // namespace haven::testing
