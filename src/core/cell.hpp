#pragma once
#include <array>

#include "core/types.hpp"

namespace haven {

/// Periodic (possibly triclinic, possibly partly open) simulation cell. Rows of `vectors()` are a, b, c in A.
///
/// An axis that is not periodic still has a vector, which then only gives the decomposition a direction and a scale.
class Cell {
 public:
  Cell() = default;
  /// @throws InputError if a component is not finite or the volume is below 1e-6 of |a||b||c| (flat cell).
  explicit Cell(const Mat3& vectors, std::array<bool, 3> periodic = {true, true, true});

  [[nodiscard]] const Mat3& vectors() const { return vectors_; }
  [[nodiscard]] const Mat3& inverse_vectors() const { return inverse_; }
  [[nodiscard]] const std::array<bool, 3>& periodic() const { return periodic_; }
  [[nodiscard]] double volume() const;  ///< A^3, positive for either handedness
  /// Distances between opposite faces, A: volume / |b x c| and so on.
  [[nodiscard]] Vec3 heights() const;
  [[nodiscard]] Vec3 to_fractional(const Vec3& position) const { return position * inverse_; }
  [[nodiscard]] Vec3 to_cartesian(const Vec3& fractional) const { return fractional * vectors_; }
  /// n_a a + n_b b + n_c c, always evaluated in this order: every rank gets the same bits.
  [[nodiscard]] Vec3 translation(const LatticeShift& shift) const;
  /// The lattice shift n that brings `position` + H n into the cell (fractional in [0, 1)); 0 along open axes.
  [[nodiscard]] LatticeShift wrapping_shift(const Vec3& position) const;
  friend bool operator==(const Cell&, const Cell&) = default;

 private:
  Mat3 vectors_ = Mat3::identity();
  Mat3 inverse_ = Mat3::identity();
  std::array<bool, 3> periodic_{true, true, true};
};

}  // namespace haven
