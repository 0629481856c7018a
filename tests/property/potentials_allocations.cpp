// Nothing is allocated per evaluation once buffers have grown to the system: a step of molecular dynamics costs no
// trip to the heap. Every operator new of this program counts, and the bytes in use.
#include <gtest/gtest.h>
#include <malloc.h>
#include <omp.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "potentials/committee/merge.hpp"
#include "potentials/registry.hpp"
#include "support/every_potential.hpp"
#include "support/surroundings.hpp"

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

struct Growth {
  long allocations = 0;      ///< calls of operator new
  std::ptrdiff_t bytes = 0;  ///< in use, however they were allocated (aligned buffers come from malloc)
  bool operator==(const Growth&) const = default;
};
void PrintTo(const Growth& growth, std::ostream* out) {
  *out << growth.allocations << " allocations, " << growth.bytes << " bytes";
}

std::ptrdiff_t bytes_in_use() {
  const auto info = mallinfo2();
  return static_cast<std::ptrdiff_t>(info.uordblks + info.hblkhd);
}

/// What ten evaluations with slowly moving atoms allocate, after three others. On one thread: of several, which one
/// meets the largest surroundings first, and grows its buffers, is up to chance.
Growth growth_of(const Potential& potential, const std::vector<int>& elements) {
  Surroundings surroundings(potential, random_structure({.atoms = 64, .elements = elements, .seed = 9}));
  const int threads = omp_get_max_threads();
  omp_set_num_threads(1);
  Growth before;
  for (int step = 0; step < 13; ++step) {
    if (step == 3) before = {.allocations = allocations, .bytes = bytes_in_use()};
    std::size_t i = 0;
    for (Vec3& r : surroundings.positions()) r.x += 1e-3 * static_cast<double>(i++ % 3);
    surroundings.evaluate(Wanted::virial | Wanted::deviation);
  }
  const Growth growth{.allocations = allocations - before.allocations, .bytes = bytes_in_use() - before.bytes};
  omp_set_num_threads(threads);
  return growth;
}

class Allocations : public ::testing::TestWithParam<PotentialCase> {};

TEST_P(Allocations, ThereAreNonePerEvaluation) {
  for (const Precision precision : {Precision::float64, Precision::mixed}) {
    const auto potential = GetParam().model ? make_potential(GetParam().model(), precision) : GetParam().make();
    EXPECT_EQ(growth_of(*potential, GetParam().elements), Growth{});
  }
}

INSTANTIATE_TEST_SUITE_P(All, Allocations, ::testing::ValuesIn(every_potential()),
                         [](const auto& test) { return test.param.name; });

TEST(AllocationsOfACommittee, ThereAreNonePerEvaluation) {
  std::vector<Model> models;
  for (std::uint64_t seed = 1; seed <= 3; ++seed)
    models.push_back(random_model({.kind = "behler-parrinello", .elements = {3, 16}, .seed = seed}));
  const auto potential = make_potential(merge_committee(models), Precision::mixed);
  EXPECT_EQ(growth_of(*potential, {3, 16}), Growth{});
}

}  // namespace
}  // namespace haven::testing
