#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "core/error.hpp"
#include "support/failing_file_system.hpp"
#include "support/shared_data.hpp"
#include "support/training_fixtures.hpp"
#include "training/kronecker_basis.hpp"
#include "training/lbfgs.hpp"
#include "training/learning_curve.hpp"
#include "training/prepare.hpp"
#include "training/radial_table.hpp"
#include "training/reference_energies.hpp"
#include "training/thread_pool.hpp"
#include "training/training_state.hpp"

namespace haven {
namespace {

using namespace training;

TEST(ReferenceEnergies, AreFoundWhereCompositionsDetermineThem) {
  const std::vector<std::vector<Index>> counts{{2, 1}, {1, 1}, {3, 1}, {1, 4}};
  std::vector<double> energies;
  for (const auto& c : counts) energies.push_back(-2.0 * static_cast<double>(c[0]) - 5.0 * static_cast<double>(c[1]));
  const auto fit = fit_reference_energies(counts, energies);
  EXPECT_TRUE(fit.determined);
  EXPECT_NEAR(fit.values[0], -2.0, 1e-6);
  EXPECT_NEAR(fit.values[1], -5.0, 1e-6);
  EXPECT_LT(fit.residual, 1e-6);
}

TEST(ReferenceEnergies, AreEqualForASingleComposition) {
  const std::vector<std::vector<Index>> counts{{20, 2, 4}, {20, 2, 4}, {160, 16, 32}};
  const std::vector<double> energies{-104.0, -104.26, -832.0};
  const auto fit = fit_reference_energies(counts, energies);
  EXPECT_FALSE(fit.determined);
  for (const double value : fit.values) EXPECT_NEAR(value, -4.0, 0.01);
}

TEST(RadialTables, AreAsExactAsTheyClaim) {
  const RadialFunction wave = [](double r) {
    const double c = std::cos(3 * r), s = std::sin(3 * r), w = 1 - r / 5, f = w * w * w;
    return RadialValue{.value = c * f,
                       .slope = -3 * s * f - 0.6 * c * w * w,
                       .curvature = -9 * c * f + 3.6 * s * w * w + 0.24 * c * w};
  };
  const RadialTable<double> table({wave}, 5.0, RadialMode::table);
  for (double r = 0.1; r < 5; r += 0.0137) {
    const auto segment = table.segment(r);
    double value = 0;
    for (int n = 5; n >= 0; --n) value = value * segment.t + segment.c[static_cast<std::size_t>(n) * table.stride()];
    EXPECT_NEAR(value, wave(r).value, 1e-11);
  }
}

TEST(Optimiser, FindsTheMinimumOfAQuadratic) {
  Optimiser optimiser({5.0, -3.0});
  const std::vector<std::uint8_t> mask{0, 0};
  for (int k = 0; k < 20000; ++k) {
    const std::vector<double> gradient{2 * (optimiser.parameters[0] - 1), 200 * (optimiser.parameters[1] - 2)};
    optimiser.update(gradient, 0.02 * std::pow(1e-3, k / 20000.0), mask, {.average_decay = 0.99});
  }
  EXPECT_NEAR(optimiser.average[0], 1.0, 1e-3);
  EXPECT_NEAR(optimiser.average[1], 2.0, 1e-3);
}

/// Two features that hardly differ: the loss |W X - T|^2 of a [2][2] matrix has curvatures 4 and 4e-4 along directions
/// that are no axes. Without bases the narrow valley is not left behind in the same steps.
TEST(Optimiser, FollowsNarrowValleysThatLieAcrossTheAxes) {
  const auto loss_after = [](std::span<const MatrixBlock> blocks, int steps) {
    constexpr double x[2][2] = {{1.0, 0.99}, {0.99, 1.0}}, target[2][2] = {{1.0, 0.5}, {-0.3, 0.2}};
    Optimiser optimiser({0.0, 0.0, 0.0, 0.0}, blocks);
    const std::vector<std::uint8_t> mask(4, 0);
    double loss = 0;
    for (int step = 0; step < steps; ++step) {
      std::vector<double> gradient(4, 0.0);
      loss = 0;
      for (std::size_t r = 0; r < 2; ++r)
        for (std::size_t c = 0; c < 2; ++c) {
          const double error =
              optimiser.parameters[2 * r] * x[0][c] + optimiser.parameters[2 * r + 1] * x[1][c] - target[r][c];
          loss += error * error;
          for (std::size_t k = 0; k < 2; ++k) gradient[2 * r + k] += 2 * error * x[k][c];
        }
      optimiser.update(gradient, 0.05 * (1 - static_cast<double>(step) / steps), mask, {.gradient_clip = 0});
    }
    return loss;
  };
  const MatrixBlock block{.weights = 0, .bias = -1, .rows = 2, .columns = 2};
  EXPECT_LT(loss_after(std::span(&block, 1), 3000), 1e-6);
  EXPECT_GT(loss_after({}, 3000), 100 * loss_after(std::span(&block, 1), 3000));
}

TEST(KroneckerBasis, TurnsToTheSingularVectorsOfTheGradients) {
  const MatrixBlock block{.weights = 0, .bias = 4, .rows = 2, .columns = 2};  // width 3 with the bias
  KroneckerBasis basis(block);
  const double c = std::cos(0.4), s = std::sin(0.4);
  // U diag(3, 1) V^T with U a rotation by 0.4 and V the axes in another order.
  const std::vector<double> gradient{0, 3 * c, -s, 0, 3 * s, c};
  std::vector<double> carried = basis.to_basis(gradient);
  for (int k = 0; k < 60; ++k) {
    basis.observe(gradient);
    basis.turn(carried);
  }
  const std::vector<double> coordinates = basis.to_basis(gradient), back = basis.from_basis(coordinates);
  int large = 0;
  for (const double value : coordinates) large += std::abs(value) > 1e-5 ? 1 : 0;
  EXPECT_EQ(large, 2) << "the two singular values";
  for (std::size_t k = 0; k < gradient.size(); ++k) {
    EXPECT_NEAR(back[k], gradient[k], 1e-5);
    EXPECT_NEAR(carried[k], coordinates[k], 1e-5) << "coordinates are carried along";
  }
}

TEST(KroneckerBasis, KeepsThePlainBasisOfLongSides) {
  const MatrixBlock block{.weights = 0, .bias = -1, .rows = 1, .columns = 1025};
  KroneckerBasis basis(block);
  std::vector<double> gradient(1025, 0.0);
  gradient[3] = 2;
  basis.observe(gradient);
  std::vector<double> carried = gradient;
  basis.turn(carried);
  EXPECT_TRUE(basis.right.vectors.empty());
  EXPECT_EQ(std::abs(basis.to_basis(gradient)[3]), 2.0);
}

TEST(MatrixBlocks, CoverEveryParameterOnceAndCarryTheBiases) {
  ParameterLayout layout;
  layout.elements.push_back({.mixing = 0, .channels = 2, .primitives = 3, .layers = {}});
  layout.elements.front().layers.push_back({.inputs = 4, .outputs = 2, .weights = 6, .bias = 14});
  layout.size = 16;
  std::vector<double> flat(16), rebuilt(16, -1.0);
  for (std::size_t k = 0; k < flat.size(); ++k) flat[k] = static_cast<double>(k);
  for (const MatrixBlock& block : matrix_blocks(layout)) scatter(block, gather(block, flat), rebuilt);
  EXPECT_EQ(rebuilt, flat);
  EXPECT_EQ(gather(matrix_blocks(layout)[1], flat), (std::vector<double>{6, 7, 8, 9, 14, 10, 11, 12, 13, 15}));
}

LimitedMemoryBfgs::InitialMatrix scaled_by(double factor) {
  return [factor](std::span<const double> x) {
    std::vector<double> result(x.begin(), x.end());
    for (double& value : result) value *= factor;
    return result;
  };
}

/// A quadratic with curvatures from 1 to 1e4 in 5 dimensions: exact in about as many steps as dimensions, here with
/// steps that are not line searches. 1e-6 of the start.
TEST(LimitedMemoryBfgs, FollowsNarrowValleysToTheEnd) {
  LimitedMemoryBfgs method(scaled_by(1e-4));
  std::vector<double> x(5, 1.0), gradient(5);
  const auto slope = [&](std::size_t k) { return std::pow(10.0, static_cast<double>(k)) * x[k]; };
  for (std::size_t k = 0; k < 5; ++k) gradient[k] = slope(k);
  for (int iteration = 0; iteration < 60; ++iteration) {
    const std::vector<double> step = method.direction(gradient);
    std::vector<double> change(5);
    for (std::size_t k = 0; k < 5; ++k) {
      x[k] += step[k];
      change[k] = slope(k) - gradient[k];
      gradient[k] = slope(k);
    }
    method.learn(step, change);
  }
  for (const double value : x) EXPECT_NEAR(value, 0.0, 1e-6);
}

TEST(LimitedMemoryBfgs, LeavesOutStepsWithoutPositiveCurvature) {
  LimitedMemoryBfgs method(scaled_by(1.0));
  method.learn({1.0, 0.0}, {-1.0, 0.0});
  EXPECT_EQ(method.direction(std::vector<double>{2.0, 3.0}), (std::vector<double>{-2.0, -3.0}));
}

TEST(Optimiser, ClipsAGradientThatIsFarAboveTheUsual) {
  Optimiser optimiser({0.0});
  const std::vector<std::uint8_t> mask{0};
  for (int k = 0; k < 100; ++k) optimiser.update(std::vector<double>{1.0}, 0, mask, {.gradient_clip = 3});
  const double before = optimiser.first[0];
  optimiser.update(std::vector<double>{1e6}, 0, mask, {.gradient_clip = 3});
  EXPECT_NEAR(optimiser.first[0], 0.95 * before + 0.05 * 3.0, 0.02);
}

TEST(Schedule, RampsUpThenDecaysFromStartToEnd) {
  TrainOptions options;
  options.learning_rate_start = 1e-3;
  options.learning_rate_end = 1e-5;
  options.warm_up_steps = 10;
  for (const auto schedule : {TrainOptions::Schedule::cosine, TrainOptions::Schedule::exponential}) {
    options.schedule = schedule;
    EXPECT_NEAR(learning_rate(options, 0, 0), 1e-4, 1e-12);
    EXPECT_NEAR(learning_rate(options, 100, 0), 1e-3, 1e-12);
    EXPECT_NEAR(learning_rate(options, 100, 1), 1e-5, 1e-12);
    double last = 1;
    for (double x = 0; x <= 1; x += 0.1) {
      EXPECT_LT(learning_rate(options, 100, x), last);
      last = learning_rate(options, 100, x);
    }
  }
}

TEST(LossBalance, DividesEachTermByTheVarianceOfItsLabels) {
  const LossSchedule schedule = loss_schedule({}, {.energy = 0.01, .force = 0.25, .virial = 0.04}, {});
  EXPECT_DOUBLE_EQ(schedule.end.energy, 100.0);
  EXPECT_DOUBLE_EQ(schedule.start.energy, 2.0);
  EXPECT_DOUBLE_EQ(schedule.end.force, 4.0);
  EXPECT_DOUBLE_EQ(schedule.end.stress, 0.25);
}

TEST(LossBalance, WeighsTheStressByWhatStrainedStructuresSay) {
  const LabelStatistics labels{.energy = 0.01, .force = 0.25, .virial = 0.04};
  EXPECT_DOUBLE_EQ(loss_schedule({}, labels, {.pairs = 20, .mismatch = 1e-4}).end.stress, 2.5) << "consistent";
  EXPECT_DOUBLE_EQ(loss_schedule({}, labels, {.pairs = 20, .mismatch = 0.01}).end.stress, 0.025) << "1.6 GPa apart";
  EXPECT_DOUBLE_EQ(loss_schedule({}, labels, {.pairs = 3, .mismatch = 0.01}).end.stress, 0.25) << "too few pairs";
}

/// Five small strains of one structure, labelled by a Lennard-Jones potential.
std::vector<Frame> strained_frames(double pressure) {
  const auto potential = testing::teacher();
  const Structure start = testing::labelled_frames(1).front().structure;
  std::vector<Frame> frames;
  for (int k = 0; k < 5; ++k) {
    const double e = 0.002 * k;
    const Mat3 deformation{{{{1 + e, 0.5 * e, 0}, {0, 1 - 0.3 * e, 0}, {0, 0, 1 + 0.4 * e}}}};
    Frame frame;
    frame.structure = start;
    frame.structure.cell = Cell(start.cell.vectors() * deformation);
    for (Vec3& position : frame.structure.positions) position = position * deformation + Vec3{0.1 * k, 0, 0};
    const StructureEvaluation labels = evaluate_structure(*potential, frame.structure);
    frame.energy = labels.energy;
    frame.forces = labels.forces;
    frame.stress = labels.stress + pressure * Mat3::identity();
    frames.push_back(std::move(frame));
  }
  frames.push_back(testing::labelled_frames(2).back());  // another composition: no partner
  return frames;
}

/// The trapezoidal rule leaves the third order of strains below 0.01: well under 0.02 GPa.
TEST(StressCheck, AcceptsStressesThatAreTheDerivativeOfTheEnergies) {
  const std::vector<Frame> frames = strained_frames(0);
  const std::vector<int> all{0, 1, 2, 3, 4, 5};
  const StressCheck check = check_stresses(frames, all);
  EXPECT_EQ(check.pairs, 10);
  EXPECT_LT(check.mismatch * units::ev_per_a3_in_gpa, 0.02);
  EXPECT_FALSE(check.contradictory());
}

TEST(StressCheck, FindsAPressureThatTheEnergiesDoNotKnow) {
  const double pressure = 2.4 / units::ev_per_a3_in_gpa;
  const std::vector<Frame> frames = strained_frames(pressure);
  const std::vector<int> all{0, 1, 2, 3, 4, 5};
  const StressCheck check = check_stresses(frames, all);
  EXPECT_TRUE(check.contradictory());
  EXPECT_NEAR(check.offset, -pressure, 0.01 * pressure);
}

TEST(StressCheck, SaysNothingWithoutStrainedPairs) {
  const std::vector<Frame> frames = testing::labelled_frames(12);
  std::vector<int> all;
  for (int k = 0; k < 12; ++k) all.push_back(k);
  const StressCheck check = check_stresses(frames, all);
  EXPECT_FALSE(check.decided());
  EXPECT_FALSE(check.contradictory());
}

/// Energies that spread over 1 eV/atom must not leave errors of some meV/atom without weight: 0.2 A times the force.
TEST(LossBalance, KeepsTheWeightOfEnergiesThatSpreadFar) {
  const LossSchedule schedule = loss_schedule({}, {.energy = 1.0, .force = 0.25, .virial = 0.04}, {});
  EXPECT_DOUBLE_EQ(schedule.end.energy, 100.0);
  EXPECT_DOUBLE_EQ(loss_schedule({}, {.energy = 1.0, .force = 0, .virial = 0}, {}).end.energy, 1.0) << "no forces";
}

TEST(LossBalance, DoesNotExplodeForLabelsThatNeverVary) {
  const LossSchedule schedule = loss_schedule({}, {.energy = 0, .force = 0, .virial = 0}, {});
  EXPECT_TRUE(std::isfinite(schedule.end.energy + schedule.end.force + schedule.end.stress));
}

TEST(Options, AreRefusedByName) {
  TrainOptions options;
  options.learning_rate_end = 1.0;
  try {
    check_options(options);
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_EQ(error.where(), "train.learning_rate");
  }
}

TEST(FeatureStatistics, GiveFeaturesThatNeverVaryAFiniteScale) {
  Normalisation normalisation{.elements = {{.shift = {0, 0}, .scale = {1, 1}}}};
  set_feature_statistics({{.features = 2, .atoms = 4, .values = {1, 3, 1, 3, 7, 7, 7, 7}}}, {{2, 2}}, normalisation);
  EXPECT_DOUBLE_EQ(normalisation.elements[0].shift[0], 2.0);
  EXPECT_DOUBLE_EQ(normalisation.elements[0].scale[0], 1.0);
  EXPECT_DOUBLE_EQ(normalisation.elements[0].shift[1], 7.0);
  EXPECT_NEAR(normalisation.elements[0].scale[1], std::sqrt(1000.0), 1e-12);
}

TEST(FeatureStatistics, KeepHalfTheDecayWithinADegreeAndNoneBetweenDegrees) {
  Normalisation normalisation{.elements = {{.shift = {0, 0, 0}, .scale = {1, 1, 1}}}};
  set_feature_statistics({{.features = 3, .atoms = 2, .values = {0, 8, 0, 2, 0, 200}}}, {{1, 1, 3}}, normalisation);
  EXPECT_DOUBLE_EQ(normalisation.elements[0].scale[0], 1.0 / 4);
  EXPECT_DOUBLE_EQ(normalisation.elements[0].scale[1], 1.0 / 2);
  EXPECT_DOUBLE_EQ(normalisation.elements[0].scale[2], 1.0 / 100);
}

TrainingState some_state() {
  TrainingState state;
  state.optimiser = Optimiser({1.0, 2.0, 3.0});
  state.optimiser.step = 17;
  state.epoch = 4;
  state.batch = 2;
  state.best = {.score = 0.5, .epoch = 3, .parameters = {4.0, 5.0, 6.0}, .train = {}, .valid = {}};
  state.sums.energies = 12;
  return state;
}

TEST(TrainingState, ComesBackAsItWasWritten) {
  const testing::TemporaryFolder folder;
  PosixFileSystem files;
  write_training_state(files, folder.file("s"), some_state(), "id");
  const auto read = read_training_state(files, folder.file("s"), "id");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->optimiser.parameters, some_state().optimiser.parameters);
  EXPECT_EQ(read->optimiser.step, 17);
  EXPECT_EQ(read->batch, 2);
  EXPECT_EQ(read->best.parameters, some_state().best.parameters);
  EXPECT_EQ(read->sums.energies, 12);
}

TEST(TrainingState, FallsBackToThePreviousFileWhenTheLastIsDamaged) {
  const testing::TemporaryFolder folder;
  PosixFileSystem files;
  TrainingState state = some_state();
  write_training_state(files, folder.file("s"), state, "id");
  state.epoch = 5;
  write_training_state(files, folder.file("s"), state, "id");
  const auto size = std::filesystem::file_size(folder.file("s"));
  for (std::size_t at = 0; at < size; at += 13) {
    std::fstream file(folder.file("s"), std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(static_cast<std::streamoff>(at));
    const char old = static_cast<char>(file.get());
    file.seekp(static_cast<std::streamoff>(at));
    file.put(static_cast<char>(old ^ 0x10));
    file.close();
    const auto read = read_training_state(files, folder.file("s"), "id");
    ASSERT_TRUE(read) << at;
    EXPECT_EQ(read->epoch, 4) << at;
    std::fstream restore(folder.file("s"), std::ios::in | std::ios::out | std::ios::binary);
    restore.seekp(static_cast<std::streamoff>(at));
    restore.put(old);
  }
  std::filesystem::resize_file(folder.file("s"), size / 2);
  EXPECT_EQ(read_training_state(files, folder.file("s"), "id")->epoch, 4);
  std::filesystem::resize_file(folder.file("s.prev"), 3);
  EXPECT_THROW((void)read_training_state(files, folder.file("s"), "id"), InputError);
}

TEST(TrainingState, RefusesOtherDataOrOptions) {
  const testing::TemporaryFolder folder;
  PosixFileSystem files;
  write_training_state(files, folder.file("s"), some_state(), "id");
  EXPECT_THROW((void)read_training_state(files, folder.file("s"), "other"), InputError);
  EXPECT_FALSE(read_training_state(files, folder.file("none"), "id"));
}

/// T45 for the training checkpoint: whatever call fails, a whole state is there afterwards.
TEST(TrainingState, SurvivesTheFailureOfAnyCall) {
  for (int call = 1;; ++call) {
    const testing::TemporaryFolder folder;
    PosixFileSystem good;
    write_training_state(good, folder.file("s"), some_state(), "id");
    testing::FailingFileSystem files({.call = call, .error = ENOSPC});
    TrainingState later = some_state();
    later.epoch = 5;
    bool threw = false;
    try {
      write_training_state(files, folder.file("s"), later, "id");
    } catch (const IoError&) {
      threw = true;
    }
    if (!files.failed()) break;
    const auto read = read_training_state(good, folder.file("s"), "id");
    ASSERT_TRUE(read) << "call " << call;
    EXPECT_TRUE(read->epoch == 4 || read->epoch == 5) << files.failed_call() << " " << threw;
    ASSERT_LT(call, 100);
  }
}

TEST(LearningCurve, KeepsTheRowsOfFinishedEpochsOnResume) {
  const testing::TemporaryFolder folder;
  const std::string path = folder.file("lcurve.csv");
  start_curve(path, 0);
  for (Index epoch = 1; epoch <= 5; ++epoch)
    append_curve(path, {.epoch = epoch, .step = 10 * epoch, .rate = 1e-3, .train = {.energy = 0.001}, .valid = {}});
  start_curve(path, 3);
  append_curve(path, {.epoch = 4, .step = 40, .rate = 1e-3, .train = {}, .valid = {.force = 0.05}});
  std::ifstream file(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  ASSERT_EQ(lines.size(), 5u);
  EXPECT_NE(lines[0].find("valid_force_rmse_meV_per_A"), std::string::npos);
  EXPECT_EQ(lines[3].substr(0, 2), "3,");
  EXPECT_EQ(lines[4], "4,40,0.001,,,,,50,,0,0.000");
}

TEST(ThreadPool, RunsEveryTaskOnceAndPassesTheFirstErrorOn) {
  ThreadPool pool(3, [] {});
  std::vector<int> done(100, 0);
  for (int round = 0; round < 20; ++round) pool.run(100, [&](int k, int) { ++done[static_cast<std::size_t>(k)]; });
  for (const int n : done) EXPECT_EQ(n, 20);
  pool.run(0, [](int, int) { FAIL(); });
  EXPECT_THROW(pool.run(10,
                        [](int k, int) {
                          if (k == 3) throw std::runtime_error("three");
                        }),
               std::runtime_error);
}

}  // namespace
}  // namespace haven
