#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <numeric>

#include "core/units.hpp"
#include "md/velocities.hpp"
#include "support/distributions.hpp"
#include "support/md_fixtures.hpp"

// What every thermostat of constant volume must sample, and what its conserved quantity must do.
namespace haven::testing {
namespace {

StageOptions with(Thermostat thermostat, StageOptions stage) {
  stage.thermostat = thermostat;
  return stage;
}

const std::vector<Thermostat> thermostats{Thermostat::bussi, Thermostat::nose_hoover, Thermostat::langevin};

/// Rows of 108 atoms of argon, 160 fs apart.
std::vector<ThermoRow> rows_of(const Potential& potential, const StageOptions& stage, std::uint64_t seed) {
  MdOptions options = options_for({stage});
  options.timestep_fs = 4;
  options.thermo_interval = 40;
  options.seed = seed;
  std::vector<ThermoRow> rows =
      run({.potential = potential, .input = input_for(argon_crystal(3)), .options = options})->sink.rows;
  std::erase_if(rows, [](const ThermoRow& row) { return row.time_fs < 4000; });
  return rows;
}

template <class Value>
std::vector<double> column(const std::vector<ThermoRow>& rows, Value value) {
  std::vector<double> values;
  for (const ThermoRow& row : rows) values.push_back(value(row));
  return values;
}

/// A direction in the space of mass-weighted velocities, [atom], one for each of x, y and z.
using Pattern = std::vector<double>;

/// Standing waves of the longest wavelengths: sines and cosines along each axis, over the atoms' first places. Their
/// sum of squares is 1.
std::vector<Pattern> longest_waves(const Structure& structure) {
  std::vector<Pattern> waves(6);
  for (const Vec3& r : structure.positions) {
    const Vec3 s = structure.cell.to_fractional(r);
    for (int k = 0; k < 3; ++k) {
      const double phase = 2 * std::numbers::pi * s[k];
      waves[static_cast<std::size_t>(2 * k)].push_back(std::cos(phase));
      waves[static_cast<std::size_t>(2 * k) + 1].push_back(std::sin(phase));
    }
  }
  for (Pattern& wave : waves)
    for (double& u : wave) u *= std::sqrt(2.0 / static_cast<double>(structure.positions.size()));
  return waves;
}

/// The groups whose temperatures must be equal, relative to `kt` and for one frame: x, y, z, light atoms, heavy ones,
/// those below and above the middle of the box at the start, and the longest waves.
std::array<double, 8> temperatures_of(const TrajectoryFrame& frame, const MdInput& input, double kt) {
  const double total_mass = std::accumulate(input.masses.begin(), input.masses.end(), 0.0);
  std::array<double, 8> sums{}, counts{};
  const auto add = [&](std::size_t group, double value) { sums[group] += value, counts[group] += 1; };
  for (std::size_t i = 0; i < frame.velocities.size(); ++i) {
    const bool above = input.structure.cell.to_fractional(input.structure.positions[i]).z > 0.49;
    for (int k = 0; k < 3; ++k) {
      const double t = units::kinetic_to_ev * input.masses[i] * std::pow(frame.velocities[i][k], 2) /
                       (kt * (1 - input.masses[i] / total_mass));
      for (const auto group : {static_cast<std::size_t>(k), 3 + i % 2, std::size_t{5} + (above ? 1 : 0)}) add(group, t);
    }
  }
  for (const Pattern& wave : longest_waves(input.structure)) {
    Vec3 speed;
    for (std::size_t i = 0; i < wave.size(); ++i) speed += (std::sqrt(input.masses[i]) * wave[i]) * frame.velocities[i];
    for (int k = 0; k < 3; ++k) add(7, units::kinetic_to_ev * speed[k] * speed[k] / kt);
  }
  for (std::size_t g = 0; g < sums.size(); ++g) sums[g] /= counts[g];
  return sums;
}

/// The thermostats at constant volume, and with both barostats.
std::vector<StageOptions> ensembles_with_temperature(double temperature, double duration_fs) {
  std::vector<StageOptions> stages;
  for (const Thermostat thermostat : thermostats)
    stages.push_back(with(thermostat, nvt_stage(temperature, 100, duration_fs)));
  stages.push_back(npt_stage(temperature,
                             {.pressure_gpa = 0.2, .shape = CellShape::triclinic, .tau_fs = 400, .bulk_modulus_gpa = 2},
                             duration_fs));
  stages.push_back(npt_stage(
      temperature,
      {.type = Barostat::martyna_tobias_klein, .pressure_gpa = 0.2, .shape = CellShape::triclinic, .tau_fs = 1500},
      duration_fs));
  return stages;
}

}  // namespace

/// T20 on a budget: mean and width of the kinetic energy are those of Gamma(N_f/2, kT) at the target temperature,
/// within 3 standard errors of correlated samples.
TEST(Thermostats, SampleTheCanonicalKineticEnergy) {
  const auto potential = argon(5.0);
  const double kt = units::boltzmann * 100, degrees = 321;
  for (const Thermostat thermostat : {Thermostat::nose_hoover, Thermostat::langevin}) {
    SCOPED_TRACE(static_cast<int>(thermostat));
    const auto rows = rows_of(*potential, with(thermostat, nvt_stage(100, 100, 100000)), 1);
    const auto kinetic = column(rows, [](const ThermoRow& row) { return row.kinetic; });
    std::vector<double> squares;
    for (const double k : kinetic) squares.push_back(std::pow(k - degrees * kt / 2, 2));
    const auto n = static_cast<double>(kinetic.size());
    EXPECT_NEAR(mean_of(kinetic), degrees * kt / 2, 3 * std::sqrt(variance_of(kinetic) * inefficiency(kinetic) / n));
    EXPECT_NEAR(mean_of(squares), degrees * kt * kt / 2,
                3 * std::sqrt(variance_of(squares) * inefficiency(squares) / n));
  }
}

/// T23 on a budget: ln p2(E)/p1(E) of the total energy is a straight line of slope 1/kT1 - 1/kT2, for every thermostat.
TEST(Thermostats, EnergiesAtTwoTemperaturesHaveTheRatioOfBoltzmann) {
  const auto potential = argon(5.0);
  const double cold = 100, hot = 108, slope = (1 / cold - 1 / hot) / units::boltzmann;
  for (const Thermostat thermostat : thermostats) {
    SCOPED_TRACE(static_cast<int>(thermostat));
    const auto energies = [&](double temperature, std::uint64_t seed) {
      return column(rows_of(*potential, with(thermostat, nvt_stage(temperature, 200, 100000)), seed),
                    [](const ThermoRow& row) { return row.kinetic + row.potential; });
    };
    const auto first = energies(cold, 1), second = energies(hot, 2);
    const double correlated = std::sqrt(std::max(inefficiency(first), inefficiency(second)));
    const RatioSlope ratio = ratio_slope(first, second);
    EXPECT_NEAR(ratio.slope, slope, 3 * correlated * ratio.error);
    EXPECT_LT(correlated * ratio.error, 0.35 * slope);
  }
}

/// T26: what is conserved is conserved to the order of the integrator.
TEST(Thermostats, ConservedQuantityFallsWithTheSquareOfTheTimestep) {
  const auto potential = argon();
  for (const Thermostat thermostat : {Thermostat::nose_hoover, Thermostat::langevin}) {
    SCOPED_TRACE(static_cast<int>(thermostat));
    std::vector<double> rms;
    for (const double timestep : {8.0, 4.0}) {
      StageOptions ramp = with(thermostat, nvt_stage(60, 1000, 8000));
      ramp.temperature.end = 80;
      MdOptions options = options_for({nvt_stage(60, 50, 2000), ramp});
      options.timestep_fs = timestep;
      options.thermo_interval = static_cast<std::int64_t>(16 / timestep);
      std::vector<double> conserved, total;
      const auto result = run({.potential = *potential, .input = input_for(argon_crystal(3)), .options = options});
      for (const ThermoRow& row : result->sink.rows)
        if (row.time_fs > 2000) conserved.push_back(row.conserved), total.push_back(row.kinetic + row.potential);
      rms.push_back(std::sqrt(variance_of(conserved)));
      EXPECT_LT(rms.back(), 0.02 * std::sqrt(variance_of(total)));
    }
    EXPECT_NEAR(rms[0] / rms[1], 4.0, 1.2);
  }
}

/// T28: a free particle under friction diffuses with D = kT/(m gamma); 108 of them with noise of no net momentum with
/// 107/108 of it. The mean square displacement over 20 friction times, less the ballistic start: 2 D (t - tau (1 -
/// e^-t/tau)).
TEST(Langevin, FreeParticlesDiffuseAsEinsteinSays) {
  const IdealGas gas;
  const double tau = 50, time = 2000, kt = units::boltzmann * 300, mass = 39.948;
  const double diffusion = kt * units::force_to_acceleration * tau / mass * 107 / 108;
  double sum = 0, count = 0;
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    StageOptions stage = with(Thermostat::langevin, nvt_stage(300, tau, time));
    MdOptions options = options_for({stage});
    options.seed = seed;
    const MdInput input = input_for(argon_crystal(3));
    const SimulationState end = run({.potential = gas, .input = input, .options = options})->outcome.final_state;
    for (std::size_t i = 0; i < end.positions.size(); ++i) {
      const Vec3 d = end.positions[i] - input.structure.positions[i];
      for (int k = 0; k < 3; ++k) sum += d[k] * d[k], count += 1;
    }
  }
  const double expected = 2 * diffusion * (time - tau * (1 - std::exp(-time / tau)));
  EXPECT_NEAR(sum / count / expected, 1, 3 * std::sqrt(2 / count));  // squares of normal numbers
}

