#include <gtest/gtest.h>

#include <cmath>

#include "core/error.hpp"
#include "potentials/pair/lennard_jones.hpp"
#include "potentials/pair/zbl.hpp"
#include "potentials/registry.hpp"
#include "support/finite_difference.hpp"
#include "support/structures.hpp"

namespace haven::testing {
namespace {

Structure dimer(double distance, int number) {
  return {.cell = Cell(30.0 * Mat3::identity(), {false, false, false}),
          .numbers = {number, number},
          .positions = {{0, 0, 0}, {distance / std::sqrt(2.0), distance / std::sqrt(2.0), 0}}};
}

TEST(LennardJones, DimerHasItsMinimumAtTheTextbookDistance) {
  const auto potential = make_lennard_jones(
      {.elements = {18}, .pairs = {{.epsilon = 0.01, .sigma = 3.4}}, .cutoff = 10.0, .switch_start = 9.0});
  const double r = std::pow(2.0, 1.0 / 6) * 3.4;
  const auto result = evaluate_all(*potential, dimer(r, 18));
  EXPECT_NEAR(result.energy, -0.01, 1e-13);
  EXPECT_LT(largest_component(result.forces), 1e-13);
}

TEST(LennardJones, RefusesParametersOutOfRange) {
  EXPECT_THROW(static_cast<void>(make_lennard_jones(
                   {.elements = {18}, .pairs = {{.epsilon = 0.01, .sigma = 0}}, .cutoff = 8, .switch_start = 7})),
               ModelError);
  EXPECT_THROW(static_cast<void>(make_lennard_jones(
                   {.elements = {18}, .pairs = {{.epsilon = 0.01, .sigma = 3}}, .cutoff = 8, .switch_start = 8})),
               ModelError);
  EXPECT_THROW(static_cast<void>(make_lennard_jones(
                   {.elements = {18, 36}, .pairs = {{.epsilon = 0.01, .sigma = 3}}, .cutoff = 8, .switch_start = 7})),
               ModelError);
}

// Screening 0.18175 + 0.50986 + 0.28022 + 0.02817 = 1 at r = 0, so the energy tends to the bare nuclear repulsion.
TEST(RepulsiveWall, TendsToTheCoulombRepulsionOfNuclei) {
  const RepulsiveWall wall({3, 16}, 2.0);
  const double r = 1e-6;
  EXPECT_NEAR(wall(0, 1, r).energy * r / (14.399645478 * 3 * 16), 1.0, 1e-5);
}

TEST(RepulsiveWall, IsExactlyZeroFromTheTrainingMinimumOnAndSmoothBelow) {
  const RepulsiveWall wall({3, 16}, 2.0);
  EXPECT_EQ(wall(0, 1, 2.0).energy, 0);
  EXPECT_EQ(wall(0, 1, 2.5).slope, 0);
  EXPECT_GT(wall(0, 1, 1.5).energy, 0);
  for (double r = 0.4; r < 2.2; r += 0.0371) {
    const double slope = central_difference([&](double h) { return wall(0, 1, r + h).energy; }, 1e-4);
    EXPECT_NEAR(wall(0, 1, r).slope, slope, 1e-7 * std::abs(slope) + 1e-9) << r;
  }
  // Curvature is continuous where the switch begins and ends: second differences across agree with those beside.
  for (const double r : {1.0, 2.0}) {
    const double h = 1e-5;
    const double left = (wall(0, 1, r).slope - wall(0, 1, r - h).slope) / h;
    const double right = (wall(0, 1, r + h).slope - wall(0, 1, r).slope) / h;
    EXPECT_NEAR(left, right, 1e-3 * (std::abs(left) + 1)) << r;
  }
}

TEST(RepulsiveWall, IsAddedToAModelAndItsForcesAreGradients) {
  Model model = random_model({.elements = {3}, .cutoff = 5.0});
  const auto bare = make_potential(model, Precision::float64);
  model.repulsion = "zbl";
  model.minimum_distance = 2.0;
  const RepulsiveWall wall({3}, 2.0);
  for (const Backend backend : {Backend::vectorised, Backend::reference}) {
    const auto walled = make_potential(model, Precision::float64, backend);
    EXPECT_NEAR(energy_of(*walled, dimer(1.3, 3)) - energy_of(*bare, dimer(1.3, 3)), wall(0, 0, 1.3).energy, 1e-8);
    EXPECT_NEAR(energy_of(*walled, dimer(2.0, 3)), energy_of(*bare, dimer(2.0, 3)), 1e-8);
    const Structure s = dimer(1.3, 3);
    const double slope = central_difference(
        [&](double h) {
          return energy_of(*walled, displaced(s, 1, {h, 0, 0}));
        },
        1e-4);
    EXPECT_NEAR(evaluate_all(*walled, s).forces[1].x, -slope, 1e-6 * std::abs(slope));
  }
}

}  // namespace
}  // namespace haven::testing
