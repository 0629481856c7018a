#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "core/structure.hpp"
#include "core/types.hpp"

/// What a molecular-dynamics run is told. Nothing here knows the input file's syntax.
namespace haven {

enum class Ensemble { nve, nvt, npt };
/// "nve", "nvt", "npt".
[[nodiscard]] const char* name_of(Ensemble ensemble);

/// Stochastic velocity rescaling; a chain of Nose-Hoover thermostats; Langevin friction and noise (not for transport).
enum class Thermostat { bussi, nose_hoover, langevin };

/// What a barostat changes: the volume; the lengths of the cell vectors; lengths and angles.
enum class CellShape { isotropic, anisotropic, triclinic };

/// Stochastic cell rescaling (with the thermostat bussi); Martyna, Tobias and Klein's equations of motion (with
/// nose_hoover).
enum class Barostat { cell_rescaling, martyna_tobias_klein };

/// Constant pressure.
struct BarostatOptions {
  Barostat type = Barostat::cell_rescaling;
  double pressure_gpa = 0;
  CellShape shape = CellShape::isotropic;
  /// Cell rescaling: relaxation time of the volume of a material with the bulk modulus below; Martyna-Tobias-Klein:
  /// time scale of the inertia (N_f + 3) kT tau^2 of the volume.
  double tau_fs = 1000;
  double bulk_modulus_gpa = 50;  ///< cell rescaling: estimate; a softer material relaxes more slowly, in proportion
};

/// Target temperature of a stage, K: constant, or linear in time from `start` to `end`.
struct TemperatureProgram {
  double start = 300, end = 300;
  /// Target at `fraction` of the stage, 0..1.
  [[nodiscard]] double at(double fraction) const { return start == end ? start : start + (end - start) * fraction; }
};

/// One part of a run with its own ensemble and output.
struct StageOptions {
  std::string name = "run";
  Ensemble ensemble = Ensemble::nvt;
  TemperatureProgram temperature{};  ///< in NVE only the start matters, for initial velocities and guards
  double tau_fs = 100;               ///< relaxation time of the thermostat (NVT, NPT)
  Thermostat thermostat = Thermostat::bussi;
  BarostatOptions barostat{};  ///< of NPT
  std::string mean_cell_of{};  ///< an earlier NPT stage: this one runs in its mean cell. Empty: the cell stays
  double duration_fs = 0;      ///< rounded to whole steps, at least one
  bool transport = false;      ///< the analysis may use this stage; it must not ramp the temperature
  std::int64_t trajectory_interval = 0;  ///< steps between stored frames; 0 stores none
  bool store_velocities = false;
  std::int64_t correlator_interval = 0;  ///< steps between samples of the displacement correlators; 0: none
  std::vector<int> stored_elements{};    ///< atomic numbers in the trajectory; empty means all
};

enum class GuardAction { flag, stop };

/// Limits that stop a run (exit 4) before it produces numbers nobody should use. A limit of 0 switches its guard off;
/// the checks for values that are not finite cannot be switched off.
struct GuardOptions {
  double max_force = 50.0;               ///< eV/A, on any atom, every step
  double max_step_displacement = 0.5;    ///< A per step, any atom, every step
  double max_temperature_factor = 1.5;   ///< instantaneous over target temperature, at thermo rows
  double minimum_distance_factor = 0.8;  ///< times the potential's trained minimum distance, at thermo rows
  double overlap_distance = 0.5;         ///< A; a structure with a closer pair is refused before step 0
  double energy_drift = 1.0e-2;          ///< eV/atom/ns: slope of the conserved quantity, in NVE (else flagged)
  double least_height = 2.0;             ///< A; of a cell at constant pressure
  double max_volume_factor = 2.0;      ///< largest ratio of the volume to that of the input structure, and its inverse
  double host_msd_factor = 0.25;       ///< rms displacement of the host over its nearest-neighbour distance
  std::vector<int> mobile_elements{};  ///< atomic numbers; all others are the host. Empty: no host guard
  GuardAction host = GuardAction::stop;
  GuardAction extrapolation = GuardAction::flag;  ///< atoms outside the training range of the model
  double max_deviation = 0.3;  ///< eV/A: deviation of a committee's forces on an atom, at thermo rows
  GuardAction deviation = GuardAction::flag;
};

enum class InitialVelocities {
  thermal,         ///< Maxwell-Boltzmann at the first stage's start temperature
  from_structure,  ///< those of the structure, centre-of-mass drift removed
};

struct MdOptions {
  double timestep_fs = 1.0;
  std::vector<StageOptions> stages;
  double skin = 1.0;  ///< A added to the cut-off of neighbour lists; never changes results
  GuardOptions guards{};
  std::int64_t thermo_interval = 50;     ///< steps between thermodynamic rows (and slow guards)
  std::int64_t checkpoint_interval = 0;  ///< steps; 0 means only by time
  double checkpoint_minutes = 10;        ///< wall time; 0 means only by steps. Never changes results
  double stall_minutes = 30;             ///< without progress on several ranks, the job ends; 0: never
  std::uint64_t seed = 1;
  InitialVelocities initial_velocities = InitialVelocities::thermal;
};

/// What is simulated. Only rank 0's object is read; other ranks may pass an empty one.
struct MdInput {
  Structure structure;
  std::vector<double> masses;          ///< amu, per atom
  std::vector<AtomId> frozen{};        ///< atoms that never move; then no centre-of-mass drift is removed
  std::string model_hash, input_hash;  ///< a restart refuses others, see SimulationState
  std::string run_id, created_by;      ///< passed on to the trajectory header
};

/// Whole steps of a stage.
[[nodiscard]] std::int64_t stage_steps(const StageOptions& stage, double timestep_fs);

/// Checks everything that does not need the potential. @throws ConfigError or InputError.
void validate(const MdOptions& options);
void validate(const MdInput& input);

}  // namespace haven
