#pragma once
#include "potentials/descriptor.hpp"
#include "potentials/registry.hpp"

namespace haven {

/// Atom-centred symmetry functions in the definitions of the n2p2 manual (Behler, J. Chem. Phys. 134, 074106 (2011)):
///   type 2  G = sum_j e^{-eta (r_ij - r_s)^2} f_c(r_ij)
///   type 9  G = 2^{1-zeta} sum_{pairs jk} (1 + lambda cos theta_jik)^zeta e^{-eta [(r_ij-r_s)^2 + (r_ik-r_s)^2]} f_c
///   f_c
///
/// Parameters: "radial" [n][4] = (centre, neighbour, eta, r_s), "angular" [n][7] = (centre, neighbour, other neighbour,
/// eta, r_s, lambda, zeta) with element indices; "cutoff_type" [1] = 0 polynomial (default, C2), 1 cosine (n2p2 CT_COS;
/// its curvature jumps at the cut-off), 2 tanh^3(1 - r/r_c) (n2p2 CT_TANHU). eta in 1/A^2, r_s in A, lambda = +-1, zeta
/// an integer in 1..16. Features of a centre: its radial rows, then its angular rows, each in the order of the table.
///
/// @throws ModelError for missing or surplus parameters, wrong shapes or values out of range.
[[nodiscard]] Descriptor describe_behler_parrinello(const Model& model);
/// Sets the general-purpose grids of a preset.
void initialise_behler_parrinello(Model& model, const DescriptorOptions& options);

}  // namespace haven
