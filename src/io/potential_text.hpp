#pragma once
#include <memory>
#include <string>
#include <string_view>

#include "io/cursor.hpp"
#include "io/text_file.hpp"

namespace haven {

/// A potential's text file, read line by line and word by word; whatever does not fit ends in one InputError that names
/// file and line.
class PotentialText {
 public:
  /// @param comment  characters that begin a comment, up to the end of the line
  explicit PotentialText(const std::string& path, std::string comment = "");

  /// Moves to the next line that is not blank; false at the end of the file.
  bool next_line();
  /// The same, refusing the end of the file where `what` should be.
  void need_line(std::string_view what);

  /// The next line of free text, which may be blank, as a whole.
  std::string free_text(std::string_view what);

  [[nodiscard]] std::string_view line() const { return line_; }
  /// The next word of the line; empty at its end.
  std::string_view word() { return cursor_.word(); }
  std::string_view need_word(std::string_view what);
  /// A finite real in [-limit, limit].
  double real(std::string_view what, double limit = 1e30);
  int integer(std::string_view what, int low, int high);
  /// The next value, going on to further lines as Fortran's list-directed reading does.
  double flowing_real(std::string_view what);
  int flowing_integer(std::string_view what, int low, int high);
  /// Refuses anything left on the line.
  void need_end_of_line();

  [[nodiscard]] const std::string& path() const { return file_->path(); }
  [[noreturn]] void refuse(const std::string& what) const;

 private:
  void flow(std::string_view what);

  std::unique_ptr<TextFile> file_;
  std::string comment_;
  std::string line_;
  Cursor cursor_{""};
};

}  // namespace haven
