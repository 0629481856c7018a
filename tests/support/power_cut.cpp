#include "support/power_cut.hpp"

#include <filesystem>
#include <fstream>

#include "core/rng.hpp"

namespace haven::testing {

int RecordingFileSystem::open(const std::string& path, OpenMode mode) {
  const int handle = PosixFileSystem::open(path, mode);
  if (handle < 0) return handle;
  if (!names_.contains(path)) {
    names_[path] = files_++;
    record_.push_back({.kind = Kind::create, .file = names_[path], .name = path, .other_name = {}, .bytes = {}});
  } else if (mode == OpenMode::create) {
    record_.push_back({.kind = Kind::resize, .file = names_[path], .name = {}, .other_name = {}, .bytes = {}});
  }
  handles_[handle] = names_[path];
  return handle;
}

std::int64_t RecordingFileSystem::write_at(int handle, std::span<const std::byte> bytes, std::int64_t offset) {
  record_.push_back({.kind = Kind::write,
                     .file = handles_.at(handle),
                     .name = {},
                     .other_name = {},
                     .bytes = {bytes.begin(), bytes.end()},
                     .offset = offset});
  return PosixFileSystem::write_at(handle, bytes, offset);
}

int RecordingFileSystem::resize(int handle, std::int64_t size) {
  record_.push_back(
      {.kind = Kind::resize, .file = handles_.at(handle), .name = {}, .other_name = {}, .bytes = {}, .offset = size});
  return PosixFileSystem::resize(handle, size);
}

int RecordingFileSystem::sync(int handle) {
  record_.push_back({.kind = Kind::sync, .file = handles_.at(handle), .name = {}, .other_name = {}, .bytes = {}});
  return 0;  // the real disk is not what is tested
}

int RecordingFileSystem::rename(const std::string& from, const std::string& to) {
  const int result = PosixFileSystem::rename(from, to);
  if (result < 0) return result;
  record_.push_back({.kind = Kind::rename, .file = names_.at(from), .name = from, .other_name = to, .bytes = {}});
  names_[to] = names_.at(from);
  names_.erase(from);
  return result;
}

int RecordingFileSystem::sync_folder(const std::string& folder) {
  record_.push_back({.kind = Kind::sync_folder, .name = folder, .other_name = {}, .bytes = {}});
  return 0;
}

int RecordingFileSystem::remove(const std::string& path) {
  const int result = PosixFileSystem::remove(path);
  if (result < 0) return result;
  record_.push_back({.kind = Kind::remove, .file = names_.at(path), .name = path, .other_name = {}, .bytes = {}});
  names_.erase(path);
  return result;
}

void RecordingFileSystem::restore(std::size_t length, Survival survival, std::uint64_t seed,
                                  const std::string& to) const {
  RandomSequence random(seed, Stream::test, length);
  std::map<int, std::size_t> synced;  // per file: records before this one are on the disk
  std::size_t folder_synced = 0;
  for (std::size_t k = 0; k < length; ++k) {
    if (record_[k].kind == Kind::sync) synced[record_[k].file] = k;
    if (record_[k].kind == Kind::sync_folder) folder_synced = k;
  }
  const auto survives = [&](std::size_t k, std::size_t durable_before) {
    if (k < durable_before || survival == Survival::everything) return true;
    return survival == Survival::random_subset && random.uniform() < 0.5;
  };
  std::map<int, std::vector<std::byte>> content;
  std::map<std::string, int> names;
  for (std::size_t k = 0; k < length; ++k) {
    const Record& r = record_[k];
    const bool of_names = r.kind == Kind::create || r.kind == Kind::rename || r.kind == Kind::remove;
    if (r.kind == Kind::sync || r.kind == Kind::sync_folder) continue;
    const auto durable = synced.find(r.file);
    if (!survives(k, of_names ? folder_synced : (durable == synced.end() ? 0 : durable->second))) continue;
    std::vector<std::byte>& bytes = content[r.file];
    if (r.kind == Kind::create) names[r.name] = r.file;
    if (r.kind == Kind::resize) bytes.resize(static_cast<std::size_t>(r.offset));
    if (r.kind == Kind::write) {
      const std::size_t end = static_cast<std::size_t>(r.offset) + r.bytes.size();
      if (bytes.size() < end) bytes.resize(end);
      std::copy(r.bytes.begin(), r.bytes.end(), bytes.begin() + r.offset);
    }
    if (r.kind == Kind::rename) {  // the new name may survive without the old one having been there on the disk
      names.erase(r.name);
      names[r.other_name] = r.file;
    }
    if (r.kind == Kind::remove) names.erase(r.name);
  }
  for (const auto& [name, file] : names) {
    const std::vector<std::byte>& bytes = content[file];
    std::ofstream out(std::filesystem::path(to) / std::filesystem::path(name).filename(), std::ios::binary);
    out.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  }
}

}  // namespace haven::testing
