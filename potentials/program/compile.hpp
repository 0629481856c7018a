#pragma once
#include "potentials/program/program.hpp"

namespace haven {

/// Turns a descriptor and its model's networks into a program. Tables are refined until, halfway and at quarters
/// between knots, they differ from the closed form by at most `table_tolerance` of the largest value of each channel.
/// @throws ModelError when a table cannot reach the tolerance (a radial function that is not smooth) or sizes do not
/// fit.
[[nodiscard]] Program compile(const Descriptor& descriptor, const Model& model, double table_tolerance);

/// False when numbers of the program leave the comfortable range of float: features of some published potentials are of
/// the order of 1e-130 before their scaling. Such a program runs in double arithmetic, whatever precision was asked
/// for.
[[nodiscard]] bool fits_float(const Program& program);

/// Checks that networks, shifts, scales and ranges fit the descriptor and that every number is finite.
/// @throws ModelError naming the element and what does not fit.
void validate_networks(const Descriptor& descriptor, const Model& model);

/// R_c^{ab}(r) for every channel of the centre: the mixed closed forms. `out` is sized to the channels.
void radial_channels(const CentreDescriptor& centre, int neighbour, double r, std::vector<RadialValue>& out);

}  // namespace haven
