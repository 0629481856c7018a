#include <algorithm>

#include "potentials/program/drivers/cuda_centre.hpp"
#include "potentials/program/drivers/cuda_kernels.hpp"
#include "potentials/program/drivers/cuda_totals.hpp"

namespace haven::gpu {
namespace {

/// Blocks of 128 threads that registers must allow on one multiprocessor: four (128 registers a thread) where the
/// harmonics of both sweeps fit into them in float, else two (255).
template <class T, int LMax>
constexpr int least_blocks() {
  return sizeof(T) == 4 && LMax >= 0 && LMax <= 5 ? 4 : 2;
}

template <class T, int LMax>
__global__ void __launch_bounds__(most_warps_per_block* warp_size, least_blocks<T, LMax>())
    evaluate_kernel(const __grid_constant__ EvaluationView<T> e, const __grid_constant__ ScratchLayout layout,
                    unsigned char* workspace) {
  extern __shared__ __align__(16) unsigned char shared[];
  const int warp_in_block = static_cast<int>(threadIdx.x) / warp_size, warps = static_cast<int>(blockDim.x) / warp_size;
  const Index warp = static_cast<Index>(blockIdx.x) * warps + warp_in_block;
  const Index step = static_cast<Index>(gridDim.x) * warps;
  unsigned char* memory = shared + warp_in_block * layout.bytes;
  if constexpr (LMax < 0) {
    if (workspace != nullptr) memory = workspace + warp * layout.bytes;
  }
  const Scratch<T> scratch(memory, layout);
  const DeviceWarp lanes(static_cast<int>(threadIdx.x) % warp_size);
  for (Index k = warp; k < e.n_centres; k += step) evaluate_centre<T, LMax>(e, lanes, e.order[k], scratch);
}

template <class T>
__global__ void __launch_bounds__(256) totals_kernel(const __grid_constant__ EvaluationView<T> e, Totals* totals) {
  const Index thread = static_cast<Index>(blockIdx.x) * blockDim.x + threadIdx.x;
  const int lane = static_cast<int>(threadIdx.x) % warp_size;
  add_totals(e, DeviceWarp(lane), thread - lane, static_cast<Index>(gridDim.x) * blockDim.x, *totals);
}

template <class T>
using Kernel = void (*)(const EvaluationView<T>, const ScratchLayout, unsigned char*);

template <class T>
Kernel<T> kernel_for(int reach) {
  switch (reach) {
    case 3:
      return evaluate_kernel<T, 3>;
    case 4:
      return evaluate_kernel<T, 4>;
    case 5:
      return evaluate_kernel<T, 5>;
    case 8:
      return evaluate_kernel<T, 8>;
    default:
      return evaluate_kernel<T, -1>;
  }
}

}  // namespace

template <class T>
cudaError_t plan_launch(int reach, const ScratchLayout& layout, LaunchPlan& plan) {
  int device = 0, most_shared = 0;
  if (const cudaError_t error = cudaGetDevice(&device); error != cudaSuccess) return error;
  if (const cudaError_t error = cudaDeviceGetAttribute(&most_shared, cudaDevAttrMaxSharedMemoryPerBlockOptin, device);
      error != cudaSuccess)
    return error;
  const int fitting = std::min(most_shared / layout.bytes, most_warps_per_block);
  plan = {.reach = fitting < 1 ? -1 : reach, .warps_per_block = 0, .shared_bytes = 0, .blocks_per_processor = 0};
  const Kernel<T> kernel = kernel_for<T>(plan.reach);
  if (fitting >= 1) {
    const cudaError_t error =
        cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, fitting * layout.bytes);
    if (error != cudaSuccess) return error;
  }
  // The size of block with which most warps are resident; the largest of those that are equally good.
  for (int warps = fitting < 1 ? most_warps_per_block : fitting; warps > 0; --warps) {
    const int shared = fitting < 1 ? 0 : warps * layout.bytes;
    int blocks = 0;
    const cudaError_t error = cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, kernel, warps * warp_size,
                                                                            static_cast<std::size_t>(shared));
    if (error != cudaSuccess) return error;
    if (blocks * warps > plan.blocks_per_processor * plan.warps_per_block) {
      plan.warps_per_block = warps;
      plan.shared_bytes = shared;
      plan.blocks_per_processor = blocks;
    }
  }
  return plan.warps_per_block > 0 ? cudaSuccess : cudaErrorLaunchOutOfResources;
}

template <class T>
cudaError_t launch_evaluation(const EvaluationView<T>& e, const ScratchLayout& layout, const LaunchPlan& plan,
                              unsigned char* workspace, Index blocks, cudaStream_t stream) {
  const Kernel<T> kernel = kernel_for<T>(plan.reach);
  kernel<<<static_cast<unsigned>(blocks), static_cast<unsigned>(plan.warps_per_block * warp_size),
           static_cast<std::size_t>(plan.shared_bytes), stream>>>(e, layout, workspace);
  return cudaGetLastError();
}

template <class T>
cudaError_t launch_totals(const EvaluationView<T>& e, Totals* totals, cudaStream_t stream) {
  constexpr Index threads = 256, most_blocks = 512;
  const Index blocks = std::clamp<Index>((e.n_centres + threads - 1) / threads, 1, most_blocks);
  totals_kernel<T><<<static_cast<unsigned>(blocks), static_cast<unsigned>(threads), 0, stream>>>(e, totals);
  return cudaGetLastError();
}

template cudaError_t plan_launch<float>(int, const ScratchLayout&, LaunchPlan&);
template cudaError_t plan_launch<double>(int, const ScratchLayout&, LaunchPlan&);
template cudaError_t launch_evaluation(const EvaluationView<float>&, const ScratchLayout&, const LaunchPlan&,
                                       unsigned char*, Index, cudaStream_t);
template cudaError_t launch_evaluation(const EvaluationView<double>&, const ScratchLayout&, const LaunchPlan&,
                                       unsigned char*, Index, cudaStream_t);
template cudaError_t launch_totals(const EvaluationView<float>&, Totals*, cudaStream_t);
template cudaError_t launch_totals(const EvaluationView<double>&, Totals*, cudaStream_t);

}  // namespace haven::gpu
