// The GPU backend of builds without CUDA.
#ifndef HAVEN_HAVE_CUDA
#include "potentials/program/drivers/cuda_potential.hpp"

namespace haven {
namespace {

[[noreturn]] void refuse() {
  throw ConfigError("this build of Haven has no CUDA", "device",
                    "Build it with -DHAVEN_WITH_CUDA=ON (cmake --preset cuda), or set device = \"cpu\".");
}

}  // namespace

bool built_with_cuda() { return false; }
int cuda_device_count() { return 0; }
std::string cuda_obstacle() { return "this build of Haven has no CUDA"; }
int cuda_device_of(int) { refuse(); }
std::unique_ptr<Potential> make_cuda_potential(const Model&, Precision, const CudaOptions&) { refuse(); }

}  // namespace haven
#endif
