#pragma once
#include <string>
#include <vector>

#include "core/communicator.hpp"
#include "md/agreement.hpp"
#include "md/dynamics.hpp"
#include "md/mean_cell.hpp"
#include "md/options.hpp"
#include "md/sinks.hpp"
#include "md/watchdog.hpp"

namespace haven {

/// Gathers what the sink wants on rank 0 and hands it over. An error of the sink fails the Agreement, nothing more is
/// written then, and the caller settles. Collective where it says so.
class Recorder {
 public:
  struct Setup {
    const AtomTable& table;
    const MdInput& input;  ///< complete on rank 0
    double timestep_fs = 1;
    RunSink* sink = nullptr;  ///< null except on rank 0
  };
  Recorder(Communicator& group, Agreement& agreement, const Setup& setup)
      : group_(group), agreement_(agreement), setup_(setup) {}

  void begin_stage(const StageOptions& stage, std::int64_t first_step);
  /// Collective. Stores a frame of the present stage.
  void frame(const Dynamics& dynamics);
  /// Collective. Hands over all atoms as they are, for labelling.
  void candidate(const Dynamics& dynamics);
  void thermo(const ThermoRow& row);
  void deviation(const DeviationRow& row);
  /// Collective. `frame_of_state` carries everything but cell, step and the atoms' arrays; rank 0 gets the complete
  /// state back.
  [[nodiscard]] SimulationState gather(const Dynamics& dynamics, const SimulationState& frame_of_state);
  void checkpoint(const SimulationState& state);
  void live_transport(const LiveTransport& transport);
  void event(const std::string& json_line);

 private:
  template <class Work>
  void on_sink(const Work& work) {
    if (setup_.sink != nullptr && group_.is_root()) agreement_.attempt([&] { work(*setup_.sink); });
  }
  void gather_atoms(const AtomStore& atoms, std::span<const Index> slot, std::vector<Vec3>& positions,
                    std::vector<Vec3>* velocities);

  Communicator& group_;
  Agreement& agreement_;
  Setup setup_;
  std::vector<Index> slot_;  // by id: place in this stage's frames, -1 when not stored
  Index n_stored_ = 0;
  bool store_velocities_ = false;
};

/// Lines of events.jsonl.
[[nodiscard]] std::string stage_event(const StageOptions& stage, int index, std::int64_t step);
[[nodiscard]] std::string cell_event(const std::string& stage, const MeanCellResult& mean, std::int64_t step);
[[nodiscard]] std::string drift_event(const std::string& stage, const DriftFit& drift, std::int64_t step);
[[nodiscard]] std::string finding_event(const char* event, const Finding& finding, const AtomTable& table,
                                        std::int64_t step);
/// What a candidate's event says about the finding: the atoms outside, or the atom to blame with the value.
[[nodiscard]] std::string finding_members(const Finding& finding);
[[nodiscard]] std::string candidate_event(const std::string& reason, const std::string& members, std::int64_t step);
[[nodiscard]] std::string plain_event(const char* event, const std::string& text, std::int64_t step);

}  // namespace haven
