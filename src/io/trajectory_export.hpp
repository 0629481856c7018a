#pragma once
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "io/file_system.hpp"
#include "io/position_reader.hpp"
#include "md/sinks.hpp"

namespace haven {

/// Formats that other programs read. Positions are unwrapped in all of them.
enum class ExportFormat {
  extxyz,       ///< the cell as it is, with step, time_fs and what is known of energy and temperature_K in the
                ///< comment
  lammps_dump,  ///< id type element xu yu zu [vx vy vz], units metal; the crystal is turned: a along x, b in the xy
                ///< plane
  dcd,          ///< single precision, no elements and no velocities; turned as for LAMMPS
};

struct ExportHeader {
  std::vector<int> numbers;      ///< atomic numbers, in the order of the frames
  double frame_interval_fs = 0;  ///< DCD states it; 0 when unknown
  std::string created_by;
};

/// Writes a trajectory frame by frame in constant memory. The file has its name when finish() has returned; until then
/// it is NAME.tmp, which is removed when the exporter goes away without having finished.
class TrajectoryExporter {
 public:
  TrajectoryExporter() = default;
  virtual ~TrajectoryExporter() = default;
  TrajectoryExporter(const TrajectoryExporter&) = delete;
  TrajectoryExporter& operator=(const TrajectoryExporter&) = delete;
  /// @throws InputError for a frame that the format cannot hold; IoError
  virtual void append(const TrajectoryFrame& frame, const FrameLabels& labels) = 0;
  virtual void finish() = 0;
};

/// One frame as extended XYZ, velocities and labels included when it has them.
[[nodiscard]] std::string extxyz_text(const TrajectoryFrame& frame, std::span<const int> numbers,
                                      const FrameLabels& labels = {});

/// @throws IoError
[[nodiscard]] std::unique_ptr<TrajectoryExporter> make_exporter(FileSystem& files, const std::string& path,
                                                                ExportFormat format, const ExportHeader& header);

}  // namespace haven
