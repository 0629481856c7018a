#include "training/term_kernels.hpp"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "training/term_kernels.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace haven::training::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// Columns worked on at a time: the rows of one block of A stay in the second-level cache.
constexpr Index block_columns = 64;

/// Calls body(tag, column) for whole vectors of columns, then for single ones.
template <class T, class Body>
HWY_ATTR inline void over_columns(Index begin, Index end, Body&& body) {
  const hn::ScalableTag<T> wide;
  const hn::CappedTag<T, 1> single;
  const auto lanes = static_cast<Index>(hn::Lanes(wide));
  Index i = begin;
  for (; i + lanes <= end; i += lanes) body(wide, i);
  for (; i < end; ++i) body(single, i);
}

/// Blocks of columns, and in each all terms: body(term, begin, end).
template <class Body>
HWY_ATTR inline void over_blocks(const TermList& list, Index n, Body&& body) {
  for (Index begin = 0; begin < n; begin += block_columns)
    for (std::size_t t = 0; t < list.terms.size(); ++t) body(t, begin, std::min(n, begin + block_columns));
}

/// The rows of a product, at one vector of columns.
template <class D, class T = hn::TFromD<D>>
struct Factors {
  hn::Vec<D> v[4];
  HWY_ATTR Factors(D d, const ProductRow& product, const T* matrix, Index n, Index i) {
    for (std::size_t f = 0; f < 3; ++f) v[f] = hn::LoadU(d, matrix + product.row[f] * n + i);
    v[3] = product.degree == 4 ? hn::LoadU(d, matrix + product.row[3] * n + i) : hn::Zero(d);
  }
};

template <class D, class T = hn::TFromD<D>>
HWY_ATTR inline void add_to(D d, hn::Vec<D> x, T* out) {
  hn::StoreU(hn::Add(hn::LoadU(d, out), x), d, out);
}

template <class T>
HWY_ATTR void sum_terms_of(const TermList& list, const T* offset, const T* a, Index n, T* values) {
  over_blocks(list, n, [&](std::size_t t, Index begin, Index end) HWY_ATTR {
    const TermRow& term = list.terms[t];
    const T *first = a + term.row * n, *second = a + term.other * n;
    T* out = values + static_cast<Index>(t) * n;
    over_columns<T>(begin, end, [&](auto d, Index i) HWY_ATTR {
      auto sum = hn::Zero(d);
      if (term.degree == 1) sum = hn::LoadU(d, first + i);
      if (term.degree == 2)
        for (Index m = 0; m < term.m_count; ++m)
          sum = hn::MulAdd(hn::LoadU(d, first + m * n + i), hn::LoadU(d, second + m * n + i), sum);
      for (std::int32_t p = term.first; p < term.first + term.count; ++p) {
        const ProductRow& product = list.products[static_cast<std::size_t>(p)];
        const Factors x(d, product, a, n, i);
        auto rest = hn::Mul(hn::Set(d, static_cast<T>(product.weight)), x.v[2]);
        if (product.degree == 4) rest = hn::Mul(rest, x.v[3]);
        sum = hn::MulAdd(hn::Mul(x.v[0], x.v[1]), rest, sum);
      }
      hn::StoreU(hn::MulSub(sum, hn::Set(d, static_cast<T>(term.weight)), hn::Set(d, offset[t])), d, out + i);
    });
  });
}

/// Adds `factor` times the gradient of a product to the rows of its factors.
template <class D, class T = hn::TFromD<D>>
HWY_ATTR inline void spread_product(D d, const ProductRow& product, hn::Vec<D> factor, const Factors<D>& x, T* gradient,
                                    Index n) {
  const auto at = [&](std::size_t f) { return gradient + product.row[f] * n; };
  const auto ab = hn::Mul(x.v[0], x.v[1]);
  auto rest = hn::Mul(factor, x.v[2]);
  if (product.degree == 4) {
    add_to(d, hn::Mul(ab, rest), at(3));
    rest = hn::Mul(rest, x.v[3]);
    factor = hn::Mul(factor, x.v[3]);
  }
  add_to(d, hn::Mul(rest, x.v[1]), at(0));
  add_to(d, hn::Mul(rest, x.v[0]), at(1));
  add_to(d, hn::Mul(factor, ab), at(2));
}

