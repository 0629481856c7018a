#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <vector>

#include "core/rng.hpp"

namespace haven {

// Known-answer vector of Philox4x32-10 (Random123's kat_vectors): the generator must be the published one.
TEST(Rng, IsPhilox4x32WithTenRounds) {
  const auto zero = random_bits(0, static_cast<Stream>(0), 0, 0);
  EXPECT_EQ(zero[0], 0x6627e8d5U);
  EXPECT_EQ(zero[1], 0xe169c58dU);
  EXPECT_EQ(zero[2], 0xbc57ac4cU);
  EXPECT_EQ(zero[3], 0x9b00dbd8U);
}

TEST(Rng, StreamsStepsAndIndicesAreDistinct) {
  std::set<std::array<std::uint32_t, 4>> seen;
  int draws = 0;
  for (const Stream stream : {Stream::csvr, Stream::initial_velocity, Stream::batch_order})
    for (std::uint64_t step = 0; step < 100; ++step)
      for (std::uint32_t index = 0; index < 100; ++index, ++draws) seen.insert(random_bits(7, stream, step, index));
  EXPECT_EQ(static_cast<int>(seen.size()), draws);
}

/// T34: a million draws as long runs make them, many steps of few atoms and few steps of many, and no number twice:
/// every pair of key and counter is used once. 128 bits do not repeat by chance.
TEST(Rng, AMillionDrawsOfALongRunNeverRepeat) {
  std::vector<std::array<std::uint32_t, 4>> drawn;
  const auto draw = [&](Stream stream, std::uint64_t steps, std::uint32_t atoms) {
    for (std::uint64_t step = 0; step < steps; ++step)
      for (std::uint32_t atom = 0; atom < atoms; ++atom) drawn.push_back(random_bits(7, stream, step, atom));
  };
  draw(Stream::csvr, 250000, 1);
  draw(Stream::langevin, 3, 125000);
  draw(Stream::initial_velocity, 1, 125000);
  for (std::uint64_t step = std::uint64_t{1} << 33; drawn.size() < 1000000; ++step)  // beyond 32 bits
    drawn.push_back(random_bits(7, Stream::csvr, step, 0));
  std::sort(drawn.begin(), drawn.end());
  EXPECT_EQ(std::adjacent_find(drawn.begin(), drawn.end()), drawn.end());
}

// 1e5 draws: the mean of a standard normal has standard error 0.0032 and its variance 0.0045; four of each are allowed.
TEST(Rng, NormalNumbersHaveZeroMeanAndUnitVariance) {
  double sum = 0, squares = 0;
  const int n = 100000;
  for (int k = 0; k < n / 2; ++k)
    for (const double x : random_normal(3, Stream::test, 5, static_cast<std::uint32_t>(k))) {
      sum += x;
      squares += x * x;
    }
  EXPECT_NEAR(sum / n, 0.0, 4 * 0.0032);
  EXPECT_NEAR(squares / n, 1.0, 4 * 0.0045);
}

// Gamma(k, 1) has mean k and variance k: standard errors sqrt(k/n) and about sqrt((2k^2 + 6k)/n).
TEST(Rng, GammaNumbersHaveTheRightMeanAndVariance) {
  RandomSequence random(11, Stream::test, 1);
  const double shape = 7.5;
  const int n = 40000;
  double sum = 0, squares = 0;
  for (int k = 0; k < n; ++k) {
    const double x = random.gamma(shape);
    sum += x;
    squares += x * x;
  }
  const double mean = sum / n;
  EXPECT_NEAR(mean, shape, 4 * std::sqrt(shape / n));
  EXPECT_NEAR(squares / n - mean * mean, shape, 4 * std::sqrt((2 * shape * shape + 6 * shape) / n));
}

TEST(Rng, UniformNumbersStayInsideTheOpenInterval) {
  for (std::uint32_t k = 0; k < 100000; ++k)
    for (const double u : random_uniform(1, Stream::test, 2, k)) {
      ASSERT_GT(u, 0.0);
      ASSERT_LT(u, 1.0);
    }
}

}  // namespace haven
