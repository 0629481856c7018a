#pragma once
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/structure.hpp"
#include "io/energy_kind.hpp"
#include "io/text_file.hpp"

namespace haven {

/// Streams frames of an extended XYZ file (ASE, GPUMD and MACE dialects; plain or .gz).
///
/// Labels go by an explicit mapping (names without regard to case) that `mapping()` prints: energy from `free_energy`,
/// `energy`, `REF_energy`, `dft_energy`; forces from `forces`, `force`, `REF_forces`, `dft_forces`; stress from
/// `stress`, `REF_stress`, `dft_stress` (eV/A^3, tension positive; 9 values, or 6 in the order xx yy zz yz xz xy) or
/// from `virial`, `virials`, `REF_virial`, `REF_virials` (eV, = -stress * volume). Two names of one quantity that
/// disagree are an error, except that `energy` may differ from `free_energy` (smearing): `EnergyKind` then decides.
/// `vel` is A/fs; elements are in `species` or, as atomic numbers, in `Z`. Columns that are not used, and keys that
/// look like labels (`dft_virial`), are named by `mapping()`.
class ExtxyzReader {
 public:
  explicit ExtxyzReader(const std::string& path, EnergyKind energy = EnergyKind::free);
  /// The next frame, nothing at the end. @throws InputError with file and line; nothing is ever guessed.
  [[nodiscard]] std::optional<Frame> next();
  /// Like next(), but a frame with a number that is NaN, infinite or asterisks sets `problem` instead of throwing; such
  /// a frame is incomplete and must not be used. `problem` is empty for a good frame.
  [[nodiscard]] std::optional<Frame> next(std::string& problem);
  /// The frame that next(problem) has just returned has neither Lattice nor pbc=T: an isolated atom or molecule, whose
  /// cell is not set. (next() refuses it.)
  [[nodiscard]] bool without_cell() const { return without_cell_; }
  /// "energy <- free_energy, forces <- REF_forces, ..." of what has been read so far.
  [[nodiscard]] std::string mapping() const;
  /// Not empty: the file ends inside a frame (which is not delivered), in words. Valid when next() has returned
  /// nothing.
  [[nodiscard]] const std::string& ending() const { return ending_; }
  [[nodiscard]] const std::string& path() const { return file_.path(); }

 private:
  TextFile file_;
  EnergyKind energy_;
  std::map<std::string, std::string> mapping_;
  std::string ending_;
  std::shared_ptr<const std::string> last_settings_{};
  Index index_ = 0;
  bool without_cell_ = false;
};

/// One frame as extended XYZ text with numbers that read back exactly: Lattice, pbc, Properties (species, pos, and vel,
/// forces when present), energy, stress (9 values, eV/A^3, tension positive), config_type = group, trajectory,
/// temperature_K, weight, and of the frame's source: source_path, source_index, source_code, source_sha256,
/// source_settings (with semicolons between them). ExtxyzReader brings all of it back.
enum class XyzDialect {
  ase,    ///< `stress` (eV/A^3) and the column `forces`
  gpumd,  ///< `virial` (eV, = -stress * volume) and the column `force`
};
[[nodiscard]] std::string extxyz_text(const Frame& frame, XyzDialect dialect = XyzDialect::ase);
/// The part of the comment line that says where a frame comes from (config_type, trajectory, ...), without blanks at
/// the ends.
[[nodiscard]] std::string frame_comment(const Frame& frame);
/// @throws IoError
void write_extxyz(const std::string& path, std::span<const Frame> frames);

}  // namespace haven
