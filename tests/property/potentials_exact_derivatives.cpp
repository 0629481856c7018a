// Forces, virial and heat-flux terms of every potential on every evaluator against exact derivatives (D.1 of the test
// plan: T1, T3, T4). Energies on dual numbers have no step size, so what remains is rounding. "Scale" is the largest
// magnitude of the compared quantity.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "core/rng.hpp"
#include "support/every_potential.hpp"
#include "support/exact_energies.hpp"

namespace haven::testing {
namespace {

class ExactDerivatives : public ::testing::TestWithParam<PotentialCase> {
 protected:
  [[nodiscard]] static Structure structure(std::uint64_t seed, int atoms = 16) {
    return structure_for(GetParam(), seed, atoms);
  }
};

std::vector<Vec3> random_vectors(std::size_t n, RandomSequence& random) {
  std::vector<Vec3> vectors;
  for (std::size_t i = 0; i < n; ++i) vectors.push_back({random.normal(), random.normal(), random.normal()});
  return vectors;
}

/// Directions of unit length in the space of all coordinates.
std::vector<Vec3> random_direction(std::size_t n, RandomSequence& random) {
  std::vector<Vec3> direction = random_vectors(n, random);
  double square = 0;
  for (const Vec3& v : direction) square += norm2(v);
  for (Vec3& v : direction) v *= 1 / std::sqrt(square);
  return direction;
}

TEST_P(ExactDerivatives, ForceIsMinusTheEnergyGradientIn20Directions) {
  for (const Evaluator& evaluator : double_evaluators(GetParam())) {
    SCOPED_TRACE(evaluator.name);
    const Potential& potential = *evaluator.potential;
    const ExactEnergies exact(GetParam(), evaluator.radial);
    for (const std::uint64_t seed : all_seeds) {
      const Structure s = structure(seed, 10);
      const auto forces = evaluate_all(potential, s).forces;
      RandomSequence random(seed, Stream::test, 2);
      double scale = 0, worst = 0;
      for (int k = 0; k < 20; ++k) {
        const std::vector<Vec3> v = random_direction(forces.size(), random);
        double work = 0;
        for (std::size_t i = 0; i < v.size(); ++i) work += dot(forces[i], v[i]);
        const double slope = exact.slope(s, {.velocities = v});
        scale = std::max(scale, std::abs(slope));
        worst = std::max(worst, std::abs(slope + work));
      }
      EXPECT_LE(worst, 1e-11 * scale) << "seed " << seed;
    }
  }
}

TEST_P(ExactDerivatives, VirialIsMinusTheStrainDerivative) {
  for (const Evaluator& evaluator : double_evaluators(GetParam())) {
    SCOPED_TRACE(evaluator.name);
    const Potential& potential = *evaluator.potential;
    const ExactEnergies exact(GetParam(), evaluator.radial);
    for (const std::uint64_t seed : all_seeds) {
      const Structure s = structure(seed, 10);
      const Mat3 virial = evaluate_all(potential, s).virial;
      const double scale = largest_component(virial);
      Motion motion{.velocities = std::vector<Vec3>(static_cast<std::size_t>(s.size()))};
      for (int a = 0; a < 3; ++a)
        for (int b = a; b < 3; ++b) {
          motion.strain = {};
          motion.strain[a][b] += 0.5;
          motion.strain[b][a] += 0.5;
          EXPECT_NEAR(exact.slope(s, motion), -0.5 * (virial[a][b] + virial[b][a]), 1e-11 * scale)
              << "strain " << a << b << ", seed " << seed;
          // An energy without preferred direction has a symmetric virial.
          EXPECT_NEAR(virial[a][b], virial[b][a], 1e-11 * scale) << "component " << a << b << ", seed " << seed;
        }
    }
  }
}

TEST_P(ExactDerivatives, AtomVirialsAddUpToTheVirial) {
  for (const Evaluator& evaluator : double_evaluators(GetParam())) {
    SCOPED_TRACE(evaluator.name);
    const Potential& potential = *evaluator.potential;
    for (const std::uint64_t seed : all_seeds) {
      const auto result = evaluate_all(potential, structure(seed));
      Mat3 sum{};
      for (const Mat3& w : result.atom_virials) sum += w;
      EXPECT_LE(largest_difference(sum, result.virial), 1e-12 * largest_component(result.virial)) << "seed " << seed;
    }
  }
}

/// The definition: the heat flux is d/dt sum_i r_i (m v_i^2/2 + E_i). Without the part that atoms carry along it is
/// sum_i r_i (F_i.v_i + dE_i/dt), here of 8 atoms without periodic images (whose r_i would have no origin).
TEST_P(ExactDerivatives, AtomVirialsGiveTheHeatFluxOfItsDefinition) {
  for (const Evaluator& evaluator : double_evaluators(GetParam())) {
    SCOPED_TRACE(evaluator.name);
    const Potential& potential = *evaluator.potential;
    const ExactEnergies exact(GetParam(), evaluator.radial);
    for (const std::uint64_t seed : all_seeds) {
      Structure s = structure(seed, 8);
      s.cell = Cell(60.0 * Mat3::identity(), {false, false, false});
      RandomSequence random(seed, Stream::test, 5);
      const std::vector<Vec3> velocities = random_vectors(8, random);
      const std::vector<Dual> rates = exact.along(s, {.velocities = velocities});
      const auto result = evaluate_all(potential, s);
      Vec3 expected{}, flux{};
      double scale = 0;
      for (std::size_t i = 0; i < 8; ++i) {
        Motion only_one{.velocities = std::vector<Vec3>(8)};
        only_one.velocities[i] = velocities[i];
        expected += (rates[i].tangent - exact.slope(s, only_one)) * s.positions[i];
        const Mat3& w = result.atom_virials[i];
        const Vec3 share{dot(w[0], velocities[i]), dot(w[1], velocities[i]), dot(w[2], velocities[i])};
        flux += share;
        scale = std::max(scale, norm(share));
      }
      EXPECT_LE(norm(flux - expected), 1e-10 * scale) << "seed " << seed;
      EXPECT_GT(norm(flux), 1e-3) << "seed " << seed;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, ExactDerivatives, ::testing::ValuesIn(every_potential()),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace haven::testing
