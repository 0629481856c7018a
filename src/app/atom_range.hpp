#pragma once
#include <optional>
#include <string_view>

#include "core/types.hpp"

namespace haven {

/// Atoms of a structure file by number, counted from 0, both ends included.
struct AtomRange {
  Index first = 0, last = 0;
};

/// "7" or "10-20". @return nothing for any other text
[[nodiscard]] std::optional<AtomRange> parse_atom_range(std::string_view text);

}  // namespace haven
