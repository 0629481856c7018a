#pragma once
#include <optional>

#include "md/agreement.hpp"
#include "md/atom_store.hpp"
#include "md/options.hpp"
#include "md/state.hpp"
#include "md/watchdog.hpp"
#include "potentials/potential.hpp"

namespace haven {

/// A checked run before its first force, the same on every rank.
struct PreparedRun {
  MdInput input;  ///< on rank 0 as given, elsewhere without texts
  AtomTable table;
  SimulationState state;  ///< the restart, or step 0 with initial velocities
  Vec3 removed_drift{};   ///< A/fs, of the centre of mass at step 0
  Host host;
  bool is_restart = false;
  /// Frees what only the distribution of the atoms needs: of big systems no rank can afford to keep it.
  void forget_atoms();
};

/// Checks options, input, restart and their fit to the potential on rank 0 and copies all to the other ranks.
/// Collective.
/// @throws ConfigError, InputError, ModelError on all ranks
[[nodiscard]] PreparedRun prepare_run(const Potential& potential, const MdInput& input, const MdOptions& options,
                                      const std::optional<SimulationState>& restart, Communicator& group,
                                      Agreement& agreement);

}  // namespace haven
