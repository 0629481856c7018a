#include "io/potential_text.hpp"

#include <fmt/format.h>

#include <cmath>

#include "core/error.hpp"

namespace haven {

PotentialText::PotentialText(const std::string& path, std::string comment)
    : file_(std::make_unique<TextFile>(path)), comment_(std::move(comment)) {}

bool PotentialText::next_line() {
  std::string_view line;
  while (file_->next_line(line)) {
    if (!comment_.empty()) line = line.substr(0, line.find_first_of(comment_));
    line = trimmed(line);
    if (line.empty()) continue;
    line_ = line;
    cursor_ = Cursor(line_);
    return true;
  }
  line_.clear();
  cursor_ = Cursor(line_);
  if (file_->ending() == TextFile::Ending::too_long || file_->ending() == TextFile::Ending::damaged)
    refuse("the file is no text or damaged");
  return false;
}

void PotentialText::need_line(std::string_view what) {
  if (!next_line()) refuse(fmt::format("the file ends where {} should be", what));
}

std::string PotentialText::free_text(std::string_view what) {
  std::string_view line;
  line_.clear();
  cursor_ = Cursor(line_);
  if (!file_->next_line(line)) refuse(fmt::format("the file ends where {} should be", what));
  return std::string(trimmed(line));
}

std::string_view PotentialText::need_word(std::string_view what) {
  const std::string_view next = word();
  if (next.empty()) refuse(fmt::format("the line ends where {} should be", what));
  return next;
}

double PotentialText::real(std::string_view what, double limit) {
  const std::string_view text = need_word(what);
  const auto value = parse_real(text);
  if (!value || !(std::abs(*value) <= limit))
    refuse(fmt::format("\"{}\" is no finite number of a sensible size for {}", text.substr(0, 40), what));
  return *value;
}

int PotentialText::integer(std::string_view what, int low, int high) {
  const std::string_view text = need_word(what);
  const auto value = parse_integer(text);
  if (!value || *value < low || *value > high)
    refuse(fmt::format("\"{}\" is no integer between {} and {} for {}", text.substr(0, 40), low, high, what));
  return static_cast<int>(*value);
}

void PotentialText::flow(std::string_view what) {
  cursor_.skip_blanks();
  if (cursor_.at_end()) need_line(what);
}

double PotentialText::flowing_real(std::string_view what) {
  flow(what);
  return real(what);
}

int PotentialText::flowing_integer(std::string_view what, int low, int high) {
  flow(what);
  return integer(what, low, high);
}

void PotentialText::need_end_of_line() {
  const std::string_view next = word();
  if (!next.empty()) refuse(fmt::format("\"{}\" is too much on this line", next.substr(0, 40)));
}

void PotentialText::refuse(const std::string& what) const {
  throw InputError(what, file_->where(), "The potential file is damaged or of another kind; take a fresh copy.");
}

}  // namespace haven
