#pragma once
#include <string>

#include "potentials/model.hpp"

namespace haven {

/// Units a potential is written in.
enum class PotentialUnits { bohr_hartree, angstrom_ev };

/// Reads a potential of n2p2 (or RuNNer's files in n2p2's form) from a folder with input.nn, scaling.data and
/// weights.ZZZ.data, as a model of kind "n2p2" in A and eV. Scaling, normalised units (mean_energy, conv_energy,
/// conv_length) and atomic energy offsets are taken over; symmetry functions are sorted as n2p2 sorts them.
///
/// The files do not say their units. Symmetry functions of types 2, 3, 9, 12, 13 and 20 to 25.
/// @throws InputError naming file and line for damaged files and for what Haven does not evaluate (other types,
/// charges)
[[nodiscard]] Model read_n2p2(const std::string& folder, PotentialUnits units);

}  // namespace haven
