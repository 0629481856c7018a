#include <sys/mman.h>
#include <unistd.h>

#include <stdexcept>

#include "core/rng.hpp"
#include "fuzz/targets.hpp"

namespace haven::fuzz {

BytesFile::BytesFile(std::string_view bytes) : handle_(::memfd_create("fuzz", MFD_CLOEXEC)) {
  if (handle_ < 0) throw std::runtime_error("no file in memory");
  while (!bytes.empty()) {
    const ssize_t written = ::write(handle_, bytes.data(), bytes.size());
    if (written <= 0) throw std::runtime_error("no memory for a file");
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  path_ = "/proc/self/fd/" + std::to_string(handle_);
}

BytesFile::~BytesFile() { ::close(handle_); }

namespace {

/// What a careless program, a full disk or a malicious person writes in the place of a number.
constexpr std::string_view bad_words[] = {"*****",
                                          "NaN",
                                          "-Infinity",
                                          "1E+400",
                                          "0",
                                          "-1",
                                          "99999999999999999999",
                                          "2147483648",
                                          "1e9",
                                          "9223372036854775807",
                                          "1.0D-310",
                                          "",
                                          "\r\n",
                                          "\t",
                                          std::string_view("\0", 1)};

void change(std::string& bytes, const Target& target, RandomSequence& random) {
  const std::size_t at = random.below(bytes.size()), other = random.below(bytes.size());
  const std::size_t block = std::min(bytes.size() - std::max(at, other), 1 + random.below(200));
  switch (random.below(9)) {
    case 0:
      bytes[at] = static_cast<char>(bytes[at] ^ (1 << random.below(8)));
      return;
    case 1:
      bytes[at] = static_cast<char>(random.below(256));
      return;
    case 2:
      bytes.resize(at);
      return;
    case 3:
      bytes.insert(other, bytes.substr(at, block));
      return;
    case 4:
      bytes.erase(at, block);
      return;
    case 5:
      bytes.replace(at, block, bytes.substr(other, block));
      return;
    case 6:
      if (!target.words.empty()) bytes.insert(at, target.words[random.below(target.words.size())]);
      return;
    default: {
      // A whole word becomes another one: most damage that parses at all is of this kind.
      const std::size_t begin = bytes.find_first_not_of(" \n\t", at);
      if (begin == std::string::npos) return;
      const std::size_t end = std::min(bytes.find_first_of(" \n\t<", begin), bytes.size());
      bytes.replace(begin, end - begin, bad_words[random.below(std::size(bad_words))]);
    }
  }
}

}  // namespace

std::string mutant(const std::string& seed, const Target& target, std::uint64_t number) {
  RandomSequence random(number, Stream::test, 53);
  std::string bytes = seed;
  const auto changes = 1 + random.below(4);
  for (std::uint64_t k = 0; k < changes && !bytes.empty(); ++k) change(bytes, target, random);
  return bytes;
}

}  // namespace haven::fuzz
