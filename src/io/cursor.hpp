#pragma once
#include <optional>
#include <string_view>

#include "core/types.hpp"

namespace haven {

/// How a numeric field of a text file reads.
enum class FieldState {
  number,      ///< a finite number
  missing,     ///< nothing left on the line
  overflow,    ///< asterisks: Fortran could not fit the number into its field
  not_finite,  ///< NaN or Infinity, or beyond the range of a double
  malformed,   ///< text that is no number, or digits of two numbers run together inseparably
};

/// A human name: "asterisks (overflow)", "not finite" and so on.
[[nodiscard]] std::string_view field_state_name(FieldState state);

struct RealField {
  double value = 0;
  FieldState state = FieldState::missing;
  [[nodiscard]] bool ok() const { return state == FieldState::number; }
};

/// Bounded reader over one line (or any text); all parsers share it. Never reads outside the view, never throws.
///
/// Numbers are read as Fortran writes them: `1.0D-03`, `-.5E+00`, `0.123-104` (three exponent digits without a letter),
/// numbers that touch (`10.0-13.7` are two), and asterisks in place of a number (one field).
class Cursor {
 public:
  explicit Cursor(std::string_view text) : text_(text) {}

  [[nodiscard]] bool at_end() const { return position_ >= text_.size(); }
  [[nodiscard]] std::string_view rest() const { return text_.substr(position_); }
  void skip_blanks();
  /// True, and moved past `word`, when the text after blanks starts with it.
  bool accept(std::string_view word);
  /// Moves just past the first occurrence of `mark`; false (unmoved) when absent.
  bool skip_past(std::string_view mark);
  /// The next run of non-blank characters; empty at the end.
  std::string_view word();
  /// The next real number. On anything but a number the cursor moves past the offending word.
  RealField real();
  /// The next integer; nothing (moved past the word) when there is none or it does not fit.
  std::optional<Index> integer();
  /// Three reals; the state is the first that is not a number.
  FieldState vec3(Vec3& out);

 private:
  std::string_view text_;
  std::size_t position_ = 0;
};

/// A whole word as a finite real; nothing otherwise.
[[nodiscard]] std::optional<double> parse_real(std::string_view word);
[[nodiscard]] std::optional<Index> parse_integer(std::string_view word);
/// Without blanks at both ends.
[[nodiscard]] std::string_view trimmed(std::string_view text);

}  // namespace haven
