// Models whose checksums are right and whose numbers are not: whoever can write a file can also write its hash. Every
// array of every kind of model gets values that no training makes; the model is refused, or it is evaluated and says
// what is wrong with the result: no signal, no endless loop, no memory beyond bounds.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>

#include "core/error.hpp"
#include "core/rng.hpp"
#include "potentials/lowerings/n2p2.hpp"
#include "potentials/registry.hpp"
#include "potentials/structure_evaluation.hpp"
#include "support/imported_models.hpp"
#include "support/structures.hpp"

namespace haven::testing {
namespace {

std::vector<Model> every_kind() {
  return {made_up_n2p2(),
          made_up_n2p2_compact(),
          made_up_nep(),
          made_up_aenet(),
          made_up_pair_table(),
          random_model({.kind = "moment", .preset = "fast", .elements = {3, 8}}),
          random_model({.kind = "behler-parrinello", .elements = {3, 8}}),
          random_model({.kind = "deeppot-se", .elements = {3, 8}})};
}

std::vector<std::vector<double>*> arrays_of(Model& model) {
  std::vector<std::vector<double>*> all;
  for (auto& [name, array] : model.parameters) all.push_back(&array.values);
  for (ModelElement& element : model.elements) {
    all.push_back(&element.feature_shift);
    all.push_back(&element.feature_scale);
    for (Layer& layer : element.network.layers) all.insert(all.end(), {&layer.weights, &layer.bias});
  }
  return all;
}

Model mutant_of(Model model, std::uint64_t seed) {
  constexpr double values[] = {0, -1, 1, 3, 1e-300, 1e-9, 1e9, 1e18, -1e300, 1e300, 5.000001, 4.37219};
  RandomSequence random(seed, Stream::test, 95);
  const auto arrays = arrays_of(model);
  for (std::uint64_t k = 0; k <= random.below(3); ++k) {
    std::vector<double>& array = *arrays[random.below(arrays.size())];
    if (array.empty()) continue;
    const std::uint64_t way = random.below(12);
    if (way == 0)
      array.pop_back();
    else if (way == 1)
      array.push_back(0.5);
    else if (way == 2)
      array[random.below(array.size())] = std::nan("");
    else
      array[random.below(array.size())] = values[random.below(std::size(values))];
  }
  if (random.below(8) == 0) model.cutoff = values[random.below(std::size(values))];
  return model;
}

/// 0 when it is refused or evaluated; the exit code of the child otherwise.
int outcome_of(const Model& model) {
  try {
    const auto potential = make_potential(model, Precision::mixed);
    const StructureEvaluation result =
        evaluate_structure(*potential, random_structure({.atoms = 8, .elements = {3, 8}, .seed = 2}));
    return std::isfinite(result.energy) ? 0 : 2;
  } catch (const Error&) {
    return 0;
  } catch (...) {
    return 3;
  }
}

TEST(HostileModels, AreRefusedOrEvaluatedWithinBounds) {
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    for (const Model& model : every_kind())
      for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        const itimerval limit{.it_interval = {.tv_sec = 0, .tv_usec = 0}, .it_value = {.tv_sec = 30, .tv_usec = 0}};
        setitimer(ITIMER_PROF, &limit, nullptr);
        if (const int outcome = outcome_of(mutant_of(model, seed)); outcome != 0) _exit(outcome);
      }
    _exit(0);
  }
  int status = 0;
  rusage usage{};
  ASSERT_EQ(wait4(child, &status, 0, &usage), child);
  ASSERT_TRUE(WIFEXITED(status)) << "killed by signal " << WTERMSIG(status);
  EXPECT_EQ(WEXITSTATUS(status), 0) << "2: an energy that is not finite; 3: an error of no known kind";
#ifndef __SANITIZE_ADDRESS__  // which needs memory of its own
  EXPECT_LT(usage.ru_maxrss, 1024 * 1024) << "kB of memory";
#endif
}

// 4,096 functions that share nothing and end at incommensurate distances would need gigabytes of tables.
TEST(HostileModels, TablesBeyondMemoryAreRefused) {
  Model model = made_up_n2p2_compact();
  Array& table = model.parameters.at("compact_functions");
  table.values.clear();
  table.shape[0] = 4096;
  for (int k = 0; k < 4096; ++k) {
    const double low = 4.9 - 1e-3 * std::sqrt(k + 0.5);
    table.values.insert(table.values.end(), {double(k % 2), 20, 0, 0, low, low + 0.05, 0, 0, 1});
  }
  EXPECT_THROW(static_cast<void>(make_potential(model, Precision::float64)), ModelError);
}

}  // namespace
}  // namespace haven::testing
