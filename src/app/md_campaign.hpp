#pragma once
#include <array>
#include <map>
#include <string>
#include <vector>

#include "app/session.hpp"
#include "core/stop_request.hpp"
#include "md/replicas.hpp"
#include "potentials/potential.hpp"

namespace haven {

/// A finished run leaves this file: which inputs it belongs to and where it ended.
inline constexpr const char* job_mark_name = "run.json";

/// What evaluates the potential. cuda: a GPU for each rank, the ranks of a machine taking its GPUs in turn.
enum class Device { cpu, cuda };

/// Molecular dynamics of one structure with one model at several temperatures, several times each.
struct MdCampaign {
  std::string folder;                    ///< one sub-folder per run
  std::vector<std::string> model_paths;  ///< the first one moves the atoms; the others are compared with it
  std::string structure_path;
  std::array<std::int64_t, 3> supercell{1, 1, 1};
  Precision precision = Precision::mixed;
  Device device = Device::cpu;
  std::map<std::string, double> masses{};   ///< amu by element, instead of those of the model
  std::vector<std::string> frozen{};        ///< elements that do not move
  std::vector<std::string> frozen_atoms{};  ///< atoms of the structure file that do not move (AtomRange), every copy
  MdOptions options;                        ///< the ladder sets the temperature of each run
  LadderOptions ladder;
  int groups = 0;  ///< groups of ranks, 0: chosen
};

struct CampaignEnd {
  bool stopped = false;  ///< on request; the same call continues
  std::vector<JobReport> reports;
};

/// "T600/r0"
[[nodiscard]] std::string job_folder(const ReplicaJob& job);
/// Runs what is not finished yet, continuing from checkpoints. Earlier runs with other inputs are set aside, not
/// deleted; a run that only became longer is continued. Collective. @throws the error of the worst failed run after the
/// others have ended
[[nodiscard]] CampaignEnd run_campaign(Session& session, const MdCampaign& campaign, const StopRequest& stop);
/// Checks model, elements and structure and says what the campaign would do. Rank 0. @throws what the run would throw
/// at its start
[[nodiscard]] std::string describe_campaign(const MdCampaign& campaign, Log& log);

}  // namespace haven
