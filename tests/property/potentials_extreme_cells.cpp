// T10: cells that are long, flat or skewed are crystals like others. The same lattice in another basis gives the same
// energy, forces and virial to 1e-12 of their scale; only the order of sums differs.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "support/every_potential.hpp"

namespace haven::testing {
namespace {

class ExtremeCells : public ::testing::TestWithParam<PotentialCase> {};

/// Lattice vectors of lengths a, b, c (A) with angles alpha, beta, gamma (degrees).
Mat3 lattice(const std::array<double, 3>& lengths, const std::array<double, 3>& angles) {
  std::array<double, 3> cosine{};
  for (std::size_t k = 0; k < 3; ++k) cosine[k] = std::cos(angles[k] * std::numbers::pi / 180);
  const double sine = std::sin(angles[2] * std::numbers::pi / 180);
  const double x = cosine[1], y = (cosine[0] - cosine[1] * cosine[2]) / sine;
  return {{{{lengths[0], 0, 0},
            {lengths[1] * cosine[2], lengths[1] * sine, 0},
            {lengths[2] * x, lengths[2] * y, lengths[2] * std::sqrt(1 - x * x - y * y)}}}};
}

/// Atoms on a grid of the cell with at least 2.1 A between grid planes, shifted by less than 0.15 A.
Structure filled(const PotentialCase& c, const Mat3& vectors) {
  Structure s{.cell = Cell(vectors), .numbers = {}, .positions = {}};
  const Vec3 heights = s.cell.heights();
  std::array<int, 3> count{};
  for (int k = 0; k < 3; ++k) count[static_cast<std::size_t>(k)] = std::max(1, static_cast<int>(heights[k] / 2.4));
  std::size_t n = 0;
  for (int a = 0; a < count[0]; ++a)
    for (int b = 0; b < count[1]; ++b)
      for (int d = 0; d < count[2]; ++d, ++n) {
        const auto phase = static_cast<double>(n);
        s.numbers.push_back(c.elements[n % c.elements.size()]);
        s.positions.push_back(
            s.cell.to_cartesian({(a + 0.31) / count[0], (b + 0.17) / count[1], (d + 0.23) / count[2]}) +
            0.08 * Vec3{std::sin(1 + 2.3 * phase), std::sin(2 + 1.7 * phase), std::sin(3 + phase)});
      }
  return s;
}

/// The same crystal with lattice vectors sum_k basis[k] v_k, |det basis| = 1; the atoms stay where they are.
Structure in_basis(const Structure& s, const Mat3& basis) {
  return {.cell = Cell(basis * s.cell.vectors()), .numbers = s.numbers, .positions = s.positions};
}

void expect_same(const FullEvaluation& got, const FullEvaluation& expected, const Potential& potential,
                 const Structure& s) {
  EXPECT_EQ(got.fault, EvaluationFault::none);
  EXPECT_NEAR(got.energy, expected.energy, 1e-12 * std::abs(expected.energy));
  EXPECT_LE(largest_difference(got.forces, expected.forces), force_rounding(potential, expected, s));
  EXPECT_LE(largest_difference(got.virial, expected.virial), 1e-12 * largest_component(expected.virial));
}

TEST_P(ExtremeCells, EquivalentBasesGiveTheSameResult) {
  // Shears into sharp and blunt angles, and a cyclic exchange.
  constexpr std::array<Mat3, 4> bases{{{{{{1, 0, 0}, {1, 1, 0}, {0, 0, 1}}}},
                                       {{{{1, 0, 0}, {-2, 1, 0}, {0, 3, 1}}}},
                                       {{{{0, 1, 0}, {0, 0, 1}, {1, 0, 0}}}},
                                       {{{{1, 2, -1}, {0, 1, 4}, {0, 0, 1}}}}}};
  for (const Evaluator& evaluator : double_evaluators(GetParam())) {
    SCOPED_TRACE(evaluator.name);
    const Potential& potential = *evaluator.potential;
    const Structure s = filled(GetParam(), lattice({5.2, 5.7, 6.1}, {85, 95, 100}));
    const FullEvaluation expected = evaluate_all(potential, s);
    for (std::size_t k = 0; k < bases.size(); ++k) {
      SCOPED_TRACE(k);
      expect_same(evaluate_all(potential, in_basis(s, bases[k])), expected, potential, s);
    }
  }
}

// Cells with angles of 30 and 150 degrees, where the shortest lattice vectors are not those of the cell: the reduced
// bases are written out for each.
TEST_P(ExtremeCells, AnglesOf30To150DegreesEqualTheReducedCell) {
  struct Case {
    double length;
    std::array<double, 3> angles;
    Mat3 reduction;
  };
  constexpr std::array<Case, 4> cases{{{7.5, {90, 90, 30}, {{{{1, 0, 0}, {-1, 1, 0}, {0, 0, 1}}}}},
                                       {7.5, {90, 90, 150}, {{{{1, 0, 0}, {1, 1, 0}, {0, 0, 1}}}}},
                                       {16, {30, 30, 30}, {{{{1, 0, 0}, {-1, 1, 0}, {-1, 0, 1}}}}},
                                       {7.5, {150, 90, 90}, {{{{1, 0, 0}, {0, 1, 0}, {0, 1, 1}}}}}}};
  for (const Evaluator& evaluator : double_evaluators(GetParam())) {
    SCOPED_TRACE(evaluator.name);
    const Potential& potential = *evaluator.potential;
    for (const Case& c : cases) {
      SCOPED_TRACE(c.angles[0] + c.angles[2]);
      const Structure s = filled(GetParam(), lattice({c.length, 1.04 * c.length, 1.08 * c.length}, c.angles));
      expect_same(evaluate_all(potential, s), evaluate_all(potential, in_basis(s, c.reduction)), potential, s);
    }
  }
}

// One lattice vector 20 times as long as the others, in each direction: 20 cells of a small crystal in a row.
TEST_P(ExtremeCells, ARodOfTwentyCellsIsTwentyCells) {
  for (const Evaluator& evaluator : double_evaluators(GetParam())) {
    SCOPED_TRACE(evaluator.name);
    const Potential& potential = *evaluator.potential;
    const Structure s = filled(GetParam(), lattice({2.6, 5.1, 2.8}, {80, 100, 95}));
    const FullEvaluation one = evaluate_all(potential, s);
    for (const std::array<int, 3>& n : {std::array{20, 1, 1}, std::array{1, 20, 1}, std::array{1, 1, 20}}) {
      const FullEvaluation rod = evaluate_all(potential, supercell(s, n[0], n[1], n[2]));
      FullEvaluation expected = one;
      expected.energy *= 20;
      expected.virial *= 20;
      expected.forces.clear();
      for (int copy = 0; copy < 20; ++copy)
        expected.forces.insert(expected.forces.end(), one.forces.begin(), one.forces.end());
      expect_same(rod, expected, potential, s);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, ExtremeCells, ::testing::ValuesIn(every_potential()),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace haven::testing
