#pragma once
#include "core/communicator.hpp"

namespace haven::testing {

/// All ranks of this test; made by main().
[[nodiscard]] Communicator& world();

}  // namespace haven::testing
