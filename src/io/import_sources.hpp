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
  std::size_t source = 0;      ///< index of its ImportSource
  Found found = Found::named;  ///< named by the user, or met in a folder or by a glob
  std::string instead_of{};    ///< the file of the same run that is not read because of this one
};

struct ImportFileList {
  std::vector<ImportFile> files;   ///< in the order of the sources; inside a folder sorted by path
  std::vector<std::string> notes;  ///< what was met but is not read, and why
};

/// Resolves files, globs and folders (recursively; names like OUTCAR*, vasprun*.xml*, *.xyz, *.extxyz, also .gz). Of an
/// OUTCAR and a vasprun.xml that hold the same run only one is kept: the vasprun.xml (its positions have more digits),
/// or the OUTCAR when PSTRESS is set (only there the stress is certain).
/// @throws InputError when a source matches nothing or a named file has an unknown format.
[[nodiscard]] ImportFileList find_import_files(const std::vector<ImportSource>& sources);

}  // namespace haven