/// Langevin noise takes no momentum in or out, so the system stays at rest.
TEST(Langevin, LeavesTheSystemAtRest) {
  const auto potential = argon(5.0);
  const SimulationState end = run({.potential = *potential,
                                   .input = input_for(triclinic_argon(2)),
                                   .options = options_for({with(Thermostat::langevin, nvt_stage(100, 50, 4000))})})
                                  ->outcome.final_state;
  Vec3 momentum;
  double thermal = 0;
  for (std::size_t i = 0; i < end.velocities.size(); ++i) {
    momentum += end.masses[i] * end.velocities[i];
    thermal += std::pow(end.masses[i], 2) * norm2(end.velocities[i]);
  }
  EXPECT_LT(norm(momentum), 1e-11 * std::sqrt(thermal));  // the momentum is summed in multiples of 2^-44
}

/// T22 on a budget: light and heavy atoms, each direction, the halves of the box and the slowest collective motions
/// have the same temperature in every ensemble, within 4.5 standard errors from ten blocks (energy passes slowly
/// between the modes of a crystal, so samples are correlated). That is stricter than 3.5 of a known error: a Student
/// distribution with 9 degrees of freedom is beyond 4.5 with probability 0.15 %, a normal one beyond 3.5 with 0.05 %.
/// With the centre of mass at rest the mean energy of an atom is 3/2 kT (1 - m/M). A thermostat that drains fast
/// motions into slow ones - the flying ice cube - heats the waves.
TEST(Thermostats, ShareTheEnergyEquallyBetweenElementsAxesAndWaves) {
  const auto potential = argon(5.0);
  MdInput input = input_for(argon_crystal(3));
  for (std::size_t i = 0; i < input.masses.size(); i += 2) input.masses[i] = 7;
  for (StageOptions stage : ensembles_with_temperature(80, 80000)) {
    SCOPED_TRACE(stage.name + " " + std::to_string(static_cast<int>(stage.thermostat)));
    stage.trajectory_interval = 50;
    stage.store_velocities = true;
    MdOptions options = options_for({nvt_stage(80, 20, 4000), stage});
    options.timestep_fs = 4;
    const auto result = run({.potential = *potential, .input = input, .options = options});
    std::array<std::vector<double>, 8> temperatures;  // relative to the target
    for (const TrajectoryFrame& frame : result->sink.frames) {
      const auto values = temperatures_of(frame, input, units::boltzmann * 80);
      for (std::size_t g = 0; g < values.size(); ++g) temperatures[g].push_back(values[g]);
    }
    for (std::size_t g = 0; g < temperatures.size(); ++g) {
      const Blocks blocks = blocks_of(temperatures[g], 10);
      EXPECT_NEAR(blocks.mean, 1, 4.5 * blocks.error) << "group " << g;
      EXPECT_LT(blocks.error, g == 7 ? 0.08 : 0.02) << "group " << g;
    }
  }
}

