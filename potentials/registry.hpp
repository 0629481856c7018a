#pragma once
#include <memory>
#include <string>
#include <vector>

#include "potentials/descriptor.hpp"
#include "potentials/potential.hpp"
#include "potentials/program/drivers/cuda_potential.hpp"

namespace haven {

/// Which evaluator runs a model. `reference` is the literal scalar double-precision one that every test compares with.
enum class Backend { vectorised, reference };

/// The potential of a model, ready for MD. @throws ModelError when the model is inconsistent (sizes, ranges,
/// non-finite).
[[nodiscard]] std::unique_ptr<Potential> make_potential(const Model& model, Precision precision,
                                                        Backend backend = Backend::vectorised);
/// The same on a GPU. @throws also what make_cuda_potential throws
[[nodiscard]] std::unique_ptr<Potential> make_potential(const Model& model, Precision precision,
                                                        const CudaOptions& options);

/// Options for a new, untrained model; the choices of `[model]` in the input file.
struct DescriptorOptions {
  std::string kind = "moment";
  std::string preset = "standard";  ///< fast | standard | accurate
  double cutoff = 6.0;              ///< A
};
/// A model with descriptor parameters set and initial (seeded) mixing, and no networks, for these elements.
/// @throws ConfigError for an unknown kind or preset.
[[nodiscard]] Model new_model(const DescriptorOptions& options, const std::vector<int>& elements, std::uint64_t seed);

}  // namespace haven
