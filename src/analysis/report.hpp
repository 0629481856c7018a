#pragma once
#include <map>
#include <string>

namespace haven {

/// The report of a run as one self-contained HTML page (inline style, script and figures; its content security policy
/// forbids loading anything) and as JSON.
struct ReportPage {
  std::string html, json;
  std::map<std::string, std::string> figures{};  ///< all figures of the page as files: name.svg -> SVG
};

/// Reads what a run folder holds (layout: docs/commands.md) and writes it down for people: the answer with its interval
/// or the refusal and why, results per temperature, figures, model errors, molecular dynamics, data, warnings,
/// provenance. Steps that have not run yet are absent from the page. The same folder gives the same bytes.
/// @throws InputError when the folder holds no run, or a file of it is damaged
[[nodiscard]] ReportPage make_run_report(const std::string& run_folder);

}  // namespace haven
