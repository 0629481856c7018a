#pragma once
#include <memory>
#include <string>

#include "core/log.hpp"
#include "io/file_system.hpp"

namespace haven {

/// Keeps a second run out of a run folder. Held by the file `run.lock` through an advisory lock of the operating
/// system, which ends with the process however it dies: there are no stale locks.
class RunLock {
 public:
  /// Makes the folder if needed and takes its lock.
  /// @throws ResourceError when another process holds it (naming it), IoError.
  /// On a file system without locks this warns (IO010) and goes on.
  RunLock(FileSystem& files, const std::string& folder, Log& log);
  [[nodiscard]] const std::string& folder() const { return folder_; }

 private:
  std::string folder_;
  std::unique_ptr<OutputFile> file_;
};

}  // namespace haven
