#pragma once
#include <memory>
#include <string>

#include "io/vasp_run.hpp"

namespace haven {

/// Streams the ionic steps of a vasprun.xml (VASP 5.2 to 6.4, plain or .gz) in constant memory.
///
/// A file that is cut off delivers the complete `<calculation>` elements. With PSTRESS != 0 the energy written by VASP
/// may contain P V; it is taken out when the last SCF energy proves it, otherwise the step is marked as unreadable.
[[nodiscard]] std::unique_ptr<VaspReader> open_vasprun(const std::string& path);

}  // namespace haven
