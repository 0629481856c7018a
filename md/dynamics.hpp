#pragma once
#include <cstdint>

#include "core/cell.hpp"
#include "core/fixed_sum.hpp"
#include "md/atom_store.hpp"
#include "potentials/potential.hpp"

namespace haven {

/// What one evaluation gave on this rank; the forces are in the AtomStore. Sums over ranks give the system's values.
struct ForceResult {
  FixedSum energy;     ///< eV
  FixedTensor virial;  ///< eV, only when wanted; see Evaluation
  EvaluationFault fault = EvaluationFault::none;
  AtomId fault_atom = -1;
  Index extrapolating = 0;
};

/// No dimension of the cell may change by more than this fraction within one step.
inline constexpr double max_cell_change = 0.05;

/// The moving system as one rank sees it: what integrators change and guards look at.
struct Dynamics {
  Cell cell;
  AtomStore atoms;
  ForceResult result;
  std::int64_t step = 0;          ///< the state's step; inside integrators the one under way
  double timestep = 1;            ///< fs
  double target_temperature = 0;  ///< K, at `step`
  Index degrees_of_freedom = 0;
  std::uint64_t seed = 0;
  /// Largest relative change of a dimension of the cell that the barostat asked for in the step under way. It does
  /// nothing beyond max_cell_change (nor with NaN); the watchdog then ends the run.
  double cell_change = 0;
};

}  // namespace haven
