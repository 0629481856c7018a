#include "io/binary_stream.hpp"

#include <algorithm>

namespace haven {

bool BinaryStream::fill(char* to, std::size_t size) {
  while (size > 0) {
    const std::size_t got = source_->read(to, size);
    if (got == 0) return false;
    to += got, size -= got;
    position_ += static_cast<std::int64_t>(got);
  }
  return true;
}

bool BinaryStream::bytes(std::vector<char>& out, std::size_t size) {
  constexpr std::size_t step = std::size_t{16} << 20U;
  out.clear();
  while (out.size() < size) {
    const std::size_t begin = out.size(), part = std::min(step, size - begin);
    out.resize(begin + part);
    if (!fill(out.data() + begin, part)) return false;
  }
  return true;
}

}  // namespace haven
