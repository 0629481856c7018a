#include "io/h5_driver.hpp"

#include "io/h5_library.hpp"
#if H5_VERSION_GE(1, 13, 0)
#include <H5FDdevelop.h>  // where later versions declare the driver interface
#endif

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <functional>

namespace haven::h5 {
namespace {

/// What the library sees as a file: its own part must come first.
struct LibraryFile {
  H5FD_t library{};
  DrivenFile* driven = nullptr;
};
struct DriverInfo {
  DrivenFile* driven = nullptr;
};

DrivenFile& driven(H5FD_t* file) { return *reinterpret_cast<LibraryFile*>(file)->driven; }
const DrivenFile& driven(const H5FD_t* file) { return *reinterpret_cast<const LibraryFile*>(file)->driven; }

/// Runs an operation; exceptions must not pass through the C library, so the first one is kept.
template <class Operation>
herr_t guarded(DrivenFile& file, Operation operation) {
  try {
    operation();
    return 0;
  } catch (...) {
    if (!file.failure) file.failure = std::current_exception();
    return -1;
  }
}

H5FD_t* open_file(const char* /*name*/, unsigned /*flags*/, hid_t access_list, haddr_t /*maxaddr*/) {
  const auto* info = static_cast<const DriverInfo*>(H5Pget_driver_info(access_list));
  if (info == nullptr || info->driven == nullptr) return nullptr;
  auto* file = new LibraryFile;
  file->driven = info->driven;
  return &file->library;
}

herr_t close_file(H5FD_t* file) {
  delete reinterpret_cast<LibraryFile*>(file);
  return 0;
}

/// Every opening is a file of its own: a file that could not be closed must not pass for a new one at the same address.
int compare(const H5FD_t* a, const H5FD_t* b) {
  const std::less<const H5FD_t*> before;
  if (before(a, b)) return -1;
  return before(b, a) ? 1 : 0;
}

herr_t query(const H5FD_t* /*file*/, unsigned long* flags) {
  *flags = H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_ACCUMULATE_METADATA | H5FD_FEAT_DATA_SIEVE |
           H5FD_FEAT_AGGREGATE_SMALLDATA | H5FD_FEAT_SUPPORTS_SWMR_IO | H5FD_FEAT_DEFAULT_VFD_COMPATIBLE;
  return 0;
}

haddr_t end_of_allocation(const H5FD_t* file, H5FD_mem_t /*type*/) { return driven(file).end_of_allocation; }
herr_t set_end_of_allocation(H5FD_t* file, H5FD_mem_t /*type*/, haddr_t address) {
  driven(file).end_of_allocation = address;
  return 0;
}
haddr_t end_of_file(const H5FD_t* file, H5FD_mem_t /*type*/) { return static_cast<haddr_t>(driven(file).file.size()); }

herr_t read(H5FD_t* file, H5FD_mem_t /*type*/, hid_t /*dxpl*/, haddr_t address, std::size_t size, void* buffer) {
  DrivenFile& self = driven(file);
  auto* out = static_cast<std::byte*>(buffer);
  const auto end = static_cast<haddr_t>(self.file.size());
  const std::size_t there = address >= end ? 0 : static_cast<std::size_t>(std::min<haddr_t>(size, end - address));
  std::fill(out + there, out + size, std::byte{0});  // allocated and not yet written: the library expects zeros
  return guarded(self, [&] { self.file.read_at(std::span(out, there), static_cast<std::int64_t>(address)); });
}

herr_t write(H5FD_t* file, H5FD_mem_t /*type*/, hid_t /*dxpl*/, haddr_t address, std::size_t size, const void* buffer) {
  DrivenFile& self = driven(file);
  if (self.failure) return 0;  // the failure was reported; this is the library tidying up
  const std::span bytes(static_cast<const std::byte*>(buffer), size);
  return guarded(self, [&] { self.file.write_at(bytes, static_cast<std::int64_t>(address)); });
}

/// The library calls this last, and on flushes: the file ends where its allocations end.
herr_t truncate(H5FD_t* file, hid_t /*dxpl*/, hbool_t /*closing*/) {
  DrivenFile& self = driven(file);
  const auto size = static_cast<std::int64_t>(self.end_of_allocation);
  if (self.failure || self.file.size() == size) return 0;
  return guarded(self, [&] { self.file.resize(size); });
}

/// A run folder has one lock of its own, so files need none. But only files whose driver has these functions are marked
/// as open for writing, which readers that follow a file insist on.
herr_t lock(H5FD_t* /*file*/, hbool_t /*exclusive*/) { return 0; }
herr_t unlock(H5FD_t* /*file*/) { return 0; }

H5FD_class_t driver_class() {
  H5FD_class_t c{};
#if H5_VERSION_GE(1, 13, 0)
  c.version = H5FD_CLASS_VERSION;
  c.value = 600;  // of the range that HDF5 leaves to applications
#endif
  c.name = "haven";
  c.maxaddr = (haddr_t{1} << 62) - 1;
  c.fc_degree = H5F_CLOSE_SEMI;
  c.fapl_size = sizeof(DriverInfo);
  c.open = open_file;
  c.close = close_file;
  c.cmp = compare;
  c.query = query;
  c.get_eoa = end_of_allocation;
  c.set_eoa = set_end_of_allocation;
  c.get_eof = end_of_file;
  c.read = read;
  c.write = write;
  c.truncate = truncate;
  c.lock = lock;
  c.unlock = unlock;
  constexpr H5FD_mem_t dichotomy[] = H5FD_FLMAP_DICHOTOMY;
  std::copy(std::begin(dichotomy), std::end(dichotomy), std::begin(c.fl_map));
  return c;
}

}  // namespace

int MemoryFileSystem::open(const std::string& /*path*/, OpenMode /*mode*/) { return 0; }
std::int64_t MemoryFileSystem::read_at(int /*handle*/, std::span<std::byte> out, std::int64_t offset) {
  const auto begin = std::min(static_cast<std::size_t>(offset), bytes.size());
  const std::size_t count = std::min(out.size(), bytes.size() - begin);
  std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(begin), count, out.begin());
  return static_cast<std::int64_t>(count);
}
std::int64_t MemoryFileSystem::write_at(int /*handle*/, std::span<const std::byte> in, std::int64_t offset) {
  const std::size_t end = static_cast<std::size_t>(offset) + in.size();
  if (bytes.size() < end) bytes.resize(end);
  std::copy(in.begin(), in.end(), bytes.begin() + offset);
  return static_cast<std::int64_t>(in.size());
}
std::int64_t MemoryFileSystem::size(int /*handle*/) { return static_cast<std::int64_t>(bytes.size()); }
int MemoryFileSystem::resize(int /*handle*/, std::int64_t size) {
  bytes.resize(static_cast<std::size_t>(size));
  return 0;
}
int MemoryFileSystem::sync(int /*handle*/) { return 0; }
int MemoryFileSystem::close(int /*handle*/) { return 0; }
int MemoryFileSystem::rename(const std::string& /*from*/, const std::string& /*to*/) { return -ENOSYS; }
int MemoryFileSystem::sync_folder(const std::string& /*folder*/) { return -ENOSYS; }
int MemoryFileSystem::remove(const std::string& /*path*/) { return -ENOSYS; }
int MemoryFileSystem::lock(int /*handle*/) { return -ENOSYS; }

bool use_driver(std::int64_t access_list, DrivenFile& file) {
  static const H5FD_class_t description = driver_class();
  static const hid_t driver = H5FDregister(&description);
  const DriverInfo info{&file};
  return driver >= 0 && H5Pset_driver(access_list, driver, &info) >= 0;
}

}  // namespace haven::h5
