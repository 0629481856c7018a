#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "io/import.hpp"

namespace haven {
namespace {

struct CodeLabel {
  std::string_view code, label;
};

constexpr std::array code_labels{
    CodeLabel{"DI001", "SCF reached NELM"},
    CodeLabel{"DI002", "machine-learned steps (ML)"},
    CodeLabel{"DI003", "cut off"},
    CodeLabel{"DI004", "unreadable number"},
    CodeLabel{"DI005", "max|F| too large"},
    CodeLabel{"DI006", "atoms too close"},
    CodeLabel{"DI007", "forces of held atoms zeroed"},
    CodeLabel{"DI008", "duplicate"},
    CodeLabel{"DI009", "no forces"},
    CodeLabel{"DI010", "no energy"},
    CodeLabel{"DI011", "impossible stress"},
    CodeLabel{"DI012", "impossible energy"},
    CodeLabel{"DI013", "isolated atoms or molecules"},
    CodeLabel{"DI101", "net force"},
    CodeLabel{"DI102", "SCF converged in step NELM"},
    CodeLabel{"DI103", "SCF unconverged, kept"},
    CodeLabel{"DI104", "without stress"},
    CodeLabel{"DI105", "same structure, other energy"},
    CodeLabel{"DI106", "SCF not listed"},
    CodeLabel{"DI107", "different settings, mixed as asked"},
    CodeLabel{"DI108", "settings that matter little differ"},
    CodeLabel{"DI109", "PSTRESS: P V left out of the energy"},
    CodeLabel{"DI110", "meshes of k-points sample different lengths"},
    CodeLabel{"DI111", "absolute energies: check the unit"},
    CodeLabel{"DI201", "stress of the wrong sign"},
    CodeLabel{"DI202", "stress of the wrong unit"},
    CodeLabel{"DI203", "different settings in one set"},
    CodeLabel{"DI204", "stress of an impossible size"},
    CodeLabel{"DI205", "energies of an impossible size"},
    CodeLabel{"DI206", "energies and forces of different units or signs"},
};

bool is_rejection(std::string_view code) { return code.starts_with("DI0"); }

/// "(11 SCF reached NELM, 1 max|F| 41.3 eV/A on atom 3 (Li))": a reason that occurs once is given with its numbers.
std::string reasons(const ImportReport& report, const FileReport& file) {
  std::string text;
  for (const auto& [code, count] : file.counts) {
    if (!is_rejection(code)) continue;
    std::string label(decision_label(code));
    const bool numbers_help =
        code == "DI005" || code == "DI006" || code == "DI004" || code == "DI011" || code == "DI012";
    if (count == 1 && numbers_help)
      for (const FrameDecision& decision : report.decisions)
        if (decision.code == code && decision.path == file.path) label = decision.text;
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, label);
  }
  return text.empty() ? "" : " (" + text + ")";
}

std::string remarks(const FileReport& file) {
  std::string text;
  for (const auto& [code, count] : file.counts)
    if (!is_rejection(code)) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, decision_label(code));
  return text.empty() ? "" : "  [" + text + "]";
}

std::string_view verdict_name(StressCheck::Verdict verdict) {
  switch (verdict) {
    case StressCheck::Verdict::undecided:
      return "undecided";
    case StressCheck::Verdict::right:
      return "right";
    case StressCheck::Verdict::wrong_sign:
      return "wrong sign";
    case StressCheck::Verdict::wrong_unit:
      return "wrong unit";
  }
  return "undecided";
}

std::string stress_line(const StressCheck& check) {
  if (check.pairs < StressChecker::fewest_pairs)
    return fmt::format("stress sign not tested ({} finite-strain pairs, {} needed)", check.pairs,
                       StressChecker::fewest_pairs);
  const bool right = check.verdict == StressCheck::Verdict::right;
  return fmt::format("stress sign {} ({} finite-strain pairs, r={:.3f}, slope {:.3f})", right ? "OK" : "undecided",
                     check.pairs, check.correlation, check.slope);
}

std::string force_line(const ForceCheck& check) {
  if (check.pairs < LabelScale::fewest_pairs)
    return fmt::format("forces not tested against energies ({} successive pairs, {} needed)", check.pairs,
                       LabelScale::fewest_pairs);
  const bool right = check.verdict == StressCheck::Verdict::right;
  return fmt::format("forces {} ({} successive pairs, r={:.3f}, slope {:.3f})",
                     right ? "belong to the energies" : "and energies: undecided", check.pairs, check.correlation,
                     check.slope);
}

