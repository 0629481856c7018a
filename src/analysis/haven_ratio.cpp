#include "analysis/haven_ratio.hpp"

namespace haven {

Estimate haven_ratio(const Estimate& tracer, const Estimate& collective, long long n_ions) {
  if (!tracer.determined()) return refused_estimate("D* is not determined: " + tracer.refused);
  if (!collective.determined()) return refused_estimate("D_sigma is not determined: " + collective.refused);
  const double b = collective.log_sd(), ratio = tracer.value / collective.value;
  return ratio_estimate(tracer, collective, b * b / (static_cast<double>(n_ions) * ratio));
}

}  // namespace haven
