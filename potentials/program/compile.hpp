#pragma once
#include "potentials/program/program.hpp"

namespace haven {

/// Turns a descriptor and its model's networks into a program. Tables are refined until, halfway and at quarters
/// between knots, they differ from the closed form by at most `table_tolerance` of the largest value of each channel.
/// @throws ModelError when a table cannot reach the tolerance (a radial function that is not smooth) or sizes do not
/// fit.
[[nodiscard]] Program compile(const Descriptor& descriptor, const Model& model, double table_tolerance);

/// Checks that networks, shifts, scales and ranges fit the descriptor and that every number is finite.
/// @throws ModelError naming the element and what does not fit.
void validate_networks(const Descriptor& descriptor, const Model& model);

/// R_c^{ab}(r) for every channel of the centre: the mixed closed forms. `out` is sized to the channels.
void radial_channels(const CentreDescriptor& centre, int neighbour, double r, std::vector<RadialValue>& out);

}  // namespace haven
