#pragma once
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/cell.hpp"
#include "core/types.hpp"

namespace haven {

/// Atoms in a cell. Positions are Cartesian (A) and need not lie inside the cell.
struct Structure {
  Cell cell;
  std::vector<int> numbers;        ///< atomic numbers
  std::vector<Vec3> positions;     ///< A
  std::vector<Vec3> velocities{};  ///< A/fs; empty when the source has none

  [[nodiscard]] Index size() const { return static_cast<Index>(numbers.size()); }
};

/// Where a frame came from, so that any number can be traced to its file.
struct FrameSource {
  std::string path;      ///< as given or found; empty for frames made in memory
  Index index = 0;       ///< 0-based position in the file
  std::string code;      ///< for example "VASP 5.4.4"; empty when unknown
  std::string sha256{};  ///< of the file's bytes, 64 hexadecimal digits; empty when unknown
  /// Settings that change energies (CalculationSettings::text()), shared by the frames of a run; null when unknown.
  std::shared_ptr<const std::string> settings{};
};

/// A labelled structure: what a calculation says about it. A missing label is absent, never zero.
struct Frame {
  Structure structure;
  std::optional<double> energy{};  ///< eV for the whole cell: the free energy (TOTEN) that the forces belong to
  std::vector<Vec3> forces{};      ///< eV/A; empty when absent
  std::optional<Mat3> stress{};    ///< eV/A^3, (1/V) dE/dstrain: positive under tension (ASE sign)
  std::string group{};             ///< e.g. "aimd_600K"; errors are reported by group
  std::string trajectory{};        ///< frames of one source run share it; the split never separates neighbours in time
  std::optional<double> temperature{};  ///< K, when the source states one
  double weight = 1.0;                  ///< multiplies this frame's terms in the loss
  FrameSource source{};
};

/// Element symbols with counts in order of first appearance, e.g. "Li20 Ge2 P4 S24".
[[nodiscard]] std::string composition(const Structure& structure);

/// Repeats a structure n_a x n_b x n_c times; copies of the cell follow each other, atoms inside keep their order.
[[nodiscard]] Structure supercell(const Structure& structure, int n_a, int n_b, int n_c);

}  // namespace haven
