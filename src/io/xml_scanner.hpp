#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/types.hpp"
#include "io/text_file.hpp"

namespace haven {

/// Pulls the markup of an XML file out of a stream, in constant memory and without copying: what VASP writes is all it
/// knows (elements, attributes, text, comments, CDATA, processing instructions).
///
/// A document type declaration is an error: VASP writes none, and entities are how XML attacks a parser's memory.
/// Elements must be properly nested. Text is passed on only where it is asked for.
class XmlScanner {
 public:
  enum class Event {
    start,   ///< name() and attribute() are of the element that begins; a self-closing one is followed by its end
    end,     ///< text() holds what stood in the element since its start, when keep_text() was called there
    finish,  ///< no more: see error()
  };
  explicit XmlScanner(TextFile& file) : file_(file) {}

  Event next();
  /// Of the element that begins. Valid until next().
  [[nodiscard]] std::string_view name() const { return name_; }
  /// The value of an attribute of the element that begins, empty when absent. Character references are not resolved.
  [[nodiscard]] std::string_view attribute(std::string_view name) const;
  /// Collects the text of the element that begins (up to 64 KiB), with the five predefined entities resolved.
  void keep_text() { keeping_ = true, held_ = false, text_.clear(); }
  /// Valid until next().
  [[nodiscard]] std::string_view text() const {
    return held_ ? std::string_view(buffer_).substr(held_begin_, held_size_) : std::string_view(text_);
  }
  /// Passes over the element that follows, after blanks, and gives its text (valid until the next call), when it is of
  /// this tag, without attributes, children, entities, and whole in the buffer; nothing otherwise, and next() goes on
  /// as if it had not been asked. The rows of long arrays take half the time that their events would.
  std::optional<std::string_view> plain_element(std::string_view tag);
  [[nodiscard]] Index line();  ///< 1-based line of the present position
  /// What is wrong with the XML; empty when the file simply ends.
  [[nodiscard]] const std::string& error() const { return error_; }

 private:
  static constexpr std::size_t longest_markup = 1U << 20U;
  static constexpr std::size_t deepest_nesting = 64;
  bool refill();
  std::optional<std::size_t> find(std::string_view mark, std::size_t from);
  std::optional<std::size_t> end_of_tag(std::size_t from);
  bool skip_text();
  void take_text(std::size_t end);
  void settle_text();
  bool skip_special();
  Event open_element();
  Event close_element();
  Event finish(std::string error = {}) {
    if (error_.empty()) error_ = std::move(error);
    finished_ = true;
    return Event::finish;
  }

  TextFile& file_;
  std::string buffer_;
  std::size_t at_ = 0, counted_ = 0;  // positions in the buffer: of the scanner; up to which lines are counted
  Index lines_ = 0;
  std::string_view name_, attributes_;
  std::vector<std::string> open_;  // names of open elements; entries beyond depth_ keep their memory
  std::size_t depth_ = 0;
  std::string text_, error_;
  // The text of most elements is one stretch of the buffer without entities: then it stays there.
  std::size_t held_begin_ = 0, held_size_ = 0;
  bool held_ = false;
  bool keeping_ = false, pending_end_ = false, finished_ = false;
};

}  // namespace haven
