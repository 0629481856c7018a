#pragma once
#include <span>
#include <vector>

#include "core/structure.hpp"
#include "potentials/descriptor.hpp"
#include "potentials/model.hpp"
#include "training/parameters.hpp"

namespace haven::training {

/// Largest differences between the trainer (double, closed radial forms) and a potential.
struct EngineDifference {
  double energy = 0;  ///< eV/atom
  double force = 0;   ///< eV/A
};

/// What verification compares: the trainer's side of a model.
struct TrainerSide {
  const Descriptor& descriptor;
  const ParameterLayout& layout;
  std::span<const double> parameters;
  const Normalisation& normalisation;
};

/// Evaluates the structures both ways. Structures with a pair below the model's minimum distance are left out: there
/// the engine adds a wall that the trainer does not have.
[[nodiscard]] EngineDifference compare_with_engine(const TrainerSide& trainer, const Model& model,
                                                   std::span<const Structure* const> structures);

/// Whether they differ by no more than `share` of 1e-9 eV/atom and 1e-8 eV/A.
[[nodiscard]] bool within_limits(const EngineDifference& difference, double share);

/// @throws InternalError when they differ by more than 1e-9 eV/atom or 1e-8 eV/A
void verify_with_engine(const TrainerSide& trainer, const Model& model, std::span<const Structure* const> structures);

}  // namespace haven::training
