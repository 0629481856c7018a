#include "md/replicas.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "core/rng.hpp"

namespace haven {
namespace {

/// What a group's first rank tells the world about a job; the message follows as text.
struct PackedReport {
  std::int64_t job = 0, status = 0, exit_code = 0, last_step = 0;
  std::int64_t message_length = 0;
};

void pack(std::vector<std::byte>& bytes, std::int64_t job, const JobReport& report) {
  const PackedReport head{job, static_cast<std::int64_t>(report.status), static_cast<std::int64_t>(report.exit_code),
                          report.last_step, static_cast<std::int64_t>(report.message.size())};
  const std::size_t at = bytes.size();
  bytes.resize(at + sizeof head + report.message.size());
  std::memcpy(bytes.data() + at, &head, sizeof head);
  std::memcpy(bytes.data() + at + sizeof head, report.message.data(), report.message.size());
}

void unpack(const std::vector<std::byte>& bytes, std::vector<JobReport>& reports) {
  for (std::size_t at = 0; at < bytes.size();) {
    PackedReport head;
    std::memcpy(&head, bytes.data() + at, sizeof head);
    at += sizeof head;
    JobReport& report = reports[static_cast<std::size_t>(head.job)];
    report.status = static_cast<JobStatus>(head.status);
    report.exit_code = static_cast<ExitCode>(head.exit_code);
    report.last_step = head.last_step;
    report.message.assign(reinterpret_cast<const char*>(bytes.data() + at),
                          static_cast<std::size_t>(head.message_length));
    at += static_cast<std::size_t>(head.message_length);
  }
}

JobReport run_one(Communicator& group, const ReplicaJob& job, const JobRunner& run) {
  JobReport report{.job = job, .message = {}};
  try {
    const RunOutcome outcome = run(group, job);
    report.status = outcome.status == RunStatus::finished ? JobStatus::finished : JobStatus::stopped;
    report.message = outcome.reason;
    report.last_step = outcome.last_step;
  } catch (const Error& error) {
    report.status = JobStatus::failed;
    report.exit_code = error.exit_code();
    report.message = error.what();
  }
  return report;
}

}  // namespace

std::vector<ReplicaJob> ladder_jobs(const LadderOptions& options) {
  std::vector<double> temperatures = options.temperatures;
  const auto require = [](bool condition, const std::string& what, const char* key, const std::string& remedy) {
    if (!condition) throw ConfigError(what, key, remedy);
  };
  require(!temperatures.empty(), "there is no temperature", "md.ladder.temperatures", "Give at least one, in K.");
  require(options.replicas >= 1, "there must be at least one replica", "md.replicas", "Use 1 or more.");
  if (options.order == LadderOrder::ascending) std::sort(temperatures.begin(), temperatures.end());
  if (options.order == LadderOrder::descending) std::sort(temperatures.rbegin(), temperatures.rend());
  std::vector<ReplicaJob> jobs;
  for (const double temperature : temperatures) {
    require(std::isfinite(temperature) && temperature > 0,
            fmt::format("the temperature {} is not positive", temperature), "md.ladder.temperatures",
            "Give temperatures in K.");
    require(std::count(temperatures.begin(), temperatures.end(), temperature) == 1,
            fmt::format("the temperature {} occurs twice", temperature), "md.ladder.temperatures",
            "Use md.replicas for several runs at one temperature.");
    const std::uint64_t at_temperature =
        derived_seed(options.seed, static_cast<std::uint32_t>(std::lround(1000 * temperature)));
    for (int replica = 0; replica < options.replicas; ++replica)
      jobs.push_back({temperature, replica, derived_seed(at_temperature, static_cast<std::uint32_t>(replica))});
  }
  return jobs;
}

std::vector<StageOptions> stages_at(std::vector<StageOptions> stages, double temperature) {
  for (StageOptions& stage : stages) {
    if (stage.temperature.start == stage.temperature.end) stage.temperature.start = temperature;
    stage.temperature.end = temperature;
  }
  return stages;
}

int choose_group_count(int ranks, int jobs) {
  HAVEN_ASSERT(ranks >= 1 && jobs >= 1);
  int best = 1;
  double shortest = std::numeric_limits<double>::infinity();
  for (int groups = 1; groups <= std::min(ranks, jobs); ++groups) {
    const int rounds = (jobs + groups - 1) / groups, smallest_group = ranks / groups;
    const double loss = 1 + 0.1 * std::log2(static_cast<double>(smallest_group));
    const double duration = rounds * loss / smallest_group;
    if (duration <= shortest) {
      shortest = duration;
      best = groups;
    }
  }
  return best;
}

std::vector<JobReport> run_jobs(Communicator& world, std::span<const ReplicaJob> jobs, const JobRunner& run,
                                int groups) {
  HAVEN_ASSERT(groups >= 0);
  std::vector<JobReport> reports;
  for (const ReplicaJob& job : jobs) reports.push_back({.job = job, .message = {}});
  if (jobs.empty()) return reports;
  const int n_jobs = static_cast<int>(jobs.size());
  const int n_groups =
      groups == 0 ? choose_group_count(world.size(), n_jobs) : std::min({groups, world.size(), n_jobs});
  const int mine = static_cast<int>(static_cast<std::int64_t>(world.rank()) * n_groups / world.size());
  const auto group = world.split(mine);
  std::vector<std::byte> told;
  for (int job = mine; job < n_jobs; job += n_groups) {
    const JobReport report = run_one(*group, jobs[static_cast<std::size_t>(job)], run);
    if (group->is_root()) pack(told, job, report);
    if (report.status == JobStatus::stopped) break;
  }
  world.barrier();  // groups finish at different times; this waits without burning a core
  for (const auto& bytes : world.all_gather(told)) unpack(bytes, reports);
  return reports;
}

ExitCode campaign_exit_code(std::span<const JobReport> reports) {
  ExitCode code = ExitCode::ok;
  bool stopped = false;
  for (const JobReport& report : reports) {
    if (report.status == JobStatus::failed) code = std::max(code, report.exit_code);
    stopped = stopped || report.status == JobStatus::stopped || report.status == JobStatus::not_started;
  }
  if (code != ExitCode::ok) return code;
  return stopped ? ExitCode::checkpointed : ExitCode::ok;
}

}  // namespace haven
