#pragma once
#include "potentials/descriptor.hpp"

namespace haven {

/// Symmetry functions as n2p2 defines them (its manual, "symfunction_short"; Behler, J. Chem. Phys. 134, 074106 (2011);
/// Gastegger et al., J. Chem. Phys. 148, 241709 (2018) for the weighted ones), each with its own cut-off, in the order
/// of the rows:
///  2: sum_j e^{-eta (r_ij - r_s)^2} f_c(r_ij), j of one element;
///  3: 2^{1-zeta} sum_{j<k} (1 + lambda cos theta)^zeta e^{-eta (...)} f_c(r_ij) f_c(r_ik) f_c(r_jk), gaussians of all
///  three
///     sides, for one pair of elements: explicit triplets;
///  9: the same without the third side: moments for integer zeta up to 16, otherwise triplets;
///  12, 13: types 2 and 3 over all elements, each neighbour times its atomic number;
///  20, 21, 22: functions of compact support (Bircher, Singraber, Dellago, Mach. Learn.: Sci. Technol. 2, 035026
///  (2021)): sum_j C(r_ij); sum_{j<k} C(r_ij) C(r_ik) C(r_jk) C(theta); the same without the third side. C(x; l, r) =
///  f(|2x - l - r|/(r - l)) inside (l, r), 0 elsewhere;
///  23, 24, 25: the same over all elements, each neighbour times its atomic number.
///
/// Parameters: "cutoff_type" [1], n2p2's 0..8; "cutoff_alpha" [1], the inner cut-off divided by the cut-off;
/// "functions" [n][9], types up to 13: centre, type, first and second neighbour element (indices; 0 where the type has
/// none), eta (1/A^2), r_s (A), lambda, zeta (1 where the type has none), cut-off (A); "compact_functions" [n][9],
/// types from 20 on, features after those of "functions": centre, type, neighbour elements, r_l and r_c (A), the two
/// angles (degrees), the core f: 1 to 4 for n2p2's p1 to p4, 11 to 14 for p1a to p4a (f((2 - x) x) for distances), 5
/// for e. One of the two lists may be missing.
///
/// @throws ModelError for missing or surplus parameters, wrong shapes or values out of range.
[[nodiscard]] Descriptor describe_n2p2(const Model& model);

}  // namespace haven
