#pragma once
#include "core/types.hpp"

namespace haven {

/// Sets how many OpenMP threads this process uses from now on for structures of `atoms` atoms per rank: all that the
/// system (cores bound to this rank, OMP_NUM_THREADS) offers, but not more than one per 200 atoms. Waiting for each
/// other costs small structures more than it gains, and on a busy machine up to a hundred times more. Results do not
/// depend on it.
void use_threads_for(Index atoms);

}  // namespace haven
