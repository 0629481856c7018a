#pragma once
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "analysis/transport.hpp"

namespace haven {

/// How far the mean number of ions on sites of one type departs, above a break, from its trend below.
struct OccupationChange {
  int type = 0;
  long long sites = 0;
  double change = 0, sd = 0;  ///< ions per site, standard error
};

/// What else changes where the Arrhenius law breaks.
struct BreakChanges {
  std::optional<double> volume{};               ///< relative departure from the expansion below; absent without volumes
  double alpha2_below = 0, alpha2_above = 0;    ///< peak of the non-Gaussian parameter on both sides
  std::vector<OccupationChange> occupations{};  ///< by type of site
  std::string not_measured{};                   ///< why there are no occupations; empty when there are
};

/// Between the temperatures low_K and high_K of a ladder: the volume per ion, and the occupations of sites where the
/// results carry them, at high_K less the line through what lies at and below low_K (least squares; the errors of
/// occupations are carried through). Two temperatures below the break are needed for a trend.
[[nodiscard]] BreakChanges changes_at_break(std::span<const TransportResult> results, double low_K, double high_K);
/// " (there the volume ...)"
[[nodiscard]] std::string break_text(const BreakChanges& changes);

}  // namespace haven
