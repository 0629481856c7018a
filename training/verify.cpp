#include "training/verify.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/error.hpp"
#include "potentials/registry.hpp"
#include "potentials/structure_evaluation.hpp"
#include "training/shard.hpp"

namespace haven::training {

EngineDifference compare_with_engine(const TrainerSide& trainer, const Model& model,
                                     std::span<const Structure* const> structures) {
  const auto potential = make_potential(model, Precision::float64);
  const TrainingProgram<double> program(trainer.descriptor, trainer.layout, trainer.normalisation, RadialMode::exact);
  ShardEvaluator<double> evaluator(program);
  EngineDifference worst;
  for (const Structure* structure : structures) {
    const std::vector<int> species = species_indices(structure->numbers, potential->requirements().elements);
    const auto edges = find_edges<double>(*structure, species, static_cast<Index>(model.elements.size()), model.cutoff);
    if (edges.minimum_distance < model.minimum_distance) continue;
    LabelledFrame<double> frame{.edges = &edges, .species = species, .forces = {}};
    const Prediction own = evaluator.predict(std::span(&frame, 1), trainer.parameters).front();
    double energy = own.energy;
    for (const int a : species) energy += trainer.normalisation.elements[static_cast<std::size_t>(a)].reference_energy;
    const StructureEvaluation engine = evaluate_structure(*potential, *structure);
    worst.energy = std::max(worst.energy, std::abs(engine.energy - energy) / static_cast<double>(species.size()));
    for (std::size_t i = 0; i < species.size(); ++i)
      worst.force = std::max(worst.force, norm(engine.forces[i] - own.forces[i]));
  }
  return worst;
}

bool within_limits(const EngineDifference& difference, double share) {
  constexpr double energy_limit = 1e-9, force_limit = 1e-8;
  return difference.energy <= share * energy_limit && difference.force <= share * force_limit;
}

void verify_with_engine(const TrainerSide& trainer, const Model& model, std::span<const Structure* const> structures) {
  const EngineDifference d = compare_with_engine(trainer, model, structures);
  if (!within_limits(d, 1.0))
    throw InternalError(
        fmt::format("the trained model and the engine differ by {:.2e} eV/atom and {:.2e} eV/A", d.energy, d.force),
        "verification of the exported model");
}

}  // namespace haven::training
