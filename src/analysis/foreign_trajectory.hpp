#pragma once
#include <string>

namespace haven {

/// The file is an H5MD trajectory that Haven wrote.
[[nodiscard]] bool is_own_h5md(const std::string& path);
/// The first bytes are those of a LAMMPS dump, DCD, XTC, or H5MD of another program.
[[nodiscard]] bool is_foreign_trajectory(const std::string& path);

}  // namespace haven
