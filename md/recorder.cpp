#include "md/recorder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/species.hpp"

namespace haven {
namespace {

struct Record {
  AtomId id;
  Vec3 position, velocity;
};

std::string json_text(const std::string& text) {
  std::string escaped = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') escaped += '\\';
    if (static_cast<unsigned char>(c) < 0x20) {
      escaped += fmt::format("\\u{:04x}", static_cast<int>(c));
    } else {
      escaped += c;
    }
  }
  return escaped + '"';
}

std::string json_number(double value) { return std::isfinite(value) ? fmt::format("{}", value) : "null"; }

std::string cell_facts(const StageOptions& stage) {
  if (stage.ensemble == Ensemble::npt)
    return fmt::format(R"(,"pressure_GPa":{})", json_number(stage.barostat.pressure_gpa));
  return stage.mean_cell_of.empty() ? "" : fmt::format(R"(,"mean_cell_of":{})", json_text(stage.mean_cell_of));
}

/// What acts on the velocities; nothing at constant energy.
std::string thermostat_facts(const StageOptions& stage) {
  if (stage.ensemble == Ensemble::nve) return "";
  const char* name = stage.thermostat == Thermostat::bussi         ? "bussi"
                     : stage.thermostat == Thermostat::nose_hoover ? "nose-hoover"
                                                                   : "langevin";
  return fmt::format(R"(,"thermostat":"{}","tau_fs":{})", name, json_number(stage.tau_fs));
}

}  // namespace

void Recorder::begin_stage(const StageOptions& stage, std::int64_t first_step) {
  TrajectoryHeader header{.numbers = {},
                          .masses = {},
                          .ids = {},
                          .timestep_fs = setup_.timestep_fs,
                          .frame_interval = stage.trajectory_interval,
                          .target_temperature = stage.ensemble == Ensemble::nve ? 0 : stage.temperature.end,
                          .stage = stage.name,
                          .model_hash = setup_.input.model_hash,
                          .run_id = setup_.input.run_id,
                          .created_by = setup_.input.created_by};
  const AtomTable& table = setup_.table;
  slot_.assign(table.numbers.size(), -1);
  for (std::size_t id = 0; id < slot_.size(); ++id) {
    const auto& wanted = stage.stored_elements;
    if (!wanted.empty() && std::find(wanted.begin(), wanted.end(), table.numbers[id]) == wanted.end()) continue;
    slot_[id] = static_cast<Index>(header.ids.size());
    header.ids.push_back(static_cast<AtomId>(id));
    header.numbers.push_back(table.numbers[id]);
    header.masses.push_back(table.masses[id]);
  }
  n_stored_ = static_cast<Index>(header.ids.size());
  store_velocities_ = stage.store_velocities;
  on_sink([&](RunSink& sink) { sink.begin_stage(header, first_step); });
}

void Recorder::gather_atoms(const AtomStore& atoms, std::span<const Index> slot, std::vector<Vec3>& positions,
                            std::vector<Vec3>* velocities) {
  std::vector<Record> records;
  for (std::size_t i = 0; i < static_cast<std::size_t>(atoms.n_owned); ++i)
    if (slot.empty() || slot[static_cast<std::size_t>(atoms.ids[i])] >= 0)
      records.push_back({atoms.ids[i], atoms.positions[i], atoms.velocities[i]});
  const auto all = group_.gather(bytes_of(std::span<const Record>(records)));
  std::size_t received = 0;
  for (const auto& bytes : all)
    for (const Record& record : values_of<Record>(bytes)) {
      const auto id = static_cast<std::size_t>(record.id);
      const std::size_t at = slot.empty() ? id : static_cast<std::size_t>(slot[id]);
      positions[at] = record.position;
      if (velocities != nullptr) (*velocities)[at] = record.velocity;
      ++received;
    }
  if (group_.is_root()) HAVEN_ASSERT(received == positions.size());
}

void Recorder::frame(const Dynamics& dynamics) {
  TrajectoryFrame frame{.step = dynamics.step,
                        .time_fs = static_cast<double>(dynamics.step) * setup_.timestep_fs,
                        .cell = dynamics.cell,
                        .positions = {},
                        .velocities = {}};
  if (group_.is_root()) frame.positions.resize(static_cast<std::size_t>(n_stored_));
  if (group_.is_root() && store_velocities_) frame.velocities.resize(static_cast<std::size_t>(n_stored_));
  gather_atoms(dynamics.atoms, slot_, frame.positions, store_velocities_ ? &frame.velocities : nullptr);
  on_sink([&](RunSink& sink) { sink.frame(frame); });
}

