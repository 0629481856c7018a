#pragma once
#include <memory>

#include "potentials/model.hpp"
#include "potentials/potential.hpp"
#include "potentials/program/drivers/cuda_warp.hpp"

namespace haven::gpu {

/// How the emulation deviates from the plainest order; none of it may change a bit of the result.
struct EmulationOptions {
  HostWarp::Order lanes = HostWarp::Order::ascending;
  int warps_per_block = 4, blocks = 3;
  /// specialised: the kernel the GPU would choose for the program; general: the one for any l_max.
  enum class Kernel { specialised, general } kernel = Kernel::specialised;
};

/// The source of the CUDA kernels executed on the CPU, warp after warp and lane after lane: for tests on machines
/// without a GPU. Scratch memory is filled with NaN before every centre, so that what was not written is not read
/// unnoticed. Slow. @throws ModelError as make_cuda_potential
[[nodiscard]] std::unique_ptr<Potential> make_emulated_potential(const Model& model, Precision precision,
                                                                 const EmulationOptions& options = {});

}  // namespace haven::gpu
