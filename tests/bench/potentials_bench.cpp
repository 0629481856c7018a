// Time per atom and step of one potential on one core, without list builds:
//   potentials_bench [kind [preset [precision [atoms]]]]
#include <fmt/format.h>
#include <omp.h>

#include <algorithm>
#include <chrono>
#include <numeric>
#include <string>

#include "potentials/program/drivers/cpu_simd.hpp"
#include "potentials/structure_evaluation.hpp"
#include "support/structures.hpp"

int main(int argc, char** argv) {
  using namespace haven;
  using namespace haven::testing;
  const std::string kind = argc > 1 ? argv[1] : "moment", preset = argc > 2 ? argv[2] : "standard";
  const Precision precision = argc > 3 && argv[3] == std::string("double") ? Precision::float64 : Precision::mixed;
  const int copies = argc > 4 ? std::stoi(argv[4]) : 1;
  omp_set_num_threads(1);
  const std::vector<int> elements{3, 15, 16, 17};
  const Model model = random_model({.kind = kind, .preset = preset, .elements = elements, .cutoff = 6.0, .hidden = 32});
  // 905 A^3 hold 42 neighbours within 6 A at 21.5 A^3 an atom.
  const Structure s =
      supercell(random_structure({.atoms = 48, .elements = elements, .volume_per_atom = 21.5}), copies, copies, copies);
  const auto potential = make_vectorised_potential(model, precision);
  const auto n = static_cast<std::size_t>(s.size());
  const std::vector<int> species = species_indices(s.numbers, potential->requirements().elements);
  std::vector<AtomId> ids(n);
  std::iota(ids.begin(), ids.end(), AtomId{0});
  const LocalAtoms atoms{.positions = s.positions, .ids = ids, .species = species, .n_centres = s.size()};
  NeighbourList list;
  list.build(s.cell, atoms, 7.0);
  std::vector<FixedVec3> forces(n);
  double best = 1e300;
  for (int repeat = 0; repeat < 400; ++repeat) {
    std::fill(forces.begin(), forces.end(), FixedVec3{});
    Evaluation out{.forces = forces,
                   .energy = {},
                   .virial = {},
                   .atom_energies = {},
                   .atom_virials = {},
                   .fault = EvaluationFault::none,
                   .fault_atom = -1,
                   .extrapolating = 0};
    const auto begin = std::chrono::steady_clock::now();
    potential->evaluate(atoms, list.view(), Wanted::forces, out);
    best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  }
  Index within = 0;
  const NeighbourView view = list.view();
  for (Index i = 0; i < s.size(); ++i)
    for (Index e = view.offsets[static_cast<std::size_t>(i)]; e < view.offsets[static_cast<std::size_t>(i) + 1]; ++e)
      within += norm(view.displacement(s.positions, i, e)) < 6.0 ? 1 : 0;
  fmt::print("{}: {} atoms, {:.1f} neighbours, {:.2f} us per atom and step\n", potential->description(), n,
             static_cast<double>(within) / static_cast<double>(n), best * 1e6 / static_cast<double>(n));
}
