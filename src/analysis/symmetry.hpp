#pragma once
#include <optional>
#include <string>

#include "core/structure.hpp"

namespace haven {

/// The space group of a crystal.
struct SpaceGroup {
  int number = 0;          ///< International Tables, 1 to 230
  std::string symbol;      ///< short Hermann-Mauguin, e.g. "Ia-3d"
  Index operations = 0;    ///< symmetry operations of the cell as it is given, translations of a supercell included
  Index inequivalent = 0;  ///< atoms that no operation takes into each other
};

/// Finds the space group with spglib (Togo, Tanaka, arXiv:1808.01590).
/// @param tolerance  A: atoms within this distance of their symmetric place count as there
/// @returns nothing for cells that are not periodic along all axes, and when atoms lie within `tolerance` of each other
[[nodiscard]] std::optional<SpaceGroup> space_group(const Structure& structure, double tolerance = 0.01);

/// "Ia-3d (230)", or "unknown".
[[nodiscard]] std::string describe(const std::optional<SpaceGroup>& group);

}  // namespace haven
