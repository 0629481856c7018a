#include "analysis/track_file.hpp"

#include <fmt/core.h>
#include <stdlib.h>  // mkdtemp is POSIX
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <utility>

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

TrackFile::TrackFile(const std::string& folder, std::unique_ptr<FileSystem> files)
    : files_(std::move(files)), folder_(folder_for(folder)) {
  // A folder of its own that nobody else may enter: a name in a common one could be a link of somebody else's.
  std::string own = (std::filesystem::path(folder_) / "haven-tracks-XXXXXX").string();
  if (::mkdtemp(own.data()) == nullptr) throw IoError("cannot make a temporary folder", folder_, errno);
  const std::string name = own + "/tracks";
  try {
    file_ = std::make_unique<OutputFile>(*files_, name, OpenMode::create);
  } catch (...) {
    files_->remove(name);
    ::rmdir(own.c_str());
    throw;
  }
  files_->remove(name);
  ::rmdir(own.c_str());
}

void TrackFile::append(const std::vector<std::vector<double>>& series) {
  HAVEN_ASSERT(!series.empty() && (n_series_ == 0 || n_series_ == series.size()));
  n_series_ = series.size();
  try {
    for (const std::vector<double>& one : series) {
      HAVEN_ASSERT(one.size() == series[0].size());
      file_->append(std::as_bytes(std::span(one)));
    }
  } catch (const IoError& error) {
    throw IoError(
        fmt::format("{} (tracks that do not fit into the memory limit, {:.1f} GB so far)", error.summary(),
                    static_cast<double>(file_->size()) / 1e9),
        folder_,
        "Set TMPDIR to a folder with more room, raise the memory limit (--memory-gb), or analyse a part (--skip-ps).");
  }
  block_frames_.push_back(series[0].size());
  n_frames_ += series[0].size();
}

void TrackFile::read(std::size_t series, std::span<double> values) const {
  HAVEN_ASSERT(series < n_series_ && values.size() == n_frames_);
  std::size_t block_begin = 0;  // in numbers
  for (const std::size_t frames : block_frames_) {
    const std::size_t at = (block_begin + series * frames) * sizeof(double);
    file_->read_at(std::as_writable_bytes(values.first(frames)), static_cast<std::int64_t>(at));
    values = values.subspan(frames);
    block_begin += n_series_ * frames;
  }
}

}  // namespace haven
