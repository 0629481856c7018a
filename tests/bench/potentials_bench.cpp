// Micro-benchmarks of the evaluator on one core (Google Benchmark): forces of every kind of model and the list build.
// Counters: us of processor time per atom, counted kFLOP per atom, and the share of the peak that this core shows
// (roofline statement).
//   potentials_bench --benchmark_filter=forces/moment --benchmark_repetitions=5
#include <benchmark/benchmark.h>
#include <omp.h>

#include <functional>
#include <numeric>
#include <string>

#include "potentials/program/compile.hpp"
#include "potentials/program/drivers/cpu_peak.hpp"
#include "potentials/program/drivers/cpu_simd.hpp"
#include "potentials/program/operations.hpp"
#include "potentials/structure_evaluation.hpp"
#include "support/imported_models.hpp"
#include "support/structures.hpp"

namespace haven::testing {
namespace {

/// 3,072 atoms; 905 A^3 hold 42 neighbours within 6 A at 21.5 A^3 an atom.
Structure box_of(const std::vector<int>& elements) {
  return supercell(random_structure({.atoms = 48, .elements = elements, .volume_per_atom = 21.5}), 4, 4, 4);
}

struct System {
  Structure structure;
  std::vector<int> species;
  std::vector<AtomId> ids;
  NeighbourList list;
  System(Structure s, const std::vector<int>& elements, double radius)
      : structure(std::move(s)), species(species_indices(structure.numbers, elements)), ids(species.size()) {
    std::iota(ids.begin(), ids.end(), AtomId{0});
    list.build(structure.cell, atoms(), radius);
  }
  [[nodiscard]] LocalAtoms atoms() const {
    return {.positions = structure.positions, .ids = ids, .species = species, .n_centres = structure.size()};
  }
};

void set_counters(benchmark::State& state, const Model& model, const System& system, Precision precision) {
  const OperationCount count =
      count_operations(compile(describe(model), model, 1e-3), system.atoms(), system.list.view());
  const auto n = static_cast<double>(system.structure.size());
  using benchmark::Counter;
  state.counters["time/atom"] = Counter(n, Counter::kIsIterationInvariantRate | Counter::kInvert);
  state.counters["neighbours"] = count.neighbours / n;
  state.counters["FLOP/atom"] = count.total / n;
  state.counters["FLOP"] = Counter(count.total, Counter::kIsIterationInvariantRate);
  state.counters["peak"] = measured_peak(precision);
}

void forces(benchmark::State& state, const Model& model, Precision precision) {
  const auto potential = make_vectorised_potential(model, precision);
  const System system(box_of(potential->requirements().elements), potential->requirements().elements,
                      potential->requirements().cutoff + 1);
  std::vector<FixedVec3> sums(system.species.size());
  for (auto _ : state) {
    std::fill(sums.begin(), sums.end(), FixedVec3{});
    Evaluation out;
    out.forces = sums;
    potential->evaluate(system.atoms(), system.list.view(), Wanted::forces, out);
    benchmark::DoNotOptimize(sums.data());
  }
  set_counters(state, model, system, precision);
}

void list_build(benchmark::State& state) {
  System system(box_of({3, 8}), {3, 8}, 7.0);
  for (auto _ : state) {
    system.list.build(system.structure.cell, system.atoms(), 7.0);
    benchmark::DoNotOptimize(system.list.view().atom.data());
  }
  state.counters["time/atom"] =
      benchmark::Counter(static_cast<double>(system.structure.size()),
                         benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
  state.counters["entries/atom"] =
      static_cast<double>(system.list.view().atom.size()) / static_cast<double>(system.structure.size());
}

void register_model(const std::string& name, const Model& model) {
  for (const Precision precision : {Precision::mixed, Precision::float64}) {
    const std::string full = "forces/" + name + (precision == Precision::mixed ? "/mixed" : "/double");
    benchmark::RegisterBenchmark(full.c_str(), [model, precision](benchmark::State& state) {
      forces(state, model, precision);
    })->Unit(benchmark::kMillisecond);
  }
}

}  // namespace
}  // namespace haven::testing

int main(int argc, char** argv) {
  using namespace haven;
  using namespace haven::testing;
  omp_set_num_threads(1);
  const std::vector<int> elements{3, 15, 16, 17};
  for (const char* preset : {"fast", "standard", "accurate"})
    register_model(std::string("moment-") + preset,
                   random_model({.kind = "moment", .preset = preset, .elements = elements, .cutoff = 6, .hidden = 32}));
  for (const char* kind : {"behler-parrinello", "chebyshev", "deeppot-se", "deeppot-se-r"})
    register_model(kind,
                   random_model({.kind = kind, .preset = "standard", .elements = elements, .cutoff = 6, .hidden = 32}));
  register_model("n2p2", made_up_n2p2());
  register_model("n2p2-compact", made_up_n2p2_compact());
  register_model("nep", made_up_nep());
  benchmark::RegisterBenchmark("list_build/7A", list_build)->Unit(benchmark::kMillisecond);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
