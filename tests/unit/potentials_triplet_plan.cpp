// How the vectorised driver orders and shares the work of explicit triplets.
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "potentials/program/drivers/space_curve.hpp"
#include "potentials/program/drivers/triplet_powers.hpp"
#include "potentials/program/dual.hpp"
#include "potentials/program/triplets.hpp"

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
      case PowerStep::Kind::angle:
        rows.push_back(std::acos(cosine));
        break;
      case PowerStep::Kind::sector:
        rows.push_back(kernel::sector_value(step.window, rows.at(step.left), cosine).value);
        break;
      case PowerStep::Kind::sector_slope:
        rows.push_back(kernel::sector_value(step.window, rows.at(step.left), cosine).slope);
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

// Windows on the angle are rows beside the powers; all come from one row of angles.
TEST(TripletPowers, WindowsOnTheAngleShareTheAngle) {
  const AngleWindow wide{.type = WindowType::poly2, .middle = 1.0, .width = 1.0};
  const AngleWindow ahead{.type = WindowType::poly1, .middle = 0.0, .width = 2.0};
  const std::vector<TripletPower> powers{{.sector = wide}, {1, 2}, {.sector = ahead}};
  const PowerRows plan = plan_powers(powers);
  EXPECT_EQ(plan.for_values, 5U) << "the angle, two windows, base and square";
  for (const double cosine : {-0.9, 0.1, 0.7}) {
    const std::vector<double> rows = rows_of(plan, cosine);
    const double theta = std::acos(cosine), x = std::abs(theta - 1), y = theta / 2;
    const double expected[] = {x < 1 ? ((15 - 6 * x) * x - 10) * x * x * x + 1 : 0, (1 + cosine) * (1 + cosine),
                               y < 1 ? (2 * y - 3) * y * y + 1 : 0};
    for (std::size_t p = 0; p < 3; ++p) EXPECT_NEAR(rows.at(plan.value[p]), expected[p], 1e-14);
    const double slope = x < 1 ? -30 * x * x * (1 - x) * (1 - x) * (theta < 1 ? -1 : 1) / -std::sin(theta) : 0;
    EXPECT_NEAR(plan.slope_scale[0] * rows.at(plan.below[0]), slope, 1e-13);
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
