#pragma once
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "io/byte_stream.hpp"

namespace haven {

/// Fixed-size numbers of a plain or compressed binary file, front to back, in constant memory.
class BinaryStream {
 public:
  /// @throws InputError when the path does not exist or is a folder, IoError.
  explicit BinaryStream(const std::string& path) : path_(path), source_(open_byte_stream(path)) {}

  /// Byte order of the file, little until set.
  void set_order(std::endian order) { order_ = order; }
  /// Exactly `size` bytes; false when the file ends before. Bytes arrive in steps, so that a damaged size in a file
  /// costs no more memory than the file has bytes.
  bool bytes(std::vector<char>& out, std::size_t size);
  template <class T>
  bool number(T& value) {
    std::array<char, sizeof(T)> raw{};
    if (!fill(raw.data(), raw.size())) return false;
    value = decoded<T>(raw.data());
    return true;
  }
  /// The number at `from` in the byte order of the file.
  template <class T>
  [[nodiscard]] T decoded(const char* from) const {
    std::array<char, sizeof(T)> raw{};
    for (std::size_t k = 0; k < sizeof(T); ++k) raw[k] = from[order_ == std::endian::native ? k : sizeof(T) - 1 - k];
    return std::bit_cast<T>(raw);
  }
  [[nodiscard]] std::int64_t position() const { return position_; }  ///< bytes read
  [[nodiscard]] const std::string& path() const { return path_; }
  /// "path, byte 1234" for messages.
  [[nodiscard]] std::string where() const { return path_ + ", byte " + std::to_string(position_); }

 private:
  bool fill(char* to, std::size_t size);
  std::string path_;
  std::unique_ptr<ByteStream> source_;
  std::endian order_ = std::endian::little;
  std::int64_t position_ = 0;
};

}  // namespace haven
