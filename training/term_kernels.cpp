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

template <class T>
HWY_ATTR void sum_terms_of(std::span<const TermRow> terms, const T* offset, const T* a, Index n, T* values) {
  for (Index begin = 0; begin < n; begin += block_columns) {
    const Index end = std::min(n, begin + block_columns);
    for (std::size_t t = 0; t < terms.size(); ++t) {
      const TermRow& term = terms[t];
      const T *first = a + term.row * n, *second = a + term.other * n;
      T* out = values + static_cast<Index>(t) * n;
      over_columns<T>(begin, end, [&](auto d, Index i) HWY_ATTR {
        auto sum = hn::LoadU(d, first + i);
        if (term.degree == 2) {
          sum = hn::Mul(sum, hn::LoadU(d, second + i));
          for (Index m = 1; m < term.m_count; ++m)
            sum = hn::MulAdd(hn::LoadU(d, first + m * n + i), hn::LoadU(d, second + m * n + i), sum);
        }
        const auto shifted = hn::MulSub(sum, hn::Set(d, static_cast<T>(term.weight)), hn::Set(d, offset[t]));
        hn::StoreU(shifted, d, out + i);
      });
    }
  }
}

/// with_linear = false leaves out terms of degree 1.
template <bool with_linear, class T>
HWY_ATTR void spread_of(std::span<const TermRow> terms, const T* s, const T* a, Index rows, Index n, T* gradient) {
  std::fill_n(gradient, rows * n, T(0));
  for (Index begin = 0; begin < n; begin += block_columns) {
    const Index end = std::min(n, begin + block_columns);
    for (std::size_t t = 0; t < terms.size(); ++t) {
      const TermRow& term = terms[t];
      if (!with_linear && term.degree == 1) continue;
      const T *first = a + term.row * n, *second = a + term.other * n, *in = s + static_cast<Index>(t) * n;
      T *first_out = gradient + term.row * n, *second_out = gradient + term.other * n;
      over_columns<T>(begin, end, [&](auto d, Index i) HWY_ATTR {
        const auto factor = hn::Mul(hn::LoadU(d, in + i), hn::Set(d, static_cast<T>(term.weight)));
        if (term.degree == 1) {
          hn::StoreU(hn::Add(hn::LoadU(d, first_out + i), factor), d, first_out + i);
          return;
        }
        for (Index m = 0; m < term.m_count; ++m) {
          const Index k = m * n + i;
          hn::StoreU(hn::MulAdd(factor, hn::LoadU(d, second + k), hn::LoadU(d, first_out + k)), d, first_out + k);
          hn::StoreU(hn::MulAdd(factor, hn::LoadU(d, first + k), hn::LoadU(d, second_out + k)), d, second_out + k);
        }
      });
    }
  }
}

template <class T>
HWY_ATTR void differentiate_of(std::span<const TermRow> terms, const T* a, const T* z, Index n, T* values) {
  for (Index begin = 0; begin < n; begin += block_columns) {
    const Index end = std::min(n, begin + block_columns);
    for (std::size_t t = 0; t < terms.size(); ++t) {
      const TermRow& term = terms[t];
      const Index r = term.row * n, o = term.other * n;
      T* out = values + static_cast<Index>(t) * n;
      over_columns<T>(begin, end, [&](auto d, Index i) HWY_ATTR {
        auto sum = hn::LoadU(d, z + r + i);
        if (term.degree == 2) {
          sum = hn::Zero(d);
          for (Index m = 0; m < term.m_count; ++m) {
            const Index k = m * n + i;
            sum = hn::MulAdd(hn::LoadU(d, z + r + k), hn::LoadU(d, a + o + k), sum);
            sum = hn::MulAdd(hn::LoadU(d, a + r + k), hn::LoadU(d, z + o + k), sum);
          }
        }
        hn::StoreU(hn::Mul(sum, hn::Set(d, static_cast<T>(term.weight))), d, out + i);
      });
    }
  }
}

using Terms = std::span<const TermRow>;
void terms_float(Terms t, const float* o, const float* a, Index n, float* v) { sum_terms_of(t, o, a, n, v); }
void terms_double(Terms t, const double* o, const double* a, Index n, double* v) { sum_terms_of(t, o, a, n, v); }
void spread_float(Terms t, const float* s, const float* a, Index rows, Index n, float* g) {
  spread_of<true>(t, s, a, rows, n, g);
}
void spread_double(Terms t, const double* s, const double* a, Index rows, Index n, double* g) {
  spread_of<true>(t, s, a, rows, n, g);
}
void quadratic_float(Terms t, const float* s, const float* a, Index rows, Index n, float* g) {
  spread_of<false>(t, s, a, rows, n, g);
}
void quadratic_double(Terms t, const double* s, const double* a, Index rows, Index n, double* g) {
  spread_of<false>(t, s, a, rows, n, g);
}
void derivative_float(Terms t, const float* a, const float* z, Index n, float* v) { differentiate_of(t, a, z, n, v); }
void derivative_double(Terms t, const double* a, const double* z, Index n, double* v) {
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
HWY_EXPORT(quadratic_float);
HWY_EXPORT(quadratic_double);
HWY_EXPORT(derivative_float);
HWY_EXPORT(derivative_double);

template <>
void sum_terms(std::span<const TermRow> terms, const float* offset, const float* mixed, Index n, float* values) {
  HWY_DYNAMIC_DISPATCH(terms_float)(terms, offset, mixed, n, values);
}
template <>
void sum_terms(std::span<const TermRow> terms, const double* offset, const double* mixed, Index n, double* values) {
  HWY_DYNAMIC_DISPATCH(terms_double)(terms, offset, mixed, n, values);
}
template <>
void spread_terms(std::span<const TermRow> terms, const float* term_gradient, const float* mixed, Index mixed_rows,
                  Index n, float* gradient) {
  HWY_DYNAMIC_DISPATCH(spread_float)(terms, term_gradient, mixed, mixed_rows, n, gradient);
}
template <>
void spread_terms(std::span<const TermRow> terms, const double* term_gradient, const double* mixed, Index mixed_rows,
                  Index n, double* gradient) {
  HWY_DYNAMIC_DISPATCH(spread_double)(terms, term_gradient, mixed, mixed_rows, n, gradient);
}
template <>
void spread_tangents(std::span<const TermRow> terms, const float* term_gradient, const float* tangent, Index mixed_rows,
                     Index n, float* gradient) {
  HWY_DYNAMIC_DISPATCH(quadratic_float)(terms, term_gradient, tangent, mixed_rows, n, gradient);
}
template <>
void spread_tangents(std::span<const TermRow> terms, const double* term_gradient, const double* tangent,
                     Index mixed_rows, Index n, double* gradient) {
  HWY_DYNAMIC_DISPATCH(quadratic_double)(terms, term_gradient, tangent, mixed_rows, n, gradient);
}
template <>
void differentiate_terms(std::span<const TermRow> terms, const float* mixed, const float* tangent, Index n,
                         float* values) {
  HWY_DYNAMIC_DISPATCH(derivative_float)(terms, mixed, tangent, n, values);
}
template <>
void differentiate_terms(std::span<const TermRow> terms, const double* mixed, const double* tangent, Index n,
                         double* values) {
  HWY_DYNAMIC_DISPATCH(derivative_double)(terms, mixed, tangent, n, values);
}

}  // namespace haven::training
#endif
