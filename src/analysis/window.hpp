#pragma once
#include <array>
#include <optional>
#include <span>
#include <vector>

#include "analysis/regression.hpp"
#include "analysis/transport.hpp"

namespace haven {

/// What the choice of the fit window looks at. Curves of all replicas on the same lag grid.
struct WindowInput {
  std::span<const RunCurve> tracer, collective;
  FitShape shape;
  std::size_t usable = 0;  ///< lags of the grid that may enter a fit
  double interval_ps = 0;
  Index shortest_run = 0;       ///< frames of the shortest replica
  double hop_length = 0;        ///< A
  std::size_t alpha2_peak = 0;  ///< index of the lag where the non-Gaussian parameter peaks; 0 when there is no peak
};

/// Lags from grid index `first` to min(20 tau0, run / 10), at least one octave.
[[nodiscard]] LagRange window_from(const WindowInput& input, std::size_t first);

/// The first lag tau0 from which all of these hold (transport.md, D.6):
/// 1. the fitted displacement 2 d D* tau0 is at least half a squared hop length;
/// 2. tau0 is past the peak of the non-Gaussian parameter;
/// 3. the exponent of the MSD without its offset between tau0 and 2 tau0 is in [0.9, 1.1] within its error;
/// 4. D* and D_sigma fitted from 2 tau0 and from 4 tau0 agree with those from tau0 (nested fits; 2.5 sigma of the
///    difference for D*, 3.5 for D_sigma, or 1 %).
/// When no lag up to a tenth of the run passes, `diffusive` is false, `why` names the test that fails last, and the
/// window is the latest one. A user's window is taken as it is, rounded to the grid. @throws ConfigError when it does
/// not fit into the run.
[[nodiscard]] WindowChoice choose_window(const WindowInput& input,
                                         const std::optional<std::array<double, 2>>& wanted_ps);

/// Exponent of the MSD without its offset: the slope fitted over the first octave of the window, divided by that over
/// the window.
[[nodiscard]] double window_exponent(const WindowInput& input, const LagRange& window);

}  // namespace haven
