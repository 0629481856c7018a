#include <gtest/gtest.h>

#include <cmath>

#include "core/error.hpp"
#include "core/units.hpp"
#include "md/integrators/strain.hpp"
#include "md/mean_cell.hpp"
#include "support/distributions.hpp"
#include "support/md_fixtures.hpp"

// Stochastic cell rescaling and the equations of motion of Martyna, Tobias and Klein sample exp(-(K + U + P V)/kT), and
// what they conserve measures the time step's error.
namespace haven::testing {
namespace {

constexpr double kt_at_60 = units::boltzmann * 60;

const std::vector<CellShape> shapes{CellShape::isotropic, CellShape::anisotropic, CellShape::triclinic};

/// Argon's bulk modulus at 60 K is about 2 GPa.
BarostatOptions barostat(double pressure_gpa, CellShape shape, double tau = 400) {
  return {.pressure_gpa = pressure_gpa, .shape = shape, .tau_fs = tau, .bulk_modulus_gpa = 2};
}

/// The volume of argon then swings with a period of about half a picosecond.
BarostatOptions inertial(double pressure_gpa, CellShape shape) {
  return {.type = Barostat::martyna_tobias_klein, .pressure_gpa = pressure_gpa, .shape = shape, .tau_fs = 1500};
}

/// Rows and frames of a run at constant pressure, every `every` steps of 4 fs, after `skipped_fs`.
struct Sample {
  std::vector<double> volumes, enthalpies, pressures;
  std::vector<Mat3> cells;
};

Sample sample_of(const Potential& potential, const BarostatOptions& options, double duration_fs, std::uint64_t seed) {
  constexpr double equilibration_fs = 8000;
  StageOptions stage = npt_stage(60, options, duration_fs);
  stage.trajectory_interval = 100;
  MdOptions md = options_for({stage});
  md.timestep_fs = 4;
  md.thermo_interval = 100;
  md.seed = seed;
  const auto result = run({.potential = potential, .input = input_for(argon_crystal(3)), .options = md});
  Sample sample;
  const double pressure = options.pressure_gpa / units::ev_per_a3_in_gpa;
  for (const ThermoRow& row : result->sink.rows) {
    if (row.time_fs < equilibration_fs) continue;
    sample.volumes.push_back(row.volume);
    sample.pressures.push_back(row.pressure_gpa);
    sample.enthalpies.push_back(row.kinetic + row.potential + pressure * row.volume);
  }
  for (const TrajectoryFrame& frame : result->sink.frames)
    if (frame.time_fs >= equilibration_fs) sample.cells.push_back(frame.cell.vectors());
  return sample;
}

}  // namespace

/// Free atoms without a centre-of-mass motion: p(V) is proportional to V^(N-1) exp(-P V/kT), exactly. Samples are five
/// relaxation times apart (correlation e^-5).
TEST(CellRescaling, VolumeOfTheIdealGasIsGammaDistributed) {
  const IdealGas gas;
  const double kt = units::boltzmann * 300, pressure_gpa = 0.1, pressure = pressure_gpa / units::ev_per_a3_in_gpa;
  Structure structure = argon_crystal(3);
  const double atoms = 108, edge = std::cbrt(atoms * kt / pressure);
  const double scale = edge / structure.cell.vectors()[0].x;
  structure.cell = Cell(scale * structure.cell.vectors());
  for (Vec3& r : structure.positions) r *= scale;
  for (const std::uint64_t seed : {1u, 2u, 3u}) {
    MdOptions options = options_for(
        {npt_stage(300, {.pressure_gpa = pressure_gpa, .tau_fs = 100, .bulk_modulus_gpa = pressure_gpa}, 200000)});
    options.guards.max_volume_factor = 0;
    options.thermo_interval = 250;
    options.seed = seed;
    const auto result = run({.potential = gas, .input = input_for(structure), .options = options});
    std::vector<double> volumes;
    for (const ThermoRow& row : result->sink.rows)
      if (row.step > 0) volumes.push_back(row.volume);
    ASSERT_EQ(volumes.size(), 400u);
    const auto n = static_cast<double>(volumes.size());
    EXPECT_NEAR(mean_of(volumes) * pressure / kt, atoms, 3 * std::sqrt(atoms / n)) << seed;
    EXPECT_NEAR(variance_of(volumes) * std::pow(pressure / kt, 2) / atoms, 1, 3 * std::sqrt((2 + 6 / atoms) / n))
        << seed;
    EXPECT_GT(kolmogorov_smirnov(volumes, [&](double v) { return gamma_cumulative(atoms, kt / pressure, v); }), 0.01)
        << seed;
  }
}

/// The mean of the internal pressure is the external one, whatever may change; nothing pulls a cubic crystal out of
/// shape.
TEST(CellRescaling, MeanPressureIsTheTargetAndTheCrystalStaysCubic) {
  const auto potential = argon(5.0);
  for (const CellShape shape : shapes) {
    SCOPED_TRACE(static_cast<int>(shape));
    const Sample sample = sample_of(*potential, barostat(0.2, shape), 88000, 1);
    const Blocks pressure = blocks_of(sample.pressures, 10);
    EXPECT_NEAR(pressure.mean, 0.2, 4 * pressure.error);
    EXPECT_LT(pressure.error, 0.02);
    std::array<std::vector<double>, 6> parameters;  // a, b, c relative to their mean; cosines of the angles
    for (const Mat3& h : sample.cells) {
      const LatticeParameters p = lattice_parameters(h);
      const double mean = (p.lengths.x + p.lengths.y + p.lengths.z) / 3;
      for (int k = 0; k < 3; ++k) {
        parameters[static_cast<std::size_t>(k)].push_back(p.lengths[k] / mean - 1);
        parameters[static_cast<std::size_t>(k) + 3].push_back(p.angles[k] / 90 - 1);
      }
    }
    for (const auto& values : parameters) {
      const Blocks parameter = blocks_of(values, 10);
      EXPECT_NEAR(parameter.mean, 0, 4 * parameter.error + 1e-12);
      EXPECT_LT(parameter.error, 0.005);
    }
    const bool lengths_change = shape != CellShape::isotropic, angles_change = shape == CellShape::triclinic;
    EXPECT_EQ(variance_of(parameters[0]) > 1e-12, lengths_change);
    EXPECT_EQ(variance_of(parameters[3]) > 1e-12, angles_change);
  }
}

/// T24 and T25 on a budget: ln p2(V)/p1(V) is a straight line of slope -(P2 - P1)/kT, and the fluctuation of the volume
/// is that of its response, var V = -kT dV/dP.
TEST(CellRescaling, VolumesAtTwoPressuresHaveTheRatioOfBoltzmann) {
  const auto potential = argon(5.0);
  const double low = 0.18, high = 0.22, step = (high - low) / units::ev_per_a3_in_gpa;
  for (const CellShape shape : {CellShape::isotropic, CellShape::triclinic}) {
    SCOPED_TRACE(static_cast<int>(shape));
    const Sample first = sample_of(*potential, barostat(low, shape), 128000, 2),
                 second = sample_of(*potential, barostat(high, shape), 128000, 3);
    // Rows are 400 fs apart, one relaxation time: the statistical inefficiency enters the errors.
    const double correlated = std::sqrt(std::max(inefficiency(first.volumes), inefficiency(second.volumes)));
    const RatioSlope ratio = ratio_slope(first.volumes, second.volumes);
    EXPECT_NEAR(ratio.slope, -step / kt_at_60, 3 * correlated * ratio.error);
    EXPECT_LT(correlated * ratio.error, 0.2 * step / kt_at_60);  // sharp enough to see a wrong factor
    const double response = (mean_of(first.volumes) - mean_of(second.volumes)) / step;
    const double fluctuation = 0.5 * (variance_of(first.volumes) + variance_of(second.volumes)) / kt_at_60;
    const auto n = static_cast<double>(first.volumes.size()) / (correlated * correlated);
    const double error = std::sqrt(1 / n + 2 * kt_at_60 * fluctuation / std::pow(response * step, 2) / n);
    EXPECT_NEAR(response / fluctuation, 1, 3 * error);
    EXPECT_LT(error, 0.2);
  }
}

/// The effective energy keeps account of what bath and barostat gave. What is left scales as dt^2.
TEST(CellRescaling, EffectiveEnergyFallsWithTheSquareOfTheTimestep) {
  const auto potential = argon();
  for (const CellShape shape : shapes) {
    SCOPED_TRACE(static_cast<int>(shape));
    std::vector<double> rms;
    for (const double timestep : {8.0, 4.0}) {
      StageOptions stage = npt_stage(60, barostat(0.1, shape, 1000), 16000);
      stage.tau_fs = 1000;
      MdOptions options = options_for({npt_stage(60, barostat(0.1, shape, 200), 2000), stage});
      options.timestep_fs = timestep;
      options.thermo_interval = static_cast<std::int64_t>(16 / timestep);
      std::vector<double> conserved, enthalpy;
      const auto result = run({.potential = *potential, .input = input_for(argon_crystal(3)), .options = options});
      for (const ThermoRow& row : result->sink.rows) {
        if (row.time_fs <= 2000) continue;
        conserved.push_back(row.conserved);
        enthalpy.push_back(row.kinetic + row.potential + 0.1 / units::ev_per_a3_in_gpa * row.volume);
      }
      rms.push_back(std::sqrt(variance_of(conserved)));
      EXPECT_LT(rms.back(), 0.05 * std::sqrt(variance_of(enthalpy))) << timestep;
    }
    EXPECT_NEAR(rms[0] / rms[1], 4.0, 1.2);  // two noise histories: the ratio is that of the integrator only on average
  }
}

/// The two barostats sample the same ensemble: mean and width of the volume agree, and the mean pressure is the target.
TEST(MartynaTobiasKlein, SamplesTheEnsembleOfCellRescaling) {
  const auto potential = argon(5.0);
  for (const CellShape shape : {CellShape::isotropic, CellShape::triclinic}) {
    SCOPED_TRACE(static_cast<int>(shape));
    const Sample ours = sample_of(*potential, inertial(0.2, shape), 68000, 5),
                 other = sample_of(*potential, barostat(0.2, shape), 68000, 6);
    const Blocks pressure = blocks_of(ours.pressures, 10);
    EXPECT_NEAR(pressure.mean, 0.2, 4 * pressure.error);
    EXPECT_LT(pressure.error, 0.02);
    const Blocks a = blocks_of(ours.volumes, 10), b = blocks_of(other.volumes, 10);
    EXPECT_NEAR(a.mean, b.mean, 4 * std::hypot(a.error, b.error));
    EXPECT_LT(std::hypot(a.error, b.error), 0.002 * b.mean);
    const double independent = static_cast<double>(ours.volumes.size()) / inefficiency(ours.volumes),
                 of_other = static_cast<double>(other.volumes.size()) / inefficiency(other.volumes);
    EXPECT_NEAR(variance_of(ours.volumes) / variance_of(other.volumes), 1,
                4 * std::sqrt(2 / independent + 2 / of_other));
  }
}

/// No random numbers: the ratio of the errors is that of the integrator. The cell is triclinic, so that the axes of
/// strain are not those of the cell, and begins far from equilibrium.
TEST(MartynaTobiasKlein, ConservedQuantityFallsWithTheSquareOfTheTimestep) {
  const auto potential = argon(5.0);
  for (const CellShape shape : shapes) {
    SCOPED_TRACE(static_cast<int>(shape));
    std::vector<double> rms;
    for (const double timestep : {8.0, 4.0, 2.0}) {
      MdOptions options = options_for({npt_stage(60, inertial(0.3, shape), 3200)});
      options.stages[0].tau_fs = 200;
      options.timestep_fs = timestep;
      options.thermo_interval = static_cast<std::int64_t>(16 / timestep);
      std::vector<double> conserved, enthalpy;
      const auto result = run({.potential = *potential, .input = input_for(triclinic_argon(3)), .options = options});
      for (const ThermoRow& row : result->sink.rows) {
        conserved.push_back(row.conserved);
        enthalpy.push_back(row.kinetic + row.potential + 0.3 / units::ev_per_a3_in_gpa * row.volume);
      }
      rms.push_back(std::sqrt(variance_of(conserved)));
      EXPECT_LT(rms.back(), 0.05 * std::sqrt(variance_of(enthalpy))) << timestep;
    }
    EXPECT_NEAR(rms[0] / rms[1], 4.0, 0.4);
    EXPECT_NEAR(rms[1] / rms[2], 4.0, 0.4);
  }
}

/// Time-reversible: with velocities, rate of strain and thermostats turned around in the middle, the system goes back
/// to where it began; what remains is rounding, amplified by chaos.
TEST(MartynaTobiasKlein, ReturnsWhenAllMomentaAreReversed) {
  const auto potential = argon();
  for (const CellShape shape : shapes) {
    SCOPED_TRACE(static_cast<int>(shape));
    MdOptions options = options_for({npt_stage(60, inertial(0.3, shape), 800)});
    options.checkpoint_interval = 200;
    const MdInput input = input_for(triclinic_argon(2));
    const auto there = run({.potential = *potential, .input = input, .options = options});
    SimulationState turned = there->sink.checkpoints.at(1);  // after that of the beginning
    ASSERT_EQ(turned.step, 200);
    for (Vec3& v : turned.velocities) v = -v;
    for (double& rate : turned.variables.at("mtk.cell_rate")) rate = -rate;
    for (const char* chain : {"mtk.chain", "mtk.cell_chain"})
      for (std::size_t k = 1; k <= 3; ++k) turned.variables.at(chain)[k] *= -1;
    const SimulationState back =
        run({.potential = *potential, .input = input, .options = options, .restart = turned})->outcome.final_state;
    EXPECT_EQ(back.step, 400);
    double farthest = 0, travelled = 0;
    for (std::size_t i = 0; i < back.positions.size(); ++i) {
      farthest = std::max(farthest, norm(back.positions[i] - input.structure.positions[i]));
      travelled = std::max(travelled, norm(turned.positions[i] - input.structure.positions[i]));
    }
    EXPECT_LT(farthest, 1e-8);
    EXPECT_GT(travelled, 0.3);
    for (int k = 0; k < 3; ++k) EXPECT_LT(norm(back.cell.vectors()[k] - input.structure.cell.vectors()[k]), 1e-8);
  }
}

/// The anisotropic
/// barostat keeps the angles of a cell, and the triclinic one does not turn it.
TEST(MartynaTobiasKlein, AnglesStayAndTheCellDoesNotTurn) {
  const auto potential = argon();
  const MdInput input = input_for(triclinic_argon(3));
  const auto last_cell = [&](CellShape shape) {
    return run({.potential = *potential,
                .input = input,
                .options = options_for({npt_stage(80, inertial(0.5, shape), 2000)})})
        ->outcome.final_state.cell.vectors();
  };
  const Mat3 start = input.structure.cell.vectors(), stretched = last_cell(CellShape::anisotropic),
             deformed = last_cell(CellShape::triclinic);
  const LatticeParameters before = lattice_parameters(start), after = lattice_parameters(stretched);
  for (int k = 0; k < 3; ++k) EXPECT_NEAR(after.angles[k], before.angles[k], 1e-9);
  EXPECT_GT(std::abs(after.lengths.x / before.lengths.x - after.lengths.y / before.lengths.y), 1e-4);
  const Mat3 deformation = inverse(start) * deformed;
  EXPECT_GT(std::sqrt(squared_norm(traceless_part(deformation))), 1e-3);
  EXPECT_LT(squared_norm(deformation + (-1.0) * transpose(deformation)), 1e-20);
}

/// A breathing cell takes all atoms along, also those that have been moved many cells away: nothing jumps when the cell
/// changes, so displacements in fractional coordinates are continuous.
TEST(CellRescaling, UnwrappedPathsAreContinuousInFractionalCoordinates) {
  const auto potential = argon();
  MdInput input = input_for(argon_crystal(3));
  for (std::size_t i = 0; i < input.structure.positions.size(); i += 2)
    input.structure.positions[i] += input.structure.cell.translation({40, -25, 7});
  for (BarostatOptions options : {barostat(0.5, CellShape::triclinic), inertial(0.5, CellShape::triclinic)}) {
    StageOptions stage = npt_stage(60, options, 2000);
    stage.trajectory_interval = 1;
    const auto result = run({.potential = *potential, .input = input, .options = options_for({stage})});
    const auto& frames = result->sink.frames;
    double widest = 0, farthest = 0;
    for (std::size_t k = 1; k < frames.size(); ++k) {
      widest = std::max(widest, std::abs(frames[k].cell.volume() / frames[0].cell.volume() - 1));
      for (std::size_t i = 0; i < frames[k].positions.size(); ++i) {
        const Vec3 step = frames[k].cell.to_fractional(frames[k].positions[i]) -
                          frames[k - 1].cell.to_fractional(frames[k - 1].positions[i]);
        farthest = std::max(farthest, norm(frames[k].cell.to_cartesian(step)));
      }
    }
    EXPECT_GT(widest, 0.01);
    EXPECT_LT(farthest, 0.05);  // ten times what thermal motion covers in 2 fs; the far atoms' points move by 1 A
  }
}

/// T64: a cell under absurd pressure; the domains follow it until a limit stops the run, with every number in place.
TEST(CellRescaling, CollapsingCellStopsTheRun) {
  const auto potential = argon();
  const auto stage_at = [](double pressure_gpa, double tau) {
    return npt_stage(80, {.pressure_gpa = pressure_gpa, .tau_fs = tau, .bulk_modulus_gpa = 2}, 4000);
  };
  const auto message_of = [&](const Potential& of, const StageOptions& stage, double volume_factor) {
    MdOptions options = options_for({stage});
    options.thermo_interval = 1;
    options.guards.max_volume_factor = volume_factor;
    options.guards.max_force = 0;
    options.guards.max_temperature_factor = 0;
    try {
      static_cast<void>(run({.potential = of, .input = input_for(argon_crystal(3)), .options = options}));
    } catch (const NumericalError& error) {
      return std::string(error.what());
    }
    return std::string("no error");
  };
  const IdealGas gas;
  EXPECT_NE(message_of(gas, stage_at(1.0, 200), 2).find("collapses or evaporates"), std::string::npos);
  EXPECT_NE(message_of(gas, stage_at(-0.5, 200), 2).find("collapses or evaporates"), std::string::npos);
  EXPECT_NE(message_of(gas, stage_at(100, 20000), 0).find("a height of the cell has fallen to"), std::string::npos);
  EXPECT_NE(message_of(*potential, stage_at(1e6, 200), 2).find("in one step"), std::string::npos);
  EXPECT_NE(message_of(*potential, stage_at(1e300, 20), 2).find("in one step"), std::string::npos);
  for (const double pressure : {1e6, 1e300}) {
    StageOptions stage = npt_stage(80, inertial(pressure, CellShape::triclinic), 4000);
    EXPECT_NE(message_of(*potential, stage, 2).find("in one step"), std::string::npos) << pressure;
  }
}

TEST(CellRescaling, ConstantPressureNeedsAPeriodicCellWithoutFrozenAtoms) {
  const auto potential = argon();
  const MdOptions options = options_for({npt_stage(80, {}, 20)});
  MdInput frozen = input_for(argon_crystal(2));
  frozen.frozen = {1};
  EXPECT_THROW(run({.potential = *potential, .input = frozen, .options = options}), InputError);
  const MdInput slab = input_for(argon_slab(2, 2, {true, true, false}));
  EXPECT_THROW(run({.potential = *potential, .input = slab, .options = options}), InputError);
  MdInput lone = input_for(argon_crystal(1));
  lone.structure.positions.resize(1), lone.structure.numbers.resize(1), lone.masses.resize(1);
  const MdOptions mtk = options_for({npt_stage(80, inertial(0, CellShape::isotropic), 20)});
  EXPECT_THROW(run({.potential = *potential, .input = lone, .options = mtk}), InputError);
}

}  // namespace haven::testing
