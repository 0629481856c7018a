#pragma once
#define H5_USE_110_API
#include <hdf5.h>

#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "io/h5.hpp"
#include "io/h5_driver.hpp"

/// What the files h5*.cpp share, and the only place that includes the HDF5 library's header.
namespace haven::h5 {

static_assert(std::is_same_v<hid_t, std::int64_t>);

// Members are destroyed from below: the library's handle goes before what it writes to or reads from.
struct Context {
  std::string path;
  Index size = std::numeric_limits<Index>::max();  ///< bytes of the file when it was opened for reading
  std::unique_ptr<MemoryFileSystem> memory;
  std::unique_ptr<DrivenFile> driven;
  Id file;
};

/// A file that failed once swallows further writes (h5_driver.hpp): success means nothing any more.
[[nodiscard]] bool failed(const Context& context);
/// Throws for the library's failure that has just happened: the operating system's error when there was one.
[[noreturn]] void raise(const Context& context, const std::string& what);
/// Throws for content that is not allowed.
[[noreturn]] void refuse(const Context& context, const std::string& what);
void check(const Context& context, herr_t status, const std::string& what);
[[nodiscard]] Id checked(const Context& context, hid_t id, const std::string& what);
/// Throws for a file with a driver information block (HDF5 File Format Specification, II.A, field "Driver Information
/// Block Address"): only drivers that split a file write one, and the library allocates the size it claims unchecked.
void refuse_driver_block(const Context& context, OutputFile& file);

[[nodiscard]] hid_t library_type(Type type);
[[nodiscard]] Id text_type(std::size_t size);
[[nodiscard]] Id space_of(const Shape& shape);
/// Bytes of each text at a fixed length. Texts must not contain NUL, which pads them.
[[nodiscard]] std::pair<std::vector<char>, std::size_t> padded(const std::vector<std::string>& texts,
                                                               const std::string& where);
[[nodiscard]] std::vector<std::string> unpadded(const std::vector<char>& bytes, std::size_t width);
/// Width of a fixed-length string type, 0 for any other type.
[[nodiscard]] std::size_t text_width(hid_t type);
/// Extents of a simple or scalar data space with at most max_rank dimensions whose product fits into memory counts.
[[nodiscard]] Shape checked_shape(const Context& context, hid_t space, const std::string& where);
[[nodiscard]] Index product_of(const Shape& shape);

}  // namespace haven::h5
