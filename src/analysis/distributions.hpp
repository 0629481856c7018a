#pragma once

namespace haven {

/// Standard normal distribution function.
[[nodiscard]] double normal_cdf(double z);
/// Inverse of normal_cdf for 0 < p < 1.
[[nodiscard]] double normal_quantile(double p);
/// P(X > x) of a chi-squared variable with `dof` > 0 degrees of freedom.
[[nodiscard]] double chi2_survival(double x, double dof);
/// Inverse of the chi-squared distribution function, 0 < p < 1.
[[nodiscard]] double chi2_quantile(double p, double dof);
/// Quantile of Student's t with `dof` > 0 (real) degrees of freedom.
[[nodiscard]] double student_quantile(double p, double dof);
/// P(|T| > |t|) of Student's t with `dof` > 0 degrees of freedom.
[[nodiscard]] double student_two_sided(double t, double dof);

}  // namespace haven
