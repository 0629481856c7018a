#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "core/units.hpp"
#include "io/lammps_table.hpp"
#include "md/velocities.hpp"
#include "potentials/pair/lennard_jones.hpp"
#include "potentials/program/drivers/cpu_scalar.hpp"
#include "potentials/program/drivers/cpu_simd.hpp"
#include "potentials/registry.hpp"
#include "potentials/structure_evaluation.hpp"
#include "support/distributions.hpp"
#include "support/file_bytes.hpp"
#include "support/lammps.hpp"
#include "support/md_fixtures.hpp"
#include "support/program.hpp"
#include "support/shared_data.hpp"

/// Another program on the same potential: LAMMPS evaluates a Lennard-Jones potential that ends smoothly in closed form
/// (`pair_style lj/smooth/linear`), Haven the table of it that `haven model convert` reads.
namespace haven::testing {
namespace {

constexpr double epsilon = 0.01032, sigma = 3.405, cutoff = 8.0, shortest = 2.4;  // eV, A: argon

struct Value {
  double energy, force;
};

Value full(double r) {
  const double s6 = std::pow(sigma / r, 6);
  return {4 * epsilon * (s6 * s6 - s6), 24 * epsilon * (2 * s6 * s6 - s6) / r};
}

/// phi(r) - phi(r_c) - (r - r_c) phi'(r_c)
Value linear_end(double r) {
  const Value at_r = full(r), at_end = full(cutoff);
  return {at_r.energy - at_end.energy + (r - cutoff) * at_end.force, at_r.force - at_end.force};
}

std::string table_text() {
  constexpr int points = 4001;
  std::string text = fmt::format("# argon\n\nAr_Ar\nN {}\n\n", points);
  for (int k = 0; k < points; ++k) {
    const double r = shortest + (cutoff - shortest) * k / (points - 1);
    const Value v = linear_end(r);
    text += fmt::format("{} {} {} {}\n", k + 1, r, v.energy, v.force);
  }
  return text;
}

/// Argon, disturbed, in LAMMPS's kind of triclinic cell.
Structure argon_in(const Mat3& deformation, int n, double amplitude) {
  Structure structure = argon_crystal(n);
  structure.cell = Cell(structure.cell.vectors() * deformation);
  for (Vec3& r : structure.positions) r = r * deformation;
  rattle(structure, amplitude, 11);
  return structure;
}

class Lammps : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(lammps_program)) GTEST_SKIP() << "no LAMMPS here";
    std::ofstream(folder_.file("argon.table")) << table_text();
    model_ = read_lammps_table(folder_.file("argon.table"));
    potential_ = make_potential(model_, Precision::float64);
  }
  /// Runs LAMMPS on the structure; `commands` follow the definition of the system. Returns the log.
  std::string lammps(const Structure& structure, const std::string& commands,
                     const char* pair_style = "lj/smooth/linear") {
    std::ofstream(folder_.file("data")) << lammps_data(structure, lammps_mass());
    std::ofstream(folder_.file("in")) << fmt::format(
        "units metal\natom_style atomic\nbox tilt large\nread_data data\npair_style {4} {0}\npair_coeff 1 1 "
        "{1} {2}\nneighbor 1.0 bin\nneigh_modify every 1 delay 0 check yes\n{3}",
        cutoff, epsilon, sigma, commands, pair_style);
    const ProgramResult result = run_program({lammps_program, "-in", "in", "-log", "log"}, folder_.path().string());
    EXPECT_EQ(result.code, 0) << result.out << result.err;
    return bytes_of(folder_.file("log"));
  }
  std::vector<Vec3> dumped(std::size_t atoms) { return last_frame(bytes_of(folder_.file("dump")), atoms); }
  /// LAMMPS's constants are older than CODATA 2018; with this mass its equations of motion are ours to the last digit.
  static double lammps_mass() { return mass * units::kinetic_to_ev / (1.0364269e-4 * 1e6); }
  static constexpr double mass = 39.948;
  TemporaryFolder folder_;
  Model model_;
  std::unique_ptr<Potential> potential_;
};

/// A cubic, a triclinic and a small cell (lower than twice the cut-off).
std::vector<Structure> three_cells() {
  const Mat3 cube = Mat3::identity(), sheared{{{{1, 0, 0}, {0.3, 0.9, 0}, {-0.2, 0.25, 1.1}}}};
  return {argon_in(cube, 4, 0.3), argon_in(sheared, 4, 0.2), argon_in(sheared, 2, 0.2)};
}

}  // namespace

/// T15: energy, forces and pressures of the table on every evaluator.
TEST_F(Lammps, GivesTheSameForces) {
  for (const Structure& structure : three_cells()) {
    SCOPED_TRACE(structure.size());
    const std::string log = lammps(structure, single_point_commands);
    const LammpsResult expected = single_point(log, bytes_of(folder_.file("dump")), structure.positions.size());
    EXPECT_GT(largest_component(expected.forces), 0.1);
    expect_the_same(evaluate_structure(*reference::make_reference_potential(model_), structure), expected);
    for (const Isa isa : available_isas()) {
      SCOPED_TRACE(isa_name(isa));
      expect_the_same(evaluate_structure(*make_vectorised_potential(model_, Precision::float64, isa), structure),
                      expected);
    }
  }
}

