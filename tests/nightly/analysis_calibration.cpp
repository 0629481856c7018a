#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <functional>

#include "physics/analysis_vacancies.hpp"

/// Calibration of the intervals on 1,000 runs of each kind of motion: 95 % intervals must cover the truth in 93 to 97 %
/// of the runs and 68 % intervals in 64 to 72 % (three standard errors of 1,000 runs are 2.1 % and 4.4 %). Minutes of
/// one core: run by `./run-tests --full`. The figures it prints stand in docs/transport.md.
namespace haven {
namespace {

using testing::Coverage;
using testing::Lattice;
using testing::make_walk;
using testing::VacancyGas;
using testing::Walk;

constexpr int runs = 1000;

struct Triple {
  Coverage tracer, collective, ratio;
};

void report(const char* name, const Triple& c) {
  std::printf("| %s |", name);
  for (const Coverage* part : {&c.tracer, &c.collective, &c.ratio})
    std::printf(" %.1f / %.1f %% |", 100 * part->share68(), 100 * part->share95());
  std::printf(" %.2f %%, %.1f %%, %.1f %% | %.3f %.3f %.3f | %+.4f %+.4f %+.4f | %d refused\n", 100 * c.tracer.rms(),
              100 * c.collective.rms(), 100 * c.ratio.rms(), c.tracer.mean_sd() / c.tracer.rms(),
              c.collective.mean_sd() / c.collective.rms(), c.ratio.mean_sd() / c.ratio.rms(), c.tracer.bias(),
              c.collective.bias(), c.ratio.bias(), c.collective.refused);
  std::fflush(stdout);
}

void expect_calibrated(const char* name, const Triple& c) {
  report(name, c);
  for (const Coverage* part : {&c.tracer, &c.collective, &c.ratio}) {
    EXPECT_EQ(part->refused, 0);
    EXPECT_GE(part->share95(), 0.93);
    EXPECT_LE(part->share95(), 0.97);
    EXPECT_GE(part->share68(), 0.64);
    EXPECT_LE(part->share68(), 0.72);
  }
}

Triple cover_walks(const Walk& walk) {
  Triple out;
  for (std::uint64_t run = 0; run < runs; ++run) {
    const TransportResult result = analyse_tracks({make_walk(walk, 50000 + run)}, testing::walk_options());
    out.tracer.add(result.tracer.iso, testing::walk_diffusion);
    out.collective.add(result.collective.iso, testing::walk_diffusion / walk.haven_ratio());
    out.ratio.add(result.haven_ratio, walk.haven_ratio());
  }
  return out;
}

/// The tracer coefficient of a finite lattice has no closed form: the mean over all runs, known 30 times better than
/// one of them, stands for it.
Triple cover_vacancies(const VacancyGas& gas) {
  std::vector<TransportResult> results;
  double mean = 0;
  for (std::uint64_t run = 0; run < runs; ++run) {
    results.push_back(analyse_tracks({testing::vacancy_tracks(gas, 900 + run)}, testing::vacancy_options()));
    results.back().curves = {};
    mean += results.back().tracer.iso.value / runs;
  }
  Triple out;
  const double collective = testing::vacancy_d_sigma(gas);
  for (const TransportResult& result : results) {
    out.tracer.add(result.tracer.iso, mean);
    out.collective.add(result.collective.iso, collective);
    out.ratio.add(result.haven_ratio, mean / collective);
  }
  return out;
}

}  // namespace

TEST(Calibration, BrownianWalkersWithVibration) {
  expect_calibrated("48 ions with vibration, 200 tau0", cover_walks({}));
}
// Fifty tau0 are few: the window is chosen on the same noise, which makes the errors 5 to 8 % too small.
TEST(Calibration, ShortRuns) {
  const Triple c = cover_walks({.frames = 500});
  report("48 ions, 50 tau0", c);
  for (const Coverage* part : {&c.tracer, &c.collective, &c.ratio}) {
    EXPECT_GE(part->share95(), 0.92);
    EXPECT_GE(part->share68(), 0.60);
    EXPECT_LE(part->share68(), 0.72);
  }
}
TEST(Calibration, CorrelatedWalkersOfHalf) {
  expect_calibrated("48 ions, H_R = 0.5", cover_walks({.frames = 1000, .correlation = 1.0 / 47.0}));
}
TEST(Calibration, CorrelatedWalkersOfAFifth) {
  expect_calibrated("48 ions, H_R = 0.2", cover_walks({.frames = 1000, .correlation = 4.0 / 47.0}));
}
TEST(Calibration, StringsOfFour) {
  expect_calibrated("48 ions in strings of four, H_R = 0.27",
                    cover_walks({.frames = 1000, .correlation = 0.9, .string = 4}));
}
TEST(Calibration, VacancyGas) {
  expect_calibrated(
      "fcc, 10 % vacancies, 97 ions",
      cover_vacancies({.lattice = Lattice::fcc, .cells = 3, .vacancies = 11, .frames = 1000, .attempts = 20}));
}

// 147,000 tau0 determine H_R to 0.3 %: within 1 % of the exact value at three sigma.
TEST(Calibration, HavenRatioOfOneVacancyIsTheCorrelationFactor) {
  for (const Lattice lattice : {Lattice::simple_cubic, Lattice::bcc, Lattice::fcc, Lattice::diamond}) {
    const int cells = lattice == Lattice::simple_cubic ? 8
                      : lattice == Lattice::bcc        ? 6
                      : lattice == Lattice::fcc        ? 5
                                                       : 4;
    VacancyGas gas{.lattice = lattice, .cells = cells};
    gas.frames = 2500;
    const testing::VacancyModel model(gas, 1);
    gas.attempts = model.ions();  // one hop per ion and frame: a frame is two to three tau0
    double log_ratio = 0, weight = 0;
    for (std::uint64_t seed = 0; seed < 24; ++seed) {
      const TransportResult result = analyse_tracks({testing::vacancy_tracks(gas, seed)}, testing::vacancy_options());
      ASSERT_TRUE(result.haven_ratio.determined()) << result.refused;
      const double w = 1.0 / std::pow(result.haven_ratio.log_sd(), 2);
      log_ratio += w * std::log(result.haven_ratio.value), weight += w;
    }
    const double ratio = std::exp(log_ratio / weight), error = 1.0 / std::sqrt(weight);
    std::printf("%s: H_R = %.5f +- %.5f, exact %.5f\n", testing::lattice_name(lattice), ratio, ratio * error,
                testing::correlation_factor(lattice));
    EXPECT_NEAR(ratio / testing::correlation_factor(lattice), 1, 0.01) << testing::lattice_name(lattice);
  }
}

}  // namespace haven
