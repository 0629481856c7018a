#include <gtest/gtest.h>

#include <cmath>

#include "core/error.hpp"
#include "core/units.hpp"
#include "md/mean_cell.hpp"
#include "md/relax.hpp"
#include "potentials/structure_evaluation.hpp"
#include "support/md_fixtures.hpp"

namespace haven::testing {
namespace {

const std::vector<RelaxMethod> methods{RelaxMethod::lbfgs, RelaxMethod::fire};
const std::vector<RelaxedCell> cells{RelaxedCell::fixed, RelaxedCell::isotropic, RelaxedCell::anisotropic,
                                     RelaxedCell::triclinic};

/// Rattled and strained argon of 32 atoms.
Structure disturbed() {
  Structure structure = argon_crystal(2, 5.6);
  rattle(structure, 0.15, 4);
  Mat3 h = structure.cell.vectors();
  h[0].y += 0.4, h[1] *= 1.03, h[2] *= 0.98;
  const Mat3 map = structure.cell.inverse_vectors() * h;
  for (Vec3& r : structure.positions) r = r * map;
  structure.cell = Cell(h);
  return structure;
}

}  // namespace

/// From a disturbed crystal back to the cubic one, whose lattice constant a scan of the energy finds too.
TEST(Relax, FindsTheCrystalAgain) {
  const auto potential = argon();
  double best = 0, lowest = 0;
  for (double a = 5.0; a < 5.6; a += 1e-4)
    if (const double e = evaluate_structure(*potential, argon_crystal(1, a)).energy; e < lowest) lowest = e, best = a;
  for (const RelaxMethod method : methods) {
    SCOPED_TRACE(static_cast<int>(method));
    const RelaxResult result =
        relax(*potential, disturbed(), {.method = method, .force_tolerance = 1e-5, .stress_tolerance = 1e-6});
    ASSERT_TRUE(result.converged) << result.last.max_force << " " << result.last.max_stress;
    EXPECT_LT(result.last.step, 500);
    const LatticeParameters p = lattice_parameters(result.structure.cell.vectors());
    for (int k = 0; k < 3; ++k) {
      EXPECT_NEAR(p.lengths[k], 2 * best, 1e-3);
      EXPECT_NEAR(p.angles[k], 90, 0.01);
    }
    EXPECT_NEAR(result.last.energy, 8 * lowest, 1e-6);
  }
}

/// Why there is a second method: it needs less than half the evaluations, also to a tolerance at which the enthalpy no
/// longer tells two points apart.
TEST(Relax, LbfgsTakesFewerEvaluations) {
  const auto potential = argon();
  for (const double tolerance : {1e-3, 1e-7}) {
    std::vector<Index> evaluations;
    for (const RelaxMethod method : methods) {
      const RelaxResult result =
          relax(*potential, disturbed(),
                {.method = method, .force_tolerance = tolerance, .stress_tolerance = 0.1 * tolerance});
      ASSERT_TRUE(result.converged) << tolerance << " " << result.last.max_force << " " << result.last.max_stress;
      evaluations.push_back(result.last.step);
    }
    EXPECT_LT(2 * evaluations[0], evaluations[1]) << tolerance;
  }
}

/// A step may overshoot, but what is kept never lies higher than what was there, whatever the start.
TEST(Relax, LbfgsGoesDownhillFromAnywhere) {
  const auto potential = argon();
  for (const std::uint64_t seed : {1, 2, 3}) {
    Structure structure = argon_crystal(2, 6.2);
    rattle(structure, 0.8, seed);
    double before = std::numeric_limits<double>::infinity();
    const RelaxResult result = relax(*potential, structure, {.force_tolerance = 1e-4}, [&](const RelaxStep& step) {
      EXPECT_LE(step.enthalpy, before + 1e-12);
      before = step.enthalpy;
    });
    EXPECT_TRUE(result.converged) << seed;
  }
}

/// Under pressure the internal pressure ends at the external one, in every direction that may change; what may not
/// stays.
TEST(Relax, EndsAtThePressureInTheDirectionsThatMayChange) {
  const auto potential = argon();
  const double pressure = 0.5 / units::ev_per_a3_in_gpa, tolerance = 1e-6;
  const Structure start = disturbed();
  for (int k = 0; k < 8; ++k) {
    const RelaxedCell cell = cells[static_cast<std::size_t>(k / 2)];
    const RelaxMethod method = methods[static_cast<std::size_t>(k % 2)];
    SCOPED_TRACE(k);
    const RelaxResult result = relax(
        *potential, start,
        {.method = method, .cell = cell, .pressure = pressure, .force_tolerance = 1e-4, .stress_tolerance = tolerance});
    ASSERT_TRUE(result.converged) << result.last.max_force << " " << result.last.max_stress;
    const Mat3 stress = evaluate_structure(*potential, result.structure).stress;
    const LatticeParameters before = lattice_parameters(start.cell.vectors()),
                            after = lattice_parameters(result.structure.cell.vectors());
    if (cell == RelaxedCell::fixed) {
      EXPECT_EQ(result.structure.cell, start.cell);
    } else {
      EXPECT_NEAR(-(stress[0].x + stress[1].y + stress[2].z) / 3, pressure, tolerance);
      EXPECT_LT(result.last.enthalpy, result.first.enthalpy);
    }
    for (int axis = 0; axis < 3; ++axis)
      if (cell == RelaxedCell::anisotropic || cell == RelaxedCell::isotropic) {
        EXPECT_NEAR(after.angles[axis], before.angles[axis], 1e-9);
      }
    if (cell == RelaxedCell::isotropic) {
      EXPECT_NEAR(after.lengths.x / before.lengths.x, after.lengths.z / before.lengths.z, 1e-12);
    }
    if (cell == RelaxedCell::triclinic) {
      for (int c = 0; c < 9; ++c) EXPECT_NEAR(-stress[c / 3][c % 3], c % 4 == 0 ? pressure : 0, 2 * tolerance);
    }
  }
}

TEST(Relax, SaysWhenItIsNotDone) {
  const auto potential = argon();
  const RelaxResult result = relax(*potential, disturbed(), {.method = RelaxMethod::fire, .max_steps = 3});
  EXPECT_FALSE(result.converged);
  EXPECT_EQ(result.last.step, 3);
  EXPECT_THROW(static_cast<void>(relax(*potential, disturbed(), {.pressure = 1e4})), NumericalError);
}

}  // namespace haven::testing
