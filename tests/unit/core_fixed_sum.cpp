#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "core/fixed_sum.hpp"
#include "core/rng.hpp"

namespace haven {

// Sums of doubles depend on their order; sums of fixed-point integers must not, in any bit.
TEST(FixedSum, DoesNotDependOnTheOrderOfItsTerms) {
  std::vector<double> terms;
  RandomSequence random(1, Stream::test, 0);
  for (int k = 0; k < 1000; ++k) terms.push_back(std::exp(20 * random.uniform() - 10) * (k % 2 == 0 ? 1 : -1));
  FixedSum forward, backward;
  for (const double term : terms) forward.add(term);
  std::reverse(terms.begin(), terms.end());
  for (const double term : terms) backward.add(term);
  EXPECT_EQ(forward, backward);
  EXPECT_EQ(forward.value(), backward.value());
}

TEST(FixedSum, KeepsTheResolutionBesideLargeTerms) {
  FixedSum sum;
  sum.add(1e12);
  sum.add(1e-6);
  sum.add(-1e12);
  EXPECT_NEAR(sum.value(), 1e-6, fixed_resolution);
}

TEST(FixedSum, ReadsAsNotANumberOnceAnyTermWas) {
  for (const double bad : {std::nan(""), HUGE_VAL, 0x1p61}) {
    FixedSum sum;
    sum.add(1.0);
    sum.add(bad);
    EXPECT_FALSE(sum.valid());
    EXPECT_TRUE(std::isnan(sum.value()));
  }
}

TEST(FixedForce, RoundsToTheNearestMultipleOfItsResolution) {
  for (const double value : {0.0, 1.0, -3.25, 0.1, -2047.9}) {
    EXPECT_NEAR(from_fixed(to_fixed(value)), value, 0.5 * fixed_resolution + 1e-16 * std::abs(value));
  }
}

TEST(FixedForce, LimitRefusesExplosionsAndNotANumber) {
  EXPECT_TRUE(fits_fixed({1, -2, 2048}));
  EXPECT_FALSE(fits_fixed({1, -2, 2049}));
  EXPECT_FALSE(fits_fixed({std::nan(""), 0, 0}));
}

}  // namespace haven
