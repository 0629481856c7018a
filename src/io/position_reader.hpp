#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/cell.hpp"
#include "core/types.hpp"

namespace haven {

/// What a file says of a frame beside where the atoms are.
struct FrameLabels {
  std::optional<double> temperature_K{};  ///< of this moment, from the velocities
  std::optional<double> energy{};         ///< eV, of the cell; the free energy that forces belong to
};

/// Positions of one frame, as a file states them.
struct PositionFrame {
  std::optional<std::int64_t> step{};
  std::optional<double> time_fs{};
  Cell cell;
  std::vector<Vec3> positions{};   ///< A
  std::vector<Vec3> velocities{};  ///< A/fs; empty when the file has none, or none of known unit
  FrameLabels labels{};
};

/// What some trajectories cannot say themselves and the user must.
struct PositionReading {
  std::vector<int> types{};    ///< atomic numbers of the numbered atom types, in increasing order; empty: not said
  std::optional<Cell> cell{};  ///< of every frame, for files without one
};

/// Trajectory of another program, frame by frame in constant memory. A frame that is cut off is not delivered.
class PositionReader {
 public:
  PositionReader() = default;
  virtual ~PositionReader() = default;
  PositionReader(const PositionReader&) = delete;
  PositionReader& operator=(const PositionReader&) = delete;
  /// The next frame; false at the end. @throws InputError with the place for a damaged file; IoError.
  virtual bool next(PositionFrame& frame) = 0;
  /// Atomic numbers, the same order in all frames; empty when the file does not name elements. Valid after next().
  [[nodiscard]] virtual const std::vector<int>& numbers() const = 0;
  /// Positions are continuous through the boundaries. Valid after next().
  [[nodiscard]] virtual bool unwrapped() const { return false; }
  /// K, of the thermostat; 0 when the file does not say. Valid after next().
  [[nodiscard]] virtual double temperature_K() const { return 0; }
  /// Not empty: the file ends inside a frame, in words. Valid when next() has returned false.
  [[nodiscard]] virtual std::string ending() const { return {}; }
  /// Not empty: why the labels of the frames are not to be trusted. Valid when next() has returned false.
  [[nodiscard]] virtual std::string labels_doubt() const { return {}; }
  /// What the user should know about the file. Valid when next() has returned false.
  [[nodiscard]] virtual std::vector<std::string> notes() const { return {}; }
};

/// LAMMPS text dump (plain or compressed) of any columns that hold an id and positions: x y z, xs ys zs (with ix iy iz
/// when present), xu yu zu, xsu ysu zsu. Orthogonal, triclinic and general triclinic boxes. Elements come from the
/// column `element`, else from `type` with PositionReading::types, else from `mass`. Lengths are A (units metal and
/// real); "ITEM: UNITS" of anything else is refused. Positions are relative to the corner of the box.
[[nodiscard]] std::unique_ptr<PositionReader> open_lammps_dump(const std::string& path, const PositionReading& reading);

/// DCD of CHARMM, NAMD, X-PLOR, LAMMPS, OpenMM: either byte order, with or without unit cell, fixed atoms. Its time
/// step has no common unit and is not used.
[[nodiscard]] std::unique_ptr<PositionReader> open_dcd(const std::string& path, const PositionReading& reading);

/// GROMACS XTC (compressed coordinates). Lossy: a note says by how much.
[[nodiscard]] std::unique_ptr<PositionReader> open_xtc(const std::string& path);

/// H5MD of other programs: the first group of /particles with positions. Steps, times, boxes (fixed or varying, lengths
/// or matrix), images and velocities are used when present; compressed and single-precision data are read. `species`
/// are elements where it is an enumeration of symbols, otherwise numbered types (PositionReading::types).
[[nodiscard]] std::unique_ptr<PositionReader> open_foreign_h5md(const std::string& path,
                                                                const PositionReading& reading);

/// VASP XDATCAR (io/xdatcar.hpp), with temperatures and energies from the OSZICAR beside it, matched by the numbers of
/// the ionic steps.
[[nodiscard]] std::unique_ptr<PositionReader> open_xdatcar_positions(const std::string& path);

/// OUTCAR, vasprun.xml, vaspout.h5: every ionic step, POTIM apart.
[[nodiscard]] std::unique_ptr<PositionReader> open_vasp_positions(const std::string& path);

}  // namespace haven
