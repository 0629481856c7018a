#pragma once
#include <cmath>

#include "potentials/program/drivers/cuda_centre_data.hpp"

/// Energy and virial over all centres: a second, small kernel. One addition to memory per warp instead of one per
/// centre, as all would go to the same places.
namespace haven::gpu {

/// The limbs of what FixedSum::add(value) adds, for |value| < 2^60.
HAVEN_HD inline WideSum to_wide(double value) {
  const double high = std::trunc(value);
  const __int128 fixed =
      static_cast<__int128>(static_cast<std::int64_t>(high)) * (std::int64_t{1} << 44) + nearest_fixed(value - high);
  return {{static_cast<std::int64_t>(static_cast<std::uint32_t>(fixed)),
           static_cast<std::int64_t>(static_cast<std::uint32_t>(fixed >> 32)), static_cast<std::int64_t>(fixed >> 64)}};
}
HAVEN_HD inline void add_wide(WideSum& sum, const WideSum& o) {
  for (int k = 0; k < 3; ++k) sum.limb[k] += o.limb[k];
}

/// Adds value(i) of the lane's centres to `target`; values that are not finite or too large are left out, and have been
/// remarked on.
template <class Warp, class Value>
HAVEN_HD inline void total(Warp warp, Index first, Index step, Index n, WideSum& target, const Value& value) {
  typename Warp::template PerLane<std::int64_t> limbs[3]{};
  warp.each([&](int lane) {
    for (Index i = first + lane; i < n; i += step) {
      const double v = value(i);
      if (!(std::abs(v) < largest_energy)) continue;
      const WideSum wide = to_wide(v);
      for (int k = 0; k < 3; ++k) limbs[k][lane] += wide.limb[k];
    }
  });
  for (int k = 0; k < 3; ++k) {
    const std::int64_t sum = warp.sum(limbs[k]);
    warp.each([&](int lane) {
      if (lane == 0) add_to(target.limb[k], sum);
    });
  }
}

template <class Warp>
HAVEN_HD inline void count_remarks(Warp warp, Index first, Index step, Index n, const unsigned char* remarks,
                                   unsigned bit, std::int64_t& target) {
  typename Warp::template PerLane<std::int64_t> count{};
  warp.each([&](int lane) {
    for (Index i = first + lane; i < n; i += step) count[lane] += (remarks[i] & bit) != 0 ? 1 : 0;
  });
  const std::int64_t sum = warp.sum(count);
  warp.each([&](int lane) {
    if (lane == 0 && sum != 0) add_to(target, sum);
  });
}

/// The share of one warp: centres first, first + 1, ..., first + 31, then `step` further.
template <class T, class Warp>
HAVEN_HD inline void add_totals(const EvaluationView<T>& e, Warp warp, Index first, Index step, Totals& totals) {
  const Index n = e.n_centres;
  total(warp, first, step, n, totals.energy, [&](Index i) { return e.energies[i]; });
  count_remarks(warp, first, step, n, e.remarks, remark_extrapolates, totals.extrapolating);
  count_remarks(warp, first, step, n, e.remarks, remark_range, totals.out_of_range);
  count_remarks(warp, first, step, n, e.remarks, remark_not_finite, totals.not_finite);
  if (!wants(e.wanted, Wanted::virial)) return;
  for (int k = 0; k < 9; ++k)
    total(warp, first, step, n, totals.virial[k], [&](Index i) { return e.virials[9 * i + k]; });
}

}  // namespace haven::gpu
