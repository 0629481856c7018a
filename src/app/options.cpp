#include "app/options.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/error.hpp"
#include "core/species.hpp"
#include "io/structure_file.hpp"

namespace haven {

std::vector<int> atomic_numbers(const std::vector<std::string>& symbols) {
  std::vector<int> numbers;
  for (const std::string& symbol : symbols) numbers.push_back(atomic_number(symbol));
  return numbers;
}

Precision precision_of(const std::string& word) { return word == "float64" ? Precision::float64 : Precision::mixed; }

// "auto" is the CPU: a run must not give other bits because it was continued on another machine.
Device device_of(const std::string& word) { return word == "cuda" ? Device::cuda : Device::cpu; }

ImportOptions import_options(const Config& config) {
  ImportOptions options;
  for (const SourceConfig& source : config.data.sources)
    options.sources.push_back({.path = resolve_path(config, source.path),
                               .group = source.group,
                               .every = source.every,
                               .weight = source.weight,
                               .units = source.units,
                               .types = source.types});
  options.energy = config.data.energy;
  options.unconverged = config.data.unconverged == "keep"    ? Unconverged::keep
                        : config.data.unconverged == "error" ? Unconverged::error
                                                             : Unconverged::reject;
  options.max_force = config.data.max_force;
  if (config.data.stress == "ignore") options.stress = ImportOptions::Stress::ignore;
  options.mixed_settings = config.data.mixed_settings;
  options.elements = config.elements;
  return options;
}

TrainOptions train_options(const Config& config) {
  TrainOptions options;
  options.descriptor = {.kind = config.model.type == "bpnn" ? "behler-parrinello" : config.model.type,
                        .preset = config.model.preset,
                        .cutoff = config.model.cutoff};
  options.repulsion = config.model.repulsion;
  options.elements = atomic_numbers(config.elements);
  options.seed = config.seed;
  options.batch_atoms = config.train.batch_atoms;
  options.batch_frames = config.train.batch_frames;
  options.max_epochs = config.train.max_epochs;
  options.max_minutes = config.train.max_time_s / 60;
  options.learning_rate_start = config.train.learning_rate.start;
  options.learning_rate_end = config.train.learning_rate.end;
  if (config.train.loss) {
    const TrainConfig::Loss& loss = *config.train.loss;
    options.loss = {.balance = LossWeights::Balance::given,
                    .energy_start = loss.energy,
                    .energy = loss.energy,
                    .force = loss.force,
                    .stress = loss.virial};
  }
  options.patience = config.train.early_stop.patience;
  options.robust = config.train.robust;
  options.final_fit_rows = config.train.final_fit;
  options.polish_iterations = config.train.polish;
  options.checkpoint_minutes = config.train.checkpoint_s / 60;
  options.valid_fraction = config.data.split.valid;
  options.test_fraction = config.data.split.test;
  options.precision =
      config.train.precision == "float64" ? TrainOptions::Precision::float64 : TrainOptions::Precision::mixed;
  options.threads = static_cast<int>(config.train.threads);
  return options;
}

LadderOptions ladder_options(const Config& config) {
  return {.temperatures = config.md.ladder.temperatures,
          .replicas = static_cast<int>(config.md.replicas),
          .order = config.md.ladder.order == "ascending" ? LadderOrder::ascending
                   : config.md.ladder.order == "given"   ? LadderOrder::as_given
                                                         : LadderOrder::descending,
          .seed = config.seed};
}

static Thermostat thermostat_of(const std::string& type) {
  return type == "langevin"      ? Thermostat::langevin
         : type == "nose-hoover" ? Thermostat::nose_hoover
                                 : Thermostat::bussi;
}

static BarostatOptions barostat_of(const BarostatConfig& barostat) {
  return {.type = barostat.type == "mtk" ? Barostat::martyna_tobias_klein : Barostat::cell_rescaling,
          .pressure_gpa = barostat.pressure,
          .shape = barostat.shape == "triclinic"     ? CellShape::triclinic
                   : barostat.shape == "anisotropic" ? CellShape::anisotropic
                                                     : CellShape::isotropic,
          .tau_fs = barostat.tau,
          .bulk_modulus_gpa = barostat.bulk_modulus};
}

MdOptions md_options(const Config& config) {
  const MdConfig& md = config.md;
  const auto steps = [&](double time_fs) { return static_cast<std::int64_t>(std::llround(time_fs / md.timestep)); };
  const auto action = [](const std::string& word) { return word == "flag" ? GuardAction::flag : GuardAction::stop; };
  MdOptions options{.timestep_fs = md.timestep, .stages = {}, .skin = md.skin};
  for (const StageConfig& stage : md.stages) {
    StageOptions out;
    out.name = stage.name;
    out.ensemble = stage.ensemble == "nve" ? Ensemble::nve : stage.ensemble == "npt" ? Ensemble::npt : Ensemble::nvt;
    if (stage.thermostat) {
      out.tau_fs = stage.thermostat->tau;
      out.thermostat = thermostat_of(stage.thermostat->type);
    }
    if (stage.start_temperature > 0)  // stages_at() knows a ramp by its ends and replaces the second
      out.temperature = {stage.start_temperature, stage.start_temperature + 1};
    if (stage.barostat) out.barostat = barostat_of(*stage.barostat);
    if (stage.cell.starts_with(mean_cell_prefix)) out.mean_cell_of = stage.cell.substr(mean_cell_prefix.size());
    out.duration_fs = stage.ps * 1000;
    out.transport = stage.transport;
    if (stage.trajectory) {
      out.trajectory_interval = steps(stage.trajectory->every_fs);
      out.store_velocities = stage.trajectory->velocities;
    }
    if (stage.correlator) out.correlator_interval = steps(stage.correlator->every_fs);
    options.stages.push_back(out);
  }
  GuardOptions& guards = options.guards;
  guards.max_force = md.guards.max_force;
  guards.max_step_displacement = md.guards.max_step_displacement;
  guards.max_temperature_factor = md.guards.max_temperature_factor;
  guards.minimum_distance_factor = md.guards.minimum_distance_factor;
  guards.energy_drift = md.guards.energy_drift;
  guards.max_volume_factor = md.guards.max_volume_factor;
  guards.host_msd_factor = md.guards.host_msd_factor;
  guards.mobile_elements = atomic_numbers(config.system.mobile);
  guards.host = action(md.guards.host);
  guards.extrapolation = action(md.guards.extrapolation);
  guards.max_deviation = md.guards.max_deviation;
  guards.deviation = action(md.guards.deviation);
  options.thermo_interval = steps(config.output.thermo_every_fs);
  options.stall_minutes = md.guards.stall_s / 60;
  options.checkpoint_minutes = md.restart.every_s / 60;
  options.seed = config.seed;
  return options;
}

TransportOptions transport_options(const Config& config, double temperature) {
  TransportOptions options;
  options.mobile = config.system.mobile;
  options.charges = config.system.charges;
  options.temperature_K = temperature;
  options.window_ps = config.transport.window_ps;
  options.min_hops = static_cast<double>(config.transport.min_hops);
  options.lindemann_factor = config.transport.lindemann_factor;
  options.seed = config.seed;
  return options;
}

ArrheniusOptions arrhenius_options(const Config& config) {
  return {.target_K = config.transport.arrhenius.target_kelvin,
          .model = config.transport.arrhenius.model,
          .seed = config.seed};
}

Structure simulated_structure(const std::string& path, const std::array<std::int64_t, 3>& repetitions) {
  constexpr double smallest_height =
      2.0;  // A; no crystal has a thinner cell, but a mistaken unit or a slab without vacuum has
  const Structure unit = read_structure(path);
  if (unit.size() == 0) throw InputError("has no atoms", path, "Give a structure with at least one atom.");
  const Structure structure = supercell(unit, static_cast<int>(repetitions[0]), static_cast<int>(repetitions[1]),
                                        static_cast<int>(repetitions[2]));
  const Vec3 heights = structure.cell.heights();
  for (int axis = 0; axis < 3; ++axis)
    if (heights[axis] < smallest_height)
      throw InputError(fmt::format("the cell is only {:.3f} A high along axis {}", heights[axis], "abc"[axis]), path,
                       "Check the unit of the lattice vectors (A), or repeat the cell with system.supercell.");
  return structure;
}

}  // namespace haven
