#include "app/threads.hpp"

#include <omp.h>

#include <algorithm>

namespace haven {

void use_threads_for(Index atoms) {
  constexpr Index atoms_per_thread = 200;
  static const int offered = omp_get_max_threads();  // before anything here has changed it
  omp_set_num_threads(
      std::clamp(static_cast<int>(std::min<Index>(atoms / atoms_per_thread, offered)), 1, std::max(1, offered)));
}

}  // namespace haven
