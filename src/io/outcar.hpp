#pragma once
#include <memory>
#include <string>

#include "io/vasp_run.hpp"

namespace haven {

/// Streams the ionic steps of an OUTCAR (VASP 5.2 to 6.4, plain or .gz).
///
/// Only the columns POSITION and TOTAL-FORCE are read (a vdW table has more). The energy is the ionic one after the
/// force table. Blocks marked "(ML)" are delivered as machine-learned. SCF steps are counted, because VASP 5 prints
/// "EDIFF is reached" also when NELM stopped the loop.
[[nodiscard]] std::unique_ptr<VaspReader> open_outcar(const std::string& path);

}  // namespace haven
