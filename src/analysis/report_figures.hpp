#pragma once
#include <map>
#include <string>

#include "analysis/report_data.hpp"

namespace haven::report {

/// The figures that the page draws itself, "report/NAME.svg" -> SVG: running diffusion coefficients, non-Gaussian
/// parameter, learning curves, time series of the dynamics. What the run has no numbers for is absent.
[[nodiscard]] std::map<std::string, std::string> drawn_figures(const RunData& run);

/// One of the run's figures by its path, with its caption; empty when the run has none of that name.
[[nodiscard]] std::string figure(const RunData& run, const std::string& path, const std::string& caption);

}  // namespace haven::report
