#include <gtest/gtest.h>

#include <cmath>

#include "core/units.hpp"
#include "physics/analysis_walks.hpp"

namespace haven {
namespace {

/// Langevin ions (velocities of correlation time 0.2 ps, part of them common to all) over a host at rest, every 10 fs.
std::vector<TrajectoryFrame> langevin(int ions, int frames, double shared, std::uint64_t seed) {
  constexpr double interval_fs = 10, tau_fs = 200, speed = 0.008;  // A/fs
  const double keep = std::exp(-interval_fs / tau_fs), kick = speed * std::sqrt(1 - keep * keep);
  testing::FastRandom random(seed);
  const auto three = [&] { return Vec3{random.normal(), random.normal(), random.normal()}; };
  const auto count = static_cast<std::size_t>(ions);
  std::vector<Vec3> r(count + 2), own(count);
  Vec3 common = speed * three();
  for (std::size_t i = 0; i < count; ++i) own[i] = speed * three();
  r[count] = {0, 0, 0}, r[count + 1] = {5, 5, 5};
  std::vector<TrajectoryFrame> out;
  for (int t = 0; t < frames; ++t) {
    TrajectoryFrame frame{t, interval_fs * t, Cell(Mat3{{{{20, 0, 0}, {0, 20, 0}, {0, 0, 20}}}}), r, {}};
    frame.velocities.resize(count + 2);
    common = keep * common + kick * three();
    for (std::size_t i = 0; i < count; ++i) {
      own[i] = keep * own[i] + kick * three();
      frame.velocities[i] = std::sqrt(1 - shared) * own[i] + std::sqrt(shared) * common;
      r[i] += interval_fs * frame.velocities[i];
    }
    out.push_back(std::move(frame));
  }
  return out;
}

}  // namespace

// The two routes see the same motion: D of an ion is v^2 tau = 64e-6 * 200 A^2/fs (times 1.0017 for steps of tau/20),
// and with correlation 1/11 of 12 ions H_R = 0.5. Each route must cover the truth, and both must agree within two joint
// standard errors, in at least 17 of 20 runs (95 % expected; three standard errors are 15 %).
TEST(GreenKuboAndEinstein, AgreeOnLangevinIons) {
  int agree = 0, einstein = 0, kubo = 0, refused = 0;
  constexpr int runs = 20, ions = 12;
  for (std::uint64_t seed = 0; seed < runs; ++seed) {
    TrajectoryInfo info;
    info.path = "langevin";
    info.numbers.assign(ions, 3);
    info.numbers.insert(info.numbers.end(), 2, 16);
    info.temperature_K = 500;
    info.wrapping = Wrapping::unwrapped;
    TransportOptions options = testing::walk_options();
    options.hop_length = 3.0;
    std::vector<std::unique_ptr<TrajectorySource>> sources;
    sources.push_back(make_memory_source(info, langevin(ions, 40000, 1.0 / 11.0, seed)));
    Log log;
    const TransportResult result = analyse_transport(std::move(sources), options, log);
    ASSERT_TRUE(result.sigma_GK.has_value());
    if (!result.sigma_GK->determined() || !result.sigma.determined()) {
      ++refused;
      continue;
    }
    const double d_sigma = 2 * 64e-6 * 200 * 1e3 * units::a2_per_ps_in_cm2_per_s;
    const double truth = d_sigma * ions * units::conductivity_from_cm2_per_s / (8000 * units::boltzmann * 500);
    const auto covers = [&](const Estimate& e) { return e.ci95[0] <= truth && truth <= e.ci95[1]; };
    einstein += covers(result.sigma), kubo += covers(*result.sigma_GK);
    agree += std::abs(std::log(result.sigma_GK->value / result.sigma.value)) <
             2 * std::hypot(result.sigma_GK->log_sd(), result.sigma.log_sd());
  }
  EXPECT_EQ(refused, 0);
  EXPECT_GE(agree, 17);
  EXPECT_GE(einstein, 17);
  EXPECT_GE(kubo, 17);
}

}  // namespace haven
