#include "core/cell.hpp"

#include <cmath>

#include "core/error.hpp"

namespace haven {

Cell::Cell(const Mat3& vectors, std::array<bool, 3> periodic) : vectors_(vectors), periodic_(periodic) {
  double product = 1;
  for (int k = 0; k < 3; ++k) {
    if (!is_finite(vectors[k]))
      throw InputError("the cell has a component that is not a finite number", "cell",
                       "Check the lattice vectors of the input.");
    product *= norm(vectors[k]);
  }
  if (!(std::abs(determinant(vectors)) > 1e-6 * product) || product == 0)
    throw InputError("the cell is flat: its three vectors span no volume", "cell",
                     "Check the lattice vectors of the input.");
  inverse_ = inverse(vectors);
}

double Cell::volume() const { return std::abs(determinant(vectors_)); }

Vec3 Cell::heights() const {
  const double v = volume();
  return {v / norm(cross(vectors_[1], vectors_[2])), v / norm(cross(vectors_[2], vectors_[0])),
          v / norm(cross(vectors_[0], vectors_[1]))};
}

Vec3 Cell::translation(const LatticeShift& shift) const {
  return (static_cast<double>(shift.a) * vectors_[0] + static_cast<double>(shift.b) * vectors_[1]) +
         static_cast<double>(shift.c) * vectors_[2];
}

LatticeShift Cell::wrapping_shift(const Vec3& position) const {
  const Vec3 f = to_fractional(position);
  const auto shift = [&](int k) {
    return periodic_[static_cast<std::size_t>(k)] ? static_cast<std::int32_t>(-std::floor(f[k])) : 0;
  };
  return {shift(0), shift(1), shift(2)};
}

}  // namespace haven
