#pragma once
#include <string>

#include "io/file_system.hpp"

namespace haven::testing {

/// The real file system without waiting for the disk: a killed process loses nothing that the kernel has.
class UnsyncedFileSystem : public PosixFileSystem {
 public:
  int sync(int /*handle*/) override { return 0; }
  int sync_folder(const std::string& /*folder*/) override { return 0; }
};

}  // namespace haven::testing
