#include "training/blas_memory.hpp"

#include <fmt/format.h>
#include <sys/mman.h>

#include <cstddef>
#include <vector>

#include "core/error.hpp"

// Only OpenBLAS has them; argument: 0, not for a thread of its own.
extern "C" __attribute__((weak)) void* blas_memory_alloc(int purpose);
extern "C" __attribute__((weak)) void blas_memory_free(void* buffer);

namespace haven::training {

void take_blas_buffers(int threads) {
  constexpr std::size_t mib = std::size_t{1} << 20, buffer = 129 * mib, rest = 16 * mib;
  if (blas_memory_alloc == nullptr || blas_memory_free == nullptr) return;
  const std::size_t wanted = static_cast<std::size_t>(threads) * buffer + rest;
  void* const probe = mmap(nullptr, wanted, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (probe == MAP_FAILED)
    throw ResourceError(
        fmt::format("training with {} thread{} needs {} MiB of address space for OpenBLAS, and the system refuses",
                    threads, threads == 1 ? "" : "s", wanted / mib),
        "memory", "Raise the limit (ulimit -v, the batch job's memory), or use fewer threads (train.threads).");
  munmap(probe, wanted);
  std::vector<void*> buffers;
  for (int k = 0; k < threads; ++k) buffers.push_back(blas_memory_alloc(0));
  for (void* taken : buffers) blas_memory_free(taken);  // they stay mapped, for the threads that ask next
}

}  // namespace haven::training
