#pragma once
#include <vector>

/// Polynomials in cos(theta) as Legendre series: element l multiplies P_l. All expansions are exact.
namespace haven {

/// x times a series, by (2l+1) x P_l = (l+1) P_{l+1} + l P_{l-1}.
[[nodiscard]] std::vector<double> times_x(const std::vector<double>& series);
/// (1 + lambda x)^zeta
[[nodiscard]] std::vector<double> legendre_of_power(double lambda, int zeta);
/// T_n(x)
[[nodiscard]] std::vector<double> legendre_of_chebyshev(int n);

}  // namespace haven
