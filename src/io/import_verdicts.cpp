#include "io/import_verdicts.hpp"

#include <fmt/format.h>

#include "core/units.hpp"

namespace haven {
namespace {

constexpr double lowest_usual_energy = -60.0;  // eV per atom; VASP and other programs whose zero are free atoms

/// Formats whose unit is part of the format.
bool units_are_known(const FileReport& file) {
  return is_vasp_run(file.format) || file.format == FileFormat::ml_ab || file.format == FileFormat::espresso ||
         file.format == FileFormat::cp2k || file.code.starts_with("VASP");
}

Index count_of(const FileReport& file, const std::string& code) {
  const auto at = file.counts.find(code);
  return at == file.counts.end() ? 0 : at->second;
}

constexpr const char* stress_remedy =
    "Stress must be in eV/A^3 (1 eV/A^3 = 160.21766 GPa = 1602.1766 kbar); convert it, or leave it out with "
    "data.stress = \"ignore\".";

}  // namespace

std::optional<ImportProblem> unit_problem(const FileReport& file) {
  if (units_are_known(file)) return std::nullopt;
  const Index read = file.kept + file.rejected;
  if (const Index bad = count_of(file, "DI011"); bad > 1 && 2 * bad > read)
    return ImportProblem{"DI204",
                         fmt::format("{} of {} frames have a stress above {} eV/A^3 ({:.0f} GPa): most likely kbar or "
                                     "GPa, or a virial, taken for eV/A^3",
                                     bad, read, largest_stress, largest_stress * units::ev_per_a3_in_gpa),
                         file.path, stress_remedy};
  if (const Index bad = count_of(file, "DI012"); bad > 1 && 2 * bad > read)
    return ImportProblem{"DI205",
                         fmt::format("{} of {} frames have an energy that no atoms have: most likely in meV, kJ/mol or "
                                     "J instead of eV, or of the wrong sign",
                                     bad, read),
                         file.path, "Energies must be in eV for the whole cell; convert them."};
  return std::nullopt;
}

std::optional<std::string> absolute_energies(const FileReport& file, double mean_energy_per_atom) {
  if (units_are_known(file) || file.kept == 0 || mean_energy_per_atom > lowest_usual_energy) return std::nullopt;
  return fmt::format(
      "energies of {:.0f} eV per atom: right for total energies of core or valence electrons (FHI-aims, CP2K, Quantum "
      "ESPRESSO), wrong by a unit if they come from VASP (0 to -15)",
      mean_energy_per_atom);
}

std::vector<ImportProblem> label_problems(const ImportReport& report, const std::string& place) {
  using Verdict = StressCheck::Verdict;
  std::vector<ImportProblem> problems;
  const ForceCheck& forces = report.force_check;
  const std::string against = fmt::format(
      "energy differences of {} successive frames are {:.3g} times the work of the "
      "forces (r = {:.3f})",
      forces.pairs, forces.slope, forces.correlation);
  if (forces.verdict == Verdict::wrong_sign)
    problems.push_back({"DI206", "the forces have the wrong sign: " + against, place,
                        "Forces are -dE/dr in eV/A; change their sign (the file may hold gradients)."});
  if (forces.verdict == Verdict::wrong_unit)
    problems.push_back({"DI206",
                        "energies and forces are not in eV and eV/A: " + against +
                            (forces.likely.empty() ? "" : ", as with " + forces.likely),
                        place, "Convert the labels: energies of the whole cell in eV, forces in eV/A."});
  const StressScatter& scatter = report.stress_scatter;
  if (scatter.verdict == Verdict::wrong_unit)
    problems.push_back({"DI204",
                        fmt::format("the stress of {} frames in one cell scatters {:.3g} times what their forces "
                                    "suggest: the unit is not eV/A^3",
                                    scatter.frames, scatter.ratio / 0.2),
                        place, stress_remedy});
  if (!report.stress_check) return problems;
  const StressCheck& check = *report.stress_check;
  if (check.verdict == Verdict::wrong_sign)
    problems.push_back({"DI201",
                        fmt::format("the stress has the wrong sign: energy differences of {} strained pairs equal "
                                    "minus the stress work (slope {:.2f}, r = {:.3f})",
                                    check.pairs, check.slope, check.correlation),
                        place, "Stress must be positive under tension, (1/V) dE/dstrain; change its sign."});
  if (check.verdict == Verdict::wrong_unit)
    problems.push_back({"DI202",
                        fmt::format("the stress has the wrong unit: energy differences of {} strained pairs are {:.3g} "
                                    "times the stress work (r = {:.3f})",
                                    check.pairs, check.slope, check.correlation),
                        place, stress_remedy});
  return problems;
}

}  // namespace haven
