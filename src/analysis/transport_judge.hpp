#pragma once
#include <array>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "analysis/estimate.hpp"
#include "analysis/green_kubo.hpp"
#include "analysis/regression.hpp"
#include "analysis/transport.hpp"

namespace haven {

/// What the decisions about one temperature need beyond the fits.
struct JudgeInput {
  long long n_ions = 0, hops = 0;
  double total_ps = 0;  ///< sum over replicas
  double interval_ps = 0;
  double hop_length = 0;  ///< A
  bool host_mobile = false;
};

/// Smallest Haven ratio that the bound on D_sigma allows for when only hops were counted: concerted strings of up to
/// five ions.
inline constexpr double haven_ratio_floor = 0.2;

/// Replicas of the same system, those shorter than a tenth of the longest left out (TR004).
/// @throws ConfigError without any, InputError when they differ
[[nodiscard]] std::vector<IonTracks> comparable_replicas(std::vector<IonTracks> replicas,
                                                         std::vector<AnalysisWarning>& warnings);
/// The given temperature, else what the files state, else the mean of their frames (TR006), K.
/// @throws ConfigError when it is not known, InputError when replicas differ
[[nodiscard]] double common_temperature(const std::vector<IonTracks>& replicas, double given_K,
                                        std::vector<AnalysisWarning>& warnings);
/// Warnings about trajectories that stand before any number.
/// @param result  with cell, volume and mobile species
[[nodiscard]] std::vector<AnalysisWarning> input_warnings(const std::vector<IonTracks>& replicas,
                                                          const TransportResult& result);
/// Mean of what the files of all replicas say of their frames, K; nothing when one of them says nothing.
[[nodiscard]] std::optional<double> mean_temperature(const std::vector<IonTracks>& replicas);
/// D* < lambda a^2 / (2 d N T): lambda is the one-sided 95 % Poisson bound on the number of hops. cm^2/s.
[[nodiscard]] double hop_bound_cm2_per_s(const JudgeInput& input);
/// One-sided 95 % bound from one lag: y / (2 d tau) of a chi-squared variable with 2 y^2 / variance degrees of freedom.
/// cm^2/s.
[[nodiscard]] double displacement_bound_cm2_per_s(double y, double variance, double tau_ps);

/// Too few hops (less than one per ion and fewer than min_hops in total): the reason, otherwise empty.
[[nodiscard]] std::string too_few_hops(const JudgeInput& input, const TransportOptions& options);
/// D from a fit that passed the window tests, or a refusal with `bound` when its relative error exceeds the limit.
[[nodiscard]] Estimate judge_fit(const LineFit& fit, const WindowChoice& window, const JudgeInput& input,
                                 const TransportOptions& options, double bound);
/// How blocks of the run scatter beside what a fit claims.
struct BlockScatter {
  double relative_error = 0;   ///< of the slope, from the scatter of the blocks; 0 when there are too few blocks
  double widening = 1;         ///< factor on the claimed error: above 1 when such a scatter has p < 0.5 %
  double quantile_factor = 1;  ///< Student's t / normal at 97.5 % for the blocks, when they widen
};
/// The blocks know about bursts of motion and slow changes, but their own error is that of a few samples: they replace
/// the claim only when they contradict it. (n - 1) (scatter / claim)^2 is chi-squared for an honest claim.
[[nodiscard]] BlockScatter block_scatter(std::span<const double> block_slopes, double slope, double claimed_sd);
/// MSD of single ions in the first and second half of their runs: do they move alike? Student's t of the mean
/// difference over ions, whose error is raised by `shared_motion`. Nothing for fewer than eight ions.
[[nodiscard]] std::optional<HalvesTest> compare_halves(std::span<const std::array<double, 2>> ions,
                                                       double shared_motion);
/// The zero-frequency value times `factor` as an estimate; refused when the spectrum has not decayed at its end.
[[nodiscard]] Estimate judge_zero_frequency(const ZeroFrequency& zero, double factor);
/// Largest deviation of the curves that the runs measured themselves from those of the stored frames, in standard
/// errors of the latter, at lags that both have up to a tenth of a run. The origins differ, the motion is the same, so
/// that it stays below one. Nothing without common lags.
[[nodiscard]] std::optional<double> live_deviation(const LiveCurve& live, const TransportCurves& curves, double run_ps);
/// Refusal of a run that never became diffusive.
[[nodiscard]] Estimate refuse_subdiffusive(const WindowChoice& window, const JudgeInput& input,
                                           const TransportOptions& options, double d_estimate, double bound);

}  // namespace haven
