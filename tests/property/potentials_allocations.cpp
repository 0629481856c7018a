// Nothing is allocated per evaluation once buffers have grown to the system: a step of molecular dynamics costs no
// trip to the heap. Every operator new of this program counts.
#include <gtest/gtest.h>
#include <omp.h>

#include <atomic>
#include <cstdlib>
#include <new>
#include <numeric>

#include "potentials/committee/merge.hpp"
#include "potentials/registry.hpp"
#include "potentials/structure_evaluation.hpp"
#include "support/every_potential.hpp"

namespace {
std::atomic<long> allocations{0};
}

// NOLINTBEGIN: the replaceable allocation functions of the standard. Inlined, they would look to GCC like a mixture of
// new and free.
[[gnu::noinline]] void* operator new(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
// NOLINTEND

namespace haven::testing {
namespace {

/// Operator new calls during ten evaluations with slowly moving atoms, after three others. On one thread: of several,
/// which one meets the largest surroundings first, and grows its buffers, is up to chance.
long allocations_of(const Potential& potential, const std::vector<int>& elements) {
  Structure s = random_structure({.atoms = 64, .elements = elements, .seed = 9});
  const std::vector<int> species = species_indices(s.numbers, potential.requirements().elements);
  const auto n = static_cast<std::size_t>(s.size());
  std::vector<AtomId> ids(n);
  std::iota(ids.begin(), ids.end(), AtomId{0});
  const LocalAtoms atoms{.positions = s.positions, .ids = ids, .species = species, .n_centres = s.size()};
  NeighbourList list;
  list.build(s.cell, atoms, potential.requirements().cutoff + 1);
  std::vector<FixedVec3> forces(n), deviations(n * static_cast<std::size_t>(potential.requirements().members - 1));
  std::vector<FixedSum> energies(static_cast<std::size_t>(potential.requirements().members - 1));
  const int before = omp_get_max_threads();
  omp_set_num_threads(1);
  long counted = 0;
  for (int step = 0; step < 13; ++step) {
    if (step == 3) counted = allocations;
    for (std::size_t i = 0; i < n; ++i) s.positions[i].x += 1e-3 * static_cast<double>(i % 3);
    Evaluation out;
    out.forces = forces;
    out.force_deviations = deviations;
    out.energy_deviations = energies;
    potential.evaluate(atoms, list.view(), Wanted::virial | Wanted::deviation, out);
  }
  counted = allocations - counted;
  omp_set_num_threads(before);
  return counted;
}

class Allocations : public ::testing::TestWithParam<PotentialCase> {};

TEST_P(Allocations, ThereAreNonePerEvaluation) {
  for (const Precision precision : {Precision::float64, Precision::mixed}) {
    const auto potential = GetParam().model ? make_potential(GetParam().model(), precision) : GetParam().make();
    EXPECT_EQ(allocations_of(*potential, GetParam().elements), 0);
  }
}

INSTANTIATE_TEST_SUITE_P(All, Allocations, ::testing::ValuesIn(every_potential()),
                         [](const auto& test) { return test.param.name; });

TEST(AllocationsOfACommittee, ThereAreNonePerEvaluation) {
  std::vector<Model> models;
  for (std::uint64_t seed = 1; seed <= 3; ++seed)
    models.push_back(random_model({.kind = "behler-parrinello", .elements = {3, 16}, .seed = seed}));
  const auto potential = make_potential(merge_committee(models), Precision::mixed);
  EXPECT_EQ(allocations_of(*potential, {3, 16}), 0);
}

}  // namespace
}  // namespace haven::testing
