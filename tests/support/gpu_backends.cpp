#include "support/gpu_backends.hpp"

#include "potentials/program/drivers/cuda_emulation.hpp"
#include "potentials/program/drivers/cuda_potential.hpp"

namespace haven::testing {

GpuBackend emulated_gpu() {
  return {
      .name = "emulated",
      .make = [](const Model& model, Precision precision) { return gpu::make_emulated_potential(model, precision); },
      .obstacle = [] { return std::string(); }};
}

GpuBackend real_gpu() {
  return {.name = "device",
          .make = [](const Model& model, Precision precision) { return make_cuda_potential(model, precision); },
          .obstacle = [] { return cuda_device_count() > 0 ? std::string() : cuda_obstacle(); }};
}

}  // namespace haven::testing
