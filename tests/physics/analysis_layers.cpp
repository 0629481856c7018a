#include <gtest/gtest.h>

#include <cmath>

#include "analysis/layers.hpp"
#include "core/error.hpp"
#include "physics/analysis_walks.hpp"

namespace haven {
namespace {

constexpr double box = 30.0;  // A, make_walk's cell

/// Walkers whose steps along x and y have unit variance where z is in the lower half of the cell and a quarter of it in
/// the upper half; along z they take steps of `across`.
IonTracks two_layers(int ions, int frames, double across, std::uint64_t seed) {
  IonTracks tracks = testing::make_walk({.ions = ions, .frames = frames, .noise = 0}, 1);
  testing::FastRandom random(seed);
  for (std::size_t i = 0; i < static_cast<std::size_t>(ions); ++i) {
    double x = 0, y = 0, z = box * random.uniform();
    for (std::size_t t = 0; t < static_cast<std::size_t>(frames); ++t) {
      const bool lower = z / box - std::floor(z / box) < 0.5;
      const double step = lower ? 1.0 : 0.5;
      x += step * random.normal(), y += step * random.normal(), z += across * random.normal();
      tracks.series[3 * i][t] = x, tracks.series[3 * i + 1][t] = y, tracks.series[3 * i + 2][t] = z;
    }
  }
  return tracks;
}

}  // namespace

// D along x and y is step^2 / (2 * 0.1 ps) = 5 and 1.25 A^2/ps. 40 seeds: coverage of 95 % within three standard errors
// (3.4 %), and no bias beyond three errors of the mean.
TEST(Layers, EachHasItsOwnDiffusionCoefficient) {
  testing::Coverage lower, upper;
  double log_lower = 0;
  constexpr int runs = 40;
  for (std::uint64_t seed = 0; seed < runs; ++seed) {
    const LayerReport report = analyse_layers(two_layers(40, 1500, 0.3, seed), {.edges = {0.0, 0.5}, .lag_ps = 0.5});
    lower.add(report.layers[0].in_plane, 5e-4), upper.add(report.layers[1].in_plane, 1.25e-4);
    log_lower += std::log(report.layers[0].in_plane.value / 5e-4) / runs;
    EXPECT_NEAR(report.layers[0].ions + report.layers[1].ions, 40, 1e-9);
    EXPECT_NEAR(report.layers[0].thickness, 15, 1e-9);
  }
  EXPECT_EQ(lower.refused + upper.refused, 0);
  EXPECT_NEAR(log_lower, 0, 3 * lower.rms() / std::sqrt(runs));
  EXPECT_GE(lower.share95(), 0.95 - 3 * 0.034);
  EXPECT_GE(upper.share95(), 0.95 - 3 * 0.034);
}

// Equal halves of a walk without preference hold half of the ions, and ions leave both at the same rate.
TEST(Layers, ExchangeIsCountedOnceAndRattlingIsNone) {
  const LayerReport moving = analyse_layers(two_layers(60, 4000, 1.0, 3), {.edges = {0.25, 0.75}, .lag_ps = 0.2});
  for (const CellLayer& layer : moving.layers) {
    EXPECT_NEAR(layer.ions, 30, 4 * layer.ions_sd);
    EXPECT_GT(layer.leaving.count, 100);
    EXPECT_NEAR(layer.residence_ps * layer.leaving.per_ps, 1, 1e-12);
  }
  EXPECT_NEAR(static_cast<double>(moving.layers[0].leaving.count), static_cast<double>(moving.layers[1].leaving.count),
              60);  // an ion cannot leave a layer twice without having come back
  // Ions that rattle by 0.1 A around an edge.
  IonTracks tracks = testing::make_walk({.ions = 10, .frames = 500, .noise = 0.1, .step = 0}, 5);
  for (std::size_t i = 0; i < 10; ++i)
    for (double& z : tracks.series[3 * i + 2]) z += 15.0;
  const LayerReport rattling = analyse_layers(tracks, {.edges = {0.0, 0.5}, .lag_ps = 1.0});
  EXPECT_EQ(rattling.layers[0].leaving.count + rattling.layers[1].leaving.count, 0);
}

// The same crystal with a + c in place of a: the planes (0 0 1) are (1 0 1) there, and nothing else changes.
TEST(Layers, PlanesDoNotDependOnTheDescriptionOfTheCell) {
  IonTracks tracks = two_layers(40, 1500, 0.3, 2);
  const LayerReport plain = analyse_layers(tracks, {.edges = {0.0, 0.5}, .lag_ps = 0.5});
  tracks.mean_cell[0] += tracks.mean_cell[2];
  const LayerReport sheared = analyse_layers(tracks, {.planes = {1, 0, 1}, .edges = {0.0, 0.5}, .lag_ps = 0.5});
  for (std::size_t l = 0; l < 2; ++l) {
    EXPECT_NEAR(sheared.layers[l].thickness, 15, 1e-9);
    EXPECT_NEAR(sheared.layers[l].ions, plain.layers[l].ions, 1e-9);
    EXPECT_NEAR(sheared.layers[l].density, plain.layers[l].density, 1e-9);
    EXPECT_EQ(sheared.layers[l].leaving.count, plain.layers[l].leaving.count);
    EXPECT_NEAR(sheared.layers[l].in_plane.value / plain.layers[l].in_plane.value, 1, 1e-9);
  }
  EXPECT_THROW(static_cast<void>(analyse_layers(tracks, {.planes = {0, 0, 0}, .edges = {0.0, 0.5}, .lag_ps = 0.5})),
               ConfigError);
}

TEST(Layers, FewStaysAreRefusedAndNonsenseIsNamed) {
  const IonTracks tracks = two_layers(4, 300, 3.0, 8);
  const LayerReport report = analyse_layers(tracks, {.edges = {0.0, 0.9}, .lag_ps = 5.0});
  EXPECT_FALSE(report.layers[1].in_plane.determined());
  EXPECT_NE(report.layers[1].in_plane.refused.find("stays"), std::string::npos);
  EXPECT_NE(layers_json(report).find("\"value\": null"), std::string::npos);
  EXPECT_NE(layers_text(report).find("refused"), std::string::npos);
  const std::vector<std::vector<double>> bad{{0.5}, {0.5, 0.2}, {0.2, 1.5}, {0.2, 0.21}};
  for (const std::vector<double>& edges : bad)
    EXPECT_THROW(static_cast<void>(analyse_layers(tracks, {.edges = edges, .lag_ps = 1.0})), ConfigError);
  EXPECT_THROW(static_cast<void>(analyse_layers(tracks, {.edges = {0.0, 0.5}, .lag_ps = 20.0})), ConfigError);
}

}  // namespace haven
