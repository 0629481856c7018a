#pragma once
#include <string>
#include <string_view>

#include "core/structure.hpp"

namespace haven {

/// Reads the structure of a CIF (plain or compressed): cell, atom sites in fractional coordinates, and the symmetry
/// operations that the file lists, which are applied to every site (images nearer than 0.05 A are one atom).
///
/// Nothing is guessed: a space group given by its name alone, partial or split occupancies and several structures in
/// one file are errors that name the sites and the remedy.
/// @throws InputError with the line
[[nodiscard]] Structure read_cif(const std::string& path);
/// The same from text; `name` appears in messages.
[[nodiscard]] Structure parse_cif(std::string_view text, const std::string& name);

}  // namespace haven