/// Adds `factor` times the derivative along z of the gradient of a product to the rows of its factors.
template <class D, class T = hn::TFromD<D>>
HWY_ATTR inline void spread_product_tangent(D d, const ProductRow& product, hn::Vec<D> factor, const Factors<D>& x,
                                            const Factors<D>& z, T* gradient, Index n) {
  const auto at = [&](std::size_t f) { return gradient + product.row[f] * n; };
  const auto ab = hn::Mul(x.v[0], x.v[1]), ab_z = hn::MulAdd(x.v[0], z.v[1], hn::Mul(z.v[0], x.v[1]));
  auto rest = hn::Mul(factor, x.v[2]), rest_z = hn::Mul(factor, z.v[2]);
  if (product.degree == 4) {
    add_to(d, hn::MulAdd(ab, rest_z, hn::Mul(ab_z, rest)), at(3));
    rest_z = hn::MulAdd(rest_z, x.v[3], hn::Mul(rest, z.v[3]));
    rest = hn::Mul(rest, x.v[3]);
    const auto other = hn::Mul(factor, x.v[3]), other_z = hn::Mul(factor, z.v[3]);
    add_to(d, hn::MulAdd(ab, other_z, hn::Mul(ab_z, other)), at(2));
  } else {
    add_to(d, hn::Mul(factor, ab_z), at(2));
  }
  add_to(d, hn::MulAdd(rest, z.v[1], hn::Mul(rest_z, x.v[1])), at(0));
  add_to(d, hn::MulAdd(rest, z.v[0], hn::Mul(rest_z, x.v[0])), at(1));
}

template <class T>
HWY_ATTR void spread_of(const TermList& list, const T* s, const T* a, MixedShape shape, T* gradient) {
  const Index n = shape.n;
  std::fill_n(gradient, shape.rows * n, T(0));
  over_blocks(list, n, [&](std::size_t t, Index begin, Index end) HWY_ATTR {
    const TermRow& term = list.terms[t];
    const T *first = a + term.row * n, *second = a + term.other * n, *in = s + static_cast<Index>(t) * n;
    T *first_out = gradient + term.row * n, *second_out = gradient + term.other * n;
    over_columns<T>(begin, end, [&](auto d, Index i) HWY_ATTR {
      const auto factor = hn::Mul(hn::LoadU(d, in + i), hn::Set(d, static_cast<T>(term.weight)));
      if (term.degree == 1) add_to(d, factor, first_out + i);
      if (term.degree == 2)
        for (Index k = i; k < i + term.m_count * n; k += n) {
          hn::StoreU(hn::MulAdd(factor, hn::LoadU(d, second + k), hn::LoadU(d, first_out + k)), d, first_out + k);
          hn::StoreU(hn::MulAdd(factor, hn::LoadU(d, first + k), hn::LoadU(d, second_out + k)), d, second_out + k);
        }
      for (std::int32_t p = term.first; p < term.first + term.count; ++p) {
        const ProductRow& product = list.products[static_cast<std::size_t>(p)];
        const auto weight = hn::Mul(factor, hn::Set(d, static_cast<T>(product.weight)));
        spread_product(d, product, weight, Factors(d, product, a, n, i), gradient + i, n);
      }
    });
  });
}

template <class T>
HWY_ATTR void spread_tangents_of(const TermList& list, const T* s, const T* a, const T* z, MixedShape shape,
                                 T* gradient) {
  const Index n = shape.n;
  std::fill_n(gradient, shape.rows * n, T(0));
  over_blocks(list, n, [&](std::size_t t, Index begin, Index end) HWY_ATTR {
    const TermRow& term = list.terms[t];
    if (term.degree == 1) return;
    const T *first = z + term.row * n, *second = z + term.other * n, *in = s + static_cast<Index>(t) * n;
    T *first_out = gradient + term.row * n, *second_out = gradient + term.other * n;
    over_columns<T>(begin, end, [&](auto d, Index i) HWY_ATTR {
      const auto factor = hn::Mul(hn::LoadU(d, in + i), hn::Set(d, static_cast<T>(term.weight)));
      if (term.degree == 2)
        for (Index k = i; k < i + term.m_count * n; k += n) {
          hn::StoreU(hn::MulAdd(factor, hn::LoadU(d, second + k), hn::LoadU(d, first_out + k)), d, first_out + k);
          hn::StoreU(hn::MulAdd(factor, hn::LoadU(d, first + k), hn::LoadU(d, second_out + k)), d, second_out + k);
        }
      for (std::int32_t p = term.first; p < term.first + term.count; ++p) {
        const ProductRow& product = list.products[static_cast<std::size_t>(p)];
        const auto weight = hn::Mul(factor, hn::Set(d, static_cast<T>(product.weight)));
        spread_product_tangent(d, product, weight, Factors(d, product, a, n, i), Factors(d, product, z, n, i),
                               gradient + i, n);
      }
    });
  });
}

