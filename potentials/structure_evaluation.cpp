#include "potentials/structure_evaluation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "core/error.hpp"
#include "core/species.hpp"
#include "potentials/committee/deviation.hpp"

namespace haven {

std::vector<int> species_indices(const std::vector<int>& numbers, const std::vector<int>& elements) {
  std::vector<int> species(numbers.size());
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const auto found = std::find(elements.begin(), elements.end(), numbers[i]);
    if (found == elements.end()) {
      std::string known;
      for (const int number : elements) known += fmt::format("{}{}", known.empty() ? "" : ", ", element_symbol(number));
      throw ModelError(fmt::format("the structure has {}, which the model was not trained for (it knows {})",
                                   element_symbol(numbers[i]), known),
                       fmt::format("atom {}", i), "Use a model trained with this element, or remove its atoms.");
    }
    species[i] = static_cast<int>(found - elements.begin());
  }
  return species;
}

StructureEvaluation evaluate_structure(const Potential& potential, const Structure& structure, Wanted also) {
  const auto n = static_cast<std::size_t>(structure.size());
  const Requirements& requirements = potential.requirements();
  const std::vector<int> species = species_indices(structure.numbers, requirements.elements);
  for (std::size_t i = 0; i < n; ++i)
    if (!is_finite(structure.positions[i]))
      throw NumericalError("a position is not finite", fmt::format("atom {}", i), "Check the structure file.");
  std::vector<AtomId> ids(n);
  std::iota(ids.begin(), ids.end(), AtomId{0});
  const LocalAtoms atoms{
      .positions = structure.positions, .ids = ids, .species = species, .n_centres = structure.size()};
  NeighbourList list;
  list.build(structure.cell, atoms, requirements.cutoff);

  StructureEvaluation result;
  result.atom_energies.resize(n);
  std::vector<FixedVec3> forces(n);
  Evaluation out{.forces = forces,
                 .energy = {},
                 .virial = {},
                 .atom_energies = result.atom_energies,
                 .atom_virials = {},
                 .fault = EvaluationFault::none,
                 .fault_atom = -1,
                 .extrapolating = 0};
  const auto deviating = wants(also, Wanted::deviation) ? static_cast<std::size_t>(requirements.members - 1) : 0;
  std::vector<FixedSum> energy_deviations(deviating);
  std::vector<FixedVec3> force_deviations(deviating * n);
  out.energy_deviations = energy_deviations;
  out.force_deviations = force_deviations;
  potential.evaluate(atoms, list.view(), Wanted::virial | Wanted::atom_energies | also, out);
  if (out.fault != EvaluationFault::none) {
    const bool range = out.fault == EvaluationFault::force_out_of_range;
    throw NumericalError(
        range ? fmt::format("a force contribution exceeds {} eV/A", fixed_force_limit)
              : std::string("energy or force is not finite"),
        fmt::format("atom {} ({})", out.fault_atom,
                    element_symbol(structure.numbers[static_cast<std::size_t>(out.fault_atom)])),
        "Look for overlapping atoms near it; the structure is far from what the model was trained on.");
  }
  result.energy = out.energy.value();
  result.forces.resize(n);
  for (std::size_t i = 0; i < n; ++i) result.forces[i] = from_fixed(forces[i]);
  result.stress = (-1.0 / structure.cell.volume()) * out.virial.value();
  result.extrapolating = out.extrapolating;
  if (deviating == 0) return result;
  result.energy_deviation = energy_deviation(energy_deviations);
  for (std::size_t i = 0; i < n; ++i)
    result.force_deviations.push_back(force_deviation(force_deviations, structure.size(), static_cast<Index>(i)));
  return result;
}

}  // namespace haven
