#include "io/byte_stream.hpp"

#include <bzlib.h>
#include <fcntl.h>
#include <lzma.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <string_view>
#include <utility>
#include <vector>

#include "core/error.hpp"

namespace haven {
namespace {

constexpr std::size_t input_size = 256U << 10U;
// xz files are made with dictionaries of up to 64 MiB (-9); a file that asks for far more is damaged or an attack.
constexpr std::uint64_t most_xz_memory = std::uint64_t{1} << 30U;

[[noreturn]] void fail_memory(const std::string& path) {
  throw ResourceError("no memory to decompress the file", path, "Free some memory, then run the same command again.");
}

/// A file descriptor, closed with the object.
class Descriptor {
 public:
  explicit Descriptor(const std::string& path) : path_(path), fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (fd_ < 0 && (errno == ENOENT || errno == ENOTDIR))
      throw InputError("no such file", path, "Check the path; it is taken relative to the current folder.");
    if (fd_ < 0) throw IoError("cannot open the file", path, errno);
    struct stat info {};
    if (::fstat(fd_, &info) != 0 || !S_ISDIR(info.st_mode)) return;
    ::close(fd_);
    throw InputError("this is a folder, a file is needed", path, "Name the file inside it.");
  }
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  std::size_t read(char* to, std::size_t room) {
    while (true) {
      const ssize_t got = ::read(fd_, to, std::min<std::size_t>(room, SSIZE_MAX));
      if (got >= 0) return static_cast<std::size_t>(got);
      if (errno != EINTR) throw IoError("cannot read the file", path_, errno);
    }
  }
  /// The first bytes, without moving; empty for what cannot be read twice (a pipe).
  std::string head() {
    char bytes[16];
    const ssize_t got = ::pread(fd_, bytes, sizeof bytes, 0);
    return got > 0 ? std::string(bytes, static_cast<std::size_t>(got)) : std::string();
  }
  /// Hands the descriptor over.
  int release() { return std::exchange(fd_, -1); }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
  int fd_;
};

class PlainStream final : public ByteStream {
 public:
  explicit PlainStream(std::unique_ptr<Descriptor> file) : file_(std::move(file)) {}
  std::size_t read(char* to, std::size_t room) override {
    const std::size_t got = file_->read(to, room);
    if (got == 0) ending_ = Ending::complete;
    return got;
  }
  Ending ending() const override { return ending_; }
  bool is_plain() const override { return true; }

 private:
  std::unique_ptr<Descriptor> file_;
  Ending ending_ = Ending::open;
};

/// zlib also passes plain data through: used for pipes, whose first bytes cannot be looked at.
class GzipStream final : public ByteStream {
 public:
  explicit GzipStream(std::unique_ptr<Descriptor> file) : path_(file->path()) {
    const int descriptor = file->release();
    file_ = gzdopen(descriptor, "rb");
    if (file_ == nullptr) {
      ::close(descriptor);
      fail_memory(path_);
    }
    gzbuffer(file_, static_cast<unsigned>(input_size));
  }
  ~GzipStream() override { gzclose(file_); }

  std::size_t read(char* to, std::size_t room) override {
    if (ending_ != Ending::open) return 0;
    // Bytes that gzread has decoded in a call that then meets corrupt data are lost, so one call asks for little.
    const auto wanted = static_cast<unsigned>(std::min<std::size_t>(room, 64U << 10U));
    errno = 0;
    const int got = gzread(file_, to, wanted);
    if (got > 0) return static_cast<std::size_t>(got);
    int code = Z_OK;
    gzerror(file_, &code);
    if (code == Z_ERRNO) throw IoError("cannot read the file", path_, errno == 0 ? EIO : errno);
    if (code == Z_MEM_ERROR) fail_memory(path_);
    ending_ = code == Z_OK || code == Z_STREAM_END ? Ending::complete : Ending::damaged;
    return 0;
  }
  Ending ending() const override { return ending_; }

 private:
  std::string path_;
  gzFile file_ = nullptr;
  Ending ending_ = Ending::open;
};

/// Reads one bzip2 stream after the other, as pbzip2 and `cat a.bz2 b.bz2` make them.
class Bzip2Stream final : public ByteStream {
 public:
  explicit Bzip2Stream(std::unique_ptr<Descriptor> file) : file_(std::move(file)), input_(input_size) { begin(); }
  ~Bzip2Stream() override {
    if (decoding_) BZ2_bzDecompressEnd(&stream_);
  }

