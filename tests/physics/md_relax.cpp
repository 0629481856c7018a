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
  const RelaxResult result = relax(*potential, disturbed(), {.force_tolerance = 1e-5, .stress_tolerance = 1e-6});
  ASSERT_TRUE(result.converged) << result.last.max_force << " " << result.last.max_stress;
  EXPECT_LT(result.last.step, 500);
  const LatticeParameters p = lattice_parameters(result.structure.cell.vectors());
  double best = 0, lowest = 0;
  for (double a = 5.0; a < 5.6; a += 1e-4)
    if (const double e = evaluate_structure(*potential, argon_crystal(1, a)).energy; e < lowest) lowest = e, best = a;
  for (int k = 0; k < 3; ++k) {
    EXPECT_NEAR(p.lengths[k], 2 * best, 1e-3);
    EXPECT_NEAR(p.angles[k], 90, 0.01);
  }
  EXPECT_NEAR(result.last.energy, 8 * lowest, 1e-6);
}

/// Under pressure the internal pressure ends at the external one, in every direction that may change; what may not
/// stays.
TEST(Relax, EndsAtThePressureInTheDirectionsThatMayChange) {
  const auto potential = argon();
  const double pressure = 0.5 / units::ev_per_a3_in_gpa, tolerance = 1e-6;
  const Structure start = disturbed();
  for (const RelaxedCell cell :
       {RelaxedCell::fixed, RelaxedCell::isotropic, RelaxedCell::anisotropic, RelaxedCell::triclinic}) {
    SCOPED_TRACE(static_cast<int>(cell));
    const RelaxResult result =
        relax(*potential, start,
              {.cell = cell, .pressure = pressure, .force_tolerance = 1e-4, .stress_tolerance = tolerance});
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
    for (int k = 0; k < 3; ++k)
      if (cell == RelaxedCell::anisotropic || cell == RelaxedCell::isotropic) {
        EXPECT_NEAR(after.angles[k], before.angles[k], 1e-9);
      }
    if (cell == RelaxedCell::isotropic) {
      EXPECT_NEAR(after.lengths.x / before.lengths.x, after.lengths.z / before.lengths.z, 1e-12);
    }
    if (cell == RelaxedCell::triclinic) {
      for (int k = 0; k < 9; ++k) EXPECT_NEAR(-stress[k / 3][k % 3], k % 4 == 0 ? pressure : 0, 2 * tolerance);
    }
  }
}

TEST(Relax, SaysWhenItIsNotDone) {
  const auto potential = argon();
  const RelaxResult result = relax(*potential, disturbed(), {.max_steps = 3});
  EXPECT_FALSE(result.converged);
  EXPECT_EQ(result.last.step, 3);
  EXPECT_THROW(static_cast<void>(relax(*potential, disturbed(), {.pressure = 1e4})), NumericalError);
}

}  // namespace haven::testing
