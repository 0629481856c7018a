#include "analysis/haven_ratio.hpp"

#include <algorithm>
#include <cmath>

#include "core/error.hpp"

namespace haven {

Estimate haven_ratio(const Estimate& tracer, const Estimate& collective, double correlation) {
  if (!tracer.determined()) return refused_estimate("D* is not determined: " + tracer.refused);
  if (!collective.determined()) return refused_estimate("D_sigma is not determined: " + collective.refused);
  const double a = tracer.log_sd(), b = collective.log_sd();
  const double variance = a * a + b * b - 2.0 * correlation * a * b;
  // The wider tail of the two carries over: it belongs to the dominant error.
  const auto tail = [](const Estimate& e, double sd) {
    return sd > 0 ? std::log(e.ci95[1] / e.value) / (1.959963984540054 * sd) : 1.0;
  };
  const double factor = b >= a ? tail(collective, b) : tail(tracer, a);
  // Perfectly correlated errors (a single ion) leave no error; keep the interval from collapsing below rounding.
  const double sd = std::sqrt(std::max(variance, 1e-24));
  return log_normal_estimate(tracer.value / collective.value, sd, 3, std::max(1.0, factor));
}

double block_correlation(std::span<const double> a, std::span<const double> b) {
  HAVEN_ASSERT(a.size() == b.size());
  const auto n = static_cast<double>(a.size());
  if (a.size() < 4) return 0;
  double ma = 0, mb = 0;
  for (std::size_t k = 0; k < a.size(); ++k) ma += a[k] / n, mb += b[k] / n;
  double saa = 0, sbb = 0, sab = 0;
  for (std::size_t k = 0; k < a.size(); ++k) {
    saa += (a[k] - ma) * (a[k] - ma);
    sbb += (b[k] - mb) * (b[k] - mb);
    sab += (a[k] - ma) * (b[k] - mb);
  }
  if (saa <= 0 || sbb <= 0) return 0;
  const double r = sab / std::sqrt(saa * sbb);
  return std::abs(r) > 2.0 / std::sqrt(n) ? std::clamp(r, -1.0, 1.0) : 0.0;
}

}  // namespace haven
