#pragma once
#include <bit>
#include <cstdint>

#include "core/fixed_sum.hpp"
#include "potentials/program/drivers/cuda_image.hpp"

/// A warp as the kernels see it. The kernels are written as phases: `each` runs a function for all 32 lanes and ends
/// with a barrier; lanes exchange data only through memory between phases, by votes, and by sums. What a lane keeps
/// from phase to phase is a PerLane. On the GPU every lane is a thread and a PerLane is a register; on the host the
/// lanes of a phase run one after the other, in an order that tests choose: a result that depends on it is a missing
/// barrier.
namespace haven::gpu {

HAVEN_HD inline int count_bits(unsigned mask) {
#ifdef __CUDA_ARCH__
  return __popc(mask);
#else
  return std::popcount(mask);
#endif
}

/// Multiples of 2^-44 nearest to the value, as to_fixed of the CPU.
HAVEN_HD inline std::int64_t nearest_fixed(double value) {
#ifdef __CUDA_ARCH__
  return __double2ll_rn(value * fixed_scale);
#else
  return to_fixed(value);
#endif
}

/// Integer addition to memory that other warps add to as well; the order does not matter.
HAVEN_HD inline void add_to(std::int64_t& target, std::int64_t value) {
#ifdef __CUDA_ARCH__
  atomicAdd(reinterpret_cast<unsigned long long*>(&target), static_cast<unsigned long long>(value));
#else
  target += value;
#endif
}

/// The emulated warp.
class HostWarp {
 public:
  /// In which order the lanes of a phase run.
  enum class Order { ascending, descending, shuffled };
  explicit HostWarp(Order order) : order_(order) {}

  template <class T>
  struct PerLane {
    T value[warp_size] = {};
    T& operator[](int lane) { return value[lane]; }
    const T& operator[](int lane) const { return value[lane]; }
  };

  template <class Body>
  void each(const Body& body) const {
    for (int k = 0; k < warp_size; ++k) body(lane(k));
  }
  /// One bit per lane.
  template <class Predicate>
  [[nodiscard]] unsigned ballot(const Predicate& predicate) const {
    unsigned mask = 0;
    for (int k = 0; k < warp_size; ++k) mask |= predicate(lane(k)) ? 1U << lane(k) : 0U;
    return mask;
  }
  /// Sum over lanes by the same tree as on the GPU.
  template <class T>
  [[nodiscard]] T sum(const PerLane<T>& values) const {
    PerLane<T> now = values;
    for (int step = warp_size / 2; step > 0; step /= 2) {
      const PerLane<T> before = now;
      for (int k = 0; k < warp_size; ++k) now[k] = before[k] + before[k ^ step];
    }
    return now[0];
  }

 private:
  [[nodiscard]] int lane(int k) const {
    if (order_ == Order::ascending) return k;
    return order_ == Order::descending ? warp_size - 1 - k : (k * 13 + 7) % warp_size;  // 13 is prime to 32
  }
  Order order_;
};

#ifdef __CUDACC__
/// The warp of the calling thread.
class DeviceWarp {
 public:
  HAVEN_HD explicit DeviceWarp(int lane) : lane_(lane) {}

  template <class T>
  struct PerLane {
    T value = {};
    HAVEN_HD T& operator[](int) { return value; }
    HAVEN_HD const T& operator[](int) const { return value; }
  };

  template <class Body>
  HAVEN_HD void each(const Body& body) const {
#ifdef __CUDA_ARCH__
    body(lane_);
    __syncwarp();
#endif
  }
  template <class Predicate>
  [[nodiscard]] HAVEN_HD unsigned ballot(const Predicate& predicate) const {
#ifdef __CUDA_ARCH__
    return __ballot_sync(0xffffffffU, predicate(lane_));
#else
    return 0;
#endif
  }
  template <class T>
  [[nodiscard]] HAVEN_HD T sum(const PerLane<T>& values) const {
    T now = values.value;
#ifdef __CUDA_ARCH__
    HAVEN_UNROLL_ON_DEVICE
    for (int step = warp_size / 2; step > 0; step /= 2) now = now + __shfl_xor_sync(0xffffffffU, now, step);
#endif
    return now;
  }

 private:
  int lane_;
};
#endif

}  // namespace haven::gpu
