#pragma once
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <sstream>
#include <string>
#include <vector>

#include "core/structure.hpp"
#include "core/units.hpp"
#include "potentials/structure_evaluation.hpp"
#include "support/structures.hpp"

/// Files of LAMMPS, for comparisons with it.
namespace haven::testing {

inline constexpr const char* lammps_program = "/usr/bin/lmp";

/// A data file (units metal, atom_style atomic) of atoms of one type in a cell as LAMMPS has them: the first lattice
/// vector along x, the second in the xy plane.
inline std::string lammps_data(const Structure& s, double mass) {
  const Mat3& h = s.cell.vectors();
  std::string text = fmt::format(
      "made by a test\n\n{} atoms\n1 atom types\n0 {} xlo xhi\n0 {} ylo yhi\n0 {} zlo zhi\n{} {} {} xy xz "
      "yz\n\nMasses\n\n"
      "1 {}\n\nAtoms\n\n",
      s.size(), h[0].x, h[1].y, h[2].z, h[1].x, h[2].x, h[2].y, mass);
  for (std::size_t i = 0; i < s.positions.size(); ++i)
    text += fmt::format("{} 1 {} {} {}\n", i + 1, s.positions[i].x, s.positions[i].y, s.positions[i].z);
  if (s.velocities.empty()) return text;
  text += "\nVelocities\n\n";
  for (std::size_t i = 0; i < s.velocities.size(); ++i) {
    const Vec3 v = units::fs_per_ps * s.velocities[i];  // A/ps
    text += fmt::format("{} {} {} {}\n", i + 1, v.x, v.y, v.z);
  }
  return text;
}

/// What makes LAMMPS print energy and pressures and dump forces of the structure as it stands.
inline constexpr const char* single_point_commands =
    "thermo_style custom pe pxx pyy pzz pxy pxz pyz\nthermo_modify format float %.15g\n"
    "dump d all custom 1 dump id fx fy fz\ndump_modify d format float %.17g\nrun 0\n";

/// Three columns of the last frame of a dump of "id x y z", by id.
inline std::vector<Vec3> last_frame(const std::string& dump, std::size_t atoms) {
  std::istringstream file(dump);
  std::vector<Vec3> values(atoms);
  std::string line;
  while (std::getline(file, line)) {
    if (line.rfind("ITEM: ATOMS", 0) != 0) continue;
    for (std::size_t k = 0; k < atoms; ++k) {
      std::size_t id = 0;
      Vec3 v;
      file >> id >> v.x >> v.y >> v.z;
      values.at(id - 1) = v;
    }
  }
  return values;
}

/// eV/A^3 in bar as LAMMPS's units `metal` have it, older than CODATA 2018.
inline constexpr double lammps_pressure_in_bar = 1.6021765e6;

/// What single_point_commands gave.
struct LammpsResult {
  double energy = 0;  ///< eV
  Mat3 pressure{};    ///< eV/A^3
  std::vector<Vec3> forces;
};
inline LammpsResult single_point(const std::string& log, const std::string& dump, std::size_t atoms) {
  std::istringstream rows(log.substr(log.find("PotEng")));
  std::string header;
  std::getline(rows, header);
  LammpsResult result;
  Mat3& p = result.pressure;
  rows >> result.energy >> p[0][0] >> p[1][1] >> p[2][2] >> p[0][1] >> p[0][2] >> p[1][2];
  EXPECT_TRUE(rows) << header;
  p[1][0] = p[0][1], p[2][0] = p[0][2], p[2][1] = p[1][2];
  p = (1 / lammps_pressure_in_bar) * p;
  result.forces = last_frame(dump, atoms);
  return result;
}

/// Energy within 1e-11, forces and pressures within 1e-10 of the largest component.
inline void expect_the_same(const StructureEvaluation& ours, const LammpsResult& expected) {
  EXPECT_NEAR(ours.energy, expected.energy, 1e-11 * std::abs(expected.energy));
  EXPECT_LT(largest_difference(ours.forces, expected.forces), 1e-10 * largest_component(expected.forces));
  EXPECT_LT(largest_difference(-1.0 * ours.stress, expected.pressure), 1e-10 * largest_component(expected.pressure));
}

}  // namespace haven::testing
