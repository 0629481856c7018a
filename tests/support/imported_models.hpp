#pragma once
#include "potentials/model.hpp"

/// Made-up models of the kinds that Haven imports, of lithium and oxygen, with random networks whose features are
/// standardised on a random structure. Their windows end with value, slope and curvature where the published program
/// has such a window; NEP and aenet have the cosine, whose curvature jumps.
namespace haven::testing {

/// n2p2's functions of type 2, 3, 9, 12 and 13 with the window of fifth degree (type 6), at two cut-offs.
[[nodiscard]] Model made_up_n2p2();
/// n2p2's functions of compact support (radial, narrow, wide and weighted), with cores that end smoothly.
[[nodiscard]] Model made_up_n2p2_compact();
/// n2p2's functions with a third side (types 3, 13, 21 and 24) and one radial function.
[[nodiscard]] Model made_up_n2p2_narrow();
/// NEP with all invariants of three and four moments and a cut-off per element.
[[nodiscard]] Model made_up_nep();
/// The same with a screened repulsion of every pair of elements, whose switch is a cosine too.
[[nodiscard]] Model made_up_nep_zbl();
/// A chebyshev model as aenet's files make one: orders, cut-offs and element weights of every centre its own.
[[nodiscard]] Model made_up_aenet();
/// Three tables of pair energies, 241 points each, that end smoothly.
[[nodiscard]] Model made_up_pair_table();

}  // namespace haven::testing
