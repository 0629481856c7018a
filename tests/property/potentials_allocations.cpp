// Nothing is allocated per evaluation once buffers have grown to the system: a step of molecular dynamics costs no
// trip to the heap. Every operator new of this program counts, and the bytes in use.
#include <gtest/gtest.h>
#include <malloc.h>
#include <omp.h>

#include <atomic>
#include <cstdlib>
#include <new>
#include <string>

#include "potentials/committee/merge.hpp"
#include "potentials/registry.hpp"
#include "support/every_potential.hpp"
#include "support/md_fixtures.hpp"
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

/// Notes what had been allocated whenever a step asks for forces.
class StepCounter final : public Potential {
 public:
  explicit StepCounter(const Potential& inner) : inner_(inner) { steps_.reserve(1000); }
  [[nodiscard]] const Requirements& requirements() const override { return inner_.requirements(); }
  void evaluate(const LocalAtoms& atoms, const NeighbourView& list, Wanted wanted, Evaluation& out) const override {
    if (atoms.first_centre == 0) steps_.push_back({.allocations = allocations, .bytes = bytes_in_use()});
    inner_.evaluate(atoms, list, wanted, out);
  }
  [[nodiscard]] std::string description() const override { return inner_.description(); }
  [[nodiscard]] Growth between(std::size_t first, std::size_t last) const {
    const Growth &a = steps_.at(first), &b = steps_.at(last);
    return {.allocations = b.allocations - a.allocations, .bytes = b.bytes - a.bytes};
  }

 private:
  const Potential& inner_;
  mutable std::vector<Growth> steps_;
};

/// A run of cold argon that writes nothing.
MdOptions quiet_options(double skin) {
  MdOptions options = options_for({nve_stage(40, 240)});
  options.skin = skin;
  options.thermo_interval = 1000;
  return options;
}

/// Steps 50 to 100 of a run, whose list lasts.
TEST(AllocationsOfARun, ThereAreNonePerStep) {
  const auto potential = argon();
  const StepCounter counter(*potential);
  const auto result = run({.potential = counter, .input = input_for(argon_crystal(5)), .options = quiet_options(1.0)});
  EXPECT_EQ(result->outcome.rebuilds, 1);
  EXPECT_EQ(counter.between(50, 100), Growth{});
}

/// With a thin skin the list is built again and again, in buffers that have grown: nothing is kept, and what is taken
/// meanwhile is some buffers, not one for each of the 500 atoms.
TEST(AllocationsOfARun, ARebuildKeepsNothing) {
  const auto potential = argon();
  const StepCounter counter(*potential);
  const auto result = run({.potential = counter, .input = input_for(argon_crystal(5)), .options = quiet_options(0.05)});
  EXPECT_GE(result->outcome.rebuilds, 10);
  const Growth growth = counter.between(50, 100);
  EXPECT_EQ(growth.bytes, 0);
  EXPECT_LE(growth.allocations, 40 * result->outcome.rebuilds);
  RecordProperty("allocations", std::to_string(growth.allocations));
  RecordProperty("rebuilds_of_120_steps", std::to_string(result->outcome.rebuilds));
}

}  // namespace
}  // namespace haven::testing
