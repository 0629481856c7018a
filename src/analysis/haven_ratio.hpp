#pragma once
#include "analysis/estimate.hpp"
#include "analysis/regression.hpp"

namespace haven {

/// H_R = D* / D_sigma from log H_R = log D* - log D_sigma. The two errors are correlated, since the ions make up the
/// collective displacement P: for Gaussian displacements Cov(dr_i^2, dP^2) = 2 Cov(dr_i, dP)^2, which gives
/// Cov(ln D*, ln D_sigma) = Var(ln D_sigma) / (N H_R).
/// Refused when either is refused; the reason is passed on.
[[nodiscard]] Estimate haven_ratio(const Estimate& tracer, const Estimate& collective, long long n_ions);

/// Factor on the standard error of D* for motion that ions share. The scatter over ions misses the covariance of their
/// squared displacements, 2 Cov(dr_i, dr_j)^2. The mean correlation of two ions follows from H_R: (N - 1) rho =
/// 1/H_R - 1; equal for all pairs it raises the variance by 1 + (N - 1) rho^2. Motion shared by few neighbours raises
/// it more, which the blocks of the run show (TR007). 1 when D_sigma is not known to 50 %.
[[nodiscard]] double shared_motion_factor(const LineFit& tracer, const LineFit& collective, long long n_ions);

}  // namespace haven
