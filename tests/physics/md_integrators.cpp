#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "core/rng.hpp"
#include "core/units.hpp"
#include "md/drift_fit.hpp"
#include "md/integrators/csvr.hpp"
#include "md/observables.hpp"
#include "support/distributions.hpp"
#include "support/md_fixtures.hpp"

namespace haven::testing {
namespace {

/// Warm argon, equilibrated enough to be no crystal at rest: 108 atoms at about 60 K.
SimulationState warm_argon(const Potential& potential, std::uint64_t seed = 1) {
  MdOptions options = options_for({nvt_stage(60, 50, 4000)});
  options.seed = seed;
  return run({.potential = potential, .input = input_for(argon_crystal(3)), .options = options})->outcome.final_state;
}

MdInput continued(const SimulationState& state) {
  return input_for(
      {.cell = state.cell, .numbers = state.numbers, .positions = state.positions, .velocities = state.velocities});
}

MdOptions nve_from_structure(double timestep, double duration) {
  MdOptions options = options_for({nve_stage(60, duration)});
  options.timestep_fs = timestep;
  options.initial_velocities = InitialVelocities::from_structure;
  options.guards.energy_drift = 0;
  return options;
}

}  // namespace

/// Velocity Verlet is time-reversible; what remains is rounding, amplified by the chaos of 500 steps.
TEST(VelocityVerlet, ReturnsWhenVelocitiesAreReversed) {
  const auto potential = argon();
  for (const std::uint64_t seed : {1, 2, 3}) {
    const SimulationState start = warm_argon(*potential, seed);
    const MdOptions options = nve_from_structure(2, 1000);
    SimulationState there =
        run({.potential = *potential, .input = continued(start), .options = options})->outcome.final_state;
    for (Vec3& v : there.velocities) v = -v;
    const SimulationState back =
        run({.potential = *potential, .input = continued(there), .options = options})->outcome.final_state;
    EXPECT_EQ(back.step, 500);
    double farthest = 0, travelled = 0;
    for (std::size_t i = 0; i < start.positions.size(); ++i) {
      farthest = std::max(farthest, norm(back.positions[i] - start.positions[i]));
      travelled = std::max(travelled, norm(there.positions[i] - start.positions[i]));
    }
    EXPECT_LT(farthest, 1e-8) << "seed " << seed;
    EXPECT_GT(travelled, 0.5) << "seed " << seed;
  }
}

/// Forces are fixed-point and come in opposite pairs, so they sum to exactly zero; only the velocity updates round.
TEST(VelocityVerlet, KeepsTheTotalMomentum) {
  const auto potential = argon(5.0);
  const Structure structure = triclinic_argon(2);
  const SimulationState end =
      run({.potential = *potential, .input = input_for(structure), .options = options_for({nve_stage(100, 200000)})})
          ->outcome.final_state;
  Vec3 momentum;
  double thermal = 0;
  for (std::size_t i = 0; i < end.velocities.size(); ++i) {
    momentum += end.masses[i] * end.velocities[i];
    thermal += std::pow(end.masses[i], 2) * norm2(end.velocities[i]);
  }
  EXPECT_EQ(end.step, 100000);
  EXPECT_LT(norm(momentum), 1e-12 * std::sqrt(thermal));
}

/// Second order: halving the timestep divides the fluctuation of the energy by four.
TEST(VelocityVerlet, EnergyFluctuationFallsWithTheSquareOfTheTimestep) {
  const auto potential = argon();
  const SimulationState start = warm_argon(*potential);
  std::vector<double> rms;
  for (const double timestep : {8.0, 4.0, 2.0}) {  // argon's vibrations are slow; the shortest period is about 500 fs
    MdOptions options = nve_from_structure(timestep, 8000);
    options.thermo_interval = static_cast<std::int64_t>(16 / timestep);  // the same times for all
    std::vector<double> energies;
    const auto result = run({.potential = *potential, .input = continued(start), .options = options});
    for (const auto& row : result->sink.rows) energies.push_back(row.conserved);
    ASSERT_EQ(energies.size(), 501u);
    rms.push_back(std::sqrt(variance_of(energies)));
  }
  EXPECT_NEAR(rms[0] / rms[1], 4.0, 0.4);
  EXPECT_NEAR(rms[1] / rms[2], 4.0, 0.4);
}

/// T18's law on a budget: the slope of the energy is below 1e-5 kT/ns per degree of freedom, or not significant (3
/// sigma).
TEST(VelocityVerlet, EnergyDoesNotDrift) {
  const auto potential = argon();
  const SimulationState start = warm_argon(*potential);
  MdOptions options = nve_from_structure(4, 80000);
  options.thermo_interval = 20;
  DriftFit fit;
  const auto result = run({.potential = *potential, .input = continued(start), .options = options});
  for (const auto& row : result->sink.rows) fit.add(row.time_fs * 1e-6, row.conserved / (units::boltzmann * 60 * 321));
  EXPECT_EQ(fit.count(), 1001);
  EXPECT_TRUE(std::abs(fit.slope()) < 1e-5 || std::abs(fit.slope()) < 3 * fit.slope_error())
      << fit.slope() << " +- " << fit.slope_error() << " kT/ns/dof";
}

/// With all atoms at rest the pressure is the virial's; against -dU/dV by a fourth-order difference of scaled cells.
TEST(Pressure, IsMinusEnergyPerVolume) {
  const auto potential = argon();
  const auto row_at = [&](double scale) {
    Structure structure = triclinic_argon(2);
    structure.cell = Cell(scale * structure.cell.vectors());
    for (Vec3& r : structure.positions) r *= scale;
    return run({.potential = *potential, .input = input_for(structure), .options = options_for({nve_stage(0, 2)})})
        ->sink.rows.front();
  };
  const double h = 1e-3;
  const double slope = (8 * (row_at(1 + h).potential - row_at(1 - h).potential) -
                        (row_at(1 + 2 * h).potential - row_at(1 - 2 * h).potential)) /
                       (12 * h);
  const ThermoRow row = row_at(1);
  EXPECT_NEAR(row.pressure_gpa, -slope / (3 * row.volume) * units::ev_per_a3_in_gpa, 1e-7 * std::abs(row.pressure_gpa));
}

/// Without forces the pressure is that of the ideal gas with N - 1 free atoms: exact.
TEST(Pressure, OfFreeAtomsIsKinetic) {
  const IdealGas gas;
  const Structure structure = argon_crystal(3);
  const ThermoRow row =
      run({.potential = gas, .input = input_for(structure), .options = options_for({nve_stage(300, 2)})})
          ->sink.rows.front();
  EXPECT_NEAR(row.pressure_gpa, 107 * units::boltzmann * 300 / structure.cell.volume() * units::ev_per_a3_in_gpa,
              1e-12);
}

/// The factor alone: repeated, it makes the kinetic energy a stationary process with the mean and variance of the Gamma
/// distribution and the autocorrelation exp(-dt/tau). 200,000 steps, of which the correlation leaves about 1/20
/// independent.
TEST(Csvr, FactorSamplesTheCanonicalKineticEnergy) {
  for (const Index n_f : {Index{1}, Index{3}, Index{30}, Index{321}}) {
    for (const std::uint64_t seed : {1u, 2u, 3u}) {
      const double mean = 0.5 * static_cast<double>(n_f), decay = std::exp(-0.1);  // in units of kT
      double kinetic = 0.3 * mean;
      std::vector<double> samples;
      for (std::uint64_t step = 0; step < 200000; ++step) {
        const double factor = csvr_factor(
            {.kinetic = kinetic, .mean_kinetic = mean, .decay = decay, .degrees_of_freedom = n_f}, seed, step);
        kinetic *= factor * factor;
        if (step >= 1000) samples.push_back(kinetic);
      }
      const auto n = static_cast<double>(samples.size());
      const double n_eff = n * (1 - decay) / (1 + decay), variance = mean;  // Gamma(n_f/2, 1): variance n_f/2
      const double kurtosis_excess = 6 / mean, n_eff2 = n * (1 - decay * decay) / (1 + decay * decay);
      EXPECT_NEAR(mean_of(samples), mean, 3 * std::sqrt(variance / n_eff)) << n_f << " " << seed;
      EXPECT_NEAR(variance_of(samples) / variance, 1, 3 * std::sqrt((2 + kurtosis_excess) / n_eff2))
          << n_f << " " << seed;
      double lagged = 0;
      for (std::size_t k = 1; k < samples.size(); ++k) lagged += (samples[k] - mean) * (samples[k - 1] - mean);
      EXPECT_NEAR(lagged / n / variance, decay, 3 * std::sqrt((2 + kurtosis_excess) / n_eff2)) << n_f << " " << seed;
    }
  }
}

/// In a run: 108 atoms of liquid-like argon, samples 8 relaxation times apart (correlation e^-8). Mean and variance of
/// K are those of Gamma(N_f/2, kT) with the target temperature, within 3 standard errors, and its shape passes the
/// Kolmogorov-Smirnov and chi-squared tests, for each of three fixed seeds.
TEST(Csvr, RunSamplesMeanAndVarianceOfTheKineticEnergy) {
  const auto potential = argon(5.0);
  const double temperature = 100, kt = units::boltzmann * temperature;
  for (const std::uint64_t seed : {1u, 2u, 3u}) {
    MdOptions options = options_for({nvt_stage(temperature, 10, 200), nvt_stage(temperature, 5, 40000)});
    options.timestep_fs = 4;
    options.thermo_interval = 10;
    options.seed = seed;
    const auto result = run({.potential = *potential, .input = input_for(argon_crystal(3)), .options = options});
    std::vector<double> samples;
    for (const auto& row : result->sink.rows)
      if (row.step > 50) samples.push_back(row.kinetic);
    ASSERT_GE(samples.size(), 1000u);
    const auto n = static_cast<double>(samples.size());
    const double mean = 321 * kt / 2, variance = 321 * kt * kt / 2;
    EXPECT_NEAR(mean_of(samples), mean, 3 * std::sqrt(variance / n)) << seed;
    EXPECT_NEAR(variance_of(samples) / variance, 1, 3 * std::sqrt((2 + 12.0 / 321) / n)) << seed;
    const auto expected = [&](double kinetic) { return gamma_cumulative(0.5 * 321, kt, kinetic); };
    EXPECT_GT(kolmogorov_smirnov(samples, expected), 0.01) << seed;
    EXPECT_GT(chi_squared_test(samples, expected, 20), 0.01) << seed;
  }
}

/// The tests themselves: they accept what follows the distribution and see a temperature that is wrong by 2 %.
TEST(Distributions, AcceptTheRightOneAndRefuseItsNeighbours) {
  EXPECT_NEAR(gamma_cumulative(1, 2, 3), 1 - std::exp(-1.5), 1e-14);
  EXPECT_NEAR(gamma_cumulative(0.5, 1, 0.3), std::erf(std::sqrt(0.3)), 1e-14);
  EXPECT_NEAR(gamma_cumulative(0.5, 1, 7), std::erf(std::sqrt(7)), 1e-14);
  for (const std::uint64_t seed : {1u, 2u, 3u}) {
    RandomSequence random(seed, Stream::test, 77);
    std::vector<double> samples;
    for (int k = 0; k < 1000; ++k) samples.push_back(random.gamma(160.5));
    const auto right = [](double x) { return gamma_cumulative(160.5, 1, x); };
    const auto hot = [](double x) { return gamma_cumulative(160.5, 1.02, x); };
    EXPECT_GT(kolmogorov_smirnov(samples, right), 0.01);
    EXPECT_GT(chi_squared_test(samples, right, 20), 0.01);
    EXPECT_LT(kolmogorov_smirnov(samples, hot), 0.01);
    EXPECT_LT(chi_squared_test(samples, hot, 20), 0.01);
  }
}

/// K + U less the energy from the bath is conserved to the order of the integrator: its fluctuation scales as dt^2.
TEST(Csvr, ConservedEnergyFallsWithTheSquareOfTheTimestep) {
  const auto potential = argon();
  const SimulationState start = warm_argon(*potential);
  std::vector<double> rms;
  for (const double timestep : {8.0, 4.0}) {
    MdOptions options = nve_from_structure(timestep, 8000);
    options.stages = {nvt_stage(60, 1000, 8000)};
    options.thermo_interval = static_cast<std::int64_t>(16 / timestep);
    std::vector<double> conserved, total;
    const auto result = run({.potential = *potential, .input = continued(start), .options = options});
    for (const auto& row : result->sink.rows) {
      conserved.push_back(row.conserved);
      total.push_back(row.kinetic + row.potential);
    }
    rms.push_back(std::sqrt(variance_of(conserved)));
    EXPECT_LT(rms.back(), 0.01 * std::sqrt(variance_of(total)));  // what the bath gives and takes is accounted for
  }
  EXPECT_NEAR(rms[0] / rms[1], 4.0, 0.8);  // two noise histories: the ratio is that of the integrator only on average
}

TEST(Csvr, FollowsARamp) {
  const auto potential = argon();
  auto ramp = nvt_stage(40, 20, 20000);
  ramp.temperature = {40, 90};
  const auto result =
      run({.potential = *potential, .input = input_for(argon_crystal(3)), .options = options_for({ramp})});
  std::vector<double> deviation;  // relative to the programme, over the second half
  for (const auto& row : result->sink.rows)
    if (row.step > 5000) deviation.push_back(row.temperature / (40 + 50 * row.time_fs / 20000) - 1);
  EXPECT_NEAR(mean_of(deviation), 0, 3 * std::sqrt(2.0 / 321 / static_cast<double>(deviation.size())));
}

}  // namespace haven::testing
