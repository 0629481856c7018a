#pragma once
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>

/// Small value types shared by everything. Lengths are angstrom, energies eV, masses amu, times fs unless a name says
/// otherwise.
namespace haven {

using Index = std::int64_t;   ///< counts and offsets; signed, so that differences are safe
using AtomId = std::int64_t;  ///< identity of an atom, 0-based position in the input structure; never changes

/// Cartesian vector of three doubles.
struct Vec3 {
  double x = 0, y = 0, z = 0;

  constexpr double& operator[](int k) { return k == 0 ? x : (k == 1 ? y : z); }
  constexpr double operator[](int k) const { return k == 0 ? x : (k == 1 ? y : z); }
  constexpr Vec3& operator+=(const Vec3& o) { return x += o.x, y += o.y, z += o.z, *this; }
  constexpr Vec3& operator-=(const Vec3& o) { return x -= o.x, y -= o.y, z -= o.z, *this; }
  constexpr Vec3& operator*=(double s) { return x *= s, y *= s, z *= s, *this; }
  friend constexpr Vec3 operator+(Vec3 a, const Vec3& b) { return a += b; }
  friend constexpr Vec3 operator-(Vec3 a, const Vec3& b) { return a -= b; }
  friend constexpr Vec3 operator-(const Vec3& a) { return {-a.x, -a.y, -a.z}; }
  friend constexpr Vec3 operator*(double s, Vec3 a) { return a *= s; }
  friend constexpr Vec3 operator*(Vec3 a, double s) { return a *= s; }
  friend constexpr bool operator==(const Vec3&, const Vec3&) = default;
};

constexpr double dot(const Vec3& a, const Vec3& b) { return a.x * b.x + a.y * b.y + a.z * b.z; }
constexpr Vec3 cross(const Vec3& a, const Vec3& b) {
  return {a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x};
}
constexpr double norm2(const Vec3& a) { return dot(a, a); }
inline double norm(const Vec3& a) { return std::sqrt(norm2(a)); }
inline bool is_finite(const Vec3& a) { return std::isfinite(a.x) && std::isfinite(a.y) && std::isfinite(a.z); }

/// 3x3 matrix, row-major. As a cell its rows are the lattice vectors a, b, c.
struct Mat3 {
  std::array<Vec3, 3> row{};

  constexpr Vec3& operator[](int k) { return row[static_cast<std::size_t>(k)]; }
  constexpr const Vec3& operator[](int k) const { return row[static_cast<std::size_t>(k)]; }
  constexpr Mat3& operator+=(const Mat3& o) {
    return row[0] += o.row[0], row[1] += o.row[1], row[2] += o.row[2], *this;
  }
  constexpr Mat3& operator*=(double s) { return row[0] *= s, row[1] *= s, row[2] *= s, *this; }
  friend constexpr Mat3 operator+(Mat3 a, const Mat3& b) { return a += b; }
  friend constexpr Mat3 operator*(double s, Mat3 a) { return a *= s; }
  friend constexpr bool operator==(const Mat3&, const Mat3&) = default;
  static constexpr Mat3 identity() { return {{{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}}}; }
};

/// v * M for a row vector v: with M a cell and v fractional coordinates this is the Cartesian position.
constexpr Vec3 operator*(const Vec3& v, const Mat3& m) { return v.x * m.row[0] + v.y * m.row[1] + v.z * m.row[2]; }
constexpr Mat3 operator*(const Mat3& a, const Mat3& b) { return {{{a.row[0] * b, a.row[1] * b, a.row[2] * b}}}; }
constexpr double determinant(const Mat3& m) { return dot(m.row[0], cross(m.row[1], m.row[2])); }
constexpr Mat3 transpose(const Mat3& m) {
  return {{{{m[0].x, m[1].x, m[2].x}, {m[0].y, m[1].y, m[2].y}, {m[0].z, m[1].z, m[2].z}}}};
}
/// Outer product a (x) b: element (i, j) = a_i b_j.
constexpr Mat3 outer(const Vec3& a, const Vec3& b) { return {{{a.x * b, a.y * b, a.z * b}}}; }
/// Inverse; the caller guarantees a determinant that is not zero.
constexpr Mat3 inverse(const Mat3& m) {
  const double d = 1.0 / determinant(m);
  const Vec3 bc = cross(m[1], m[2]), ca = cross(m[2], m[0]), ab = cross(m[0], m[1]);
  return {{{{bc.x * d, ca.x * d, ab.x * d}, {bc.y * d, ca.y * d, ab.y * d}, {bc.z * d, ca.z * d, ab.z * d}}}};
}

/// Integer lattice translation (n_a, n_b, n_c): the vector n_a a + n_b b + n_c c.
struct LatticeShift {
  std::int32_t a = 0, b = 0, c = 0;
  friend constexpr auto operator<=>(const LatticeShift&, const LatticeShift&) = default;
};

}  // namespace haven
