#include <gtest/gtest.h>

#include <cmath>

#include "analysis/committee.hpp"
#include "core/error.hpp"
#include "physics/analysis_walks.hpp"

/// Potentials that were trained apart: what their spread adds to the statistics of the runs.
namespace haven {
namespace {

TransportResult conducting(double temperature, double sigma, double log_sd) {
  TransportResult result;
  result.temperature_K = temperature;
  result.sigma = log_normal_estimate(sigma, log_sd);
  result.tracer.iso = log_normal_estimate(1e-6 * sigma, 0.3 * log_sd);
  result.collective.iso = log_normal_estimate(2e-6 * sigma, log_sd);
  result.haven_ratio = log_normal_estimate(0.5, log_sd);
  return result;
}

/// Ea = 0.3 eV, conductivities times `factor`.
CommitteeMember member(const char* name, double factor, double log_sd) {
  CommitteeMember out{.name = name, .results = {}, .fit = {}};
  for (const double t : {600.0, 700.0, 800.0, 900.0})
    out.results.push_back(conducting(t, factor * 1e4 / t * std::exp(-0.3 / 8.617333262e-5 / t), log_sd));
  out.fit = fit_arrhenius(out.results, {.target_K = 500, .samples = 2000});
  return out;
}

const CommitteeQuantity& of(const CommitteeResult& result, const std::string& name, double temperature) {
  for (const CommitteeQuantity& q : result.quantities)
    if (q.name == name && q.temperature_K == temperature) return q;
  throw std::runtime_error("no " + name);
}

}  // namespace

// Six potentials spread by 0.2 around the truth, each known to 0.1. The total interval is a prediction of one more
// potential (the true one, if the committee is fair). Three standard errors of 500 repetitions are 2.9 %.
TEST(Committee, TotalIntervalHoldsOneMorePotential) {
  testing::FastRandom random(4);
  int inside = 0, bounded = 0;
  constexpr int repetitions = 500;
  for (int r = 0; r < repetitions; ++r) {
    std::vector<double> values, sds(6, 0.1);
    for (int k = 0; k < 6; ++k) values.push_back(0.2 * random.normal() + 0.1 * random.normal());
    const CombinedModels sum = combine_models(values, sds);
    const double next = 0.2 * random.normal();
    inside += sum.total_ci95[0] < next && next < sum.total_ci95[1];
    bounded += sum.spread_upper > 0.2;
  }
  EXPECT_NEAR(inside / 1.0 / repetitions, 0.95, 0.029);
  EXPECT_NEAR(bounded / 1.0 / repetitions, 0.95, 0.029);  // exact for the Q profile of equal errors
}

TEST(Committee, PotentialsThatAgreeHaveNoSpreadButCannotExcludeOne) {
  const std::vector<double> values{1.0, 1.05, 0.95, 1.02}, sds{0.1, 0.1, 0.1, 0.1};
  const CombinedModels sum = combine_models(values, sds);
  EXPECT_EQ(sum.spread, 0.0);
  EXPECT_NEAR(sum.mean, 1.005, 1e-12);
  EXPECT_NEAR(sum.statistical_sd, 0.05, 1e-12);
  EXPECT_GT(sum.spread_upper, 0.0);
  EXPECT_NEAR(0.5 * (sum.total_ci95[0] + sum.total_ci95[1]), sum.mean, 1e-9);
  EXPECT_GT(sum.total_ci95[1] - sum.mean, 1.96 * 0.05);
  EXPECT_LT(sum.total_ci95[1] - sum.mean, 3.0 * 0.1);
  EXPECT_GT(sum.p_equal, 0.5);
}

TEST(Committee, StatisticsAndSpreadStandApart) {
  const std::vector<CommitteeMember> members{member("a", 1.0, 0.05), member("b", 1.5, 0.05), member("c", 0.7, 0.05),
                                             member("d", 1.2, 0.05)};
  const CommitteeResult result = analyse_committee(members);
  const CommitteeQuantity& sigma = of(result, "sigma", 700);
  EXPECT_NEAR(sigma.statistical_error, 0.025, 1e-9);  // four runs of 5 %
  EXPECT_NEAR(sigma.spread, 0.3183, 0.0005);          // sd of ln(1, 1.5, 0.7, 1.2), the share of 5 % taken off
  EXPECT_LT(sigma.total_ci95[0], sigma.statistical_ci95[0]);
  EXPECT_GT(sigma.total_ci95[1], sigma.statistical_ci95[1]);
  const CommitteeQuantity& energy = of(result, "Ea(sigma T)", 0);  // all potentials have the same slope
  EXPECT_NEAR(energy.value, 0.3, 0.01);
  EXPECT_NEAR(energy.spread, 0.0, 1e-9);
  ASSERT_EQ(result.warnings.size(), 1U);
  EXPECT_EQ(result.warnings[0].code, "TR041");
  EXPECT_NE(committee_json(result).find("\"relative_spread\""), std::string::npos);
  EXPECT_NE(committee_text(result).find("spread of potentials"), std::string::npos);
}

TEST(Committee, WhatOnlyOneDeterminesIsRefused) {
  std::vector<CommitteeMember> members{member("a", 1.0, 0.05), member("b", 1.5, 0.05)};
  members[1].results[0].sigma = refused_estimate("too short");
  const CommitteeResult result = analyse_committee(members);
  EXPECT_FALSE(of(result, "sigma", 600).refused.empty());
  EXPECT_TRUE(of(result, "sigma", 700).refused.empty());
  EXPECT_EQ(result.warnings[0].code, "TR040");
  EXPECT_THROW(static_cast<void>(analyse_committee({members.data(), 1})), ConfigError);
}

}  // namespace haven
