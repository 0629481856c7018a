#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <list>

#include "core/rng.hpp"
#include "support/finite_difference.hpp"
#include "support/training_fixtures.hpp"
#include "training/edge_kernels.hpp"

namespace haven::testing {
namespace {

using namespace training;

struct KindAndPreset {
  const char *kind, *preset;
};

/// The standard moment model has terms of all degrees.
class TrainerOfKind : public ::testing::TestWithParam<KindAndPreset> {};
INSTANTIATE_TEST_SUITE_P(Kinds, TrainerOfKind,
                         ::testing::Values(KindAndPreset{"moment", "fast"}, KindAndPreset{"moment", "standard"},
                                           KindAndPreset{"moment", "accurate"},
                                           KindAndPreset{"behler-parrinello", "fast"},
                                           KindAndPreset{"chebyshev", "fast"}, KindAndPreset{"deeppot-se", "fast"},
                                           KindAndPreset{"deeppot-se-r", "fast"}),
                         [](const auto& param) {
                           std::string name = std::string(param.param.kind) + "_" + param.param.preset;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

Model model_of(const KindAndPreset& which, std::uint64_t seed = 3) {
  return random_model(
      {.kind = which.kind, .preset = which.preset, .elements = {3, 16}, .cutoff = 4.0, .hidden = 6, .seed = seed});
}

constexpr LossScale all_terms{.energy = 3.0, .force = 1.0, .stress = 2.0, .frames = 2};

/// The gradient against finite differences of the loss, at `trials` random parameters: 1e-6 of the difference, or of a
/// thousandth of the largest component where the difference itself is small.
void expect_gradient_of_loss(ShardEvaluator<double>& evaluator, const std::vector<LabelledFrame<double>>& frames,
                             const LossScale& loss, std::vector<double> parameters, int trials,
                             std::uint64_t seed = 7) {
  std::vector<double> gradient(parameters.size());
  evaluator.gradient(frames, parameters, loss, gradient);
  const double scale = std::abs(*std::max_element(gradient.begin(), gradient.end(),
                                                  [](double a, double b) { return std::abs(a) < std::abs(b); }));
  RandomSequence random(seed, Stream::test, 1);
  for (int trial = 0; trial < trials; ++trial) {
    const auto k = static_cast<std::size_t>(random.below(parameters.size()));
    const double centre = parameters[k];
    const double difference = central_difference(
        [&](double h) {
          parameters[k] = centre + h;
          return evaluator.errors(frames, parameters, loss).loss;
        },
        2e-4);
    parameters[k] = centre;
    EXPECT_NEAR(gradient[k], difference, 1e-6 * std::max(std::abs(difference), 1e-3 * scale)) << "parameter " << k;
  }
}

/// T14. The loss has energy, force and virial terms; fourth-order differences with h = 2e-4 leave a relative error of
/// the order of (c h)^4, where features that hardly vary are scaled up: c is up to 50 for deeppot-se-r and less for
/// others. Weights whose gradient is a thousandth of the largest are compared on that scale.
TEST_P(TrainerOfKind, LossGradientIsItsFiniteDifference) {
  for (const std::uint64_t seed : {1, 2, 3}) {
    SCOPED_TRACE(seed);
    const Model model = model_of(GetParam(), seed);
    TrainerView view = view_of(model);
    view.normalisation.energy_scale = 0.7;
    const TrainingProgram<double> program(view.descriptor, view.layout, view.normalisation, RadialMode::exact);
    ShardEvaluator<double> evaluator(program);
    const auto data = labelled_frames(2, seed);
    PreparedFrame<double> first(data[0].structure, model), second(data[1].structure, model);
    std::vector<LabelledFrame<double>> frames{first.frame, second.frame};
    for (std::size_t f = 0; f < 2; ++f) {
      frames[f].energy = 0.3;
      frames[f].forces = data[f].forces;
      frames[f].virial = Mat3{{{{0.5, 0.1, 0}, {0.1, -0.3, 0.2}, {0, 0.2, 0.1}}}};
    }
    expect_gradient_of_loss(evaluator, frames, all_terms, view.parameters, 50, seed);
  }
}

/// The same for Huber's loss: with this limit some errors are beyond it and some are not, and the loss has a continuous
/// slope where they meet.
TEST_P(TrainerOfKind, GradientOfTheRobustLossIsItsFiniteDifference) {
  const Model model = model_of(GetParam());
  const TrainerView view = view_of(model);
  const TrainingProgram<double> program(view.descriptor, view.layout, view.normalisation, RadialMode::exact);
  ShardEvaluator<double> evaluator(program);
  const auto data = labelled_frames(1);
  PreparedFrame<double> prepared(data[0].structure, model);
  std::vector<LabelledFrame<double>> frames{prepared.frame};
  const double atoms = static_cast<double>(data[0].structure.size());
  const Prediction own = evaluator.predict(frames, view.parameters).front();
  std::vector<Vec3> forces = own.forces;
  for (std::size_t i = 0; i < forces.size(); ++i) forces[i] += Vec3{i % 2 == 0 ? 2.0 : -0.1, 0.2, -3.0};
  frames[0].energy = own.energy + 0.7 * atoms;
  frames[0].forces = forces;
  frames[0].virial = own.virial + (0.1 * atoms) * Mat3{{{{1, 0, 0}, {0, -9, 0}, {0, 0, 1}}}};
  LossScale robust = all_terms;
  robust.robust = 1.0;
  EXPECT_LT(evaluator.errors(frames, view.parameters, robust).loss,
            evaluator.errors(frames, view.parameters, all_terms).loss);
  expect_gradient_of_loss(evaluator, frames, robust, view.parameters, 20);
}

TEST(RobustLoss, IsSquaredBelowTheLimitAndItsTangentBeyond) {
  EXPECT_DOUBLE_EQ(penalty(4.0, 0.5, 0.0).value, 1.0);
  EXPECT_DOUBLE_EQ(penalty(4.0, 0.5, 1.0).value, 1.0);  // at the limit
  EXPECT_DOUBLE_EQ(penalty(4.0, 0.5, 1.0).slope, 4.0);
  EXPECT_DOUBLE_EQ(penalty(4.0, 3.0, 1.0).value, 11.0);
  EXPECT_DOUBLE_EQ(penalty(4.0, 3.0, 1.0).slope, 4.0);
  EXPECT_DOUBLE_EQ(penalty(4.0, -3.0, 1.0).slope, -4.0);
  EXPECT_DOUBLE_EQ(penalty(0.0, 3.0, 1.0).value, 0.0);
}

/// Rounding is all that tells mixed precision from double: the two gradients differ by no more than float sums of some
/// hundred terms do, seen as vectors. (What follows many steps of it is judged in training_learns.cpp.)
TEST_P(TrainerOfKind, MixedPrecisionHasTheGradientOfDoublePrecision) {
  const Model model = model_of(GetParam());
  const TrainerView view = view_of(model);
  const auto data = labelled_frames(4);
  const auto gradient_in = [&](auto zero) {
    using T = decltype(zero);
    const TrainingProgram<T> program(view.descriptor, view.layout, view.normalisation, RadialMode::table);
    ShardEvaluator<T> evaluator(program);
    std::list<PreparedFrame<T>> prepared;
    std::vector<LabelledFrame<T>> frames;
    for (const Frame& frame : data) {
      prepared.emplace_back(frame.structure, model);
      frames.push_back(prepared.back().frame);
      frames.back().energy = 0.3;
      frames.back().forces = frame.forces;
    }
    const std::vector<T> parameters(view.parameters.begin(), view.parameters.end());
    std::vector<T> gradient(parameters.size());
    LossScale scale = all_terms;
    scale.frames = static_cast<double>(data.size());
    (void)evaluator.gradient(frames, parameters, scale, gradient);
    return std::vector<double>(gradient.begin(), gradient.end());
  };
  const std::vector<double> exact = gradient_in(0.0), mixed = gradient_in(0.0F);
  double squares = 0, difference = 0;
  for (std::size_t k = 0; k < exact.size(); ++k) {
    squares += exact[k] * exact[k];
    difference += (exact[k] - mixed[k]) * (exact[k] - mixed[k]);
  }
  EXPECT_LT(std::sqrt(difference), 1e-4 * std::sqrt(squares));
}

TEST_P(TrainerOfKind, AbsentLabelsLeaveNoTraceInTheGradient) {
  const Model model = model_of(GetParam());
  const TrainerView view = view_of(model);
  const TrainingProgram<double> program(view.descriptor, view.layout, view.normalisation, RadialMode::exact);
  ShardEvaluator<double> evaluator(program);
  const auto data = labelled_frames(1);
  PreparedFrame<double> prepared(data[0].structure, model);
  LabelledFrame<double> energy_only = prepared.frame;
  energy_only.energy = 0.3;
  LabelledFrame<double> everything = energy_only;
  everything.forces = data[0].forces;
  everything.virial = Mat3::identity();
  std::vector<double> a(view.parameters.size()), b(view.parameters.size());
  const LossSums sums = evaluator.gradient(std::span(&energy_only, 1), view.parameters, all_terms, a);
  const LossScale energy_term{.energy = all_terms.energy, .force = 0, .stress = 0, .frames = all_terms.frames};
  evaluator.gradient(std::span(&everything, 1), view.parameters, energy_term, b);
  EXPECT_EQ(a, b);
  EXPECT_EQ(sums.force_components, 0);
  EXPECT_EQ(sums.stress_components, 0);
  EXPECT_EQ(sums.energies, 1);
}

template <class T>
EdgeProgram<T> edge_program(const Model& model, RadialMode mode) {
  const Descriptor descriptor = describe(model);
  EdgeProgram<T> program{.layout = make_layout(descriptor.centres[0], static_cast<Index>(model.elements.size())),
                         .radial = {}};
  for (const PrimitiveGroup& group : program.layout.groups) {
    std::vector<RadialFunction> functions;
    for (const int p : group.primitives)
      functions.push_back(descriptor.centres[0].primitives[static_cast<std::size_t>(p)].function);
    program.radial.emplace_back(std::move(functions), descriptor.cutoff, mode);
  }
  return program;
}

std::vector<double> random_numbers(std::size_t n, std::uint64_t step) {
  RandomSequence random(11, Stream::test, step);
  std::vector<double> values(n);
  for (double& v : values) v = random.normal();
  return values;
}

/// <dL/dF, J^T G> + <dL/dW, ...> = <J (dL/dF, dL/dW), G>: what makes the force loss's gradient exact. Holds to the
/// rounding of sums of some thousand products.
TEST_P(TrainerOfKind, TangentsAreTheTransposeOfForces) {
  const Model model = model_of(GetParam());
  const auto program = edge_program<double>(model, RadialMode::exact);
  const auto data = labelled_frames(2);
  PreparedFrame<double> first(data[0].structure, model), second(data[1].structure, model);
  std::vector<Column<double>> columns;
  std::int32_t atoms = 0, frame = 0;
  for (const auto* prepared : {&first, &second}) {
    for (std::size_t i = 0; i < prepared->species.size(); ++i)
      if (prepared->species[i] == 0)
        columns.push_back(
            {.edges = &prepared->edges, .atom = static_cast<std::int32_t>(i), .first_atom = atoms, .frame = frame});
    atoms += static_cast<std::int32_t>(prepared->species.size());
    ++frame;
  }
  const auto size = static_cast<std::size_t>(program.layout.rows) * columns.size();
  const auto g = random_numbers(size, 1), force_in = random_numbers(3 * static_cast<std::size_t>(atoms), 2),
             virial_in = random_numbers(18, 3);
  std::vector<double> forces(force_in.size(), 0.0), virials(18, 0.0), tangents(size);
  EdgeScratch<double> scratch;
  const std::span<const Column<double>> view(columns);
  add_forces<double>(program, view, scratch, g.data(), forces, virials);
  sum_tangents<double>(program, view, scratch, force_in, virial_in, tangents.data());
  double left = 0, right = 0, size_of_terms = 0;
  for (std::size_t k = 0; k < forces.size(); ++k) left += forces[k] * force_in[k];
  for (std::size_t k = 0; k < 18; ++k) left += virials[k] * virial_in[k];
  for (std::size_t k = 0; k < size; ++k) {
    right += tangents[k] * g[k];
    size_of_terms += std::abs(tangents[k] * g[k]);
  }
  EXPECT_NEAR(left, right, 1e-13 * size_of_terms);
}

/// Float sums of about fifty terms of order one with tabulated radial functions: 1e-5 of the largest moment.
TEST_P(TrainerOfKind, FloatMomentsAreTheDoubleOnesToFloatRounding) {
  const Model model = model_of(GetParam());
  const auto exact = edge_program<double>(model, RadialMode::exact);
  const auto fast = edge_program<float>(model, RadialMode::table);
  const auto data = labelled_frames(1);
  PreparedFrame<double> wide(data[0].structure, model);
  PreparedFrame<float> narrow(data[0].structure, model);
  std::vector<Column<double>> wide_columns;
  std::vector<Column<float>> narrow_columns;
  for (std::int32_t i = 0; i < static_cast<std::int32_t>(wide.species.size()); ++i) {
    wide_columns.push_back({.edges = &wide.edges, .atom = i});
    narrow_columns.push_back({.edges = &narrow.edges, .atom = i});
  }
  const auto size = static_cast<std::size_t>(exact.layout.rows) * wide_columns.size();
  std::vector<double> m(size);
  std::vector<float> n(size);
  EdgeScratch<double> wide_scratch;
  EdgeScratch<float> narrow_scratch;
  sum_moments<double>(exact, std::span<const Column<double>>(wide_columns), wide_scratch, m.data());
  sum_moments<float>(fast, std::span<const Column<float>>(narrow_columns), narrow_scratch, n.data());
  double largest = 0, difference = 0;
  for (std::size_t k = 0; k < size; ++k) {
    largest = std::max(largest, std::abs(m[k]));
    difference = std::max(difference, std::abs(m[k] - static_cast<double>(n[k])));
  }
  EXPECT_GT(largest, 0.01);
  EXPECT_LE(difference, 1e-5 * largest);
}

}  // namespace
}  // namespace haven::testing
