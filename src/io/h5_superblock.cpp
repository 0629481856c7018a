#include <algorithm>
#include <array>
#include <cstring>

#include "io/h5_library.hpp"

namespace haven::h5 {

namespace {

constexpr std::array<unsigned char, 8> signature{0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n'};
constexpr std::int64_t longest_prefix = 96;  // of versions 0 and 1 with addresses of 8 bytes

using Prefix = std::array<unsigned char, longest_prefix>;

/// Bytes from `offset`, zero beyond the end of the file.
Prefix prefix_at(OutputFile& file, std::int64_t offset) {
  Prefix bytes{};
  const auto count = static_cast<std::size_t>(std::min(longest_prefix, file.size() - offset));
  file.read_at(std::as_writable_bytes(std::span(bytes).first(count)), offset);
  return bytes;
}

bool has_driver_block(const Prefix& bytes) {
  const unsigned version = bytes[8];
  if (version > 1) return false;  // later versions have no such block
  const std::size_t width = bytes[13], first_address = version == 0 ? 24 : 28;
  const std::size_t begin = first_address + 3 * width;  // after base, free space and end of file
  if (begin + width > bytes.size()) return false;       // an impossible width, which the library refuses
  const auto address = std::span(bytes).subspan(begin, width);
  return !std::ranges::all_of(address, [](unsigned char byte) { return byte == 0xff; });  // all ones: none
}

}  // namespace

void refuse_driver_block(const Context& context, OutputFile& file) {
  // A superblock is at 0, 512, 1024, 2048, ...
  for (std::int64_t offset = 0; offset < file.size(); offset = offset == 0 ? 512 : 2 * offset) {
    const Prefix bytes = prefix_at(file, offset);
    if (!std::equal(signature.begin(), signature.end(), bytes.begin())) continue;
    if (has_driver_block(bytes)) refuse(context, "the HDF5 superblock names a driver that splits files");
    return;
  }
}

}  // namespace haven::h5
