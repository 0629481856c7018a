#include <gtest/gtest.h>

#include <cstdio>

#include "core/units.hpp"
#include "support/trained_crystal.hpp"

namespace haven::testing {

/// T18 with a network: 200 ps at constant energy, 108 atoms, 0.5 fs. The slope is below 1e-5 kT/ns per degree of
/// freedom in double precision and 1e-3 in mixed, or not significant (3 standard errors); and below 1e-6 eV per atom
/// and ps.
TEST(LongDrift, OfATrainedNetworkIsNoneIn200Picoseconds) {
  const Model model = briefly_trained();
  const MdInput input = crystal(model);
  const auto atoms = static_cast<double>(input.masses.size());
  MdOptions options = options_for({nvt_stage(500, 50, 1000), nve_stage(500, 200000)});
  options.timestep_fs = 0.5;
  options.thermo_interval = 50;
  options.guards.energy_drift = 0;  // this is what is measured
  for (const Precision precision : {Precision::mixed, Precision::float64}) {
    const auto potential = make_potential(model, precision);
    const auto result = run({.potential = *potential, .input = input, .options = options});
    std::vector<double> times, energies;
    double temperature = 0;
    for (const ThermoRow& row : result->sink.rows) {
      if (row.step <= 2000) continue;
      times.push_back(row.time_fs / 1000);
      energies.push_back(row.conserved / atoms);
      temperature += row.temperature;
    }
    ASSERT_EQ(energies.size(), 8000U);
    temperature /= 8000;
    const Slope drift = slope_of(times, energies);
    const double unit = 1000 * atoms / (units::boltzmann * temperature * (3 * atoms - 3));  // kT/ns/dof in eV/atom/ps
    std::printf("%s precision, %.0f K: %.2e +- %.1e eV/atom/ps, %.2e +- %.1e kT/ns per degree of freedom\n",
                precision == Precision::mixed ? "mixed" : "double", temperature, drift.value, drift.error,
                drift.value * unit, drift.error * unit);
    const double bar = precision == Precision::mixed ? 1e-3 : 1e-5;
    EXPECT_TRUE(std::abs(drift.value) * unit < bar || std::abs(drift.value) < 3 * drift.error);
    EXPECT_LT(std::abs(drift.value) + 2 * drift.error, 1e-6);
    EXPECT_GT(temperature, 200) << "the crystal has to be at work";
  }
}

}  // namespace haven::testing
