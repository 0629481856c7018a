#pragma once
#include <cerrno>
#include <map>
#include <string>

#include "io/file_system.hpp"

namespace haven::testing {

/// The real file system, one of whose calls goes wrong.
class FailingFileSystem : public PosixFileSystem {
 public:
  struct Fault {
    int call = 0;                 ///< which call, counted from 1; later calls work again
    int error = 0;                ///< errno it fails with; 0: it does not
    bool short_transfer = false;  ///< a write or read moves half of its bytes instead
  };
  explicit FailingFileSystem(Fault fault) : fault_(fault) {}

  /// Whether the fault has happened, and in which function.
  [[nodiscard]] bool failed() const { return !failed_call_.empty(); }
  [[nodiscard]] const std::string& failed_call() const { return failed_call_; }

  int open(const std::string& path, OpenMode mode) override {
    if (fails("open")) return -fault_.error;
    const int handle = PosixFileSystem::open(path, mode);
    if (handle >= 0) paths_[handle] = path;
    return handle;
  }
  std::int64_t read_at(int handle, std::span<std::byte> bytes, std::int64_t offset) override {
    if (fails("read_at")) return -fault_.error;
    return PosixFileSystem::read_at(handle, cut_short() ? bytes.first((bytes.size() + 1) / 2) : bytes, offset);
  }
  std::int64_t write_at(int handle, std::span<const std::byte> bytes, std::int64_t offset) override {
    if (fails("write_at")) return -fault_.error;
    return PosixFileSystem::write_at(handle, cut_short() ? bytes.first((bytes.size() + 1) / 2) : bytes, offset);
  }
  std::int64_t size(int handle) override { return fails("size") ? -fault_.error : PosixFileSystem::size(handle); }
  int resize(int handle, std::int64_t size) override {
    return fails("resize") ? -fault_.error : PosixFileSystem::resize(handle, size);
  }
  // Syncs succeed without reaching the disk: what they promise is the subject of the power-cut tests.
  int sync(int /*handle*/) override { return fails("sync") ? -fault_.error : 0; }
  int close(int handle) override {
    if (paths_[handle].ends_with("run.lock")) return PosixFileSystem::close(handle);  // nothing depends on it
    const int result = PosixFileSystem::close(handle);  // as on Linux: the handle is gone even when close fails
    return fails("close") ? -fault_.error : result;
  }
  int rename(const std::string& from, const std::string& to) override {
    return fails("rename") ? -fault_.error : PosixFileSystem::rename(from, to);
  }
  int sync_folder(const std::string& /*folder*/) override { return fails("sync_folder") ? -fault_.error : 0; }
  int remove(const std::string& path) override { return PosixFileSystem::remove(path); }  // tidying up is not counted

 private:
  bool fails(const char* name) {
    if (++calls_ != fault_.call) return false;
    failed_call_ = name;
    return fault_.error != 0;
  }
  [[nodiscard]] bool cut_short() const { return fault_.short_transfer && calls_ == fault_.call; }

  Fault fault_;
  int calls_ = 0;
  std::string failed_call_;
  std::map<int, std::string> paths_;
};

}  // namespace haven::testing
