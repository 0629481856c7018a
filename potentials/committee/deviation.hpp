#pragma once
#include <span>

#include "core/fixed_sum.hpp"
#include "core/types.hpp"

/// How far the members of a committee are apart, from Evaluation::energy_deviations and ::force_deviations after copies
/// have been summed back to their owners. All are zero for a single potential.
namespace haven {

/// Standard deviation of the energy over the members, eV: sqrt(<(E_m - <E>)^2>).
[[nodiscard]] double energy_deviation(std::span<const FixedSum> energy_deviations);

/// Deviation of the force on atom i, eV/A: sqrt(<|F_m - <F>|^2>), the mean over the members (DP-GEN's model deviation:
/// Zhang et al., Phys. Rev. Mater. 3, 023804 (2019), eq. 3).
/// @param force_deviations  [members - 1][local_atoms]
[[nodiscard]] double force_deviation(std::span<const FixedVec3> force_deviations, Index local_atoms, Index i);

}  // namespace haven
