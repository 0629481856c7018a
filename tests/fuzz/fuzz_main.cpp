#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "fuzz/targets.hpp"

/// libFuzzer program of one target; the target's name is compiled in.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const haven::fuzz::Target& target = haven::fuzz::target(HAVEN_FUZZ_TARGET);
  try {
    target.run({reinterpret_cast<const char*>(data), size});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "finding: %s\n", error.what());
    std::abort();
  }
  return 0;
}
