#include <gtest/gtest.h>

#include <cmath>

#include "analysis/regions.hpp"
#include "core/error.hpp"
#include "physics/analysis_walks.hpp"

namespace haven {
namespace {

using Shape = Region::Shape;

constexpr double box = 30.0;  // A, make_walk's cell

Region slab(double from, double to) { return {.shape = Shape::slab, .indices = {0, 0, 1}, .between = {from, to}}; }

/// Ions at rest at given fractions of the cell.
IonTracks at_rest(const Mat3& cell, const std::vector<Vec3>& fractions) {
  IonTracks tracks =
      testing::make_walk({.ions = static_cast<int>(fractions.size()), .frames = 100, .noise = 0, .step = 0}, 1);
  tracks.mean_cell = cell, tracks.volume = std::abs(determinant(cell));
  for (std::size_t i = 0; i < fractions.size(); ++i) {
    const Vec3 r = fractions[i] * cell;
    for (int k = 0; k < 3; ++k)
      std::fill(tracks.series[3 * i + static_cast<std::size_t>(k)].begin(),
                tracks.series[3 * i + static_cast<std::size_t>(k)].end(), r[k]);
  }
  return tracks;
}

std::vector<double> ions_in(const IonTracks& tracks, const std::vector<Region>& regions) {
  std::vector<double> ions;
  for (const RegionMotion& r : analyse_regions(tracks, {.regions = regions, .lag_ps = 1}).regions)
    ions.push_back(r.ions);
  return ions;
}

}  // namespace

// Steps of unit variance per axis below z = 1/2 and half of it above: D = 5 and 1.25 A^2/ps along x and y. Along z ions
// move by less than 0.1 A within twice the lag, so that mixing at the edges is far below the error. 30 runs: coverage
// of 95 % within three standard errors (4 %).
TEST(Regions, EachHasItsOwnDiffusionCoefficient) {
  testing::Coverage lower, upper;
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    IonTracks tracks = testing::make_walk({.ions = 30, .frames = 1200, .noise = 0}, 1);
    testing::FastRandom random(seed);
    for (std::size_t i = 0; i < 30; ++i) {
      double x = 0, y = 0, z = box * random.uniform();
      for (std::size_t t = 0; t < 1200; ++t) {
        const double step = z / box - std::floor(z / box) < 0.5 ? 1.0 : 0.5;
        x += step * random.normal(), y += step * random.normal(), z += 0.02 * random.normal();
        tracks.series[3 * i][t] = x, tracks.series[3 * i + 1][t] = y, tracks.series[3 * i + 2][t] = z;
      }
    }
    const RegionReport report = analyse_regions(tracks, {.regions = {slab(0.0, 0.5)}, .lag_ps = 0.5});
    lower.add(report.regions[0].diffusion, (2 * 1.0 + 0.0004) / 0.6 * 1e-4);
    upper.add(report.regions[1].diffusion, (2 * 0.25 + 0.0004) / 0.6 * 1e-4);
  }
  EXPECT_EQ(lower.refused + upper.refused, 0);
  EXPECT_GE(lower.share95(), 0.95 - 3 * 0.04);
  EXPECT_GE(upper.share95(), 0.95 - 3 * 0.04);
}

// Weights of a displacement add up to one, so weighted means add up to those of the cell: to rounding.
TEST(Regions, WeightedMeansAddUpToTheWholeCell) {
  const IonTracks tracks = testing::make_walk({.ions = 12, .frames = 600}, 4);
  const RegionReport report = analyse_regions(
      tracks, {.regions = {{.centre = {0.5, 0.5, 0.5}, .radius = 8},
                           {.shape = Shape::cylinder, .centre = {0.1, 0.2, 0}, .indices = {0, 0, 1}, .radius = 5},
                           slab(0.8, 1.1)},
               .lag_ps = 1});
  ASSERT_EQ(report.regions.size(), 4U);
  const MsdCurve whole = mean_squared_displacement(tracks, std::vector<Index>{10, 20}, {0, 600});
  double ions = 0;
  for (const RegionMotion& r : report.regions) ions += r.ions;
  EXPECT_NEAR(ions, 12, 1e-9);
  for (std::size_t k = 0; k < 2; ++k) {
    double weight = 0, msd = 0;
    for (const RegionMotion& r : report.regions) weight += r.weight[k], msd += r.weight[k] * r.msd[k];
    EXPECT_NEAR(weight, 1, 1e-12);
    EXPECT_NEAR(msd / whole.total[k], 1, 1e-12);
  }
}

