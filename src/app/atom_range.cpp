#include "app/atom_range.hpp"

#include "io/cursor.hpp"

namespace haven {

std::optional<AtomRange> parse_atom_range(std::string_view text) {
  const std::size_t dash = text.find('-');
  const std::string_view begin = text.substr(0, dash), end = dash == text.npos ? begin : text.substr(dash + 1);
  const auto first = parse_integer(begin), last = parse_integer(end);
  if (!first || !last || *first < 0 || *last < *first) return std::nullopt;
  return AtomRange{*first, *last};
}

}  // namespace haven
