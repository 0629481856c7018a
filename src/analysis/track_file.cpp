#include "analysis/track_file.hpp"

#include <fmt/core.h>

#include <utility>

#include "core/error.hpp"

namespace haven {
TrackFile::TrackFile(const std::string& folder, std::unique_ptr<FileSystem> files)
    : files_(std::move(files)), scratch_(std::make_unique<ScratchFile>(*files_, folder)) {
  scratch_->remove_name();
}

void TrackFile::append(const std::vector<std::vector<double>>& series) {
  HAVEN_ASSERT(!series.empty() && (n_series_ == 0 || n_series_ == series.size()));
  n_series_ = series.size();
  try {
    for (const std::vector<double>& one : series) {
      HAVEN_ASSERT(one.size() == series[0].size());
      scratch_->file().append(std::as_bytes(std::span(one)));
    }
  } catch (const IoError& error) {
    throw IoError(
        fmt::format("{} (tracks that do not fit into the memory limit, {:.1f} GB so far)", error.summary(),
                    static_cast<double>(scratch_->file().size()) / 1e9),
        scratch_->folder(),
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
    scratch_->file().read_at(std::as_writable_bytes(values.first(frames)), static_cast<std::int64_t>(at));
    values = values.subspan(frames);
    block_begin += n_series_ * frames;
  }
}

}  // namespace haven
