// Imported potentials on the CUDA kernels: products of degree 3 and 4 and a potential's own repulsion (NEP), on the
// emulation and on a device where there is one; explicit triplets are refused.
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "core/error.hpp"
#include "core/rng.hpp"
#include "potentials/program/drivers/cpu_scalar.hpp"
#include "potentials/program/drivers/cuda_emulation.hpp"
#include "potentials/program/drivers/cuda_potential.hpp"
#include "support/gpu_backends.hpp"
#include "support/structures.hpp"

namespace haven::testing {
namespace {

Layer random_layer(Index inputs, Index outputs, Activation activation, RandomSequence& random) {
  Layer layer{.inputs = inputs, .outputs = outputs, .activation = activation, .weights = {}, .bias = {}};
  const double width = 0.3 / std::sqrt(static_cast<double>(inputs));
  for (Index k = 0; k < inputs * outputs; ++k) layer.weights.push_back(width * random.normal());
  for (Index k = 0; k < outputs; ++k) layer.bias.push_back(0.3 * random.normal());
  return layer;
}

Model empty_model(const std::string& kind, const std::vector<int>& elements) {
  Model model{.kind = kind,
              .cutoff = 5.5,
              .minimum_distance = 0,
              .repulsion = "none",
              .elements = {},
              .parameters = {},
              .provenance = {}};
  for (const int number : elements) {
    ModelElement element;
    element.number = number;
    element.mass = 10;
    model.elements.push_back(element);
  }
  return model;
}

void add_networks(Model& model, Activation activation) {
  const Descriptor descriptor = describe(model);
  RandomSequence random(5, Stream::test, 71);
  for (std::size_t a = 0; a < model.elements.size(); ++a) {
    ModelElement& element = model.elements[a];
    const Index features = descriptor.centres[a].features();
    element.feature_shift.assign(static_cast<std::size_t>(features), 0.1);
    element.feature_scale.assign(static_cast<std::size_t>(features), 0.7);
    element.network.layers = {random_layer(features, 9, activation, random),
                              random_layer(9, 1, Activation::identity, random)};
    element.reference_energy = -1.5;
  }
}

/// A made-up NEP model with all invariants of three and four moments and ZBL below 2.4 A.
Model nep_model(int l_max, Activation activation) {
  Model model = empty_model("nep", {3, 8});
  RandomSequence random(8, Stream::test, 72);
  for (const char* element : {"0", "1"}) {
    for (const auto& [name, functions, basis] :
         {std::tuple("radial_", Index{4}, Index{6}), std::tuple("angular_", Index{3}, Index{5})}) {
      Array table{.shape = {functions, 2 * basis}, .values = {}};
      for (Index k = 0; k < functions * 2 * basis; ++k) table.values.push_back(0.4 * random.normal());
      model.parameters[std::string(name) + element] = table;
    }
  }
  model.parameters["radial_cutoff"] = {.shape = {2}, .values = {5.5, 5.0}};
  model.parameters["angular_cutoff"] = {.shape = {2}, .values = {4.0, 4.4}};
  model.parameters["l_max"] = {.shape = {1}, .values = {static_cast<double>(l_max)}};
  model.parameters["invariants"] = {.shape = {6}, .values = std::vector<double>(6, 1.0)};
  Array wall{.shape = {4, 11}, .values = {}};
  for (int p = 0; p < 4; ++p)
    wall.values.insert(wall.values.end(), {14.4 * 9, 0.18, 0.51, 0.28, 0.03, 9.0, 3.0, 1.2, 0.6, 1.0, 2.4});
  model.parameters["repulsion"] = wall;
  add_networks(model, activation);
  return model;
}

class CudaImported : public ::testing::TestWithParam<GpuBackend> {
 protected:
  void SetUp() override {
    const std::string obstacle = GetParam().obstacle();
    if (!obstacle.empty()) GTEST_SKIP() << "skipped: no CUDA device (" << obstacle << ")";
  }
};

// 1e-13 of the scale, and what 2^-44 per pair adds up to.
TEST_P(CudaImported, NepAgreesWithTheScalarDriverToRounding) {
  for (const auto& [l_max, activation] :
       {std::pair(4, Activation::tanh), std::pair(8, Activation::logistic), std::pair(6, Activation::gaussian)}) {
    const Model model = nep_model(l_max, activation);
    const Structure s = random_structure({.atoms = 14, .elements = {3, 8}, .seed = 3});
    const auto expected = evaluate_all(*reference::make_reference_potential(model, reference::RadialSource::tables), s);
    const auto got = evaluate_all(*GetParam().make(model, Precision::float64), s);
    const double energies = std::accumulate(expected.atom_energies.begin(), expected.atom_energies.end(), 0.0,
                                            [](double sum, double e) { return sum + std::abs(e); });
    EXPECT_NEAR(got.energy, expected.energy, 1e-13 * energies + 1e-12);
    EXPECT_LT(largest_difference(got.forces, expected.forces), 1e-13 * largest_component(expected.forces) + 1e-12);
    EXPECT_LT(largest_difference(got.virial, expected.virial), 1e-13 * largest_component(expected.virial) + 1e-11);
    const auto mixed = evaluate_all(*GetParam().make(model, Precision::mixed), s);
    EXPECT_LT(largest_difference(mixed.forces, expected.forces), 1e-4) << largest_component(expected.forces);
  }
}

std::vector<GpuBackend> backends() {
  std::vector<GpuBackend> all{emulated_gpu()};
  if (built_with_cuda()) all.push_back(real_gpu());
  return all;
}
INSTANTIATE_TEST_SUITE_P(All, CudaImported, ::testing::ValuesIn(backends()),
                         [](const auto& test) { return test.param.name; });

// Silently leaving out a part of a potential would be the worst of failures.
TEST(CudaProgram, ExplicitTripletsAreRefusedWithWhatToDo) {
  Model model = empty_model("n2p2", {3});
  Array table{.shape = {2, 9}, .values = {0, 2, 0, 0, 0.3, 0.0, 1, 1, 5.5, 0, 3, 0, 0, 0.05, 0.0, 1, 1, 5.5}};
  model.parameters = {{"cutoff_type", {.shape = {1}, .values = {1}}},
                      {"cutoff_alpha", {.shape = {1}, .values = {0}}},
                      {"functions", table}};
  add_networks(model, Activation::tanh);
  try {
    static_cast<void>(gpu::make_emulated_potential(model, Precision::float64));
    FAIL() << "must throw";
  } catch (const ModelError& error) {
    EXPECT_NE(error.summary().find("triplets"), std::string::npos);
    EXPECT_NE(error.remedy().find("cpu"), std::string::npos);
  }
}

}  // namespace
}  // namespace haven::testing