void Recorder::candidate(const Dynamics& dynamics) {
  TrajectoryFrame frame{.step = dynamics.step,
                        .time_fs = static_cast<double>(dynamics.step) * setup_.timestep_fs,
                        .cell = dynamics.cell,
                        .positions = {},
                        .velocities = {}};
  if (group_.is_root()) frame.positions.resize(setup_.table.numbers.size());
  gather_atoms(dynamics.atoms, {}, frame.positions, nullptr);
  on_sink([&](RunSink& sink) { sink.candidate(frame, setup_.table.numbers); });
}

void Recorder::thermo(const ThermoRow& row) {
  on_sink([&](RunSink& sink) { sink.thermo(row); });
}

void Recorder::deviation(const DeviationRow& row) {
  on_sink([&](RunSink& sink) { sink.deviation(row); });
}

SimulationState Recorder::gather(const Dynamics& dynamics, const SimulationState& frame_of_state) {
  SimulationState state;
  if (group_.is_root()) {
    state = frame_of_state;
    state.cell = dynamics.cell;
    state.numbers = setup_.table.numbers;
    state.masses = setup_.table.masses;
    state.step = dynamics.step;
    state.positions.assign(setup_.table.numbers.size(), Vec3{});
    state.velocities.assign(setup_.table.numbers.size(), Vec3{});
  }
  gather_atoms(dynamics.atoms, {}, state.positions, &state.velocities);
  return state;
}

void Recorder::checkpoint(const SimulationState& state) {
  on_sink([&](RunSink& sink) { sink.checkpoint(state); });
}

void Recorder::live_transport(const LiveTransport& transport) {
  on_sink([&](RunSink& sink) { sink.live_transport(transport); });
}

void Recorder::event(const std::string& json_line) {
  on_sink([&](RunSink& sink) { sink.event(json_line); });
}

std::string stage_event(const StageOptions& stage, int index, std::int64_t step) {
  return fmt::format(R"({{"event":"stage","step":{},"index":{},"name":{},"ensemble":"{}",)"
                     R"("temperature_start_K":{},"temperature_end_K":{}{}{}}})",
                     step, index, json_text(stage.name), name_of(stage.ensemble), json_number(stage.temperature.start),
                     json_number(stage.temperature.end), thermostat_facts(stage), cell_facts(stage));
}

std::string cell_event(const std::string& stage, const MeanCellResult& mean, std::int64_t step) {
  const auto triple = [](const Vec3& v) {
    return fmt::format("[{},{},{}]", json_number(v.x), json_number(v.y), json_number(v.z));
  };
  return fmt::format(R"({{"event":"cell","step":{},"stage":{},"volume_A3":{},"volume_error_A3":{},"lengths_A":{},)"
                     R"("lengths_error_A":{},"angles_deg":{},"angles_error_deg":{},"vectors_A":[{},{},{}],)"
                     R"("trend_sigma":{}}})",
                     step, json_text(stage), json_number(mean.volume), json_number(mean.volume_error),
                     triple(mean.parameters.lengths), triple(mean.errors.lengths), triple(mean.parameters.angles),
                     triple(mean.errors.angles), triple(mean.vectors[0]), triple(mean.vectors[1]),
                     triple(mean.vectors[2]), json_number(mean.trend));
}

std::string drift_event(const std::string& stage, const DriftFit& drift, std::int64_t step) {
  return fmt::format(R"({{"event":"drift","step":{},"stage":{},"drift_eV_per_atom_ns":{},"error_eV_per_atom_ns":{}}})",
                     step, json_text(stage), json_number(drift.slope()), json_number(drift.slope_error()));
}

std::string finding_event(const char* event, const Finding& finding, const AtomTable& table, std::int64_t step) {
  std::string line =
      fmt::format(R"({{"event":"{}","guard":"{}","step":{},"value":{},"limit":{},"text":{})", event, finding.guard,
                  step, json_number(finding.value), json_number(finding.limit), json_text(finding.text));
  if (finding.atom >= 0)
    line +=
        fmt::format(R"(,"atom":{},"element":"{}","position_A":[{},{},{}])", finding.atom,
                    element_symbol(table.numbers[static_cast<std::size_t>(finding.atom)]),
                    json_number(finding.position.x), json_number(finding.position.y), json_number(finding.position.z));
  return line + finding.members + "}";
}

std::string finding_members(const Finding& finding) {
  if (!finding.members.empty() || finding.atom < 0) return finding.members;
  return fmt::format(R"(,"atom":{},"value":{})", finding.atom, json_number(finding.value));
}

std::string candidate_event(const std::string& reason, const std::string& members, std::int64_t step) {
  return fmt::format(R"({{"event":"candidate","step":{},"reason":{}{}}})", step, json_text(reason), members);
}

std::string plain_event(const char* event, const std::string& text, std::int64_t step) {
  return fmt::format(R"({{"event":"{}","step":{},"text":{}}})", event, step, json_text(text));
}

}  // namespace haven
