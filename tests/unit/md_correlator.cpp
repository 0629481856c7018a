#include <gtest/gtest.h>

#include <cmath>

#include "core/error.hpp"
#include "core/rng.hpp"
#include "md/correlator.hpp"
#include "potentials/pair/lennard_jones.hpp"
#include "support/md_fixtures.hpp"

namespace haven::testing {
namespace {

/// Argon, neon and krypton with parameters of about their size.
LennardJonesOptions noble_mixture() {
  LennardJonesOptions options{.elements = {18, 10, 36}, .pairs = {}, .cutoff = 5.0};
  for (const double epsilon : {0.0104, 0.006, 0.012, 0.006, 0.003, 0.007, 0.012, 0.007, 0.014})
    options.pairs.push_back({.epsilon = epsilon, .sigma = 3.3});
  return options;
}

/// Random walks of 3 + 2 tracers and the sums of two elements.
struct Walk {
  std::vector<std::vector<Vec3>> tracers, sums;  // [sample][...]

  explicit Walk(std::size_t samples) {
    RandomSequence random(7, Stream::test, 1);
    std::vector<Vec3> at(5), sum(2);
    for (std::size_t t = 0; t < samples; ++t) {
      for (Vec3& r : at) r += Vec3{random.normal(), random.normal(), random.normal()};
      for (Vec3& r : sum) r += Vec3{random.normal(), random.normal(), random.normal()};
      tracers.push_back(at);
      sums.push_back(sum);
    }
  }
};

DisplacementCorrelator fed(const Walk& walk) {
  DisplacementCorrelator correlator({3, 2});
  for (std::size_t t = 0; t < walk.tracers.size(); ++t) correlator.add(walk.tracers[t], walk.sums[t]);
  return correlator;
}

}  // namespace

/// Every number is the mean over the origins that the header names, by direct summation; 1e-12 covers the order of the
/// sums.
TEST(DisplacementCorrelator, IsTheDirectMeanOverItsOrigins) {
  for (const std::size_t samples : {2u, 16u, 17u, 18u, 33u, 1000u}) {
    SCOPED_TRACE(samples);
    const Walk walk(samples);
    const DisplacementCorrelator correlator = fed(walk);
    const auto lags = correlator.lags(), origins = correlator.origins();
    const auto first = correlator.tracer(0), second = correlator.tracer(1), cross = correlator.collective(1, 0);
    ASSERT_EQ(first.size(), lags.size());
    EXPECT_TRUE(std::is_sorted(lags.begin(), lags.end()));
    EXPECT_EQ(lags.front(), 1);
    EXPECT_GE(2 * lags.back(), static_cast<Index>(samples) / 2);
    for (std::size_t k = 0; k < lags.size(); ++k) {
      Index stride = 1;
      while (16 * stride < lags[k]) stride *= 2;
      double msd = 0, other = 0, product = 0, count = 0;
      for (std::size_t t = 0; t + static_cast<std::size_t>(lags[k]) < samples; t += static_cast<std::size_t>(stride)) {
        const std::size_t later = t + static_cast<std::size_t>(lags[k]);
        for (std::size_t i = 0; i < 3; ++i) msd += norm2(walk.tracers[later][i] - walk.tracers[t][i]) / 3;
        for (std::size_t i = 3; i < 5; ++i) other += norm2(walk.tracers[later][i] - walk.tracers[t][i]) / 2;
        product += dot(walk.sums[later][0] - walk.sums[t][0], walk.sums[later][1] - walk.sums[t][1]);
        ++count;
      }
      ASSERT_EQ(static_cast<double>(origins[k]), count) << lags[k];
      EXPECT_NEAR(first[k], msd / count, 1e-12 * msd / count) << lags[k];
      EXPECT_NEAR(second[k], other / count, 1e-12 * other / count) << lags[k];
      EXPECT_NEAR(cross[k], product / count, 1e-12 * msd / count) << lags[k];
    }
  }
}

/// Cut anywhere, it goes on with the same bits; its size grows with the logarithm of the length.
TEST(DisplacementCorrelator, SurvivesARestartAndStaysSmall) {
  const Walk walk(4000);
  const DisplacementCorrelator whole = fed(walk);
  for (const std::size_t cut : {1u, 15u, 16u, 17u, 100u, 2049u}) {
    DisplacementCorrelator before({3, 2}), after({3, 2});
    for (std::size_t t = 0; t < cut; ++t) before.add(walk.tracers[t], walk.sums[t]);
    after.restore(before.state());
    for (std::size_t t = cut; t < walk.tracers.size(); ++t) after.add(walk.tracers[t], walk.sums[t]);
    EXPECT_EQ(after.state(), whole.state()) << cut;
  }
  const std::size_t of_level = 16 * (5 + 2) * 3 + 16 * (1 + 2 + 3) + 1;
  EXPECT_LE(whole.state().size(), 2 + 10 * of_level);  // the tenth level begins after 15 * 2^8 = 3840 samples
  std::vector<double> damaged = whole.state();
  damaged.pop_back();
  DisplacementCorrelator other({3, 2});
  EXPECT_THROW(other.restore(damaged), InputError);
  DisplacementCorrelator another({4, 2});
  EXPECT_THROW(another.restore(whole.state()), InputError);
}

namespace {

/// Means over the origins that the correlators use, of frames that are as far apart as their samples.
struct Direct {
  double origins = 0;
  std::vector<double> tracer, collective;  // of each mobile element, and of each pair a <= b
};

Direct direct_means(const std::vector<std::vector<Vec3>>& positions, const std::vector<int>& numbers,
                    const std::vector<int>& mobile, std::size_t lag) {
  Direct d{.tracer = std::vector<double>(mobile.size(), 0), .collective = {}};
  d.collective.assign(mobile.size() * (mobile.size() + 1) / 2, 0);
  std::size_t stride = 1;
  while (16 * stride < lag) stride *= 2;
  for (std::size_t t = 0; t + lag < positions.size(); t += stride) {
    std::vector<Vec3> sums(mobile.size());
    for (std::size_t e = 0; e < mobile.size(); ++e) {
      double msd = 0, atoms = 0;
      for (std::size_t i = 0; i < numbers.size(); ++i) {
        if (numbers[i] != mobile[e]) continue;
        const Vec3 moved = positions[t + lag][i] - positions[t][i];
        msd += norm2(moved), sums[e] += moved, ++atoms;
      }
      d.tracer[e] += msd / atoms;
    }
    for (std::size_t b = 0, at = 0; b < mobile.size(); ++b)
      for (std::size_t a = 0; a <= b; ++a) d.collective[at++] += dot(sums[a], sums[b]);
    ++d.origins;
  }
  for (double& v : d.tracer) v /= d.origins;
  for (double& v : d.collective) v /= d.origins;
  return d;
}

}  // namespace

/// In a run: what the correlators say is what the stored trajectory of the same steps says, with a host of its own
/// element (its plain mean is at rest) and without one (the centre of mass is).
TEST(LiveTransport, EqualsTheStoredTrajectory) {
  const auto potential = make_lennard_jones(noble_mixture());
  for (const std::vector<int>& mobile : {std::vector<int>{18, 10}, {10, 18, 36}}) {
    MdInput input = input_for(argon_crystal(2));
    for (std::size_t i = 0; i < input.structure.numbers.size(); ++i) {
      const std::size_t kind = i % 4 == 3 ? 2 : i % 4 == 1 ? 1 : 0;
      input.structure.numbers[i] = std::vector<int>{18, 10, 36}[kind];
      input.masses[i] = std::vector<double>{40, 20, 84}[kind];
    }
    StageOptions stage = nvt_stage(200, 100, 400);
    stage.trajectory_interval = stage.correlator_interval = 2;
    MdOptions options = options_for({stage});
    options.guards.mobile_elements = mobile;
    options.guards.host_msd_factor = 0;
    const auto result = run({.potential = *potential, .input = input, .options = options});
    ASSERT_EQ(result->sink.transport.size(), 2u);  // with the checkpoints of the beginning and of the end
    const LiveTransport& live = result->sink.transport.back();
    EXPECT_EQ(live.elements, mobile);
    EXPECT_EQ(live.last_step, 100 * 2);
    EXPECT_EQ(live.interval_fs, 4);
    std::vector<std::vector<Vec3>> positions;
    for (const TrajectoryFrame& frame : result->sink.frames) {
      Vec3 drift;
      double weights = 0;
      for (std::size_t i = 0; i < frame.positions.size(); ++i) {
        const double weight = mobile.size() == 3 ? input.masses[i] : input.structure.numbers[i] == 36 ? 1 : 0;
        drift += weight * (frame.positions[i] - input.structure.positions[i]), weights += weight;
      }
      positions.push_back(frame.positions);
      for (Vec3& r : positions.back()) r -= (1 / weights) * drift;
    }
    ASSERT_EQ(positions.size(), 101u);
    for (std::size_t k = 0; k < live.lags_fs.size(); ++k) {
      const auto lag = static_cast<std::size_t>(std::llround(live.lags_fs[k] / 4));
      const Direct direct = direct_means(positions, input.structure.numbers, mobile, lag);
      EXPECT_EQ(static_cast<double>(live.origins[k]), direct.origins);
      for (std::size_t e = 0; e < mobile.size(); ++e) EXPECT_NEAR(live.tracer[e][k], direct.tracer[e], 1e-10) << lag;
      for (std::size_t p = 0; p < direct.collective.size(); ++p)
        EXPECT_NEAR(live.collective[p][k], direct.collective[p], 1e-10) << lag;
    }
  }
}

TEST(LiveTransport, NeedsAFixedCell) {
  const auto potential = argon();
  MdOptions options = options_for({npt_stage(80, {}, 20)});
  options.stages[0].correlator_interval = 1;
  EXPECT_THROW(run({.potential = *potential, .input = input_for(argon_crystal(2)), .options = options}), ConfigError);
}

}  // namespace haven::testing
