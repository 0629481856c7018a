#pragma once
#include "core/communicator.hpp"

namespace haven {

/// Number of this rank among the ranks on the same machine (host name), from 0 in rank order: which of the machine's
/// GPUs is its own. Collective.
[[nodiscard]] int local_rank(Communicator& group);

}  // namespace haven
