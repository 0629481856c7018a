#pragma once
#include <vector>

#include "core/types.hpp"
#include "md/options.hpp"

/// Small 3x3 matrix functions of the barostats. All are fixed sequences of additions and multiplications: the same bits
/// on every rank.
namespace haven {

/// exp(m) by its Taylor series; exact to rounding for components below 0.5.
[[nodiscard]] Mat3 exponential(const Mat3& m);
/// (exp(m) - 1) / m = 1 + m/2! + m^2/3! + ..., the mean of exp(s m) over 0 < s < 1; exact as exponential().
[[nodiscard]] Mat3 mean_exponential(const Mat3& m);
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
/// The part of a tensor of work per strain (a stress, or its product with the volume) that a cell which may change in
/// this way feels: a third of its trace on the diagonal (isotropic); its symmetric part (triclinic); a diagonal matrix
/// whose element k belongs to scaling cell vector k (anisotropic: lengths change, angles stay).
[[nodiscard]] Mat3 allowed_strain(CellShape shape, const Mat3& tensor, const Mat3& cell);
/// The nine components row by row, as checkpoints keep them, and back.
[[nodiscard]] std::vector<double> components(const Mat3& m);
[[nodiscard]] Mat3 matrix_of(const std::vector<double>& components);
/// A lower bound of |r m| / |r| over all vectors r; exact for multiples of the identity. Not negative.
[[nodiscard]] double least_stretch(const Mat3& m);

}  // namespace haven
