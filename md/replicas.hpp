#pragma once
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "core/communicator.hpp"
#include "core/error.hpp"
#include "md/simulation.hpp"

namespace haven {

/// One independent trajectory of a campaign.
struct ReplicaJob {
  double temperature = 0;  ///< K
  int replica = 0;         ///< 0-based, at this temperature
  std::uint64_t seed = 0;
};

enum class LadderOrder { as_given, descending, ascending };

struct LadderOptions {
  std::vector<double> temperatures;  ///< K
  int replicas = 1;                  ///< per temperature
  LadderOrder order = LadderOrder::descending;
  std::uint64_t seed = 1;
};

/// All jobs of a ladder in the order they are started. A job's seed depends on seed, temperature and replica alone, so
/// adding temperatures later leaves the others as they are. @throws ConfigError for no, repeated or non-positive
/// temperatures.
[[nodiscard]] std::vector<ReplicaJob> ladder_jobs(const LadderOptions& options);

/// Stages with every temperature replaced by `temperature` (a ramp's end is replaced, its start kept).
[[nodiscard]] std::vector<StageOptions> stages_at(std::vector<StageOptions> stages, double temperature);

/// Number of groups that finishes `jobs` equal jobs soonest on `ranks` ranks when each doubling of a group costs a
/// tenth of its efficiency. Between 1 and min(ranks, jobs).
[[nodiscard]] int choose_group_count(int ranks, int jobs);

enum class JobStatus { finished, stopped, failed, not_started };

struct JobReport {
  ReplicaJob job;
  JobStatus status = JobStatus::not_started;
  ExitCode exit_code = ExitCode::ok;  ///< of a failed job
  std::string message;                ///< error or reason of the stop
  std::int64_t last_step = 0;
};

/// Runs one job on the ranks of `group`; makes the sink and reads the checkpoint of the job itself. It throws on all
/// ranks of the group or on none: work of one rank that may fail, such as opening files, goes through an Agreement.
using JobRunner = std::function<RunOutcome(Communicator& group, const ReplicaJob& job)>;

/// Splits `world` into groups; group g runs jobs g, g + groups, ... in turn. A job that fails with an Error does not
/// touch the others. After a stop, remaining jobs are not started. The result, in order of `jobs`, is the same on every
/// rank.
/// @param groups  0 chooses the number of groups
[[nodiscard]] std::vector<JobReport> run_jobs(Communicator& world, std::span<const ReplicaJob> jobs,
                                              const JobRunner& run, int groups = 0);

/// Exit code of a whole campaign: the failure with the highest code, else `checkpointed` if a job stopped, else ok.
[[nodiscard]] ExitCode campaign_exit_code(std::span<const JobReport> reports);

}  // namespace haven
