#pragma once
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "core/communicator.hpp"
#include "core/log.hpp"
#include "core/stop_request.hpp"
#include "md/options.hpp"
#include "md/sinks.hpp"
#include "md/state.hpp"
#include "potentials/feature_ranges.hpp"
#include "potentials/potential.hpp"

namespace haven {

/// What a run uses but does not own.
struct RunServices {
  Communicator& group;      ///< the ranks of this run
  RunSink* sink = nullptr;  ///< receives all output; used on rank 0 only, null elsewhere
  const StopRequest& stop;  ///< may be requested on any rank; all ranks agree
  Log& log;
  /// Says which atoms are outside the training range, and why; null: they are only counted.
  const FeatureRanges* ranges = nullptr;
  /// The other models of a committee. Their members and those of the one that moves the atoms are compared at
  /// thermodynamic rows, if they are more than one.
  std::span<const std::unique_ptr<Potential>> committee{};
};

enum class RunStatus {
  finished,  ///< all stages done
  stopped,   ///< a stop was requested: a checkpoint is written, the same command continues (exit 75)
};

/// The same on every rank, except for `final_state`.
struct RunOutcome {
  RunStatus status = RunStatus::finished;
  std::string reason;                          ///< of the stop
  std::int64_t first_step = 0, last_step = 0;  ///< steps first_step + 1 ... last_step were made by this call
  double wall_seconds = 0;
  Index rebuilds = 0;            ///< neighbour lists built
  Index extrapolating_rows = 0;  ///< thermodynamic rows with atoms outside the training range, by this call
  double largest_deviation = 0;  ///< eV/A: of a committee's forces on an atom, in the rows of this call
  SimulationState final_state;   ///< on rank 0
};

/// Runs all stages of `options`, from `restart` if there is one. Collective over services.group; every rank passes the
/// same potential and options, only rank 0's `input` and `restart` are read.
///
/// The trajectory is a function of input, options and potential alone: rank count, thread count, skin, checkpoints and
/// restarts do not change a bit of it, nor the order of calls to the sink.
///
/// @throws on all ranks alike: ConfigError, InputError (structure, overlap, wrong restart), NumericalError (a guard; a
/// "crash"
///         event is written and the last checkpoint stays valid), IoError and ResourceError.
[[nodiscard]] RunOutcome run_md(const Potential& potential, const MdInput& input, const MdOptions& options,
                                const std::optional<SimulationState>& restart, const RunServices& services);

}  // namespace haven
