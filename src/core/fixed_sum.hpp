#pragma once
#include <cmath>
#include <cstdint>

#include "core/types.hpp"

/// Order-independent sums. Whatever crosses atoms, threads or ranks is rounded once to a multiple of 2^-44 and summed
/// as an integer, which is associative: neither threads, ranks nor list order can change a bit, and momentum is
/// conserved exactly.
namespace haven {

inline constexpr double fixed_scale = 17592186044416.0;        ///< 2^44
inline constexpr double fixed_resolution = 1.0 / fixed_scale;  ///< 5.7e-14 (eV/A for forces, eV for energies)
/// Largest magnitude of one contribution to a force (eV/A). 2^63/2^44 = 2^19 is the range of the sum; this leaves room
/// for 256 contributions of this size. A contribution beyond it is an explosion, not physics.
inline constexpr double fixed_force_limit = 2048.0;

/// Rounds to the nearest multiple of 2^-44. The caller has checked |value| <= fixed_force_limit.
inline std::int64_t to_fixed(double value) { return std::llrint(value * fixed_scale); }
inline double from_fixed(std::int64_t value) { return static_cast<double>(value) * fixed_resolution; }

/// Force on one atom as three fixed-point integers.
struct FixedVec3 {
  std::int64_t x = 0, y = 0, z = 0;
  FixedVec3& operator+=(const FixedVec3& o) { return x += o.x, y += o.y, z += o.z, *this; }
  FixedVec3& operator-=(const FixedVec3& o) { return x -= o.x, y -= o.y, z -= o.z, *this; }
  friend bool operator==(const FixedVec3&, const FixedVec3&) = default;
};
inline FixedVec3 to_fixed(const Vec3& v) { return {to_fixed(v.x), to_fixed(v.y), to_fixed(v.z)}; }
inline Vec3 from_fixed(const FixedVec3& v) { return {from_fixed(v.x), from_fixed(v.y), from_fixed(v.z)}; }
inline bool fits_fixed(const Vec3& v) {  // false for NaN too
  return std::abs(v.x) <= fixed_force_limit && std::abs(v.y) <= fixed_force_limit && std::abs(v.z) <= fixed_force_limit;
}

/// Nine fixed-point integers, row-major: the virial of one atom.
struct FixedMat3 {
  std::int64_t element[9] = {};
  FixedMat3& operator+=(const FixedMat3& o) {
    for (int k = 0; k < 9; ++k) element[k] += o.element[k];
    return *this;
  }
  friend bool operator==(const FixedMat3&, const FixedMat3&) = default;
};

/// Global sum (energy, virial, momentum, kinetic energy) in 128 bits: no realistic system can overflow it.
class FixedSum {
 public:
  /// Adds a finite value with |value| < 2^60; others mark the sum as invalid, and it then reads as NaN on every rank.
  void add(double value) {
    if (!(std::abs(value) < 0x1p60)) {
      invalid_ = 1;
      return;
    }
    const double high = std::trunc(value);  // exact split: the integer part can exceed 63 - 44 bits
    value_ +=
        (static_cast<__int128>(static_cast<std::int64_t>(high)) << 44) + std::llrint((value - high) * fixed_scale);
  }
  /// Adds this many multiples of 2^-44: a sum formed elsewhere, such as on a GPU.
  void add_multiples(__int128 multiples) { value_ += multiples; }
  FixedSum& operator+=(const FixedSum& o) {
    value_ += o.value_;
    invalid_ |= o.invalid_;
    return *this;
  }
  [[nodiscard]] double value() const {
    return invalid_ ? std::nan("") : static_cast<double>(value_) * fixed_resolution;
  }
  [[nodiscard]] bool valid() const { return invalid_ == 0; }
  friend bool operator==(const FixedSum&, const FixedSum&) = default;

 private:
  __int128 value_ = 0;
  std::int64_t invalid_ = 0;
  std::int64_t reserved_ = 0;  // keeps the object free of padding bytes, so that it can be compared and sent as bytes
};
static_assert(sizeof(FixedSum) == 32);

/// Symmetric-or-not 3x3 tensor of sums.
struct FixedTensor {
  FixedSum element[9];
  void add(const Mat3& m) {
    for (int i = 0; i < 3; ++i)
      for (int j = 0; j < 3; ++j) element[3 * i + j].add(m[i][j]);
  }
  FixedTensor& operator+=(const FixedTensor& o) {
    for (int k = 0; k < 9; ++k) element[k] += o.element[k];
    return *this;
  }
  [[nodiscard]] Mat3 value() const {
    Mat3 m;
    for (int i = 0; i < 3; ++i)
      for (int j = 0; j < 3; ++j) m[i][j] = element[3 * i + j].value();
    return m;
  }
  friend bool operator==(const FixedTensor&, const FixedTensor&) = default;
};

}  // namespace haven
