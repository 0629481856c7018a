#pragma once
#include <memory>
#include <string>

#include "io/frame_reader.hpp"

namespace haven {

/// The one structure of an XSF file in aenet's dialect (Artrith & Urban, Comput. Mater. Sci. 114, 135 (2016)): the
/// total energy in eV in a comment line "# total energy = E eV", forces in eV/A in columns 5 to 7 of PRIMCOORD.
///
/// Without the energy comment the file is an ordinary XSF, whose forces are in hartree/A: then neither energy nor
/// forces are delivered. The format holds no stress. Animated (AXSF) and not periodic files are refused with a remedy.
[[nodiscard]] std::unique_ptr<FrameReader> open_aenet_xsf(const std::string& path);

}  // namespace haven
