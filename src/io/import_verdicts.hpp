#pragma once
#include <optional>
#include <string>
#include <vector>

#include "io/import.hpp"

/// What an import says about a file or a set as a whole, from what its frames have shown.
namespace haven {

/// More than half of a file's frames have a stress or an energy that no calculation gives (DI011, DI012): the unit is
/// wrong, not the frames. Never for files of programs, whose units are known.
[[nodiscard]] std::optional<ImportProblem> unit_problem(const FileReport& file);
/// DI111: energies far below those of VASP, from a file that does not say its program.
[[nodiscard]] std::optional<std::string> absolute_energies(const FileReport& file, double mean_energy_per_atom);
/// DI201, DI202, DI204 to DI206, from the checks in the report; `place` names the set.
[[nodiscard]] std::vector<ImportProblem> label_problems(const ImportReport& report, const std::string& place);

}  // namespace haven
