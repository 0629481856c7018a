#pragma once
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace haven::testing {

/// All bytes of a file; nothing when it does not exist.
inline std::string bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// Writes a file anew: some file systems wait for the disk when an old one is overwritten.
inline void put(const std::string& path, const std::string& bytes) {
  std::filesystem::remove(path);
  std::ofstream(path, std::ios::binary) << bytes;
}

}  // namespace haven::testing
