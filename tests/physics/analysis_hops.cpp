#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "analysis/hop_spread.hpp"
#include "analysis/structure_output.hpp"
#include "analysis/structure_reading.hpp"
#include "analysis/transport_output.hpp"
#include "core/error.hpp"
#include "physics/analysis_vacancies.hpp"
#include "support/shared_data.hpp"

/// Hops of single ions and correlation factors, on walks whose answers are known.
namespace haven {
namespace {

using testing::FastRandom;

constexpr double lattice = 4.0;  ///< A
constexpr int cells = 5;

/// Every point of the simple cubic lattice in the cell.
SiteMap cubic_sites() {
  const double edge = cells * lattice;
  SiteMap sites{.cell = Mat3{{{{edge, 0, 0}, {0, edge, 0}, {0, 0, edge}}}}, .origin = "test"};
  for (int k = 0; k < cells * cells * cells; ++k)
    sites.fractional.push_back(
        (1.0 / cells) * Vec3{static_cast<double>(k / 25), static_cast<double>(k / 5 % 5), static_cast<double>(k % 5)});
  sites.type.assign(sites.fractional.size(), 0);
  return sites;
}

struct FreeHops {
  int ions = 48, frames = 2000;
  double rate = 0.02;  ///< probability of a jump in a frame of 1 ps
  int frozen = 0;      ///< ions that never jump
};

/// Ions that jump on the lattice without knowing of each other or of the past, with vibration of 0.2 A:
/// D_hop = D* = D_sigma = rate a^2 / 6.
IonTracks free_hops(const FreeHops& model, std::uint64_t seed) {
  FastRandom random(seed);
  IonTracks tracks;
  tracks.path = "free hops";
  tracks.numbers.assign(static_cast<std::size_t>(model.ions), 3);
  tracks.series.assign(static_cast<std::size_t>(3 * model.ions), {});
  tracks.n_frames = model.frames, tracks.interval_ps = 1;
  tracks.mean_cell = cubic_sites().cell, tracks.volume = std::pow(cells * lattice, 3);
  for (std::size_t i = 0; i < tracks.numbers.size(); ++i) {
    std::array<double, 3> at{};
    for (int t = 0; t < model.frames; ++t) {
      if (static_cast<int>(i) >= model.frozen && random.uniform() < model.rate)
        at[random.below(3)] += random.uniform() < 0.5 ? lattice : -lattice;
      for (std::size_t a = 0; a < 3; ++a) tracks.series[3 * i + a].push_back(at[a] + 0.2 * random.normal());
    }
  }
  return tracks;
}

TransportOptions hop_options(double length) {
  TransportOptions options;
  options.mobile = {"Li"}, options.charges = {{"Li", 1.0}};
  options.temperature_K = 300, options.hop_length = length;
  return options;
}

StructureReport report_of(const IonTracks& tracks, const SiteMap& sites, double length) {
  StructureReport report{.source = tracks.path, .temperature_K = 600};
  report.sites = sites, report.network = jump_network(tracks, sites);
  const TransportResult motion = analyse_tracks({tracks}, hop_options(length));
  report.spread = hop_spread(tracks, report.network, motion.window.tau0_ps);
  report.factors = correlation_factors(report.network, motion, report.spread);
  return report;
}

bool covers(const std::array<double, 2>& interval, double truth) {
  return interval[0] <= truth && truth <= interval[1];
}

}  // namespace

// 48 ions with one rate: hops are binomial, variance / mean = 1 - 0.02. The standard error of the ratio is
// sqrt(2 / 47) = 0.21; of the mean over 20 runs 0.05.
TEST(HopsOfSingleIons, OfOneRateScatterLikeAPoissonProcess) {
  double dispersion = 0, spread = 0;
  int rejected = 0;
  constexpr int runs = 20;
  for (std::uint64_t seed = 0; seed < runs; ++seed) {
    const StructureReport report = report_of(free_hops({}, seed), cubic_sites(), lattice);
    const HopSpread& s = report.spread;
    EXPECT_NEAR(s.mean_hops, 40, 4 * std::sqrt(40.0 / 48));
    EXPECT_NEAR(s.half_share, s.half_share_poisson, 0.04);
    EXPECT_NEAR(s.half_share_poisson, 0.4375, 0.01);  // 1/2 - phi(0) / sqrt(40)
    double expected = 0;
    long long ions = 0;
    for (const HopBin& bin : s.histogram) expected += bin.expected, ions += bin.ions;
    EXPECT_EQ(ions, 48);
    EXPECT_NEAR(expected, 48, 0.01);
    dispersion += s.dispersion / runs, spread += s.msd_spread / s.msd_spread_expected / runs;
    rejected += s.poisson_p < 0.05;
  }
  EXPECT_NEAR(dispersion, 0.98, 0.2);
  EXPECT_NEAR(spread, 1.0, 0.1);
  EXPECT_LE(rejected, 4);
}

TEST(HopsOfSingleIons, ShowThatFewOfThemCarryTheDiffusion) {
  const StructureReport report = report_of(free_hops({.frozen = 24}, 3), cubic_sites(), lattice);
  const HopSpread& s = report.spread;
  EXPECT_EQ(s.histogram.front().first, 0);
  EXPECT_GE(s.histogram.front().ions, 24);
  EXPECT_GT(s.dispersion, 10);
  EXPECT_LT(s.poisson_p, 1e-9);
  EXPECT_NEAR(s.half_share, 0.22, 0.03);  // half of the hops are those of a little less than half of the 24
  EXPECT_GT(s.msd_spread, 2 * s.msd_spread_expected);
}

// 100 runs: the standard error of a coverage of 95 % is 2.2 %, of 68 % it is 4.7 %.
TEST(CorrelationFactors, OfIndependentJumpsAreOneWithinTheirIntervals) {
  constexpr int runs = 100;
  constexpr double d = 0.02 * lattice * lattice / 6 * 1e-4;
  int hop95 = 0, hop68 = 0, f = 0, f_collective = 0;
  for (std::uint64_t seed = 0; seed < runs; ++seed) {
    const CorrelationFactors c = report_of(free_hops({}, 100 + seed), cubic_sites(), lattice).factors;
    ASSERT_TRUE(c.f.determined() && c.f_I.determined()) << c.f.refused << c.f_I.refused;
    hop95 += covers(c.hop.ci95, d), hop68 += covers(c.hop.ci68, d);
    f += covers(c.f.ci95, 1), f_collective += covers(c.f_I.ci95, 1);
    EXPECT_NEAR(c.f.value / c.f_I.value, c.haven_ratio.value, 1e-9);
  }
  EXPECT_NEAR(static_cast<double>(hop95) / runs, 0.955, 0.045);
  EXPECT_NEAR(static_cast<double>(hop68) / runs, 0.69, 0.1);
  EXPECT_NEAR(static_cast<double>(f) / runs, 0.955, 0.045);
  EXPECT_NEAR(static_cast<double>(f_collective) / runs, 0.94, 0.05);
}

// One vacancy on an fcc lattice of 108 sites, one hop in each frame: every jump of the vacancy carries one ion, f is
// the tracer correlation factor, and the current has no memory (f_I = 1).
TEST(CorrelationFactors, OfOneVacancyAreTheExactOnes) {
  testing::VacancyModel model({.lattice = testing::Lattice::fcc, .cells = 3}, 5);
  const auto ions = static_cast<std::size_t>(model.ions());
  constexpr int frames = 12000, grid = 14;
  const double length = model.step_length(), edge = grid * length;
  IonTracks tracks;
  tracks.path = "vacancy", tracks.n_frames = frames, tracks.interval_ps = 1;
  tracks.numbers.assign(ions, 3), tracks.series.assign(3 * ions, {});
  tracks.mean_cell = Mat3{{{{edge, 0, 0}, {0, edge, 0}, {0, 0, edge}}}}, tracks.volume = edge * edge * edge;
  for (int t = 0; t < frames; ++t, model.attempt())
    for (std::size_t s = 0; s < 3 * ions; ++s) tracks.series[s].push_back(length * model.moved()[s / 3][s % 3]);
  // Ions start from one point and do not see each other here: their paths are what counts.
  SiteMap sites{.cell = tracks.mean_cell, .origin = "test"};
  for (int x = 0; x < grid; ++x)
    for (int y = 0; y < grid; ++y)
      for (int z = (x + y) % 2; z < grid; z += 2)
        sites.fractional.push_back((1.0 / grid) *
                                   Vec3{static_cast<double>(x), static_cast<double>(y), static_cast<double>(z)});
  sites.type.assign(sites.fractional.size(), 0);
  const StructureReport report = report_of(tracks, sites, testing::hop_distance);
  EXPECT_EQ(report.network.jumps_total, frames - 1);
  const CorrelationFactors& c = report.factors;
  const double exact = testing::correlation_factor(testing::Lattice::fcc);
  EXPECT_NEAR(std::log(c.f.value / exact), 0, 4 * c.f.log_sd());
  EXPECT_LT(c.f.log_sd(), 0.04);
  EXPECT_NEAR(std::log(c.f_I.value), 0, 4 * c.f_I.log_sd());
}

// Every fourth frame of ions that jump in one frame out of five: a fifth of what moves between frames are two jumps or
// more.
TEST(CorrelationFactors, NeedFramesThatSeeEveryJump) {
  const IonTracks fine = free_hops({.frames = 8000, .rate = 0.2}, 6);
  IonTracks coarse = fine;
  for (std::vector<double>& x : coarse.series) {
    std::vector<double> kept;
    for (std::size_t t = 0; t < x.size(); t += 4) kept.push_back(x[t]);
    x = kept;
  }
  coarse.n_frames = 2000, coarse.interval_ps = 4;
  EXPECT_TRUE(jump_network(fine, cubic_sites()).finely_sampled);
  const StructureReport report = report_of(coarse, cubic_sites(), lattice);
  EXPECT_FALSE(report.network.finely_sampled);
  EXPECT_TRUE(report.factors.hop.determined());
  EXPECT_FALSE(report.factors.f.determined() || report.factors.f_I.determined());
  EXPECT_NE(report.factors.f.refused.find("too rare"), std::string::npos);
}

// Two kinds of sites, 2 A and 3 A from the next: a long jump between neighbours passes over nothing.
TEST(CorrelationFactors, LongJumpsBetweenNeighboursPassOverNoSite) {
  const double edge = 15;
  SiteMap sites{.cell = Mat3{{{{edge, 0, 0}, {0, edge, 0}, {0, 0, edge}}}}, .origin = "test"};
  for (int k = 0; k < 3; ++k)
    for (const double x : {5.0 * k, 5.0 * k + 1.8})
      sites.fractional.push_back({x / edge, 0.5, 0.5}), sites.type.push_back(0);
  IonTracks tracks;
  tracks.path = "line", tracks.n_frames = 600, tracks.interval_ps = 1, tracks.mean_cell = sites.cell;
  tracks.volume = edge * edge * edge, tracks.numbers = {3};
  tracks.series.assign(3, std::vector<double>(600, 0.5 * edge));
  // One way along the line, 1.8 and 3.2 A by turns, ten frames on each site.
  for (std::size_t t = 0; t < 600; ++t)
    tracks.series[0][t] = 5.0 * static_cast<double>(t / 20) + (t % 20 < 10 ? 0.0 : 1.8);
  EXPECT_TRUE(jump_network(tracks, sites).finely_sampled);
  for (std::size_t t = 0; t < 600; ++t) tracks.series[0][t] = 5.0 * static_cast<double>(t / 20);
  const JumpNetwork over = jump_network(tracks, sites);
  EXPECT_EQ(over.jumps_total, 29);
  EXPECT_FALSE(over.finely_sampled);
}

TEST(CorrelationFactors, WithoutJumpsAreRefusedWithABound) {
  const StructureReport report = report_of(free_hops({.frames = 500, .rate = 0}, 1), cubic_sites(), lattice);
  const CorrelationFactors& c = report.factors;
  EXPECT_FALSE(c.hop.determined());
  ASSERT_TRUE(c.hop.upper_bound.has_value());
  EXPECT_NEAR(*c.hop.upper_bound, -std::log(0.05) * 16 / (6 * 48 * 500) * 1e-4, 1e-9);
  EXPECT_FALSE(c.f.determined() || c.f_I.determined());
  EXPECT_EQ(report.spread.mean_hops, 0);
  EXPECT_EQ(hops_svg(report.spread).find("nan"), std::string::npos);
  EXPECT_EQ(ions_svg(report.spread).find("nan"), std::string::npos);
  EXPECT_NE(structure_text(report).find("D_hop is not determined"), std::string::npos);
}

TEST(CorrelationFactors, OfSeveralSpeciesAreThoseOfTheTracer) {
  IonTracks tracks = free_hops({}, 2);
  for (std::size_t i = 24; i < 48; ++i) tracks.numbers[i] = 11;
  TransportOptions options = hop_options(lattice);
  options.mobile = {"Li", "Na"}, options.charges = {{"Li", 1.0}, {"Na", 1.0}};
  const JumpNetwork network = jump_network(tracks, cubic_sites());
  const CorrelationFactors c =
      correlation_factors(network, analyse_tracks({tracks}, options), hop_spread(tracks, network, 20));
  EXPECT_TRUE(c.f.determined());
  EXPECT_FALSE(c.f_I.determined() || c.haven_ratio.determined());
}

TEST(StructureFiles, HoldTheHopsAndTheFactors) {
  const StructureReport report = report_of(free_hops({}, 4), cubic_sites(), lattice);
  const std::string csv = ions_csv(report.spread);
  EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), 49);
  EXPECT_NE(csv.find("0,Li,"), std::string::npos);
  const std::string bins = hops_csv(report.spread);
  EXPECT_EQ(static_cast<std::size_t>(std::count(bins.begin(), bins.end(), '\n')), report.spread.histogram.size() + 1);
  for (const std::string& svg : {hops_svg(report.spread), ions_svg(report.spread)}) {
    EXPECT_EQ(svg.rfind("<svg ", 0), 0U);
    EXPECT_EQ(svg.find("nan"), std::string::npos);
  }
  const auto json = nlohmann::json::parse(structure_json(report));
  EXPECT_EQ(json.at("hops").at("ions"), 48);
  EXPECT_EQ(json.at("coefficients").at("f_I").at("ci95").size(), 2U);
  EXPECT_TRUE(json.at("coefficients").at("definitions").contains("D_hop"));
  const std::string text = structure_text(report);
  for (const char* words : {"f_I = D_sigma/D_hop", "H_R = D*/D_sigma = f/f_I", "% of the ions make half of them"})
    EXPECT_NE(text.find(words), std::string::npos) << words;
}

