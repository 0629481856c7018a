#pragma once
#include <optional>
#include <string>

#include "io/file_system.hpp"

namespace haven {

/// A file for what does not fit into memory, in a folder of its own: a name in a common one could be a link of somebody
/// else's. It goes with this object, or sooner with remove_name(), after which whoever has it open still uses it.
class ScratchFile {
 public:
  /// @param folder  empty: that of temporary files (TMPDIR, or /tmp)
  /// @throws IoError when no file can be made there
  ScratchFile(FileSystem& files, const std::string& folder);
  ~ScratchFile() { remove_name(); }
  ScratchFile(const ScratchFile&) = delete;
  ScratchFile& operator=(const ScratchFile&) = delete;

  [[nodiscard]] OutputFile& file() { return *file_; }
  [[nodiscard]] const std::string& folder() const { return folder_; }  ///< that it was made in, for messages
  /// Gone from the disk when the last handle is closed, however the process ends.
  void remove_name();

 private:
  FileSystem& files_;
  std::string folder_, own_folder_;
  std::optional<OutputFile> file_;
};

}  // namespace haven