/// T15: Haven's own Lennard-Jones potential. LAMMPS's ends with a step: here the switch is as narrow as rounding, and
/// no pair is in it.
TEST_F(Lammps, GivesTheSameForcesForHavensLennardJones) {
  const auto potential = make_lennard_jones({.elements = {18},
                                             .pairs = {{.epsilon = epsilon, .sigma = sigma}},
                                             .cutoff = cutoff,
                                             .switch_start = cutoff * (1 - 1e-14)});
  for (const Structure& structure : three_cells()) {
    SCOPED_TRACE(structure.size());
    const std::string log = lammps(structure, single_point_commands, "lj/cut");
    const LammpsResult expected = single_point(log, bytes_of(folder_.file("dump")), structure.positions.size());
    EXPECT_GT(largest_component(expected.forces), 0.1);
    expect_the_same(evaluate_structure(*potential, structure), expected);
  }
}

/// From the same start the two programs follow one trajectory until rounding has grown to be seen: at 90 K argon
/// forgets at a rate of about 1/ps, so that after 2 ps differences of 1e-13 are still far below 1e-8.
TEST_F(Lammps, MovesTheSameWay) {
  Structure structure = argon_in(Mat3::identity(), 4, 0.1);
  MdInput input = input_for(structure, mass);
  const AtomTable table{.numbers = structure.numbers,
                        .species = {},
                        .masses = input.masses,
                        .acceleration = std::vector<double>(input.masses.size(), 1),
                        .reference = structure.positions};
  input.structure.velocities = structure.velocities = thermal_velocities(table, 90, 3);
  static_cast<void>(lammps(structure,
                           "timestep 0.002\nfix n all nve\ndump d all custom 1000 dump id xu yu zu\n"
                           "dump_modify d format float %.17g\nrun 1000\n"));
  const std::vector<Vec3> expected = dumped(structure.positions.size());
  MdOptions options = options_for({nve_stage(90, 2000)});
  options.initial_velocities = InitialVelocities::from_structure;
  const auto ours = run({.potential = *potential_, .input = input, .options = options});
  double farthest = 0, travelled = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    farthest = std::max(farthest, norm(ours->outcome.final_state.positions[i] - expected[i]));
    travelled = std::max(travelled, norm(expected[i] - structure.positions[i]));
  }
  EXPECT_LT(farthest, 1e-8);
  EXPECT_GT(travelled, 0.5);
  RecordProperty("farthest_A", fmt::format("{:.3g}", farthest));
}

/// Averages at constant temperature: potential energy and pressure of the crystal at 60 K, LAMMPS with a Nose-Hoover
/// chain, Haven with each of its thermostats.
TEST_F(Lammps, HasTheSameAverages) {
  const Structure structure = argon_in(Mat3::identity(), 3, 0.1);
  const std::string log =
      lammps(structure,
             "velocity all create 60 71 mom yes rot no\ntimestep 0.004\nfix n all nvt temp 60 60 0.2\n"
             "run 5000\nthermo_style custom step pe press\nthermo_modify format float %.15g\nthermo 50\nrun 50000\n");
  std::vector<double> energy, pressure;
  std::istringstream rows(log.substr(log.rfind("Step PotEng Press")));
  std::string header;
  std::getline(rows, header);
  for (double step = 0, e = 0, p = 0; rows >> step >> e >> p;) energy.push_back(e), pressure.push_back(p * 1e-4);
  ASSERT_GT(energy.size(), 900u);
  const Blocks their_energy = blocks_of(energy, 10), their_pressure = blocks_of(pressure, 10);
  for (const Thermostat thermostat : {Thermostat::bussi, Thermostat::nose_hoover, Thermostat::langevin}) {
    SCOPED_TRACE(static_cast<int>(thermostat));
    StageOptions stage = nvt_stage(60, 200, 220000);
    stage.thermostat = thermostat;
    MdOptions options = options_for({stage});
    options.timestep_fs = 4;
    options.thermo_interval = 50;
    const auto result = run({.potential = *potential_, .input = input_for(structure, mass), .options = options});
    std::vector<double> our_energy, our_pressure;
    for (const ThermoRow& row : result->sink.rows)
      if (row.time_fs > 20000) our_energy.push_back(row.potential), our_pressure.push_back(row.pressure_gpa);
    const Blocks e = blocks_of(our_energy, 10), p = blocks_of(our_pressure, 10);
    EXPECT_NEAR(e.mean, their_energy.mean, 3.5 * std::hypot(e.error, their_energy.error));
    EXPECT_NEAR(p.mean, their_pressure.mean, 3.5 * std::hypot(p.error, their_pressure.error));
    EXPECT_LT(std::hypot(e.error, their_energy.error), 0.002 * std::abs(e.mean));
  }
}

}  // namespace haven::testing
