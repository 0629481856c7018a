#include "analysis/planner.hpp"

#include <fmt/core.h>

#include <cmath>
#include <limits>

#include "analysis/distributions.hpp"
#include "core/units.hpp"

namespace haven {

double collective_relative_error(double run_ps, double tau0_ps, int dimensions) {
  return 1.55 * std::sqrt(2.0 * tau0_ps / (dimensions * run_ps));
}

double needed_run_ps(double tau0_ps, double relative_error, int dimensions) {
  return 1.55 * 1.55 * 2.0 / dimensions * tau0_ps / (relative_error * relative_error);
}

double onset_from_diffusion_ps(double d_cm2_per_s, double hop_length, int dimensions) {
  return hop_length * hop_length * units::a2_per_ps_in_cm2_per_s / (2.0 * dimensions * d_cm2_per_s);
}

double poisson_upper_bound(long long count, double confidence) {
  return 0.5 * chi2_quantile(confidence, 2.0 * (static_cast<double>(count) + 1.0));
}

double he_zhu_mo_relative_error(double effective_hops) { return 3.43 / std::sqrt(effective_hops) + 0.04; }

double jumped_ions_relative_error(double ions, double jumped) {
  if (!(jumped > 0)) return std::numeric_limits<double>::infinity();
  const double inverse_jumps = jumped < ions ? -1.0 / std::log1p(-jumped / ions) : 0.0;
  return std::sqrt((2.0 / 3.0 + inverse_jumps) / ions);
}

std::string format_time_ps(double ps) {
  if (ps < 1000.0) return fmt::format("{:.3g} ps", ps);
  if (ps < 1e6) return fmt::format("{:.3g} ns", ps / 1e3);
  if (ps < 1e9) return fmt::format("{:.3g} us", ps / 1e6);
  return fmt::format("{:.2g} s", ps / 1e12);
}

}  // namespace haven
