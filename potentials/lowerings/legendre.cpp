#include "potentials/lowerings/legendre.hpp"

namespace haven {

std::vector<double> times_x(const std::vector<double>& series) {
  std::vector<double> out(series.size() + 1, 0.0);
  for (std::size_t l = 0; l < series.size(); ++l) {
    const auto degree = static_cast<double>(l);
    out[l + 1] += series[l] * (degree + 1) / (2 * degree + 1);
    if (l > 0) out[l - 1] += series[l] * degree / (2 * degree + 1);
  }
  return out;
}

std::vector<double> legendre_of_power(double lambda, int zeta) {
  std::vector<double> series{1.0};
  for (int k = 0; k < zeta; ++k) {
    std::vector<double> next = times_x(series);
    for (double& a : next) a *= lambda;
    for (std::size_t l = 0; l < series.size(); ++l) next[l] += series[l];
    series = next;
  }
  return series;
}

std::vector<double> legendre_of_chebyshev(int n) {
  std::vector<double> before{1.0}, current{0.0, 1.0};
  if (n == 0) return before;
  for (int k = 1; k < n; ++k) {
    std::vector<double> next = times_x(current);
    for (double& a : next) a *= 2;
    for (std::size_t l = 0; l < before.size(); ++l) next[l] -= before[l];
    before = current;
    current = next;
  }
  return current;
}

}  // namespace haven
