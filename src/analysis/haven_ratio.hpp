#pragma once
#include "analysis/estimate.hpp"

namespace haven {

/// H_R = D* / D_sigma from log H_R = log D* - log D_sigma. The two errors are correlated, since the ions make up the
/// collective displacement P: for Gaussian displacements Cov(dr_i^2, dP^2) = 2 Cov(dr_i, dP)^2, which gives
/// Cov(ln D*, ln D_sigma) = Var(ln D_sigma) / (N H_R).
/// Refused when either is refused; the reason is passed on.
[[nodiscard]] Estimate haven_ratio(const Estimate& tracer, const Estimate& collective, long long n_ions);

}  // namespace haven
