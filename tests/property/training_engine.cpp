#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "core/error.hpp"
#include "support/training_fixtures.hpp"
#include "training/verify.hpp"

namespace haven::testing {
namespace {

using namespace training;

struct EngineCase {
  const char* kind;
  const char* preset;
  Activation activation;
};

class TrainerAndEngine : public ::testing::TestWithParam<EngineCase> {};
INSTANTIATE_TEST_SUITE_P(Models, TrainerAndEngine,
                         ::testing::Values(EngineCase{"moment", "fast", Activation::tanh},
                                           EngineCase{"moment", "standard", Activation::silu},
                                           EngineCase{"moment", "accurate", Activation::softplus},
                                           EngineCase{"behler-parrinello", "standard", Activation::tanh},
                                           EngineCase{"chebyshev", "standard", Activation::gelu},
                                           EngineCase{"deeppot-se", "standard", Activation::tanh},
                                           EngineCase{"deeppot-se-r", "fast", Activation::silu}),
                         [](const auto& param) {
                           std::string name = std::string(param.param.kind) + "_" + param.param.preset;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

/// T12 for random weights: the trainer in double against the literal evaluator, 1e-12 of the largest value.
TEST_P(TrainerAndEngine, AgreeOnEnergyForcesAndVirial) {
  const Model model = random_model({.kind = GetParam().kind,
                                    .preset = GetParam().preset,
                                    .elements = {3, 8, 16},
                                    .cutoff = 5.0,
                                    .activation = GetParam().activation,
                                    .seed = 5});
  const TrainerView view = view_of(model);
  const TrainingProgram<double> program(view.descriptor, view.layout, view.normalisation, RadialMode::exact);
  ShardEvaluator<double> evaluator(program);
  const auto engine = make_potential(model, Precision::float64, Backend::reference);
  for (const std::uint64_t seed : {1, 2, 3}) {
    const Structure structure = random_structure({.atoms = 14, .elements = {3, 8, 16}, .seed = seed});
    const FullEvaluation expected = evaluate_all(*engine, structure);
    PreparedFrame<double> prepared(structure, model);
    const Prediction own = evaluator.predict(std::span(&prepared.frame, 1), view.parameters).front();
    double energy = own.energy;
    for (const int a : prepared.species) energy += model.elements[static_cast<std::size_t>(a)].reference_energy;
    EXPECT_NEAR(energy, expected.energy, 1e-12 * std::abs(expected.energy));
    EXPECT_LE(largest_difference(own.forces, expected.forces), 1e-12 * largest_component(expected.forces));
    EXPECT_LE(largest_difference(own.virial, expected.virial), 1e-12 * largest_component(expected.virial));
  }
}

/// The shipped evaluator works from tables, which adds up to 1e-10: the limits that an export must meet.
TEST_P(TrainerAndEngine, AgreeWithTheShippedEvaluatorWithinTheExportLimits) {
  const Model model = random_model({.kind = GetParam().kind,
                                    .preset = GetParam().preset,
                                    .elements = {3, 8, 16},
                                    .cutoff = 5.0,
                                    .activation = GetParam().activation,
                                    .seed = 6});
  const TrainerView view = view_of(model);
  const Structure structure = random_structure({.atoms = 14, .elements = {3, 8, 16}, .seed = 4});
  const Structure* const structures[] = {&structure};
  const EngineDifference d =
      compare_with_engine({view.descriptor, view.layout, view.parameters, view.normalisation}, model, structures);
  EXPECT_LE(d.energy, 1e-9);
  EXPECT_LE(d.force, 1e-8);
}

class TrainedModel : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Kinds, TrainedModel,
                         ::testing::Values("moment", "behler-parrinello", "chebyshev", "deeppot-se-r"),
                         [](const auto& param) {
                           std::string name = param.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

/// T12 for trained weights. (TrainedDeepPot has the same for the kind that is missing here.)
TEST_P(TrainedModel, IsWhatTheTrainerComputed) {
  const auto frames = labelled_frames(24);
  TrainOptions options = quick_options();
  options.descriptor.kind = GetParam();
  options.max_epochs = 4;
  Log log;
  const auto group = make_serial_communicator();
  const TrainResult result = train({.options = options, .frames = frames, .group = group.get(), .log = &log});
  const TrainerView view = view_of(result.model);
  const TrainingProgram<double> program(view.descriptor, view.layout, view.normalisation, RadialMode::exact);
  ShardEvaluator<double> evaluator(program);
  const auto engine = make_potential(result.model, Precision::float64, Backend::reference);
  for (const Frame& frame : frames) {
    const FullEvaluation expected = evaluate_all(*engine, frame.structure);
    PreparedFrame<double> prepared(frame.structure, result.model);
    const Prediction own = evaluator.predict(std::span(&prepared.frame, 1), view.parameters).front();
    double energy = own.energy;
    for (const int a : prepared.species) energy += result.model.elements[static_cast<std::size_t>(a)].reference_energy;
    EXPECT_NEAR(energy, expected.energy, 1e-12 * std::abs(expected.energy));
    EXPECT_LE(largest_difference(own.forces, expected.forces), 1e-12 * largest_component(expected.forces));
    EXPECT_LE(largest_difference(own.virial, expected.virial), 1e-12 * largest_component(expected.virial));
  }
}

TEST(Verification, RefusesAModelThatDiffersFromTheTrainer) {
  Model model = random_model({.elements = {3, 16}, .cutoff = 4.0, .seed = 6});
  const TrainerView view = view_of(model);
  model.elements[0].network.layers.back().bias[0] += 1e-6;
  const Structure structure = random_structure({.atoms = 10, .elements = {3, 16}, .seed = 4});
  const Structure* const structures[] = {&structure};
  EXPECT_THROW(
      verify_with_engine({view.descriptor, view.layout, view.parameters, view.normalisation}, model, structures),
      InternalError);
}

/// Export and view are inverse to each other: nothing of the normalisation or the weights is lost or scaled twice.
TEST(Export, PutsEveryNumberIntoTheModel) {
  const Model model = random_model({.elements = {3, 16}, .cutoff = 4.0, .seed = 8});
  TrainerView view = view_of(model);
  view.normalisation.energy_scale = 0.5;  // a power of two: halving is exact
  Model exported = model;
  for (ModelElement& element : exported.elements) element.network.layers.clear();
  export_parameters(view.layout, view.parameters, view.normalisation, exported);
  for (std::size_t a = 0; a < model.elements.size(); ++a) {
    const auto &expected = model.elements[a].network.layers, &layers = exported.elements[a].network.layers;
    ASSERT_EQ(layers.size(), expected.size());
    EXPECT_EQ(layers[0].weights, expected[0].weights);
    EXPECT_EQ(layers[0].bias, expected[0].bias);
    for (std::size_t k = 0; k < layers.back().weights.size(); ++k)
      EXPECT_EQ(layers.back().weights[k], 0.5 * expected.back().weights[k]);
    EXPECT_EQ(exported.elements[a].feature_shift, model.elements[a].feature_shift);
  }
  EXPECT_EQ(exported.parameters.at("mixing_0").values, model.parameters.at("mixing_0").values);
}

}  // namespace
}  // namespace haven::testing
