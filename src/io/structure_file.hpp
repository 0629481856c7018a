#pragma once
#include <string>
#include <vector>

#include "core/structure.hpp"

namespace haven {

/// What a file is, decided by its content.
enum class FileFormat { poscar, outcar, vasprun, extxyz, unknown };
[[nodiscard]] std::string_view file_format_name(FileFormat format);
/// Looks at the first lines (plain or .gz). @throws InputError when the file does not exist.
[[nodiscard]] FileFormat recognise_format(const std::string& path);

/// The structure of a POSCAR, CONTCAR or extxyz (its first frame), or the last complete step of an OUTCAR or
/// vasprun.xml.
/// @throws InputError naming the formats that can be read.
[[nodiscard]] Structure read_structure(const std::string& path);

/// All frames of an extxyz, all complete ab initio steps of an OUTCAR or vasprun.xml (no other judgement: see
/// import.hpp), or the one structure of a POSCAR. @throws InputError when there is none.
[[nodiscard]] std::vector<Frame> read_frames(const std::string& path);

}  // namespace haven
