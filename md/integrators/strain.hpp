#pragma once
#include "core/types.hpp"

/// Small 3x3 matrix functions of the barostats. All are fixed sequences of additions and multiplications: the same bits
/// on every rank.
namespace haven {

/// exp(m) by its Taylor series; exact to rounding for components below 0.5.
[[nodiscard]] Mat3 exponential(const Mat3& m);
/// The rotation R of the polar decomposition m = S R with S symmetric, by Newton's iteration (Higham, SIAM J. Sci.
/// Stat. Comput. 7, 1160 (1986)); m must be near a rotation.
[[nodiscard]] Mat3 polar_rotation(const Mat3& m);
/// (m + m^T) / 2.
[[nodiscard]] Mat3 symmetric_part(const Mat3& m);
[[nodiscard]] double trace(const Mat3& m);
/// m less a third of its trace on the diagonal.
[[nodiscard]] Mat3 traceless_part(const Mat3& m);
/// Sum of the squares of all components.
[[nodiscard]] double squared_norm(const Mat3& m);
/// A lower bound of |r m| / |r| over all vectors r; exact for multiples of the identity. Not negative.
[[nodiscard]] double least_stretch(const Mat3& m);

}  // namespace haven
