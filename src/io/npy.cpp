#include "io/npy.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <filesystem>

#include "core/error.hpp"
#include "io/cursor.hpp"

namespace haven {
namespace {

constexpr std::size_t longest_header = 64U << 10U;
constexpr Index most_numbers = Index{1} << 40U;
constexpr Index longest_row = Index{1} << 26U;
constexpr const char* copy_again = "Copy the file again from its source, or write it again with numpy.save.";

static_assert(std::endian::native == std::endian::little, "npy files are read as little-endian bytes");

template <class T>
T value_at(const char* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

/// The text after `'key':` of the header's dictionary.
std::string_view entry(std::string_view text, std::string_view key) {
  for (const char quote : {'\'', '"'}) {
    const std::string name = quote + std::string(key) + quote;
    const std::size_t at = text.find(name);
    if (at == text.npos) continue;
    Cursor cursor(text.substr(at + name.size()));
    if (cursor.accept(":")) return trimmed(cursor.rest());
  }
  return {};
}

}  // namespace

void NpyRows::fail(const std::string& what, const std::string& remedy) const { throw InputError(what, path_, remedy); }

NpyRows::NpyRows(const std::string& path) : path_(path), file_(path, std::ios::binary) {
  if (!file_) fail("no such file, or it cannot be opened", "Check the path.");
  read_header();
}

void NpyRows::read_header() {
  char head[12] = {};
  file_.read(head, 10);
  if (!file_ || std::memcmp(head, "\x93NUMPY", 6) != 0) fail("this is no .npy file, or it is cut off", copy_again);
  const int version = head[6];
  if (version < 1 || version > 3) fail(fmt::format("version {} of the .npy format is not known", version), copy_again);
  std::size_t length = value_at<std::uint16_t>(head + 8), offset = 10;
  if (version > 1) {
    file_.read(head + 10, 2);
    if (!file_) fail("the file is cut off in its header", copy_again);
    length = value_at<std::uint32_t>(head + 8);
    offset = 12;
  }
  if (length > longest_header) fail(fmt::format("a header of {} bytes is damage", length), copy_again);
  std::string text(length, '\0');
  file_.read(text.data(), static_cast<std::streamsize>(length));
  if (!file_) fail("the file is cut off in its header", copy_again);
  parse_header(text);
  const auto expected =
      static_cast<std::uintmax_t>(offset + length) + static_cast<std::uintmax_t>(rows_ * row_size_) * item_size_;
  std::error_code error;
  const std::uintmax_t size = std::filesystem::file_size(path_, error);
  if (error) throw IoError("cannot read the file", path_, error.value());
  if (size != expected)
    fail(fmt::format("the file has {} bytes, its header says {}: {}", size, expected,
                     size < expected ? "it is cut off" : "it is damaged"),
         copy_again);
}

void NpyRows::parse_header(const std::string& text) {
  const std::string_view type = entry(text, "descr");
  const std::string_view name = type.size() >= 5 ? type.substr(1, 3) : std::string_view();
  if (name != "<f4" && name != "<f8" && name != "<i4" && name != "<i8")
    fail(fmt::format("numbers of type {} are not read", type.substr(0, type.find(',')).substr(0, 20)),
         "Save the array as little-endian float64 or float32 (types: int32 or int64), without objects.");
  integer_ = name[1] == 'i';
  item_size_ = name[2] == '4' ? 4 : 8;
  const std::string_view order = entry(text, "fortran_order");
  if (!order.starts_with("False")) {
    if (!order.starts_with("True")) fail("the header does not state the order of the numbers", copy_again);
    fail("the array is stored in Fortran order", "Save it with numpy.save(path, numpy.ascontiguousarray(array)).");
  }
  Cursor cursor(entry(text, "shape"));
  if (!cursor.accept("(")) fail("the header does not state the shape", copy_again);
  Index total = 1;
  int rank = 0;
  while (!cursor.accept(")")) {
    const auto extent = cursor.integer();
    if (!extent || *extent < 0 || (*extent > 0 && total > most_numbers / *extent) || ++rank > 4)
      fail("the shape in the header is no list of extents", copy_again);
    total *= std::max<Index>(*extent, 1);  // no rows: the length of a row counts all the same
    if (rank == 1)
      rows_ = *extent;
    else
      row_size_ *= *extent;
    cursor.accept(",");
  }
  if (rank == 0) fail("a single number where an array of frames should be", copy_again);
  if (row_size_ > longest_row) fail(fmt::format("a row of {} numbers is too long", row_size_), copy_again);
}

void NpyRows::next(std::vector<double>& row) {
  if (delivered_ >= rows_) fail("fewer rows than frames", copy_again);
  const auto count = static_cast<std::size_t>(row_size_);
  bytes_.resize(count * item_size_);
  file_.read(bytes_.data(), static_cast<std::streamsize>(bytes_.size()));
  if (!file_) throw IoError("cannot read the file", path_, EIO);
  ++delivered_;
  row.resize(count);
  for (std::size_t k = 0; k < count; ++k) {
    const char* at = bytes_.data() + k * item_size_;
    if (!integer_) {
      row[k] = item_size_ == 4 ? static_cast<double>(value_at<float>(at)) : value_at<double>(at);
      continue;
    }
    const std::int64_t whole = item_size_ == 4 ? value_at<std::int32_t>(at) : value_at<std::int64_t>(at);
    if (whole > (std::int64_t{1} << 53) || whole < -(std::int64_t{1} << 53)) fail("an absurd whole number", copy_again);
    row[k] = static_cast<double>(whole);
  }
}

}  // namespace haven
