// Lanes to a packed list and back. Included once per instruction set.
#if defined(HAVEN_CPU_SIMD_EXPAND_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef HAVEN_CPU_SIMD_EXPAND_INL_HPP
#undef HAVEN_CPU_SIMD_EXPAND_INL_HPP
#else
#define HAVEN_CPU_SIMD_EXPAND_INL_HPP
#endif

#include <array>
#include <cstdint>

#include "potentials/program/drivers/cpu_simd_lane-inl.hpp"

#ifndef HAVEN_LANE_TABLES
#define HAVEN_LANE_TABLES
namespace haven {
/// For up to eight lanes, an entry per mask. `packing`: nibble n is the n-th lane of the mask; `spreading`: nibble l is
/// the number of lanes of the mask below l.
struct LaneTables {
  std::array<std::uint32_t, 256> packing{}, spreading{};
};
constexpr LaneTables make_lane_tables() {
  LaneTables tables;
  for (std::uint32_t bits = 0; bits < 256; ++bits)
    for (std::uint32_t lane = 0, set = 0; lane < 8; ++lane) {
      tables.spreading[bits] |= set << (4 * lane);
      if ((bits >> lane & 1) != 0) tables.packing[bits] |= lane << (4 * set++);
    }
  return tables;
}
inline constexpr LaneTables lane_tables = make_lane_tables();
}  // namespace haven
#endif

HWY_BEFORE_NAMESPACE();
namespace haven::HWY_NAMESPACE {

#if HWY_TARGET > HWY_AVX3 && HWY_TARGET != HWY_SCALAR
/// An entry of the tables as indices of lanes.
template <class T>
HWY_INLINE auto lane_indices(std::uint32_t entry) {
  const hn::RebindToUnsigned<typename Lane<T>::Tag> d;
  using Integer = hn::TFromD<decltype(d)>;
  alignas(64) static constexpr Integer shift[8] = {0, 4, 8, 12, 16, 20, 24, 28};
  const auto lanes = hn::Set(d, static_cast<Integer>(Lane<T>::width - 1));
  const auto nibbles = hn::Shr(hn::Set(d, static_cast<Integer>(entry)), hn::Load(d, shift));
  return hn::BitCast(hn::RebindToSigned<typename Lane<T>::Tag>(), hn::And(nibbles, lanes));
}
#endif

/// Stores the lanes of a mask side by side. (Highway's own Compress copies its table to the stack with GCC 12.)
template <class T>
class Packer {
  using Tag = typename Lane<T>::Tag;

 public:
  /// @param bits  one per lane, as hn::StoreMaskBits writes them
  HWY_INLINE Packer([[maybe_unused]] hn::Mask<Tag> mask, [[maybe_unused]] const std::uint8_t* bits)
#if HWY_TARGET > HWY_AVX3 && HWY_TARGET != HWY_SCALAR
      : index_(lane_indices<T>(lane_tables.packing[*bits])){}
#else
      : mask_(mask) {
  }
#endif
        /// What follows the stored lanes is overwritten up to a full vector.
        HWY_INLINE void
        operator()(Lane<T> x, T* out) const {
#if HWY_TARGET > HWY_AVX3 && HWY_TARGET != HWY_SCALAR
    hn::StoreU(hn::TableLookupLanes(x.v, hn::IndicesFromVec(Tag(), index_)), Tag(), out);
#else
    hn::StoreU(hn::Compress(x.v, mask_), Tag(), out);
#endif
  }

 private:
#if HWY_TARGET > HWY_AVX3 && HWY_TARGET != HWY_SCALAR
  hn::Vec<hn::RebindToSigned<Tag>> index_;
#else
  hn::Mask<Tag> mask_;
#endif
};

/// Puts successive numbers of a list into the lanes of a mask, in order, and zero into the others.
template <class T>
class Expander {
  using Tag = typename Lane<T>::Tag;

 public:
  /// @param bits  one per lane, as hn::StoreMaskBits writes them, in eight bytes
  HWY_INLINE explicit Expander(const std::uint8_t* bits) : mask_(hn::LoadMaskBits(Tag(), bits)) {
#if HWY_TARGET > HWY_AVX3 && HWY_TARGET != HWY_SCALAR
    index_ = lane_indices<T>(lane_tables.spreading[*bits]);
#endif
  }
  [[nodiscard]] HWY_INLINE Lane<T> operator()(const T* list) const {
    const auto v = hn::LoadU(Tag(), list);
#if HWY_TARGET == HWY_SCALAR
    return Lane<T>(hn::IfThenElseZero(mask_, v));
#elif HWY_TARGET > HWY_AVX3
    return Lane<T>(hn::IfThenElseZero(mask_, hn::TableLookupLanes(v, hn::IndicesFromVec(Tag(), index_))));
#else
    if constexpr (sizeof(T) == 4) {
      return Lane<T>(hn::Vec<Tag>{_mm512_maskz_expand_ps(mask_.raw, v.raw)});
    } else {
      return Lane<T>(hn::Vec<Tag>{_mm512_maskz_expand_pd(mask_.raw, v.raw)});
    }
#endif
  }

 private:
  hn::Mask<Tag> mask_;
#if HWY_TARGET > HWY_AVX3 && HWY_TARGET != HWY_SCALAR
  hn::Vec<hn::RebindToSigned<Tag>> index_;
#endif
};

}  // namespace haven::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif  // HAVEN_CPU_SIMD_EXPAND_INL_HPP
