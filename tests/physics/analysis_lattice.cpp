#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "physics/analysis_walks.hpp"

/// Kinetic Monte Carlo on lattices: hopping instead of Gaussian steps, with exclusion, where the coefficients are
/// known.
namespace haven {
namespace {

using testing::Coverage;
using testing::FastRandom;

constexpr double spacing = 3.0;  ///< A

IonTracks lattice_tracks(int ions, int frames, double interval_ps, double volume) {
  IonTracks tracks;
  tracks.path = "lattice";
  tracks.numbers.assign(static_cast<std::size_t>(ions), 3);
  tracks.series.assign(static_cast<std::size_t>(3 * ions), std::vector<double>(static_cast<std::size_t>(frames)));
  tracks.n_frames = frames;
  tracks.interval_ps = interval_ps;
  tracks.mean_cell = Mat3{{{{30, 0, 0}, {0, 30, 0}, {0, 0, 30}}}};
  tracks.volume = volume;
  tracks.temperature_K = 600;
  return tracks;
}

TransportOptions lattice_options() {
  TransportOptions options;
  options.mobile = {"Li"};
  options.charges = {{"Li", 1.0}};
  options.hop_length = spacing;
  return options;
}

/// Symmetric exclusion on a periodic simple cubic lattice, half filled: one attempt per ion and ps on average.
IonTracks exclusion_process(int length, int frames, double interval_ps, std::uint64_t seed) {
  FastRandom random(seed);
  const int sites = length * length * length, ions = sites / 2;
  std::vector<char> occupied(static_cast<std::size_t>(sites), 0);
  std::vector<std::array<int, 3>> at(static_cast<std::size_t>(ions)), moved(static_cast<std::size_t>(ions), {0, 0, 0});
  const auto site = [length](const std::array<int, 3>& r) {
    return static_cast<std::size_t>((r[2] * length + r[1]) * length + r[0]);
  };
  for (auto& r : at) {
    do {
      for (int& x : r) x = static_cast<int>(random.below(static_cast<std::size_t>(length)));
    } while (occupied[site(r)] != 0);
    occupied[site(r)] = 1;
  }
  IonTracks tracks = lattice_tracks(ions, frames, interval_ps, sites * spacing * spacing * spacing);
  const auto attempts = static_cast<int>(std::lround(ions * interval_ps));
  for (int t = 0; t < frames; ++t) {
    for (int k = 0; k < attempts; ++k) {
      const std::size_t ion = random.below(static_cast<std::size_t>(ions)), direction = random.below(6);
      const std::size_t axis = direction / 2;
      const int step = direction % 2 == 0 ? 1 : -1;
      std::array<int, 3> target = at[ion];
      target[axis] = (target[axis] + step + length) % length;
      if (occupied[site(target)] != 0) continue;
      occupied[site(at[ion])] = 0, occupied[site(target)] = 1;
      at[ion] = target, moved[ion][axis] += step;
    }
    for (std::size_t s = 0; s < tracks.series.size(); ++s)
      tracks.series[s][static_cast<std::size_t>(t)] = spacing * moved[s / 3][s % 3];
  }
  return tracks;
}

/// One vacancy on a periodic fcc lattice of n^3 cells; `hops` vacancy hops per frame.
IonTracks fcc_vacancy(int n, int frames, int hops, std::uint64_t seed) {
  FastRandom random(seed);
  const int edge = 2 * n;  // half lattice parameters; sites have an even sum of coordinates
  const int ions = 4 * n * n * n - 1;
  IonTracks tracks = lattice_tracks(ions, frames, 1.0, 1000);
  std::vector<int> ion_at(static_cast<std::size_t>(edge * edge * edge), -1);
  const auto site = [edge](const std::array<int, 3>& r) {
    return static_cast<std::size_t>((r[2] * edge + r[1]) * edge + r[0]);
  };
  std::array<int, 3> vacancy{0, 0, 0};
  int next = 0;
  for (int z = 0; z < edge; ++z)
    for (int y = 0; y < edge; ++y)
      for (int x = 0; x < edge; ++x)
        if ((x + y + z) % 2 == 0 && x + y + z > 0) ion_at[site({x, y, z})] = next++;
  const double half = spacing / std::sqrt(2.0);  // neighbours are `spacing` apart
  std::vector<std::array<int, 3>> moved(static_cast<std::size_t>(ions), {0, 0, 0});
  for (int t = 0; t < frames; ++t) {
    for (int k = 0; k < hops; ++k) {
      const std::size_t zero = random.below(3), signs = random.below(4);
      std::array<int, 3> step{};
      step[(zero + 1) % 3] = signs % 2 == 0 ? 1 : -1;
      step[(zero + 2) % 3] = signs / 2 == 0 ? 1 : -1;
      std::array<int, 3> from = vacancy;
      for (std::size_t a = 0; a < 3; ++a) from[a] = (from[a] + step[a] + edge) % edge;
      const auto ion = static_cast<std::size_t>(ion_at[site(from)]);
      for (std::size_t a = 0; a < 3; ++a) moved[ion][a] -= step[a];
      ion_at[site(vacancy)] = static_cast<int>(ion);
      vacancy = from;
    }
    for (std::size_t s = 0; s < tracks.series.size(); ++s)
      tracks.series[s][static_cast<std::size_t>(t)] = half * moved[s / 3][s % 3];
  }
  return tracks;
}

}  // namespace

// Symmetric exclusion is a gradient model: the current has no memory, so the collective coefficient is the mean-field
// one, D_sigma = (1 - x) a^2 / 6 per attempt. A tracer at x = 1/2 on this lattice has the correlation factor 0.70 to
// 0.76 (blocked ions jump back). 60 runs: 95 % coverage has a standard error of 2.8 %.
TEST(LatticeGas, CollectiveDiffusionOfExclusionProcessIsExact) {
  const double truth = 0.5 * spacing * spacing / 6.0 * 1e-4;
  Coverage collective;
  double log_ratio = 0;
  constexpr int runs = 60;
  for (std::uint64_t run = 0; run < runs; ++run) {
    const TransportResult result = analyse_tracks({exclusion_process(8, 1000, 1.0, run)}, lattice_options());
    collective.add(result.collective.iso, truth);
    ASSERT_TRUE(result.haven_ratio.determined()) << result.refused;
    log_ratio += std::log(result.haven_ratio.value) / runs;
  }
  EXPECT_GE(collective.share95(), 0.95 - 3 * 0.028);
  EXPECT_NEAR(collective.bias(), 0, 3 * collective.rms() / std::sqrt(runs));
  EXPECT_NEAR(std::exp(log_ratio), 0.85, 0.05);  // 2 % of theory and three standard errors of 60 runs
}

// Replicas disagree about nothing here, so their tracer intervals must cover the mean of all.
TEST(LatticeGas, TracerIntervalsOfHoppingIonsCoverTheCommonMean) {
  std::vector<Estimate> estimates;
  double mean = 0;
  for (std::uint64_t run = 0; run < 60; ++run) {
    estimates.push_back(analyse_tracks({exclusion_process(6, 1500, 1.0, 500 + run)}, lattice_options()).tracer.iso);
    ASSERT_TRUE(estimates.back().determined());
    mean += estimates.back().value / 60.0;
  }
  Coverage tracer;
  for (const Estimate& estimate : estimates) tracer.add(estimate, mean);
  EXPECT_GE(tracer.share95(), 0.95 - 3 * 0.028);
  EXPECT_NEAR(tracer.mean_sd() / tracer.rms(), 1.0, 0.3);  // rms over 60 runs is known to 9 %
}

// Vacancy diffusion in fcc: f = 0.7815 (Compaan & Haven 1956), and every vacancy hop moves one ion, so H_R = f. A cell
// of 500 sites is within 1 % of the infinite lattice.
TEST(LatticeGas, HavenRatioOfFccVacancyIsTheCorrelationFactor) {
  std::vector<IonTracks> replicas;
  for (std::uint64_t seed = 1; seed <= 4; ++seed) replicas.push_back(fcc_vacancy(5, 2500, 250, seed));
  const TransportResult result = analyse_tracks(std::move(replicas), lattice_options());
  ASSERT_TRUE(result.haven_ratio.determined()) << result.refused;
  EXPECT_LE(result.haven_ratio.ci95[0], 0.7815);
  EXPECT_GE(result.haven_ratio.ci95[1], 0.7815);
  EXPECT_LT(result.haven_ratio.log_sd(), 0.05);
  // 250 hops of 3 A per ps among 499 ions.
  const double d_sigma = 250.0 * spacing * spacing / (6.0 * 499.0) * 1e-4;
  EXPECT_LE(result.collective.iso.ci95[0], d_sigma);
  EXPECT_GE(result.collective.iso.ci95[1], d_sigma);
}

}  // namespace haven
