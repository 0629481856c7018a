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
#define HAVEN_UNROLL _Pragma("GCC unroll 16")
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
HWY_INLINE Lane<T> operator/(Lane<T> a, Lane<T> b) {
  return Lane<T>(hn::Div(a.v, b.v));
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
HWY_INLINE Lane<T> smallest(Lane<T> a, Lane<T> b) {
  return Lane<T>(hn::Min(a.v, b.v));
}
template <class T>
HWY_INLINE Lane<T> square_root(Lane<T> a) {
  return Lane<T>(hn::Sqrt(a.v));
}
template <class T>
HWY_INLINE Lane<T> step(Lane<T> a) {
  const typename Lane<T>::Tag d;
  return Lane<T>(hn::IfThenElseZero(hn::Gt(a.v, hn::Zero(d)), hn::Set(d, T(1))));
}
template <class T>
HWY_INLINE Lane<T> sine(Lane<T> a) {
  return Lane<T>(hn::Sin(typename Lane<T>::Tag(), a.v));
}
template <class T>
HWY_INLINE Lane<T> cosine(Lane<T> a) {
  return Lane<T>(hn::Cos(typename Lane<T>::Tag(), a.v));
}
template <class T>
HWY_INLINE Lane<T> logarithm(Lane<T> a) {
  return Lane<T>(hn::Log(typename Lane<T>::Tag(), a.v));
}
template <class T>
HWY_INLINE Lane<T> arc_cosine(Lane<T> a) {
  return Lane<T>(hn::Acos(typename Lane<T>::Tag(), a.v));
}
template <class T>
HWY_INLINE Lane<T> magnitude(Lane<T> a) {
  return Lane<T>(hn::Abs(a.v));
}
template <class T>
HWY_INLINE Lane<T> exponential(Lane<T> a) {
  return Lane<T>(hn::Exp(typename Lane<T>::Tag(), a.v));
}
/// e^x for x <= 0. In float by a polynomial of 2^f (relative error 2e-7; below 2^-126 it stays there), half the work of
/// the general function.
HWY_INLINE Lane<double> decaying_exponential(Lane<double> x) { return exponential(x); }
HWY_INLINE Lane<float> decaying_exponential(Lane<float> x) {
  const Lane<float>::Tag d;
  const hn::RebindToSigned<Lane<float>::Tag> integers;
  const auto t = hn::Max(hn::Mul(x.v, hn::Set(d, 1.44269504088896F)), hn::Set(d, -126.0F));
  const auto n = hn::NearestInt(t);
  const auto f = hn::Sub(t, hn::ConvertTo(d, n));
  auto p = hn::Set(d, 0.001340043216542881F);
  p = hn::MulAdd(p, f, hn::Set(d, 0.009676037097849602F));
  p = hn::MulAdd(p, f, hn::Set(d, 0.055503272142083324F));
  p = hn::MulAdd(p, f, hn::Set(d, 0.2402210735583077F));
  p = hn::MulAdd(p, f, hn::Set(d, 0.6931472067106206F));
  p = hn::MulAdd(p, f, hn::Set(d, 1.0F));
  const auto scale = hn::BitCast(d, hn::ShiftLeft<23>(hn::Add(n, hn::Set(integers, 127))));
  return Lane<float>(hn::Mul(p, scale));
}
HWY_INLINE Lane<double> hyperbolic_tangent(Lane<double> a) { return Lane<double>(hn::Tanh(Lane<double>::Tag(), a.v)); }
/// (1 - e^{-2|x|}) / (1 + e^{-2|x|}) with the sign of x: its absolute error, below 2e-7, is what a sum of float needs.
HWY_INLINE Lane<float> hyperbolic_tangent(Lane<float> a) {
  const Lane<float> e = decaying_exponential(Lane<float>(-2.0) * magnitude(a));
  const Lane<float> t = (Lane<float>(1.0) - e) / (Lane<float>(1.0) + e);
  return Lane<float>(hn::CopySign(t.v, a.v));
}
template <class T>
HWY_INLINE Lane<T> log_one_plus(Lane<T> a) {
  return Lane<T>(hn::Log1p(typename Lane<T>::Tag(), a.v));
}

}  // namespace haven::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif  // HAVEN_CPU_SIMD_LANE_INL_HPP
