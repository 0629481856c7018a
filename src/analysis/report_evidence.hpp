#pragma once
#include <string>

#include "analysis/report_data.hpp"

namespace haven::report {

/// Method of every quantity, and a table of what stands behind the numbers: one column per temperature, with window,
/// number of independent displacements, sensitivity, tests. Empty without transport results.
[[nodiscard]] std::string evidence_part(const RunData& run);

}  // namespace haven::report
