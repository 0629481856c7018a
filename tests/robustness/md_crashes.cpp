#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <map>

#include "core/rng.hpp"
#include "io/checkpoint.hpp"
#include "io/run_files.hpp"
#include "io/trajectory.hpp"
#include "support/md_fixtures.hpp"
#include "support/shared_data.hpp"
#include "support/unsynced_file_system.hpp"

/// A run that is killed again and again while it computes and writes.
namespace haven::testing {
namespace {

/// Hands everything to the files of a run and then tells of each frame and checkpoint that was acknowledged.
class TellingSink final : public RunSink {
 public:
  TellingSink(RunFiles& files, int pipe) : files_(files), pipe_(pipe) {}
  void begin_stage(const TrajectoryHeader& header, std::int64_t first_step) override {
    files_.begin_stage(header, first_step);
  }
  void thermo(const ThermoRow& row) override { files_.thermo(row); }
  void event(const std::string& json_line) override { files_.event(json_line); }
  void frame(const TrajectoryFrame& frame) override {
    files_.frame(frame);
    tell('F', frame.step);
  }
  void checkpoint(const SimulationState& state) override {
    files_.checkpoint(state);
    tell('C', state.step);
  }

 private:
  void tell(char kind, std::int64_t step) const {
    const std::int64_t message[2] = {kind, step};
    if (pipe_ >= 0 && write(pipe_, message, sizeof message) != sizeof message) _exit(3);
  }
  RunFiles& files_;
  int pipe_;
};

constexpr std::int64_t last_step = 2500;

/// 32 atoms through a ramp and then free: a step takes less time than its output.
MdOptions killed_options() {
  auto ramp = nvt_stage(60, 50, 2 * 1000), produce = nve_stage(80, 2 * (last_step - 1000));
  ramp.temperature.end = 100;
  ramp.trajectory_interval = produce.trajectory_interval = 4;
  MdOptions options = options_for({ramp, produce});
  options.thermo_interval = 10;
  options.checkpoint_interval = 20;
  return options;
}

/// What a process does that finds this folder: goes on from the newest checkpoint to the end.
void continue_run(const Potential& potential, const std::string& folder, int pipe) {
  UnsyncedFileSystem files;
  Log log;
  RunLock lock(files, folder, log);
  const auto state = read_newest_checkpoint(folder, log);
  RunFiles run_files(files, std::move(lock), state ? std::optional(state->step) : std::nullopt);
  TellingSink sink(run_files, pipe);
  const auto group = make_serial_communicator();
  StopRequest stop;
  static_cast<void>(run_md(potential, input_for(triclinic_argon(2)), killed_options(), state,
                           {.group = *group, .sink = &sink, .stop = stop, .log = log}));
  run_files.finish();
}

using Frames = std::map<std::int64_t, TrajectoryFrame>;

Frames readable_frames(const std::string& folder) {
  Frames frames;
  if (last_segment(folder) == 0) return frames;
  TrajectoryReader reader(folder);
  for (const std::string& stage : reader.stages()) {
    reader.select_stage(stage);
    TrajectoryFrame frame;
    while (reader.next(frame)) frames[frame.step] = frame;
  }
  EXPECT_TRUE(reader.rejected().empty());
  return frames;
}

std::int64_t checkpoint_step(const std::string& folder) {
  Log log;
  const auto state = read_newest_checkpoint(folder, log);
  return state ? state->step : 0;
}

struct Told {
  std::vector<std::int64_t> frames;
  std::int64_t checkpoint = 0;
};

/// When a process is killed: `microseconds` after its `messages`-th frame or checkpoint was acknowledged, counted from
/// its start where `messages` is 0. Counting work, not time, hits a run at work on a slow or busy machine too.
struct Moment {
  int messages = 0;
  unsigned microseconds = 0;
};

/// One moment in four lies within the start of the process, where it repairs what the kill before left.
Moment random_moment(std::uint32_t round, std::uint32_t kill) {
  const auto u = random_uniform(43, Stream::test, round, kill);
  return {.messages = std::max(0, static_cast<int>(40 * u[0]) - 10),
          .microseconds = static_cast<unsigned>(2000 * u[1])};
}

/// Starts a process that continues the run, kills it at `moment` (or at its end), and returns what it had told is safe.
Told run_and_kill(const Potential& potential, const std::string& folder, const Moment& moment) {
  int ends[2];
  EXPECT_EQ(pipe(ends), 0);
  const pid_t child = fork();
  if (child == 0) {
    try {
      close(ends[0]);
      continue_run(potential, folder, ends[1]);
      close(ends[1]);
      pause();  // finished early: it is killed all the same
    } catch (const std::exception& error) {
      std::fprintf(stderr, "%s\n", error.what());
    }
    _exit(2);
  }
  close(ends[1]);
  Told told;
  const auto listen = [&] {
    std::int64_t message[2];
    if (read(ends[0], message, sizeof message) != sizeof message) return false;
    if (message[0] == 'F') told.frames.push_back(message[1]);
    if (message[0] == 'C') told.checkpoint = message[1];
    return true;
  };
  for (int heard = 0; heard < moment.messages && listen();) ++heard;
  usleep(moment.microseconds);
  kill(child, SIGKILL);
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status)) << "the run could not go on";
  while (listen()) {
  }
  close(ends[0]);
  return told;
}

