#pragma once
#include "potentials/descriptor.hpp"

namespace haven {

/// A pair potential given by numbers: E = sum over pairs of phi_ab(r). Between equally spaced distances phi is the
/// quintic polynomial that has the values and slopes of the table at both ends and the curvatures that differences of
/// fourth order of the slopes give; below the first distance it goes on as a parabola.
///
/// Parameters: "range" [2]: first distance and cut-off (A); "energy" and "force" [elements * (elements + 1) /
/// 2][points], eV and eV/A (-dphi/dr), the row of elements a <= b being b (b + 1) / 2 + a. Networks are one linear
/// layer.
///
/// @throws ModelError for missing or surplus parameters, wrong shapes or values out of range.
[[nodiscard]] Descriptor describe_pair_table(const Model& model);

/// The layer that every element of such a model has: the energy is the feature.
[[nodiscard]] Network pair_table_network();

}  // namespace haven
