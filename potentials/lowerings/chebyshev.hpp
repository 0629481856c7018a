#pragma once
#include "potentials/descriptor.hpp"
#include "potentials/registry.hpp"

namespace haven {

/// The descriptor of Artrith, Urban and Ceder, PRB 96, 014112 (2017), as aenet evaluates it: radial
/// sum_j T_alpha(2 r_ij/r_c - 1) f_c(r_ij) and angular sum_{pairs jk} T_alpha(cos theta_jik) f_c(r_ij) f_c(r_ik), each
/// without and, with more than one element, also with the element weights (w_j and w_j w_k).
///
/// Parameters: "radial_order", "angular_order" (0..16), "radial_cutoff" and "angular_cutoff" (A, at most the model's
/// cut-off), each [1] or one per centre element; "element_weights" [elements] or [centre][elements] (aenet: ..., -2,
/// -1, [0 if odd,] 1, 2, ...), "cutoff_type" [1] = 0 polynomial (default, C2) or 1 cosine (aenet's; its curvature jumps
/// at the cut-off). Features of a centre: radial 0..N, angular 0..M, then both again weighted.
///
/// @throws ModelError for missing or surplus parameters, wrong shapes or values out of range.
[[nodiscard]] Descriptor describe_chebyshev(const Model& model);
/// Sets the orders of a preset and aenet's element weights.
void initialise_chebyshev(Model& model, const DescriptorOptions& options);

}  // namespace haven
