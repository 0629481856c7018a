// One program, several evaluators: they have to agree with each other, and the reference with exact derivatives.
#include <gtest/gtest.h>
#include <omp.h>

#include <algorithm>
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
  void SetUp() override { model_ = GetParam().model(); }
  [[nodiscard]] const Model& model() const { return model_; }

 private:
  Model model_;
};

// T13. All evaluators use the same tables, so only rounding differs: sums in another order, fused multiply-adds, the
// folded first layer.
TEST_P(EveryModel, VectorisedDoubleAgreesWithTheScalarDriverToRounding) {
  const auto reference = reference::make_reference_potential(model(), reference::RadialSource::tables);
  for (const Isa isa : available_isas()) {
    const auto vectorised = make_vectorised_potential(model(), Precision::float64, isa);
    for (const std::uint64_t seed : all_seeds) {
      const Structure s = structure_for(GetParam(), seed, 16);
      const auto expected = evaluate_all(*reference, s), got = evaluate_all(*vectorised, s);
      EXPECT_NEAR(got.energy, expected.energy, 1e-13 * std::abs(expected.energy)) << isa_name(isa) << " " << seed;
      EXPECT_LE(largest_difference(got.forces, expected.forces), 1e-13 * largest_component(expected.forces))
          << isa_name(isa) << " " << seed;
      EXPECT_LE(largest_difference(got.virial, expected.virial), 1e-13 * largest_component(expected.virial))
          << isa_name(isa) << " " << seed;
      EXPECT_EQ(got.extrapolating, expected.extrapolating);
      EXPECT_EQ(got.extrapolates, expected.extrapolates);
    }
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
  const auto double_precision = make_vectorised_potential(model(), Precision::float64);
  for (const Isa isa : available_isas()) {
    const auto potential = make_vectorised_potential(model(), Precision::mixed, isa);
    double largest = 0;
    for (const std::uint64_t seed : all_seeds) {
      const Structure s = structure_for(GetParam(), seed, 32);
      const auto exact = evaluate_all(*double_precision, s), mixed = evaluate_all(*potential, s);
      const double error = largest_difference(mixed.forces, exact.forces);
      EXPECT_LT(error, 1e-4) << isa_name(isa) << ", seed " << seed << ", largest force "
                             << largest_component(exact.forces);
      EXPECT_NEAR(mixed.energy, exact.energy, 1e-5 * sum_abs(exact.atom_energies)) << isa_name(isa) << " " << seed;
      largest = std::max(largest, error);
    }
    RecordProperty("largest_error_" + isa_name(isa), std::to_string(largest));
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
      EXPECT_EQ(one.extrapolates, several.extrapolates);
      EXPECT_EQ(std::count(one.extrapolates.begin(), one.extrapolates.end(), 1), one.extrapolating);
    }
    omp_set_num_threads(before);
  }
}

INSTANTIATE_TEST_SUITE_P(All, EveryModel, ::testing::ValuesIn(models_only()),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace haven::testing