/// T27: the target falls from 80 to 1 K at once, and the thermostat acts as fast as it can. (The frequency of a chain
/// grows with the root of the excess, here to nine times the nominal one, and has to stay below that of the timestep.)
/// The crystal is cold at the end, and the heat it gave away is accounted for: what is conserved changes by less than a
/// twentieth of it.
TEST(Thermostats, QuenchAtOnceIsSurvivedAndAccountedFor) {
  const auto potential = argon(5.0);
  for (const Thermostat thermostat : thermostats) {
    SCOPED_TRACE(static_cast<int>(thermostat));
    const double tau = thermostat == Thermostat::nose_hoover ? 500 : 5;
    MdOptions options = options_for({nvt_stage(80, 50, 2000), with(thermostat, nvt_stage(1, tau, 20000))});
    options.thermo_interval = 10;
    options.guards.max_temperature_factor = 0;  // 80 times the target, at first
    const auto result = run({.potential = *potential, .input = input_for(argon_crystal(3)), .options = options});
    std::vector<ThermoRow> rows = result->sink.rows;
    std::erase_if(rows, [](const ThermoRow& row) { return row.time_fs < 2000; });
    ASSERT_EQ(rows[1].time_fs, 2000);  // the row before is the last one of the other stage
    const ThermoRow &first = rows[1], &last = rows.back();
    const double heat = first.kinetic + first.potential - last.kinetic - last.potential;
    EXPECT_GT(heat, 0.5 * 321 * units::boltzmann * 60);
    EXPECT_LT(std::abs(last.conserved - first.conserved), 0.05 * heat);
    double temperature = 0;
    for (std::size_t k = rows.size() - 200; k < rows.size(); ++k) temperature += rows[k].temperature / 200;
    EXPECT_NEAR(temperature, 1, 0.2);
  }
}

/// The other face of the flying ice cube: no ensemble sets the system in motion as a whole, however hard the thermostat
/// works. What is there of momentum is rounding of 10,000 velocity updates.
TEST(Thermostats, NoEnsembleSetsTheWholeSystemInMotion) {
  const auto potential = argon(5.0);
  for (StageOptions stage : ensembles_with_temperature(80, 40000)) {
    SCOPED_TRACE(stage.name + " " + std::to_string(static_cast<int>(stage.thermostat)));
    stage.tau_fs = stage.thermostat == Thermostat::nose_hoover ? 50 : 5;  // chains need several steps per period
    MdOptions options = options_for({stage});
    options.timestep_fs = 4;
    const SimulationState end =
        run({.potential = *potential, .input = input_for(argon_crystal(2)), .options = options})->outcome.final_state;
    Vec3 momentum;
    double thermal = 0;
    for (std::size_t i = 0; i < end.velocities.size(); ++i) {
      momentum += end.masses[i] * end.velocities[i];
      thermal += std::pow(end.masses[i], 2) * norm2(end.velocities[i]);
    }
    EXPECT_EQ(end.step, 10000);
    EXPECT_LT(norm(momentum), 1e-10 * std::sqrt(thermal));
  }
}

}  // namespace haven::testing
