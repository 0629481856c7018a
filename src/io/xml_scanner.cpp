#include "io/xml_scanner.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace haven {
namespace {

constexpr std::size_t longest_text = 64U << 10U;

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

Index newlines(const char* begin, const char* end) {
  Index count = 0;
  while (begin < end) {
    const void* found = std::memchr(begin, '\n', static_cast<std::size_t>(end - begin));
    if (found == nullptr) break;
    ++count;
    begin = static_cast<const char*>(found) + 1;
  }
  return count;
}

/// Text with &lt; &gt; &amp; &quot; &apos; resolved; other references stay as they are.
void append_resolved(std::string& to, std::string_view text) {
  constexpr std::array<std::pair<std::string_view, char>, 5> entities{
      {{"&lt;", '<'}, {"&gt;", '>'}, {"&amp;", '&'}, {"&quot;", '"'}, {"&apos;", '\''}}};
  while (!text.empty()) {
    const std::size_t mark = std::min(text.find('&'), text.size());
    to.append(text.substr(0, mark));
    text.remove_prefix(mark);
    if (text.empty()) return;
    const auto known = std::find_if(entities.begin(), entities.end(),
                                    [&](const auto& entity) { return text.starts_with(entity.first); });
    to += known == entities.end() ? '&' : known->second;
    text.remove_prefix(known == entities.end() ? 1 : known->first.size());
  }
}

}  // namespace

/// Drops what was scanned and appends the next block; false at the end of the file.
bool XmlScanner::refill() {
  settle_text();
  lines_ += newlines(buffer_.data() + counted_, buffer_.data() + at_);
  buffer_.erase(0, at_);
  at_ = counted_ = 0;
  const std::string_view block = file_.next_block();
  buffer_.append(block);
  return !block.empty();
}

Index XmlScanner::line() {
  lines_ += newlines(buffer_.data() + counted_, buffer_.data() + at_);
  counted_ = at_;
  return lines_ + 1;
}

/// Where `mark` begins at or behind `from` characters after the scanner, relative to the scanner; nothing when the file
/// ends before or the markup is absurdly long.
std::optional<std::size_t> XmlScanner::find(std::string_view mark, std::size_t from) {
  while (true) {
    const std::size_t found = buffer_.find(mark, at_ + from);
    if (found != buffer_.npos) return found - at_;
    const std::size_t have = buffer_.size() - at_;
    if (have > longest_markup || !refill()) return std::nullopt;
    // The mark may have been cut by the end of the block.
    from = std::max(from, have < mark.size() ? 0 : have - mark.size() + 1);
  }
}

/// The '>' that ends the tag; one inside a quoted attribute value does not.
std::optional<std::size_t> XmlScanner::end_of_tag(std::size_t from) {
  char quote = '\0';
  while (true) {
    for (std::size_t k = at_ + from; k < buffer_.size(); ++k) {
      const char c = buffer_[k];
      if (quote != '\0')
        quote = c == quote ? '\0' : quote;
      else if (c == '"' || c == '\'')
        quote = c;
      else if (c == '>')
        return k - at_;
    }
    from = buffer_.size() - at_;
    if (from > longest_markup || !refill()) return std::nullopt;
  }
}

/// Copies text that is still in the buffer.
void XmlScanner::settle_text() {
  if (std::exchange(held_, false)) text_.assign(buffer_, held_begin_, held_size_);
}

void XmlScanner::take_text(std::size_t end) {
  const std::size_t size = end - at_;
  if (!keeping_ || size == 0) return;
  if (!held_ && text_.empty() && size <= longest_text && std::memchr(buffer_.data() + at_, '&', size) == nullptr) {
    held_ = true, held_begin_ = at_, held_size_ = size;
    return;
  }
  settle_text();
  if (text_.size() + size > longest_text) return;
  append_resolved(text_, std::string_view(buffer_).substr(at_, end - at_));
}

/// To the next '<'; false at the end of the file.
bool XmlScanner::skip_text() {
  while (true) {
    const void* found = at_ < buffer_.size() ? std::memchr(buffer_.data() + at_, '<', buffer_.size() - at_) : nullptr;
    if (found != nullptr) {
      const auto mark = static_cast<std::size_t>(static_cast<const char*>(found) - buffer_.data());
      take_text(mark);
      at_ = mark;
      return true;
    }
    // An entity must not be cut in two by the end of the block.
    const std::size_t entity = keeping_ ? buffer_.rfind('&') : buffer_.npos;
    const bool cut = entity != buffer_.npos && entity >= at_ && buffer_.size() - entity < 8;
    take_text(cut ? entity : buffer_.size());
    at_ = cut ? entity : buffer_.size();
    if (!refill()) return at_ = buffer_.size(), false;
  }
}

