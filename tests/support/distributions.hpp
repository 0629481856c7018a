#pragma once
#include <functional>
#include <vector>

/// Do samples follow a distribution? Probabilities that ones drawn from it would fit as badly as these do.
namespace haven::testing {

/// Cumulative distribution of Gamma(shape, scale): the regularised lower incomplete gamma function P(shape, x/scale),
/// by its series below shape + 1 and by its continued fraction above (Abramowitz & Stegun 6.5.29, 6.5.31).
[[nodiscard]] double gamma_cumulative(double shape, double scale, double x);

using Cumulative = std::function<double(double)>;
/// Kolmogorov-Smirnov test of independent samples (asymptotic distribution with Stephens' correction, JRSS B 32, 115
/// (1970)).
[[nodiscard]] double kolmogorov_smirnov(std::vector<double> samples, const Cumulative& cumulative);
/// Chi-squared test over `bins` bins of equal probability.
[[nodiscard]] double chi_squared_test(const std::vector<double>& samples, const Cumulative& cumulative, int bins);

}  // namespace haven::testing
