#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "core/structure.hpp"

namespace haven {

/// What a POSCAR states besides the structure.
struct Poscar {
  std::string comment;
  Structure structure;
  /// Selective dynamics: true = the coordinate may move; empty when the file has no such flags.
  std::vector<std::array<bool, 3>> movable{};
};

/// Reads a POSCAR or CONTCAR (VASP 4 to 6; plain or .gz): scale (three numbers, or negative = volume), species on
/// several lines, selective dynamics, direct or Cartesian, velocities. A VASP 4 file takes its elements from symbols
/// after the coordinates, or from the comment line when that consists of as many element symbols as there are counts.
/// @throws InputError with the line, for unknown elements, missing atoms, non-finite numbers, absurd counts or a flat
/// cell.
[[nodiscard]] Poscar read_poscar(const std::string& path);
/// The same from text; `name` appears in messages.
[[nodiscard]] Poscar parse_poscar(std::string_view text, const std::string& name);

/// VASP 5 POSCAR, direct coordinates with 16 decimals; atoms of one element are kept in runs as they are ordered.
/// Velocities follow when the structure has them. `comment` must be one line.
[[nodiscard]] std::string poscar_text(const Structure& structure, const std::string& comment);
/// @throws IoError
void write_poscar(const std::string& path, const Structure& structure, const std::string& comment);

}  // namespace haven
