#pragma once
#include <memory>
#include <string>

#include "io/vasp_run.hpp"

namespace haven {

/// Streams the ionic steps of a vaspout.h5 (VASP 6.x; layout as py4vasp reads it: `intermediate/ion_dynamics` with
/// energies, forces, stress in kbar, lattice_vectors and position_ions) row by row. A compressed file is decompressed
/// into memory (at most 4 GiB).
///
/// Whether the SCF converged is known from VASP 6.5 on (`electronic_step_converged`), else Scf::unknown. With PSTRESS
/// steps are marked as unreadable, because the file does not say whether its energy contains P V; with a
/// machine-learned force field the file is refused, because predicted and calculated steps cannot be told apart.
[[nodiscard]] std::unique_ptr<VaspReader> open_vaspout(const std::string& path);

}  // namespace haven
