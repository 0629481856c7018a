#pragma once
#include <string>
#include <vector>

#include "core/structure.hpp"
#include "potentials/model.hpp"

namespace haven {

/// Names of the models that `haven bench --preset` makes.
[[nodiscard]] std::vector<std::string> bench_presets();

/// A model of a preset with seeded random weights for two elements and a cut-off of 6 A. Its energies mean nothing, its
/// forces are small enough for atoms to move freely: its cost is that of a trained one.
/// @throws ConfigError for an unknown preset
[[nodiscard]] Model bench_model(const std::string& preset);

/// Atoms of the model's elements on a face-centred cubic lattice with random displacements, at least `atoms` of them,
/// with about 60 neighbours within 6 A.
[[nodiscard]] Structure bench_structure(const Model& model, Index atoms);

}  // namespace haven
