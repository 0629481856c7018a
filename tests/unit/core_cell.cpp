#include <gtest/gtest.h>

#include <limits>

#include "core/cell.hpp"
#include "core/error.hpp"

namespace haven {

TEST(Cell, RefusesFlatCell) { EXPECT_THROW(Cell(Mat3{{{{1, 0, 0}, {2, 0, 0}, {0, 0, 1}}}}), InputError); }

TEST(Cell, RefusesWhatIsNotFinite) {
  for (const double bad : {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()})
    for (int a = 0; a < 3; ++a)
      for (int b = 0; b < 3; ++b) {
        Mat3 vectors = 5.0 * Mat3::identity();
        vectors[a][b] = bad;
        EXPECT_THROW(static_cast<void>(Cell(vectors)), InputError) << a << b;
      }
}

TEST(Cell, WrappingShiftBringsAnyPositionIntoTheCell) {
  const Cell cell(Mat3{{{{7, 0, 0}, {-3.5, 6, 0}, {1, 2, 9}}}});
  for (const Vec3 position : {Vec3{100, -50, 30}, Vec3{-1e-9, 0, 0}, Vec3{3, 3, 3}}) {
    const Vec3 f = cell.to_fractional(position + cell.translation(cell.wrapping_shift(position)));
    for (int k = 0; k < 3; ++k) {
      EXPECT_GE(f[k], -1e-12);
      EXPECT_LE(f[k], 1 + 1e-12);
    }
  }
}

}  // namespace haven
