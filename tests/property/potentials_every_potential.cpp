// What every potential has to satisfy on every evaluator, whatever it is (D.1 of the test plan: T2, T3, T5 to T9).
// "Scale" is the largest magnitude of the compared quantity.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/rng.hpp"
#include "support/every_potential.hpp"
#include "support/finite_difference.hpp"

namespace haven::testing {
namespace {

class EveryPotential : public ::testing::TestWithParam<PotentialCase> {
 protected:
  [[nodiscard]] static Structure structure(std::uint64_t seed, int atoms = 16) {
    return structure_for(GetParam(), seed, atoms);
  }
};

constexpr double coordinate_step = 1e-3;  // A, of differences along a coordinate
constexpr double strain_step = 3e-4;      // of differences along a strain

/// True when the distance of i and j, or of any images of them, is within `margin` of a change of form.
bool changes_form(const Structure& s, std::size_t i, std::size_t j, const std::vector<FormChange>& changes,
                  double margin) {
  const int images = s.cell.periodic()[0] ? 2 : 0;
  for (int a = -images; a <= images; ++a)
    for (int b = -images; b <= images; ++b)
      for (int c = -images; c <= images; ++c) {
        const double r = norm(s.positions[j] - s.positions[i] + s.cell.translation({a, b, c}));
        for (const FormChange& change : changes)
          if (std::abs(r - change.radius) < margin) return true;
      }
  return false;
}

/// The first atom from `first` on whose moves by two steps bring no pair across a kink: differences over one would show
/// the jump of the slope, not an error. Where nothing kinks this is `first`.
std::size_t atom_between_kinks(const PotentialCase& c, const Structure& s, std::size_t first, double cutoff) {
  if (c.kink == 0) return first;
  const std::vector<FormChange> changes = form_changes(c, cutoff);
  const std::size_t atoms = s.positions.size();
  for (std::size_t k = 0; k < atoms; ++k) {
    const std::size_t i = (first + k) % atoms;
    bool clear = true;
    for (std::size_t j = 0; clear && j < atoms; ++j)
      clear = j == i || !changes_form(s, i, j, changes, 2.01 * coordinate_step);
    if (clear) return i;
  }
  ADD_FAILURE() << "every atom has a pair at a kink";
  return first;
}

/// The structure to strain: where functions kink a cluster of eight atoms, no pair of which comes across a kink.
Structure structure_between_kinks(const PotentialCase& c, std::uint64_t seed, double cutoff) {
  if (c.kink == 0) return structure_for(c, seed);
  const std::vector<FormChange> changes = form_changes(c, cutoff);
  for (std::uint64_t attempt = 0; attempt < 100; ++attempt) {
    Structure s = structure_for(c, 1000 * seed + attempt, 8);
    s.cell = Cell(60.0 * Mat3::identity(), {false, false, false});
    bool clear = true;
    for (std::size_t i = 0; clear && i < s.positions.size(); ++i)
      for (std::size_t j = 0; clear && j < i; ++j) clear = !changes_form(s, i, j, changes, 2.01 * strain_step * cutoff);
    if (clear) return s;
  }
  ADD_FAILURE() << "every cluster has a pair at a kink";
  return structure_for(c, seed);
}

/// Largest |F + dE/dx| over the components of one atom, dE/dx by fourth-order differences.
double gradient_error(const Potential& potential, const Structure& s, std::size_t atom) {
  const Vec3 force = evaluate_all(potential, s).forces[atom];
  double worst = 0;
  for (int k = 0; k < 3; ++k) {
    const double slope = central_difference(
        [&](double h) {
          Vec3 d{};
          d[k] = h;
          return energy_of(potential, displaced(s, atom, d));
        },
        coordinate_step);
    worst = std::max(worst, std::abs(force[k] + slope));
  }
  return worst;
}

// Limited by the fifth derivative, about 1e-9 of the scale here, and by the 2^-44 eV resolution of energies over h.
TEST_P(EveryPotential, ForceIsMinusTheEnergyGradient) {
  for (const Evaluator& evaluator : double_evaluators(GetParam())) {
    SCOPED_TRACE(evaluator.name);
    const Potential& potential = *evaluator.potential;
    for (const std::uint64_t seed : all_seeds) {
      const Structure s = structure(seed);
      const double scale = largest_component(evaluate_all(potential, s).forces);
      const auto atom = atom_between_kinks(GetParam(), s, 5 * (seed - 1), potential.requirements().cutoff);
      EXPECT_LE(gradient_error(potential, s, atom), 1e-7 * scale) << "seed " << seed;
    }
  }
}

// Energies in float scatter by some 1e-6 eV; the difference quotient divides that by the step of 0.001 A.
TEST_P(EveryPotential, ForceIsMinusTheEnergyGradientInMixedPrecision) {
  if (!GetParam().model) GTEST_SKIP() << "has one precision";
  for (const Evaluator& evaluator : mixed_evaluators(GetParam())) {
    SCOPED_TRACE(evaluator.name);
    const Potential& potential = *evaluator.potential;
    for (const std::uint64_t seed : all_seeds) {
      const Structure s = structure(seed);
      const double scale = largest_component(evaluate_all(potential, s).forces);
      const auto atom = atom_between_kinks(GetParam(), s, 5 * (seed - 1), potential.requirements().cutoff);
      EXPECT_LE(gradient_error(potential, s, atom), 1e-3 * scale) << "seed " << seed;
    }
  }
}

TEST_P(EveryPotential, VirialIsMinusTheStrainDerivative) {
  for (const Evaluator& evaluator : double_evaluators(GetParam())) {
    SCOPED_TRACE(evaluator.name);
    const Potential& potential = *evaluator.potential;
    for (const std::uint64_t seed : all_seeds) {
      const Structure s = structure_between_kinks(GetParam(), seed, potential.requirements().cutoff);
      const Mat3 virial = evaluate_all(potential, s).virial;
      const double tolerance = 1e-7 * largest_component(virial);
      for (int a = 0; a < 3; ++a)
        for (int b = a; b < 3; ++b) {
          const double slope = central_difference(
              [&](double h) {
                Mat3 e{};
                e[a][b] += 0.5 * h;
                e[b][a] += 0.5 * h;
                return energy_of(potential, strained(s, e));
              },
              strain_step);
          EXPECT_NEAR(0.5 * (virial[a][b] + virial[b][a]), -slope, tolerance) << a << b << ", seed " << seed;
        }
    }
  }
}

TEST_P(EveryPotential, NetForceIsExactlyZero) {
  for (const Evaluator& evaluator : double_evaluators(GetParam())) {
    SCOPED_TRACE(evaluator.name);
    const Potential& potential = *evaluator.potential;
    for (const std::uint64_t seed : all_seeds) {
      FixedVec3 sum;
      for (const FixedVec3& f : evaluate_all(potential, structure(seed)).fixed_forces) sum += f;
      EXPECT_EQ(sum, FixedVec3{});
    }
  }
}

TEST_P(EveryPotential, AtomEnergiesAddUpToTheEnergy) {
  for (const Evaluator& evaluator : double_evaluators(GetParam())) {
    SCOPED_TRACE(evaluator.name);
    const Potential& potential = *evaluator.potential;
    const auto result = evaluate_all(potential, structure(1));
    const double sum = std::accumulate(result.atom_energies.begin(), result.atom_energies.end(), 0.0);
    EXPECT_NEAR(sum, result.energy, 1e-12 * std::abs(result.energy));
  }
}

TEST_P(EveryPotential, PermutingAtomsPermutesResults) {
  for (const Evaluator& evaluator : double_evaluators(GetParam())) {
    SCOPED_TRACE(evaluator.name);
    const Potential& potential = *evaluator.potential;
    for (const std::uint64_t seed : all_seeds) {
      const Structure s = structure(seed);
      const auto before = evaluate_all(potential, s);
      RandomSequence random(seed, Stream::test, 6);
      for (int relabelling = 0; relabelling < 10; ++relabelling) {
        std::vector<std::size_t> order(static_cast<std::size_t>(s.size()));
        std::iota(order.begin(), order.end(), std::size_t{0});
        for (std::size_t k = order.size() - 1; k > 0; --k) std::swap(order[k], order[random.below(k + 1)]);
        Structure permuted = s;
        std::vector<Vec3> expected(order.size());
        for (std::size_t k = 0; k < order.size(); ++k) {
          permuted.numbers[k] = s.numbers[order[k]];
          permuted.positions[k] = s.positions[order[k]];
          expected[k] = before.forces[order[k]];
        }
        const auto after = evaluate_all(potential, permuted);
        EXPECT_NEAR(after.energy, before.energy, 1e-13 * std::abs(before.energy)) << "seed " << seed;
        EXPECT_LE(largest_difference(after.forces, expected), 1e-12 * largest_component(expected)) << "seed " << seed;
      }
    }
  }
}

TEST_P(EveryPotential, RotationAndReflectionCarryResultsAlong) {
  for (const Evaluator& evaluator : double_evaluators(GetParam())) {
    SCOPED_TRACE(evaluator.name);
    const Potential& potential = *evaluator.potential;
    for (const std::uint64_t seed : all_seeds) {
      const Structure s = structure(seed);
      const auto before = evaluate_all(potential, s);
      for (std::uint64_t k = 1; k <= 10; ++k) {
        const Mat3 m = random_orthogonal(100 * seed + k, k % 2 == 0 ? 1 : -1);
        const auto after = evaluate_all(potential, transformed(s, m));
        std::vector<Vec3> expected;
        for (const Vec3& f : before.forces) expected.push_back(f * transpose(m));
        EXPECT_NEAR(after.energy, before.energy, 1e-11 * std::abs(before.energy)) << "seed " << seed;
        EXPECT_LE(largest_difference(after.forces, expected), 1e-11 * largest_component(expected)) << "seed " << seed;
        EXPECT_LE(largest_difference(after.virial, m * before.virial * transpose(m)),
                  1e-11 * largest_component(before.virial))
            << "seed " << seed;
      }
    }
  }
}

TEST_P(EveryPotential, TranslationAndLatticeShiftsChangeNothing) {
  for (const Evaluator& evaluator : double_evaluators(GetParam())) {
    SCOPED_TRACE(evaluator.name);
    const Potential& potential = *evaluator.potential;
    for (const std::uint64_t seed : all_seeds) {
      const Structure s = structure(seed);
      const auto before = evaluate_all(potential, s);
      RandomSequence random(seed, Stream::test, 7);
      for (int k = 0; k < 10; ++k) {
        const Vec3 shift{10 * random.uniform() - 5, 10 * random.uniform() - 5, 10 * random.uniform() - 5};
        const auto up_to_three = [&] { return static_cast<std::int32_t>(random.below(7)) - 3; };
        Structure moved = s;
        for (Vec3& r : moved.positions) r += shift + s.cell.translation({up_to_three(), up_to_three(), up_to_three()});
        const auto after = evaluate_all(potential, moved);
        EXPECT_NEAR(after.energy, before.energy, 1e-12 * std::abs(before.energy)) << "seed " << seed;
        EXPECT_LE(largest_difference(after.forces, before.forces), 1e-12 * largest_component(before.forces))
            << "seed " << seed;
      }
    }
  }
}

TEST_P(EveryPotential, SupercellRepeatsTheResult) {
  for (const Evaluator& evaluator : double_evaluators(GetParam())) {
    SCOPED_TRACE(evaluator.name);
    const Potential& potential = *evaluator.potential;
    for (const std::uint64_t seed : all_seeds) {
      const Structure s = structure(seed, 8);
      const auto one = evaluate_all(potential, s);
      const auto eight = evaluate_all(potential, supercell(s, 2, 2, 2));
      EXPECT_NEAR(eight.energy, 8 * one.energy, 1e-12 * 8 * std::abs(one.energy)) << "seed " << seed;
      std::vector<Vec3> expected;
      for (int copy = 0; copy < 8; ++copy) expected.insert(expected.end(), one.forces.begin(), one.forces.end());
      EXPECT_LE(largest_difference(eight.forces, expected), 1e-12 * largest_component(expected)) << "seed " << seed;
    }
  }
}

/// One or two atoms in a triclinic cell whose smallest height is `height`.
Structure tiny_cell(const PotentialCase& c, double height, std::size_t n_atoms) {
  const Mat3 shape{{{{1, 0, 0}, {0.2, 1, 0}, {-0.1, 0.15, 1}}}};
  const Vec3 heights = Cell(shape).heights();
  Structure s{
      .cell = Cell((height / std::min({heights.x, heights.y, heights.z})) * shape), .numbers = {}, .positions = {}};
  for (std::size_t k = 0; k < n_atoms; ++k) {
    s.numbers.push_back(c.elements[k % c.elements.size()]);
    s.positions.push_back(s.cell.to_cartesian({0.1 + 0.47 * static_cast<double>(k), 0.2, 0.3}));
  }
  return s;
}

// The supercell is large enough when every height is more than twice the cut-off: then no atom sees an image of itself
// or two images of another.
TEST_P(EveryPotential, CellSmallerThanTheCutoffEqualsItsSupercell) {
  for (const Evaluator& evaluator : double_evaluators(GetParam())) {
    SCOPED_TRACE(evaluator.name);
    const Potential& potential = *evaluator.potential;
    for (const double heights_in_cutoff : {0.6, 1.1, 3.2})
      for (const std::size_t n_atoms : {std::size_t{1}, std::size_t{2}}) {
        const Structure s = tiny_cell(GetParam(), potential.requirements().cutoff / heights_in_cutoff, n_atoms);
        const int n = static_cast<int>(std::floor(2 * heights_in_cutoff)) + 1;
        const int cells = n * n * n;
        const auto small = evaluate_all(potential, s);
        const auto large = evaluate_all(potential, supercell(s, n, n, n));
        EXPECT_NEAR(large.energy, cells * small.energy, 1e-12 * cells * std::abs(small.energy))
            << heights_in_cutoff << " heights, " << n_atoms << " atoms";
        std::vector<Vec3> expected;
        for (int copy = 0; copy < cells; ++copy)
          expected.insert(expected.end(), small.forces.begin(), small.forces.end());
        EXPECT_LE(largest_difference(large.forces, expected), force_rounding(potential, small, s))
            << heights_in_cutoff << " heights, " << n_atoms << " atoms";
      }
  }
}

TEST_P(EveryPotential, SkinDoesNotChangeABit) {
  for (const Evaluator& evaluator : double_evaluators(GetParam())) {
    SCOPED_TRACE(evaluator.name);
    const Potential& potential = *evaluator.potential;
    const Structure s = structure(1, 24);
    const auto plain = evaluate_all(potential, s);
    for (const double skin : {0.3, 1.0, 1.7}) {
      const auto skinned = evaluate_all(potential, s, skin);
      EXPECT_EQ(plain.fixed_forces, skinned.fixed_forces);
      EXPECT_EQ(plain.fixed_energy, skinned.fixed_energy);
      EXPECT_EQ(plain.fixed_virial, skinned.fixed_virial);
    }
  }
}

/// What MD on several ranks relies on: atoms without copies come first, the others when the copies are there.
TEST_P(EveryPotential, CentresInSeveralCallsGiveTheSameBits) {
  std::vector<Evaluator> evaluators = double_evaluators(GetParam());
  for (Evaluator& evaluator : mixed_evaluators(GetParam())) evaluators.push_back(std::move(evaluator));
  for (const Evaluator& evaluator : evaluators) {
    SCOPED_TRACE(evaluator.name);
    ASSERT_TRUE(evaluator.potential->evaluates_parts());
    const Structure s = structure(1, 24);
    const auto whole = evaluate_all(*evaluator.potential, s);
    const auto parts = evaluate_in_parts(*evaluator.potential, s, {7, 24, 0, 7});
    EXPECT_EQ(parts.fixed_forces, whole.fixed_forces);
    EXPECT_EQ(parts.fixed_energy, whole.fixed_energy);
    EXPECT_EQ(parts.fixed_virial, whole.fixed_virial);
    EXPECT_EQ(parts.atom_energies, whole.atom_energies);
    EXPECT_EQ(parts.atom_virials, whole.atom_virials);
    EXPECT_EQ(parts.extrapolating, whole.extrapolating);
    EXPECT_EQ(parts.extrapolates, whole.extrapolates);
  }
}

TEST_P(EveryPotential, ALoneAtomHasAnEnergyAndNoForce) {
  for (const Evaluator& evaluator : double_evaluators(GetParam())) {
    SCOPED_TRACE(evaluator.name);
    const Potential& potential = *evaluator.potential;
    const Structure s{
        .cell = Cell(40.0 * Mat3::identity()), .numbers = {GetParam().elements[0]}, .positions = {{1, 2, 3}}};
    const auto result = evaluate_all(potential, s);
    EXPECT_TRUE(std::isfinite(result.energy));
    EXPECT_EQ(result.forces[0], Vec3{});
    EXPECT_EQ(result.fault, EvaluationFault::none);
  }
}

// The lowest id is named: with third sides it can be that of an atom near the two.
TEST_P(EveryPotential, OverlapIsReportedAsAFaultOfOneOfTheTwoAtoms) {
  for (const Evaluator& evaluator : double_evaluators(GetParam())) {
    SCOPED_TRACE(evaluator.name);
    const Potential& potential = *evaluator.potential;
    Structure overlapping = structure(1);
    overlapping.positions[3] = overlapping.positions[2];
    const auto overlap = evaluate_all(potential, overlapping);
    EXPECT_NE(overlap.fault, EvaluationFault::none);
    if (has_third_sides(GetParam())) {
      EXPECT_TRUE(overlap.fault_atom >= 0 && overlap.fault_atom <= 3) << overlap.fault_atom;
    } else {
      EXPECT_TRUE(overlap.fault_atom == 2 || overlap.fault_atom == 3) << overlap.fault_atom;
    }
  }
}

/// T61: as in a run, where positions go wrong between two rebuilds of the list.
void expect_fault_for_nan(const Potential& potential, const Structure& s) {
  std::vector<Vec3> positions = s.positions;
  positions[6].z = std::nan("");
  const auto result = evaluate_moved(potential, s, positions);
  EXPECT_EQ(result.fault, EvaluationFault::not_finite);
  EXPECT_GE(result.fault_atom, 0);
  EXPECT_TRUE(std::isfinite(result.energy)) << "what cannot be used is reported, not summed";
}

TEST_P(EveryPotential, APositionThatIsNotANumberIsAFault) {
  for (const Evaluator& evaluator : double_evaluators(GetParam())) {
    SCOPED_TRACE(evaluator.name);
    const Potential& potential = *evaluator.potential;
    expect_fault_for_nan(potential, structure(1));
  }
}
TEST_P(EveryPotential, APositionThatIsNotANumberIsAFaultInMixedPrecision) {
  if (!GetParam().model) GTEST_SKIP() << "has one precision";
  for (const Evaluator& evaluator : mixed_evaluators(GetParam())) {
    SCOPED_TRACE(evaluator.name);
    const Potential& potential = *evaluator.potential;
    expect_fault_for_nan(potential, structure(1));
  }
}

INSTANTIATE_TEST_SUITE_P(All, EveryPotential, ::testing::ValuesIn(every_potential()),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace haven::testing
