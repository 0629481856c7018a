#pragma once
#include <memory>
#include <string>

#include "io/frame_reader.hpp"

namespace haven {

/// Streams the ionic steps of the text output of Quantum ESPRESSO's pw.x (scf, relax, vc-relax, md, vc-md): "! total
/// energy" (with smearing the free energy that the forces belong to), forces, stress where printed, in rydberg and
/// bohr; positions and cell of a step are those printed before it.
///
/// Steps whose SCF was not achieved are marked. Initial coordinates have the 7 (newer: 9) decimals of alat that pw.x
/// prints. @throws InputError for `EnergyKind::sigma0`, which pw.x does not print.
[[nodiscard]] std::unique_ptr<FrameReader> open_espresso_output(const std::string& path, const FrameReading& reading);

}  // namespace haven
