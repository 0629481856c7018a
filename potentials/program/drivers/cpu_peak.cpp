#include "potentials/program/drivers/cpu_peak.hpp"

#include <algorithm>
#include <chrono>

#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3_DL)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "potentials/program/drivers/cpu_peak.cpp"
#include <hwy/foreach_target.h>
// Everything below is compiled once per instruction set.
#include "potentials/program/drivers/cpu_simd_lane-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace haven::HWY_NAMESPACE {

/// Enough independent chains to hide the latency of a multiply-add on two units.
template <class T>
double rate_of_multiply_adds() {
  constexpr int chains = 12, rounds = 20000;
  Lane<T> x[chains];
  HAVEN_UNROLL
  for (int k = 0; k < chains; ++k) x[k] = Lane<T>(0.001 * k);
  const Lane<T> factor(0.999), add(0.001);
  const auto begin = std::chrono::steady_clock::now();
  for (int round = 0; round < rounds; ++round) {
    HAVEN_UNROLL
    for (int k = 0; k < chains; ++k) x[k] = multiply_add(x[k], factor, add);
  }
  Lane<T> sum = x[0];
  for (int k = 1; k < chains; ++k) sum = sum + x[k];
  const volatile T used = sum.sum();
  static_cast<void>(used);
  const std::chrono::duration<double> time = std::chrono::steady_clock::now() - begin;
  return 2.0 * chains * rounds * static_cast<double>(Lane<T>::width) / time.count();
}
double float_rate() { return rate_of_multiply_adds<float>(); }
double double_rate() { return rate_of_multiply_adds<double>(); }

}  // namespace haven::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace haven {
namespace {
HWY_EXPORT(float_rate);
HWY_EXPORT(double_rate);
}  // namespace

double measured_peak(Precision precision) {
  double best = 0;
  for (int run = 0; run < 40; ++run)
    best = std::max(
        best, precision == Precision::mixed ? HWY_DYNAMIC_DISPATCH(float_rate)() : HWY_DYNAMIC_DISPATCH(double_rate)());
  return best;
}

}  // namespace haven
#endif  // HWY_ONCE
