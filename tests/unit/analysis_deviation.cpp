#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "analysis/deviation_calibration.hpp"
#include "analysis/model_errors.hpp"
#include "potentials/committee/merge.hpp"
#include "potentials/registry.hpp"
#include "potentials/structure_evaluation.hpp"
#include "support/structures.hpp"

/// The deviation of a committee against its true error.
namespace haven::testing {
namespace {

TEST(DeviationCalibration, IsTheRatioOfRootMeanSquares) {
  const std::vector<DeviationPoint> points{{.deviation = 1, .error = 3}, {.deviation = 7, .error = 21}};
  const auto calibration = calibrate_deviation(points);
  ASSERT_TRUE(calibration);
  EXPECT_DOUBLE_EQ(calibration->deviation, 5.0);
  EXPECT_DOUBLE_EQ(calibration->error, 15.0);
  EXPECT_DOUBLE_EQ(calibration->factor, 3.0);
  EXPECT_DOUBLE_EQ(calibration->rank_correlation.value(), 1.0);
}

TEST(DeviationCalibration, RanksSeeTheOrderAloneAndTiesShareTheirRank) {
  // Ranks of the deviations 1.5, 1.5, 3, 4 and of the errors 4, 3, 2, 1: covariance -4.5, variances 4.5 and 5.
  const std::vector<DeviationPoint> points{{.deviation = 1, .error = 90},
                                           {.deviation = 1, .error = 8},
                                           {.deviation = 2, .error = 7},
                                           {.deviation = 50, .error = 0}};
  EXPECT_NEAR(calibrate_deviation(points)->rank_correlation.value(), -4.5 / std::sqrt(4.5 * 5.0), 1e-14);
}

TEST(DeviationCalibration, BinsHoldEveryAtomOnceByAscendingDeviation) {
  std::vector<DeviationPoint> points;
  for (int k = 22; k-- > 0;) points.push_back({.deviation = 1.0 + k, .error = 2.0 * (1.0 + k)});
  const auto calibration = calibrate_deviation(points);
  ASSERT_EQ(calibration->bins.size(), 10u);
  Index atoms = 0;
  double before = 0;
  for (const auto& bin : calibration->bins) {
    atoms += bin.atoms;
    EXPECT_GT(bin.deviation, before);
    EXPECT_NEAR(bin.error, 2 * bin.deviation, 1e-12);
    before = bin.deviation;
  }
  EXPECT_EQ(atoms, 22);
}

TEST(DeviationCalibration, IsAbsentWithoutDeviations) {
  EXPECT_FALSE(calibrate_deviation({}));
  const std::vector<DeviationPoint> twins{{.deviation = 0, .error = 1}};
  EXPECT_FALSE(calibrate_deviation(twins));
}

/// Labels that lie twice the deviation off the committee's mean, in some direction: the factor is 2, whatever the
/// potential, up to the rounding of forces to 2^-44 eV/A.
TEST(ModelErrors, ShowWhatTheDeviationOfACommitteeMeans) {
  std::vector<Model> models;
  for (const std::uint64_t seed : {1, 2, 3})
    models.push_back(random_model({.kind = "behler-parrinello", .elements = {3, 16}, .seed = seed}));
  const auto potential = make_potential(merge_committee(models), Precision::float64);
  std::vector<Frame> frames(2);
  for (std::size_t f = 0; f < frames.size(); ++f) {
    frames[f].structure = random_structure({.atoms = 8, .elements = {3, 16}, .seed = f + 1});
    const StructureEvaluation own = evaluate_structure(*potential, frames[f].structure, Wanted::deviation);
    frames[f].energy = own.energy;
    frames[f].forces = own.forces;
    for (std::size_t i = 0; i < own.forces.size(); ++i)
      frames[f].forces[i] += (2 * own.force_deviations[i]) * Vec3{0.6, 0.0, -0.8};
  }
  const ModelErrors errors = evaluate_errors(*potential, frames);
  ASSERT_TRUE(errors.deviation);
  EXPECT_EQ(errors.deviation->atoms, 16);
  EXPECT_NEAR(errors.deviation->factor, 2.0, 1e-9);
  EXPECT_NEAR(errors.deviation->rank_correlation.value(), 1.0, 1e-12);
  const auto json = nlohmann::json::parse(to_json(errors));
  EXPECT_NEAR(json["force_deviation"]["factor"].get<double>(), 2.0, 1e-9);
  EXPECT_EQ(json["force_deviation"]["bins"].size(), 10u);
  EXPECT_NE(to_text(errors).find("errors are 2.00 times the deviation"), std::string::npos);
  const auto single = make_potential(models.front(), Precision::float64);
  EXPECT_FALSE(evaluate_errors(*single, frames).deviation);
}

}  // namespace
}  // namespace haven::testing
