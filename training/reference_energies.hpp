#pragma once
#include <span>
#include <vector>

#include "core/types.hpp"

namespace haven::training {

struct ReferenceEnergies {
  std::vector<double> values;  ///< eV per element
  double residual = 0;         ///< eV/atom, root mean square of what is left
  bool determined = true;      ///< false: compositions do not determine all elements; differences are kept small
};

/// Least squares of energies per atom against compositions, with a weak pull of all elements towards a common value:
/// where the compositions do not determine differences between elements (one compound only), these come out as zero.
/// @param counts  atoms of each element, [frames][elements]
/// @param energies eV per frame
[[nodiscard]] ReferenceEnergies fit_reference_energies(const std::vector<std::vector<Index>>& counts,
                                                       std::span<const double> energies);

}  // namespace haven::training
