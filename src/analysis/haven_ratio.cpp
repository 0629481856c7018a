#include "analysis/haven_ratio.hpp"

#include <algorithm>
#include <cmath>

namespace haven {

Estimate haven_ratio(const Estimate& tracer, const Estimate& collective, long long n_ions) {
  if (!tracer.determined()) return refused_estimate("D* is not determined: " + tracer.refused);
  if (!collective.determined()) return refused_estimate("D_sigma is not determined: " + collective.refused);
  const double a = tracer.log_sd(), b = collective.log_sd();
  const double ratio = tracer.value / collective.value;
  const double covariance = std::min(b * b / (static_cast<double>(n_ions) * ratio), a * b);
  const double variance = a * a + b * b - 2.0 * covariance;
  // The wider tail of the two carries over: it belongs to the dominant error.
  const auto tail = [](const Estimate& e, double sd) {
    return sd > 0 ? std::log(e.ci95[1] / e.value) / (1.959963984540054 * sd) : 1.0;
  };
  const double factor = b >= a ? tail(collective, b) : tail(tracer, a);
  // Perfectly correlated errors (a single ion) leave no error; keep the interval from collapsing below rounding.
  const double sd = std::sqrt(std::max(variance, 1e-24));
  return log_normal_estimate(tracer.value / collective.value, sd, 3, std::max(1.0, factor));
}

}  // namespace haven
