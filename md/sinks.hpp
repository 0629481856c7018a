#pragma once
#include <optional>
#include <string>
#include <vector>

#include "core/cell.hpp"
#include "core/types.hpp"
#include "md/state.hpp"

namespace haven {

/// One stored frame of a trajectory, atoms in order of id (of the stored selection).
struct TrajectoryFrame {
  std::int64_t step = 0;
  double time_fs = 0;
  Cell cell;
  std::vector<Vec3> positions;   ///< A, unwrapped
  std::vector<Vec3> velocities;  ///< A/fs; empty unless asked for
};

/// One row of thermodynamic data.
struct ThermoRow {
  std::int64_t step = 0;
  double time_fs = 0;
  double temperature = 0;                            ///< K
  double kinetic = 0, potential = 0, conserved = 0;  ///< eV
  double pressure_gpa = 0;  ///< positive when the system pushes outwards; kinetic part included
  double volume = 0;        ///< A^3
  double max_force = 0;     ///< eV/A
  Index extrapolating = 0;  ///< atoms outside the training range at this step
};

/// How far the models of a committee were apart at one step; see Disagreement.
struct DeviationRow {
  std::int64_t step = 0;
  double time_fs = 0;
  double force = 0, force_rms = 0;  ///< eV/A: largest, and root mean square over atoms
  AtomId atom = -1;                 ///< with the largest
  double energy = 0;                ///< eV/atom
};

/// What a trajectory file has to know before its first frame.
struct TrajectoryHeader {
  std::vector<int> numbers;    ///< of the stored atoms
  std::vector<double> masses;  ///< amu
  std::vector<AtomId> ids;
  double timestep_fs = 0;
  std::int64_t frame_interval = 0;  ///< steps between frames
  double target_temperature = 0;    ///< K, 0 for NVE
  std::string stage;                ///< name of the stage
  std::string model_hash, run_id, created_by;
};

/// Mean squared displacements relative to the host, measured during a stage with the correlators of md/correlator.hpp.
struct LiveTransport {
  std::string stage;
  std::int64_t first_step = 0, last_step = 0;  ///< of the samples
  double interval_fs = 0;                      ///< between samples
  std::vector<int> elements;                   ///< mobile ones
  std::vector<Index> atoms, tracers;           ///< of each element: all, and those whose own displacement is followed
  std::vector<double> lags_fs;
  std::vector<Index> origins;                   ///< at each lag
  std::vector<std::vector<double>> tracer;      ///< [element][lag] A^2, mean over tracers and origins
  std::vector<std::vector<double>> collective;  ///< [pair][lag] A^2, mean of (sum over a) . (sum over b), pairs a <= b
};

/// Receives what the run produces, on rank 0 only. Implemented by io, connected by app; md knows no file format.
/// All functions may throw IoError: the run then stops on all ranks with exit 6 and its last checkpoint intact.
class RunSink {
 public:
  virtual ~RunSink() = default;
  /// A new stage, or this stage continued after a restart at `first_step`.
  virtual void begin_stage(const TrajectoryHeader& header, std::int64_t first_step) = 0;
  virtual void frame(const TrajectoryFrame& frame) = 0;  ///< returns when the frame is acknowledged (flushed)
  virtual void thermo(const ThermoRow& row) = 0;
  virtual void deviation(const DeviationRow&) {}              ///< after the thermodynamic row of runs with a committee
  virtual void checkpoint(const SimulationState& state) = 0;  ///< returns when it is durable
  /// At checkpoints of stages with correlators, after the checkpoint; replaces what was given before.
  virtual void live_transport(const LiveTransport&) {}
  /// A frame worth a calculation: atoms, in order of id, are outside the training range of the model, or the models of
  /// a committee disagree. Given again after a restart when the checkpoint was older.
  virtual void candidate(const TrajectoryFrame&, const std::vector<int>& /*numbers*/) {}
  /// One line of events.jsonl: guards, restarts, warnings.
  virtual void event(const std::string& json_line) = 0;
};

}  // namespace haven
