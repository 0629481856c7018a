#pragma once
#include <memory>
#include <string>

#include "io/frame_reader.hpp"

namespace haven {

/// Streams the structures of an n2p2 / RuNNer `input.data` (begin, comment, lattice, atom, energy, charge, end).
///
/// The format does not say its units, and both bohr-hartree and angstrom-ev are common: FrameReading::units must be
/// stated. Structures without lattice vectors are not periodic: they are refused with the remedy of a box. The format
/// holds no stress. The charge columns are not used; that is said in notes().
/// @throws InputError when the units are not stated.
[[nodiscard]] std::unique_ptr<FrameReader> open_n2p2_data(const std::string& path, const FrameReading& reading);

}  // namespace haven
