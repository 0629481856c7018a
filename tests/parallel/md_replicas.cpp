#include <gtest/gtest.h>

#include <map>

#include "core/error.hpp"
#include "md/replicas.hpp"
#include "parallel/md_world.hpp"
#include "support/md_fixtures.hpp"

namespace haven::testing {
namespace {

const LadderOptions ladder{.temperatures = {60, 80, 100}, .replicas = 2, .seed = 7};

MdOptions options_of(const ReplicaJob& job) {
  MdOptions options = options_for(stages_at({nvt_stage(300, 50, 60)}, job.temperature));
  options.seed = job.seed;
  return options;
}

}  // namespace

TEST(Replicas, ResultsDoNotDependOnHowTheWorldIsSplit) {
  const auto potential = argon();
  const auto jobs = ladder_jobs(ladder);
  ASSERT_EQ(jobs.size(), 6u);
  std::vector<std::string> serial;
  for (const ReplicaJob& job : jobs)
    serial.push_back(
        exact_text(run({.potential = *potential, .input = input_for(triclinic_argon(2)), .options = options_of(job)})
                       ->outcome.final_state));
  for (const int groups : {0, 1, 2, 3, 100}) {
    std::map<std::uint64_t, std::string> made;  // by the groups' first ranks
    const auto reports = run_jobs(
        world(), jobs,
        [&](Communicator& group, const ReplicaJob& job) {
          const auto result = run_on(
              group, {.potential = *potential, .input = input_for(triclinic_argon(2)), .options = options_of(job)});
          if (group.is_root()) made[job.seed] = exact_text(result->outcome.final_state);
          return std::move(result->outcome);
        },
        groups);
    std::int64_t made_anywhere = sum_over_ranks(world(), static_cast<std::int64_t>(made.size()));
    EXPECT_EQ(made_anywhere, 6);
    for (std::size_t k = 0; k < jobs.size(); ++k) {
      EXPECT_EQ(reports[k].status, JobStatus::finished) << reports[k].message;
      EXPECT_EQ(reports[k].last_step, 30);
      if (const auto found = made.find(jobs[k].seed); found != made.end()) {
        EXPECT_EQ(found->second, serial[k]);
      }
    }
    EXPECT_EQ(campaign_exit_code(reports), ExitCode::ok);
  }
}

TEST(Replicas, AFailedJobLeavesTheOthersAlone) {
  const auto potential = argon();
  const auto jobs = ladder_jobs(ladder);
  const auto reports = run_jobs(world(), jobs, [&](Communicator& group, const ReplicaJob& job) {
    MdOptions options = options_of(job);
    if (job.temperature == 80 && job.replica == 1) options.guards.max_force = 1e-6;
    return std::move(
        run_on(group, {.potential = *potential, .input = input_for(triclinic_argon(2)), .options = options})->outcome);
  });
  for (const JobReport& report : reports) {
    const bool bad = report.job.temperature == 80 && report.job.replica == 1;
    EXPECT_EQ(report.status, bad ? JobStatus::failed : JobStatus::finished);
    if (bad) {
      EXPECT_NE(report.message.find("exceeds the limit"), std::string::npos) << report.message;
    }
  }
  EXPECT_EQ(campaign_exit_code(reports), ExitCode::guard);
}

}  // namespace haven::testing
