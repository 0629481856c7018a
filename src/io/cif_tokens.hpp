#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/types.hpp"

namespace haven {

/// A value of a CIF with the line it stands on.
struct CifValue {
  std::string text;
  Index line = 0;
  /// `.` and `?` without quotes: not given.
  bool absent = false;
};

/// One data block: the values of each tag (lower case, dots as underscores); a tag outside of a loop has one value. All
/// columns of a loop have the same length.
struct CifBlock {
  std::string name;
  std::map<std::string, std::vector<CifValue>, std::less<>> values;
  [[nodiscard]] const std::vector<CifValue>* find(std::initializer_list<std::string_view> tags) const {
    for (const std::string_view tag : tags)
      if (const auto at = values.find(tag); at != values.end()) return &at->second;
    return nullptr;
  }
};

/// Splits a CIF 1.1 text into blocks; save frames are not read. @throws InputError with the line for a text that is no
/// CIF: unclosed quotes, a loop whose rows are incomplete, values without a tag.
[[nodiscard]] std::vector<CifBlock> parse_cif_blocks(std::string_view text, const std::string& name);

}  // namespace haven
