#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "io/file_system.hpp"
#include "md/sinks.hpp"

/// H5MD 1.1 trajectories (de Buyl, Colberg, Hoefling, CPC 185, 1546 (2014)), one file ("segment") per part of a run,
/// with a checksum per frame; layout in docs/formats.md.
namespace haven {

/// "traj.part0001.h5" for 1.
[[nodiscard]] std::string segment_name(int part);
/// Number of the last segment in a folder, 0 when there is none.
[[nodiscard]] int last_segment(const std::string& folder);

struct SegmentOptions {
  std::int64_t supersedes_after = -1;              ///< frames of earlier segments with a later step than this are void
  bool velocities = false;                         ///< frames carry velocities
  std::array<bool, 3> periodic{true, true, true};  ///< of every frame's cell
};

/// Writes one segment. The file appears under its name only when readers can already follow it (SWMR, renamed, folder
/// synced), and stays readable at every moment after that, a killed writer included.
class TrajectoryWriter {
 public:
  /// @throws IoError
  TrajectoryWriter(FileSystem& files, const std::string& path, const TrajectoryHeader& header,
                   const SegmentOptions& options);
  ~TrajectoryWriter();  ///< closes without a word
  TrajectoryWriter(const TrajectoryWriter&) = delete;
  TrajectoryWriter& operator=(const TrajectoryWriter&) = delete;

  /// Returns when readers can see the frame; SIGKILL cannot take it away any more. @throws IoError, InternalError for
  /// frames that do not fit the header or do not follow the last one.
  void append(const TrajectoryFrame& frame);
  /// Returns when all frames are on the disk; a power cut cannot take them away any more. @throws IoError
  void sync();
  /// Ends the file properly: from now on any HDF5 program opens it. @throws IoError
  void close();

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

/// A stored frame that cannot be used, and why.
struct RejectedFrame {
  std::string file;
  Index index = 0;  ///< 0-based position in the file
  std::int64_t step = 0;
  std::string reason;
};

/// Streams the frames of a run folder, or of one file, in order of step. Works on finished, running and killed runs
/// alike. Where segments overlap (a run continued from a checkpoint) the later one holds.
class TrajectoryReader {
 public:
  /// @throws InputError when there is no trajectory, a file is damaged, or segments do not belong together; IoError.
  explicit TrajectoryReader(const std::string& folder_or_file);
  ~TrajectoryReader();
  TrajectoryReader(const TrajectoryReader&) = delete;
  TrajectoryReader& operator=(const TrajectoryReader&) = delete;

  /// Of the selected stage; before a selection, of the first segment.
  [[nodiscard]] const TrajectoryHeader& header() const;
  [[nodiscard]] std::vector<std::string> stages() const;  ///< names in order of appearance
  /// Restricts the stream to one stage and starts it again. @throws InputError for an unknown stage (listing them).
  void select_stage(const std::string& name);
  /// Frames that next() will try, damaged ones included.
  [[nodiscard]] Index frames() const;
  [[nodiscard]] bool has_velocities() const;
  /// Reads the next frame; false at the end. Frames whose checksum fails are left out and listed in rejected().
  bool next(TrajectoryFrame& frame);
  /// Goes back to the first frame.
  void rewind();
  [[nodiscard]] const std::vector<RejectedFrame>& rejected() const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace haven
