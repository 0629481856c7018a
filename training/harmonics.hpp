#pragma once
#include <array>
#include <cmath>
#include <cstddef>
#include <numbers>

namespace haven::training {

/// Largest l of any descriptor (zeta = 16 of the wide angular functions).
inline constexpr int harmonics_l_limit = 16;

/// Number of (l, m) up to l_max, and the place of (l, m), m = -l..l.
constexpr int harmonics_count(int l_max) { return (l_max + 1) * (l_max + 1); }
constexpr int harmonics_index(int l, int m) { return l * (l + 1) + m; }

/// Constants of the real orthonormal spherical harmonics Y_lm = F_lm Q_lm(z) Re or Im (x + iy)^|m| of a unit vector,
/// with Q_lm = d^m P_l/dz^m, for which dQ_lm/dz = Q_l,m+1.
template <class T>
struct HarmonicsConstants {
  /// F_lm = sqrt((2 - delta_m0) (2l+1)/(4 pi) (l-m)!/(l+m)!) at harmonics_index(l, m), m >= 0.
  std::array<T, static_cast<std::size_t>(harmonics_count(harmonics_l_limit))> norm{};
  std::array<T, harmonics_l_limit + 1> reciprocal{};  ///< 1/k

  HarmonicsConstants() {
    for (int l = 0; l <= harmonics_l_limit; ++l)
      for (int m = 0; m <= l; ++m) {
        double ratio = (2 * l + 1) / (4 * std::numbers::pi) * (m > 0 ? 2.0 : 1.0);
        for (int k = l - m + 1; k <= l + m; ++k) ratio /= k;
        norm[static_cast<std::size_t>(harmonics_index(l, m))] = static_cast<T>(std::sqrt(ratio));
      }
    for (int k = 1; k <= harmonics_l_limit; ++k) reciprocal[static_cast<std::size_t>(k)] = static_cast<T>(1.0 / k);
  }
};

}  // namespace haven::training
