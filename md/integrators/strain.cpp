#include "md/integrators/strain.hpp"

#include <algorithm>
#include <cmath>

#include "core/error.hpp"

namespace haven {

Mat3 exponential(const Mat3& m) {
  constexpr int terms = 16;  // 0.5^16 / 16! is far below the rounding of the sum
  Mat3 result = Mat3::identity();
  for (int k = terms; k >= 1; --k) result = Mat3::identity() + (1.0 / k) * (m * result);
  return result;
}

Mat3 mean_exponential(const Mat3& m) {
  constexpr int terms = 16;
  Mat3 result = Mat3::identity();
  for (int k = terms; k >= 1; --k) result = Mat3::identity() + (1.0 / (k + 1)) * (m * result);
  return result;
}

Mat3 polar_rotation(const Mat3& m) {
  Mat3 rotation = m;
  for (int iteration = 0; iteration < 20; ++iteration) {
    const Mat3 next = 0.5 * (rotation + transpose(inverse(rotation)));
    const double change = squared_norm(next + (-1.0) * rotation);
    rotation = next;
    if (change < 1e-30) break;  // quadratic convergence: nothing is left beyond rounding
  }
  return rotation;
}

Mat3 symmetric_part(const Mat3& m) { return 0.5 * (m + transpose(m)); }

double trace(const Mat3& m) { return m[0].x + m[1].y + m[2].z; }

Mat3 traceless_part(const Mat3& m) { return m + (-trace(m) / 3) * Mat3::identity(); }

double squared_norm(const Mat3& m) { return norm2(m[0]) + norm2(m[1]) + norm2(m[2]); }

Mat3 allowed_strain(CellShape shape, const Mat3& tensor, const Mat3& cell) {
  if (shape == CellShape::isotropic) return (trace(tensor) / 3) * Mat3::identity();
  if (shape == CellShape::triclinic) return symmetric_part(tensor);
  const Mat3 in_frame = cell * tensor * inverse(cell);
  Mat3 diagonal;
  for (int k = 0; k < 3; ++k) diagonal[k][k] = in_frame[k][k];
  return diagonal;
}

std::vector<double> components(const Mat3& m) {
  std::vector<double> values;
  for (int k = 0; k < 3; ++k) values.insert(values.end(), {m[k].x, m[k].y, m[k].z});
  return values;
}

Mat3 matrix_of(const std::vector<double>& c) {
  HAVEN_ASSERT(c.size() == 9);
  return {{{{c[0], c[1], c[2]}, {c[3], c[4], c[5]}, {c[6], c[7], c[8]}}}};
}

double least_stretch(const Mat3& m) {
  const double mean = trace(m) / 3;
  return std::max(0.0, mean - std::sqrt(squared_norm(traceless_part(m))));
}

}  // namespace haven