// Distances are those of the nearest image, also through the faces of a skewed cell.
TEST(Regions, SpheresCylindersAndSlabsHoldWhatLiesInThem) {
  const Mat3 cubic{{{{box, 0, 0}, {0, box, 0}, {0, 0, box}}}};
  const IonTracks tracks =
      at_rest(cubic, {{0.02, 0, 0.98}, {0.2, 0, 0}, {0.5, 0.5, 0.1}, {0.5, 0.5, 0.9}, {0.3, 0.3, 0.55}});
  EXPECT_EQ(ions_in(tracks, {{.centre = {0, 0, 0}, .radius = 3}}), (std::vector<double>{1, 4}));
  EXPECT_EQ(ions_in(tracks, {{.centre = {0, 0, 0}, .radius = 7}}), (std::vector<double>{2, 3}));
  const Region pore{.shape = Shape::cylinder, .centre = {0.5, 0.5, 0.4}, .indices = {0, 0, 1}, .radius = 2};
  EXPECT_EQ(ions_in(tracks, {pore}), (std::vector<double>{2, 3}));
  EXPECT_EQ(ions_in(tracks, {slab(0.85, 1.15)}), (std::vector<double>{4, 1}));
  EXPECT_EQ(ions_in(tracks, {{.centre = {0, 0, 0}, .radius = 7}, slab(0.85, 1.15)}), (std::vector<double>{2, 2, 1}));
  // Near the axis [1 1 0] in another image than that of the smallest fractions.
  const IonTracks along = at_rest(cubic, {{0.51, 0.49, 0.02}, {0.9, 0.88, 0.97}, {0.51, 0.2, 0}});
  EXPECT_EQ(ions_in(along, {{.shape = Shape::cylinder, .indices = {1, 1, 0}, .radius = 2}}),
            (std::vector<double>{2, 1}));
  const Mat3 skewed{{{{20, 0, 0}, {-8, 18, 0}, {0, 0, 20}}}};
  for (const Vec3& s : {Vec3{0.3, 0.2, 0}, Vec3{-0.3, 0.1, 0.2}, Vec3{0.1, -0.3, 0.1}}) {
    double nearest = 1e9;
    for (int a = -3; a <= 3; ++a)
      for (int b = -3; b <= 3; ++b)
        for (int c = -3; c <= 3; ++c) nearest = std::min(nearest, norm((s + Vec3{1.0 * a, 1.0 * b, 1.0 * c}) * skewed));
    for (const double side : {-0.01, 0.01})
      EXPECT_EQ(ions_in(at_rest(skewed, {s}), {{.radius = nearest + side}})[0], side > 0 ? 1.0 : 0.0);
  }
}

TEST(Regions, NonsenseIsNamedAndEmptyRegionsAreRefused) {
  const IonTracks tracks = testing::make_walk({.ions = 4, .frames = 200}, 4);
  const std::vector<Region> bad{{.radius = 0},
                                {.radius = 16},
                                {.shape = Shape::cylinder, .radius = 3},
                                {.shape = Shape::slab, .between = {0, 0.5}},
                                slab(0.5, 0.5),
                                slab(0.5, 1.7)};
  for (const Region& region : bad)
    EXPECT_THROW(static_cast<void>(analyse_regions(tracks, {.regions = {region}, .lag_ps = 1})), ConfigError)
        << region.name();
  EXPECT_THROW(static_cast<void>(analyse_regions(tracks, {.regions = {}, .lag_ps = 1})), ConfigError);
  EXPECT_THROW(static_cast<void>(analyse_regions(tracks, {.regions = {slab(0, 0.5)}, .lag_ps = 15})), ConfigError);
  const RegionReport report =
      analyse_regions(tracks, {.regions = {{.centre = {0.5, 0.5, 0.5}, .radius = 0.01}}, .lag_ps = 1});
  EXPECT_FALSE(report.regions[0].diffusion.determined());
  EXPECT_NE(regions_text(report).find("refused"), std::string::npos);
  EXPECT_NE(regions_json(report).find("\"value\": null"), std::string::npos);
}

}  // namespace haven
