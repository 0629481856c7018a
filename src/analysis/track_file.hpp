#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "io/file_system.hpp"
#include "io/scratch_file.hpp"

namespace haven {

/// Tracks that are too long for the memory: written in blocks of frames as they come, read series by series.
///
/// The file has no name: it is removed from its folder while it is open, so that it is gone with the last owner,
/// however the process ends.
class TrackFile {
 public:
  /// @param folder  empty: that of temporary files (TMPDIR, or /tmp)
  /// @throws IoError when no file can be made there
  explicit TrackFile(const std::string& folder,
                     std::unique_ptr<FileSystem> files = std::make_unique<PosixFileSystem>());

  /// Appends frames. @param series  [series][frame], the same number of series every time, all of one length
  /// @throws IoError with what to do when there is no room
  void append(const std::vector<std::vector<double>>& series);
  /// All frames of one series. @param values  as many as there are frames
  void read(std::size_t series, std::span<double> values) const;
  [[nodiscard]] std::size_t n_frames() const { return n_frames_; }

 private:
  std::unique_ptr<FileSystem> files_;
  std::unique_ptr<ScratchFile> scratch_;
  std::vector<std::size_t> block_frames_;
  std::size_t n_frames_ = 0, n_series_ = 0;
};

}  // namespace haven
