#pragma once
#include "core/types.hpp"
#include "training/layout.hpp"

/// The basis terms as functions of the mixed moments, and their derivatives. All matrices have `n` columns (centres),
/// which are contiguous; the kernels are vectorised over them. Compiled for several instruction sets, chosen at run
/// time.
namespace haven::training {

/// Rows and columns of the mixed moments A.
struct MixedShape {
  Index rows = 0, n = 0;
};

/// T_t = w_t A_r (degree 1), w_t sum_m A_{r+m} A_{o+m} (degree 2), w_t sum_p v_p A A A (A) (degree 3, 4), minus
/// offset_t.
template <class T>
void sum_terms(const TermList& list, const T* offset, const T* mixed, Index n, T* values);

/// B(S, A): dPhi/dA for Phi = sum_t S_t T_t(A); `gradient` [rows][n] is overwritten.
template <class T>
void spread_terms(const TermList& list, const T* term_gradient, const T* mixed, MixedShape shape, T* gradient);

/// B2(S, A, Z) = d<Z, B(S, A)>/dA: second derivatives of the terms along Z. Terms of degree 1 have none; for degree 2
/// it is spread_terms() with Z for A.
template <class T>
void spread_tangents(const TermList& list, const T* term_gradient, const T* mixed, const T* tangent, MixedShape shape,
                     T* gradient);

/// Directional derivative of the terms along Z: for degree 2, w_t sum_m (Z_{r+m} A_{o+m} + A_{r+m} Z_{o+m}).
template <class T>
void differentiate_terms(const TermList& list, const T* mixed, const T* tangent, Index n, T* values);

}  // namespace haven::training
