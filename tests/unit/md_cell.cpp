#include <gtest/gtest.h>

#include <cmath>

#include "core/error.hpp"
#include "core/rng.hpp"
#include "md/integrators/cell_rescaling.hpp"
#include "md/integrators/strain.hpp"
#include "md/mean_cell.hpp"

namespace haven::testing {
namespace {

Mat3 random_matrix(std::uint64_t seed, double size) {
  RandomSequence random(seed, Stream::test, 1);
  Mat3 m;
  for (int k = 0; k < 9; ++k) m[k / 3][k % 3] = size * (2 * random.uniform() - 1);
  return m;
}

double largest_difference(const Mat3& a, const Mat3& b) { return std::sqrt(squared_norm(a + (-1.0) * b)); }

}  // namespace

TEST(Strain, ExponentialsOfOppositeStrainsCancelAndKeepTheVolume) {
  for (const std::uint64_t seed : {1u, 2u, 3u}) {
    const Mat3 strain = traceless_part(symmetric_part(random_matrix(seed, 0.3)));
    EXPECT_LT(largest_difference(exponential(strain) * exponential(-1.0 * strain), Mat3::identity()), 1e-15);
    EXPECT_NEAR(determinant(exponential(strain)), 1, 1e-15);
  }
  Mat3 diagonal;
  diagonal[0].x = 0.3, diagonal[1].y = -0.4;
  EXPECT_NEAR(exponential(diagonal)[0].x, std::exp(0.3), 1e-15);
  EXPECT_NEAR(exponential(diagonal)[1].y, std::exp(-0.4), 1e-15);
}

TEST(Strain, PolarRotationLeavesASymmetricStretch) {
  for (const std::uint64_t seed : {1u, 2u, 3u}) {
    const Mat3 m = Mat3::identity() + random_matrix(seed, 0.2), rotation = polar_rotation(m);
    EXPECT_LT(largest_difference(rotation * transpose(rotation), Mat3::identity()), 1e-14);
    const Mat3 stretch = m * transpose(rotation);
    EXPECT_LT(largest_difference(stretch, transpose(stretch)), 1e-14);
  }
}

TEST(Strain, LeastStretchIsALowerBoundAndExactForScaling) {
  EXPECT_DOUBLE_EQ(least_stretch(0.97 * Mat3::identity()), 0.97);
  for (const std::uint64_t seed : {1u, 2u, 3u, 4u}) {
    const Mat3 m = Mat3::identity() + random_matrix(seed, 0.1);
    RandomSequence random(seed, Stream::test, 2);
    for (int k = 0; k < 1000; ++k) {
      const Vec3 r{random.normal(), random.normal(), random.normal()};
      EXPECT_GE(norm(r * m), least_stretch(m) * norm(r));
    }
  }
}

/// Equations of motion: against the pressure at rest, the volume follows d ln V/dt = (P_int - P)/(B tau) and the shape
/// the deviatoric stress at a third of that mobility. kT is so small that noise and Ito term vanish in the tolerance.
TEST(CellRescaling, DriftFollowsThePressureDifference) {
  const Mat3 cell = 10.0 * (Mat3::identity() + random_matrix(5, 0.2));
  const Mat3 pressure = 0.1 * (symmetric_part(random_matrix(6, 0.1)) + Mat3::identity());
  const double bulk_modulus = 0.5, tau = 100, dt = 0.01, mobility = 1 / (bulk_modulus * tau);
  for (const CellShape shape : {CellShape::isotropic, CellShape::anisotropic, CellShape::triclinic}) {
    const CellRescalingOptions options{.shape = shape, .pressure = 0.02, .bulk_modulus = bulk_modulus, .tau = tau};
    const CellChange change = propose_cell(options, {.cell = cell, .pressure = pressure, .kt = 1e-30}, dt, 1, 1);
    EXPECT_NEAR(std::log(determinant(change.cell) / determinant(cell)) / dt,
                mobility * (trace(pressure) / 3 - options.pressure), 1e-7);
    const Mat3 map = inverse(cell) * change.cell;
    const Mat3 strain_rate = (1 / dt) * traceless_part(map + (-1.0) * Mat3::identity());
    if (shape == CellShape::isotropic) {
      EXPECT_LT(squared_norm(strain_rate), 1e-20);
    }
    if (shape == CellShape::triclinic) {
      EXPECT_LT(largest_difference(strain_rate, (mobility / 3) * traceless_part(pressure)), 1e-7);
    }
    if (shape == CellShape::anisotropic)
      for (int k = 0; k < 3; ++k) {  // angles stay: each vector keeps its direction
        EXPECT_LT(norm(cross(change.cell[k], cell[k])), 1e-12 * norm2(cell[k]));
        const double stress = (cell * pressure * inverse(cell))[k][k];
        EXPECT_NEAR((norm(change.cell[k]) / norm(cell[k]) - 1) / dt, mobility / 3 * (stress - options.pressure), 1e-7);
      }
  }
}

/// When the states before and after have no drift, undoing a change needs the same random numbers with the other sign.
TEST(CellRescaling, BackwardNoiseOfADriftlessChangeIsTheForwardNoise) {
  const Mat3 cell = 10.0 * (Mat3::identity() + random_matrix(5, 0.2));
  const auto balanced = [](const Mat3& h, double kt, double pressure) {
    return CellState{
        .cell = h, .pressure = (pressure - 0.5 * kt / std::abs(determinant(h))) * Mat3::identity(), .kt = kt};
  };
  for (const CellShape shape : {CellShape::isotropic, CellShape::anisotropic, CellShape::triclinic}) {
    const CellRescalingOptions options{.shape = shape, .pressure = 0.02, .bulk_modulus = 0.5, .tau = 100};
    const CellChange change = propose_cell(options, balanced(cell, 0.02, 0.02), 1, 7, 3);
    const double backward = reverse_noise2(options, change, balanced(change.cell, 0.02, 0.02), Mat3::identity(), 1);
    EXPECT_NEAR(backward, change.noise2, 1e-8 * change.noise2);
    EXPECT_GT(change.largest_change, 1e-5);
  }
}

TEST(MeanCell, AveragesTheSecondHalfAndSurvivesARestart) {
  MeanCell whole(100, 40), first(100, 40), second(100, 40);
  const auto cell_at = [](std::int64_t step) {
    Mat3 h = 10.0 * Mat3::identity();
    h[0].x += step % 2 == 0 ? 0.1 : -0.1;
    h[2].z += step <= 120 ? 5 : 0;  // not part of the mean
    return Cell(h);
  };
  for (std::int64_t step = 101; step <= 140; ++step) {
    whole.add(step, cell_at(step));
    (step <= 127 ? first : second).add(step, cell_at(step));
    if (step != 127) continue;
    MeanCell::Variables variables;
    first.save(variables);
    second.load(variables);
  }
  const MeanCellResult mean = whole.result();
  EXPECT_NEAR(mean.volume, 1000, 1e-10);
  EXPECT_NEAR(mean.parameters.lengths.x, 10, 1e-12);
  EXPECT_NEAR(mean.parameters.lengths.z, 10, 1e-12);
  EXPECT_NEAR(mean.parameters.angles.y, 90, 1e-12);
  EXPECT_EQ(second.result().vectors, mean.vectors);
  EXPECT_EQ(second.result().volume, mean.volume);
  EXPECT_THROW(second.load({}), InputError);
}

TEST(MeanCell, SeesAVolumeThatStillGrows) {
  const auto trend_of = [](double growth) {
    MeanCell mean(0, 2000);
    RandomSequence random(3, Stream::test, 4);
    for (std::int64_t step = 1; step <= 2000; ++step)
      mean.add(step, Cell((10 + 0.01 * random.normal() + growth * static_cast<double>(step)) * Mat3::identity()));
    return mean.result().trend;
  };
  EXPECT_LT(std::abs(trend_of(0)), 5);
  EXPECT_GT(trend_of(1e-5), 5);
  EXPECT_LT(trend_of(-1e-5), -5);
}

TEST(MeanCell, OfAStageOfOneStepIsItsCell) {
  MeanCell mean(0, 1);
  mean.add(1, Cell(7.0 * Mat3::identity()));
  EXPECT_NEAR(mean.result().volume, 343, 1e-10);
  EXPECT_EQ(mean.result().volume_error, 0);
}

}  // namespace haven::testing
