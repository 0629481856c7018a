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

[[nodiscard]] double mean_of(const std::vector<double>& values);
[[nodiscard]] double variance_of(const std::vector<double>& values);

/// Mean of a correlated series with its standard error from block averages.
struct Blocks {
  double mean = 0, error = 0;
};
[[nodiscard]] Blocks blocks_of(const std::vector<double>& values, std::size_t blocks);
/// How many successive samples are worth one independent one: 1 + 2 sum of the autocorrelation up to its first value
/// below zero.
[[nodiscard]] double inefficiency(const std::vector<double>& values);

/// Slope b of ln(p2(x)/p1(x)) = a + b x by maximum likelihood (Shirts, J. Chem. Theory Comput. 9, 909 (2013)), with its
/// standard error for independent samples.
struct RatioSlope {
  double slope = 0, error = 0;
};
[[nodiscard]] RatioSlope ratio_slope(const std::vector<double>& first, const std::vector<double>& second);

}  // namespace haven::testing
