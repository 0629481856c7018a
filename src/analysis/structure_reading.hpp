#pragma once
#include <optional>
#include <string>
#include <vector>

#include "analysis/hop_spread.hpp"

namespace haven {

/// What other results use of a structure.json.
struct StructureSummary {
  double temperature_K = 0;            ///< 0 if unknown
  std::vector<SiteOccupancy> types{};  ///< [type of site]
  HopSpread spread{};                  ///< without the single ions and the histogram
  CorrelationFactors factors{};
  std::vector<std::string> remarks{};
};

/// @throws InputError naming what is missing
[[nodiscard]] StructureSummary structure_from_json(const std::string& text, const std::string& path);

/// The structure.json of a temperature beside its transport.json: structure_LABEL/structure.json in the same folder, or
/// structure.json itself where the file holds one temperature. Nothing when there is none.
/// @throws InputError when it is of another temperature
[[nodiscard]] std::optional<StructureSummary> structure_beside(const std::string& transport_file,
                                                               const TransportResult& result, std::size_t temperatures);

}  // namespace haven
