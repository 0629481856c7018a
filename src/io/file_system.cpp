#include "io/file_system.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <utility>

#include "core/error.hpp"

namespace haven {

static int or_errno(int result) { return result < 0 ? -errno : result; }
static std::int64_t or_errno(std::int64_t result) { return result < 0 ? -static_cast<std::int64_t>(errno) : result; }

int PosixFileSystem::open(const std::string& path, OpenMode mode) {
  int flags = O_CLOEXEC;
  switch (mode) {
    case OpenMode::read:
      flags |= O_RDONLY;
      break;
    case OpenMode::create:
      flags |= O_RDWR | O_CREAT | O_TRUNC;
      break;
    case OpenMode::update:
      flags |= O_RDWR | O_CREAT;
      break;
  }
  return or_errno(::open(path.c_str(), flags, 0666));
}
std::int64_t PosixFileSystem::read_at(int handle, std::span<std::byte> bytes, std::int64_t offset) {
  return or_errno(static_cast<std::int64_t>(::pread(handle, bytes.data(), bytes.size(), offset)));
}
std::int64_t PosixFileSystem::write_at(int handle, std::span<const std::byte> bytes, std::int64_t offset) {
  return or_errno(static_cast<std::int64_t>(::pwrite(handle, bytes.data(), bytes.size(), offset)));
}
std::int64_t PosixFileSystem::size(int handle) {
  struct stat status {};
  const int result = or_errno(::fstat(handle, &status));
  return result < 0 ? result : static_cast<std::int64_t>(status.st_size);
}
int PosixFileSystem::resize(int handle, std::int64_t size) { return or_errno(::ftruncate(handle, size)); }
int PosixFileSystem::sync(int handle) { return or_errno(::fsync(handle)); }
int PosixFileSystem::close(int handle) { return or_errno(::close(handle)); }
int PosixFileSystem::rename(const std::string& from, const std::string& to) {
  return or_errno(std::rename(from.c_str(), to.c_str()));
}
int PosixFileSystem::sync_folder(const std::string& folder) {
  const int handle = or_errno(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (handle < 0) return handle;
  const int result = or_errno(::fsync(handle));
  ::close(handle);
  return result == -EINVAL ? 0 : result;  // some file systems (SMB, FUSE) cannot sync folders and say so with EINVAL
}
int PosixFileSystem::remove(const std::string& path) { return or_errno(::unlink(path.c_str())); }
int PosixFileSystem::lock(int handle) { return or_errno(::flock(handle, LOCK_EX | LOCK_NB)); }

/// Repeats a call for as long as a signal interrupts it.
template <class Call>
static auto uninterrupted(Call call) {
  auto result = call();
  while (result == -EINTR) result = call();
  return result;
}

[[noreturn]] static void fail(const std::string& what, const std::string& path, std::int64_t result) {
  throw IoError(what, path, static_cast<int>(-result));
}

OutputFile::OutputFile(FileSystem& files, std::string path, OpenMode mode) : files_(&files), path_(std::move(path)) {
  handle_ = uninterrupted([&] { return files_->open(path_, mode); });
  if (handle_ < 0) fail("cannot open the file", path_, handle_);
  size_ = uninterrupted([&] { return files_->size(handle_); });
  if (size_ >= 0) return;
  files_->close(handle_);  // the destructor does not run for a constructor that throws
  fail("cannot read the size of the file", path_, size_);
}

OutputFile::~OutputFile() {
  if (handle_ >= 0) files_->close(handle_);
}

void OutputFile::write_at(std::span<const std::byte> bytes, std::int64_t offset) {
  while (!bytes.empty()) {
    const std::int64_t written = uninterrupted([&] { return files_->write_at(handle_, bytes, offset); });
    if (written < 0) fail("cannot write", path_, written);
    if (written == 0) fail("cannot write: the system accepts no more bytes", path_, -EIO);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
    offset += written;
    size_ = std::max(size_, offset);
  }
}

void OutputFile::append(std::span<const std::byte> bytes) { write_at(bytes, size_); }
void OutputFile::append(const std::string& text) { append(std::as_bytes(std::span(text))); }

void OutputFile::read_at(std::span<std::byte> bytes, std::int64_t offset) {
  while (!bytes.empty()) {
    const std::int64_t count = uninterrupted([&] { return files_->read_at(handle_, bytes, offset); });
    if (count < 0) fail("cannot read", path_, count);
    if (count == 0) throw IoError("the file ends too early", path_, "It may have been cut off; restore or remake it.");
    bytes = bytes.subspan(static_cast<std::size_t>(count));
    offset += count;
  }
}

void OutputFile::resize(std::int64_t size) {
  const int result = uninterrupted([&] { return files_->resize(handle_, size); });
  if (result < 0) fail("cannot change the size of the file", path_, result);
  size_ = size;
}

void OutputFile::sync() {
  const int result = uninterrupted([&] { return files_->sync(handle_); });
  if (result < 0) fail("cannot sync the file to the disk", path_, result);
}

void OutputFile::rename(const std::string& to) {
  rename_durably(*files_, path_, to);
  path_ = to;
}

void OutputFile::close() {
  if (handle_ < 0) return;
  const int result = files_->close(std::exchange(handle_, -1));
  if (result < 0 && result != -EINTR)
    fail("cannot close the file", path_, result);  // EINTR: closed all the same (Linux)
}

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

void rename_durably(FileSystem& files, const std::string& from, const std::string& to) {
  const int renamed = uninterrupted([&] { return files.rename(from, to); });
  if (renamed < 0) fail(fmt::format("cannot rename {} to this name", from), to, renamed);
  const std::string folder = folder_of(to);
  const int synced = uninterrupted([&] { return files.sync_folder(folder); });
  if (synced < 0) fail("cannot sync the folder to the disk", folder, synced);
}

void write_file_atomically(FileSystem& files, const std::string& path, std::span<const std::byte> bytes) {
  const std::string temporary = path + ".tmp";
  try {
    OutputFile file(files, temporary, OpenMode::create);
    file.append(bytes);
    file.sync();
    file.close();
    rename_durably(files, temporary, path);
  } catch (const IoError&) {
    files.remove(temporary);
    throw;
  }
}

void write_file_atomically(FileSystem& files, const std::string& path, const std::string& text) {
  write_file_atomically(files, path, std::as_bytes(std::span(text)));
}

std::vector<std::byte> read_file(FileSystem& files, const std::string& path, std::int64_t limit) {
  OutputFile file(files, path, OpenMode::read);
  if (file.size() > limit)
    throw IoError(fmt::format("the file has {} bytes, more than the limit of {}", file.size(), limit), path,
                  "Check that this is the file you mean.");
  std::vector<std::byte> bytes(static_cast<std::size_t>(file.size()));
  file.read_at(bytes, 0);
  return bytes;
}

}  // namespace haven
