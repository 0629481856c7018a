#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

/// Everything Haven writes goes through these calls, so that tests can replace them by a double that fails, drops or
/// cuts any of them.
namespace haven {

enum class OpenMode {
  read,    ///< must exist
  create,  ///< new or emptied, for reading and writing
  update,  ///< new or existing with its content, for reading and writing
};

/// The system calls below all writing. Functions return a value >= 0, or minus errno; they never throw, never retry and
/// may transfer fewer bytes than asked for: `OutputFile` and the functions below deal with that.
class FileSystem {
 public:
  virtual ~FileSystem() = default;
  FileSystem() = default;
  FileSystem(const FileSystem&) = delete;
  FileSystem& operator=(const FileSystem&) = delete;

  virtual int open(const std::string& path, OpenMode mode) = 0;                                          ///< a handle
  virtual std::int64_t read_at(int handle, std::span<std::byte> bytes, std::int64_t offset) = 0;         ///< bytes read
  virtual std::int64_t write_at(int handle, std::span<const std::byte> bytes, std::int64_t offset) = 0;  ///< written
  virtual std::int64_t size(int handle) = 0;
  virtual int resize(int handle, std::int64_t size) = 0;
  virtual int sync(int handle) = 0;                                        ///< content and size are on the disk
  virtual int close(int handle) = 0;                                       ///< the handle is gone in any case
  virtual int rename(const std::string& from, const std::string& to) = 0;  ///< replaces `to` at once
  virtual int sync_folder(const std::string& folder) = 0;  ///< names in the folder (new, renamed) are on the disk
  virtual int remove(const std::string& path) = 0;
  virtual int lock(int handle) = 0;  ///< exclusive, at once or -EWOULDBLOCK; ends with the handle or the process
};

/// The operating system's own calls.
class PosixFileSystem : public FileSystem {
 public:
  int open(const std::string& path, OpenMode mode) override;
  std::int64_t read_at(int handle, std::span<std::byte> bytes, std::int64_t offset) override;
  std::int64_t write_at(int handle, std::span<const std::byte> bytes, std::int64_t offset) override;
  std::int64_t size(int handle) override;
  int resize(int handle, std::int64_t size) override;
  int sync(int handle) override;
  int close(int handle) override;
  int rename(const std::string& from, const std::string& to) override;
  int sync_folder(const std::string& folder) override;
  int remove(const std::string& path) override;
  int lock(int handle) override;
};

/// An open file that throws IoError (path, errno) on failure. Interrupted and short transfers are continued.
class OutputFile {
 public:
  OutputFile(FileSystem& files, std::string path, OpenMode mode);
  ~OutputFile();  ///< closes without a word; call close() to hear of errors
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  void write_at(std::span<const std::byte> bytes, std::int64_t offset);
  void append(std::span<const std::byte> bytes);  ///< at the end
  void append(const std::string& text);
  /// Reads exactly this many bytes; the file ending earlier is an IoError.
  void read_at(std::span<std::byte> bytes, std::int64_t offset);
  [[nodiscard]] std::int64_t size() const { return size_; }
  void resize(std::int64_t size);
  /// A failed sync is final: the kernel may have dropped the data, so it is not tried again.
  void sync();
  /// Renames the open file and makes the new name durable.
  void rename(const std::string& to);
  void close();
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] int handle() const { return handle_; }

 private:
  FileSystem* files_;
  std::string path_;
  int handle_ = -1;
  std::int64_t size_ = 0;
};

/// The folder part of a path, "." when it has none.
[[nodiscard]] std::string folder_of(const std::string& path);
/// Renames and makes the new name durable. @throws IoError
void rename_durably(FileSystem& files, const std::string& from, const std::string& to);
/// `path` holds the old bytes or all of the new ones at every moment, power cuts included: written as `path`.tmp,
/// synced, renamed, folder synced. @throws IoError; the old file is then intact and the temporary one removed.
void write_file_atomically(FileSystem& files, const std::string& path, std::span<const std::byte> bytes);
void write_file_atomically(FileSystem& files, const std::string& path, const std::string& text);
/// The whole file. @throws IoError, also when it is larger than `limit` bytes.
[[nodiscard]] std::vector<std::byte> read_file(FileSystem& files, const std::string& path,
                                               std::int64_t limit = std::int64_t{1} << 40);

}  // namespace haven
