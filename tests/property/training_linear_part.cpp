#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/rng.hpp"
#include "support/finite_difference.hpp"
#include "support/training_fixtures.hpp"
#include "training/final_fit.hpp"

/// The linear path beside the networks, and what the final fit takes for the linear part of the energy.
namespace haven::testing {
namespace {

using namespace training;

constexpr LossScale all_terms{.energy = 3.0, .force = 1.0, .stress = 2.0, .frames = 1};

/// A model's view with a linear path of random weights.
struct PathView {
  Model model;
  TrainerView view;

  explicit PathView(Activation activation, const char* kind = "moment")
      : model(random_model(
            {.kind = kind, .elements = {3, 16}, .cutoff = 4.0, .hidden = 6, .activation = activation, .seed = 3})),
        view(view_of(model)) {
    add_linear_path(view.layout);
    RandomSequence random(4, Stream::test, 1);
    while (view.parameters.size() < static_cast<std::size_t>(view.layout.size))
      view.parameters.push_back(0.3 * random.normal());
    view.normalisation.energy_scale = 0.7;
  }
};

class LinearPath : public ::testing::TestWithParam<Activation> {};
INSTANTIATE_TEST_SUITE_P(Activations, LinearPath,
                         ::testing::Values(Activation::silu, Activation::gelu, Activation::softplus),
                         [](const auto& param) {
                           return param.param == Activation::silu   ? "silu"
                                  : param.param == Activation::gelu ? "gelu"
                                                                    : "softplus";
                         });

/// T12 with the path: the exported network has it as two more units per layer.
TEST_P(LinearPath, IsPartOfTheExportedNetwork) {
  const PathView path(GetParam());
  Model exported = path.model;
  export_parameters(path.view.layout, path.view.parameters, path.view.normalisation, exported);
  for (std::size_t a = 0; a < exported.elements.size(); ++a)
    for (std::size_t k = 0; k < exported.elements[a].network.layers.size(); ++k) {
      const Index before = path.model.elements[a].network.layers[k].outputs;
      EXPECT_EQ(exported.elements[a].network.layers[k].outputs,
                before + (k + 1 < exported.elements[a].network.layers.size() ? linear_path_units : 0));
    }
  const TrainingProgram<double> program(path.view.descriptor, path.view.layout, path.view.normalisation,
                                        RadialMode::exact);
  ShardEvaluator<double> evaluator(program);
  const auto engine = make_potential(exported, Precision::float64, Backend::reference);
  const Structure structure = random_structure({.atoms = 14, .elements = {3, 16}, .seed = 2});
  const FullEvaluation expected = evaluate_all(*engine, structure);
  PreparedFrame<double> prepared(structure, path.model);
  const Prediction own = evaluator.predict(std::span(&prepared.frame, 1), path.view.parameters).front();
  double energy = own.energy;
  for (const int a : prepared.species) energy += exported.elements[static_cast<std::size_t>(a)].reference_energy;
  EXPECT_NEAR(energy, expected.energy, 1e-12 * std::abs(expected.energy));
  EXPECT_LE(largest_difference(own.forces, expected.forces), 1e-12 * largest_component(expected.forces));
  EXPECT_LE(largest_difference(own.virial, expected.virial), 1e-12 * largest_component(expected.virial));
}

/// T14 for the weights of the path, with labels of every kind.
TEST(LinearPath, HasTheGradientOfTheLoss) {
  PathView path(Activation::silu);
  const TrainingProgram<double> program(path.view.descriptor, path.view.layout, path.view.normalisation,
                                        RadialMode::exact);
  ShardEvaluator<double> evaluator(program);
  const Frame data = labelled_frames(1).front();
  PreparedFrame<double> prepared(data.structure, path.model);
  std::vector<LabelledFrame<double>> frames{prepared.frame};
  frames[0].energy = 0.3;
  frames[0].forces = data.forces;
  frames[0].virial = Mat3{{{{0.5, 0.1, 0}, {0.1, -0.3, 0.2}, {0, 0.2, 0.1}}}};
  std::vector<double>& parameters = path.view.parameters;
  std::vector<double> gradient(parameters.size());
  evaluator.gradient(frames, parameters, all_terms, gradient);
  double largest = 0;
  for (const double g : gradient) largest = std::max(largest, std::abs(g));
  for (const ElementSlice& slice : path.view.layout.elements)
    for (Index k = 0; k < slice.layers.front().inputs; k += 7) {
      const auto at = static_cast<std::size_t>(slice.linear + k);
      const double centre = parameters[at];
      const double difference = central_difference(
          [&](double h) {
            parameters[at] = centre + h;
            return evaluator.errors(frames, parameters, all_terms).loss;
          },
          1e-3);
      parameters[at] = centre;
      EXPECT_NEAR(gradient[at], difference, 1e-6 * std::max(std::abs(difference), 1e-3 * largest)) << "feature " << k;
    }
}

TEST(LinearPath, OnlyWhereTwoUnitsCanCarryIt) {
  EXPECT_TRUE(carries_linear_path(Activation::silu));
  EXPECT_FALSE(carries_linear_path(Activation::tanh));
  EXPECT_FALSE(carries_linear_path(Activation::identity));
}

/// The rows of a frame against the loss itself, after a random change x of the linear part. With a row for every
/// component the sum of squares is the loss; with fewer rows, random combinations, it is its expectation: 30 times 20
/// of them leave a relative error of about sqrt(2/600) = 6 %, and the bound is four times that.
TEST(LinearRows, HaveTheLossAfterAnyChangeAsTheirSumOfSquares) {
  for (const char* kind : {"moment", "behler-parrinello", "chebyshev"}) {
    const PathView path(Activation::silu, kind);
    const TrainingProgram<double> program(path.view.descriptor, path.view.layout, path.view.normalisation,
                                          RadialMode::exact);
    ShardEvaluator<double> evaluator(program);
    const Frame data = labelled_frames(1).front();
    PreparedFrame<double> prepared(data.structure, path.model);
    LabelledFrame<double> frame = prepared.frame;
    frame.energy = 0.3;
    frame.forces = data.forces;
    frame.virial = Mat3{{{{0.5, 0.1, 0}, {0.1, -0.3, 0.2}, {0, 0.2, 0.1}}}};
    const std::vector<Index> unknowns = linear_parameters(path.view.layout);
    const std::size_t n = unknowns.size();
    RandomSequence random(6, Stream::test, 1);
    std::vector<double> parameters = path.view.parameters, change(n);
    for (std::size_t k = 0; k < n; ++k) {
      change[k] = 0.2 * random.normal();
      parameters[static_cast<std::size_t>(unknowns[k])] += change[k];
    }
    const auto squares = [&](const LinearDraws& draws) {
      const auto rows = evaluator.linear_rows(frame, path.view.parameters, all_terms, draws);
      std::vector<double> result;
      for (std::size_t row = 0; row < rows.size(); row += n + 1) {
        double rest = -rows[row + n];
        for (std::size_t k = 0; k < n; ++k) rest += rows[row + k] * change[k];
        result.push_back(rest * rest);
      }
      return result;
    };
    const LossSums after = evaluator.errors(std::span(&frame, 1), parameters, all_terms);
    const double energy = all_terms.energy * after.energy_squares, others = after.loss - energy;
    const auto sum = [](const std::vector<double>& all) { return std::accumulate(all.begin() + 1, all.end(), 0.0); };

    const std::vector<double> every = squares({.count = 1000, .seed = 1});
    EXPECT_EQ(every.size(), 1 + 3 * data.forces.size() + 9);
    EXPECT_NEAR(every[0], energy, 1e-9 * energy) << kind;
    EXPECT_NEAR(sum(every), others, 1e-9 * others) << kind;

    double mean = 0;
    for (std::uint64_t seed = 1; seed <= 30; ++seed) mean += sum(squares({.count = 20, .seed = seed})) / 30;
    EXPECT_NEAR(mean, others, 0.25 * others) << kind;
  }
}

}  // namespace
}  // namespace haven::testing
