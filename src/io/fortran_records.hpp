#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace haven {

/// Reads the sequential unformatted records of a gfortran program (four-byte little-endian lengths before and after
/// each record) out of memory. Nothing is allocated beyond the size of the file.
class FortranRecords {
 public:
  FortranRecords(std::string path, std::span<const std::byte> bytes) : path_(std::move(path)), bytes_(bytes) {}

  /// True when the bytes begin with a record of `length` bytes.
  [[nodiscard]] static bool begins_with_record(std::span<const std::byte> bytes, std::uint32_t length);

  /// The next record as `count` numbers; every one finite. @throws InputError naming the file and `what`
  std::vector<double> reals(std::size_t count, std::string_view what);
  std::vector<std::int32_t> integers(std::size_t count, std::string_view what);
  std::int32_t integer(std::string_view what, std::int32_t low, std::int32_t high);
  double real(std::string_view what) { return reals(1, what)[0]; }
  /// The next record as `count` texts of equal length, trimmed.
  std::vector<std::string> texts(std::size_t count, std::string_view what);

  [[noreturn]] void refuse(const std::string& what) const;

 private:
  std::span<const std::byte> record(std::string_view what);

  std::string path_;
  std::span<const std::byte> bytes_;
  std::size_t at_ = 0;
};

}  // namespace haven