bool same_frame(const TrajectoryFrame& a, const TrajectoryFrame& b) {
  return a.step == b.step && a.time_fs == b.time_fs && a.cell == b.cell && a.positions == b.positions;
}

}  // namespace

/// T43: 200 kills at random moments. No acknowledged frame is lost or changed, every file opens, every next process can
/// go on, and what it ends with is the run that was never killed, bit by bit.
TEST(KilledRuns, LoseNothingAcknowledgedAndEndAsIfNeverKilled) {
  const auto potential = argon();
  const TemporaryFolder folder;
  const std::string whole = folder.file("whole");
  std::filesystem::create_directory(whole);
  continue_run(*potential, whole, -1);
  const Frames expected = readable_frames(whole);
  ASSERT_EQ(expected.rbegin()->first, last_step);
  int kills_after_frames = 0;
  for (std::uint32_t round = 0; round < 10; ++round) {
    const std::string killed = folder.file("killed" + std::to_string(round));
    std::filesystem::create_directory(killed);
    for (std::uint32_t k = 0; k < 20; ++k) {
      const std::int64_t resumed_from = checkpoint_step(killed);
      const Told told = run_and_kill(*potential, killed, random_moment(round, k));
      EXPECT_GE(checkpoint_step(killed), std::max(told.checkpoint, resumed_from));
      const Frames found = readable_frames(killed);
      for (const std::int64_t step : told.frames) EXPECT_TRUE(found.contains(step)) << "frame " << step << " is lost";
      for (std::int64_t step = 0; step <= resumed_from && resumed_from > 0; step += 4)
        EXPECT_TRUE(found.contains(step)) << "frame " << step << " of the part before is lost";
      for (const auto& [step, frame] : found)
        EXPECT_TRUE(same_frame(frame, expected.at(step))) << "frame " << step << " has changed";
      kills_after_frames += told.frames.empty() ? 0 : 1;
    }
    continue_run(*potential, killed, -1);
    const Frames found = readable_frames(killed);
    EXPECT_TRUE(std::equal(found.begin(), found.end(), expected.begin(), expected.end(),
                           [](const auto& a, const auto& b) { return same_frame(a.second, b.second); }));
    EXPECT_EQ(exact_text(read_checkpoint(killed + "/" + checkpoint_name)),
              exact_text(read_checkpoint(whole + "/" + checkpoint_name)));
    std::filesystem::remove_all(killed);
  }
  EXPECT_GT(kills_after_frames, 100) << "hardly a kill hit a run at work";
}

}  // namespace haven::testing
