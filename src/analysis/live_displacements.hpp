#pragma once
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "md/sinks.hpp"

namespace haven {

struct IonTracks;

/// What a run of our own measured during a stage: displacements_STAGE.csv of its folder (docs/formats.md). The numbers
/// of atoms and tracers and the steps are not in the file and stay 0. Nothing when there is no such file.
/// @throws InputError when it is damaged
[[nodiscard]] std::optional<LiveTransport> read_live_displacements(const std::string& folder, const std::string& stage);

/// Mean squared displacement and collective displacement per squared charge, as the analysis defines them: of several
/// species averages weighted by squared charge.
struct LiveCurve {
  std::vector<double> lag_ps, tracer, collective;  ///< A^2
};

/// Mean over replicas, weighted by length, at the lags that all of them have. Empty unless every replica has such
/// curves, of the ions that are analysed.
/// @param charges  e, by symbol
[[nodiscard]] LiveCurve mean_live_curve(std::span<const IonTracks> replicas,
                                        const std::map<std::string, double>& charges);
/// The lags below this one, ps.
[[nodiscard]] LiveCurve below(LiveCurve curve, double lag_ps);

}  // namespace haven
