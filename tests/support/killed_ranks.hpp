#pragma once
#include <cstdint>
#include <string>

namespace haven::testing {

enum class Victims { one_rank, all_ranks };

/// Jobs of `haven md` on two to four ranks, each killed with SIGKILL at a random moment and continued by the next one,
/// on another number of ranks.
struct KillPlan {
  Victims victims = Victims::one_rank;
  int kills = 6;
  int kills_per_run = 10;  ///< then the run goes on to its end, and the next one begins
  std::uint64_t seed = 1;
};

/// What happened, for reports.
struct KillReport {
  int kills = 0;         ///< processes of a running job were killed
  int after_frames = 0;  ///< of these, in a job that had written frames
  int finished_runs = 0;
  int stuck_launchers = 0;  ///< mpirun did not end by itself though all ranks had
  double seconds = 0;
  [[nodiscard]] std::string text() const;
};

/// Carries the plan out. Expects of every kill that no rank lives on; that every file opens; that all frames
/// which a reader had seen before the kill, and all up to the last checkpoint, are there and are bit by bit those of a
/// run that was never killed; and at the end of a run that it is that run, frames and checkpoint.
/// Skips (an empty report) where there is no mpirun.
[[nodiscard]] KillReport kill_ranks(const KillPlan& plan);

}  // namespace haven::testing
