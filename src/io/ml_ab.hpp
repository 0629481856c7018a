#pragma once
#include <memory>
#include <string>

#include "io/frame_reader.hpp"

namespace haven {

/// Streams the configurations of an ML_AB or ML_ABN, the ab initio data of VASP's machine-learned force fields
/// (VASP 6.3 and later): free energy, forces, and stress in kbar with the sign and order of "in kB" (XX YY ZZ, XY YZ
/// ZX). Sections that are not needed (CTIFOR, basis sets, reference energies) are passed over. Frames of one system
/// name share a trajectory.
/// @throws InputError for `EnergyKind::sigma0`, which the file does not hold.
[[nodiscard]] std::unique_ptr<FrameReader> open_ml_ab(const std::string& path, const FrameReading& reading);

}  // namespace haven
