#include "training/reference_energies.hpp"

#include <Eigen/Dense>
#include <cmath>
#include <numeric>

namespace haven::training {

ReferenceEnergies fit_reference_energies(const std::vector<std::vector<Index>>& counts,
                                         std::span<const double> energies) {
  // The pull must not bias well-determined elements (their eigenvalues are of the order of their content squared) and
  // must win where compositions are equal up to rounding.
  constexpr double pull = 1e-9, rank_limit = 1e-7;
  ReferenceEnergies result;
  if (counts.empty()) return result;
  const auto n = static_cast<Eigen::Index>(counts.size()), k = static_cast<Eigen::Index>(counts.front().size());
  Eigen::MatrixXd share(n, k);
  Eigen::VectorXd energy(n);
  for (Eigen::Index f = 0; f < n; ++f) {
    const auto& row = counts[static_cast<std::size_t>(f)];
    const double atoms = static_cast<double>(std::accumulate(row.begin(), row.end(), Index{0}));
    for (Eigen::Index a = 0; a < k; ++a) share(f, a) = static_cast<double>(row[static_cast<std::size_t>(a)]) / atoms;
    energy(f) = energies[static_cast<std::size_t>(f)] / atoms;
  }
  // Shares of a frame add up to one: with e_a = mean + d_a the fit is of the energies' deviations from their mean.
  const double mean = energy.mean();
  const Eigen::VectorXd deviation = energy.array() - mean;
  const Eigen::MatrixXd normal = share.transpose() * share / static_cast<double>(n);
  const Eigen::MatrixXd damped = normal + pull * Eigen::MatrixXd::Identity(k, k);
  const Eigen::VectorXd d = damped.ldlt().solve(share.transpose() * deviation / static_cast<double>(n));
  result.determined = Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd>(normal).eigenvalues().minCoeff() > rank_limit;
  for (Eigen::Index a = 0; a < k; ++a) result.values.push_back(mean + d(a));
  result.residual = std::sqrt((deviation - share * d).squaredNorm() / static_cast<double>(n));
  return result;
}

}  // namespace haven::training
