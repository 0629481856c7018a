#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <vector>

#include "analysis/distributions.hpp"
#include "analysis/estimate.hpp"
#include "analysis/haven_ratio.hpp"
#include "analysis/planner.hpp"
#include "analysis/regression.hpp"
#include "analysis/shared_motion.hpp"
#include "analysis/transport_judge.hpp"
#include "physics/analysis_walks.hpp"

namespace haven {
namespace {

/// The double sum of the definition, term by term.
double brute_force_covariance(Index n, Index m, Index l, double increment, double noise) {
  double sum = 0;
  for (Index i = 0; i < n - m; ++i)
    for (Index j = 0; j < n - l; ++j) {
      const double overlap = static_cast<double>(std::max<Index>(0, std::min(i + m, j + l) - std::max(i, j)));
      const int delta = (i + m == j + l) - (i + m == j) - (i == j + l) + (i == j);
      const double c = increment * overlap + noise * delta;
      sum += c * c;
    }
  return 2.0 * sum / (static_cast<double>(n - m) * static_cast<double>(n - l));
}

}  // namespace

// Tabulated values (Abramowitz & Stegun; four to six digits).
TEST(Distributions, AgreeWithTables) {
  EXPECT_NEAR(normal_quantile(0.975), 1.959964, 1e-6);
  EXPECT_NEAR(normal_quantile(0.84), 0.994458, 1e-6);
  EXPECT_NEAR(chi2_quantile(0.95, 2), 5.991465, 1e-6);
  EXPECT_NEAR(chi2_quantile(0.05, 30), 18.492661, 1e-5);
  EXPECT_NEAR(chi2_survival(3.841459, 1), 0.05, 1e-6);
  EXPECT_NEAR(student_quantile(0.975, 2), 4.302653, 1e-5);
  EXPECT_NEAR(student_quantile(0.975, 47), 2.011741, 1e-5);
}

TEST(Planner, RuleOfThreeWhenNothingWasSeen) {
  EXPECT_NEAR(poisson_upper_bound(0), 2.995732, 1e-5);
  EXPECT_NEAR(poisson_upper_bound(3), 7.753657, 1e-5);
}

TEST(Planner, NeededLengthInvertsTheError) {
  const double run = needed_run_ps(50, 0.10);
  EXPECT_NEAR(run, 8000, 10);  // 8 ns for 50 ps and 10 %, the table of the design
  EXPECT_NEAR(collective_relative_error(run, 50), 0.10, 1e-12);
}

TEST(Estimate, IntervalsAreSymmetricInTheLogarithm) {
  const Estimate e = log_normal_estimate(2e-6, 0.2);
  EXPECT_NEAR(e.log_sd(), 0.2, 1e-12);
  EXPECT_NEAR(e.ci95[0] * e.ci95[1], 4e-12, 1e-24);
  EXPECT_NEAR(e.n_eff, 2.0 / (3 * 0.04), 1e-9);
}

TEST(HavenRatio, AddsRelativeErrorsAndPassesRefusalsOn) {
  const Estimate tracer = log_normal_estimate(1e-6, 0.03), collective = log_normal_estimate(2e-6, 0.04);
  const Estimate ratio = haven_ratio(tracer, collective, 1000000);
  EXPECT_DOUBLE_EQ(ratio.value, 0.5);
  EXPECT_NEAR(ratio.log_sd(), 0.05, 1e-7);
  EXPECT_NE(haven_ratio(tracer, refused_estimate("too short"), 9).refused.find("too short"), std::string::npos);
}

TEST(HavenRatio, ErrorsOfFewIonsAreCorrelated) {
  // N independent ions: D* is their mean and D_sigma one walker, of relative errors s/sqrt(N) and s.
  for (const int ions : {1, 4, 25}) {
    const double s = 0.1, mean = s / std::sqrt(ions);
    const Estimate ratio = haven_ratio(log_normal_estimate(1e-6, mean), log_normal_estimate(1e-6, s), ions);
    EXPECT_NEAR(ratio.log_sd(), s * std::sqrt(1.0 - 1.0 / ions), 1e-9) << ions;
  }
}

// 1 + sum of squared correlations with all others; 400 displacements know it to about 1 %.
TEST(SharedMotion, IsMeasuredFromPairsOfIons) {
  const auto factor = [](const testing::Walk& walk) {
    return shared_motion_factor({testing::make_walk(walk, 5)}, {}, 5);
  };
  EXPECT_NEAR(factor({.noise = 0}), 1.0, 0.02);
  EXPECT_NEAR(factor({.correlation = 4.0 / 47.0, .noise = 0}), std::sqrt(1 + 16.0 / 47), 0.03);
  EXPECT_NEAR(factor({.correlation = 0.9, .string = 2, .noise = 0}), std::sqrt(1 + 0.81), 0.03);
  EXPECT_NEAR(factor({.correlation = 0.9, .string = 4, .noise = 0}), std::sqrt(1 + 3 * 0.81), 0.05);
  EXPECT_EQ(factor({.ions = 1}), 1.0);
}

TEST(BlockScatter, ReplacesOnlyAClaimThatItContradicts) {
  const std::vector<double> quiet{1.0, 1.1, 0.9, 1.05, 0.95}, bursts{0.2, 1.8, 0.4, 1.6, 1.0};
  const BlockScatter agrees = block_scatter(quiet, 1.0, 0.03), contradicts = block_scatter(bursts, 1.0, 0.03);
  EXPECT_NEAR(agrees.relative_error, std::sqrt(0.025 / 20), 1e-12);
  EXPECT_EQ(agrees.widening, 1.0);
  EXPECT_NEAR(contradicts.widening * 0.03, std::sqrt(2.0 / 20), 1e-12);
  EXPECT_NEAR(contradicts.quantile_factor, 2.7764 / 1.95996, 1e-4);
  EXPECT_EQ(block_scatter({}, 1.0, 0.03).widening, 1.0);
}

TEST(OverlapCovariance, EqualsTheDoubleSumOfItsDefinition) {
  const std::vector<Index> lags{1, 2, 3, 5, 8, 13, 20};
  const Index n = 41;
  const OverlapCovariance covariance(n, lags);
  for (std::size_t a = 0; a < lags.size(); ++a)
    for (std::size_t b = 0; b < lags.size(); ++b) {
      const double expected = brute_force_covariance(n, lags[a], lags[b], 0.7, 0.3);
      EXPECT_NEAR(covariance(a, b, 0.7, 0.3), expected, 1e-12 * expected) << lags[a] << " " << lags[b];
    }
}

TEST(FitLine, ReturnsAnExactLineExactly) {
  const OverlapCovariance covariance(1000, {10, 12, 14, 17, 20, 24, 28, 34, 40});
  RunCurve run{&covariance, {}, 20.0};
  for (const Index lag : covariance.lags()) run.y.push_back(2.0 + 3.0 * static_cast<double>(lag));
  const LineFit fit = fit_line(std::vector<RunCurve>{run, run}, {0, 9}, {});
  EXPECT_NEAR(fit.slope, 3.0, 1e-10);
  EXPECT_NEAR(fit.intercept, 2.0, 1e-8);
  EXPECT_NEAR(fit.chi2, 0, 1e-6);
  EXPECT_EQ(fit.between_sd, 0);
}

TEST(FitLine, ReplicasThatDisagreeWidenTheError) {
  const OverlapCovariance covariance(4000, {10, 14, 20, 28, 40});
  std::vector<RunCurve> runs;
  for (const double slope : {1.0, 2.0, 3.0}) {
    RunCurve run{&covariance, {}, 100.0};
    for (const Index lag : covariance.lags()) run.y.push_back(slope * static_cast<double>(lag));
    runs.push_back(run);
  }
  const LineFit fit = fit_line(runs, {0, 5}, {});
  EXPECT_NEAR(fit.slope, 2.0, 1e-6);
  EXPECT_NEAR(fit.between_sd, 1.0, 0.05);  // sample standard deviation of 1, 2, 3
  EXPECT_NEAR(fit.slope_sd, 1.0 / std::sqrt(3.0), 0.05);
  EXPECT_LT(fit.heterogeneity_p, 1e-6);
  EXPECT_GT(fit.quantile_factor, 2.0);  // Student's t with two degrees of freedom: 4.30 / 1.96
}

}  // namespace haven
