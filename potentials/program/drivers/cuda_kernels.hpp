#pragma once
#include <cuda_runtime_api.h>

#include "potentials/program/drivers/cuda_centre_data.hpp"

/// The launches of the CUDA kernels, the only part that nvcc compiles.
namespace haven::gpu {

/// How a program's kernel is run on a device.
struct LaunchPlan {
  int reach = -1;  ///< LMax of the kernel: kernel_reach, or -1 for the general one
  int warps_per_block = 0;
  int shared_bytes = 0;          ///< of a block; 0 when scratch lies in global memory
  int blocks_per_processor = 0;  ///< that fit at the same time
};

inline constexpr int most_warps_per_block = 4;

/// The plan for scratch memory of this layout on the current device: the size of block with which most warps share a
/// multiprocessor. Where not even one warp's scratch fits into shared memory, the general kernel with scratch in global
/// memory.
template <class T>
[[nodiscard]] cudaError_t plan_launch(int reach, const ScratchLayout& layout, LaunchPlan& plan);

/// Evaluates all centres of e. `workspace` has one layout per warp when the plan says global memory; `blocks` is the
/// grid.
template <class T>
[[nodiscard]] cudaError_t launch_evaluation(const EvaluationView<T>& e, const ScratchLayout& layout,
                                            const LaunchPlan& plan, unsigned char* workspace, Index blocks,
                                            cudaStream_t stream);

/// Adds up energies, virials and remarks of all centres.
template <class T>
[[nodiscard]] cudaError_t launch_totals(const EvaluationView<T>& e, Totals* totals, cudaStream_t stream);

}  // namespace haven::gpu
