#pragma once
#include <string>
#include <vector>

#include "core/structure.hpp"
#include "io/file_format.hpp"

/// Small complete files of the formats that Haven reads and does not write, all made from frames in Haven's units, so
/// that a test knows what must come out.
namespace haven::testing {

[[nodiscard]] std::string ml_ab_text(const std::vector<Frame>& frames);
enum class AtomicUnits { no, yes };
[[nodiscard]] std::string n2p2_text(const std::vector<Frame>& frames, AtomicUnits units);
[[nodiscard]] std::string xsf_text(const Frame& frame);
/// Output of a pw.x molecular dynamics run with stress; cell fixed.
[[nodiscard]] std::string espresso_text(const std::vector<Frame>& frames);
struct Cp2kFiles {
  std::string positions, forces, cell;
};
[[nodiscard]] Cp2kFiles cp2k_files(const std::vector<Frame>& frames);
[[nodiscard]] std::string xdatcar_text(const std::vector<Frame>& frames);
/// Bytes of a .npy file (format 1.0). `type` is "<f8", "<f4", "<i4" or "<i8".
[[nodiscard]] std::string npy_bytes(const std::string& type, const std::vector<Index>& shape,
                                    const std::vector<double>& values);
/// Writes type.raw, type_map.raw and one set of arrays into an existing folder.
void write_deepmd_system(const std::string& folder, const std::vector<Frame>& frames, const std::string& real = "<f8");
/// Writes a vaspout.h5 of the layout of VASP 6.4.
void write_vaspout(const std::string& path, const std::vector<Frame>& frames);

/// All frames of a file; the reader's ending() in `ending`. A frame with a problem is a test failure.
[[nodiscard]] std::vector<Frame> frames_in(const std::string& path, const FrameReading& reading, std::string& ending);
/// Checks structure and labels to a relative tolerance.
void expect_same_frame(const Frame& found, const Frame& expected, double tolerance);

}  // namespace haven::testing
