#pragma once
#include <array>
#include <optional>
#include <span>
#include <vector>

#include "core/types.hpp"

namespace haven {

/// Covariance of mean squared displacements at several lags, each averaged over all time origins of n positions of a
/// one-dimensional Gaussian process x = w + v: w has independent increments of variance `increment` per frame, v is
/// white noise of variance `noise` (vibration seen at frames that are far apart on its time scale).
///
///   Cov(M_m, M_l) = 2 / ((n-m)(n-l)) sum_ij C_ij^2,
///   C_ij = increment |[i,i+m] n [j,j+l]| + noise (d_{i+m,j+l} - d_{i+m,j} - d_{i,j+l} + d_ij)
///
/// (Bullerjahn, von Buelow & Hummer, J. Chem. Phys. 153, 024116 (2020)). The sums are polynomials of (increment, noise)
/// and are made once: covariance = increment^2 ww + increment noise wv + noise^2 vv.
class OverlapCovariance {
 public:
  /// @param n_positions  positions in the run; every lag below it
  OverlapCovariance(Index n_positions, std::vector<Index> lags);
  [[nodiscard]] double operator()(std::size_t a, std::size_t b, double increment, double noise) const;
  [[nodiscard]] const std::vector<Index>& lags() const { return lags_; }
  [[nodiscard]] Index n_positions() const { return n_; }

 private:
  Index n_;
  std::vector<Index> lags_;
  std::vector<std::array<double, 3>> sums_;  ///< lower triangle
};

/// One run's curve for the fit y = c + slope * lag.
struct RunCurve {
  const OverlapCovariance* covariance = nullptr;
  std::vector<double> y;  ///< A^2 at each lag of covariance->lags()
  double walkers = 1;     ///< independent walkers averaged in y: the analytic covariance is divided by it
  /// Curves of the independent walkers whose mean is y, [walker][lag]; empty for a collective variable and for few
  /// walkers. The error of the slope then is the measured one over walkers, which knows about non-Gaussian hopping and
  /// unequal ions, instead of the analytic one.
  std::vector<std::vector<double>> walker_curves{};
  double shared_motion = 1;  ///< factor on the error for motion that walkers share (analysis/shared_motion.hpp)
};

/// What the fit assumes about the axes summed in y.
struct FitShape {
  int dimensions = 3;                ///< axes summed in y
  std::vector<double> axis_share{};  ///< share of the slope on each axis, sum 1; empty: equal
};

/// Lags [first, last) of the grid used in the fit.
struct LagRange {
  std::size_t first = 0, last = 0;
};

/// Generalised least squares of y = intercept + slope * lag over one or several runs with common parameters.
struct LineFit {
  double slope = 0, intercept = 0;  ///< A^2 per frame, A^2
  double slope_sd = 0;              ///< random effects included
  double slope_sd_within = 0;       ///< from the lengths of the runs alone
  double intercept_sd = 0;
  double between_sd = 0;       ///< spread of the true slope between runs (DerSimonian & Laird 1986), 0 for one run
  double heterogeneity_p = 1;  ///< p of Cochran's Q: that equal runs scatter as these do
  double quantile_factor = 1;  ///< Student t / normal at 97.5 % for the dof behind slope_sd
  double chi2 = 0;             ///< of the residuals
  int chi2_dof = 0;
  double analytic_sd = 0;    ///< slope error of the Gaussian process, before walkers
  double shared_motion = 1;  ///< that of the runs; all errors but analytic_sd hold it
  std::vector<double> run_slopes{}, run_slope_sds{};
  std::vector<std::vector<double>>
      walker_slopes{};        ///< [run][walker], contributions to the common slope; empty without walkers
  std::size_t lags_used = 0;  ///< after thinning for the condition number
  [[nodiscard]] double relative_sd() const { return slope > 0 ? slope_sd / slope : 1e300; }
};

/// The weights come from the analytic covariance, whose slope and noise (intercept / 2) come from the fit itself in
/// passes. The intercept is free. Lags are thinned while the condition number exceeds 1e10. The slope is linear in y,
/// so each walker has a slope of its own with the same weights; the variance of their mean replaces the analytic
/// variance where walkers are given (in the spirit of McCluskey, Coles & Morgan, JCTC 21, 79 (2025), who scale the
/// covariance; measured variances inside the weights would bias them).
/// @throws InternalError for fewer than two lags.
[[nodiscard]] LineFit fit_line(std::span<const RunCurve> runs, const LagRange& range, const FitShape& shape);

/// Standard error of the difference of two slopes fitted to the same runs over nested windows: from the walkers' own
/// differences where they are given, otherwise from the difference of the variances (Hausman, Econometrica 46, 1251
/// (1978)), `part` using less of the data.
[[nodiscard]] double difference_sd(const LineFit& full, const LineFit& part);

}  // namespace haven
