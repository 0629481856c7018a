#pragma once
#include <memory>
#include <optional>
#include <string>

#include "io/file_system.hpp"
#include "io/run_lock.hpp"
#include "io/trajectory.hpp"
#include "md/sinks.hpp"

namespace haven {

/// The files of one MD run in its folder:
///   traj.part0001.h5 ...      frames; a new segment for every stage and every continuation
///   thermo.csv                thermodynamic rows, units in the header line, each line flushed
///   checkpoint.h5, checkpoint_prev.h5
///   displacements_STAGE.csv   mean squared displacements of stages with correlators, as of the last checkpoint
///   deviation.csv             how far the models of a committee are apart, a line each thermodynamic row
///   candidates.xyz            frames with atoms outside the training range of the model, for labelling
///   events.jsonl              one JSON object a line
///
/// Typical use:
///   RunLock lock(files, folder, log);
///   const auto state = read_newest_checkpoint(folder, log);
///   RunFiles sink(files, std::move(lock), state ? std::optional(state->step) : std::nullopt);
///
/// On continuation from a checkpoint at step s, the tables are cut back to the rows up to s (the run writes the same
/// rows again), events are kept, and frames after s are superseded by the next segment, not deleted. Without a
/// checkpoint the tables start again and the first new segment supersedes all old frames.
class RunFiles : public RunSink {
 public:
  /// @param resume_step  step of the checkpoint that the run continues from; nothing for a run from the beginning
  /// @throws IoError
  RunFiles(FileSystem& files, RunLock lock, std::optional<std::int64_t> resume_step);
  ~RunFiles() override;  ///< closes without a word; call finish() to hear of errors

  void begin_stage(const TrajectoryHeader& header, std::int64_t first_step) override;
  void frame(const TrajectoryFrame& frame) override;
  void thermo(const ThermoRow& row) override;
  void deviation(const DeviationRow& row) override;
  /// Order of durability: frames, thermo rows and events first, then the checkpoint that makes them history.
  void checkpoint(const SimulationState& state) override;
  void live_transport(const LiveTransport& transport) override;
  void candidate(const TrajectoryFrame& frame, const std::vector<int>& numbers) override;
  void event(const std::string& json_line) override;
  /// Ends all files properly; afterwards any HDF5 program opens the trajectory. @throws IoError
  void finish();

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace haven
