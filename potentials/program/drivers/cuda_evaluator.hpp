#pragma once
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "potentials/program/drivers/cuda_centre_data.hpp"

/// The host's side of an evaluation by warps, whoever runs them.
namespace haven::gpu {

/// Host memory that an evaluation passes through, owned by the executor (page-locked when a GPU copies from it).
struct Staging {
  std::span<PackedAtom> atoms;    ///< in
  std::span<std::int32_t> order;  ///< in: centres grouped by element; read when the list has changed
  std::span<FixedVec3> forces;    ///< out, like all that follow; sized as wanted
  std::span<FixedMat3> atom_virials;
  std::span<double> energies;
  std::span<unsigned char> remarks;  ///< filled when the totals count any
};

struct StagingSizes {
  std::size_t atoms = 0, centres = 0;
  Wanted wanted = Wanted::forces;
};

enum class ListState { unchanged, changed };

/// Runs the kernels: the GPU, or its emulation.
class Executor {
 public:
  virtual ~Executor() = default;
  Executor() = default;
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;
  /// Memory for an evaluation of this size; grows and is kept.
  [[nodiscard]] virtual Staging prepare(const StagingSizes& sizes) = 0;
  /// Evaluates the staged atoms with a list of `list.offsets.size() - 1` centres; `unchanged` promises the list (but
  /// for its translations), the order and the number of atoms of the call before. @throws DeviceError
  [[nodiscard]] virtual Totals run(const NeighbourView& list, ListState state, Wanted wanted) = 0;
};

/// A potential that an executor evaluates. Calls from several threads wait for each other.
class WarpPotential final : public Potential {
 public:
  WarpPotential(std::unique_ptr<Executor> executor, Requirements requirements, std::string description)
      : executor_(std::move(executor)), requirements_(std::move(requirements)), description_(std::move(description)) {}

  [[nodiscard]] const Requirements& requirements() const override { return requirements_; }
  [[nodiscard]] std::string description() const override { return description_; }
  /// Positions and forces of all atoms would cross the bus for every part.
  [[nodiscard]] bool evaluates_parts() const override { return false; }
  void evaluate(const LocalAtoms& atoms, const NeighbourView& list, Wanted wanted, Evaluation& out) const override;

 private:
  std::unique_ptr<Executor> executor_;
  Requirements requirements_;
  std::string description_;
  mutable std::mutex busy_;
  mutable std::shared_ptr<const void> list_;  // the build that the executor has
  mutable std::size_t list_atoms_ = 0;
};

/// The template parameter LMax of the kernels for a program.
[[nodiscard]] constexpr int kernel_reach(int l_max) {
  for (const int reach : {3, 4, 5, 8})
    if (l_max <= reach) return reach;
  return -1;
}

/// Tables need not be better than the arithmetic (as the vectorised driver has it).
[[nodiscard]] constexpr double table_tolerance(Precision precision) {
  return precision == Precision::float64 ? 1e-10 : 1e-7;
}

/// "moment (10 channels, 230 features), mixed precision, " + where
[[nodiscard]] std::string describe_model(const Model& model, const Descriptor& descriptor, Precision precision,
                                         const std::string& where);
[[nodiscard]] Requirements requirements_of(const Model& model);

}  // namespace haven::gpu
