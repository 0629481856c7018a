// Highway vectors as lanes of the kernel. Included once per instruction set.
#if defined(HAVEN_CPU_SIMD_LANE_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef HAVEN_CPU_SIMD_LANE_INL_HPP
#undef HAVEN_CPU_SIMD_LANE_INL_HPP
#else
#define HAVEN_CPU_SIMD_LANE_INL_HPP
#endif

#include <hwy/highway.h>

#include <type_traits>

#include "hwy/contrib/math/math-inl.h"

// Sums of a tile live in registers only when its short loops are unrolled, which GCC does not do by itself at -O2.
#ifndef HAVEN_UNROLL
#ifdef __clang__
#define HAVEN_UNROLL _Pragma("clang loop unroll(full)")
#else
#define HAVEN_UNROLL _Pragma("GCC unroll 8")
#endif
#endif

HWY_BEFORE_NAMESPACE();
namespace haven::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

template <class T>
struct Lane {
  using Real = T;
  using Tag = hn::ScalableTag<T>;
  using V = hn::Vec<Tag>;
  static constexpr Index width = hn::MaxLanes(Tag());
  V v;

  HWY_INLINE Lane() = default;
  HWY_INLINE explicit Lane(V x) : v(x) {}
  template <class S>
  requires std::is_arithmetic_v<S> HWY_INLINE explicit Lane(S x) : v(hn::Set(Tag(), static_cast<T>(x))) {}
  static HWY_INLINE Lane load(const T* p) { return Lane(hn::LoadU(Tag(), p)); }
  HWY_INLINE void store(T* p) const { hn::StoreU(v, Tag(), p); }
  [[nodiscard]] HWY_INLINE T sum() const { return hn::GetLane(hn::SumOfLanes(Tag(), v)); }
};

// Free templates: friends defined inside a class template would not be compiled for this instruction set (GCC 12).
template <class T>
HWY_INLINE Lane<T> operator+(Lane<T> a, Lane<T> b) {
  return Lane<T>(hn::Add(a.v, b.v));
}
template <class T>
HWY_INLINE Lane<T> operator-(Lane<T> a, Lane<T> b) {
  return Lane<T>(hn::Sub(a.v, b.v));
}
template <class T>
HWY_INLINE Lane<T> operator*(Lane<T> a, Lane<T> b) {
  return Lane<T>(hn::Mul(a.v, b.v));
}

template <class T>
HWY_INLINE Lane<T> multiply_add(Lane<T> a, Lane<T> b, Lane<T> c) {
  return Lane<T>(hn::MulAdd(a.v, b.v, c.v));
}
template <class T>
HWY_INLINE Lane<T> largest(Lane<T> a, Lane<T> b) {
  return Lane<T>(hn::Max(a.v, b.v));
}
template <class T>
HWY_INLINE Lane<T> magnitude(Lane<T> a) {
  return Lane<T>(hn::Abs(a.v));
}
template <class T>
HWY_INLINE Lane<T> hyperbolic_tangent(Lane<T> a) {
  return Lane<T>(hn::Tanh(typename Lane<T>::Tag(), a.v));
}
template <class T>
HWY_INLINE Lane<T> exponential(Lane<T> a) {
  return Lane<T>(hn::Exp(typename Lane<T>::Tag(), a.v));
}
template <class T>
HWY_INLINE Lane<T> log_one_plus(Lane<T> a) {
  return Lane<T>(hn::Log1p(typename Lane<T>::Tag(), a.v));
}

}  // namespace haven::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif  // HAVEN_CPU_SIMD_LANE_INL_HPP
