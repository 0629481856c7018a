#pragma once
#include <array>
#include <cstdint>

/// Counter-based random numbers (Philox 4x32-10: Salmon et al., SC'11). A draw is a pure function of
/// (seed, stream, step, index): ranks, threads and restarts cannot change it, and nothing has to be stored.
namespace haven {

/// Every use of random numbers in the program has its own stream, so no two uses can share numbers.
enum class Stream : std::uint32_t {
  initial_velocity = 1,
  csvr = 2,
  data_split = 3,
  weight_init = 4,
  batch_order = 5,
  replica_seed = 6,
  bootstrap = 7,
  test = 8,
  cell_rescaling = 9,
  langevin = 10,
};

/// Four independent 32-bit words for (seed, stream, step, index).
[[nodiscard]] std::array<std::uint32_t, 4> random_bits(std::uint64_t seed, Stream stream, std::uint64_t step,
                                                       std::uint32_t index);
/// Two uniform doubles in the open interval (0, 1) with 52 random bits each.
[[nodiscard]] std::array<double, 2> random_uniform(std::uint64_t seed, Stream stream, std::uint64_t step,
                                                   std::uint32_t index);
/// Two independent standard normal numbers (Box-Muller).
[[nodiscard]] std::array<double, 2> random_normal(std::uint64_t seed, Stream stream, std::uint64_t step,
                                                  std::uint32_t index);

/// Sequential draws for one purpose: a cursor over `index` at a fixed (seed, stream, step).
class RandomSequence {
 public:
  RandomSequence(std::uint64_t seed, Stream stream, std::uint64_t step) : seed_(seed), stream_(stream), step_(step) {}
  double uniform() { return random_uniform(seed_, stream_, step_, index_++)[0]; }
  double normal() { return random_normal(seed_, stream_, step_, index_++)[0]; }
  /// Integer in [0, n) by multiplication of 52 random bits; n below 2^32.
  std::uint64_t below(std::uint64_t n) { return static_cast<std::uint64_t>(uniform() * static_cast<double>(n)); }
  /// Gamma(shape, 1) for shape >= 1 (Marsaglia & Tsang, ACM TOMS 26, 363 (2000)).
  double gamma(double shape);

 private:
  std::uint64_t seed_;
  Stream stream_;
  std::uint64_t step_;
  std::uint32_t index_ = 0;
};

/// A new 64-bit seed from a seed and an index, e.g. for replicas.
[[nodiscard]] std::uint64_t derived_seed(std::uint64_t seed, std::uint32_t index);

}  // namespace haven
