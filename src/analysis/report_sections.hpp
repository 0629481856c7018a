#pragma once
#include <string>

#include "analysis/report_data.hpp"

/// The parts of the page, each empty when the run has nothing for it.
namespace haven::report {

[[nodiscard]] std::string header_part(const RunData& run);
/// The answer in one sentence with its interval, or the refusal and why.
[[nodiscard]] std::string answer_part(const RunData& run);
[[nodiscard]] std::string transport_part(const RunData& run);
/// Correlation factors, hops of single ions and site occupations, where `haven transport structure` left them.
[[nodiscard]] std::string structure_part(const RunData& run);
/// Statistics of the runs and spread of the potentials, each by itself.
[[nodiscard]] std::string committee_part(const RunData& run);
[[nodiscard]] std::string model_part(const RunData& run);
[[nodiscard]] std::string dynamics_part(const RunData& run);
[[nodiscard]] std::string data_part(const RunData& run);
[[nodiscard]] std::string warnings_part(const RunData& run);
[[nodiscard]] std::string provenance_part(const RunData& run);

/// The answer as plain text, for the JSON.
[[nodiscard]] std::string answer_text(const RunData& run);

}  // namespace haven::report
