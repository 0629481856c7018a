#include "analysis/transport_tensor.hpp"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>

#include "analysis/distributions.hpp"
#include "core/species.hpp"
#include "core/units.hpp"

namespace haven {
namespace {

constexpr double inverse_sqrt2 = 0.70710678118654752;

/// Standard error of part[0] - (part[1] + part[2]) / 2 over the ions of all runs.
double mixed_sd(const std::array<const LineFit*, 3>& fits) {
  double variance = 0;
  for (std::size_t r = 0; r < fits[0]->walker_slopes.size(); ++r) {
    const auto n = static_cast<double>(fits[0]->walker_slopes[r].size());
    std::vector<double> values;
    double mean = 0, sum = 0;
    for (std::size_t i = 0; i < fits[0]->walker_slopes[r].size(); ++i) {
      values.push_back(fits[0]->walker_slopes[r][i] -
                       0.5 * (fits[1]->walker_slopes[r][i] + fits[2]->walker_slopes[r][i]));
      mean += values.back() / n;
    }
    for (const double value : values) sum += (value - mean) * (value - mean);
    variance += sum / (n * (n - 1.0));
  }
  return fits[0]->shared_motion * std::sqrt(variance);
}

/// cm^2/s of a slope along one axis.
double one_axis(double slope, double interval_ps) {
  return slope / (2.0 * interval_ps) * units::a2_per_ps_in_cm2_per_s;
}

}  // namespace

DiffusionTensor diffusion_tensor(const ReplicaCurves& curves, const LagRange& window, Motion motion, double interval_ps,
                                 double max_relative_error) {
  const FitShape one{1, {}};
  const TracerProducts products = motion == Motion::tracer ? curves.tracer_products(window) : TracerProducts{};
  const auto fit = [&](const Vec3& direction) {
    const auto runs = motion == Motion::tracer ? curves.tracer_along(direction, products)
                                               : curves.collective_along(direction, window);
    return fit_line(runs, window, one);
  };
  const std::array<Vec3, 3> unit{Vec3{1, 0, 0}, Vec3{0, 1, 0}, Vec3{0, 0, 1}};
  std::array<LineFit, 3> axis;
  for (std::size_t a = 0; a < 3; ++a) axis[a] = fit(unit[a]);
  DiffusionTensor tensor;
  Eigen::Matrix3d matrix;
  for (int a = 0; a < 3; ++a) {
    const LineFit& own = axis[static_cast<std::size_t>(a)];
    tensor.value[a][a] = one_axis(own.slope, interval_ps), tensor.sd[a][a] = one_axis(own.slope_sd, interval_ps);
    matrix(a, a) = own.slope;
    for (int b = 0; b < a; ++b) {
      const LineFit& other = axis[static_cast<std::size_t>(b)];
      const LineFit both = fit(inverse_sqrt2 * (unit[static_cast<std::size_t>(a)] + unit[static_cast<std::size_t>(b)]));
      const double cross = both.slope - 0.5 * (own.slope + other.slope);
      double sd = mixed_sd({&both, &own, &other});
      if (both.walker_slopes.empty()) {
        const double relative = 0.5 * (own.relative_sd() + other.relative_sd());
        sd = relative * std::sqrt(0.5 * std::abs(own.slope * other.slope + cross * cross));
      }
      matrix(a, b) = matrix(b, a) = cross;
      tensor.value[a][b] = tensor.value[b][a] = one_axis(cross, interval_ps);
      tensor.sd[a][b] = tensor.sd[b][a] = one_axis(sd, interval_ps);
    }
  }
  const Eigen::SelfAdjointEigenSolver<Eigen::Matrix3d> solver(matrix);
  for (int k = 0; k < 3; ++k) {
    const Eigen::Vector3d v = solver.eigenvectors().col(2 - k);
    // The sign of an axis means nothing; its largest component is made positive.
    Eigen::Index largest = 0;
    v.cwiseAbs().maxCoeff(&largest);
    const double sign = v(largest) < 0 ? -1.0 : 1.0;
    tensor.axes[k] = {sign * v(0), sign * v(1), sign * v(2)};
    const LineFit along = fit(tensor.axes[k]);
    tensor.principal[static_cast<std::size_t>(k)] =
        along.relative_sd() <= max_relative_error
            ? log_normal_estimate(one_axis(along.slope, interval_ps), along.relative_sd(), 1, along.quantile_factor)
            : refused_estimate("standard error above the limit");
  }
  return tensor;
}

DiffusionTensor widened(DiffusionTensor tensor, double factor) {
  tensor.sd *= factor;
  for (Estimate& principal : tensor.principal)
    if (principal.determined())
      principal = log_normal_estimate(
          principal.value, factor * principal.log_sd(), 1,
          std::log(principal.ci95[1] / principal.value) / (normal_quantile(0.975) * principal.log_sd()));
  return tensor;
}

OnsagerMatrix onsager_matrix(const ReplicaCurves& curves, const LagRange& window, const FitShape& shape,
                             std::vector<SpeciesTransport> species, double factor, double interval_ps) {
  OnsagerMatrix out;
  const std::size_t n = species.size();
  std::vector<std::vector<double>> slope(n, std::vector<double>(n, 0.0));
  const auto fit = [&](std::span<const int> numbers) { return fit_line(curves.charge_of(numbers), window, shape); };
  std::vector<int> numbers;
  for (const SpeciesTransport& one : species) numbers.push_back(atomic_number(one.symbol));
  for (std::size_t a = 0; a < n; ++a) {
    slope[a][a] = fit(std::span(numbers).subspan(a, 1)).slope;
    for (std::size_t b = 0; b < a; ++b) {
      const std::array<int, 2> pair{numbers[a], numbers[b]};
      slope[a][b] = slope[b][a] = 0.5 * (fit(pair).slope - slope[a][a] - slope[b][b]);
    }
  }
  // As many independent displacements as the fit of the whole has: the slopes are then a covariance matrix of so many.
  const double relative = fit(numbers).relative_sd();
  const double displacements = 2.0 / (relative * relative);
  double total = 0;
  for (const auto& row : slope)
    for (const double value : row) total += value;
  out.sigma = out.sigma_sd = slope;
  for (std::size_t a = 0; a < n; ++a) {
    double share = 0;
    for (std::size_t b = 0; b < n; ++b) {
      share += slope[a][b] / total;
      out.sigma[a][b] = factor * slope[a][b];
      out.sigma_sd[a][b] =
          factor * std::sqrt(std::max(0.0, slope[a][a] * slope[b][b] + slope[a][b] * slope[a][b]) / displacements);
    }
    species[a].transference = share;
    // First order in the errors of sum_b S_ab and sum S, whose covariance follows from the same formula.
    species[a].transference_sd = std::sqrt(std::max(0.0, slope[a][a] / total - share * share) / displacements);
    const LineFit own = fit_line(curves.tracer_of(numbers[a]), window, shape);
    species[a].tracer = own.relative_sd() <= 0.5
                            ? log_normal_estimate(own.slope / (6.0 * interval_ps) * units::a2_per_ps_in_cm2_per_s,
                                                  own.relative_sd(), 3, own.quantile_factor)
                            : refused_estimate("standard error above 50 %");
  }
  out.species = std::move(species);
  return out;
}

}  // namespace haven
