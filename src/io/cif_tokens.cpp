#include "io/cif_tokens.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/error.hpp"

namespace haven {
namespace {

struct Token {
  std::string_view text;
  Index line = 0;
  bool quoted = false;
};

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
    if (c == '.') c = '_';  // CIF 2 dictionaries write _atom_site.fract_x
  }
  return result;
}

class Tokens {
 public:
  Tokens(std::string_view text, const std::string& name) : text_(text), name_(name) {
    if (text_.starts_with("\xEF\xBB\xBF")) text_.remove_prefix(3);
  }
  [[noreturn]] void fail(const std::string& what, Index line) const {
    throw InputError(what, fmt::format("{}:{}", name_, line),
                     "Correct the file, or write it again with a crystallography program.");
  }

  bool next(Token& token) {
    skip();
    if (at_ >= text_.size()) return false;
    const char first = text_[at_];
    token = {.text = {}, .line = line_, .quoted = true};
    if (first == ';' && line_start()) {
      token.text = text_field();
    } else if (first == '\'' || first == '"') {
      token.text = quoted(first);
    } else {
      const std::size_t begin = at_;
      while (at_ < text_.size() && !is_blank(text_[at_])) ++at_;
      token.text = text_.substr(begin, at_ - begin);
      token.quoted = false;
    }
    return true;
  }

 private:
  bool line_start() const { return at_ == 0 || text_[at_ - 1] == '\n'; }
  void skip() {
    while (at_ < text_.size()) {
      if (text_[at_] == '#') {
        while (at_ < text_.size() && text_[at_] != '\n') ++at_;
      } else if (is_blank(text_[at_])) {
        line_ += text_[at_] == '\n' ? 1 : 0;
        ++at_;
      } else {
        return;
      }
    }
  }
  std::string_view text_field() {
    const std::size_t begin = at_ + 1, end = text_.find("\n;", at_);
    if (end == text_.npos) fail("a text field that begins with ; has no end", line_);
    line_ += std::count(text_.begin() + static_cast<std::ptrdiff_t>(at_),
                        text_.begin() + static_cast<std::ptrdiff_t>(end) + 1, '\n');
    at_ = end + 2;
    return text_.substr(begin, end - begin);
  }
  /// A quote ends the text only when a blank follows.
  std::string_view quoted(char quote) {
    const std::size_t begin = ++at_;
    for (; at_ < text_.size() && text_[at_] != '\n'; ++at_) {
      if (text_[at_] != quote || (at_ + 1 < text_.size() && !is_blank(text_[at_ + 1]))) continue;
      return text_.substr(begin, at_++ - begin);
    }
    fail(fmt::format("a text in {} has no end on its line", quote), line_);
  }

  std::string_view text_;
  std::string name_;
  std::size_t at_ = 0;
  Index line_ = 1;
};

class Parser {
 public:
  Parser(std::string_view text, const std::string& name) : tokens_(text, name) {}

  std::vector<CifBlock> parse() {
    advance();
    while (have_) {
      const std::string word = token_.quoted ? std::string() : lower(token_.text);
      if (word.starts_with("data_")) {
        blocks_.push_back({.name = std::string(token_.text.substr(5)), .values = {}});
        advance();
      } else if (blocks_.empty()) {
        tokens_.fail(fmt::format("'{}' before the first data_ block: this is no CIF", token_.text.substr(0, 40)),
                     token_.line);
      } else if (word == "loop_") {
        advance();
        read_loop();
      } else if (is_tag()) {
        read_item(word);
      } else if (word.starts_with("save_") || word == "global_" || word == "stop_") {
        advance();
      } else {
        tokens_.fail(fmt::format("the value '{}' has no tag", token_.text.substr(0, 40)), token_.line);
      }
    }
    return std::move(blocks_);
  }

 private:
  void advance() { have_ = tokens_.next(token_); }
  bool is_tag() const { return !token_.quoted && token_.text.starts_with('_'); }
  bool is_value() const {
    if (token_.quoted) return true;
    const std::string word = lower(token_.text.substr(0, 6));
    return !token_.text.starts_with('_') && word != "loop_" && !word.starts_with("data_") &&
           !word.starts_with("save_") && word != "stop_";
  }
  CifValue value() const {
    const bool absent = !token_.quoted && (token_.text == "." || token_.text == "?");
    return {.text = std::string(token_.text), .line = token_.line, .absent = absent};
  }
  void read_item(const std::string& tag) {
    const Index line = token_.line;
    advance();
    if (!have_ || !is_value()) tokens_.fail(fmt::format("{} has no value", tag.substr(0, 60)), line);
    blocks_.back().values[tag] = {value()};
    advance();
  }
  void read_loop() {
    std::vector<std::string> tags;
    for (; have_ && is_tag(); advance()) tags.push_back(lower(token_.text));
    if (tags.empty()) tokens_.fail("a loop_ without tags", have_ ? token_.line : 0);
    std::vector<std::vector<CifValue>> columns(tags.size());
    std::size_t count = 0;
    Index line = have_ ? token_.line : 0;
    for (; have_ && is_value(); advance()) {
      columns[count++ % tags.size()].push_back(value());
      line = token_.line;
    }
    if (count % tags.size() != 0)
      tokens_.fail(fmt::format("a loop of {} tags holds {} values: its last row is incomplete", tags.size(), count),
                   line);
    for (std::size_t k = 0; k < tags.size(); ++k) blocks_.back().values[tags[k]] = std::move(columns[k]);
  }

  Tokens tokens_;
  Token token_;
  bool have_ = false;
  std::vector<CifBlock> blocks_;
};

}  // namespace

std::vector<CifBlock> parse_cif_blocks(std::string_view text, const std::string& name) {
  return Parser(text, name).parse();
}

}  // namespace haven
