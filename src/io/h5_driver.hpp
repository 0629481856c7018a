#pragma once
#include <cstdint>
#include <exception>
#include <span>
#include <string>
#include <vector>

#include "io/file_system.hpp"

/// The bridge between the HDF5 library and FileSystem: a virtual file driver. With it every write of the library passes
/// the fault-injection seam, errors keep their errno, and a file that failed can be closed without a second failure.
namespace haven::h5 {

/// A file system of one file, which lives in memory. Only what files of HDF5 need is there.
class MemoryFileSystem : public FileSystem {
 public:
  std::vector<std::byte> bytes;
  int open(const std::string& path, OpenMode mode) override;
  std::int64_t read_at(int handle, std::span<std::byte> out, std::int64_t offset) override;
  std::int64_t write_at(int handle, std::span<const std::byte> in, std::int64_t offset) override;
  std::int64_t size(int handle) override;
  int resize(int handle, std::int64_t size) override;
  int sync(int handle) override;
  int close(int handle) override;
  int rename(const std::string& from, const std::string& to) override;
  int sync_folder(const std::string& folder) override;
  int remove(const std::string& path) override;
  int lock(int handle) override;
};

/// One file that the library reads or writes through the driver. Must outlive the library's handle.
struct DrivenFile {
  DrivenFile(FileSystem& files, const std::string& path, OpenMode mode) : file(files, path, mode) {}
  OutputFile file;
  std::uint64_t end_of_allocation = 0;
  /// The first failure. After it nothing is written any more: the disk keeps what was acknowledged before.
  std::exception_ptr failure;
};

/// Makes a file access property list (an HDF5 identifier) use the driver for `file`. @return false on failure
[[nodiscard]] bool use_driver(std::int64_t access_list, DrivenFile& file);

}  // namespace haven::h5
