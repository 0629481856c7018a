#pragma once
#include <string>
#include <vector>

#include "potentials/model.hpp"

namespace haven {

/// A published potential in another program's files.
struct PotentialSource {
  std::vector<std::string> paths;  ///< n2p2: one folder; nep, lammps-table: one file; aenet: one file per element
  std::string format = "auto";     ///< auto | n2p2 | nep | aenet | lammps-table
  std::string units{};             ///< n2p2: bohr-hartree | angstrom-ev
};

/// Which program a source is of: a folder with input.nn is n2p2's, a file that begins with "nep" NEP's, *.table is a
/// table of LAMMPS, others aenet's.
[[nodiscard]] std::string potential_format(const PotentialSource& source);

/// Reads the potential as a model, with the files' names and hashes as its provenance, and builds its evaluator once so
/// that what cannot be evaluated is refused here.
/// @throws ConfigError when the units of an n2p2 potential are not stated or the number of paths does not fit;
/// InputError and ModelError for damaged files and what Haven does not evaluate
[[nodiscard]] Model import_potential(const PotentialSource& source);

}  // namespace haven
