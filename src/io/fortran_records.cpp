#include "io/fortran_records.hpp"

#include <fmt/format.h>

#include <cmath>
#include <cstring>

#include "core/error.hpp"
#include "io/cursor.hpp"

namespace haven {
namespace {

template <class T>
T value_at(std::span<const std::byte> bytes, std::size_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof(T));
  return value;
}

}  // namespace

bool FortranRecords::begins_with_record(std::span<const std::byte> bytes, std::uint32_t length) {
  return bytes.size() >= 2 * sizeof(length) + length && value_at<std::uint32_t>(bytes, 0) == length &&
         value_at<std::uint32_t>(bytes, sizeof(length) + length) == length;
}

void FortranRecords::refuse(const std::string& what) const {
  throw InputError(what, path_, "The potential file is damaged or of another kind; take a fresh copy.");
}

std::span<const std::byte> FortranRecords::record(std::string_view what) {
  constexpr std::size_t mark = sizeof(std::uint32_t);
  const std::size_t left = bytes_.size() - at_;
  if (left < 2 * mark) refuse(fmt::format("the file ends where {} should be", what));
  const auto length = std::size_t{value_at<std::uint32_t>(bytes_, at_)};
  if (length > left - 2 * mark || value_at<std::uint32_t>(bytes_, at_ + mark + length) != length)
    refuse(fmt::format("the record of {} is damaged", what));
  const auto content = bytes_.subspan(at_ + mark, length);
  at_ += length + 2 * mark;
  return content;
}

std::vector<double> FortranRecords::reals(std::size_t count, std::string_view what) {
  const auto content = record(what);
  if (content.size() != count * sizeof(double))
    refuse(fmt::format("the record of {} has {} bytes instead of {}", what, content.size(), count * sizeof(double)));
  std::vector<double> values(count);
  for (std::size_t k = 0; k < count; ++k) {
    values[k] = value_at<double>(content, k * sizeof(double));
    if (!std::isfinite(values[k])) refuse(fmt::format("a number of {} is not finite", what));
  }
  return values;
}

std::vector<std::int32_t> FortranRecords::integers(std::size_t count, std::string_view what) {
  const auto content = record(what);
  if (content.size() != count * sizeof(std::int32_t))
    refuse(
        fmt::format("the record of {} has {} bytes instead of {}", what, content.size(), count * sizeof(std::int32_t)));
  std::vector<std::int32_t> values(count);
  for (std::size_t k = 0; k < count; ++k) values[k] = value_at<std::int32_t>(content, k * sizeof(std::int32_t));
  return values;
}

std::int32_t FortranRecords::integer(std::string_view what, std::int32_t low, std::int32_t high) {
  const std::int32_t value = integers(1, what)[0];
  if (value < low || value > high)
    refuse(fmt::format("{} is {}, which is not between {} and {}", what, value, low, high));
  return value;
}

std::vector<std::string> FortranRecords::texts(std::size_t count, std::string_view what) {
  const auto content = record(what);
  if (count == 0 || content.size() % count != 0) refuse(fmt::format("the record of {} has an odd length", what));
  const std::size_t length = content.size() / count;
  std::vector<std::string> texts;
  for (std::size_t k = 0; k < count; ++k) {
    const std::string_view text(reinterpret_cast<const char*>(content.data()) + k * length, length);
    texts.emplace_back(trimmed(text));
  }
  return texts;
}

}  // namespace haven
