#pragma once
#include <array>
#include <cstdint>

/// An order of neighbours in space, so that vectors of successive ones are near each other and inside or outside the
/// cut-off of a third side together.
namespace haven {

inline constexpr int curve_side = 4, curve_cells = curve_side * curve_side * curve_side;

/// Position of the cell (x, y, z) of a 4 x 4 x 4 cube along the Hilbert curve.
/// J. Skilling, AIP Conf. Proc. 707, 381 (2004).
constexpr std::uint8_t hilbert_index(std::uint32_t x, std::uint32_t y, std::uint32_t z) {
  std::array<std::uint32_t, 3> axis{x, y, z};
  for (std::uint32_t q = curve_side / 2; q > 1; q >>= 1)
    for (std::uint32_t& a : axis) {
      const std::uint32_t swapped = (axis[0] ^ a) & (q - 1);
      if ((a & q) != 0) {
        axis[0] ^= q - 1;
      } else {
        axis[0] ^= swapped;
        a ^= swapped;
      }
    }
  axis[1] ^= axis[0];
  axis[2] ^= axis[1];
  std::uint32_t flip = 0;
  for (std::uint32_t q = curve_side / 2; q > 1; q >>= 1)
    if ((axis[2] & q) != 0) flip ^= q - 1;
  std::uint32_t index = 0;
  for (std::uint32_t bit = curve_side / 2; bit > 0; bit >>= 1)
    for (const std::uint32_t a : axis) index = index << 1 | static_cast<std::uint32_t>(((a ^ flip) & bit) != 0);
  return static_cast<std::uint8_t>(index);
}

/// [x][y][z]
constexpr std::array<std::uint8_t, curve_cells> make_curve() {
  std::array<std::uint8_t, curve_cells> curve{};
  for (std::uint32_t cell = 0; cell < curve_cells; ++cell)
    curve[cell] = hilbert_index(cell >> 4, cell >> 2 & 3, cell & 3);
  return curve;
}
inline constexpr std::array<std::uint8_t, curve_cells> space_curve = make_curve();

/// Position along the curve of a displacement of at most 2/scale in each direction.
inline std::uint8_t curve_position(double x, double y, double z, double scale) {
  const auto cell = [scale](double u) { return static_cast<std::uint32_t>(u * scale + 2.0) & 3; };
  return space_curve[cell(x) << 4 | cell(y) << 2 | cell(z)];
}

}  // namespace haven
