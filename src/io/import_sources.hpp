#pragma once
#include <string>
#include <vector>

#include "io/import.hpp"

namespace haven {

/// One file that an import will read.
struct ImportFile {
  enum class Found { named, searched };
  std::string path;
  FileFormat format = FileFormat::unknown;
  std::size_t source = 0;            ///< index of its ImportSource
  Found found = Found::named;        ///< named by the user, or met in a folder or by a glob
  std::string instead_of{};          ///< the files of the same run that are not read because of this one
  std::vector<std::string> parts{};  ///< further files that are read with this one (arrays of a DeePMD-kit system, ...)
};

struct ImportFileList {
  std::vector<ImportFile> files;   ///< in the order of the sources; inside a folder sorted by path
  std::vector<std::string> notes;  ///< what was met but is not read, and why
};

/// Resolves files, globs and folders (recursively; names like OUTCAR*, vasprun*.xml*, vaspout*.h5*, ML_AB*, type.raw,
/// input.data*, *-pos-*.xyz, *.xyz, *.extxyz, *.xsf, also compressed). Of an OUTCAR, a vasprun.xml and a vaspout.h5
/// that hold the same run only one is kept: the vasprun.xml (its positions have more digits than the OUTCAR's, and
/// unlike older vaspout.h5 it tells convergence), or the OUTCAR when PSTRESS is set (only there the stress is certain).
/// An ML_AB met beside such a file repeats its steps and is left out with a note.
/// @throws InputError when a source matches nothing or a named file holds no energies and forces.
[[nodiscard]] ImportFileList find_import_files(const std::vector<ImportSource>& sources);

}  // namespace haven
