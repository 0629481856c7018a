#include <fmt/format.h>
#include <omp.h>

#include <algorithm>
#include <ctime>
#include <fstream>
#include <nlohmann/json.hpp>
#include <numeric>

#include "app/bench_model.hpp"
#include "app/commands.hpp"
#include "app/options.hpp"
#include "core/error.hpp"
#include "core/stop_request.hpp"
#include "io/model_file.hpp"
#include "md/simulation.hpp"
#include "potentials/descriptor.hpp"
#include "potentials/program/compile.hpp"
#include "potentials/program/drivers/cpu_peak.hpp"
#include "potentials/program/operations.hpp"
#include "potentials/registry.hpp"
#include "potentials/structure_evaluation.hpp"

namespace haven {
namespace {

constexpr double skin = 1.0;  // A, that of molecular dynamics

struct Spread {
  double least = 0, median = 0;  ///< us per atom
};

/// Processor time since some moment, us: other work on the machine is not counted, as far as it can be told apart.
double processor_us() { return static_cast<double>(std::clock()) * 1e6 / CLOCKS_PER_SEC; }

Spread spread_of(std::vector<double> times) {
  HAVEN_ASSERT(!times.empty());
  std::sort(times.begin(), times.end());
  return {times.front(), times[times.size() / 2]};
}

/// Least and median time of one call of `work` over `repeats` calls.
template <class Work>
Spread time_of(int repeats, Index atoms, const Work& work) {
  std::vector<double> times;
  for (int k = 0; k < repeats; ++k) {
    const double begin = processor_us();
    work();
    times.push_back((processor_us() - begin) / static_cast<double>(atoms));
  }
  return spread_of(std::move(times));
}

/// Takes the output of a run and keeps of it when its rows came: blocks of steps lie between them.
class BlockTimes final : public RunSink {
 public:
  void begin_stage(const TrajectoryHeader&, std::int64_t) override {}
  void frame(const TrajectoryFrame&) override {}
  void thermo(const ThermoRow& row) override {
    steps_.push_back(row.step);
    times_.push_back(processor_us());
  }
  void checkpoint(const SimulationState&) override {}
  void event(const std::string&) override {}

  /// us per step of every block that begins at step `first` or later.
  [[nodiscard]] std::vector<double> per_step(std::int64_t first) const {
    std::vector<double> blocks;
    for (std::size_t k = 1; k < steps_.size(); ++k)
      if (steps_[k - 1] >= first && steps_[k] > steps_[k - 1])
        blocks.push_back((times_[k] - times_[k - 1]) / static_cast<double>(steps_[k] - steps_[k - 1]));
    return blocks;
  }

