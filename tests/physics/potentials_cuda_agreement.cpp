// T13: the CUDA kernels give what the scalar driver gives. Every test runs on their emulation, and on the device where
// there is one.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "potentials/program/drivers/cpu_scalar.hpp"
#include "potentials/program/drivers/cpu_simd.hpp"
#include "potentials/program/drivers/cuda_potential.hpp"
#include "potentials/structure_evaluation.hpp"
#include "support/every_potential.hpp"
#include "support/gpu_backends.hpp"

namespace haven::testing {
namespace {

struct GpuCase {
  GpuBackend backend;
  PotentialCase potential;
};
void PrintTo(const GpuCase& c, std::ostream* out) { *out << c.potential.name << " " << c.backend.name; }

std::vector<GpuCase> all_cases() {
  std::vector<GpuCase> cases;
  for (const PotentialCase& c : potentials_of_gpus()) {
    cases.push_back({emulated_gpu(), c});
    if (built_with_cuda()) cases.push_back({real_gpu(), c});
  }
  return cases;
}

double sum_abs(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0, [](double s, double v) { return s + std::abs(v); });
}

class CudaAgreement : public ::testing::TestWithParam<GpuCase> {
 protected:
  void SetUp() override {
    const std::string obstacle = GetParam().backend.obstacle();
    if (!obstacle.empty()) GTEST_SKIP() << "skipped: no CUDA device (" << obstacle << ")";
    model_ = GetParam().potential.model();
  }
  [[nodiscard]] std::unique_ptr<Potential> gpu(Precision precision) const {
    return GetParam().backend.make(model_, precision);
  }
  [[nodiscard]] Structure structure(std::uint64_t seed, int atoms) const {
    return structure_for(GetParam().potential, seed, atoms);
  }
  [[nodiscard]] const Model& model() const { return model_; }

 private:
  Model model_;
};

/// The driver that the kernels are compared with: the same tables, so that only rounding differs.
std::unique_ptr<Potential> scalar_driver(const Model& model) {
  return reference::make_reference_potential(model, reference::RadialSource::tables);
}

// Sums in another order, fused multiply-adds on the device, the folded first layer: 1e-13 of the scale; every pair's
// force is rounded to a multiple of 2^-44 eV/A, which is 1e-12 for the two dozen pairs of an atom.
void expect_double_agreement(const FullEvaluation& got, const FullEvaluation& expected) {
  const double slack = 1e-12;
  EXPECT_NEAR(got.energy, expected.energy, 1e-13 * sum_abs(expected.atom_energies) + slack);
  EXPECT_LT(largest_difference(got.forces, expected.forces), 1e-13 * largest_component(expected.forces) + slack);
  EXPECT_LT(largest_difference(got.virial, expected.virial), 1e-13 * largest_component(expected.virial) + 10 * slack);
  ASSERT_EQ(got.atom_virials.size(), expected.atom_virials.size());
  for (std::size_t i = 0; i < got.atom_virials.size(); ++i) {
    EXPECT_LT(largest_difference(got.atom_virials[i], expected.atom_virials[i]),
              1e-13 * largest_component(expected.virial) + 10 * slack);
    EXPECT_NEAR(got.atom_energies[i], expected.atom_energies[i], 1e-13 * std::abs(expected.energy) + slack);
  }
  EXPECT_EQ(got.extrapolating, expected.extrapolating);
  EXPECT_EQ(got.fault, EvaluationFault::none);
}

TEST_P(CudaAgreement, DoubleAgreesWithTheScalarDriverToRounding) {
  const Structure s = structure(41, 20);
  expect_double_agreement(evaluate_all(*gpu(Precision::float64), s), evaluate_all(*scalar_driver(model()), s));
}

// Fewer atoms than lanes, more than one image of each, several tiles of neighbours.
TEST_P(CudaAgreement, DoubleAgreesInCellsSmallerThanTheCutoff) {
  const auto potential = gpu(Precision::float64);
  const auto expected = scalar_driver(model());
  for (const int atoms : {1, 2, 3}) {
    Structure s = structure(42, 4);
    s.positions.resize(static_cast<std::size_t>(atoms));
    s.numbers.resize(static_cast<std::size_t>(atoms));
    expect_double_agreement(evaluate_all(*potential, s), evaluate_all(*expected, s));
  }
}

TEST_P(CudaAgreement, DoubleAgreesForALoneAtomAndInAnOpenCell) {
  const auto potential = gpu(Precision::float64);
  const auto expected = scalar_driver(model());
  Structure s = structure(43, 9);
  s.cell = Cell(60.0 * Mat3::identity(), {false, false, false});
  expect_double_agreement(evaluate_all(*potential, s), evaluate_all(*expected, s));
  s.positions.resize(1);
  s.numbers.resize(1);
  expect_double_agreement(evaluate_all(*potential, s), evaluate_all(*expected, s));
}

// 1e-4 eV/A is far below what any model knows about its forces.
TEST_P(CudaAgreement, MixedForcesAreWithinTenthsOfAMillielectronvolt) {
  const Structure s = structure(44, 24);
  const auto exact = evaluate_all(*make_vectorised_potential(model(), Precision::float64), s);
  const auto mixed = evaluate_all(*gpu(Precision::mixed), s);
  const double error = largest_difference(mixed.forces, exact.forces);
  EXPECT_LT(error, 1e-4) << "largest force " << largest_component(exact.forces);
  EXPECT_NEAR(mixed.energy, exact.energy, 1e-5 * sum_abs(exact.atom_energies));
  EXPECT_LT(largest_difference(mixed.virial, exact.virial), 1e-4 * largest_component(exact.virial) + 1e-4);
  RecordProperty("largest_error", std::to_string(error));
}

// Integer sums and a fixed order inside an atom: nothing may differ from call to call, nor when the list has a skin.
TEST_P(CudaAgreement, RepetitionAndSkinDoNotChangeABit) {
  const Structure s = structure(45, 16);
  for (const Precision precision : {Precision::float64, Precision::mixed}) {
    const auto potential = gpu(precision);
    const auto first = evaluate_all(*potential, s);
    for (const double skin : {0.0, 0.4, 1.3}) {
      const auto again = evaluate_all(*potential, s, skin);
      EXPECT_EQ(first.fixed_forces, again.fixed_forces) << skin;
      EXPECT_EQ(first.fixed_energy, again.fixed_energy) << skin;
      EXPECT_EQ(first.fixed_virial, again.fixed_virial) << skin;
      EXPECT_EQ(first.atom_energies, again.atom_energies) << skin;
    }
  }
}

TEST_P(CudaAgreement, NetForceIsExactlyZero) {
  for (const Precision precision : {Precision::float64, Precision::mixed}) {
    const auto result = evaluate_all(*gpu(precision), structure(46, 16));
    FixedVec3 sum;
    for (const FixedVec3& f : result.fixed_forces) sum += f;
    EXPECT_EQ(sum, FixedVec3{});
  }
}

TEST_P(CudaAgreement, OverlapIsReportedAsAFaultOfOneOfTheTwoAtoms) {
  Structure s = structure(47, 12);
  s.positions[3] = s.positions[2];
  const auto result = evaluate_all(*gpu(Precision::mixed), s);
  EXPECT_NE(result.fault, EvaluationFault::none);
  EXPECT_TRUE(result.fault_atom == 2 || result.fault_atom == 3) << result.fault_atom;
}

INSTANTIATE_TEST_SUITE_P(All, CudaAgreement, ::testing::ValuesIn(all_cases()),
                         [](const auto& test) { return test.param.potential.name + "_" + test.param.backend.name; });

}  // namespace
}  // namespace haven::testing
