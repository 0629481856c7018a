#pragma once
#include <string>
#include <vector>

#include "core/structure.hpp"
#include "io/file_format.hpp"

namespace haven {

/// The structure of a POSCAR, CONTCAR, CIF or LAMMPS data file, the first frame of an extxyz or another file of
/// labelled frames, or the last complete step of a VASP run (OUTCAR, vasprun.xml, vaspout.h5) or XDATCAR.
/// @throws InputError naming the formats that can be read.
[[nodiscard]] Structure read_structure(const std::string& path, const FrameReading& reading = {});

/// All frames of a file of labelled frames, all complete ab initio steps of a VASP run (no other judgement: see
/// import.hpp), all positions of an XDATCAR (without labels), or the one structure of a POSCAR, CIF or LAMMPS data
/// file.
/// @throws InputError when there is none, or for a frame with a number that cannot be used.
[[nodiscard]] std::vector<Frame> read_frames(const std::string& path, const FrameReading& reading = {});

}  // namespace haven
