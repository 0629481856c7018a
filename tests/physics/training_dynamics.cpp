#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "support/md_fixtures.hpp"
#include "support/trained_crystal.hpp"

/// The laws of motion with a network that was really trained, on the example that comes with the program.
namespace haven::testing {
namespace {

MdOptions equilibrate_then_nve(double nve_fs) {
  auto equilibrate = nvt_stage(500, 50, 500);
  MdOptions options = options_for({equilibrate, nve_stage(500, nve_fs)});
  options.timestep_fs = 1.0;
  options.thermo_interval = 10;
  options.guards.energy_drift = 0;  // this is what is measured
  return options;
}

void expect_no_drift(const Model& model, Precision precision) {
  const auto potential = make_potential(model, precision);
  const MdInput input = crystal(model);
  const auto result = run({.potential = *potential, .input = input, .options = equilibrate_then_nve(4000)});
  std::vector<double> times, energies, temperatures;
  for (const ThermoRow& row : result->sink.rows) {
    if (row.step <= 500) continue;
    times.push_back(row.time_fs / 1000);
    energies.push_back(row.conserved / static_cast<double>(input.masses.size()));
    temperatures.push_back(row.temperature);
  }
  ASSERT_EQ(energies.size(), 400U);
  EXPECT_GT(*std::min_element(temperatures.begin(), temperatures.end()), 200) << "K: the crystal has to be at work";
  const Slope drift = slope_of(times, energies);
  const std::string figures = fmt::format("{:.2e} +- {:.1e} eV/atom/ps", drift.value, drift.error);
  ::testing::Test::RecordProperty(precision == Precision::mixed ? "drift_mixed" : "drift_double", figures);
  EXPECT_LT(std::abs(drift.value), 1e-5) << figures;
  EXPECT_LT(drift.error, 0.5e-5) << figures << ": the run is too short to say anything";
}

/// T16 with a network: 500 steps there and 500 back, in double precision (in mixed precision forces round at 1e-7).
void expect_return(const Model& model) {
  const auto potential = make_potential(model, Precision::float64);
  MdInput input = crystal(model);
  MdOptions options = equilibrate_then_nve(500);
  const auto moving = [&](const SimulationState& state, double direction) {
    input.structure.positions = state.positions;
    input.structure.velocities = state.velocities;
    for (Vec3& v : input.structure.velocities) v *= direction;
    options.stages.assign(1, nve_stage(500, 500));
    options.initial_velocities = InitialVelocities::from_structure;
    return run({.potential = *potential, .input = input, .options = options})->outcome.final_state;
  };
  const SimulationState start = run({.potential = *potential, .input = input, .options = options})->outcome.final_state;
  const SimulationState there = moving(start, 1), back = moving(there, -1);
  double farthest = 0, travelled = 0;
  for (std::size_t i = 0; i < start.positions.size(); ++i) {
    farthest = std::max(farthest, norm(back.positions[i] - start.positions[i]));
    travelled = std::max(travelled, norm(there.positions[i] - start.positions[i]));
  }
  EXPECT_LT(farthest, 1e-8);
  EXPECT_GT(travelled, 0.5);
}

/// T17 with a network: halving the timestep divides the fluctuation of the energy by four.
void expect_second_order(const Model& model) {
  const auto potential = make_potential(model, Precision::float64);
  MdInput input = crystal(model);
  MdOptions options = equilibrate_then_nve(0);
  options.stages.pop_back();
  const SimulationState start = run({.potential = *potential, .input = input, .options = options})->outcome.final_state;
  input.structure.positions = start.positions;
  input.structure.velocities = start.velocities;
  options.stages.assign(1, nve_stage(500, 1000));
  options.initial_velocities = InitialVelocities::from_structure;
  std::vector<double> rms;
  for (const double timestep : {2.0, 1.0, 0.5}) {
    options.timestep_fs = timestep;
    options.thermo_interval = static_cast<std::int64_t>(4 / timestep);  // the same times for all
    double sum = 0, squares = 0;
    const auto result = run({.potential = *potential, .input = input, .options = options});
    const double first = result->sink.rows.front().conserved;
    for (const ThermoRow& row : result->sink.rows) {
      sum += row.conserved - first;
      squares += std::pow(row.conserved - first, 2);
    }
    const auto n = static_cast<double>(result->sink.rows.size());
    ASSERT_EQ(n, 251);
    rms.push_back(std::sqrt(squares / n - std::pow(sum / n, 2)));
  }
  EXPECT_NEAR(rms[0] / rms[1], 4.0, 0.4);
  EXPECT_NEAR(rms[1] / rms[2], 4.0, 0.4);
}

}  // namespace

/// The tolerance, 1e-5 eV per atom and ps, is a heating of 0.08 K/ps: a thermostat with a relaxation time of 1 ps, the
/// slowest that a production run uses, holds the temperature within 0.1 K against it, far below the statistical error
/// of any temperature. A potential with a jump or a kink in its energy, a force that is no gradient, or a timestep that
/// is too long fails by orders of magnitude. One test, because training is what takes the time.
TEST(TrainedNetwork, ConservesTheEnergyAt1FsInBothPrecisionsAndReversesInTime) {
  const Model model = briefly_trained();
  expect_no_drift(model, Precision::mixed);
  expect_no_drift(model, Precision::float64);
  expect_return(model);
  expect_second_order(model);
}

}  // namespace haven::testing
