#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <utility>

#include "analysis/arrhenius.hpp"
#include "analysis/distributions.hpp"
#include "core/error.hpp"
#include "core/rng.hpp"
#include "core/units.hpp"

namespace haven {
namespace {

/// A bound stands for a Poisson count of zero: the expected count is 3 (rule of three) where the quantity equals its 95
/// % bound.
constexpr double events_at_bound = 2.995732273553991;  // -ln 0.05

/// y = a + b (x - centre) with x = 1 / (kB T) in 1/eV: Ea = -b.
struct LinePosterior {
  double centre = 0;
  Eigen::Vector2d mode = Eigen::Vector2d::Zero();
  Eigen::Matrix2d covariance = Eigen::Matrix2d::Zero();
};

double inverse_energy(double temperature_K) { return 1.0 / (units::boltzmann * temperature_K); }

/// Logarithm of the posterior density and, when asked for, its gradient and negative Hessian.
double log_density(std::span<const ArrheniusPoint> points, double centre, double birge, const Eigen::Vector2d& theta,
                   Eigen::Vector2d* gradient, Eigen::Matrix2d* curvature) {
  double value = 0;
  for (const ArrheniusPoint& point : points) {
    const Eigen::Vector2d row(1.0, inverse_energy(point.temperature_K) - centre);
    const double y = row.dot(theta);
    double slope = 0, bend = 0;
    if (point.upper_bound) {
      const double expected = events_at_bound * std::exp(std::min(y - *point.upper_bound, 50.0));
      value -= expected, slope = -expected, bend = expected;
    } else {
      const double sd = birge * point.sd;
      value -= 0.5 * (point.y - y) * (point.y - y) / (sd * sd), slope = (point.y - y) / (sd * sd),
                                                                bend = 1.0 / (sd * sd);
    }
    if (gradient != nullptr) *gradient += slope * row;
    if (curvature != nullptr) *curvature += bend * row * row.transpose();
  }
  return value;
}

/// Newton's method from the weighted least-squares line; the posterior is log-concave, steps are halved until they
/// climb.
LinePosterior find_mode(std::span<const ArrheniusPoint> points, double birge) {
  LinePosterior result;
  double weight = 0;
  for (const ArrheniusPoint& point : points)
    if (!point.upper_bound) {
      const double w = 1.0 / (point.sd * point.sd);
      result.centre += w * inverse_energy(point.temperature_K), weight += w;
    }
  result.centre /= weight;
  std::vector<ArrheniusPoint> determined;
  for (const ArrheniusPoint& point : points)
    if (!point.upper_bound) determined.push_back(point);
  Eigen::Vector2d gradient = Eigen::Vector2d::Zero();
  Eigen::Matrix2d curvature = Eigen::Matrix2d::Zero();
  log_density(determined, result.centre, birge, result.mode, &gradient, &curvature);
  result.mode = curvature.inverse() * gradient;  // exact for the determined points, starting from zero
  for (int step = 0; step < 100; ++step) {
    gradient.setZero(), curvature.setZero();
    const double here = log_density(points, result.centre, birge, result.mode, &gradient, &curvature);
    Eigen::Vector2d move = curvature.inverse() * gradient;
    for (int k = 0; k < 60 && log_density(points, result.centre, birge, result.mode + move, nullptr, nullptr) < here;
         ++k)
      move *= 0.5;
    result.mode += move;
    if (move.norm() < 1e-12 * (1.0 + result.mode.norm())) break;
  }
  result.covariance = curvature.inverse();
  return result;
}

/// Equally weighted draws of (a, b): importance sampling with a Student-t proposal of 5 degrees of freedom, systematic
/// resampling.
std::vector<Eigen::Vector2d> sample(std::span<const ArrheniusPoint> points, const LinePosterior& posterior,
                                    double birge, const ArrheniusOptions& options) {
  constexpr double dof = 5.0;
  RandomSequence random(options.seed, Stream::bootstrap, 0);
  const Eigen::Matrix2d root = posterior.covariance.llt().matrixL();
  const auto count = static_cast<std::size_t>(options.samples);
  std::vector<Eigen::Vector2d> draws(count);
  std::vector<double> log_weight(count);
  for (std::size_t k = 0; k < count; ++k) {
    const double u = random.normal(), v = random.normal();
    const Eigen::Vector2d z = std::sqrt(dof / (2.0 * random.gamma(0.5 * dof))) * Eigen::Vector2d(u, v);
    draws[k] = posterior.mode + root * z;
    const double log_proposal = -0.5 * (dof + 2.0) * std::log1p(z.squaredNorm() / dof);
    log_weight[k] = log_density(points, posterior.centre, birge, draws[k], nullptr, nullptr) - log_proposal;
  }
  const double largest = *std::max_element(log_weight.begin(), log_weight.end());
  double total = 0;
  for (double& w : log_weight) total += w = std::exp(w - largest);
  std::vector<Eigen::Vector2d> kept;
  double sum = 0;
  std::size_t source = 0;
  for (std::size_t k = 0; k < count; ++k) {
    const double level = (static_cast<double>(k) + 0.5) / static_cast<double>(count) * total;
    while (source + 1 < count && sum + log_weight[source] < level) sum += log_weight[source++];
    kept.push_back(draws[source]);
  }
  return kept;
}

double quantile(const std::vector<double>& sorted, double p) {
  const double position = p * static_cast<double>(sorted.size() - 1);
  const auto low = static_cast<std::size_t>(position);
  const std::size_t high = std::min(low + 1, sorted.size() - 1);
  return sorted[low] + (position - static_cast<double>(low)) * (sorted[high] - sorted[low]);
}

/// The draw at a quantile, without sorting all of them.
double order_statistic(std::vector<double>& draws, double p) {
  const auto at = draws.begin() + static_cast<std::ptrdiff_t>(p * static_cast<double>(draws.size() - 1));
  std::nth_element(draws.begin(), at, draws.end());
  return *at;
}

Estimate estimate_from(std::vector<double> draws, int points) {
  std::sort(draws.begin(), draws.end());
  Estimate e;
  e.value = quantile(draws, 0.5);
  e.ci68 = {quantile(draws, 0.16), quantile(draws, 0.84)};
  e.ci95 = {quantile(draws, 0.025), quantile(draws, 0.975)};
  e.n_eff = points;
  return e;
}

void add_chi2(std::span<const ArrheniusPoint> points, const LinePosterior& posterior, ArrheniusLine& line) {
  line.chi2 = 0;
  for (const ArrheniusPoint& point : points) {
    if (point.upper_bound) continue;
    const double y = posterior.mode(0) + posterior.mode(1) * (inverse_energy(point.temperature_K) - posterior.centre);
    line.chi2 += std::pow((point.y - y) / point.sd, 2);
  }
  line.dof = line.points - 2;
  line.p_value = line.dof > 0 ? chi2_survival(line.chi2, line.dof) : 1.0;
  line.birge = line.p_value < 0.05 ? std::sqrt(line.chi2 / line.dof) : 1.0;
}

void add_band(const std::vector<Eigen::Vector2d>& draws, double centre, double target_K, ArrheniusLine& line) {
  const double low = std::min(1.0 / line.T_max, 1.0 / target_K), high = std::max(1.0 / line.T_min, 1.0 / target_K);
  constexpr int steps = 48;
  for (int k = 0; k <= steps; ++k) {
    const double x = low + (high - low) * k / steps;
    std::vector<double> y;
    for (const Eigen::Vector2d& d : draws) y.push_back(d(0) + d(1) * (x / units::boltzmann - centre));
    line.band_inverse_T.push_back(x);
    line.band_low.push_back(order_statistic(y, 0.025));
    line.band_mid.push_back(order_statistic(y, 0.5));
    line.band_high.push_back(order_statistic(y, 0.975));
  }
}

}  // namespace

ArrheniusLine fit_arrhenius_line(std::span<const ArrheniusPoint> points, const ArrheniusOptions& options) {
  ArrheniusLine line;
  for (const ArrheniusPoint& point : points) {
    HAVEN_ASSERT(point.temperature_K > 0 && (point.upper_bound || point.sd > 0));
    if (point.upper_bound) {
      ++line.censored;
      continue;
    }
    line.T_min = line.points == 0 ? point.temperature_K : std::min(line.T_min, point.temperature_K);
    line.T_max = std::max(line.T_max, point.temperature_K);
    ++line.points;
  }
  HAVEN_ASSERT(line.points >= 2 && line.T_max > line.T_min && options.samples >= 100);
  LinePosterior posterior = find_mode(points, 1.0);
  add_chi2(points, posterior, line);
  if (line.birge > 1.0) posterior = find_mode(points, line.birge);
  const std::vector<Eigen::Vector2d> draws = sample(points, posterior, line.birge, options);
  std::vector<double> energy, prefactor;
  const double target = inverse_energy(options.target_K) - posterior.centre;
  for (const Eigen::Vector2d& d : draws) {
    energy.push_back(-d(1));
    prefactor.push_back(d(0) - d(1) * posterior.centre);
    line.draws_at_target.push_back(d(0) + d(1) * target);
  }
  double mean_e = 0, mean_p = 0;
  const auto n = static_cast<double>(draws.size());
  for (std::size_t k = 0; k < draws.size(); ++k) mean_e += energy[k] / n, mean_p += prefactor[k] / n;
  for (std::size_t k = 0; k < draws.size(); ++k) line.covariance += (energy[k] - mean_e) * (prefactor[k] - mean_p) / n;
  line.Ea_eV = estimate_from(std::move(energy), line.points);
  line.ln_prefactor = estimate_from(std::move(prefactor), line.points);
  line.y_at_target = estimate_from(line.draws_at_target, line.points);
  add_band(draws, posterior.centre, options.target_K, line);
  return line;
}

}  // namespace haven
