#pragma once
#include <cstddef>
#include <memory>
#include <string>

namespace haven {

/// Decompressed bytes of a file, front to back, in constant memory.
class ByteStream {
 public:
  enum class Ending {
    open,      ///< not at the end yet
    complete,  ///< the file ended as it should
    damaged,   ///< the compressed stream is cut off or corrupt
  };
  virtual ~ByteStream() = default;
  ByteStream() = default;
  ByteStream(const ByteStream&) = delete;
  ByteStream& operator=(const ByteStream&) = delete;
  /// Up to `room` bytes (room > 0); 0 at the end. What decodes before damage is delivered.
  /// @throws IoError when the operating system fails to read, ResourceError when there is no memory to decompress.
  virtual std::size_t read(char* to, std::size_t room) = 0;
  [[nodiscard]] virtual Ending ending() const = 0;
  /// The bytes are the file's own.
  [[nodiscard]] virtual bool is_plain() const { return false; }
};

/// Opens a plain, gzip, bzip2 or xz file; which one is decided by its first bytes, not by its name.
/// @throws InputError when the path does not exist or is a folder, IoError when it cannot be opened.
[[nodiscard]] std::unique_ptr<ByteStream> open_byte_stream(const std::string& path);

}  // namespace haven
