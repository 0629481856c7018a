#pragma once
#include <csignal>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/communicator.hpp"
#include "core/log.hpp"
#include "core/stop_request.hpp"
#include "md/simulation.hpp"
#include "potentials/potential.hpp"

/// What the tests of the MD engine share: small systems, a sink that remembers everything bit by bit, potentials that
/// fail.
namespace haven::testing {

/// Face-centred cubic argon, n x n x n cubic cells of edge `a` (A).
[[nodiscard]] Structure argon_crystal(int n, double a = 5.4);
/// The same atoms in a strongly triclinic cell (sheared by lattice vectors, so it is the same crystal), each moved by
/// up to `amplitude` (A) in a seeded way.
[[nodiscard]] Structure triclinic_argon(int n, double amplitude = 0.1);
/// A slab of argon with vacuum above and below: `n_z` layers of cells in a box four times as high.
[[nodiscard]] Structure argon_slab(int n, int n_z, std::array<bool, 3> periodic = {true, true, true});
/// Moves every component of every position by a seeded uniform number in [-amplitude, amplitude].
void rattle(Structure& structure, double amplitude, std::uint64_t seed);

[[nodiscard]] MdInput input_for(Structure structure, double mass = 39.948);

/// Remembers all calls as text with exact (hexadecimal) numbers.
class RecordingSink final : public RunSink {
 public:
  void begin_stage(const TrajectoryHeader& header, std::int64_t first_step) override;
  void frame(const TrajectoryFrame& frame) override;
  void thermo(const ThermoRow& row) override;
  void deviation(const DeviationRow& row) override;
  void checkpoint(const SimulationState& state) override;
  void candidate(const TrajectoryFrame& frame, const std::vector<int>&) override { candidates.push_back(frame); }
  void live_transport(const LiveTransport& live) override { transport.push_back(live); }
  void event(const std::string& json_line) override;

  std::vector<std::string> calls;  ///< everything but checkpoints, in order
  std::vector<SimulationState> checkpoints;
  std::vector<ThermoRow> rows;
  std::vector<DeviationRow> deviations;
  std::vector<TrajectoryFrame> frames;
  std::vector<LiveTransport> transport;
  std::vector<TrajectoryFrame> candidates;
  std::vector<std::string> events;
  std::function<void(const TrajectoryFrame&)> on_frame;  ///< called after a frame was remembered; may throw
};

/// A state as text with exact numbers: equal text means equal bits.
[[nodiscard]] std::string exact_text(const SimulationState& state);

/// One run with its own sink, on a group (serial when none is given).
struct MdRun {
  RunOutcome outcome;
  RecordingSink sink;
};
struct RunSetup {
  const Potential& potential;
  MdInput input;
  MdOptions options;
  std::optional<SimulationState> restart{};
  std::function<void(const TrajectoryFrame&)> on_frame{};
  double wall_limit_s = 0;
  int threads = 1;
  const FeatureRanges* ranges = nullptr;
  std::span<const std::unique_ptr<Potential>> committee{};
};
[[nodiscard]] std::unique_ptr<MdRun> run(const RunSetup& setup);
[[nodiscard]] std::unique_ptr<MdRun> run_on(Communicator& group, const RunSetup& setup);

[[nodiscard]] StageOptions nve_stage(double temperature, double duration_fs);
[[nodiscard]] StageOptions nvt_stage(double temperature, double tau_fs, double duration_fs);
/// Every barostat with every shape of cell.
[[nodiscard]] std::vector<BarostatOptions> every_barostat();
/// Constant pressure with the thermostat that belongs to the barostat, of 50 fs.
[[nodiscard]] StageOptions npt_stage(double temperature, const BarostatOptions& barostat, double duration_fs);
/// One stage of every ensemble (and shape of cell) there is, at `temperature` (K); those with a thermostat follow a
/// ramp to 1.5 of it.
[[nodiscard]] std::vector<StageOptions> every_ensemble(double temperature, double duration_fs);
/// Guards for potentials with random weights, which have no reason to be gentle: only what is not a number stops a run.
[[nodiscard]] GuardOptions guards_for_random_weights();
/// Timestep 2 fs, no time-triggered checkpoints, guards at their defaults.
[[nodiscard]] MdOptions options_for(std::vector<StageOptions> stages);

/// Wraps a potential and does damage on demand: `nan_position` shows it a position of this rank's first atom that is
/// not a number, `signal` sends `number` to its own process.
class FaultyPotential final : public Potential {
 public:
  enum class Damage { none, not_finite, nan_position, bad_alloc, signal };
  explicit FaultyPotential(const Potential& inner) : inner_(inner) {}
  /// From this evaluation on (counted from 1, whether in one call or in parts); 0 never.
  Damage damage = Damage::none;
  int at_call = 0;
  int number = SIGUSR1;

  [[nodiscard]] const Requirements& requirements() const override { return inner_.requirements(); }
  void evaluate(const LocalAtoms& atoms, const NeighbourView& list, Wanted wanted, Evaluation& out) const override;
  [[nodiscard]] std::string description() const override { return "faulty " + inner_.description(); }

 private:
  const Potential& inner_;
  mutable int calls_ = 0;
};

/// Atoms that do not interact.
class IdealGas final : public Potential {
 public:
  explicit IdealGas(double cutoff = 4.0) { requirements_.cutoff = cutoff, requirements_.elements = {18}; }
  [[nodiscard]] const Requirements& requirements() const override { return requirements_; }
  void evaluate(const LocalAtoms&, const NeighbourView&, Wanted, Evaluation&) const override {}
  [[nodiscard]] std::string description() const override { return "ideal gas"; }

 private:
  Requirements requirements_;
};

/// Argon with the given cut-off (A); `minimum_distance` is reported to the guards.
[[nodiscard]] std::unique_ptr<Potential> argon(double cutoff = 6.0, double minimum_distance = 0);

}  // namespace haven::testing
