// One program, several evaluators: they have to agree with each other, and the reference with exact derivatives.
#include <gtest/gtest.h>
#include <omp.h>

#include <numeric>

#include "core/rng.hpp"
#include "potentials/program/drivers/cpu_scalar.hpp"
#include "potentials/program/drivers/cpu_simd.hpp"
#include "potentials/structure_evaluation.hpp"
#include "support/every_potential.hpp"

namespace haven::testing {
namespace {

std::vector<PotentialCase> models_only() {
  std::vector<PotentialCase> cases;
  for (const PotentialCase& c : every_potential())
    if (c.model) cases.push_back(c);
  return cases;
}

double sum_abs(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0, [](double s, double v) { return s + std::abs(v); });
}

class EveryModel : public ::testing::TestWithParam<PotentialCase> {
 protected:
  void SetUp() override { model_ = random_model(*GetParam().model); }
  [[nodiscard]] const Model& model() const { return model_; }

 private:
  Model model_;
};

/// Energy along x + t v (and cell (1 + t e)) with the literal evaluator on dual numbers: value and exact slope at t =
/// 0.
Dual energy_along(const Model& model, const Structure& s, const std::vector<Vec3>& velocity, const Mat3& strain) {
  const Descriptor descriptor = describe(model);
  std::vector<int> elements;
  for (const ModelElement& element : model.elements) elements.push_back(element.number);
  const std::vector<int> species = species_indices(s.numbers, elements);
  std::vector<AtomId> ids(species.size());
  std::iota(ids.begin(), ids.end(), AtomId{0});
  const LocalAtoms atoms{.positions = s.positions, .ids = ids, .species = species, .n_centres = s.size()};
  NeighbourList list;
  list.build(s.cell, atoms, model.cutoff);
  const NeighbourView view = list.view();
  Dual energy(0.0);
  for (Index i = 0; i < s.size(); ++i) {
    const auto centre = static_cast<std::size_t>(i);
    std::vector<reference::Neighbour<Dual>> neighbours;
    for (Index e = view.offsets[centre]; e < view.offsets[centre + 1]; ++e) {
      const auto j = static_cast<std::size_t>(view.atom[static_cast<std::size_t>(e)]);
      const Vec3 d = view.displacement(s.positions, i, e);
      const Vec3 tangent = velocity[j] - velocity[centre] + d * strain;
      neighbours.push_back(
          {.species = species[j], .d = {Dual(d.x, tangent.x), Dual(d.y, tangent.y), Dual(d.z, tangent.z)}});
    }
    energy += reference::evaluate_centre<Dual>(descriptor, model, reference::ClosedFormRadial{&descriptor},
                                               species[centre], std::span<const reference::Neighbour<Dual>>(neighbours))
                  .energy;
  }
  return energy;
}

TEST_P(EveryModel, ReferenceForceIsExactlyMinusTheEnergyGradient) {
  const Structure s = structure_for(GetParam(), 21, 10);
  const auto result = evaluate_all(*reference::make_reference_potential(model()), s);
  RandomSequence random(4, Stream::test, 2);
  const std::size_t directions = 5;
  for (std::size_t k = 0; k < directions; ++k) {
    std::vector<Vec3> v;
    double work = 0, scale = 0;
    for (const Vec3& f : result.forces) {
      v.push_back({random.normal(), random.normal(), random.normal()});
      work += dot(f, v.back());
      scale += std::abs(dot(f, v.back()));
    }
    EXPECT_NEAR(energy_along(model(), s, v, Mat3{}).tangent, -work, 1e-11 * scale + 1e-11);
  }
}

TEST_P(EveryModel, ReferenceVirialIsExactlyMinusTheStrainDerivative) {
  const Structure s = structure_for(GetParam(), 22, 10);
  const auto result = evaluate_all(*reference::make_reference_potential(model()), s);
  const double scale = largest_component(result.virial);
  const std::vector<Vec3> still(static_cast<std::size_t>(s.size()));
  for (int a = 0; a < 3; ++a)
    for (int b = a; b < 3; ++b) {
      Mat3 e{};
      e[a][b] += 0.5;
      e[b][a] += 0.5;
      EXPECT_NEAR(energy_along(model(), s, still, e).tangent, -0.5 * (result.virial[a][b] + result.virial[b][a]),
                  1e-11 * scale);
    }
}

// Both evaluators use the same tables, so only rounding differs: sums in another order, fused multiply-adds, the folded
// first layer. 1e-13 of the scale, plus what 2^-44 per contribution allows.
TEST_P(EveryModel, VectorisedDoubleAgreesWithTheScalarDriverToRounding) {
  const Structure s = structure_for(GetParam(), 23, 16);
  const auto expected = evaluate_all(*reference::make_reference_potential(model(), reference::RadialSource::tables), s);
  // Steep standardised features amplify rounding: conditioning is measured by the sum of magnitudes entering a neuron.
  for (const Isa isa : available_isas()) {
    const auto got = evaluate_all(*make_vectorised_potential(model(), Precision::float64, isa), s);
    EXPECT_NEAR(got.energy, expected.energy, 1e-13 * sum_abs(expected.atom_energies)) << isa_name(isa);
    EXPECT_LT(largest_difference(got.forces, expected.forces), 1e-13 * largest_component(expected.forces) + 1e-12)
        << isa_name(isa);
    EXPECT_LT(largest_difference(got.virial, expected.virial), 1e-13 * largest_component(expected.virial) + 1e-12)
        << isa_name(isa);
    EXPECT_EQ(got.extrapolating, expected.extrapolating);
  }
}

// Tables hold channels to 1e-10 of their largest value; slopes lose about one digit per knot spacing.
TEST_P(EveryModel, TablesFollowTheClosedForms) {
  const Structure s = structure_for(GetParam(), 24, 16);
  const auto exact = evaluate_all(*reference::make_reference_potential(model()), s);
  const auto tabulated =
      evaluate_all(*reference::make_reference_potential(model(), reference::RadialSource::tables), s);
  EXPECT_NEAR(tabulated.energy, exact.energy, 1e-8 * sum_abs(exact.atom_energies));
  EXPECT_LT(largest_difference(tabulated.forces, exact.forces), 1e-7 * largest_component(exact.forces));
}

// 1e-4 eV/A is far below what any model knows about its forces.
TEST_P(EveryModel, MixedPrecisionForcesAreWithinTenthsOfAMillielectronvolt) {
  const Structure s = structure_for(GetParam(), 25, 32);
  const auto exact = evaluate_all(*make_vectorised_potential(model(), Precision::float64), s);
  for (const Isa isa : available_isas()) {
    const auto mixed = evaluate_all(*make_vectorised_potential(model(), Precision::mixed, isa), s);
    const double error = largest_difference(mixed.forces, exact.forces);
    EXPECT_LT(error, 1e-4) << isa_name(isa) << ", largest force " << largest_component(exact.forces);
    EXPECT_NEAR(mixed.energy, exact.energy, 1e-5 * sum_abs(exact.atom_energies)) << isa_name(isa);
    RecordProperty("largest_error_" + isa_name(isa), std::to_string(error));
  }
}

TEST_P(EveryModel, ThreadCountDoesNotChangeABit) {
  const Structure s = structure_for(GetParam(), 26, 40);
  for (const Precision precision : {Precision::float64, Precision::mixed}) {
    const auto potential = make_vectorised_potential(model(), precision);
    const int before = omp_get_max_threads();
    omp_set_num_threads(1);
    const auto one = evaluate_all(*potential, s);
    for (const int threads : {2, 3}) {
      omp_set_num_threads(threads);
      const auto several = evaluate_all(*potential, s);
      EXPECT_EQ(one.fixed_forces, several.fixed_forces);
      EXPECT_EQ(one.fixed_energy, several.fixed_energy);
      EXPECT_EQ(one.fixed_virial, several.fixed_virial);
      EXPECT_EQ(one.atom_energies, several.atom_energies);
      EXPECT_EQ(one.extrapolating, several.extrapolating);
    }
    omp_set_num_threads(before);
  }
}

INSTANTIATE_TEST_SUITE_P(All, EveryModel, ::testing::ValuesIn(models_only()),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace haven::testing
