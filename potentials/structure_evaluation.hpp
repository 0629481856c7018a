#pragma once
#include <vector>

#include "core/structure.hpp"
#include "core/types.hpp"
#include "potentials/potential.hpp"

namespace haven {

/// What a potential says about one structure.
struct StructureEvaluation {
  double energy = 0;                  ///< eV, whole cell
  std::vector<Vec3> forces;           ///< eV/A, per atom
  Mat3 stress{};                      ///< eV/A^3, (1/V) dE/dstrain: positive under tension (ASE sign)
  std::vector<double> atom_energies;  ///< eV, per atom; they add up to `energy`
  Index extrapolating = 0;            ///< atoms with a feature outside the training range
  /// Of a committee, with Wanted::deviation: sqrt(<|F_m - <F>|^2>) over the members per atom, eV/A, and the standard
  /// deviation of the energy of the whole cell, eV. Empty and 0 otherwise.
  std::vector<double> force_deviations{};
  double energy_deviation = 0;
};

/// Energy, forces and stress of a structure: builds the species indices and a neighbour list, evaluates, checks.
/// Any cell is accepted, also one smaller than the cut-off.
/// @throws ModelError when the structure has an element that the model was not trained for (both are named)
/// @throws NumericalError when the result is not finite or a force leaves the fixed-point range (the atom is named)
/// @param also  Wanted::deviation for the deviations of a committee, which cost one adjoint sweep per member
[[nodiscard]] StructureEvaluation evaluate_structure(const Potential& potential, const Structure& structure,
                                                     Wanted also = Wanted::forces);

/// Index of each atom's element in `elements` (Requirements::elements).
/// @throws ModelError naming the first element that is missing and listing those the model knows.
[[nodiscard]] std::vector<int> species_indices(const std::vector<int>& numbers, const std::vector<int>& elements);

}  // namespace haven