template <class T>
HWY_ATTR void differentiate_of(const TermList& list, const T* a, const T* z, Index n, T* values) {
  over_blocks(list, n, [&](std::size_t t, Index begin, Index end) HWY_ATTR {
    const TermRow& term = list.terms[t];
    const Index r = term.row * n, o = term.other * n;
    T* out = values + static_cast<Index>(t) * n;
    over_columns<T>(begin, end, [&](auto d, Index i) HWY_ATTR {
      auto sum = hn::Zero(d);
      if (term.degree == 1) sum = hn::LoadU(d, z + r + i);
      if (term.degree == 2)
        for (Index k = i; k < i + term.m_count * n; k += n) {
          sum = hn::MulAdd(hn::LoadU(d, z + r + k), hn::LoadU(d, a + o + k), sum);
          sum = hn::MulAdd(hn::LoadU(d, a + r + k), hn::LoadU(d, z + o + k), sum);
        }
      for (std::int32_t p = term.first; p < term.first + term.count; ++p) {
        const ProductRow& product = list.products[static_cast<std::size_t>(p)];
        const Factors x(d, product, a, n, i), y(d, product, z, n, i);
        const auto ab = hn::Mul(x.v[0], x.v[1]), ab_z = hn::MulAdd(x.v[0], y.v[1], hn::Mul(y.v[0], x.v[1]));
        auto rest = x.v[2], rest_z = y.v[2];
        if (product.degree == 4) {
          rest_z = hn::MulAdd(rest_z, x.v[3], hn::Mul(rest, y.v[3]));
          rest = hn::Mul(rest, x.v[3]);
        }
        const auto along = hn::MulAdd(ab, rest_z, hn::Mul(ab_z, rest));
        sum = hn::MulAdd(along, hn::Set(d, static_cast<T>(product.weight)), sum);
      }
      hn::StoreU(hn::Mul(sum, hn::Set(d, static_cast<T>(term.weight))), d, out + i);
    });
  });
}

using List = TermList;
void terms_float(const List& t, const float* o, const float* a, Index n, float* v) { sum_terms_of(t, o, a, n, v); }
void terms_double(const List& t, const double* o, const double* a, Index n, double* v) { sum_terms_of(t, o, a, n, v); }
void spread_float(const List& t, const float* s, const float* a, MixedShape shape, float* g) {
  spread_of(t, s, a, shape, g);
}
void spread_double(const List& t, const double* s, const double* a, MixedShape shape, double* g) {
  spread_of(t, s, a, shape, g);
}
void tangents_float(const List& t, const float* s, const float* a, const float* z, MixedShape shape, float* g) {
  spread_tangents_of(t, s, a, z, shape, g);
}
void tangents_double(const List& t, const double* s, const double* a, const double* z, MixedShape shape, double* g) {
  spread_tangents_of(t, s, a, z, shape, g);
}
void derivative_float(const List& t, const float* a, const float* z, Index n, float* v) {
  differentiate_of(t, a, z, n, v);
}
void derivative_double(const List& t, const double* a, const double* z, Index n, double* v) {
  differentiate_of(t, a, z, n, v);
}

}  // namespace haven::training::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace haven::training {

HWY_EXPORT(terms_float);
HWY_EXPORT(terms_double);
HWY_EXPORT(spread_float);
HWY_EXPORT(spread_double);
HWY_EXPORT(tangents_float);
HWY_EXPORT(tangents_double);
HWY_EXPORT(derivative_float);
HWY_EXPORT(derivative_double);

template <>
void sum_terms(const TermList& list, const float* offset, const float* mixed, Index n, float* values) {
  HWY_DYNAMIC_DISPATCH(terms_float)(list, offset, mixed, n, values);
}
template <>
void sum_terms(const TermList& list, const double* offset, const double* mixed, Index n, double* values) {
  HWY_DYNAMIC_DISPATCH(terms_double)(list, offset, mixed, n, values);
}
template <>
void spread_terms(const TermList& list, const float* term_gradient, const float* mixed, MixedShape shape,
                  float* gradient) {
  HWY_DYNAMIC_DISPATCH(spread_float)(list, term_gradient, mixed, shape, gradient);
}
template <>
void spread_terms(const TermList& list, const double* term_gradient, const double* mixed, MixedShape shape,
                  double* gradient) {
  HWY_DYNAMIC_DISPATCH(spread_double)(list, term_gradient, mixed, shape, gradient);
}
template <>
void spread_tangents(const TermList& list, const float* term_gradient, const float* mixed, const float* tangent,
                     MixedShape shape, float* gradient) {
  HWY_DYNAMIC_DISPATCH(tangents_float)(list, term_gradient, mixed, tangent, shape, gradient);
}
template <>
void spread_tangents(const TermList& list, const double* term_gradient, const double* mixed, const double* tangent,
                     MixedShape shape, double* gradient) {
  HWY_DYNAMIC_DISPATCH(tangents_double)(list, term_gradient, mixed, tangent, shape, gradient);
}
template <>
void differentiate_terms(const TermList& list, const float* mixed, const float* tangent, Index n, float* values) {
  HWY_DYNAMIC_DISPATCH(derivative_float)(list, mixed, tangent, n, values);
}
template <>
void differentiate_terms(const TermList& list, const double* mixed, const double* tangent, Index n, double* values) {
  HWY_DYNAMIC_DISPATCH(derivative_double)(list, mixed, tangent, n, values);
}

}  // namespace haven::training
#endif
