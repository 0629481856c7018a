#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "core/units.hpp"
#include "md/drift_fit.hpp"
#include "support/distributions.hpp"
#include "support/md_fixtures.hpp"

// Every thermostat and barostat by the method of physical_validation (Merz, Shirts, PLoS ONE 13, e0202764 (2018)): the
// distribution of the kinetic energy against its exact form, and the ratio of the distributions at two temperatures
// and at two pressures, whose logarithm is a straight line of known slope whatever the potential is. Bars are 3
// standard errors of correlated samples.
namespace haven::testing {
namespace {

struct NamedStage {
  std::string name;
  StageOptions stage;
};

// Distributions of 108 atoms at these temperatures lie about two of their widths apart.
constexpr double cold = 60, hot = 67, low_gpa = 0.18, high_gpa = 0.22;

StageOptions with(Thermostat thermostat, StageOptions stage) {
  stage.thermostat = thermostat;
  return stage;
}

std::vector<NamedStage> every_thermostat() {
  std::vector<NamedStage> stages;
  stages.push_back({"stochastic velocity rescaling", with(Thermostat::bussi, nvt_stage(cold, 100, 0))});
  stages.push_back({"Nose-Hoover chain", with(Thermostat::nose_hoover, nvt_stage(cold, 100, 0))});
  stages.push_back({"Langevin", with(Thermostat::langevin, nvt_stage(cold, 100, 0))});
  return stages;
}

/// Argon's bulk modulus at 60 K is about 2 GPa; under Martyna-Tobias-Klein its volume swings in half a picosecond.
std::vector<NamedStage> every_barostat_stage() {
  std::vector<NamedStage> stages;
  for (BarostatOptions barostat : every_barostat()) {
    const bool inertial = barostat.type == Barostat::martyna_tobias_klein;
    barostat.pressure_gpa = low_gpa;
    barostat.tau_fs = inertial ? 1500 : 400;
    barostat.bulk_modulus_gpa = 2;
    stages.push_back({fmt::format("{}, shape {}", inertial ? "Martyna-Tobias-Klein" : "stochastic cell rescaling",
                                  static_cast<int>(barostat.shape)),
                      npt_stage(cold, barostat, 0)});
  }
  return stages;
}

std::vector<NamedStage> every_stage() {
  std::vector<NamedStage> stages = every_thermostat();
  for (NamedStage& stage : every_barostat_stage()) stages.push_back(std::move(stage));
  return stages;
}

/// What a run is made of.
struct Sampling {
  int cells = 3;  ///< of four atoms along each axis
  double ps = 200;
  std::int64_t every = 50;  ///< steps of 4 fs
  std::uint64_t seed = 1;
};

std::vector<ThermoRow> rows_of(StageOptions stage, const Sampling& sampling) {
  constexpr double equilibration_ps = 10;
  static const auto potential = argon(5.0);
  stage.duration_fs = 1000 * (sampling.ps + equilibration_ps);
  MdOptions options = options_for({stage});
  options.timestep_fs = 4;
  options.thermo_interval = sampling.every;
  options.seed = sampling.seed;
  const MdInput input = input_for(argon_crystal(sampling.cells));
  std::vector<ThermoRow> rows = run({.potential = *potential, .input = input, .options = options})->sink.rows;
  std::erase_if(rows, [](const ThermoRow& row) { return row.time_fs < 1000 * equilibration_ps; });
  return rows;
}

template <class Value>
std::vector<double> column(const std::vector<ThermoRow>& rows, Value value) {
  std::vector<double> values;
  for (const ThermoRow& row : rows) values.push_back(value(row));
  return values;
}

/// K + U + P V; the total energy at constant volume, but for a constant.
auto enthalpy_at(const StageOptions& stage) {
  const double pressure = stage.barostat.pressure_gpa / units::ev_per_a3_in_gpa;
  return [pressure](const ThermoRow& row) { return row.kinetic + row.potential + pressure * row.volume; };
}

/// T26: what an ensemble conserves has no trend: its slope is below 1e-5 kT/ns per degree of freedom, or not
/// significant at the level of 3 standard errors (the increments over 20 blocks; Student's distribution with 19 degrees
/// of freedom).
void expect_no_drift(const std::vector<ThermoRow>& rows, double kt) {
  constexpr std::size_t blocks = 20;
  constexpr double three_sigma = 3.45;
  const double degrees = 3 * 108 - 3, ns = (rows.back().time_fs - rows.front().time_fs) * 1e-6;
  std::vector<double> increments;
  for (std::size_t b = 0; b < blocks; ++b)
    increments.push_back(rows[(b + 1) * (rows.size() - 1) / blocks].conserved -
                         rows[b * (rows.size() - 1) / blocks].conserved);
  const double unit = blocks / (ns * kt * degrees), slope = mean_of(increments) * unit,
               error = std::sqrt(variance_of(increments) / blocks) * unit;
  std::printf("  drift %.1e +- %.1e kT/ns per degree of freedom\n", slope, error);
  EXPECT_TRUE(std::abs(slope) < 1e-5 || std::abs(slope) < three_sigma * error);
}

/// The slope of ln p2/p1 is `expected`, and the samples would show one that is wrong by 40 %.
void expect_slope(const std::vector<double>& first, const std::vector<double>& second, double expected) {
  const double correlated = std::sqrt(std::max(inefficiency(first), inefficiency(second)));
  const RatioSlope ratio = ratio_slope(first, second);
  const double error = correlated * ratio.error;
  std::printf("  slope %.4f +- %.4f of the expected one\n", ratio.slope / expected, error / std::abs(expected));
  EXPECT_NEAR(ratio.slope, expected, 3 * error);
  EXPECT_LT(error, 0.13 * std::abs(expected));
}

}  // namespace

/// T20: 864 atoms, every ensemble; samples thinned by their statistical inefficiency, which leaves 2,000 or more where
/// the kinetic energy forgets within 100 fs. Mean and width, Kolmogorov-Smirnov and chi-squared (20 bins of equal
/// probability) against Gamma(N_f/2, kT) of the target temperature.
TEST(PhysicalValidation, KineticEnergyIsGammaDistributedInEveryEnsemble) {
  const double kt = units::boltzmann * cold, degrees = 3 * 864 - 3;
  for (NamedStage& named : [] {
         auto stages = every_stage();
         for (NamedStage& n : stages) n.stage.tau_fs = 20;
         return stages;
       }()) {
    SCOPED_TRACE(named.name);
    const auto kinetic = column(rows_of(named.stage, {.cells = 6, .ps = 160, .every = 10, .seed = 3}),
                                [](const ThermoRow& row) { return row.kinetic; });
    const auto stride = static_cast<std::size_t>(std::ceil(inefficiency(kinetic)));
    std::vector<double> samples;
    for (std::size_t k = 0; k < kinetic.size(); k += stride) samples.push_back(kinetic[k]);
    const auto n = static_cast<double>(samples.size());
    const auto expected = [&](double k) { return gamma_cumulative(0.5 * degrees, kt, k); };
    const double ks = kolmogorov_smirnov(samples, expected), chi2 = chi_squared_test(samples, expected, 20);
    std::printf("%s: %zu of %zu samples, mean %.5f, variance %.3f, K-S p = %.3f, chi2 p = %.3f\n", named.name.c_str(),
                samples.size(), kinetic.size(), mean_of(samples) / (degrees * kt / 2),
                variance_of(samples) / (degrees * kt * kt / 2), ks, chi2);
    EXPECT_GE(samples.size(), 2000U);
    EXPECT_NEAR(mean_of(samples), degrees * kt / 2, 3 * std::sqrt(degrees / 2 / n) * kt);
    EXPECT_NEAR(variance_of(samples) / (degrees * kt * kt / 2), 1, 3 * std::sqrt((2 + 12 / degrees) / n));
    EXPECT_GT(ks, 0.01);
    EXPECT_GT(chi2, 0.01);
  }
}

/// T23, at constant pressure too: ln p2(H)/p1(H) has the slope 1/kT1 - 1/kT2.
TEST(PhysicalValidation, TwoTemperaturesHaveTheRatioOfBoltzmannInEveryEnsemble) {
  const double slope = (1 / cold - 1 / hot) / units::boltzmann;
  for (const NamedStage& named : every_stage()) {
    SCOPED_TRACE(named.name);
    std::printf("%s\n", named.name.c_str());
    StageOptions warmer = named.stage;
    warmer.temperature = {hot, hot};
    const auto first = rows_of(named.stage, {.seed = 1}), second = rows_of(warmer, {.seed = 2});
    expect_slope(column(first, enthalpy_at(named.stage)), column(second, enthalpy_at(warmer)), slope);
    expect_no_drift(first, units::boltzmann * cold);
    expect_no_drift(second, units::boltzmann * hot);
  }
}

/// T24 and T25: ln p2(V)/p1(V) has the slope -(P2 - P1)/kT, and the volume fluctuates as it responds, var V = -kT
/// dV/dP.
TEST(PhysicalValidation, TwoPressuresHaveTheRatioOfBoltzmannUnderEveryBarostat) {
  const double kt = units::boltzmann * cold, step = (high_gpa - low_gpa) / units::ev_per_a3_in_gpa;
  for (const NamedStage& named : every_barostat_stage()) {
    SCOPED_TRACE(named.name);
    std::printf("%s\n", named.name.c_str());
    StageOptions denser = named.stage;
    denser.barostat.pressure_gpa = high_gpa;
    const auto volume = [](const ThermoRow& row) { return row.volume; };
    const auto first = column(rows_of(named.stage, {.seed = 3}), volume),
               second = column(rows_of(denser, {.seed = 4}), volume);
    expect_slope(first, second, -step / kt);
    const double response = (mean_of(first) - mean_of(second)) / step,
                 fluctuation = 0.5 * (variance_of(first) + variance_of(second)) / kt;
    const double n = static_cast<double>(first.size()) / std::max(inefficiency(first), inefficiency(second));
    const double error = std::sqrt(1 / n + 2 * kt * fluctuation / std::pow(response * step, 2) / n);
    EXPECT_NEAR(response / fluctuation, 1, 3 * error);
    EXPECT_LT(error, 0.2);
  }
}

/// T18: 200 ps at constant energy, 256 atoms. The slope is below 1e-5 kT/ns per degree of freedom, or not significant.
TEST(PhysicalValidation, EnergyDoesNotDriftIn200Picoseconds) {
  const auto potential = argon();
  const double kt = units::boltzmann * cold, degrees = 3 * 256 - 3;
  MdOptions options = options_for({nvt_stage(cold, 100, 8000), nve_stage(cold, 200000)});
  options.timestep_fs = 4;
  options.thermo_interval = 20;
  const auto result = run({.potential = *potential, .input = input_for(argon_crystal(4)), .options = options});
  DriftFit fit;
  for (const ThermoRow& row : result->sink.rows)
    if (row.time_fs >= 8000) fit.add(row.time_fs * 1e-6, row.conserved / (kt * degrees));
  std::printf("slope %.2e +- %.1e kT/ns per degree of freedom\n", fit.slope(), fit.slope_error());
  EXPECT_TRUE(std::abs(fit.slope()) < 1e-5 || std::abs(fit.slope()) < 3 * fit.slope_error());
}

}  // namespace haven::testing
