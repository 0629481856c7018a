#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "analysis/arrhenius_break.hpp"
#include "analysis/transport.hpp"

namespace haven {

/// Settings of the Arrhenius fits.
struct ArrheniusOptions {
  double target_K = 300;
  double superionic_S_per_cm = 1e-4;  ///< threshold of the probability that is reported
  std::string model = "auto";         ///< "line", "two lines" or "auto"
  std::uint64_t seed = 20240229;
  int samples = 20000;  ///< posterior draws
};

/// One point of a fit of y = ln(quantity) against 1/T.
struct ArrheniusPoint {
  double temperature_K = 0;
  double y = 0, sd = 0;                 ///< natural logarithm and its standard error
  std::optional<double> upper_bound{};  ///< ln of a one-sided 95 % bound; then y and sd are not used
};

/// A line y = ln A - Ea / (kB T) with its posterior.
struct ArrheniusLine {
  Estimate Ea_eV;  ///< intervals symmetric up to the posterior; may be negative
  Estimate ln_prefactor;
  double covariance = 0;         ///< of Ea and ln A, eV
  Estimate y_at_target;          ///< ln of the quantity at the target temperature
  double chi2 = 0, p_value = 1;  ///< of the determined points
  int dof = 0;
  double birge = 1;  ///< factor on the errors when p < 0.05: sqrt(chi2/dof)
  int points = 0, censored = 0;
  double T_min = 0, T_max = 0;
  std::vector<double> draws_at_target;  ///< posterior draws of y at the target
  std::vector<double> band_inverse_T, band_low, band_mid,
      band_high;  ///< 95 % band of y over 1/T (1/K), target included
};

/// AICc of the three shapes on the same points; absent when there are too few points for it.
struct ModelComparison {
  std::optional<double> line, two_lines, vtf;
  double break_low_K = 0, break_high_K = 0;  ///< best break lies between these temperatures
  double Ea_low_T_eV = 0, Ea_high_T_eV = 0;  ///< of the two-line model
  double vtf_T0_K = 0, vtf_B_K = 0;          ///< y = ln A - B / (T - T0)
  std::string preferred;                     ///< "line", "two lines", "VTF"
};

/// All fits over a ladder of temperatures.
struct ArrheniusResult {
  std::vector<double> temperatures_K;
  std::vector<ArrheniusPoint> sigma_T_points, tracer_points;
  std::optional<ArrheniusLine> sigma_T;  ///< ln(sigma T), S K/cm
  std::optional<ArrheniusLine> tracer;   ///< ln D*, cm^2/s
  Estimate Ea_eV, Ea_tracer_eV;          ///< copies with refusals
  Estimate sigma_at_target;              ///< S/cm
  Estimate tracer_at_target;             ///< cm^2/s
  std::optional<double> p_superionic;    ///< P(sigma(target) > threshold)
  double target_K = 300, superionic_S_per_cm = 1e-4;
  double extrapolation = 0;  ///< (1/T_target - 1/T_min) / (1/T_min - 1/T_max); <= 0 inside the range
  std::string model;         ///< "line", "two lines (low-temperature branch)"
  std::string grade;  ///< "claim" (>= 4 temperatures), "extrapolation" (>= 4, but the target lies beyond them by more
                      ///< than their span of 1/T), "estimate" (3), "refused"
  ModelComparison comparison;
  std::optional<BreakChanges> at_break{};  ///< when two lines are preferred
  Estimate haven_slope_eV;                 ///< Ea(D*) - Ea(sigma T): the temperature dependence of H_R
  std::vector<AnalysisWarning> warnings;
  std::string refused;
  std::uint64_t seed = 0;
};

/// Fits ln(sigma T) and ln D* over the results; refused values with bounds enter as censored points (Poisson likelihood
/// of nothing seen), points whose host is mobile are left out with a warning. Never throws for too few points: see
/// `refused`.
[[nodiscard]] ArrheniusResult fit_arrhenius(std::span<const TransportResult> results, const ArrheniusOptions& options);

/// One line through points; importance sampling of the exact posterior (flat prior in Ea and ln A) with a Student-t
/// proposal.
/// @throws InternalError for fewer than two determined points.
[[nodiscard]] ArrheniusLine fit_arrhenius_line(std::span<const ArrheniusPoint> points, const ArrheniusOptions& options);
/// AICc of one line, two lines with a break, and VTF.
[[nodiscard]] ModelComparison compare_arrhenius_models(std::span<const ArrheniusPoint> points);

}  // namespace haven
