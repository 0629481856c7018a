#pragma once
#include <memory>
#include <string>
#include <string_view>

#include "io/frame_reader.hpp"
#include "io/vasp_run.hpp"

namespace haven {

/// What a file is, decided by its content (a DeePMD-kit system by the name of its `type.raw`).
enum class FileFormat {
  poscar,
  outcar,
  vasprun,
  extxyz,
  vaspout,      ///< vaspout.h5
  ml_ab,        ///< ML_AB, ML_ABN
  xdatcar,      ///< positions only
  oszicar,      ///< energies and temperatures only, read beside an XDATCAR
  deepmd,       ///< the type.raw of a DeePMD-kit system
  n2p2,         ///< input.data of n2p2 or RuNNer
  xsf,          ///< aenet's dialect has energy and forces
  cif,          ///< structure only
  lammps_data,  ///< structure only
  espresso,     ///< text output of Quantum ESPRESSO's pw.x
  cp2k,         ///< *-pos-*.xyz of CP2K, with its *-frc-*.xyz and *.cell beside it
  unknown,
};
[[nodiscard]] std::string_view file_format_name(FileFormat format);
/// Looks at the first lines (plain or compressed). @throws InputError when the file does not exist.
[[nodiscard]] FileFormat recognise_format(const std::string& path);

/// OUTCAR, vasprun.xml, vaspout.h5: the whole run of one calculation, read by open_vasp_run().
[[nodiscard]] bool is_vasp_run(FileFormat format);
/// Labelled frames that open_frames() reads.
[[nodiscard]] bool is_frame_file(FileFormat format);
[[nodiscard]] std::unique_ptr<VaspReader> open_vasp_run(const std::string& path, FileFormat format);
[[nodiscard]] std::unique_ptr<FrameReader> open_frames(const std::string& path, FileFormat format,
                                                       const FrameReading& reading);
/// "OUTCAR, vasprun.xml, ..." for messages: everything that holds energies and forces.
inline constexpr const char* importable_formats =
    "OUTCAR, vasprun.xml, vaspout.h5, ML_AB, extended XYZ, DeePMD-kit systems (type.raw), n2p2 input.data, aenet XSF, "
    "CP2K *-pos-*.xyz and Quantum ESPRESSO pw.x output (plain, .gz, .bz2 or .xz)";

}  // namespace haven
