// What every potential has to satisfy, whatever it is (D.1 of the test plan). Each test runs on every case.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "core/rng.hpp"
#include "potentials/structure_evaluation.hpp"
#include "support/every_potential.hpp"
#include "support/finite_difference.hpp"

namespace haven::testing {
namespace {

class EveryPotential : public ::testing::TestWithParam<PotentialCase> {
 protected:
  static void TearDownTestSuite() { built().clear(); }
  /// Potentials are immutable, so the tests of the suite share one of each case.
  [[nodiscard]] const Potential& potential() const {
    auto& slot = built()[GetParam().name];
    if (!slot) slot = GetParam().make();
    return *slot;
  }

 private:
  static std::map<std::string, std::unique_ptr<Potential>>& built() {
    static std::map<std::string, std::unique_ptr<Potential>> potentials;
    return potentials;
  }
};

double sum_abs(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0, [](double s, double v) { return s + std::abs(v); });
}

// Fourth-order differences with h = 1e-3 A are limited by the fifth derivative, about 1e-9 of the scale here, and by
// the 2^-44 eV resolution of energies divided by h.
TEST_P(EveryPotential, ForceIsMinusTheEnergyGradient) {
  const Structure s = structure_for(GetParam(), 7);
  const auto forces = evaluate_all(potential(), s).forces;
  const double scale = largest_component(forces);
  for (const std::size_t i : {std::size_t{0}, std::size_t{5}, std::size_t{11}})
    for (int k = 0; k < 3; ++k) {
      const double slope = central_difference(
          [&](double h) {
            Vec3 d{};
            d[k] = h;
            return energy_of(potential(), displaced(s, i, d));
          },
          1e-3);
      EXPECT_NEAR(forces[i][k], -slope, 1e-7 * scale) << "atom " << i << " component " << k;
    }
}

TEST_P(EveryPotential, VirialIsMinusTheStrainDerivative) {
  const Structure s = structure_for(GetParam(), 8);
  const Mat3 virial = evaluate_all(potential(), s).virial;
  const double scale = largest_component(virial);
  for (int a = 0; a < 3; ++a)
    for (int b = a; b < 3; ++b) {
      const double slope = central_difference(
          [&](double h) {
            Mat3 e{};
            e[a][b] += 0.5 * h;
            e[b][a] += 0.5 * h;
            return energy_of(potential(), strained(s, e));
          },
          3e-4);
      EXPECT_NEAR(0.5 * (virial[a][b] + virial[b][a]), -slope, 1e-7 * scale) << a << b;
      EXPECT_NEAR(virial[a][b], virial[b][a], 1e-11 * scale)
          << "an energy without preferred direction has a symmetric virial";
    }
}

TEST_P(EveryPotential, NetForceIsExactlyZero) {
  const auto result = evaluate_all(potential(), structure_for(GetParam(), 9));
  FixedVec3 sum;
  for (const FixedVec3& f : result.fixed_forces) sum += f;
  EXPECT_EQ(sum, FixedVec3{});
}

// The nine components are rounded per pair in one sum and per atom in the other: 1e-12 covers 2^-44 eV times the pairs.
TEST_P(EveryPotential, AtomVirialsAddUpToTheVirial) {
  const auto result = evaluate_all(potential(), structure_for(GetParam(), 10));
  Mat3 sum{};
  for (const Mat3& w : result.atom_virials) sum += w;
  EXPECT_LT(largest_difference(sum, result.virial), 1e-11 * largest_component(result.virial) + 1e-11);
}

TEST_P(EveryPotential, AtomEnergiesAddUpToTheEnergy) {
  const auto result = evaluate_all(potential(), structure_for(GetParam(), 10));
  const double sum = std::accumulate(result.atom_energies.begin(), result.atom_energies.end(), 0.0);
  EXPECT_NEAR(sum, result.energy, 1e-12 * sum_abs(result.atom_energies));
}

// d/dt of the atom energies must be minus what atom virials transport: sum_i r_i dE_i/dt along v, with each pair's
// share taken literally from numerical derivatives of every E_i with respect to every atom (open cluster, no images
// needed).
TEST_P(EveryPotential, HeatFluxFollowsItsDefinition) {
  Structure s = structure_for(GetParam(), 11, 8);
  s.cell = Cell(60.0 * Mat3::identity(), {false, false, false});
  const auto result = evaluate_all(potential(), s);
  RandomSequence random(3, Stream::test, 5);
  std::vector<Vec3> velocities;
  for (std::size_t i = 0; i < 8; ++i) velocities.push_back({random.normal(), random.normal(), random.normal()});
  Vec3 flux{}, expected{};
  for (std::size_t j = 0; j < 8; ++j)
    for (int a = 0; a < 3; ++a) flux[a] += dot(result.atom_virials[j][a], velocities[j]);
  for (std::size_t j = 0; j < 8; ++j)
    for (std::size_t i = 0; i < 8; ++i) {
      if (i == j) continue;
      // -r_ij (dE_i/dr_j . v_j), Fan et al., PRB 92, 094301 (2015)
      const double rate = central_difference(
          [&](double h) { return evaluate_all(potential(), displaced(s, j, h * velocities[j])).atom_energies[i]; },
          3e-4);
      expected += (-rate) * (s.positions[j] - s.positions[i]);
    }
  EXPECT_LT(norm(flux - expected), 1e-7 * std::max(1.0, norm(flux)));
}

TEST_P(EveryPotential, PermutingAtomsPermutesResults) {
  const Structure s = structure_for(GetParam(), 12);
  const auto before = evaluate_all(potential(), s);
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    std::vector<std::size_t> order(static_cast<std::size_t>(s.size()));
    std::iota(order.begin(), order.end(), std::size_t{0});
    RandomSequence random(seed, Stream::test, 6);
    for (std::size_t k = order.size() - 1; k > 0; --k) std::swap(order[k], order[random.below(k + 1)]);
    Structure permuted = s;
    std::vector<Vec3> expected(order.size());
    for (std::size_t k = 0; k < order.size(); ++k) {
      permuted.numbers[k] = s.numbers[order[k]];
      permuted.positions[k] = s.positions[order[k]];
      expected[k] = before.forces[order[k]];
    }
    const auto after = evaluate_all(potential(), permuted);
    EXPECT_NEAR(after.energy, before.energy, 1e-13 * sum_abs(before.atom_energies) + 1e-12);
    EXPECT_LT(largest_difference(after.forces, expected), 1e-12 * largest_component(expected) + 1e-12);
  }
}

