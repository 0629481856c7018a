#pragma once
#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "io/file_system.hpp"

namespace haven::testing {

/// What a disk may keep of changes that were not synced when the power went.
enum class Survival {
  nothing,        ///< no unsynced change
  everything,     ///< all of them
  random_subset,  ///< each write and each rename on its own
};

/// The real file system with a record of all changes, from which the disk after a power cut at any moment can be made.
///
/// Model: a sync makes the earlier writes and sizes of one file durable; a folder sync makes the earlier names of the
/// folder durable. Everything else may or may not have reached the disk.
class RecordingFileSystem : public PosixFileSystem {
 public:
  int open(const std::string& path, OpenMode mode) override;
  std::int64_t write_at(int handle, std::span<const std::byte> bytes, std::int64_t offset) override;
  int resize(int handle, std::int64_t size) override;
  int sync(int handle) override;
  int rename(const std::string& from, const std::string& to) override;
  int sync_folder(const std::string& folder) override;
  int remove(const std::string& path) override;

  /// Changes and syncs so far.
  [[nodiscard]] std::size_t length() const { return record_.size(); }
  /// Writes into the empty folder `to` what `from` holds after a power cut behind the first `length` records.
  void restore(std::size_t length, Survival survival, std::uint64_t seed, const std::string& to) const;

 private:
  enum class Kind { create, write, resize, sync, rename, sync_folder, remove };
  struct Record {
    Kind kind;
    int file = -1;  ///< number of the file, whatever its name
    std::string name, other_name;
    std::vector<std::byte> bytes;
    std::int64_t offset = 0;
  };
  std::vector<Record> record_;
  std::map<std::string, int> names_;  ///< present name -> file
  std::map<int, int> handles_;        ///< handle -> file
  int files_ = 0;
};

}  // namespace haven::testing
