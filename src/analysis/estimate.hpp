#pragma once
#include <array>
#include <optional>
#include <string>
#include <vector>

namespace haven {

/// A physical quantity as it is reported: a value with intervals, or a refusal with a bound.
struct Estimate {
  double value = 0;                      ///< posterior median; meaningless when refused
  std::array<double, 2> ci68{}, ci95{};  ///< central intervals, same unit as value
  double n_eff = 0;  ///< independent 3-D displacements that would give the same relative error: 2/(d r^2)
  std::optional<double> upper_bound{};  ///< one-sided 95 % bound when the data give only that
  std::string refused{};                ///< why there is no value and what to do; empty when there is one

  [[nodiscard]] bool determined() const { return refused.empty(); }
  /// Half width of the 68 % interval of ln(value): the relative standard error of a positive quantity.
  [[nodiscard]] double log_sd() const;
};

/// value * exp(-+ z log_sd): the intervals of a positive quantity whose relative error is known. n_eff = 2 /
/// (dimensions log_sd^2). `quantile_factor` >= 1 widens the 95 % interval when the error itself was estimated from few
/// samples (Student t / normal).
[[nodiscard]] Estimate log_normal_estimate(double value, double log_sd, int dimensions = 3,
                                           double quantile_factor = 1.0);
/// A refused estimate.
[[nodiscard]] Estimate refused_estimate(std::string reason, std::optional<double> upper_bound = std::nullopt);
/// The estimate times a positive exact factor (unit conversion).
[[nodiscard]] Estimate scaled(Estimate estimate, double factor);

/// numerator / denominator of two determined positive quantities, from the difference of their logarithms; the wider
/// tail of the two carries over with the larger error. `covariance` of the logarithms is at most what perfect
/// correlation gives.
[[nodiscard]] Estimate ratio_estimate(const Estimate& numerator, const Estimate& denominator, double covariance = 0);

/// A message with a stable code; codes are listed in docs/warnings.md.
struct AnalysisWarning {
  std::string code;  ///< e.g. "TR012"
  std::string text;
};

}  // namespace haven
