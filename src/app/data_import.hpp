#pragma once
#include <functional>
#include <memory>
#include <string>

#include "app/config.hpp"
#include "core/log.hpp"
#include "io/frame_spool.hpp"
#include "io/import.hpp"

namespace haven {

struct ImportedData {
  std::unique_ptr<FileSystem> files;
  std::unique_ptr<FrameSpool> frames;  ///< on disk until they are written
  ImportReport report;
  bool stopped = false;  ///< `stop` said so; the rest is incomplete
};

/// Reads the sources of an input file; frames wait in a file without name in `folder`, so that memory does not grow
/// with them. `stop` is polled after every frame. @throws what import_frames() throws
[[nodiscard]] ImportedData import_data(const Config& config, const std::string& folder, Log& log,
                                       const std::function<bool()>& stop = {});

}  // namespace haven
