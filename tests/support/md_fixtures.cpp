#include "support/md_fixtures.hpp"

#include <fmt/format.h>
#include <omp.h>

#include <csignal>
#include <limits>
#include <new>

#include "core/rng.hpp"
#include "core/units.hpp"
#include "potentials/pair/lennard_jones.hpp"

namespace haven::testing {
namespace {

std::string text(const Vec3& v) { return fmt::format("{:a} {:a} {:a}", v.x, v.y, v.z); }

}  // namespace

std::unique_ptr<Potential> argon(double cutoff, double minimum_distance) {
  return make_lennard_jones({.elements = {18},
                             .pairs = {{.epsilon = 119.8 * units::boltzmann, .sigma = 3.405}},
                             .cutoff = cutoff,
                             .switch_start = 0.85 * cutoff,
                             .minimum_distance = minimum_distance});
}

Structure argon_crystal(int n, double a) {
  Structure cell{.cell = Cell(a * Mat3::identity()), .numbers = {18, 18, 18, 18}, .positions = {}};
  cell.positions = {{0, 0, 0}, {0, a / 2, a / 2}, {a / 2, 0, a / 2}, {a / 2, a / 2, 0}};
  return supercell(cell, n, n, n);
}

void rattle(Structure& structure, double amplitude, std::uint64_t seed) {
  RandomSequence random(seed, Stream::test, 0);
  for (Vec3& r : structure.positions)
    for (int k = 0; k < 3; ++k) r[k] += amplitude * (2 * random.uniform() - 1);
}

Structure triclinic_argon(int n, double amplitude) {
  Structure structure = argon_crystal(n);
  const Mat3& h = structure.cell.vectors();
  Mat3 sheared = h;
  sheared[1] += h[0];  // b + a
  sheared[2] += h[0];  // c + a - b
  sheared[2] -= h[1];
  structure.cell = Cell(sheared);
  rattle(structure, amplitude, 1);
  return structure;
}

Structure argon_slab(int n, int n_z, std::array<bool, 3> periodic) {
  const double a = 5.4;
  Structure cell = argon_crystal(1, a);
  Structure slab = supercell(cell, n, n, n_z);
  Mat3 box = slab.cell.vectors();
  const double height = box[2].z;
  box[2].z = 4 * height;
  slab.cell = Cell(box, periodic);
  for (Vec3& r : slab.positions) r.z += 1.4 * height;
  rattle(slab, 0.1, 2);
  return slab;
}

MdInput input_for(Structure structure, double mass) {
  MdInput input{.structure = std::move(structure),
                .masses = {},
                .frozen = {},
                .model_hash = "model",
                .input_hash = "input",
                .run_id = "run",
                .created_by = "test"};
  input.masses.assign(input.structure.numbers.size(), mass);
  return input;
}

void RecordingSink::begin_stage(const TrajectoryHeader& header, std::int64_t first_step) {
  calls.push_back(fmt::format("stage {} from {} with {} atoms every {}", header.stage, first_step, header.ids.size(),
                              header.frame_interval));
}

void RecordingSink::frame(const TrajectoryFrame& frame) {
  std::string line = fmt::format("frame {}", frame.step);
  for (int k = 0; k < 3; ++k) line += " " + text(frame.cell.vectors()[k]);
  for (const Vec3& r : frame.positions) line += " " + text(r);
  for (const Vec3& v : frame.velocities) line += " " + text(v);
  calls.push_back(line);
  frames.push_back(frame);
  if (on_frame) on_frame(frame);
}

void RecordingSink::thermo(const ThermoRow& row) {
  calls.push_back(fmt::format("row {} {:a} {:a} {:a} {:a} {:a} {:a} {:a} {}", row.step, row.temperature, row.kinetic,
                              row.potential, row.conserved, row.pressure_gpa, row.volume, row.max_force,
                              row.extrapolating));
  rows.push_back(row);
}

void RecordingSink::deviation(const DeviationRow& row) {
  calls.push_back(
      fmt::format("deviation {} {:a} {} {:a} {:a}", row.step, row.force, row.atom, row.force_rms, row.energy));
  deviations.push_back(row);
}

void RecordingSink::checkpoint(const SimulationState& state) { checkpoints.push_back(state); }

void RecordingSink::event(const std::string& json_line) {
  calls.push_back(json_line);
  events.push_back(json_line);
}

std::string exact_text(const SimulationState& state) {
  std::string out =
      fmt::format("step {} stage {} from {} seed {}\n", state.step, state.stage, state.stage_first_step, state.seed);
  for (int k = 0; k < 3; ++k) out += text(state.cell.vectors()[k]) + "\n";
  for (const auto& [name, values] : state.variables) {
    out += name;
    for (const double value : values) out += fmt::format(" {:a}", value);
    out += "\n";
  }
  for (std::size_t i = 0; i < state.positions.size(); ++i)
    out += text(state.positions[i]) + " " + text(state.velocities[i]) + "\n";
  return out;
}

std::unique_ptr<MdRun> run_on(Communicator& group, const RunSetup& setup) {
  omp_set_num_threads(setup.threads);
  auto result = std::make_unique<MdRun>();
  result->sink.on_frame = setup.on_frame;
  StopRequest stop;
  stop.set_wall_limit(setup.wall_limit_s);
  Log log;
  result->outcome = run_md(setup.potential, setup.input, setup.options, setup.restart,
                           {.group = group,
                            .sink = group.is_root() ? &result->sink : nullptr,
                            .stop = stop,
                            .log = log,
                            .ranges = setup.ranges,
                            .committee = setup.committee});
  return result;
}

std::unique_ptr<MdRun> run(const RunSetup& setup) { return run_on(*make_serial_communicator(), setup); }

StageOptions nve_stage(double temperature, double duration_fs) {
  StageOptions stage;
  stage.name = "nve";
  stage.ensemble = Ensemble::nve;
  stage.temperature = {temperature, temperature};
  stage.duration_fs = duration_fs;
  return stage;
}

StageOptions nvt_stage(double temperature, double tau_fs, double duration_fs) {
  StageOptions stage = nve_stage(temperature, duration_fs);
  stage.name = "nvt";
  stage.ensemble = Ensemble::nvt;
  stage.tau_fs = tau_fs;
  return stage;
}

std::vector<BarostatOptions> every_barostat() {
  std::vector<BarostatOptions> barostats;
  for (const Barostat type : {Barostat::cell_rescaling, Barostat::martyna_tobias_klein})
    for (const CellShape shape : {CellShape::isotropic, CellShape::anisotropic, CellShape::triclinic})
      barostats.push_back({.type = type, .shape = shape});
  return barostats;
}

StageOptions npt_stage(double temperature, const BarostatOptions& barostat, double duration_fs) {
  StageOptions stage = nvt_stage(temperature, 50, duration_fs);
  stage.name = "npt";
  stage.ensemble = Ensemble::npt;
  stage.barostat = barostat;
  if (barostat.type == Barostat::martyna_tobias_klein) stage.thermostat = Thermostat::nose_hoover;
  return stage;
}

std::vector<StageOptions> every_ensemble(double temperature, double duration_fs) {
  const auto stage_of = [&](Ensemble ensemble) {
    StageOptions stage = nvt_stage(temperature, 50, duration_fs);
    switch (
        ensemble) {  // no default: the compiler asks for a new ensemble here, and then it belongs into the list below
      case Ensemble::nve:
        return nve_stage(temperature, duration_fs);
      case Ensemble::nvt:
        break;
      case Ensemble::npt:
        stage = npt_stage(temperature, {.tau_fs = 300, .bulk_modulus_gpa = 300}, duration_fs);
        break;
    }
    stage.temperature.end = 1.5 * temperature;
    return stage;
  };
  std::vector<StageOptions> stages{stage_of(Ensemble::nve), stage_of(Ensemble::nvt)};
  for (const CellShape shape : {CellShape::isotropic, CellShape::anisotropic, CellShape::triclinic}) {
    stages.push_back(stage_of(Ensemble::npt));
    stages.back().barostat.shape = shape;
    stages.back().name += std::to_string(static_cast<int>(shape));
    stages.push_back(stages.back());
    stages.back().barostat.type = Barostat::martyna_tobias_klein;
    stages.back().thermostat = Thermostat::nose_hoover;
    stages.back().name += "-mtk";
  }
  for (const Thermostat thermostat : {Thermostat::nose_hoover, Thermostat::langevin}) {
    stages.push_back(stage_of(Ensemble::nvt));
    stages.back().thermostat = thermostat;
    stages.back().name += thermostat == Thermostat::langevin ? "-langevin" : "-nose-hoover";
  }
  return stages;
}

GuardOptions guards_for_random_weights() {
  GuardOptions guards;
  guards.max_force = guards.max_temperature_factor = guards.minimum_distance_factor = guards.max_volume_factor = 0;
  return guards;
}

MdOptions options_for(std::vector<StageOptions> stages) {
  MdOptions options;
  options.timestep_fs = 2.0;
  options.stages = std::move(stages);
  options.checkpoint_minutes = 0;
  return options;
}

void FaultyPotential::evaluate(const LocalAtoms& atoms, const NeighbourView& list, Wanted wanted,
                               Evaluation& out) const {
  if (atoms.first_centre == 0) {
    ++calls_;
    if (calls_ == at_call && damage == Damage::signal) std::raise(number);
  }
  if (at_call > 0 && calls_ >= at_call && damage == Damage::bad_alloc) throw std::bad_alloc();
  if (at_call > 0 && calls_ >= at_call && damage == Damage::nan_position && atoms.n_centres > 0) {
    std::vector<Vec3> positions(atoms.positions.begin(), atoms.positions.end());
    positions[0].y = std::numeric_limits<double>::quiet_NaN();
    LocalAtoms damaged = atoms;
    damaged.positions = positions;
    return inner_.evaluate(damaged, list, wanted, out);
  }
  inner_.evaluate(atoms, list, wanted, out);
  if (at_call > 0 && calls_ >= at_call && damage == Damage::not_finite && atoms.n_centres > 0) {
    out.fault = EvaluationFault::not_finite;
    out.fault_atom = atoms.ids[0];
  }
}

}  // namespace haven::testing
