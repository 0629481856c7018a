#pragma once
#include <string>
#include <vector>

#include "core/structure.hpp"

namespace haven {

/// Reads a LAMMPS data file (plain or compressed) of atom style atomic, charge, molecular or full in units metal or
/// real (A): orthogonal or triclinic box, moved to the origin; atoms in order of their identities, image flags not
/// applied; charges, bonds and velocities are not used.
///
/// The elements of the atom types come from `types` (atomic numbers in order), else from comments of the Masses section
/// ("1 6.94 # Li") or from Atom Type Labels; masses alone are never interpreted.
/// @throws InputError with the line
[[nodiscard]] Structure read_lammps_data(const std::string& path, const std::vector<int>& types = {});

}  // namespace haven
