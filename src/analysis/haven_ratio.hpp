#pragma once
#include <span>

#include "analysis/estimate.hpp"

namespace haven {

/// H_R = D* / D_sigma from log H_R = log D* - log D_sigma.
/// @param correlation  of the two relative errors, from joint time blocks; 0 for many ions
/// Refused when either is refused; the reason is passed on.
[[nodiscard]] Estimate haven_ratio(const Estimate& tracer, const Estimate& collective, double correlation);

/// Correlation coefficient of paired block values, set to 0 unless it exceeds two standard errors (2/sqrt(n)).
[[nodiscard]] double block_correlation(std::span<const double> a, std::span<const double> b);

}  // namespace haven