/// Comments, CDATA and processing instructions; false when the file must not be read on.
bool XmlScanner::skip_special() {
  std::string_view end = ">";
  std::size_t begin = 2;
  if (buffer_.compare(at_, 2, "<?") == 0) {
    end = "?>";
  } else {
    while (buffer_.size() - at_ < 9 && refill()) {
    }
    if (buffer_.compare(at_, 4, "<!--") == 0) {
      end = "-->";
      begin = 4;
    } else if (buffer_.compare(at_, 9, "<![CDATA[") == 0) {
      end = "]]>";
      begin = 9;
    } else {
      finish("a document type declaration or unknown markup");
      return false;
    }
  }
  const auto found = find(end, begin);
  if (!found) {
    finish("unclosed markup");
    return false;
  }
  if (begin == 9 && keeping_) {
    settle_text();
    if (text_.size() + *found < longest_text) text_.append(buffer_, at_ + 9, *found - 9);
  }
  at_ += *found + end.size();
  return true;
}

XmlScanner::Event XmlScanner::open_element() {
  const auto end = end_of_tag(1);
  if (!end) return finish("unclosed token");
  std::string_view tag = std::string_view(buffer_).substr(at_ + 1, *end - 1);
  pending_end_ = tag.ends_with('/');
  if (pending_end_) tag.remove_suffix(1);
  std::size_t length = 0;
  while (length < tag.size() && !is_blank(tag[length])) ++length;
  if (length == 0) return finish("not well-formed (a tag without name)");
  name_ = tag.substr(0, length);
  attributes_ = tag.substr(length);
  if (depth_ >= deepest_nesting) return finish("too deeply nested");
  if (depth_ == open_.size()) open_.emplace_back();
  open_[depth_++].assign(name_);
  keeping_ = held_ = false;
  at_ += *end + 1;
  return Event::start;
}

XmlScanner::Event XmlScanner::close_element() {
  const auto end = end_of_tag(2);
  if (!end) return finish("unclosed token");
  std::string_view tag = std::string_view(buffer_).substr(at_ + 2, *end - 2);
  while (!tag.empty() && is_blank(tag.back())) tag.remove_suffix(1);
  if (depth_ == 0 || open_[depth_ - 1] != tag) return finish("mismatched tag");
  --depth_;
  at_ += *end + 1;
  return Event::end;
}

XmlScanner::Event XmlScanner::next() {
  if (finished_) return Event::finish;
  if (pending_end_) {
    pending_end_ = false;
    --depth_;
    return Event::end;
  }
  while (true) {
    if (!skip_text()) return finish();
    while (buffer_.size() - at_ < 2)
      if (!refill()) return finish();
    const char kind = buffer_[at_ + 1];
    if (kind == '/') return close_element();
    if (kind != '!' && kind != '?') return open_element();
    if (!skip_special()) return Event::finish;
  }
}

std::optional<std::string_view> XmlScanner::plain_element(std::string_view tag) {
  if (finished_ || pending_end_ || depth_ >= deepest_nesting) return std::nullopt;
  std::size_t begin = at_;
  while (begin < buffer_.size() && is_blank(buffer_[begin])) ++begin;
  const std::string_view rest = std::string_view(buffer_).substr(begin);
  const std::size_t head = tag.size() + 2;  // of <tag>
  if (rest.size() < head || rest[0] != '<' || rest[head - 1] != '>' || rest.substr(1, tag.size()) != tag) return {};
  const std::size_t end = rest.find('<', head);
  if (end == rest.npos || rest.size() - end < head + 1) return std::nullopt;
  if (rest[end + 1] != '/' || rest[end + head] != '>' || rest.substr(end + 2, tag.size()) != tag) return std::nullopt;
  const std::string_view text = rest.substr(head, end - head);
  if (text.size() > longest_text || text.find('&') != text.npos) return std::nullopt;
  held_ = false;
  at_ = begin + end + head + 1;
  return text;
}

std::string_view XmlScanner::attribute(std::string_view name) const {
  std::string_view rest = attributes_;
  while (true) {
    while (!rest.empty() && is_blank(rest.front())) rest.remove_prefix(1);
    const std::size_t equals = rest.find('=');
    if (equals == rest.npos) return {};
    std::string_view key = rest.substr(0, equals);
    while (!key.empty() && is_blank(key.back())) key.remove_suffix(1);
    rest.remove_prefix(equals + 1);
    while (!rest.empty() && is_blank(rest.front())) rest.remove_prefix(1);
    if (rest.empty() || (rest[0] != '"' && rest[0] != '\'')) return {};
    const std::size_t close = rest.find(rest[0], 1);
    if (close == rest.npos) return {};
    if (key == name) return rest.substr(1, close - 1);
    rest.remove_prefix(close + 1);
  }
}

}  // namespace haven
