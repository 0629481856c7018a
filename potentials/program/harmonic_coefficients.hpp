#pragma once
/// Coefficients of real spherical harmonics up to l = 16, computed at compile time.
namespace haven {

inline constexpr int largest_l = 16;

/// Position of (l, m >= 0) in tables over 0 <= m <= l.
constexpr int triangle(int l, int m) { return l * (l + 1) / 2 + m; }

namespace detail {
constexpr double square_root(double x) {  // Newton's iteration to the last bit; std::sqrt is not constexpr
  if (x == 0) return 0;
  double guess = x > 1 ? x : 1, before = 0;
  while (guess != before) {
    before = guess;
    guess = 0.5 * (guess + x / guess);
    if (guess >= before && before != 0 && guess - before <= guess * 1e-15) break;
  }
  return guess;
}
}  // namespace detail

/// Tables in the arithmetic of the lanes, so that no conversion is left for run time.
template <class Real>
struct HarmonicCoefficients {
  static constexpr int size = (largest_l + 1) * (largest_l + 2) / 2;
  Real diagonal[largest_l + 1] = {};  ///< Q_m^m
  Real ahead[size] = {};              ///< Q_l = ahead z Q_{l-1} - behind Q_{l-2}
  Real behind[size] = {};
  Real vertical[size] = {};  ///< d/dz (r^l Y_lm) = vertical r^{l-1} Y_{l-1,m}
  Real raise[size] = {};     ///< half the ratio of norms of (l, m) and (l-1, m+1); all of it for m = 0
  Real lower[size] = {};     ///< half the ratio of norms of (l, m) and (l-1, m-1)

  constexpr HarmonicCoefficients() {
    constexpr double pi = 3.14159265358979323846;
    double corner = detail::square_root(1.0 / (4 * pi));
    diagonal[0] = static_cast<Real>(corner);
    for (int m = 1; m <= largest_l; ++m) {
      corner *= detail::square_root((2.0 * m + 1) / (2.0 * m) * (m == 1 ? 2 : 1));
      diagonal[m] = static_cast<Real>(corner);
    }
    for (int l = 1; l <= largest_l; ++l)
      for (int m = 0; m <= l; ++m) set(l, m);
  }

 private:
  constexpr void set(int l, int m) {
    const int k = triangle(l, m);
    const double ratio = (2.0 * l + 1) / (2.0 * l - 1);
    if (m < l) {
      const double step = detail::square_root((4.0 * l * l - 1) / (l * l - m * m));
      ahead[k] = static_cast<Real>(step);
      behind[k] =
          static_cast<Real>(step * detail::square_root(((l - 1.0) * (l - 1) - m * m) / (4.0 * (l - 1) * (l - 1) - 1)));
      vertical[k] = static_cast<Real>(detail::square_root(ratio * (l - m) * (l + m)));
    }
    // Norms n_lm^2 = (2l+1)/(4 pi) (l-m)! (l+m)! (2 if m > 0) of the solid harmonics r^l P_l^m(cos) e^{im phi} /
    // (l+m)!.
    if (m + 1 < l)
      raise[k] = static_cast<Real>(0.5 * detail::square_root(ratio * (l - m) * (l - m - 1) * (m == 0 ? 2 : 1)));
    if (m > 0)
      lower[k] = static_cast<Real>(0.5 * detail::square_root(ratio * (l + m) * (l + m - 1) * (m == 1 ? 2 : 1)));
  }
};

template <class Real>
inline constexpr HarmonicCoefficients<Real> harmonic_coefficients{};

/// For bare harmonics H_lm = Y_lm / norm[l*l + l + m], the solid harmonics r^l P_l^m(cos) / (l+m)! with the real or
/// imaginary part of e^{im phi}: their derivatives are halves and ones of those below (Epton & Dembart, SIAM J. Sci.
/// Comput. 16, 865 (1995)). The recurrence has whole numbers, exact in every arithmetic.
template <class Real>
struct BareHarmonicCoefficients {
  static constexpr int size = (largest_l + 1) * (largest_l + 2) / 2;
  Real ahead[largest_l + 1] = {};  ///< U_l^m = ahead_l z U_{l-1}^m - behind U_{l-2}^m, from U_m^m = 1
  Real behind[size] = {};
  Real scale[size] = {};                                ///< H_l^m = scale U_l^m (x + iy)^m
  Real weight[(largest_l + 1) * (largest_l + 1)] = {};  ///< P_l(u . v) = sum_m weight_lm H_lm(u) H_lm(v)
  double norm[(largest_l + 1) * (largest_l + 1)] = {};

  constexpr BareHarmonicCoefficients() {
    constexpr double pi = 3.14159265358979323846;
    double corner = 1;  // 2^m m!
    for (int m = 0; m <= largest_l; ++m) {
      if (m > 0) corner *= 2.0 * m;
      double steps = corner;  // U / H: times l^2 - m^2 for each step up
      for (int l = m; l <= largest_l; ++l) {
        if (l > m) steps *= l * l - m * m;
        const int k = triangle(l, m);
        ahead[l] = static_cast<Real>(2 * l - 1);
        behind[k] = static_cast<Real>((l - 1) * (l - 1) - m * m);
        scale[k] = static_cast<Real>(1 / steps);
        const double rounding = static_cast<double>(scale[k]) * steps;  // of the scale: taken back in what follows
        double sum_of_squares = (m > 0 ? 2 : 1) / (rounding * rounding);
        for (int f = 2; f <= l - m; ++f) sum_of_squares *= f;
        for (int f = 2; f <= l + m; ++f) sum_of_squares *= f;
        weight[l * l + l + m] = weight[l * l + l - m] = static_cast<Real>(sum_of_squares);
        norm[l * l + l + m] = norm[l * l + l - m] = detail::square_root((2.0 * l + 1) / (4 * pi) * sum_of_squares);
      }
    }
  }
};

template <class Real>
inline constexpr BareHarmonicCoefficients<Real> bare_harmonic_coefficients{};

#ifdef __CUDACC__
/// The same in the GPU's constant memory; entries with a constant index become immediate operands.
template <class Real>
__constant__ const HarmonicCoefficients<Real> device_harmonic_coefficients{};
#endif

}  // namespace haven
