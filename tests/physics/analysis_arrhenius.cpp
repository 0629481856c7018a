#include <gtest/gtest.h>

#include <cmath>

#include "analysis/arrhenius.hpp"
#include "analysis/transport_output.hpp"
#include "core/error.hpp"
#include "core/units.hpp"
#include "physics/analysis_walks.hpp"

namespace haven {
namespace {

using testing::FastRandom;

constexpr double true_energy = 0.30;      ///< eV
constexpr double true_prefactor = 1.0e4;  ///< S K/cm

double true_sigma_T(double t) { return true_prefactor * std::exp(-true_energy / (units::boltzmann * t)); }

/// A result as the analysis of one temperature would give it.
TransportResult point(double t, double ln_error, double relative) {
  TransportResult r;
  r.temperature_K = t;
  r.sigma = log_normal_estimate(true_sigma_T(t) / t * std::exp(ln_error), relative);
  r.tracer.iso =
      log_normal_estimate(1e-3 * std::exp(-true_energy / (units::boltzmann * t) + 0.1 * ln_error), 0.1 * relative);
  return r;
}

std::vector<TransportResult> ladder(FastRandom& random, const std::vector<double>& temperatures,
                                    const std::vector<double>& errors) {
  std::vector<TransportResult> results;
  for (std::size_t k = 0; k < temperatures.size(); ++k)
    results.push_back(point(temperatures[k], errors[k] * random.normal(), errors[k]));
  return results;
}

}  // namespace

// 300 ladders: the standard error of the coverage is 1.3 %. An error bar enlarged for the 5 % of ladders that scatter
// by chance covers a little more than 95 %.
TEST(Arrhenius, IntervalAtTheTargetCoversTheTruth) {
  FastRandom random(7);
  int at_target = 0, energy = 0, runs = 300;
  for (int run = 0; run < runs; ++run) {
    const ArrheniusResult a = fit_arrhenius(ladder(random, {500, 600, 700, 850, 1000}, {0.35, 0.25, 0.2, 0.15, 0.12}),
                                            {.model = "line", .samples = 2000});
    const double truth = true_sigma_T(300) / 300;
    at_target += a.sigma_at_target.ci95[0] <= truth && truth <= a.sigma_at_target.ci95[1];
    energy += a.Ea_eV.ci95[0] <= true_energy && true_energy <= a.Ea_eV.ci95[1];
  }
  EXPECT_NEAR(static_cast<double>(at_target) / runs, 0.955, 0.04);
  EXPECT_NEAR(static_cast<double>(energy) / runs, 0.955, 0.04);
}

// The coldest run sees a Poisson number of events; with none it gives the bound 3 / (expected events per unit).
// Censored points must neither pull the line below the truth nor be ignored.
TEST(Arrhenius, CensoredPointsKeepTheCoverage) {
  FastRandom random(11);
  int covered = 0, runs = 0, better = 0;
  while (runs < 300) {
    std::vector<TransportResult> results = ladder(random, {600, 700, 850, 1000}, {0.3, 0.25, 0.2, 0.15});
    const ArrheniusResult without = fit_arrhenius(results, {.model = "line", .samples = 1000});
    constexpr double cold = 350, expected = 0.7;
    if (random.uniform() > std::exp(-expected)) continue;  // a hop was seen: not the case under test
    TransportResult frozen;
    frozen.temperature_K = cold;
    frozen.tracer.iso = frozen.sigma = refused_estimate("no hops", true_sigma_T(cold) / cold * 2.9957 / expected);
    results.push_back(frozen);
    const ArrheniusResult a = fit_arrhenius(results, {.model = "line", .samples = 2000});
    const double truth = true_sigma_T(300) / 300;
    covered += a.sigma_at_target.ci95[0] <= truth && truth <= a.sigma_at_target.ci95[1];
    better += a.sigma_at_target.ci95[1] <= without.sigma_at_target.ci95[1];
    EXPECT_EQ(a.sigma_T->censored, 1);
    ++runs;
  }
  EXPECT_GE(static_cast<double>(covered) / runs, 0.91);
  EXPECT_GT(static_cast<double>(better) / runs, 0.9);  // the bound tightens the upper end
}

TEST(Arrhenius, WithoutBoundsTheSamplesAreTheLeastSquaresLine) {
  FastRandom random(3);
  const ArrheniusResult a =
      fit_arrhenius(ladder(random, {500, 600, 800, 1000}, {0.1, 0.1, 0.1, 0.1}), {.target_K = 400, .model = "line"});
  // Closed form for equal errors: var(Ea) = kB^2 s^2 / sum (x - mean)^2.
  const std::vector<double> x{1 / 500.0, 1 / 600.0, 1 / 800.0, 1 / 1000.0};
  double mean = 0, sxx = 0;
  for (const double v : x) mean += v / 4;
  for (const double v : x) sxx += (v - mean) * (v - mean);
  const double sd = units::boltzmann * 0.1 / std::sqrt(sxx) * a.sigma_T->birge;
  EXPECT_NEAR(0.5 * (a.Ea_eV.ci95[1] - a.Ea_eV.ci95[0]) / 1.96, sd, 0.03 * sd);  // 20,000 draws
  EXPECT_EQ(a.grade, "claim");
}

TEST(Arrhenius, NumberOfTemperaturesDecidesTheGrade) {
  FastRandom random(3);
  const auto four = ladder(random, {500, 600, 800, 1000}, {0.1, 0.1, 0.1, 0.1});
  EXPECT_EQ(fit_arrhenius(four, {.target_K = 400}).grade, "claim");
  EXPECT_EQ(fit_arrhenius(four, {.target_K = 300}).grade, "extrapolation");  // 1.33 times the fitted span away
  EXPECT_EQ(fit_arrhenius(ladder(random, {600, 800, 1000}, {0.1, 0.1, 0.1}), {}).grade, "estimate");
  const ArrheniusResult two = fit_arrhenius(ladder(random, {600, 800}, {0.1, 0.1}), {});
  EXPECT_EQ(two.grade, "refused");
  EXPECT_FALSE(two.refused.empty());
  EXPECT_FALSE(two.sigma_at_target.determined());
}

TEST(Arrhenius, SameSeedGivesTheSameResult) {
  FastRandom a(3), b(3);
  const std::vector<double> t{500, 600, 800, 1000}, e{0.2, 0.2, 0.2, 0.2};
  EXPECT_EQ(fit_arrhenius(ladder(a, t, e), {}).sigma_at_target.ci95,
            fit_arrhenius(ladder(b, t, e), {}).sigma_at_target.ci95);
}

TEST(Arrhenius, ExtrapolationDistanceAndProbabilityAreReported) {
  FastRandom random(3);
  const ArrheniusResult a =
      fit_arrhenius(ladder(random, {600, 700, 800, 1000}, {0.05, 0.05, 0.05, 0.05}), {.model = "line"});
  EXPECT_NEAR(a.extrapolation, (1 / 300.0 - 1 / 600.0) / (1 / 600.0 - 1 / 1000.0), 1e-9);
  EXPECT_TRUE(std::any_of(a.warnings.begin(), a.warnings.end(), [](const auto& w) { return w.code == "TR021"; }));
  // sigma(300 K) = 3.0e-4 S/cm here: above the threshold for certain.
  EXPECT_GT(*a.p_superionic, 0.95);
}

TEST(Arrhenius, MobileHostsAreLeftOut) {
  FastRandom random(3);
  std::vector<TransportResult> results = ladder(random, {500, 600, 800, 1000, 1400}, {0.1, 0.1, 0.1, 0.1, 0.1});
  results.back().checks.host.exceeds = true;
  const ArrheniusResult a = fit_arrhenius(results, {});
  EXPECT_EQ(a.sigma_T->points, 4);
  EXPECT_EQ(a.sigma_T->T_max, 1000);
}

// A framework that melts on the way to the target has no line beyond: the energy is given, the conductivity is not.
TEST(Arrhenius, DoesNotExtrapolateThroughAMobileHost) {
  FastRandom random(3);
  std::vector<TransportResult> results = ladder(random, {500, 600, 800, 1000, 1200}, {0.1, 0.1, 0.1, 0.1, 0.1});
  results.back().checks.host.grows = true;
  const ArrheniusResult beyond = fit_arrhenius(results, {.target_K = 1300});
  EXPECT_TRUE(beyond.Ea_eV.determined());
  ASSERT_FALSE(beyond.sigma_at_target.determined());
  EXPECT_NE(beyond.sigma_at_target.refused.find("the host moves at 1200 K"), std::string::npos);
  EXPECT_FALSE(beyond.tracer_at_target.determined());
  EXPECT_FALSE(beyond.p_superionic.has_value());
  EXPECT_TRUE(fit_arrhenius(results, {.target_K = 300}).sigma_at_target.determined());
}

namespace {

/// Two lines that meet at 700 K, where the volume and the peak of alpha2 jump too.
std::vector<TransportResult> broken_ladder() {
  std::vector<TransportResult> results;
  for (const double t : {500.0, 550.0, 600.0, 650.0, 750.0, 850.0, 950.0, 1050.0}) {
    const double y =
        t < 700 ? -0.9 / units::boltzmann * (1 / t - 1 / 700.0) : -0.2 / units::boltzmann * (1 / t - 1 / 700.0);
    TransportResult r;
    r.temperature_K = t, r.n_ions = 100;
    r.volume_A3 = 2000 * (1 + 1e-4 * (t - 500)) * (t > 700 ? 1.02 : 1.0);
    r.checks.alpha2_peak = t > 700 ? 0.3 : 1.2;
    r.sigma = log_normal_estimate(std::exp(y - 5) / t, 0.03),
    r.tracer.iso = log_normal_estimate(std::exp(y - 12), 0.03);
    results.push_back(r);
  }
  return results;
}

std::string text_at_break(const ArrheniusResult& fit) {
  for (const AnalysisWarning& w : fit.warnings)
    if (w.code == "TR024") return w.text;
  return "";
}

}  // namespace

TEST(Arrhenius, TellsWhatElseChangesAtABreak) {
  const ArrheniusResult fit = fit_arrhenius(broken_ladder(), {});
  const std::string text = text_at_break(fit);
  EXPECT_NE(text.find("departs by +2.00 %"), std::string::npos) << text;
  EXPECT_NE(text.find("from 1.2 to 0.3"), std::string::npos) << text;
  EXPECT_NE(text.find("site occupations are not measured"), std::string::npos) << text;
  EXPECT_NE(arrhenius_json(fit).find("\"ions_per_site_departure\": []"), std::string::npos);
}

// Below 700 K ions go from type 0 to type 1 by 1e-4 per kelvin; above, 0.1 more. The trend of four temperatures has at
// 750 K the weights 1/4 + 175 (T - 575) / 12500, whose squares add up to 2.7: an error of 0.01 becomes sqrt(3.7) 0.01.
TEST(Arrhenius, TellsWhichSitesEmptyAtABreak) {
  std::vector<TransportResult> results = broken_ladder();
  for (TransportResult& r : results) {
    const double moved = 1e-4 * (r.temperature_K - 500) + (r.temperature_K > 700 ? 0.1 : 0.0);
    r.sites = {{.sites = 32, .occupation = 0.9 - moved, .sd = 0.01},
               {.sites = 64, .occupation = 0.1 + 0.5 * moved, .sd = 0}};
  }
  const ArrheniusResult fit = fit_arrhenius(results, {});
  ASSERT_TRUE(fit.at_break.has_value());
  ASSERT_EQ(fit.at_break->occupations.size(), 2U);
  EXPECT_NEAR(fit.at_break->occupations[0].change, -0.1, 1e-12);
  EXPECT_NEAR(fit.at_break->occupations[0].sd, 0.01 * std::sqrt(3.7), 1e-9);
  EXPECT_NEAR(fit.at_break->occupations[1].change, 0.05, 1e-12);
  EXPECT_EQ(fit.at_break->occupations[1].sd, 0);
  const std::string text = text_at_break(fit);
  EXPECT_NE(text.find("-0.100 +- 0.019 (type 0, 32 sites), +0.050 +- 0.000 (type 1, 64 sites)"), std::string::npos)
      << text;
  // Sites that are counted in another way are not compared, and one temperature below gives no trend.
  for (TransportResult& r : results)
    if (r.temperature_K == 750) r.sites[0].sites = 31;
  EXPECT_NE(text_at_break(fit_arrhenius(results, {})).find("one reference crystal"), std::string::npos);
  for (std::size_t k = 0; k < 3; ++k) results[k].sites.clear();
  EXPECT_NE(text_at_break(fit_arrhenius(results, {})).find("at two temperatures below"), std::string::npos);
}

TEST(Arrhenius, BreakIsFoundAndTheColdBranchExtrapolated) {
  std::vector<TransportResult> results;
  for (const double t : {500.0, 550.0, 600.0, 650.0, 750.0, 850.0, 950.0, 1050.0}) {
    TransportResult r = point(t, 0, 0.05);
    if (t < 700)
      r.sigma = scaled(r.sigma, std::exp(-0.4 / units::boltzmann * (1 / t - 1 / 700.0)));  // 0.7 eV below 700 K
    results.push_back(r);
  }
  const ArrheniusResult a = fit_arrhenius(results, {});
  EXPECT_EQ(a.comparison.preferred, "two lines");
  EXPECT_EQ(a.comparison.break_low_K, 650);
  EXPECT_NEAR(a.Ea_eV.value, 0.7, 0.01);
  EXPECT_NEAR(a.comparison.Ea_high_T_eV, 0.3, 1e-6);
}

TEST(Arrhenius, CurvatureOfTheVtfKindIsRecognised) {
  std::vector<ArrheniusPoint> points;
  for (const double t : {300.0, 330.0, 360.0, 400.0, 450.0, 500.0, 600.0, 700.0})
    points.push_back({t, 3.0 - 1200.0 / (t - 180.0), 0.05, {}});
  const ModelComparison c = compare_arrhenius_models(points);
  EXPECT_EQ(c.preferred, "VTF");
  EXPECT_NEAR(c.vtf_T0_K, 180, 5);
}

TEST(Arrhenius, OneLineIsKeptForALine) {
  FastRandom random(5);
  int line = 0;
  for (int run = 0; run < 100; ++run) {
    std::vector<ArrheniusPoint> points;
    for (const double t : {500.0, 550.0, 600.0, 650.0, 750.0, 850.0, 950.0, 1050.0})
      points.push_back({t, std::log(true_sigma_T(t)) + 0.1 * random.normal(), 0.1, {}});
    line += compare_arrhenius_models(points).preferred == "line";
  }
  EXPECT_GE(line, 85);
}

TEST(Arrhenius, UnknownModelAndDoubledTemperaturesAreRefused) {
  FastRandom random(5);
  EXPECT_THROW(static_cast<void>(fit_arrhenius({}, {.model = "parabola"})), ConfigError);
  EXPECT_THROW(static_cast<void>(fit_arrhenius(ladder(random, {500, 500, 600}, {0.1, 0.1, 0.1}), {})), InputError);
}

}  // namespace haven
