#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "physics/analysis_vacancies.hpp"

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

// One vacancy: every hop moves one ion, the vacancy walks at random, and the ion that has hopped tends to hop back. D*
// knows the correlation factor f to a fraction of a per cent (it averages over ions), D_sigma is exact; H_R =
// D*/D_sigma is as good as D_sigma, 4 % here. Cells of about 500 sites are within 0.5 % of the infinite lattice.
TEST(LatticeGas, OneVacancyHasTheExactCorrelationFactorOfItsLattice) {
  using testing::Lattice;
  for (const Lattice lattice : {Lattice::simple_cubic, Lattice::bcc, Lattice::fcc, Lattice::diamond}) {
    SCOPED_TRACE(testing::lattice_name(lattice));
    const int cells = lattice == Lattice::simple_cubic ? 8
                      : lattice == Lattice::bcc        ? 6
                      : lattice == Lattice::fcc        ? 5
                                                       : 4;
    testing::VacancyGas gas{.lattice = lattice, .cells = cells, .frames = 1500};
    gas.attempts = testing::VacancyModel(gas, 1).ions();
    const TransportResult result =
        analyse_tracks({testing::vacancy_tracks(gas, 1), testing::vacancy_tracks(gas, 2)}, testing::vacancy_options());
    ASSERT_TRUE(result.haven_ratio.determined()) << result.refused;
    const double f = testing::correlation_factor(lattice), d_sigma = testing::vacancy_d_sigma(gas);
    EXPECT_NEAR(result.tracer.iso.value / (f * d_sigma), 1, 0.01);
    EXPECT_NEAR(std::log(result.collective.iso.value / d_sigma), 0, 3 * result.collective.iso.log_sd());
    EXPECT_NEAR(std::log(result.haven_ratio.value / f), 0, 3 * result.haven_ratio.log_sd());
    EXPECT_LT(result.haven_ratio.log_sd(), 0.05);
  }
}

}  // namespace haven
