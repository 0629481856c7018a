#include "io/run_lock.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "core/error.hpp"

namespace haven {

static std::string holder_text() {
  char host[256] = {};
  if (gethostname(host, sizeof host - 1) != 0) host[0] = '\0';
  return fmt::format("process {} on {}", getpid(), host[0] == '\0' ? "an unnamed host" : host);
}

static std::string read_holder(OutputFile& file) {
  std::string text(static_cast<std::size_t>(std::min<std::int64_t>(file.size(), 512)), ' ');
  file.read_at(std::as_writable_bytes(std::span(text)), 0);
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text.empty() ? "a process that has not said its name" : text;
}

RunLock::RunLock(FileSystem& files, const std::string& folder, Log& log) : folder_(folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) throw IoError("cannot make the run folder", folder, error.value());
  file_ = std::make_unique<OutputFile>(files, (std::filesystem::path(folder) / "run.lock").string(), OpenMode::update);
  int result = files.lock(file_->handle());
  while (result == -EINTR) result = files.lock(file_->handle());
  if (result == -EWOULDBLOCK)
    throw ResourceError(fmt::format("another run is at work in this folder: {}", read_holder(*file_)), folder,
                        "Wait for it, stop it, or choose another output folder.");
  if (result == -ENOSYS || result == -ENOTSUP || result == -ENOLCK) {
    log.warn("IO010",
             fmt::format("the file system of {} has no locks: make sure that no second run uses this folder", folder));
  } else if (result < 0) {
    throw IoError("cannot lock the run folder", file_->path(), -result);
  }
  file_->resize(0);
  file_->append(holder_text() + "\n");
}

}  // namespace haven
