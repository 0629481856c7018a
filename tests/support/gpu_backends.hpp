#pragma once
#include <functional>
#include <memory>
#include <ostream>
#include <string>

#include "potentials/model.hpp"
#include "potentials/potential.hpp"

namespace haven::testing {

/// Who runs the CUDA kernels: their emulation, which every machine has, or a real device.
struct GpuBackend {
  std::string name;  ///< "emulated" | "device"
  std::function<std::unique_ptr<Potential>(const Model&, Precision)> make;
  /// Empty when it can run here; otherwise why not. Tests skip then.
  std::function<std::string()> obstacle;
};

inline void PrintTo(const GpuBackend& backend, std::ostream* out) { *out << backend.name; }

[[nodiscard]] GpuBackend emulated_gpu();
[[nodiscard]] GpuBackend real_gpu();

}  // namespace haven::testing
