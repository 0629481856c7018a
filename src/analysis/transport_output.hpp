#pragma once
#include <span>
#include <string>

#include "analysis/arrhenius.hpp"
#include "analysis/transport.hpp"

namespace haven {

/// One temperature as JSON text: the contract of `haven transport haven --json` (docs/interface.md) plus components,
/// checks and seed.
[[nodiscard]] std::string transport_json(const TransportResult& result);
/// The contract of `haven transport arrhenius --json`.
[[nodiscard]] std::string arrhenius_json(const ArrheniusResult& result);
/// transport.json: {"temperatures": [...], "arrhenius": {...} or null}.
[[nodiscard]] std::string transport_ladder_json(std::span<const TransportResult> results,
                                                const ArrheniusResult* arrhenius);
/// Reads back what transport_json wrote, so that `haven transport arrhenius` can start from earlier results; curves are
/// not stored there.
/// @throws InputError naming the missing key.
[[nodiscard]] TransportResult transport_from_json(const std::string& text, const std::string& path);
/// All temperatures of a transport.json, or the one of a single result.
[[nodiscard]] std::vector<TransportResult> transport_results_from_json(const std::string& text,
                                                                       const std::string& path);

/// {"value", "ci68", "ci95", "n_eff"}, of a refused one also "refused" and "upper_bound"; and back.
[[nodiscard]] std::string estimate_json(const Estimate& estimate);
/// @throws InputError
[[nodiscard]] Estimate estimate_from_json(const std::string& text, const std::string& path);

/// lag_ps, msd, sd, mscd, ... with the window mask.
[[nodiscard]] std::string curves_csv(const TransportResult& result);
/// T_K, 1000/T, ln(sigma T), sd, bound flag, fit and band.
[[nodiscard]] std::string arrhenius_csv(const ArrheniusResult& result);

/// SVG figures.
[[nodiscard]] std::string msd_svg(const TransportResult& result);
[[nodiscard]] std::string arrhenius_svg(const ArrheniusResult& result);
[[nodiscard]] std::string haven_ratio_svg(std::span<const TransportResult> results);

/// The tables people read on the terminal.
[[nodiscard]] std::string transport_text(const TransportResult& result);
[[nodiscard]] std::string arrhenius_text(std::span<const TransportResult> results, const ArrheniusResult& result);

/// "2.31(8)e-5", the error in units of the last digit; relative error above 30 % gives the interval instead.
[[nodiscard]] std::string format_estimate(const Estimate& estimate);

}  // namespace haven
