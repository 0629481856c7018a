#pragma once
#include <string>

#include "potentials/model.hpp"

namespace haven {

/// Reads a table file of LAMMPS's `pair_style table` as a model of kind "pair-table". One section for each pair of
/// elements, named by them ("Li_Cl" or "Li-Cl"); distances are equally spaced, the same in all sections; eV and A
/// (units metal). Energies are shifted to zero at the last distance, which is the cut-off.
/// @throws InputError naming file and line.
[[nodiscard]] Model read_lammps_table(const std::string& path);

}  // namespace haven
