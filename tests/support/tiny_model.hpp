#pragma once
#include "potentials/model.hpp"

namespace haven::testing {

/// Two atoms of Li and Cl in a cubic cell of 3.6 A, smaller than the cut-off of tiny_model().
inline constexpr const char* tiny_poscar =
    "LiCl\n1.0\n3.6 0 0\n0 3.6 0\n0 0 3.6\nLi Cl\n1 1\nDirect\n0 0 0\n0.5 0.5 0.5\n";

/// A complete model of Li and Cl with the fast preset, a cut-off of 4.5 A and weights close to zero: nearly free atoms
/// that a wall keeps 3 A apart.
[[nodiscard]] Model tiny_model();

}  // namespace haven::testing
