#include "io/text_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "core/error.hpp"

namespace haven {
namespace {

constexpr std::size_t block_size = 256U << 10U;
constexpr std::size_t read_size = 64U << 10U;
constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

}  // namespace

TextFile::TextFile(std::string path, LongLine long_line, std::size_t max_line)
    : path_(std::move(path)), source_(open_byte_stream(path_)), long_line_(long_line), max_line_(max_line) {
  buffer_.resize(block_size);
}

std::string TextFile::where() const { return fmt::format("{}:{}", path_, line_number_); }

/// Appends decompressed bytes at end_; returns how many.
std::size_t TextFile::fill() {
  if (source_ended_) return 0;
  const std::size_t got = source_->read(buffer_.data() + end_, buffer_.size() - end_);
  end_ += got;
  bytes_ += static_cast<std::int64_t>(got);
  if (got > 0) return got;
  source_ended_ = true;
  ending_ = source_->ending() == ByteStream::Ending::complete ? Ending::complete : Ending::damaged;
  return 0;
}

/// Moves the unread bytes to the front, and doubles the buffer when they fill it.
void TextFile::make_room() {
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (buffer_.size() - end_ < read_size) buffer_.resize(2 * buffer_.size());
}

/// The line of `length` bytes at begin_, followed by `end_mark` bytes of line end.
std::string_view TextFile::take_line(std::size_t length, std::size_t end_mark) {
  std::string_view line(buffer_.data() + begin_, length);
  begin_ += length + end_mark;
  if (line_number_++ == 0 && line.starts_with(byte_order_mark)) line.remove_prefix(byte_order_mark.size());
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  return line;
}

/// Drops the unread bytes up to and including the next newline.
void TextFile::discard_to_newline() {
  ++skipped_lines_;
  ++line_number_;
  while (true) {
    begin_ = end_ = 0;
    if (fill() == 0) return;
    const void* newline = std::memchr(buffer_.data(), '\n', end_);
    if (newline == nullptr) continue;
    begin_ = static_cast<std::size_t>(static_cast<const char*>(newline) - buffer_.data()) + 1;
    return;
  }
}

bool TextFile::next_line(std::string_view& line) {
  if (ending_ == Ending::too_long) return false;
  std::size_t searched = 0;
  while (true) {
    const char* start = buffer_.data() + begin_;
    const std::size_t available = end_ - begin_;
    const void* newline = std::memchr(start + searched, '\n', available - searched);
    if (newline != nullptr) {
      line = take_line(static_cast<std::size_t>(static_cast<const char*>(newline) - start), 1);
      return true;
    }
    if (available > max_line_) {
      if (long_line_ == LongLine::stop) {
        ending_ = Ending::too_long;
        return false;
      }
      discard_to_newline();
      searched = 0;
      continue;
    }
    searched = available;
    if (!source_ended_) make_room();
    if (fill() > 0) continue;
    if (available == 0) return false;
    terminated_ = false;
    line = take_line(available, 0);
    return true;
  }
}

std::string_view TextFile::next_block() {
  begin_ = end_ = 0;
  while (end_ + read_size <= buffer_.size() && fill() > 0) {
  }
  return {buffer_.data(), end_};
}

std::string read_text(const std::string& path, std::size_t max_bytes) {
  TextFile file(path);
  std::string text;
  for (std::string_view block = file.next_block(); !block.empty(); block = file.next_block()) {
    if (text.size() + block.size() > max_bytes)
      throw InputError(fmt::format("longer than {} MiB, too large for this kind of file", max_bytes >> 20U), path,
                       "Check that this is the file you mean.");
    text += block;
  }
  if (file.ending() != TextFile::Ending::complete)
    throw InputError("the compressed file is damaged or cut off", path, "Copy it again from its source.");
  return text;
}

void write_text(const std::string& path, std::string_view text) {
  std::FILE* file = std::fopen(path.c_str(), "w");
  if (file == nullptr) throw IoError("cannot open the file for writing", path, errno);
  errno = 0;
  const bool written = std::fwrite(text.data(), 1, text.size(), file) == text.size();
  const int write_error = errno;
  errno = 0;
  if (std::fclose(file) != 0 || !written)
    throw IoError("cannot write the file", path,
                  !written && write_error != 0 ? write_error : (errno != 0 ? errno : EIO));
}

}  // namespace haven
