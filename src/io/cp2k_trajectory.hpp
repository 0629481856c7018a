#pragma once
#include <memory>
#include <string>

#include "io/frame_reader.hpp"

namespace haven {

/// Streams a CP2K trajectory: `NAME-pos-1.xyz` (A; its comment lines hold the energy in hartree) with `NAME-frc-1.xyz`
/// (hartree/bohr) and `NAME-1.cell` (A) beside it. Frames are matched by their step ("i = ..."); steps that one of the
/// files lacks (other print intervals) are passed over and counted in notes(). The stress is not read: its sign and
/// unit differ between versions of CP2K.
/// @param path the -pos- file
/// @throws InputError when the -frc- or the .cell file is missing, naming what to print.
[[nodiscard]] std::unique_ptr<FrameReader> open_cp2k_trajectory(const std::string& path);

/// The files beside `path` that belong to it: what a hash of the source must cover.
[[nodiscard]] std::vector<std::string> cp2k_parts(const std::string& path);

}  // namespace haven