TEST(StructureFiles, AreReadBesideTheTransportOfTheirTemperature) {
  const StructureReport report = report_of(free_hops({}, 4), cubic_sites(), lattice);
  const testing::TemporaryFolder folder;
  const std::string transport = folder.file("transport.json");
  TransportResult result;
  result.label = "T600", result.temperature_K = 600;
  EXPECT_FALSE(structure_beside(transport, result, 1).has_value());
  std::ofstream(folder.file("structure.json")) << structure_json(report);
  EXPECT_FALSE(structure_beside(transport, result, 2).has_value()) << "which of two temperatures is not said";
  const auto found = structure_beside(transport, result, 1);
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->spread.dispersion, report.spread.dispersion);
  EXPECT_EQ(found->factors.f.ci95, report.factors.f.ci95);
  ASSERT_EQ(found->types.size(), 1U);
  EXPECT_EQ(found->types[0].sites, 125);
  EXPECT_NEAR(found->types[0].occupation, 48.0 / 125, 1e-9);
  std::filesystem::create_directory(folder.path() / "structure_T600");
  std::filesystem::rename(folder.file("structure.json"), folder.path() / "structure_T600" / "structure.json");
  EXPECT_TRUE(structure_beside(transport, result, 2).has_value());
  result.temperature_K = 700;
  EXPECT_THROW(static_cast<void>(structure_beside(transport, result, 2)), InputError);
  EXPECT_THROW(static_cast<void>(structure_from_json("{}", "s.json")), InputError);
  EXPECT_THROW(static_cast<void>(structure_from_json("[", "s.json")), InputError);
}

}  // namespace haven
