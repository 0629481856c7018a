#pragma once
#include <functional>
#include <string>

#include "io/dataset_file.hpp"

/// Datasets of frames that are not all in memory.
namespace haven {

/// Frames that are gone through several times.
class FrameSequence {
 public:
  FrameSequence() = default;
  virtual ~FrameSequence() = default;
  FrameSequence(const FrameSequence&) = delete;
  FrameSequence& operator=(const FrameSequence&) = delete;
  [[nodiscard]] virtual Index size() const = 0;
  /// Every frame in order; a frame is valid during its visit.
  virtual void each(const std::function<void(const Frame&)>& visit) = 0;
  /// Does any frame know the hash or the settings of its source?
  [[nodiscard]] virtual bool has_provenance() const = 0;
};

/// As for frames in memory (io/dataset_file.hpp).
[[nodiscard]] std::string dataset_hash(FrameSequence& frames);
/// As for frames in memory; holds some 300 bytes for each frame, and a block of atoms.
void write_dataset(FileSystem& files, const std::string& path, FrameSequence& frames, const DatasetInfo& info);

}  // namespace haven
