#pragma once
#include "potentials/descriptor.hpp"
#include "potentials/registry.hpp"

namespace haven {

/// Haven's own descriptor. Radial primitives phi_k(r) = T_k(2 (1 - r/r_c)^2 - 1) f_c(r), k = 0..K-1, the same for every
/// neighbour element (argument of Fan et al., J. Chem. Phys. 157, 114801 (2022), eq. 5: resolution grows towards short
/// distances); trainable mixing to C channels per (centre, neighbour) element; all q_c, all p_{cc'l} with c <= c', and
/// products of three or four moments of one channel (after the tensor-reduced cluster expansion of Darby et al., Phys.
/// Rev. Lett. 131, 028001 (2023)): channels are learned, so that products of one channel alone span the others.
///
/// Parameters: "primitives" [1] = K; "channel_l_max" [C]; "mixing_<a>" [C][elements * K] for each centre element index
/// a, column b * K + k belonging to neighbour element b. Optional:
/// "couplings" [n][5]: rows l1, l2, l3, l4, L; l4 = L = -1 for degree 3 (see coupled_product()).
///
/// @throws ModelError for missing or surplus parameters, wrong shapes or values out of range.
[[nodiscard]] Descriptor describe_moment(const Model& model);
/// Sets the parameters of a preset with seeded normal mixing of width 1/(sqrt(K) (1 + k)): channels differ from the
/// first step and begin smooth.
void initialise_moment(Model& model, const DescriptorOptions& options, std::uint64_t seed);

}  // namespace haven
