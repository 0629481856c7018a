#pragma once
#include <memory>
#include <string>

#include "core/error.hpp"
#include "potentials/model.hpp"
#include "potentials/potential.hpp"

/// The moment program on an NVIDIA GPU. In builds without CUDA everything here exists and says so.
namespace haven {

/// The CUDA runtime refused something, or a kernel failed (exit 6). `where` is the call.
struct DeviceError : ResourceError {
  using ResourceError::ResourceError;
};

/// What the GPU backend is to use.
struct CudaOptions {
  int device = 0;  ///< number of the device as CUDA counts them (CUDA_VISIBLE_DEVICES applies)
};

/// True in builds with HAVEN_WITH_CUDA.
[[nodiscard]] bool built_with_cuda();
/// Number of usable devices; 0 when there is none, no driver, or no CUDA in this build.
[[nodiscard]] int cuda_device_count();
/// Why cuda_device_count() is 0: "no CUDA-capable device is detected". Empty when it is not.
[[nodiscard]] std::string cuda_obstacle();

/// The device of a rank: the ranks of a node take its devices in turn. `local_rank` counts the ranks of one node.
/// @throws DeviceError when there is no usable device; ConfigError when the build has no CUDA
[[nodiscard]] int cuda_device_of(int local_rank);

/// The evaluator on a GPU: tables and weights are uploaded here, neighbour lists when they have changed, positions at
/// every call. Forces and virial are the same fixed-point sums as the CPU's, so a call repeats bitwise on one kind of
/// device; against the CPU it agrees to rounding.
/// @throws ModelError for an inconsistent model or one with parts the GPU cannot evaluate yet
/// @throws DeviceError for no such device, too little memory, or a driver that refuses
/// @throws ConfigError when the build has no CUDA
[[nodiscard]] std::unique_ptr<Potential> make_cuda_potential(const Model& model, Precision precision,
                                                             const CudaOptions& options = {});

}  // namespace haven
