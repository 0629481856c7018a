#pragma once
#include <string>
#include <vector>

#include "core/structure.hpp"

namespace haven {

/// Labelled frames of any file that a command accepts: a dataset (.h5), extxyz, OUTCAR, vasprun.xml, POSCAR.
/// @throws InputError
[[nodiscard]] std::vector<Frame> frames_of(const std::string& path);

}  // namespace haven
