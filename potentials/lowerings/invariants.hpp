#pragma once
#include <array>

#include "potentials/descriptor.hpp"

/// Rotation invariants of degree 3 and 4 as sums of products of real moments.
namespace haven {

/// The Wigner 3j symbol with all m = 0; zero unless l1 + l2 + l3 is even and the triangle rule holds.
[[nodiscard]] double wigner_3j_zero(int l1, int l2, int l3);

/// sum_m (l1 l2 l3; m1 m2 m3) A_{c1,l1 m1} A_{c2,l2 m2} A_{c3,l3 m3} with the 3j symbol in the basis of real spherical
/// harmonics, that is Gaunt's integrals of three of them scaled so that the coefficient of m1 = m2 = m3 = 0 is the 3j
/// symbol. l1 + l2 + l3 is even, at most 8 each.
[[nodiscard]] ProductTerm coupled_product(const std::array<int, 3>& channel, const std::array<int, 3>& l);

/// 4 pi sum_M (A_{c1,l1} A_{c2,l2})_{LM} (A_{c3,l3} A_{c4,l4})_{LM} with L = `through` and Gaunt's integrals as the
/// coefficients of both couplings. l1 + l2 + L and l3 + l4 + L are even, at most 8 each.
[[nodiscard]] ProductTerm coupled_product(const std::array<int, 4>& channel, const std::array<int, 4>& l, int through);

/// (sum_m A_{c,1m}^2)^2 times `weight`.
[[nodiscard]] ProductTerm squared_dipole(int channel, double weight);

}  // namespace haven
