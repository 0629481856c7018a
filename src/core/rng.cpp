#include "core/rng.hpp"

#include <Random123/philox.h>

#include <cmath>
#include <numbers>

namespace haven {

std::array<std::uint32_t, 4> random_bits(std::uint64_t seed, Stream stream, std::uint64_t step, std::uint32_t index) {
  const r123::Philox4x32 generator;
  const r123::Philox4x32::ctr_type counter{{static_cast<std::uint32_t>(step), static_cast<std::uint32_t>(step >> 32),
                                            index, static_cast<std::uint32_t>(stream)}};
  const r123::Philox4x32::key_type key{{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)}};
  const auto words = generator(counter, key);
  return {words[0], words[1], words[2], words[3]};
}

std::array<double, 2> random_uniform(std::uint64_t seed, Stream stream, std::uint64_t step, std::uint32_t index) {
  const auto bits = random_bits(seed, stream, step, index);
  const auto uniform = [](std::uint32_t high, std::uint32_t low) {
    const std::uint64_t word = (static_cast<std::uint64_t>(high) << 20) ^ (low >> 12);  // 52 bits
    return (static_cast<double>(word) + 0.5) * 0x1p-52;
  };
  return {uniform(bits[0], bits[1]), uniform(bits[2], bits[3])};
}

std::array<double, 2> random_normal(std::uint64_t seed, Stream stream, std::uint64_t step, std::uint32_t index) {
  const auto u = random_uniform(seed, stream, step, index);
  const double radius = std::sqrt(-2.0 * std::log(u[0]));
  const double angle = 2.0 * std::numbers::pi * u[1];
  return {radius * std::cos(angle), radius * std::sin(angle)};
}

double RandomSequence::gamma(double shape) {
  const double d = shape - 1.0 / 3.0, c = 1.0 / std::sqrt(9.0 * d);
  for (;;) {
    const double x = normal(), v = std::pow(1.0 + c * x, 3);
    if (v <= 0) continue;
    if (std::log(uniform()) < 0.5 * x * x + d - d * v + d * std::log(v)) return d * v;
  }
}

std::uint64_t derived_seed(std::uint64_t seed, std::uint32_t index) {
  const auto bits = random_bits(seed, Stream::replica_seed, 0, index);
  return (static_cast<std::uint64_t>(bits[0]) << 32) | bits[1];
}

}  // namespace haven
