#include "md/options.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/error.hpp"

namespace haven {
namespace {

void require(bool condition, const std::string& what, const std::string& where, const std::string& remedy) {
  if (!condition) throw ConfigError(what, where, remedy);
}

void validate_barostat(const StageOptions& stage, const std::string& where) {
  const BarostatOptions& barostat = stage.barostat;
  require(std::isfinite(barostat.pressure_gpa), "the pressure must be a finite number", where, "Give it in GPa.");
  require(barostat.tau_fs > 0, "the barostat's tau must be positive", where, "Give tau in fs, e.g. 1000.");
  require(std::isfinite(barostat.bulk_modulus_gpa) && barostat.bulk_modulus_gpa > 0,
          "the barostat's bulk modulus must be positive", where, "Give an estimate in GPa, e.g. 50.");
  const bool rescaling = barostat.type == Barostat::cell_rescaling;
  require(stage.thermostat == (rescaling ? Thermostat::bussi : Thermostat::nose_hoover),
          rescaling ? "the barostat \"rescaling\" has the thermostat \"bussi\""
                    : "the barostat \"mtk\" has the thermostat \"nose-hoover\"",
          where, "Choose it, or the other barostat.");
  require(stage.temperature.start > 0 && stage.temperature.end > 0, "constant pressure needs a temperature above 0 K",
          where, "Relax the cell at 0 K with a minimiser instead.");
}

void validate_mean_cells(const std::vector<StageOptions>& stages) {
  for (std::size_t k = 0; k < stages.size(); ++k) {
    const std::string& name = stages[k].mean_cell_of;
    if (name.empty()) continue;
    const auto end = stages.begin() + static_cast<std::ptrdiff_t>(k);
    const bool known = std::any_of(stages.begin(), end, [&](const StageOptions& stage) {
      return stage.name == name && stage.ensemble == Ensemble::npt;
    });
    require(known, fmt::format("no earlier stage \"{}\" at constant pressure has a mean cell to give", name),
            fmt::format("md.stage \"{}\"", stages[k].name), "Name an npt stage that comes before this one.");
  }
}

void validate_stage(const StageOptions& stage, double timestep) {
  const std::string where = fmt::format("md.stage \"{}\"", stage.name);
  const TemperatureProgram& t = stage.temperature;
  require(std::isfinite(t.start) && std::isfinite(t.end) && t.start >= 0 && t.end >= 0,
          "the temperature must not be negative", where, "Give temperatures in K.");
  require(!stage.transport || t.start == t.end, "a transport stage must not ramp the temperature", where,
          "Put the ramp into an earlier stage.");
  require(stage.ensemble == Ensemble::nve || stage.tau_fs > 0, "the thermostat's tau must be positive", where,
          "Give tau in fs, e.g. 100.");
  if (stage.ensemble == Ensemble::npt) validate_barostat(stage, where);
  require(!stage.transport || stage.ensemble == Ensemble::nve || stage.thermostat != Thermostat::langevin,
          "MD005: Langevin friction changes diffusion and the conductivity, so the stage cannot be one for transport",
          where, "Use the thermostat \"bussi\" with a weak coupling, tau of 1000 fs or more, or ensemble nve.");
  require(std::isfinite(stage.duration_fs) && stage.duration_fs >= 0.5 * timestep,
          "the stage is shorter than one timestep", where, "Give a duration of at least one timestep.");
  require(stage.duration_fs / timestep < 1e15, "the stage has more than 1e15 steps", where, "Shorten it.");
  require(stage.correlator_interval >= 0, "the interval of the correlators must not be negative", where,
          "Use 0 for none.");
  require(stage.correlator_interval == 0 || stage.ensemble != Ensemble::npt,
          "displacement correlators need a fixed cell", where,
          "Put them into a later stage, in the mean cell of this one.");
  require(stage.trajectory_interval >= 0, "the trajectory interval must not be negative", where,
          "Use 0 to store no frames.");
}

}  // namespace

const char* name_of(Ensemble ensemble) {
  switch (ensemble) {
    case Ensemble::nve:
      return "nve";
    case Ensemble::nvt:
      return "nvt";
    case Ensemble::npt:
      return "npt";
  }
  throw InternalError("unknown ensemble", "name_of");
}

std::int64_t stage_steps(const StageOptions& stage, double timestep_fs) {
  return std::max<std::int64_t>(1, std::llround(stage.duration_fs / timestep_fs));
}

void validate(const MdOptions& options) {
  require(std::isfinite(options.timestep_fs) && options.timestep_fs > 0, "the timestep must be positive", "md.timestep",
          "Give it in fs, e.g. 1.0.");
  require(!options.stages.empty(), "there is no stage", "md.stage", "Add at least one [[md.stage]].");
  require(std::isfinite(options.skin) && options.skin >= 0, "the skin must not be negative", "md.neighbor.skin",
          "Use 0.5 to 2 A.");
  require(options.thermo_interval >= 1, "the thermo interval must be at least one step", "output.thermo_every_fs",
          "Give at least one timestep.");
  require(options.checkpoint_interval >= 0 && options.checkpoint_minutes >= 0,
          "the checkpoint interval must not be negative", "md.restart.every", "Give a time such as \"10 min\".");
  require(std::isfinite(options.stall_minutes) && options.stall_minutes >= 0,
          "the limit for stalling must not be negative", "md.guards.stall", "Give a time such as \"30 min\", or 0.");
  for (const StageOptions& stage : options.stages) validate_stage(stage, options.timestep_fs);
  validate_mean_cells(options.stages);
}

void validate(const MdInput& input) {
  const Structure& structure = input.structure;
  const std::size_t n = structure.numbers.size();
  const auto refuse = [](const std::string& what, const std::string& remedy) {
    throw InputError(what, "structure", remedy);
  };
  if (n == 0) refuse("it has no atoms", "Give a structure with atoms.");
  if (structure.positions.size() != n || input.masses.size() != n ||
      (!structure.velocities.empty() && structure.velocities.size() != n))
    refuse("positions, velocities, masses and elements differ in number",
           "This is a defect of the file or its reader.");
  for (std::size_t i = 0; i < n; ++i) {
    const Vec3& r = structure.positions[i];
    if (!is_finite(r) || std::max({std::abs(r.x), std::abs(r.y), std::abs(r.z)}) > 1e9)
      refuse(fmt::format("the position of atom {} is not a usable number", i),
             "Correct the coordinates (atoms are counted from 0).");
    if (!structure.velocities.empty() && !is_finite(structure.velocities[i]))
      refuse(fmt::format("the velocity of atom {} is not a finite number", i), "Correct or remove the velocities.");
    if (!std::isfinite(input.masses[i]) || input.masses[i] <= 0)
      refuse(fmt::format("the mass of atom {} is not positive", i), "Give masses in amu.");
  }
  for (const AtomId id : input.frozen)
    if (id < 0 || id >= static_cast<AtomId>(n))
      refuse(fmt::format("frozen atom {} does not exist", id), "Atoms are counted from 0.");
}

}  // namespace haven
