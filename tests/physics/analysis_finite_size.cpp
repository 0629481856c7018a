#include <gtest/gtest.h>

#include <cmath>

#include "analysis/finite_size.hpp"
#include "core/error.hpp"
#include "physics/analysis_walks.hpp"

namespace haven {
namespace {

TransportResult cell_of(long long ions, double edge, double ln_tracer, double ln_collective, double error = 0.05) {
  TransportResult r;
  r.label = "made up", r.temperature_K = 600, r.n_ions = ions;
  r.mean_cell = Mat3{{{{edge, 0, 0}, {0, edge, 0}, {0, 0, edge}}}}, r.volume_A3 = edge * edge * edge;
  r.tracer.iso = log_normal_estimate(1e-5 * std::exp(ln_tracer), 0.2 * error);
  r.collective.iso = log_normal_estimate(2e-5 * std::exp(ln_collective), error);
  r.haven_ratio = log_normal_estimate(r.tracer.iso.value / r.collective.iso.value, error);
  return r;
}

TransportResult liquid(long long ions, double edge, double tracer) {
  TransportResult r = cell_of(ions, edge, std::log(tracer / 1e-5), 0);
  r.warnings.push_back({"TR001", "no host"});
  return r;
}

bool warned(const SizeStudy& study, const std::string& code, const std::string& word) {
  return std::any_of(study.warnings.begin(), study.warnings.end(),
                     [&](const auto& w) { return w.code == code && w.text.find(word) != std::string::npos; });
}

}  // namespace

// Cells of one D: the test that they have one value fails for p < 1 % in 1 % of 400 ladders; three standard errors are
// 1.5 %.
TEST(FiniteSize, CellsOfOneValueAreSeldomToldApart) {
  int told = 0;
  testing::FastRandom random(3);
  for (int k = 0; k < 400; ++k) {
    std::vector<TransportResult> cells;
    for (const long long n : {48, 162, 384})
      cells.push_back(
          cell_of(n, 3.0 * std::cbrt(static_cast<double>(n)), 0.01 * random.normal(), 0.05 * random.normal()));
    told += compare_sizes(cells, {})[0].quantities[1].p_value < 0.01;
  }
  EXPECT_LE(told, 400 * (0.01 + 0.015));
}

// Walks of one D in cells of 12 and 48 ions: over 40 pairs the differences in units of their errors have the variance 1
// (an rms within three standard errors, 0.34, of it). Ions of the small cell that are faster by a third are told.
TEST(FiniteSize, ADifferenceOfRunsIsGivenInUnitsOfItsError) {
  const auto run = [](int ions, double step, std::uint64_t seed) {
    TransportResult r = analyse_tracks({testing::make_walk({.ions = ions, .frames = 800, .step = step}, seed)},
                                       testing::walk_options());
    const double edge = 12.0 * std::cbrt(ions / 12.0);
    r.mean_cell = Mat3{{{{edge, 0, 0}, {0, edge, 0}, {0, 0, edge}}}};
    return r;
  };
  double squares = 0;
  SizeStudy same;
  for (std::uint64_t pair = 0; pair < 40; ++pair) {
    same = compare_sizes(std::vector<TransportResult>{run(48, 1, 2 * pair), run(12, 1, 2 * pair + 1)}, {})[0];
    squares += std::pow(same.quantities[0].standard_scores[0], 2) / 40;
  }
  EXPECT_NEAR(std::sqrt(squares), 1, 0.34);
  EXPECT_EQ(same.n_ions, (std::vector<long long>{12, 48}));
  EXPECT_TRUE(warned(same, "TR015", "even the largest cell"));
  const SizeStudy other =
      compare_sizes(std::vector<TransportResult>{run(48, 1, 40), run(12, std::sqrt(4.0 / 3.0), 41)}, {})[0];
  const SizeComparison& tracer = other.quantities[0];
  EXPECT_NEAR(tracer.difference[0], std::log(4.0 / 3.0), 3 * tracer.resolution / 1.96);
  EXPECT_GT(tracer.standard_scores[0], 3.5);
  EXPECT_TRUE(warned(other, "TR035", "D*"));
  EXPECT_LT(tracer.resolution, 0.15);
  EXPECT_NE(sizes_text(other).find("would have been seen"), std::string::npos);
  EXPECT_NE(sizes_json(std::span(&other, 1)).find("\"D_sigma\""), std::string::npos);
  EXPECT_EQ(sizes_svg(other).rfind("<svg", 0), 0U);
}

// 2.837297 kB T / (6 pi eta L) of water at 298 K in 20 A: 3.5e-6 cm^2/s (0.89 mPa s).
TEST(FiniteSize, LiquidsAreCorrectedToTheInfiniteCell) {
  EXPECT_NEAR(yeh_hummer_correction(298, 0.89, 20), 3.479e-6, 2e-9);
  std::vector<TransportResult> cells;
  for (const double edge : {15.0, 20.0, 30.0})
    cells.push_back(liquid(std::llround(edge), edge, 2e-5 - yeh_hummer_correction(600, 0.5, edge)));
  const SizeStudy plain = compare_sizes(cells, {})[0], corrected = compare_sizes(cells, {.viscosity_mPa_s = 0.5})[0];
  EXPECT_TRUE(warned(plain, "TR035", "D*"));
  EXPECT_FALSE(warned(corrected, "TR035", "D*"));
  for (const Estimate& e : corrected.quantities[0].values) EXPECT_NEAR(e.value / 2e-5, 1, 1e-9);
}

TEST(FiniteSize, CrystalsAreNeverCorrectedAndNeitherAreOtherCells) {
  const std::vector<TransportResult> solid{cell_of(48, 20, 0, 0), cell_of(162, 30, 0, 0)};
  EXPECT_NO_THROW(static_cast<void>(compare_sizes(solid, {})));
  EXPECT_THROW(static_cast<void>(compare_sizes(solid, {.viscosity_mPa_s = 1.0})), ConfigError);
  std::vector<TransportResult> flat{liquid(48, 20, 1e-5), liquid(162, 30, 1e-5)};
  flat[1].mean_cell[2] = {0, 0, 40};
  EXPECT_THROW(static_cast<void>(compare_sizes(flat, {.viscosity_mPa_s = 1.0})), ConfigError);
}

TEST(FiniteSize, WhatCannotBeComparedIsSaid) {
  std::vector<TransportResult> one{cell_of(48, 20, 0, 0)}, twice{cell_of(48, 20, 0, 0), cell_of(48, 20, 0, 0)};
  EXPECT_THROW(static_cast<void>(compare_sizes(one, {})), ConfigError);
  EXPECT_THROW(static_cast<void>(compare_sizes(twice, {})), ConfigError);
  std::vector<TransportResult> refused{cell_of(48, 20, 0, 0), cell_of(162, 30, 0, 0)};
  refused[0].collective.iso = refused_estimate("too short", 1e-4);
  const SizeStudy study = compare_sizes(refused, {})[0];
  EXPECT_EQ(study.quantities[1].dof, 0);
  EXPECT_TRUE(warned(study, "TR036", "D_sigma"));
  EXPECT_NE(sizes_text(study).find("< 0.0001"), std::string::npos);
}

}  // namespace haven
