#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/structure.hpp"
#include "io/energy_kind.hpp"

namespace haven {

/// Units of a file whose format does not fix them.
enum class FileUnits {
  unstated,      ///< the user has not said; formats that need it refuse the file
  angstrom_ev,   ///< A, eV, eV/A
  bohr_hartree,  ///< bohr, hartree, hartree/bohr
};
/// "angstrom-ev" or "bohr-hartree"; empty is unstated. Nothing for any other word.
[[nodiscard]] std::optional<FileUnits> file_units(std::string_view name);

/// What some files cannot say themselves and the user must.
struct FrameReading {
  EnergyKind energy = EnergyKind::free;
  FileUnits units = FileUnits::unstated;
  std::vector<int> types{};  ///< atomic numbers of the numbered atom types of a file, in order; empty: not said
};

/// One frame as a file states it, before any judgement.
struct ReadFrame {
  Frame frame;
  std::string problem{};  ///< not empty: a number of this frame cannot be used; the frame is incomplete (DI004)
  std::string no_cell{};  ///< not empty (as `problem` then): an isolated atom or molecule; its cell is not set (DI013)
  std::string unconverged{};  ///< not empty: the file says that the SCF did not converge, in words (DI001)
};

/// Labelled frames of one file, one after the other in constant memory (formats other than VASP's run files, which have
/// VaspReader). A frame that is cut off is not delivered.
class FrameReader {
 public:
  FrameReader() = default;
  virtual ~FrameReader() = default;
  FrameReader(const FrameReader&) = delete;
  FrameReader& operator=(const FrameReader&) = delete;
  /// The next frame, its `source` filled in; nothing at the end.
  /// @throws InputError with file and line for a file that is damaged or not of this format; IoError.
  virtual std::optional<ReadFrame> next() = 0;
  /// Not empty: the file ends inside a frame, in words. Valid when next() has returned nothing.
  [[nodiscard]] virtual std::string ending() const { return {}; }
  /// What the user should know: names of labels, units, what is not used. Valid when next() has returned nothing.
  [[nodiscard]] virtual std::vector<std::string> notes() const { return {}; }
};

}  // namespace haven
