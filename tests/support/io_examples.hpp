#pragma once
#include <cmath>
#include <string>

#include "core/rng.hpp"
#include "md/sinks.hpp"
#include "md/state.hpp"
#include "potentials/model.hpp"

/// Contents for tests of files: small, complete, and pure functions of their arguments.
namespace haven::testing {

inline std::vector<double> random_list(std::uint64_t seed, std::size_t count) {
  RandomSequence random(seed, Stream::test, 1);
  std::vector<double> values(count);
  for (double& value : values) value = random.normal();
  return values;
}

inline std::vector<Vec3> random_vectors(std::uint64_t seed, std::size_t count) {
  const std::vector<double> values = random_list(seed, 3 * count);
  std::vector<Vec3> result(count);
  for (std::size_t i = 0; i < count; ++i) result[i] = {values[3 * i], values[3 * i + 1], values[3 * i + 2]};
  return result;
}

inline Model example_model() {
  Model model;
  model.kind = "moment";
  model.cutoff = 5.5;
  model.minimum_distance = 1.7;
  model.repulsion = "zbl";
  for (const int number : {3, 16, 15}) {
    const auto seed = static_cast<std::uint64_t>(number);
    ModelElement element;
    element.number = number;
    element.mass = 2.0 * number + 0.1;
    element.reference_energy = -0.3 * number;
    element.feature_shift = random_list(seed, 4);
    element.feature_scale = random_list(seed + 1, 4);
    if (number != 15) element.feature_min = random_list(seed + 2, 4);
    if (number != 15) element.feature_max = random_list(seed + 3, 4);
    element.network.layers.push_back({4, 3, Activation::tanh, random_list(seed + 4, 12), random_list(seed + 5, 3)});
    element.network.layers.push_back({3, 1, Activation::identity, random_list(seed + 6, 3), random_list(seed + 7, 1)});
    model.elements.push_back(element);
  }
  model.parameters["channels"] = {{}, {16}};
  model.parameters["mixing_0"] = {{2, 3}, random_list(8, 6)};
  model.parameters["empty"] = {{0}, {}};
  model.provenance["training_config"] = "seed = 1\n[model]\ntype = \"moment\"\n";
  model.provenance["licence"] = "";
  return model;
}

inline SimulationState example_state(std::int64_t step, std::size_t atoms = 20) {
  SimulationState state;
  const double length = 10.0 + 1e-3 * static_cast<double>(step);
  state.cell = Cell({{{{length, 0, 0}, {0.1, length, 0}, {0.3, -0.2, length}}}});
  const auto seed = static_cast<std::uint64_t>(step);
  for (std::size_t i = 0; i < atoms; ++i) state.numbers.push_back(i % 2 == 0 ? 3 : 16);
  for (std::size_t i = 0; i < atoms; ++i) state.masses.push_back(i % 2 == 0 ? 6.94 : 32.06);
  state.positions = random_vectors(seed, atoms);
  state.velocities = random_vectors(seed + 1000, atoms);
  state.step = step;
  state.seed = 0xfedcba9876543210ULL;
  state.stage = 1;
  state.stage_first_step = step / 2;
  state.variables["csvr.exchanged_energy"] = {0.1 * static_cast<double>(step)};
  state.variables["cell/sum"] = random_list(seed, 9);
  state.variables["empty"] = {};
  state.model_hash = std::string(64, 'a');
  state.input_hash = std::string(64, 'b');
  return state;
}

inline bool same(const SimulationState& a, const SimulationState& b) {
  return a.cell == b.cell && a.numbers == b.numbers && a.masses == b.masses && a.positions == b.positions &&
         a.velocities == b.velocities && a.step == b.step && a.seed == b.seed && a.stage == b.stage &&
         a.stage_first_step == b.stage_first_step && a.variables == b.variables && a.model_hash == b.model_hash &&
         a.input_hash == b.input_hash;
}

inline TrajectoryHeader example_header(const std::string& stage = "prod", std::size_t atoms = 20) {
  const SimulationState state = example_state(0, atoms);
  TrajectoryHeader header;
  header.numbers = state.numbers;
  header.masses = state.masses;
  for (std::size_t i = 0; i < atoms; ++i) header.ids.push_back(static_cast<AtomId>(2 * i));
  header.timestep_fs = 2.0;
  header.frame_interval = 5;
  header.target_temperature = 600;
  header.stage = stage;
  header.model_hash = std::string(64, 'a');
  header.run_id = "run 1";
  header.created_by = "haven 0.1";
  return header;
}

inline TrajectoryFrame example_frame(std::int64_t step, std::size_t atoms = 20) {
  const SimulationState state = example_state(step, atoms);
  return {.step = step,
          .time_fs = 2.0 * static_cast<double>(step),
          .cell = state.cell,
          .positions = state.positions,
          .velocities = {}};
}

inline bool same(const TrajectoryFrame& a, const TrajectoryFrame& b) {
  return a.step == b.step && a.time_fs == b.time_fs && a.cell == b.cell && a.positions == b.positions &&
         a.velocities == b.velocities;
}

/// Steps first < step <= last of a run with a row every step, a frame every 5 and a checkpoint every 20. `after` hears
/// of each call that returned.
template <class After>
void run_steps(RunSink& run, std::int64_t first, std::int64_t last, After after) {
  for (std::int64_t step = first + 1; step <= last; ++step) {
    const double x = static_cast<double>(step);
    run.thermo({.step = step,
                .time_fs = 2 * x,
                .temperature = 600.1 + x / 3,
                .kinetic = 0.1 * x,
                .potential = -x / 7,
                .conserved = 1.0 / 3,
                .pressure_gpa = 0.2,
                .volume = 1000,
                .max_force = 1.5,
                .extrapolating = 0});
    if (step % 5 == 0) {
      run.frame(example_frame(step));
      after('F', step);
    }
    if (step % 20 == 0) {
      run.checkpoint(example_state(step));
      after('C', step);
    }
  }
}

}  // namespace haven::testing
