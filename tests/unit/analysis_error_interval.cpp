#include <fmt/format.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "analysis/error_interval.hpp"
#include "analysis/model_errors.hpp"
#include "core/rng.hpp"
#include "support/training_fixtures.hpp"

namespace haven::testing {
namespace {

std::vector<FrameOrigin> run(const std::string& name, Index frames) {
  std::vector<FrameOrigin> origins;
  for (Index f = frames; f-- > 0;)
    origins.push_back({.trajectory = name, .step = f});  // order of time, not of the list
  return origins;
}

TEST(ResamplingUnits, AreWholeTrajectoriesWhenThereAreTen) {
  std::vector<FrameOrigin> origins;
  for (int t = 0; t < 10; ++t) origins.push_back({.trajectory = std::to_string(t), .step = 0});
  for (int t = 0; t < 10; ++t) origins.push_back({.trajectory = std::to_string(t), .step = 1});
  const ResamplingUnits units = resampling_units(origins);
  EXPECT_EQ(units.kind, "trajectories");
  EXPECT_EQ(units.count, 10);
  for (std::size_t f = 0; f < 10; ++f) EXPECT_EQ(units.unit_of[f], units.unit_of[f + 10]);
}

TEST(ResamplingUnits, AreConsecutiveBlocksOfFewTrajectories) {
  std::vector<FrameOrigin> origins = run("a", 300);
  const std::vector<FrameOrigin> other = run("b", 100);
  origins.insert(origins.end(), other.begin(), other.end());
  const ResamplingUnits units = resampling_units(origins);
  EXPECT_EQ(units.kind, "blocks");
  EXPECT_EQ(units.count, 20);
  EXPECT_EQ(units.unit_of[299], units.unit_of[285]) << "the first twenty steps of a";
  EXPECT_NE(units.unit_of[299], units.unit_of[279]);
  EXPECT_NE(units.unit_of[0], units.unit_of[399]);
}

TEST(ResamplingUnits, AreTheFramesThatBelongToNoTrajectory) {
  const ResamplingUnits units = resampling_units(std::vector<FrameOrigin>(12));
  EXPECT_EQ(units.kind, "frames");
  EXPECT_EQ(units.count, 12);
}

TEST(RmseInterval, IsTheSameBitsEveryTimeAndScalesWithTheErrors) {
  RandomSequence random(5, Stream::test, 0);
  std::vector<SquaredErrors> units(30), larger(30);
  for (std::size_t k = 0; k < units.size(); ++k) {
    units[k] = {.sum = 6 + 3 * random.normal() * random.uniform(), .count = 6};
    larger[k] = {.sum = 4 * units[k].sum, .count = 6};
  }
  const auto interval = rmse_interval(units);
  ASSERT_TRUE(interval);
  EXPECT_EQ(interval, rmse_interval(units));
  const auto twice = rmse_interval(larger);
  ASSERT_TRUE(twice);
  for (std::size_t end : {0, 1}) EXPECT_NEAR((*twice)[end], 2 * (*interval)[end], 1e-12 * (*twice)[end]);
}

TEST(RmseInterval, IsNotGivenForFewUnitsOrWhenHardlyAnyHasErrors) {
  const SquaredErrors one{.sum = 1.5, .count = 3}, other{.sum = 0.5, .count = 3}, exact{.sum = 0, .count = 3};
  std::vector<SquaredErrors> units(9, one);
  units[0] = other;
  EXPECT_FALSE(rmse_interval(units)) << "nine units";
  units.resize(40, SquaredErrors{});
  EXPECT_FALSE(rmse_interval(units)) << "units without labels do not count";
  EXPECT_FALSE(rmse_interval(std::vector<SquaredErrors>(20, exact)));
  std::vector<SquaredErrors> rare(20, exact);
  rare[3] = one;
  EXPECT_FALSE(rmse_interval(rare)) << "one unit with errors has no upper end";
}

/// More units than are resampled are added up, which must not change what the interval covers: its width falls as
/// one over the root of their number, 1.96 / sqrt(2 * 3 * units) for normal errors with three labels each.
TEST(RmseInterval, OfManyUnitsIsAsNarrowAsTheyAllow) {
  RandomSequence random(6, Stream::test, 1);
  std::vector<SquaredErrors> units(6000);
  for (SquaredErrors& unit : units) {
    unit.count = 3;
    for (int k = 0; k < 3; ++k) unit.sum += std::pow(random.normal(), 2);
  }
  const auto interval = rmse_interval(units);
  ASSERT_TRUE(interval);
  const double half = 0.5 * std::log((*interval)[1] / (*interval)[0]), expected = 1.96 / std::sqrt(6.0 * 6000);
  EXPECT_NEAR(half, expected, 0.1 * expected) << "two standard errors of a width from 500 sums, and of 2,000 resamples";
}

TEST(ModelErrors, StateTheIntervalOfEveryRmseAndWhatItRestsOn) {
  std::vector<Frame> frames = labelled_frames(30);
  RandomSequence random(7, Stream::test, 2);
  for (std::size_t f = 0; f < frames.size(); ++f) {
    frames[f].energy = *frames[f].energy + 0.01 * random.normal();
    for (Vec3& force : frames[f].forces) force.x += 0.1 * random.normal();
    (*frames[f].stress)[0].x += 0.001 * random.normal();
    frames[f].group = f < 25 ? "many" : "few";
    frames[f].trajectory = f < 25 ? "run" : "";
    frames[f].source.index = static_cast<Index>(f);
  }
  const ModelErrors errors = evaluate_errors(*teacher(), frames);
  const auto json = nlohmann::json::parse(to_json(errors));
  EXPECT_EQ(json["n_energies"], 30);
  EXPECT_EQ(json["n_force_components"], errors.all.force_components);
  EXPECT_EQ(json["rmse_intervals"]["resampled"], "blocks");
  EXPECT_EQ(json["rmse_intervals"]["resamples"], 2000);
  for (const char* key : {"energy_rmse_meV_per_atom", "force_rmse_meV_per_A", "stress_rmse_GPa"}) {
    const auto interval = json[std::string(key) + "_ci95"].get<std::array<double, 2>>();
    EXPECT_LT(interval[0], json[key].get<double>()) << key;
    EXPECT_GT(interval[1], json[key].get<double>()) << key;
    EXPECT_TRUE(json["by_group"]["few"][std::string(key) + "_ci95"].is_null()) << key;
    EXPECT_TRUE(json["by_group"]["many"][std::string(key) + "_ci95"].is_array()) << key;
  }
  EXPECT_TRUE(json["by_element"]["Li"]["force_rmse_meV_per_A_ci95"].is_array());
  const auto force = *errors.all.force_rmse_ci95;
  EXPECT_NE(to_text(errors).find(
                fmt::format("{:.1f} [{:.1f}, {:.1f}]", 1e3 * errors.all.force_rmse, 1e3 * force[0], 1e3 * force[1])),
            std::string::npos)
      << to_text(errors);
}

}  // namespace
}  // namespace haven::testing
