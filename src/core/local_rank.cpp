#include "core/local_rank.hpp"

#include <unistd.h>

#include <array>
#include <span>

namespace haven {

int local_rank(Communicator& group) {
  std::array<char, 256> name{};
  static_cast<void>(gethostname(name.data(), name.size() - 1));  // without a name all ranks count as one machine's
  const auto names = group.all_gather(bytes_of(std::span<const char>(name)));
  int before = 0;
  for (int rank = 0; rank < group.rank(); ++rank)
    before += names[static_cast<std::size_t>(rank)] == names[static_cast<std::size_t>(group.rank())] ? 1 : 0;
  return before;
}

}  // namespace haven
