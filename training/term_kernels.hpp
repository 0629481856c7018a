#pragma once
#include <span>

#include "core/types.hpp"
#include "training/layout.hpp"

/// The basis terms as functions of the mixed moments, and their derivatives. All matrices have `n` columns (centres),
/// which are contiguous; the kernels are vectorised over them. Compiled for several instruction sets, chosen at run
/// time.
namespace haven::training {

/// T_t = w_t sum_m A_{r+m} A_{o+m} (degree 2) or w_t A_r (degree 1), minus offset_t.
template <class T>
void sum_terms(std::span<const TermRow> terms, const T* offset, const T* mixed, Index n, T* values);

/// B(S, A): dPhi/dA for Phi = sum_t S_t T_t(A); `gradient` [mixed_rows][n] is overwritten.
template <class T>
void spread_terms(std::span<const TermRow> terms, const T* term_gradient, const T* mixed, Index mixed_rows, Index n,
                  T* gradient);

/// B2(S, Z): the part of d<Z, B(S, A)>/dA, which is spread_terms() with Z for A and without terms of degree 1.
template <class T>
void spread_tangents(std::span<const TermRow> terms, const T* term_gradient, const T* tangent, Index mixed_rows,
                     Index n, T* gradient);

/// Directional derivative of the terms along Z: w_t sum_m (Z_{r+m} A_{o+m} + A_{r+m} Z_{o+m}), or w_t Z_r.
template <class T>
void differentiate_terms(std::span<const TermRow> terms, const T* mixed, const T* tangent, Index n, T* values);

}  // namespace haven::training
