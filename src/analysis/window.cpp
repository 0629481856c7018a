#include "analysis/window.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "core/error.hpp"

namespace haven {
namespace {

/// The lags that may enter a fit.
std::span<const Index> grid(const WindowInput& input) {
  return std::span(input.tracer[0].covariance->lags()).first(input.usable);
}

/// Index of the first lag of at least `frames`; the size of the grid when there is none.
std::size_t first_at_least(const WindowInput& input, double frames) {
  const std::span<const Index> lags = grid(input);
  return static_cast<std::size_t>(std::lower_bound(lags.begin(), lags.end(), frames,
                                                   [](Index lag, double f) { return static_cast<double>(lag) < f; }) -
                                  lags.begin());
}

/// Several tests are made for every lag, hence more than two sigma.
constexpr double tracer_sigmas = 2.5;
/// The collective curve has few independent segments: a tighter test would reject by chance, move tau0 on, and so
/// choose the run's fluctuations.
constexpr double collective_sigmas = 3.5;
constexpr double tolerated_change = 0.01;

bool agrees(const LineFit& full, const LineFit& part, double sigmas) {
  const double difference = std::abs(part.slope - full.slope);
  return difference < sigmas * difference_sd(full, part) || difference < tolerated_change * full.slope;
}

/// Does the fit from the first lag at or beyond `factor` tau0 agree with the one from tau0?
bool stationary(const WindowInput& input, std::span<const RunCurve> runs, std::size_t first, double factor) {
  const double sigmas = runs.data() == input.tracer.data() ? tracer_sigmas : collective_sigmas;
  const std::size_t later = first_at_least(input, factor * static_cast<double>(grid(input)[first]));
  if (later + 3 > grid(input).size()) return true;  // the run is too short to contradict
  return agrees(fit_line(runs, window_from(input, first), input.shape),
                fit_line(runs, window_from(input, later), input.shape), sigmas);
}

/// Lags [first, end of the first octave].
LagRange first_octave(const WindowInput& input, std::size_t first) {
  const std::size_t end = first_at_least(input, 2.0 * static_cast<double>(grid(input)[first])) + 1;
  return {first, std::min(std::max(end, first + 3), grid(input).size())};
}

/// The test that fails at this tau0, empty when none does.
std::string failing_test(const WindowInput& input, std::size_t first) {
  const LagRange range = window_from(input, first);
  const LineFit tracer = fit_line(input.tracer, range, input.shape);
  const double displaced = tracer.slope * static_cast<double>(grid(input)[first]);
  if (!(displaced >= 0.5 * input.hop_length * input.hop_length))
    return fmt::format(
        "the ions have moved by {:.2g} A^2 beyond vibration, less than half a squared hop length ({:.2g} A^2)",
        std::max(0.0, displaced), 0.5 * input.hop_length * input.hop_length);
  if (first < input.alpha2_peak) return "displacements become more non-Gaussian still";
  const LineFit local = fit_line(input.tracer, first_octave(input, first), input.shape);
  if (!agrees(tracer, local, tracer_sigmas) && std::abs(local.slope / tracer.slope - 1.0) > 0.1)
    return fmt::format("the MSD grows with the exponent {:.2f}", local.slope / tracer.slope);
  for (const double factor : {2.0, 4.0}) {
    if (!stationary(input, input.tracer, first, factor)) return "D* still changes with the lag";
    if (!stationary(input, input.collective, first, factor)) return "D_sigma still changes with the lag";
  }
  return {};
}

WindowChoice filled(const WindowInput& input, const LagRange& range) {
  WindowChoice choice;
  choice.first_lag = range.first, choice.last_lag = range.last;
  choice.tau0_ps = static_cast<double>(grid(input)[range.first]) * input.interval_ps;
  choice.tau1_ps = static_cast<double>(grid(input)[range.last - 1]) * input.interval_ps;
  return choice;
}

WindowChoice window_of_user(const WindowInput& input, const std::array<double, 2>& wanted_ps) {
  LagRange range{first_at_least(input, wanted_ps[0] / input.interval_ps * (1.0 - 1e-9)),
                 first_at_least(input, wanted_ps[1] / input.interval_ps * (1.0 + 1e-9))};
  if (!(wanted_ps[0] > 0) || wanted_ps[1] <= wanted_ps[0] || range.last < range.first + 3)
    throw ConfigError(fmt::format("the fit window [{}, {}] ps holds fewer than three lags", wanted_ps[0], wanted_ps[1]),
                      "transport.window",
                      fmt::format("Lags from {:.3g} to {:.3g} ps can be used; give a wider window or \"auto\".",
                                  input.interval_ps, static_cast<double>(grid(input).back()) * input.interval_ps));
  WindowChoice choice = filled(input, range);
  choice.diffusive = true;
  choice.why = "given by the user";
  return choice;
}

}  // namespace

LagRange window_from(const WindowInput& input, std::size_t first) {
  const auto tau0 = static_cast<double>(grid(input)[first]);
  const double end = std::max(std::min(20.0 * tau0, 0.1 * static_cast<double>(input.shortest_run)), 2.0 * tau0);
  std::size_t last = first_at_least(input, std::nextafter(end, 2.0 * end));
  last = std::min(std::max(last, first + 3), grid(input).size());
  return {first, last};
}

double window_exponent(const WindowInput& input, const LagRange& window) {
  const LineFit all = fit_line(input.tracer, window, input.shape);
  const LineFit local = fit_line(input.tracer, first_octave(input, window.first), input.shape);
  return all.slope > 0 ? local.slope / all.slope : 0.0;
}

WindowChoice choose_window(const WindowInput& input, const std::optional<std::array<double, 2>>& wanted_ps) {
  if (wanted_ps) return window_of_user(input, *wanted_ps);
  // tau0 may be a tenth of the run at most, and three lags must remain.
  std::size_t end = first_at_least(input, 0.1 * static_cast<double>(input.shortest_run) + 1.0);
  end = std::max<std::size_t>(1, std::min(end, grid(input).size() - 2));
  std::string last_failure = "no lag could be tested", failure;
  for (std::size_t first = 0; first < end; ++first) {
    failure = failing_test(input, first);
    if (failure.empty()) {
      WindowChoice choice = filled(input, window_from(input, first));
      choice.diffusive = true;
      choice.why = first == 0 ? "diffusive from the first lag" : "before tau0, " + last_failure;
      return choice;
    }
    last_failure = failure;
  }
  WindowChoice choice = filled(input, window_from(input, end - 1));
  choice.why = last_failure;
  return choice;
}

}  // namespace haven