  std::size_t read(char* to, std::size_t room) override {
    if (ending_ != Ending::open) return 0;
    stream_.next_out = to;
    stream_.avail_out = static_cast<unsigned>(std::min<std::size_t>(room, 1U << 20U));
    const unsigned wanted = stream_.avail_out;
    while (stream_.avail_out == wanted && ending_ == Ending::open) step();
    return wanted - stream_.avail_out;
  }
  Ending ending() const override { return ending_; }

 private:
  void begin() {
    if (BZ2_bzDecompressInit(&stream_, 0, 0) != BZ_OK) fail_memory(file_->path());
    decoding_ = true;
  }
  bool refill() {
    if (stream_.avail_in > 0) return true;
    stream_.next_in = input_.data();
    stream_.avail_in = static_cast<unsigned>(file_->read(input_.data(), input_.size()));
    return stream_.avail_in > 0;
  }
  void step() {
    const bool more = refill();
    if (!decoding_) {  // between two streams
      if (!more)
        ending_ = Ending::complete;
      else
        begin();
      return;
    }
    if (!more) {
      ending_ = Ending::damaged;
      return;
    }
    const int code = BZ2_bzDecompress(&stream_);
    if (code == BZ_OK) return;
    if (code == BZ_MEM_ERROR) fail_memory(file_->path());
    if (code != BZ_STREAM_END) {
      ending_ = Ending::damaged;
      return;
    }
    BZ2_bzDecompressEnd(&stream_);
    decoding_ = false;
  }

  std::unique_ptr<Descriptor> file_;
  std::vector<char> input_;
  bz_stream stream_{};
  bool decoding_ = false;
  Ending ending_ = Ending::open;
};

class XzStream final : public ByteStream {
 public:
  explicit XzStream(std::unique_ptr<Descriptor> file) : file_(std::move(file)), input_(input_size) {
    if (lzma_stream_decoder(&stream_, most_xz_memory, LZMA_CONCATENATED) != LZMA_OK) fail_memory(file_->path());
  }
  ~XzStream() override { lzma_end(&stream_); }

  std::size_t read(char* to, std::size_t room) override {
    if (ending_ != Ending::open) return 0;
    stream_.next_out = reinterpret_cast<std::uint8_t*>(to);
    stream_.avail_out = room;
    while (stream_.avail_out == room && ending_ == Ending::open) step();
    return room - stream_.avail_out;
  }
  Ending ending() const override { return ending_; }

 private:
  void step() {
    if (stream_.avail_in == 0 && !source_ended_) {
      stream_.next_in = reinterpret_cast<const std::uint8_t*>(input_.data());
      stream_.avail_in = file_->read(input_.data(), input_.size());
      source_ended_ = stream_.avail_in == 0;
    }
    switch (lzma_code(&stream_, source_ended_ ? LZMA_FINISH : LZMA_RUN)) {
      case LZMA_OK:
        return;
      case LZMA_STREAM_END:
        ending_ = Ending::complete;
        return;
      case LZMA_MEM_ERROR:
        fail_memory(file_->path());
      case LZMA_MEMLIMIT_ERROR:
        throw InputError("this xz file needs more than 1 GiB of memory to decompress", file_->path(),
                         "Compress it again with xz -9 or less.");
      default:
        ending_ = Ending::damaged;
    }
  }

  std::unique_ptr<Descriptor> file_;
  std::vector<char> input_;
  lzma_stream stream_ = LZMA_STREAM_INIT;
  bool source_ended_ = false;
  Ending ending_ = Ending::open;
};

}  // namespace

std::unique_ptr<ByteStream> open_byte_stream(const std::string& path) {
  using namespace std::string_view_literals;
  auto file = std::make_unique<Descriptor>(path);
  const std::string head = file->head();
  if (head.starts_with("\x1F\x8B"sv) || head.empty()) return std::make_unique<GzipStream>(std::move(file));
  // A bzip2 stream begins with its level and then either a block or, when it is empty, its end.
  if (head.size() >= 10 && head.starts_with("BZh") && head[3] >= '1' && head[3] <= '9' &&
      (head.compare(4, 6, "1AY&SY") == 0 || head.compare(4, 6, "\x17\x72\x45\x38\x50\x90") == 0))
    return std::make_unique<Bzip2Stream>(std::move(file));
  if (head.starts_with("\xFD"
                       "7zXZ\0"sv))
    return std::make_unique<XzStream>(std::move(file));
  return std::make_unique<PlainStream>(std::move(file));
}

}  // namespace haven
