#include "analysis/regression.hpp"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <utility>

#include "analysis/distributions.hpp"
#include "core/error.hpp"

namespace haven {
namespace {

std::size_t triangle(std::size_t a, std::size_t b) {
  if (a < b) std::swap(a, b);
  return a * (a + 1) / 2 + b;
}

/// Sums over offsets k = j - i of count(k) o^2, 2 count o delta, count delta^2 for lags m <= l.
std::array<double, 3> offset_sums(Index n, Index m, Index l) {
  const Index origins_m = n - m, origins_l = n - l;
  std::array<double, 3> sums{};
  for (Index k = -l; k <= m; ++k) {
    const Index count = std::min(origins_m, origins_l - k) - std::max<Index>(0, -k);
    if (count <= 0) continue;
    const Index overlap = std::max<Index>(0, std::min(m, k + l) - std::max<Index>(0, k));
    const int delta = (k == m - l) - (k == m) - (k == -l) + (k == 0);
    const auto c = static_cast<double>(count), o = static_cast<double>(overlap);
    sums[0] += c * o * o;
    sums[1] += 2.0 * c * o * delta;
    sums[2] += c * delta * delta;
  }
  const double scale = 2.0 / (static_cast<double>(origins_m) * static_cast<double>(origins_l));
  for (double& sum : sums) sum *= scale;
  return sums;
}

/// Slope and noise that the analytic covariance takes from the previous pass.
struct Plug {
  double slope = 0, intercept = 0;
};

Eigen::MatrixXd run_covariance(const RunCurve& run, std::span<const std::size_t> rows, const Plug& plug,
                               const FitShape& shape) {
  const auto k = static_cast<Eigen::Index>(rows.size());
  const double noise = std::max(0.0, plug.intercept) / (2.0 * shape.dimensions);
  Eigen::MatrixXd c = Eigen::MatrixXd::Zero(k, k);
  for (int axis = 0; axis < shape.dimensions; ++axis) {
    const double share =
        shape.axis_share.empty() ? 1.0 / shape.dimensions : shape.axis_share[static_cast<std::size_t>(axis)];
    for (Eigen::Index a = 0; a < k; ++a)
      for (Eigen::Index b = 0; b <= a; ++b)
        c(a, b) += (*run.covariance)(rows[static_cast<std::size_t>(a)], rows[static_cast<std::size_t>(b)],
                                     plug.slope * share, noise) /
                   run.walkers;
  }
  for (Eigen::Index a = 0; a < k; ++a)
    for (Eigen::Index b = 0; b < a; ++b) c(b, a) = c(a, b);
  return c;
}

/// Condition number of the matrix scaled to unit diagonal.
double condition(const Eigen::MatrixXd& c) {
  const Eigen::VectorXd inverse_sd = c.diagonal().cwiseSqrt().cwiseInverse();
  const Eigen::MatrixXd scaled_matrix = inverse_sd.asDiagonal() * c * inverse_sd.asDiagonal();
  const Eigen::VectorXd values =
      Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd>(scaled_matrix, Eigen::EigenvaluesOnly).eigenvalues();
  return values(0) > 0 ? values(values.size() - 1) / values(0) : 1e300;
}

/// Normal equations of one run: information matrix, right-hand side, and what the residual chi^2 needs.
struct RunSolution {
  Eigen::Matrix2d information;
  Eigen::Vector2d rhs;
  double y_weight_y = 0;
  Eigen::MatrixXd weighted_x;  ///< covariance^-1 X: rhs = weighted_x^T y
};

RunSolution solve_run(const RunCurve& run, std::span<const std::size_t> rows, const Eigen::MatrixXd& covariance) {
  const auto k = static_cast<Eigen::Index>(rows.size());
  Eigen::MatrixXd x(k, 2);
  Eigen::VectorXd y(k);
  for (Eigen::Index a = 0; a < k; ++a) {
    const std::size_t row = rows[static_cast<std::size_t>(a)];
    x(a, 0) = 1.0;
    x(a, 1) = static_cast<double>(run.covariance->lags()[row]);
    y(a) = run.y[row];
  }
  const Eigen::LLT<Eigen::MatrixXd> factored(covariance);
  HAVEN_ASSERT(factored.info() == Eigen::Success);
  const Eigen::MatrixXd wx = factored.solve(x);
  return {x.transpose() * wx, wx.transpose() * y, y.dot(factored.solve(y)), wx};
}

std::vector<RunSolution> solve_runs(std::span<const RunCurve> runs, std::span<const std::size_t> rows, const Plug& plug,
                                    const FitShape& shape) {
  std::vector<RunSolution> solutions;
  for (const RunCurve& run : runs) solutions.push_back(solve_run(run, rows, run_covariance(run, rows, plug, shape)));
  return solutions;
}

/// What each walker contributes to a slope that is `weights` . y.
std::vector<double> walker_slopes(const RunCurve& run, std::span<const std::size_t> rows,
                                  const Eigen::VectorXd& weights) {
  std::vector<double> slopes;
  for (const std::vector<double>& curve : run.walker_curves) {
    slopes.push_back(0);
    for (std::size_t a = 0; a < rows.size(); ++a)
      slopes.back() += weights(static_cast<Eigen::Index>(a)) * curve[rows[a]];
  }
  return slopes;
}

double variance_of_mean(std::span<const double> values) {
  const auto n = static_cast<double>(values.size());
  double mean = 0, sum = 0;
  for (const double value : values) mean += value / n;
  for (const double value : values) sum += (value - mean) * (value - mean);
  return sum / (n * (n - 1.0));
}

/// Errors of the common slope: measured over walkers where there are any.
void add_walkers(std::span<const RunCurve> runs, const std::vector<RunSolution>& solutions,
                 std::span<const std::size_t> rows, const Eigen::Matrix2d& inverse, LineFit& fit) {
  for (const RunCurve& run : runs) fit.shared_motion = std::max(fit.shared_motion, run.shared_motion);
  fit.analytic_sd = std::sqrt(inverse(1, 1));
  fit.slope_sd_within = fit.shared_motion * fit.analytic_sd;
  if (std::any_of(runs.begin(), runs.end(), [](const RunCurve& run) { return run.walker_curves.size() < 2; })) return;
  double variance = 0;
  for (std::size_t r = 0; r < runs.size(); ++r) {
    const Eigen::VectorXd weights = solutions[r].weighted_x * inverse.row(1).transpose();
    fit.walker_slopes.push_back(walker_slopes(runs[r], rows, weights));
    variance += variance_of_mean(fit.walker_slopes.back());
  }
  fit.slope_sd_within = fit.shared_motion * std::sqrt(variance);
}

/// DerSimonian & Laird: variance of the true slope between runs, and the error of the combined slope with it.
void add_random_effects(std::span<const RunCurve> curves, const std::vector<RunSolution>& runs,
                        std::span<const std::size_t> rows, LineFit& fit) {
  double weight = 0, weight2 = 0, mean = 0;
  for (std::size_t r = 0; r < runs.size(); ++r) {
    const Eigen::Matrix2d inverse = runs[r].information.inverse();
    double variance = inverse(1, 1);
    if (!fit.walker_slopes.empty())
      variance = variance_of_mean(walker_slopes(curves[r], rows, runs[r].weighted_x * inverse.row(1).transpose()));
    variance *= fit.shared_motion * fit.shared_motion;
    fit.run_slopes.push_back(inverse.row(1).dot(runs[r].rhs));
    fit.run_slope_sds.push_back(std::sqrt(variance));
    weight += 1.0 / variance, weight2 += 1.0 / (variance * variance), mean += fit.run_slopes.back() / variance;
  }
  fit.slope_sd = fit.slope_sd_within;
  const auto count = static_cast<double>(runs.size());
  if (runs.size() < 2) return;
  mean /= weight;
  double q = 0;
  for (std::size_t r = 0; r < runs.size(); ++r) q += std::pow((fit.run_slopes[r] - mean) / fit.run_slope_sds[r], 2);
  fit.heterogeneity_p = chi2_survival(q, count - 1.0);
  const double between = std::max(0.0, (q - (count - 1.0)) / (weight - weight2 / weight));
  if (between <= 0) return;
  fit.between_sd = std::sqrt(between);
  const double extra = between * weight2 / (weight * weight);
  fit.slope_sd = std::sqrt(fit.slope_sd_within * fit.slope_sd_within + extra);
  // Satterthwaite: only the between-run part of the variance was estimated from few runs.
  const double share = extra / (fit.slope_sd * fit.slope_sd);
  const double dof = (count - 1.0) / (share * share);
  fit.quantile_factor = student_quantile(0.975, dof) / normal_quantile(0.975);
}

/// Every lag of the range, thinned until the covariance of every run is well conditioned.
std::vector<std::size_t> usable_rows(std::span<const RunCurve> runs, const LagRange& range, const Plug& plug,
                                     const FitShape& shape) {
  std::vector<std::size_t> rows;
  for (std::size_t k = range.first; k < range.last; ++k) rows.push_back(k);
  const auto well_conditioned = [&] {
    return std::all_of(runs.begin(), runs.end(),
                       [&](const RunCurve& run) { return condition(run_covariance(run, rows, plug, shape)) < 1e10; });
  };
  while (rows.size() > 3 && !well_conditioned()) {
    std::vector<std::size_t> kept;
    for (std::size_t k = 0; k < rows.size(); k += 2) kept.push_back(rows[k]);
    rows = std::move(kept);
  }
  return rows;
}

/// Start of the passes, and what keeps the covariance positive when a pass gives a slope at or below zero.
Plug guarded(Plug plug, std::span<const RunCurve> runs, const LagRange& range) {
  double highest = 0;
  for (const RunCurve& run : runs)
    highest += run.y[range.last - 1] / static_cast<double>(run.covariance->lags()[range.last - 1]);
  highest /= static_cast<double>(runs.size());
  plug.slope = std::max({plug.slope, 0.05 * highest, 1e-12});
  return plug;
}

}  // namespace

OverlapCovariance::OverlapCovariance(Index n_positions, std::vector<Index> lags)
    : n_(n_positions), lags_(std::move(lags)) {
  sums_.resize(lags_.size() * (lags_.size() + 1) / 2);
  for (std::size_t a = 0; a < lags_.size(); ++a) {
    HAVEN_ASSERT(lags_[a] > 0 && lags_[a] < n_ && (a == 0 || lags_[a] > lags_[a - 1]));
    for (std::size_t b = 0; b <= a; ++b) sums_[triangle(a, b)] = offset_sums(n_, lags_[b], lags_[a]);
  }
}

double OverlapCovariance::operator()(std::size_t a, std::size_t b, double increment, double noise) const {
  const auto& s = sums_[triangle(a, b)];
  return increment * increment * s[0] + increment * noise * s[1] + noise * noise * s[2];
}

LineFit fit_line(std::span<const RunCurve> runs, const LagRange& range, const FitShape& shape) {
  HAVEN_ASSERT(!runs.empty() && range.last >= range.first + 2);
  const auto& lags = runs[0].covariance->lags();
  Plug plug;
  for (const RunCurve& run : runs)
    plug.slope += (run.y[range.last - 1] - run.y[range.first]) /
                  static_cast<double>(lags[range.last - 1] - lags[range.first]) / static_cast<double>(runs.size());
  plug = guarded(plug, runs, range);
  const std::vector<std::size_t> rows = usable_rows(runs, range, plug, shape);
  LineFit fit;
  std::vector<RunSolution> solutions;
  constexpr int passes = 4;
  for (int pass = 0; pass < passes; ++pass) {
    solutions = solve_runs(runs, rows, plug, shape);
    Eigen::Matrix2d information = Eigen::Matrix2d::Zero();
    Eigen::Vector2d rhs = Eigen::Vector2d::Zero();
    double yy = 0;
    for (const RunSolution& run : solutions) information += run.information, rhs += run.rhs, yy += run.y_weight_y;
    const Eigen::Matrix2d inverse = information.inverse();
    const Eigen::Vector2d parameters = inverse * rhs;
    fit.intercept = parameters(0), fit.slope = parameters(1);
    fit.intercept_sd = std::sqrt(inverse(0, 0));
    fit.chi2 = std::max(0.0, yy - parameters.dot(rhs));
    plug = guarded({fit.slope, fit.intercept}, runs, range);
    if (pass + 1 == passes) add_walkers(runs, solutions, rows, inverse, fit);
  }
  fit.chi2_dof = static_cast<int>(rows.size() * runs.size()) - 2;
  fit.lags_used = rows.size();
  // Residuals of hopping ions, and of ions that share motion, scatter more than those of independent Gaussian ones by
  // about the same factor as the slope.
  fit.chi2 *= std::pow(fit.analytic_sd / fit.slope_sd_within, 2);
  add_random_effects(runs, solutions, rows, fit);
  return fit;
}

double difference_sd(const LineFit& full, const LineFit& part) {
  if (full.walker_slopes.empty() || part.walker_slopes.empty()) {
    // Both errors at the slope of the full fit: the analytic error is proportional to the slope it was computed with.
    const double rf = full.slope_sd_within / std::max(full.slope, 1e-300),
                 rp = part.slope_sd_within / std::max(part.slope, 1e-300);
    return std::max(full.slope, 0.0) * std::sqrt(std::max(rp * rp - rf * rf, 0.1 * rp * rp));  // floor: rounding
  }
  double variance = 0;
  for (std::size_t r = 0; r < full.walker_slopes.size(); ++r) {
    std::vector<double> difference = part.walker_slopes[r];
    for (std::size_t i = 0; i < difference.size(); ++i) difference[i] -= full.walker_slopes[r][i];
    variance += variance_of_mean(difference);
  }
  return full.shared_motion * std::sqrt(variance);
}

}  // namespace haven