TEST_P(EveryPotential, RotationAndReflectionCarryResultsAlong) {
  const Structure s = structure_for(GetParam(), 13);
  const auto before = evaluate_all(potential(), s);
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    const Mat3 m = random_orthogonal(seed, seed % 2 == 0 ? 1 : -1);
    const auto after = evaluate_all(potential(), transformed(s, m));
    std::vector<Vec3> expected;
    for (const Vec3& f : before.forces) expected.push_back(f * transpose(m));
    EXPECT_NEAR(after.energy, before.energy, 1e-11 * sum_abs(before.atom_energies));
    EXPECT_LT(largest_difference(after.forces, expected), 1e-11 * largest_component(expected) + 1e-12);
    EXPECT_LT(largest_difference(after.virial, m * before.virial * transpose(m)),
              1e-11 * largest_component(before.virial) + 1e-11);
  }
}

TEST_P(EveryPotential, TranslationAndLatticeShiftsChangeNothing) {
  const Structure s = structure_for(GetParam(), 14);
  const auto before = evaluate_all(potential(), s);
  Structure moved = s;
  for (std::size_t i = 0; i < moved.positions.size(); ++i) {
    const int n = static_cast<int>(i % 7) - 3;
    moved.positions[i] += Vec3{0.317, -1.93, 4.41} + s.cell.translation({n, -n, n / 2});
  }
  const auto after = evaluate_all(potential(), moved);
  EXPECT_NEAR(after.energy, before.energy, 1e-12 * sum_abs(before.atom_energies));
  EXPECT_LT(largest_difference(after.forces, before.forces), 1e-12 * largest_component(before.forces) * 10 + 1e-12);
}

TEST_P(EveryPotential, SupercellRepeatsTheResult) {
  const Structure s = structure_for(GetParam(), 15);
  const auto one = evaluate_all(potential(), s);
  const auto eight = evaluate_all(potential(), supercell(s, 2, 2, 2));
  EXPECT_NEAR(eight.energy, 8 * one.energy, 1e-12 * 8 * sum_abs(one.atom_energies));
  std::vector<Vec3> expected;
  for (int copy = 0; copy < 8; ++copy) expected.insert(expected.end(), one.forces.begin(), one.forces.end());
  EXPECT_LT(largest_difference(eight.forces, expected), 1e-11 * largest_component(expected) + 1e-12);
}

