#include "io/cursor.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>

namespace haven {
namespace {

constexpr std::size_t longest_number = 64;

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f' || c == '\v'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_sign(char c) { return c == '+' || c == '-'; }

std::size_t digits_end(std::string_view text, std::size_t from) {
  while (from < text.size() && is_digit(text[from])) ++from;
  return from;
}

/// Extent of a Fortran real at the start of a text; length 0 when there is none.
struct Extent {
  std::size_t mantissa = 0, length = 0;
  bool plain = true;  ///< from_chars understands it as it is
};

/// End of an exponent that starts at `from` (which is its letter or sign); `from` when there is none.
std::size_t exponent_end(std::string_view text, std::size_t from) {
  if (from >= text.size()) return from;
  const char c = text[from];
  if (std::strchr("eEdDqQ", c) != nullptr && c != '\0') {
    const std::size_t first = from + (from + 1 < text.size() && is_sign(text[from + 1]) ? 2 : 1);
    const std::size_t end = digits_end(text, first);
    return end > first ? end : from;
  }
  // Fortran drops the letter of a three-digit exponent: 0.123-104. Followed by a point it is a second number that
  // touches.
  if (!is_sign(c) || digits_end(text, from + 1) != from + 4) return from;
  return from + 4 < text.size() && text[from + 4] == '.' ? from : from + 4;
}

Extent measure_real(std::string_view text) {
  Extent extent;
  std::size_t at = !text.empty() && is_sign(text[0]) ? 1 : 0;
  extent.plain = text.empty() || text[0] != '+';
  const std::size_t whole = digits_end(text, at);
  std::size_t digits = whole - at;
  at = whole;
  bool point = false;
  if (at < text.size() && text[at] == '.') {
    point = true;
    const std::size_t end = digits_end(text, at + 1);
    digits += end - at - 1;
    at = end;
  }
  if (digits == 0) return {};
  extent.mantissa = at;
  extent.length = at < text.size() && is_sign(text[at]) && !point ? at : exponent_end(text, at);
  if (extent.length > at && text[at] != 'e' && text[at] != 'E') extent.plain = false;
  return extent;
}

RealField from_library(const char* begin, const char* end) {
  double value = 0;
  const auto [stop, error] = std::from_chars(begin, end, value);
  if (error == std::errc() && stop == end) return {value, FieldState::number};
  if (error != std::errc::result_out_of_range) return {0, FieldState::malformed};
  value = std::strtod(std::string(begin, end).c_str(), nullptr);
  return std::isfinite(value) ? RealField{value, FieldState::number} : RealField{0, FieldState::not_finite};
}

RealField convert(std::string_view text, const Extent& extent) {
  if (extent.length > longest_number) return {0, FieldState::malformed};
  if (extent.plain) return from_library(text.data(), text.data() + extent.length);
  char copy[longest_number + 2];
  const std::size_t skip = text[0] == '+' ? 1 : 0;
  std::size_t n = 0;
  for (std::size_t k = skip; k < extent.mantissa; ++k) copy[n++] = text[k];
  if (extent.length > extent.mantissa) {
    copy[n++] = 'e';
    for (std::size_t k = extent.mantissa + (is_sign(text[extent.mantissa]) ? 0 : 1); k < extent.length; ++k)
      copy[n++] = text[k];
  }
  return from_library(copy, copy + n);
}

/// A number with a point and no exponent, before a blank or the end, of at most 15 digits: nearly all that VASP writes.
/// Its digits and the power of ten are exact in a double, so that one division rounds as from_chars does.
/// @return the length, 0 for any other text
std::size_t read_fixed_point(std::string_view text, double& value) {
  constexpr std::array<double, 16> powers{1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                          1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
  const bool negative = text.starts_with('-');
  const std::size_t first = negative ? 1 : 0;
  std::uint64_t digits = 0;  // may wrap around where there are too many
  std::size_t at = first;
  for (; at < text.size() && is_digit(text[at]); ++at)
    digits = 10 * digits + static_cast<std::uint64_t>(text[at] - '0');
  if (at == text.size() || text[at] != '.') return 0;
  const std::size_t point = at++;
  for (; at < text.size() && is_digit(text[at]); ++at)
    digits = 10 * digits + static_cast<std::uint64_t>(text[at] - '0');
  const std::size_t count = at - first - 1;
  if (count == 0 || count >= powers.size() || (at < text.size() && !is_blank(text[at]))) return 0;
  value = static_cast<double>(digits) / powers[at - point - 1];
  if (negative) value = -value;
  return at;
}

bool starts_not_finite(std::string_view text) {
  if (!text.empty() && is_sign(text[0])) text.remove_prefix(1);
  if (text.size() < 3) return false;
  const auto is = [&](const char* name) {
    for (std::size_t k = 0; k < 3; ++k)
      if ((text[k] | 0x20) != name[k]) return false;
    return true;
  };
  return is("nan") || is("inf");
}

}  // namespace

std::string_view field_state_name(FieldState state) {
  switch (state) {
    case FieldState::number:
      return "a number";
    case FieldState::missing:
      return "missing";
    case FieldState::overflow:
      return "asterisks (the number did not fit its field)";
    case FieldState::not_finite:
      return "not a finite number";
    case FieldState::malformed:
      return "not a readable number";
  }
  return "";
}

void Cursor::skip_blanks() {
  while (position_ < text_.size() && is_blank(text_[position_])) ++position_;
}

bool Cursor::accept(std::string_view word) {
  skip_blanks();
  if (!rest().starts_with(word)) return false;
  position_ += word.size();
  return true;
}

bool Cursor::skip_past(std::string_view mark) {
  const std::size_t found = text_.find(mark, position_);
  if (found == std::string_view::npos) return false;
  position_ = found + mark.size();
  return true;
}

std::string_view Cursor::word() {
  skip_blanks();
  const std::size_t begin = position_;
  while (position_ < text_.size() && !is_blank(text_[position_])) ++position_;
  return text_.substr(begin, position_ - begin);
}

RealField Cursor::real() {
  skip_blanks();
  if (at_end()) return {};
  const std::string_view left = rest();
  double fixed = 0;
  if (const std::size_t length = read_fixed_point(left, fixed); length > 0) {
    position_ += length;
    return {fixed, FieldState::number};
  }
  if (left[0] == '*') {
    while (position_ < text_.size() && text_[position_] == '*') ++position_;
    return {0, FieldState::overflow};
  }
  const Extent extent = measure_real(left);
  if (extent.length == 0) {
    const FieldState state = starts_not_finite(left) ? FieldState::not_finite : FieldState::malformed;
    word();
    return {0, state};
  }
  if (extent.length < left.size() && (left[extent.length] == '.' || is_letter(left[extent.length]))) {
    word();
    return {0, FieldState::malformed};
  }
  position_ += extent.length;
  return convert(left, extent);
}

std::optional<Index> Cursor::integer() {
  skip_blanks();
  std::string_view left = rest();
  const std::size_t sign = !left.empty() && left[0] == '+' ? 1 : 0;
  Index value = 0;
  const auto [stop, error] = std::from_chars(left.data() + sign, left.data() + left.size(), value);
  const auto length = static_cast<std::size_t>(stop - left.data());
  const bool runs_on = length < left.size() && (left[length] == '.' || is_letter(left[length]));
  if (error != std::errc() || runs_on) {
    word();
    return std::nullopt;
  }
  position_ += length;
  return value;
}

FieldState Cursor::vec3(Vec3& out) {
  for (int k = 0; k < 3; ++k) {
    const RealField field = real();
    if (!field.ok()) return field.state;
    out[k] = field.value;
  }
  return FieldState::number;
}

std::optional<double> parse_real(std::string_view word) {
  Cursor cursor(word);
  const RealField field = cursor.real();
  cursor.skip_blanks();
  return field.ok() && cursor.at_end() ? std::optional(field.value) : std::nullopt;
}

std::optional<Index> parse_integer(std::string_view word) {
  Cursor cursor(word);
  const auto value = cursor.integer();
  cursor.skip_blanks();
  return cursor.at_end() ? value : std::nullopt;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

}  // namespace haven