std::string_view fate_name(Fate fate) {
  switch (fate) {
    case Fate::kept:
      return "kept";
    case Fate::kept_with_note:
      return "kept_with_note";
    case Fate::rejected:
      return "rejected";
  }
  return "";
}

}  // namespace

std::string_view decision_label(std::string_view code) {
  for (const CodeLabel& entry : code_labels)
    if (entry.code == code) return entry.label;
  return "";
}

std::string ImportReport::to_text() const {
  std::size_t width = 0;
  for (const FileReport& file : files) width = std::max(width, file.path.size());
  std::string text;
  for (const FileReport& file : files) {
    text += fmt::format("{:<{}} {:>7} frames  kept {}", file.path, width, file.frames, file.kept);
    if (file.rejected > 0) text += fmt::format("  rejected {}{}", file.rejected, reasons(*this, file));
    if (file.not_selected > 0) text += fmt::format("  not selected {}", file.not_selected);
    text += remarks(file) + "\n";
    for (const std::string& note : file.notes) text += "    " + note + "\n";
  }
  for (const std::string& note : notes) text += note + "\n";
  if (stress_check) text += stress_line(*stress_check) + "\n";
  if (kept > 0) text += force_line(force_check) + "\n";
  for (const ImportProblem& p : problems)
    text +=
        fmt::format("PROBLEM{} {}\n    {}\n    -> {}\n", p.code.empty() ? "" : " " + p.code, p.where, p.what, p.remedy);
  text +=
      fmt::format("energy {}   {} frames kept, {} rejected\n", energy == "free" ? "TOTEN" : "sigma->0", kept, rejected);
  return text;
}

std::string ImportReport::to_json() const {
  using nlohmann::ordered_json;
  ordered_json root;
  root["energy"] = energy;
  root["n_kept"] = kept;
  root["n_rejected"] = rejected;
  root["files"] = ordered_json::array();
  for (const FileReport& file : files) {
    ordered_json counts = ordered_json::object();
    for (const auto& [code, count] : file.counts) counts[code] = count;
    root["files"].push_back({{"path", file.path},
                             {"sha256", file.sha256},
                             {"format", file_format_name(file.format)},
                             {"code", file.code},
                             {"group", file.group},
                             {"n_frames", file.frames},
                             {"n_kept", file.kept},
                             {"n_rejected", file.rejected},
                             {"n_not_selected", file.not_selected},
                             {"n_without_stress", file.without_stress},
                             {"counts", counts},
                             {"notes", file.notes}});
  }
  root["decisions"] = ordered_json::array();
  for (const FrameDecision& d : decisions)
    root["decisions"].push_back({{"path", d.path},
                                 {"index", d.index},
                                 {"last_index", d.last},
                                 {"fate", fate_name(d.fate)},
                                 {"code", d.code},
                                 {"text", d.text}});
  root["codes"] = ordered_json::object();
  for (const CodeLabel& entry : code_labels) root["codes"][std::string(entry.code)] = entry.label;
  root["stress_check"] = nullptr;
  if (stress_check)
    root["stress_check"] = {{"n_pairs", stress_check->pairs},
                            {"correlation", stress_check->correlation},
                            {"slope", stress_check->slope},
                            {"verdict", verdict_name(stress_check->verdict)}};
  root["force_check"] = {{"n_pairs", force_check.pairs},
                         {"correlation", force_check.correlation},
                         {"slope", force_check.slope},
                         {"verdict", verdict_name(force_check.verdict)}};
  root["stress_scatter"] = {{"n_frames", stress_scatter.frames},
                            {"ratio", stress_scatter.ratio},
                            {"verdict", verdict_name(stress_scatter.verdict)}};
  root["notes"] = notes;
  root["problems"] = ordered_json::array();
  for (const ImportProblem& p : problems)
    root["problems"].push_back({{"code", p.code}, {"text", p.what}, {"where", p.where}, {"remedy", p.remedy}});
  // A path on disk need not be valid UTF-8.
  return root.dump(2, ' ', false, ordered_json::error_handler_t::replace);
}

}  // namespace haven
