#include "md/setup.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "core/species.hpp"
#include "core/units.hpp"
#include "md/velocities.hpp"

namespace haven {
namespace {

template <class T>
void share(Communicator& group, std::vector<T>& values) {
  const auto view = bytes_of(std::span<const T>(values));
  std::vector<std::byte> bytes(view.begin(), view.end());
  group.broadcast(bytes);
  if (!group.is_root()) values = values_of<T>(bytes);
}

template <class T>
void share_value(Communicator& group, T& value) {
  static_assert(std::is_trivially_copyable_v<T>);
  std::vector<std::byte> bytes(sizeof(T));
  std::memcpy(bytes.data(), &value, sizeof(T));
  group.broadcast(bytes);
  std::memcpy(&value, bytes.data(), sizeof(T));
}

void share_cell(Communicator& group, Cell& cell) {
  Mat3 vectors = cell.vectors();
  std::array<bool, 3> periodic = cell.periodic();
  share_value(group, vectors);
  share_value(group, periodic);
  if (!group.is_root()) cell = Cell(vectors, periodic);
}

void share_input(Communicator& group, MdInput& input) {
  share_cell(group, input.structure.cell);
  share(group, input.structure.numbers);
  share(group, input.structure.positions);
  share(group, input.masses);
  share(group, input.frozen);
}

void share_state(Communicator& group, SimulationState& state) {
  share_cell(group, state.cell);
  share(group, state.positions);
  share(group, state.velocities);
  share_value(group, state.step);
  share_value(group, state.seed);
  share_value(group, state.stage);
  share_value(group, state.stage_first_step);
  std::vector<std::pair<std::string, std::vector<double>>> entries(state.variables.begin(), state.variables.end());
  auto count = static_cast<std::int64_t>(entries.size());
  share_value(group, count);
  entries.resize(static_cast<std::size_t>(count));
  for (auto& [name, values] : entries) {
    broadcast(group, name);
    share(group, values);
  }
  state.variables = {entries.begin(), entries.end()};
}

std::string element_list(std::span<const int> numbers) {
  std::string text;
  for (const int number : numbers) text += fmt::format("{}{}", text.empty() ? "" : ", ", element_symbol(number));
  return text;
}

AtomTable make_table(const MdInput& input, const Requirements& requirements) {
  const auto& elements = requirements.elements;
  AtomTable table{.numbers = input.structure.numbers,
                  .species = {},
                  .masses = input.masses,
                  .acceleration = {},
                  .reference = input.structure.positions,
                  .reference_cell = input.structure.cell};
  for (std::size_t id = 0; id < table.numbers.size(); ++id) {
    const auto found = std::find(elements.begin(), elements.end(), table.numbers[id]);
    if (found == elements.end())
      throw ModelError(fmt::format("the model was not trained for {} (atom {}); it knows {}",
                                   element_symbol(table.numbers[id]), id, element_list(elements)),
                       "structure", "Use a model trained with this element, or correct the structure.");
    table.species.push_back(static_cast<int>(found - elements.begin()));
    table.acceleration.push_back(units::force_to_acceleration / table.masses[id]);
  }
  for (const AtomId id : input.frozen) table.acceleration[static_cast<std::size_t>(id)] = 0;
  table.frozen = std::count(table.acceleration.begin(), table.acceleration.end(), 0.0);
  return table;
}

/// A barostat needs a cell that can be scaled along every axis, with all atoms in it.
void check_pressure_control(const MdInput& input, const MdOptions& options) {
  const auto at_constant_pressure = [](const StageOptions& stage) { return stage.ensemble == Ensemble::npt; };
  if (std::none_of(options.stages.begin(), options.stages.end(), at_constant_pressure)) return;
  const auto& periodic = input.structure.cell.periodic();
  if (!std::all_of(periodic.begin(), periodic.end(), [](bool along) { return along; }))
    throw InputError("constant pressure needs a cell that is periodic along all three axes", "structure",
                     "Use ensemble nvt or nve for slabs and molecules.");
  const auto has_inertia = [&](const StageOptions& stage) {
    return at_constant_pressure(stage) && stage.barostat.type == Barostat::martyna_tobias_klein;
  };
  if (input.structure.size() < 2 && std::any_of(options.stages.begin(), options.stages.end(), has_inertia))
    throw InputError("the barostat \"mtk\" needs at least two atoms", "structure",
                     "Repeat the cell, or use the barostat \"rescaling\".");
  if (!input.frozen.empty())
    throw InputError("constant pressure contradicts frozen atoms, which a changing cell would move", "structure",
                     "Use ensemble nvt or nve, or freeze no atoms.");
}

void check_restart(const SimulationState& state, const MdInput& input, const MdOptions& options) {
  const auto refuse = [](const std::string& what, const std::string& remedy) {
    throw InputError(what, "checkpoint", remedy);
  };
  const std::string anew = "Use the checkpoint's own input, or choose another output folder to start anew.";
  if (state.model_hash != input.model_hash)
    refuse(fmt::format("it belongs to model {:.16}, the run uses {:.16}", state.model_hash, input.model_hash),
           "Use the same model file, or start anew in another folder.");
  if (state.numbers.size() != input.structure.numbers.size())
    refuse(fmt::format("it has {} atoms, the structure {}", state.numbers.size(), input.structure.numbers.size()),
           anew);
  if (state.numbers != input.structure.numbers) refuse("its elements differ from the structure's", anew);
  if (state.masses != input.masses) refuse("its masses differ from the input's", anew);
  if (state.seed != options.seed)
    refuse(fmt::format("it was made with seed {}, the run has {}", state.seed, options.seed), anew);
  if (state.input_hash != input.input_hash)
    refuse(fmt::format("structure, timestep, stages or seed have changed since (input hash {:.16}, now {:.16})",
                       state.input_hash, input.input_hash),
           anew);
  const std::size_t n = state.numbers.size();
  if (state.positions.size() != n || state.velocities.size() != n)
    refuse("positions or velocities are incomplete", anew);
  for (std::size_t i = 0; i < n; ++i)
    if (!is_finite(state.positions[i]) || !is_finite(state.velocities[i]))
      refuse(fmt::format("atom {} has a position or velocity that is not a finite number", i), anew);
  if (state.stage < 0 || state.stage >= static_cast<int>(options.stages.size()) ||
      state.step < state.stage_first_step || state.stage_first_step < 0)
    refuse(fmt::format("it is at step {} of stage {}, which the run does not have", state.step, state.stage), anew);
}

SimulationState initial_state(const MdInput& input, const MdOptions& options, const AtomTable& table,
                              Vec3& removed_drift) {
  SimulationState state{.cell = input.structure.cell,
                        .numbers = input.structure.numbers,
                        .masses = input.masses,
                        .positions = input.structure.positions,
                        .velocities = input.structure.velocities,
                        .seed = options.seed,
                        .variables = {},
                        .model_hash = input.model_hash,
                        .input_hash = input.input_hash};
  if (options.initial_velocities == InitialVelocities::thermal) {
    state.velocities = thermal_velocities(table, options.stages.front().temperature.start, options.seed);
    return state;
  }
  if (state.velocities.empty())
    throw InputError("it has no velocities to start from", "structure",
                     "Let Haven draw them: initial velocities \"thermal\".");
  for (const AtomId id : input.frozen) state.velocities[static_cast<std::size_t>(id)] = Vec3{};
  removed_drift = remove_drift(table, state.velocities);
  return state;
}

}  // namespace

void PreparedRun::forget_atoms() {
  input.structure = {};
  input.masses = {};
  state.numbers = {};
  state.masses = {};
  state.positions = {};
  state.velocities = {};
}

PreparedRun prepare_run(const Potential& potential, const MdInput& input, const MdOptions& options,
                        const std::optional<SimulationState>& restart, Communicator& group, Agreement& agreement) {
  PreparedRun run;
  agreement.attempt([&] {
    validate(options);
    if (!group.is_root()) return;
    validate(input);
    run.input = input;
    run.table = make_table(input, potential.requirements());
    run.is_restart = restart.has_value();
    check_pressure_control(input, options);
    if (restart) check_restart(*restart, input, options);
    run.state = restart ? *restart : initial_state(input, options, run.table, run.removed_drift);
    run.host = find_host(input.structure.cell, run.table, options.guards.mobile_elements);
  });
  agreement.settle();
  share_input(group, run.input);
  share_state(group, run.state);
  share_value(group, run.is_restart);
  share(group, run.host.flags);
  share_value(group, run.host.spacing);
  agreement.attempt([&] {
    if (!group.is_root()) run.table = make_table(run.input, potential.requirements());
  });
  agreement.settle();
  return run;
}

}  // namespace haven
