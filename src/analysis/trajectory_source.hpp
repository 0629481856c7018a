#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "io/position_reader.hpp"
#include "md/sinks.hpp"

namespace haven {

/// How the positions of a trajectory are to be read.
enum class Wrapping {
  unwrapped,  ///< continuous: the engine followed each atom through the boundaries
  wrapped,    ///< atoms jump at boundaries: steps are completed by the nearest image
};

/// What is known about a trajectory before its first frame.
struct TrajectoryInfo {
  std::string path;            ///< for messages
  std::vector<int> numbers;    ///< atomic number of each atom, same order in all frames
  std::vector<double> masses;  ///< amu; standard masses where the file has none
  double temperature_K = 0;    ///< target temperature, 0 when the file does not say
  Wrapping wrapping = Wrapping::wrapped;
};

/// A trajectory read once, frame by frame, in order of time.
class TrajectorySource {
 public:
  virtual ~TrajectorySource() = default;
  [[nodiscard]] virtual const TrajectoryInfo& info() const = 0;
  /// Reads the next frame; false at the end. @throws InputError for a damaged file.
  [[nodiscard]] virtual bool next(TrajectoryFrame& frame) = 0;
  /// What the file says of the frame last read beside its positions.
  [[nodiscard]] virtual FrameLabels labels() const { return {}; }
  /// Not empty: why labels() of this file are not to be trusted. Known after it was read.
  [[nodiscard]] virtual std::string labels_doubt() const { return {}; }
  /// What the user should know about the file after it was read: a frame that was cut off, frames left out.
  [[nodiscard]] virtual std::vector<std::string> remarks() const { return {}; }
  /// Displacements that the run itself measured of what is read, when there are any.
  [[nodiscard]] virtual std::optional<LiveTransport> live() const { return std::nullopt; }
};

/// What a file may leave unsaid.
struct TrajectoryReading {
  double frame_interval_fs = 0;  ///< time between stored frames (POTIM * NBLOCK for VASP); needed for XDATCAR, extxyz,
                                 ///< DCD; replaces the file's
  double timestep_fs = 0;        ///< of the run, for files that count steps but not time (LAMMPS dump)
  double temperature_K = 0;      ///< replaces what the file says when > 0
  std::string stage{};           ///< stage of an H5MD run; empty: the last one, which is said in remarks()
  std::vector<std::string> types{};  ///< elements of the numbered atom types of a file (LAMMPS dump, H5MD), in order
  std::string structure{};  ///< a file with the same atoms in the same order, for files without elements (DCD, XTC)
};

/// VASP XDATCAR, fixed or variable cell, direct or Cartesian coordinates, VASP 4 headers refused, `.gz` too. Wrapped.
/// Labels come from the OSZICAR beside it.
/// @throws ConfigError without a frame interval, InputError for anything that is no XDATCAR.
[[nodiscard]] std::unique_ptr<TrajectorySource> open_xdatcar(const std::string& path, const TrajectoryReading& reading);
/// Extended XYZ with a lattice in every frame, `.gz` too. Wrapped. @throws ConfigError without a frame interval.
[[nodiscard]] std::unique_ptr<TrajectorySource> open_extxyz(const std::string& path, const TrajectoryReading& reading);
/// Trajectories of other programs (io/position_reader.hpp): LAMMPS dump, DCD, XTC, H5MD, and VASP's OUTCAR,
/// vasprun.xml and vaspout.h5. Repeated frames (a restart writes its first step again) are left out.
/// @throws ConfigError when elements or the time between frames are known neither from the file nor from `reading`.
[[nodiscard]] std::unique_ptr<TrajectorySource> open_foreign(const std::string& path, const TrajectoryReading& reading);
/// Our H5MD trajectory: one file, or all segments of a run in a folder (see io/trajectory.hpp). Unwrapped.
[[nodiscard]] std::unique_ptr<TrajectorySource> open_h5md(const std::string& path, const TrajectoryReading& reading);
/// Chooses by content: a folder or an HDF5 file of ours -> open_h5md, XDATCAR, extxyz, otherwise open_foreign.
/// @throws InputError naming what can be read.
[[nodiscard]] std::unique_ptr<TrajectorySource> open_trajectory(const std::string& path,
                                                                const TrajectoryReading& reading);
/// Frames held in memory, for tests and for tools that make trajectories.
[[nodiscard]] std::unique_ptr<TrajectorySource> make_memory_source(TrajectoryInfo info,
                                                                   std::vector<TrajectoryFrame> frames);

}  // namespace haven
