#pragma once
#include <numeric>
#include <vector>

#include "core/neighbour_list.hpp"
#include "potentials/potential.hpp"
#include "potentials/structure_evaluation.hpp"
#include "support/structures.hpp"

namespace haven::testing {

/// What repeated evaluations of one potential need, made once: list (skin 1 A) and room for forces and deviations.
class Surroundings {
 public:
  Surroundings(const Potential& potential, Structure structure)
      : potential_(potential),
        structure_(std::move(structure)),
        species_(species_indices(structure_.numbers, potential.requirements().elements)),
        ids_(species_.size()),
        forces_(species_.size()) {
    std::iota(ids_.begin(), ids_.end(), AtomId{0});
    list_.build(structure_.cell, atoms(), potential.requirements().cutoff + 1);
    const auto others = static_cast<std::size_t>(potential.requirements().members - 1);
    deviations_.resize(species_.size() * others);
    energies_.resize(others);
  }
  Surroundings(const Surroundings&) = delete;
  Surroundings& operator=(const Surroundings&) = delete;

  [[nodiscard]] std::vector<Vec3>& positions() { return structure_.positions; }
  void evaluate(Wanted wanted) {
    Evaluation out;
    out.forces = forces_;
    out.force_deviations = deviations_;
    out.energy_deviations = energies_;
    potential_.evaluate(atoms(), list_.view(), wanted, out);
  }

 private:
  [[nodiscard]] LocalAtoms atoms() const {
    return {.positions = structure_.positions, .ids = ids_, .species = species_, .n_centres = structure_.size()};
  }

  const Potential& potential_;
  Structure structure_;
  std::vector<int> species_;
  std::vector<AtomId> ids_;
  NeighbourList list_;
  std::vector<FixedVec3> forces_, deviations_;
  std::vector<FixedSum> energies_;
};

}  // namespace haven::testing
