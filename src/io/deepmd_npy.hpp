#pragma once
#include <memory>
#include <string>
#include <vector>

#include "io/frame_reader.hpp"

namespace haven {

/// Streams a DeePMD-kit system: a folder with `type.raw`, `type_map.raw` and
/// `set.*/{coord,box,energy,force,virial}.npy` (eV, A; virial in eV = -stress * volume, row by row). In the mixed-type
/// layout the elements of each frame are in `set.*/real_atom_types.npy`; atoms of negative type are padding and left
/// out.
///
/// @param path the system's `type.raw`
/// @throws InputError without type_map.raw when FrameReading::types says nothing, for arrays that do not fit each
/// other, for `nopbc` systems.
[[nodiscard]] std::unique_ptr<FrameReader> open_deepmd(const std::string& path, const FrameReading& reading);

/// The files of the system besides `type.raw`, sorted: what a hash of the source must cover.
[[nodiscard]] std::vector<std::string> deepmd_parts(const std::string& path);

}  // namespace haven
