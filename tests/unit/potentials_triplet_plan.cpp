// How the vectorised driver orders and shares the work of explicit triplets.
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "potentials/program/drivers/space_curve.hpp"
#include "potentials/program/drivers/triplet_powers.hpp"

namespace haven::testing {
namespace {

double base_row(const PowerStep& step, double cosine) { return 1 + step.lambda * cosine; }

std::vector<double> rows_of(const PowerRows& powers, double cosine) {
  std::vector<double> rows;
  for (const PowerStep& step : powers.steps) {
    switch (step.kind) {
      case PowerStep::Kind::base:
        rows.push_back(base_row(step, cosine));
        break;
      case PowerStep::Kind::product:
        rows.push_back(rows.at(step.left) * rows.at(step.right));
        break;
      case PowerStep::Kind::real:
        rows.push_back(std::pow(rows.at(step.left), step.zeta));
        break;
    }
  }
  return rows;
}

// Rows only use rows before them (at() throws otherwise); values and slopes are those of (1 + lambda cos)^zeta to
// rounding, which grows with the number of multiplications: 1e-14 for up to 16.
TEST(TripletPowers, RowsAreThePowersAndTheirSlopes) {
  const std::vector<TripletPower> powers{{1, 16}, {-1, 1}, {1, 1}, {-1, 7}, {1, 2.5}, {0.5, 3}, {1, 4}, {-1, 64}};
  const PowerRows plan = plan_powers(powers);
  for (const double cosine : {-0.99, -0.3, 0.0, 0.4, 1.0}) {
    const std::vector<double> rows = rows_of(plan, cosine);
    for (std::size_t p = 0; p < powers.size(); ++p) {
      const double base = 1 + powers[p].lambda * cosine, zeta = powers[p].zeta;
      EXPECT_LT(plan.value[p], plan.for_values);
      EXPECT_NEAR(rows.at(plan.value[p]), std::pow(base, zeta), 1e-14 * std::pow(2, zeta));
      EXPECT_NEAR(plan.slope_scale[p] * rows.at(plan.below[p]), powers[p].lambda * zeta * std::pow(base, zeta - 1),
                  1e-13 * std::pow(2, zeta));
    }
  }
}

TEST(TripletPowers, PowersOfOneBaseShareTheirMultiplications) {
  // 1, 2, 4, (8,) 16 of each sign: ten rows for the values; slopes need 1, and the powers 3 and 15 of each sign.
  std::vector<TripletPower> powers;
  for (const double lambda : {-1.0, 1.0})
    for (const double zeta : {1.0, 2.0, 4.0, 16.0}) powers.push_back({lambda, zeta});
  const PowerRows plan = plan_powers(powers);
  EXPECT_EQ(plan.for_values, 10U);
  EXPECT_LE(plan.steps.size(), 17U);
}

TEST(SpaceCurve, VisitsEveryCellOnceAndStepsToNeighbours) {
  std::array<int, curve_cells> cell_at{};
  std::set<int> seen;
  for (int cell = 0; cell < curve_cells; ++cell) {
    const int position = space_curve[static_cast<std::size_t>(cell)];
    seen.insert(position);
    cell_at[static_cast<std::size_t>(position)] = cell;
  }
  ASSERT_EQ(seen.size(), static_cast<std::size_t>(curve_cells));
  for (std::size_t k = 1; k < curve_cells; ++k) {
    const int a = cell_at[k - 1], b = cell_at[k];
    EXPECT_EQ(std::abs((a >> 4) - (b >> 4)) + std::abs((a >> 2 & 3) - (b >> 2 & 3)) + std::abs((a & 3) - (b & 3)), 1);
  }
  EXPECT_EQ(curve_position(-5.99, -5.99, -5.99, 2 / 6.0), space_curve[0]);
  EXPECT_EQ(curve_position(5.99, 5.99, 5.99, 2 / 6.0), space_curve[63]);
}

}  // namespace
}  // namespace haven::testing
