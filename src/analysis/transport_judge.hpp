#pragma once
#include <string>

#include "analysis/estimate.hpp"
#include "analysis/regression.hpp"
#include "analysis/transport.hpp"

namespace haven {

/// What the decisions about one temperature need beyond the fits.
struct JudgeInput {
  long long n_ions = 0, hops = 0;
  double total_ps = 0;  ///< sum over replicas
  double interval_ps = 0;
  double hop_length = 0;  ///< A
  bool host_mobile = false;
};

/// Smallest Haven ratio that the bound on D_sigma allows for when only hops were counted: concerted strings of up to
/// five ions.
inline constexpr double haven_ratio_floor = 0.2;

/// D* < lambda a^2 / (2 d N T): lambda is the one-sided 95 % Poisson bound on the number of hops. cm^2/s.
[[nodiscard]] double hop_bound_cm2_per_s(const JudgeInput& input);
/// One-sided 95 % bound from one lag: y / (2 d tau) of a chi-squared variable with 2 y^2 / variance degrees of freedom.
/// cm^2/s.
[[nodiscard]] double displacement_bound_cm2_per_s(double y, double variance, double tau_ps);

/// Too few hops (less than one per ion and fewer than min_hops in total): the reason, otherwise empty.
[[nodiscard]] std::string too_few_hops(const JudgeInput& input, const TransportOptions& options);
/// D from a fit that passed the window tests, or a refusal with `bound` when its relative error exceeds the limit.
[[nodiscard]] Estimate judge_fit(const LineFit& fit, const WindowChoice& window, const JudgeInput& input,
                                 const TransportOptions& options, double bound);
/// Refusal of a run that never became diffusive.
[[nodiscard]] Estimate refuse_subdiffusive(const WindowChoice& window, const JudgeInput& input,
                                           const TransportOptions& options, double d_estimate, double bound);

}  // namespace haven
