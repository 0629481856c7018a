#include "analysis/transport_judge.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "analysis/distributions.hpp"
#include "analysis/planner.hpp"
#include "core/error.hpp"
#include "core/units.hpp"

namespace haven {
namespace {

constexpr double smallest_cell = 20.0;  ///< A, below it finite-size effects are expected

/// "run 3.2 ns more (4.1 ns in total) for 20 %".
std::string advice(double needed_ps, double have_ps, double target) {
  const double more = std::max(needed_ps - have_ps, 0.0);
  return fmt::format("run {} more ({} in total) for {:.0f} %", format_time_ps(more), format_time_ps(have_ps + more),
                     100.0 * target);
}

/// A conductivity at 3 % more kelvin is a fifth larger at 600 K and 0.3 eV: more than most error bars.
bool far_from(const MeasuredTemperature& measured, double stated_K) {
  return std::abs(measured.mean_K - stated_K) > std::max(0.03 * stated_K, 3 * measured.error_K);
}

}  // namespace

double hop_bound_cm2_per_s(const JudgeInput& input) {
  return poisson_upper_bound(input.hops) * input.hop_length * input.hop_length /
         (6.0 * static_cast<double>(input.n_ions) * input.total_ps) * units::a2_per_ps_in_cm2_per_s;
}

double displacement_bound_cm2_per_s(double y, double variance, double tau_ps) {
  const double dof = std::max(2.0 * y * y / variance, 0.5);
  return y * dof / chi2_quantile(0.05, dof) / (6.0 * tau_ps) * units::a2_per_ps_in_cm2_per_s;
}

std::string too_few_hops(const JudgeInput& input, const TransportOptions& options) {
  const auto hops = static_cast<double>(input.hops);
  if (hops >= options.min_hops || hops >= static_cast<double>(input.n_ions)) return {};
  const double needed = input.total_ps * options.min_hops / poisson_upper_bound(input.hops);
  return fmt::format(
      "{} hops of {} ions in {}: too few for a diffusion coefficient; {} hops need at least {} more, or go to a "
      "higher temperature",
      input.hops, input.n_ions, format_time_ps(input.total_ps), options.min_hops,
      format_time_ps(std::max(needed - input.total_ps, 0.0)));
}

Estimate judge_fit(const LineFit& fit, const WindowChoice& window, const JudgeInput& input,
                   const TransportOptions& options, double bound) {
  const double relative = fit.relative_sd();
  const double value = fit.slope / (6.0 * input.interval_ps) * units::a2_per_ps_in_cm2_per_s;
  if (relative <= options.max_relative_error) return log_normal_estimate(value, relative, 3, fit.quantile_factor);
  const double needed = needed_run_ps(window.tau0_ps, options.target_relative_error);
  const double z = 1.959963984540054 * fit.slope_sd / (6.0 * input.interval_ps) * units::a2_per_ps_in_cm2_per_s;
  return refused_estimate(
      fmt::format("standard error above {:.0f} %: {:.2g} in [{:.2g}, {:.2g}] cm^2/s; {}",
                  100.0 * options.max_relative_error, value, std::max(0.0, value - z), value + z,
                  advice(std::max(needed, 1.5 * input.total_ps), input.total_ps, options.target_relative_error)),
      bound);
}

BlockScatter block_scatter(std::span<const double> block_slopes, double slope, double claimed_sd) {
  if (block_slopes.size() < 4 || !(slope > 0) || !(claimed_sd > 0)) return {};
  const auto n = static_cast<double>(block_slopes.size());
  double mean = 0, sum = 0;
  for (const double block : block_slopes) mean += block / n;
  for (const double block : block_slopes) sum += (block - mean) * (block - mean);
  const double error = std::sqrt(sum / (n * (n - 1.0)));
  BlockScatter scatter{.relative_error = error / slope};
  if (error <= claimed_sd * std::sqrt(chi2_quantile(0.995, n - 1.0) / (n - 1.0))) return scatter;
  scatter.widening = error / claimed_sd;
  scatter.quantile_factor = student_quantile(0.975, n - 1.0) / normal_quantile(0.975);
  return scatter;
}

Estimate judge_zero_frequency(const ZeroFrequency& zero, double factor) {
  if (!zero.refused.empty()) return refused_estimate(zero.refused);
  if (constexpr double tolerated = 0.3; zero.nyquist_ratio > tolerated)
    return refused_estimate(
        "the velocities are stored too rarely: the spectrum of the current has not decayed at its end; store them "
        "every 5 to 10 fs");
  return log_normal_estimate(factor * zero.value, zero.log_sd);
}

std::optional<HalvesTest> compare_halves(std::span<const std::array<double, 2>> ions, double shared_motion) {
  if (ions.size() < 8) return std::nullopt;
  const auto n = static_cast<double>(ions.size());
  double first = 0, second = 0, squares = 0;
  for (const auto& [a, b] : ions) first += a / n, second += b / n;
  if (!(first > 0)) return std::nullopt;
  for (const auto& [a, b] : ions) squares += std::pow((b - a) - (second - first), 2);
  const double error = shared_motion * std::sqrt(squares / (n * (n - 1.0)));
  HalvesTest test{.ratio = second / first};
  if (error > 0) test.p = student_two_sided((second - first) / error, n - 1.0);
  return test;
}

std::vector<IonTracks> comparable_replicas(std::vector<IonTracks> replicas, std::vector<AnalysisWarning>& warnings) {
  if (replicas.empty()) throw ConfigError("no trajectory is given", "transport", "Name at least one trajectory.");
  const std::vector<int> numbers = replicas[0].numbers;
  const double interval = replicas[0].interval_ps;
  Index longest = 0;
  for (const IonTracks& tracks : replicas) longest = std::max(longest, tracks.n_frames);
  std::vector<IonTracks> kept;
  for (IonTracks& tracks : replicas) {
    if (tracks.numbers != numbers)
      throw InputError("replicas hold different mobile ions", tracks.path, "Analyse different systems separately.");
    if (std::abs(tracks.interval_ps / interval - 1.0) > 1e-6)
      throw InputError(
          fmt::format("frames are {} ps apart, those of the first replica {} ps", tracks.interval_ps, interval),
          tracks.path, "Replicas need the same output interval.");
    if (10 * tracks.n_frames < longest)
      warnings.push_back({"TR004", fmt::format("{} has {} frames, less than a tenth of the longest replica; left out",
                                               tracks.path, tracks.n_frames)});
    else
      kept.push_back(std::move(tracks));
  }
  return kept;
}

double common_temperature(const std::vector<IonTracks>& replicas, double given_K,
                          std::vector<AnalysisWarning>& warnings) {
  if (given_K > 0) return given_K;
  const bool stated = std::any_of(replicas.begin(), replicas.end(), [](const auto& t) { return t.temperature_K > 0; });
  if (const auto mean = stated ? std::nullopt : mean_temperature(replicas)) {
    warnings.push_back(
        {"TR006",
         fmt::format("no temperature is given: {:.1f} K is the mean of what the files say of their frames", *mean)});
    return *mean;
  }
  const double first = replicas[0].temperature_K;
  for (const IonTracks& tracks : replicas)
    if (std::abs(tracks.temperature_K - first) > 1e-6)
      throw InputError(fmt::format("replicas have different temperatures ({} and {} K)", first, tracks.temperature_K),
                       tracks.path, "Analyse temperatures separately, or give one with --temperature.");
  if (!(first > 0))
    throw ConfigError("the temperature is not known", replicas[0].path, "Give it with --temperature (K).");
  return first;
}

std::optional<double> mean_temperature(const std::vector<IonTracks>& replicas) {
  double sum = 0, frames = 0;
  for (const IonTracks& tracks : replicas) {
    if (!tracks.measured) return std::nullopt;
    const auto n = static_cast<double>(tracks.measured->frames);
    sum += n * tracks.measured->mean_K, frames += n;
  }
  return sum / frames;
}

std::vector<AnalysisWarning> input_warnings(const std::vector<IonTracks>& replicas, const TransportResult& result) {
  std::vector<AnalysisWarning> warnings;
  const auto warn = [&](const char* code, std::string text) { warnings.push_back({code, std::move(text)}); };
  for (const IonTracks& tracks : replicas) {
    for (const std::string& remark : tracks.remarks) warn("TR006", remark);
    if (tracks.filled > 0) warn("TR006", fmt::format("{}: {} missing frames interpolated", tracks.path, tracks.filled));
    if (tracks.wrapping == Wrapping::wrapped && tracks.max_step > 0.7 * tracks.half_height)
      warn("TR003",
           fmt::format(
               "{}: an atom moves {:.2f} A between frames, close to half the cell ({:.2f} A); write frames more often",
               tracks.path, tracks.max_step, tracks.half_height));
  }
  for (const IonTracks& tracks : replicas)
    if (const auto& measured = tracks.measured; measured && far_from(*measured, result.temperature_K))
      warn("TR033", fmt::format("{}: the mean temperature of its frames is {:.1f} +- {:.1f} K, not {:.1f} K",
                                tracks.path, measured->mean_K, measured->error_K, result.temperature_K));
  if (replicas[0].drift == Drift::total)
    warn("TR001",
         "no host atoms in the trajectory: the centre of mass was subtracted, and D_sigma depends on that frame of "
         "reference");
  // Rounding of the mean alone leaves a spread of some 1e-14 of the volume.
  if (result.volume_sd_A3 > 1e-9 * result.volume_A3)
    warn("TR008",
         fmt::format(
             "the cell varies (volume {:.1f} +- {:.1f} A^3): displacements are measured in the mean cell; production "
             "runs in the fixed mean cell are preferable",
             result.volume_A3, result.volume_sd_A3));
  const Vec3 heights = Cell(result.mean_cell).heights();
  if (const double smallest = std::min({heights.x, heights.y, heights.z}); smallest < smallest_cell)
    warn("TR015", fmt::format("the cell is {:.1f} A across, less than {:.0f} A: repeat with a larger cell to see the "
                              "finite-size effect",
                              smallest, smallest_cell));
  if (result.mobile.size() > 1)
    warn("TR018", "several mobile species: D* and D_sigma are averages weighted by squared charge");
  return warnings;
}

std::optional<double> live_deviation(const LiveCurve& live, const TransportCurves& curves, double run_ps) {
  std::optional<double> largest;
  const auto compare = [&](double one, double other, double sd) {
    if (sd > 0) largest = std::max(largest.value_or(0.0), std::abs(one - other) / sd);
  };
  for (std::size_t k = 0, l = 0; k < curves.lag_ps.size() && curves.lag_ps[k] <= 0.1 * run_ps; ++k) {
    const double lag = curves.lag_ps[k], tolerance = 1e-6 * lag;
    while (l < live.lag_ps.size() && live.lag_ps[l] < lag - tolerance) ++l;
    if (l == live.lag_ps.size() || live.lag_ps[l] > lag + tolerance) continue;
    compare(live.tracer[l], curves.tracer[k], curves.tracer_sd[k]);
    compare(live.collective[l], curves.collective[k], curves.collective_sd[k]);
  }
  return largest;
}

Estimate refuse_subdiffusive(const WindowChoice& window, const JudgeInput& input, const TransportOptions& options,
                             double d_estimate, double bound) {
  double onset = 2.0 * window.tau0_ps;
  if (d_estimate > 0) onset = std::max(onset, onset_from_diffusion_ps(d_estimate, input.hop_length));
  const double needed = std::max(needed_run_ps(onset, options.target_relative_error), 2.0 * input.total_ps);
  return refused_estimate(
      fmt::format("not diffusive up to a tenth of the run ({}): {}; {}", format_time_ps(window.tau0_ps), window.why,
                  advice(needed, input.total_ps, options.target_relative_error)),
      bound);
}

}  // namespace haven
