#include "io/scratch_file.hpp"

#include <stdlib.h>  // mkdtemp is POSIX
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "core/error.hpp"

namespace haven {
namespace {

std::string folder_for(const std::string& wanted) {
  if (!wanted.empty()) return wanted;
  std::error_code error;
  const std::filesystem::path folder = std::filesystem::temp_directory_path(error);
  if (error)
    throw IoError("there is no folder for temporary files", "TMPDIR", "Set TMPDIR to a folder on a disk with room.");
  return folder.string();
}

}  // namespace

ScratchFile::ScratchFile(FileSystem& files, const std::string& folder) : files_(files), folder_(folder_for(folder)) {
  own_folder_ = (std::filesystem::path(folder_) / "haven-XXXXXX").string();
  if (::mkdtemp(own_folder_.data()) == nullptr) throw IoError("cannot make a temporary folder", folder_, errno);
  try {
    file_.emplace(files_, own_folder_ + "/scratch", OpenMode::create);
  } catch (...) {
    remove_name();
    throw;
  }
}

void ScratchFile::remove_name() {
  if (own_folder_.empty()) return;
  files_.remove(own_folder_ + "/scratch");
  ::rmdir(own_folder_.c_str());
  own_folder_.clear();
}

}  // namespace haven