TEST_P(EveryPotential, CellSmallerThanTheCutoffEqualsItsSupercell) {
  for (const double height : {5.0 / 0.6, 5.0 / 1.1, 5.0 / 3.2})
    for (const std::size_t n_atoms : {std::size_t{1}, std::size_t{2}}) {
      Mat3 vectors = height * Mat3::identity();
      vectors[1].x = 0.2 * height;
      Structure s{.cell = Cell(vectors), .numbers = {}, .positions = {}};
      for (std::size_t k = 0; k < n_atoms; ++k) {
        s.numbers.push_back(GetParam().elements[k % GetParam().elements.size()]);
        s.positions.push_back(s.cell.to_cartesian({0.1 + 0.47 * static_cast<double>(k), 0.2, 0.3}));
      }
      const auto small = evaluate_all(potential(), s);
      const auto large = evaluate_all(potential(), supercell(s, 4, 4, 4));
      EXPECT_NEAR(large.energy, 64 * small.energy, 1e-12 * 64 * sum_abs(small.atom_energies));
      for (std::size_t i = 0; i < n_atoms; ++i)
        EXPECT_LT(norm(large.forces[i] - small.forces[i]), 1e-12 * largest_component(small.forces) + 1e-12);
    }
}

// An atom crosses the cut-off of another in steps of 1e-6 A: energy and forces follow their own slopes, without a jump.
TEST_P(EveryPotential, NothingJumpsAtTheCutoff) {
  const double cutoff = potential().requirements().cutoff;
  Structure s = structure_for(GetParam(), 16, 6);
  s.cell = Cell(80.0 * Mat3::identity(), {false, false, false});
  const Vec3 direction = (1 / std::sqrt(3.0)) * Vec3{1, -1, 1};
  const auto at = [&](double offset) {
    Structure moved = s;
    moved.positions[5] = s.positions[0] + (cutoff + offset) * direction;
    return evaluate_all(potential(), moved);
  };
  auto before = at(-5e-6);
  for (int step = -4; step <= 5; ++step) {
    const auto now = at(1e-6 * step);
    const double expected = before.energy - 0.5e-6 * dot(before.forces[5] + now.forces[5], direction);
    EXPECT_NEAR(now.energy, expected, 1e-11) << "step " << step;
    EXPECT_LT(largest_difference(now.forces, before.forces), 1e-4 * (largest_component(now.forces) + 1) * 1e-1)
        << "step " << step;
    before = now;
  }
}

TEST_P(EveryPotential, SkinAndThreadsDoNotChangeABit) {
  const Structure s = structure_for(GetParam(), 17, 24);
  const auto plain = evaluate_all(potential(), s);
  for (const double skin : {0.3, 1.7}) {
    const auto skinned = evaluate_all(potential(), s, skin);
    EXPECT_EQ(plain.fixed_forces, skinned.fixed_forces);
    EXPECT_EQ(plain.fixed_energy, skinned.fixed_energy);
    EXPECT_EQ(plain.fixed_virial, skinned.fixed_virial);
  }
}

TEST_P(EveryPotential, ALoneAtomHasAnEnergyAndNoForce) {
  const Structure s{
      .cell = Cell(40.0 * Mat3::identity()), .numbers = {GetParam().elements[0]}, .positions = {{1, 2, 3}}};
  const auto result = evaluate_all(potential(), s);
  EXPECT_TRUE(std::isfinite(result.energy));
  EXPECT_EQ(result.forces[0], Vec3{});
  EXPECT_EQ(result.fault, EvaluationFault::none);
}

TEST_P(EveryPotential, OverlapIsReportedAsAFaultOfOneOfTheTwoAtoms) {
  Structure s = structure_for(GetParam(), 18);
  Structure overlapping = s;
  overlapping.positions[3] = overlapping.positions[2];
  const auto overlap = evaluate_all(potential(), overlapping);
  EXPECT_NE(overlap.fault, EvaluationFault::none);
  EXPECT_TRUE(overlap.fault_atom == 2 || overlap.fault_atom == 3) << overlap.fault_atom;
}

INSTANTIATE_TEST_SUITE_P(All, EveryPotential, ::testing::ValuesIn(every_potential()),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace haven::testing
