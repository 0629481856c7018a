#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/types.hpp"
#include "io/byte_stream.hpp"

namespace haven {

/// A plain, gzip, bzip2 or xz text file as a forward stream in constant memory: lines, or raw blocks for an XML parser.
///
/// Compression is recognised by content, not by name. CRLF line ends and a UTF-8 byte order mark are removed. A damaged
/// or cut-off compressed stream delivers what decodes before the damage and then ends with `Ending::damaged`.
class TextFile {
 public:
  enum class Ending {
    open,      ///< not at the end yet
    complete,  ///< the file ended as it should
    damaged,   ///< the compressed stream is cut off or corrupt
    too_long,  ///< a line longer than the limit: no text file; nothing is delivered from there on
  };
  /// What to do with a line beyond the limit (a crash can leave megabytes of NUL bytes in a file).
  enum class LongLine { stop, skip };
  static constexpr std::size_t default_max_line = 1U << 20U;

  /// @throws InputError when the path does not exist or is a folder, IoError when it cannot be opened.
  explicit TextFile(std::string path, LongLine long_line = LongLine::stop, std::size_t max_line = default_max_line);
  TextFile(const TextFile&) = delete;
  TextFile& operator=(const TextFile&) = delete;

  /// The next line without its end; the view is valid until the next call. False at the end (see `ending()`).
  /// @throws IoError when the operating system fails to read.
  bool next_line(std::string_view& line);
  /// The next block of raw bytes (up to 1 MiB), empty at the end. Do not mix with next_line.
  [[nodiscard]] std::string_view next_block();

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] Index line_number() const { return line_number_; }        ///< 1-based number of the line last delivered
  [[nodiscard]] bool line_was_terminated() const { return terminated_; }  ///< false for a last line without newline
  [[nodiscard]] Ending ending() const { return ending_; }
  [[nodiscard]] std::int64_t bytes_read() const { return bytes_; }      ///< decompressed bytes so far
  [[nodiscard]] Index skipped_lines() const { return skipped_lines_; }  ///< lines beyond the limit that were left out
  /// "path:line" for messages.
  [[nodiscard]] std::string where() const;

 private:
  std::size_t fill();
  void make_room();
  void discard_to_newline();
  std::string_view take_line(std::size_t length, std::size_t end_mark);

  std::string path_;
  std::unique_ptr<ByteStream> source_;
  LongLine long_line_;
  std::size_t max_line_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0, end_ = 0;
  Index line_number_ = 0, skipped_lines_ = 0;
  std::int64_t bytes_ = 0;
  bool terminated_ = true, source_ended_ = false;
  Ending ending_ = Ending::open;
};

/// The whole file (plain or compressed) as one string, for small inputs. @throws InputError when longer than
/// `max_bytes`.
[[nodiscard]] std::string read_text(const std::string& path, std::size_t max_bytes = std::size_t{64} << 20U);

/// Writes a text file, replacing what is there. @throws IoError
void write_text(const std::string& path, std::string_view text);

}  // namespace haven
