#pragma once
#include <string>
#include <vector>

#include "core/cell.hpp"

namespace haven::testing {

/// Are the species of the file names (Li for the first half of the atoms, S for the others) or bare numbers?
enum class SpeciesNames { given, absent };

/// Makes an H5MD file as other programs do: single precision, compressed, nm, images beside wrapped positions, units as
/// text of variable length. Frames are 0.1 ps apart.
void write_foreign_h5md(const std::string& path, const std::vector<std::vector<Vec3>>& frames, const Cell& cell,
                        SpeciesNames names);

}  // namespace haven::testing
