#pragma once
#include <fmt/format.h>

#include <sstream>
#include <string>
#include <vector>

#include "core/structure.hpp"
#include "core/units.hpp"

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

}  // namespace haven::testing
