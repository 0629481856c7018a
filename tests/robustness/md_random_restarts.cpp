#include <gtest/gtest.h>

#include <csignal>
#include <set>

#include "core/rng.hpp"
#include "io/checkpoint.hpp"
#include "io/run_files.hpp"
#include "io/trajectory.hpp"
#include "support/file_bytes.hpp"
#include "support/md_fixtures.hpp"
#include "support/shared_data.hpp"
#include "support/unsynced_file_system.hpp"

namespace haven::testing {
namespace {

/// Sends SIGTERM to its own process after the first frame from `at_step` on.
class Interrupting final : public RunFiles {
 public:
  Interrupting(FileSystem& files, RunLock lock, std::optional<std::int64_t> resume_step, std::int64_t at_step)
      : RunFiles(files, std::move(lock), resume_step), at_step_(at_step) {}
  void frame(const TrajectoryFrame& frame) override {
    RunFiles::frame(frame);
    if (frame.step >= at_step_) std::raise(SIGTERM);
  }

 private:
  std::int64_t at_step_;
};

constexpr std::int64_t never = 1000000;

/// A ramp, constant pressure in a cell of any shape, then production in the mean cell: 300 steps.
MdOptions three_stages() {
  StageOptions ramp = nvt_stage(80, 50, 200),
               equilibrate = npt_stage(80,
                                       {.type = Barostat::martyna_tobias_klein,
                                        .pressure_gpa = 0.1,
                                        .shape = CellShape::triclinic,
                                        .tau_fs = 500},
                                       200),
               produce = nve_stage(80, 200);
  ramp.name = "ramp";
  ramp.temperature = {80, 120};
  equilibrate.name = "equilibrate";
  produce.name = "produce";
  produce.mean_cell_of = "equilibrate";
  produce.store_velocities = true;
  for (StageOptions* stage : {&ramp, &equilibrate, &produce}) stage->trajectory_interval = 1;
  MdOptions options = options_for({ramp, equilibrate, produce});
  options.thermo_interval = 3;
  return options;
}

/// One process: goes on from what is in the folder, and is told to stop after `at_step`.
RunStatus run_part(const std::string& folder, std::int64_t at_step) {
  UnsyncedFileSystem files;
  Log log;
  RunLock lock(files, folder, log);
  const auto state = read_newest_checkpoint(folder, log);
  const auto resume = state ? std::optional(state->step) : std::nullopt;
  Interrupting sink(files, std::move(lock), resume, at_step);
  const auto potential = argon();
  const auto group = make_serial_communicator();
  const StopRequest stop;
  const RunOutcome outcome = run_md(*potential, input_for(triclinic_argon(2)), three_stages(), state,
                                    {.group = *group, .sink = &sink, .stop = stop, .log = log});
  sink.finish();
  return outcome.status;
}

struct Frame {
  std::string stage;
  TrajectoryFrame frame;
};

std::vector<Frame> frames_of(const std::string& folder) {
  std::vector<Frame> frames;
  TrajectoryReader reader(folder);
  for (const std::string& stage : reader.stages()) {
    reader.select_stage(stage);
    TrajectoryFrame frame;
    while (reader.next(frame)) frames.push_back({stage, frame});
  }
  EXPECT_TRUE(reader.rejected().empty());
  return frames;
}

}  // namespace

/// A run that was stopped at 20 random steps and continued 20 times by new processes has left, byte for byte, what one
/// that was left alone has: every frame, the table, the checkpoint.
TEST(Restarts, AtTwentyRandomStepsLeaveTheFilesOfAnUninterruptedRun) {
  const TemporaryFolder folder;
  const std::string whole = folder.file("whole"), parts = folder.file("parts");
  EXPECT_EQ(run_part(whole, never), RunStatus::finished);
  RandomSequence random(5, Stream::test, 20);
  std::set<std::int64_t> stops;
  while (stops.size() < 20) stops.insert(static_cast<std::int64_t>(1 + random.below(280)));
  int stopped = 0;
  for (const std::int64_t step : stops) stopped += run_part(parts, step) == RunStatus::stopped ? 1 : 0;
  EXPECT_EQ(stopped, 20);
  EXPECT_EQ(run_part(parts, never), RunStatus::finished);

  const auto expected = frames_of(whole), found = frames_of(parts);
  EXPECT_EQ(expected.size(), 303U);  // 300 steps and the first frame of each stage
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t k = 0; k < expected.size(); ++k) {
    const TrajectoryFrame &a = expected[k].frame, &b = found[k].frame;
    EXPECT_TRUE(found[k].stage == expected[k].stage && b.step == a.step && b.time_fs == a.time_fs && b.cell == a.cell &&
                b.positions == a.positions && b.velocities == a.velocities)
        << "frame of step " << a.step;
  }
  EXPECT_EQ(bytes_of(parts + "/thermo.csv"), bytes_of(whole + "/thermo.csv"));
  EXPECT_EQ(exact_text(read_checkpoint(parts + "/" + checkpoint_name)),
            exact_text(read_checkpoint(whole + "/" + checkpoint_name)));
}

}  // namespace haven::testing