 private:
  std::vector<std::int64_t> steps_;
  std::vector<double> times_;
};

std::string processor_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  return "unknown processor";
}

struct Measurement {
  std::string potential, precision;
  Index atoms = 0;
  double neighbours = 0, triplets = 0, kiloflop = 0;  ///< per atom
  double peak = 0;                                    ///< operations per second of this core
  Spread forces, list, step;
  double list_builds = 0;  ///< per step, on average
  [[nodiscard]] double list_share() const { return list_builds * list.median / step.median; }
  [[nodiscard]] double share() const { return kiloflop * 1e9 / forces.least / peak; }
};

/// Timed blocks of steps; one more goes before them.
constexpr std::int64_t blocks = 5;

/// Steps of molecular dynamics at constant energy from 300 K, everything included but the first list build, the first
/// evaluation and a block to warm up.
void time_steps(const Potential& potential, const Model& model, const Structure& structure,
                const BenchArguments& arguments, Measurement& out) {
  const auto serial = make_serial_communicator();
  const StopRequest stop;
  BlockTimes sink;
  const std::int64_t block_steps = (arguments.steps + blocks - 1) / blocks;
  const std::int64_t all_steps = (blocks + 1) * block_steps;
  Log quiet;
  MdInput input;
  input.structure = structure;
  for (const int number : structure.numbers)
    for (const ModelElement& element : model.elements)
      if (element.number == number) input.masses.push_back(element.mass);
  MdOptions options;
  options.skin = skin;
  options.guards.max_force = options.guards.max_temperature_factor = options.guards.energy_drift = 0;
  options.thermo_interval = block_steps;
  options.stages = {{.name = "bench",
                     .ensemble = Ensemble::nve,
                     .temperature = {},
                     .duration_fs = static_cast<double>(all_steps) * options.timestep_fs}};
  const RunOutcome outcome = run_md(potential, input, options, std::nullopt, {*serial, &sink, stop, quiet});
  const Spread step = spread_of(sink.per_step(block_steps));
  const auto n = static_cast<double>(structure.size());
  out.step = {step.least / n, step.median / n};
  out.list_builds = static_cast<double>(outcome.rebuilds - 1) / static_cast<double>(all_steps);
}

Measurement measure(const Model& model, const Structure& structure, const BenchArguments& arguments) {
  const Precision precision = precision_of(arguments.precision);
  const auto potential = make_potential(model, precision);
  const auto n = static_cast<std::size_t>(structure.size());
  const std::vector<int> species = species_indices(structure.numbers, potential->requirements().elements);
  std::vector<AtomId> ids(n);
  std::iota(ids.begin(), ids.end(), AtomId{0});
  const LocalAtoms atoms{
      .positions = structure.positions, .ids = ids, .species = species, .n_centres = structure.size()};
  NeighbourList list;
  Measurement out;
  out.potential = potential->description();
  out.precision = arguments.precision;
  out.atoms = structure.size();
  out.list = time_of(arguments.repeats, out.atoms,
                     [&] { list.build(structure.cell, atoms, potential->requirements().cutoff + skin); });
  std::vector<FixedVec3> forces(n);
  out.peak = measured_peak(precision);
  out.forces = time_of(arguments.repeats, out.atoms, [&] {
    std::fill(forces.begin(), forces.end(), FixedVec3{});
    Evaluation evaluation{.forces = forces,
                          .energy = {},
                          .virial = {},
                          .atom_energies = {},
                          .atom_virials = {},
                          .fault = EvaluationFault::none,
                          .fault_atom = -1,
                          .extrapolating = 0};
    potential->evaluate(atoms, list.view(), Wanted::forces, evaluation);
  });
  out.peak = std::max(out.peak, measured_peak(precision));
  constexpr double coarse_tables = 1e-3;  // only sizes are counted
  const OperationCount count = count_operations(compile(describe(model), model, coarse_tables), atoms, list.view());
  const auto per_atom = 1.0 / static_cast<double>(out.atoms);
  out.neighbours = count.neighbours * per_atom;
  out.triplets = count.triplets * per_atom;
  out.kiloflop = count.total * per_atom * 1e-3;
  time_steps(*potential, model, structure, arguments, out);
  return out;
}

std::string text_of(const Measurement& m) {
  const auto row = [](const char* what, const Spread& s) {
    return fmt::format("  {:<22}{:8.3f} {:8.3f}\n", what, s.least, s.median);
  };
  return fmt::format(
             "{}\n  {}, one core; {} atoms, {:.1f} neighbours, {:.0f} triplets\n"
             "  processor time, us/atom    least   median\n",
             m.potential, processor_name(), m.atoms, m.neighbours, m.triplets) +
         row("forces", m.forces) + row("list build", m.list) + row("MD step", m.step) +
         fmt::format("  {:.3f} list builds per step: {:.1f} % of its time\n", m.list_builds, 100 * m.list_share()) +
         fmt::format("  {:.1f} kFLOP per atom: {:.1f} GFLOP/s, {:.0f} % of the {:.0f} GFLOP/s this core shows\n",
                     m.kiloflop, m.kiloflop * 1e3 / m.forces.least * 1e-3, 100 * m.share(), m.peak * 1e-9);
}

nlohmann::ordered_json json_of(const Measurement& m) {
  const auto spread = [](const Spread& s) {
    return nlohmann::ordered_json{{"min_us_per_atom", s.least}, {"median_us_per_atom", s.median}};
  };
  return {{"us_per_atom_step", m.step.median},
          {"atom_steps_per_s", 1e6 / m.step.median},
          {"ranks", 1},
          {"threads", 1},
          {"device", "cpu"},
          {"precision", m.precision},
          {"n_atoms", m.atoms},
          {"neighbors_per_atom", m.neighbours},
          {"list_build_share", m.list_share()},
          {"potential", m.potential},
          {"processor", processor_name()},
          {"triplets_per_atom", m.triplets},
          {"forces", spread(m.forces)},
          {"list_build", spread(m.list)},
          {"md_step", spread(m.step)},
          {"list_builds_per_step", m.list_builds},
          {"kflop_per_atom", m.kiloflop},
          {"gflops", m.kiloflop / m.forces.least},
          {"peak_gflops", m.peak * 1e-9},
          {"share_of_peak", m.share()}};
}

}  // namespace

ExitCode bench(Session& session, const BenchArguments& arguments) {
  if (arguments.model.empty() == arguments.preset.empty())
    throw ConfigError("needs a model file or a preset, not both", "haven bench",
                      "For example: haven bench model.haven POSCAR, or haven bench --preset moment-c8-l4.");
  on_root(session.world, [&] {
    const int threads = omp_get_max_threads();
    omp_set_num_threads(1);
    const Model model =
        arguments.preset.empty() ? read_model(arguments.model, &session.log) : bench_model(arguments.preset);
    const Structure structure = arguments.structure.empty()
                                    ? bench_structure(model, arguments.atoms)
                                    : simulated_structure(arguments.structure, arguments.supercell);
    const Measurement result = measure(model, structure, arguments);
    omp_set_num_threads(threads);
    if (arguments.json != "-") fmt::print("{}", text_of(result));
    write_json(arguments.json, json_of(result).dump(2));
  });
  return ExitCode::ok;
}

}  // namespace haven
