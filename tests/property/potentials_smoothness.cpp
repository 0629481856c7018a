// Energy and forces of every potential on every evaluator have no jump, and forces no kink that the potential does not
// define, where atoms pass a cut-off or any other distance at which a function changes its form (D.1 of the test plan:
// T11).
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "support/every_potential.hpp"

namespace haven::testing {
namespace {

class Smoothness : public ::testing::TestWithParam<PotentialCase> {};
class SmoothnessOfThirdSides : public ::testing::TestWithParam<PotentialCase> {};

/// Two atoms that pass a distance of each other, atomic numbers.
struct Passage {
  int first = 0, second = 0;
  /// An atom that has both for neighbours, so that they are the third side of its triplet; 0: none.
  int between = 0;
};

/// Energy and all force components when the second atom, in company of another, is `offset` beyond the distance
/// `radius` of the first, which has four neighbours on its far side.
std::vector<double> passing(const Potential& potential, const PotentialCase& c, const Passage& passage, double radius,
                            double offset) {
  const Vec3 u = (1 / std::sqrt(3.0)) * Vec3{1, -1, 1}, across = (1 / std::sqrt(2.0)) * Vec3{1, 1, 0};
  Structure s{.cell = Cell(80.0 * Mat3::identity(), {false, false, false}), .numbers = {}, .positions = {}};
  s.positions = {{0, 0, 0}, {-2.1, 0.9, 0.3}, {0.2, 2.3, -0.4}, {0.3, 1.1, -2.2}, {-1.6, 2.2, -2.1}};
  s.positions.push_back((radius + offset) * u);
  s.positions.push_back((radius + 2.4) * u + 0.7 * across);
  if (passage.between != 0) s.positions.push_back(0.5 * radius * u - 2.0 * across);
  for (std::size_t i = 0; i < s.positions.size(); ++i) s.numbers.push_back(c.elements[i % c.elements.size()]);
  s.numbers[0] = passage.first;
  s.numbers[5] = passage.second;
  if (passage.between != 0) s.numbers[7] = passage.between;
  const auto result = evaluate_all(potential, s);
  std::vector<double> values{result.energy};
  for (const Vec3& f : result.forces) values.insert(values.end(), {f.x, f.y, f.z});
  return values;
}

/// Parabolas through three points on either side of the radius meet there to 1e-10 (eV, eV/A), and everywhere the
/// second difference is that of a function with bounded curvature: with steps of 1e-6 A, a bound of 1e-10 allows 100
/// (eV, eV/A)/A^2 and shows every jump. Only at the radius itself may the slope of a force jump, by no more than the
/// kink.
void expect_smooth_passage(const Potential& potential, const PotentialCase& c, const Passage& passage,
                           const FormChange& change) {
  SCOPED_TRACE(::testing::Message() << change.radius << " A, elements " << passage.first << ", " << passage.second
                                    << ", " << passage.between);
  constexpr double between = 1e-6;
  std::vector<std::vector<double>> at;
  for (int step = -5; step <= 5; ++step) at.push_back(passing(potential, c, passage, change.radius, between * step));
  const std::size_t middle = 5;
  double jump = 0, kink = 0, bend = 0;
  for (std::size_t q = 0; q < at[0].size(); ++q) {
    const auto side = [&](std::size_t a, std::size_t b, std::size_t third) {
      return 3 * (at[a][q] - at[b][q]) + at[third][q];
    };
    jump =
        std::max(jump, std::abs(side(middle - 1, middle - 2, middle - 3) - side(middle + 1, middle + 2, middle + 3)));
    for (std::size_t k = 1; k + 1 < at.size(); ++k) {
      double& worst = k == middle ? kink : bend;
      worst = std::max(worst, std::abs(at[k + 1][q] - 2 * at[k][q] + at[k - 1][q]));
    }
  }
  EXPECT_LE(jump, 1e-10);
  EXPECT_LE(bend, change.bound);
  EXPECT_LE(kink, change.bound + between * change.kink);
}

// Atoms of every pair of elements pass every distance where the potential changes its form.
TEST_P(Smoothness, NothingJumpsAtTheCutoff) {
  for (const Evaluator& evaluator : double_evaluators(GetParam())) {
    SCOPED_TRACE(evaluator.name);
    const PotentialCase& c = GetParam();
    for (const FormChange& change : form_changes(c, evaluator.potential->requirements().cutoff))
      for (const int first : c.elements)
        for (const int second : c.elements)
          expect_smooth_passage(*evaluator.potential, c, {.first = first, .second = second}, change);
  }
}

// The same with a third atom near both of the two: their distance is also the third side of its triplets, which ends.
TEST_P(SmoothnessOfThirdSides, NothingJumpsWhereAThirdSideEnds) {
  const PotentialCase& c = GetParam();
  constexpr double nearest = 3;  // A: nearer ones would not leave room for the atom between them
  for (const Evaluator& evaluator : double_evaluators(c)) {
    SCOPED_TRACE(evaluator.name);
    for (const FormChange& change : form_changes(c, evaluator.potential->requirements().cutoff)) {
      if (change.radius < nearest) continue;
      for (const int first : c.elements)
        for (const int second : c.elements)
          for (const int between : c.elements) {
            const Passage passage{.first = first, .second = second, .between = between};
            expect_smooth_passage(*evaluator.potential, c, passage, change);
          }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, Smoothness, ::testing::ValuesIn(every_potential()),
                         [](const auto& test) { return test.param.name; });

INSTANTIATE_TEST_SUITE_P(All, SmoothnessOfThirdSides, ::testing::ValuesIn(potentials_with_third_sides()),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace haven::testing
