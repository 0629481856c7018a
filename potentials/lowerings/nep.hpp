#pragma once
#include "potentials/descriptor.hpp"

namespace haven {

/// The neuroevolution potential (NEP3, NEP4): Fan et al., J. Chem. Phys. 157, 114801 (2022), eqs. 4-13; ZBL as in Liu
/// et al., Phys. Rev. B 108, 054312 (2023). Radial functions g_n^{ab}(r) = sum_k c_nk^{ab} (T_k(x) + 1)/2 f_c(r) with
/// x = 2 (r/r_c - 1)^2 - 1 and the cosine cut-off; the cut-off of a pair is the mean of its elements'. Features: q_n of
/// the radial functions, then sum_m A_{n,lm}^2 of the angular ones for l = 1..l_max, then the invariants (l l' l'') in
/// the order 222, 1111, 112, 123, 233, 134 as far as used, each for all n.
///
/// Parameters: "radial_cutoff", "angular_cutoff" [elements]; "l_max" [1]; "invariants" [6] of 0 or 1;
/// "radial_<a>" [n_max + 1][elements * basis] and "angular_<a>" likewise, column b * basis + k, for each centre element
/// a; optionally "repulsion" [elements * elements][11]: strength (eV A), four amplitudes, four decay constants (1/A),
/// inner and outer cut-off (A).
///
/// @throws ModelError for missing or surplus parameters, wrong shapes or values out of range.
[[nodiscard]] Descriptor describe_nep(const Model& model);

}  // namespace haven
