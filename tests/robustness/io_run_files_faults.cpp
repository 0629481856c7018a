#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>

#include "core/error.hpp"
#include "io/checkpoint.hpp"
#include "io/run_files.hpp"
#include "support/failing_file_system.hpp"
#include "support/io_examples.hpp"
#include "support/power_cut.hpp"
#include "support/shared_data.hpp"
#include "support/unsynced_file_system.hpp"

/// Killed processes, power cuts, failing calls and full disks, while a run writes its files.
namespace haven {
namespace {

using testing::example_frame;
using testing::example_header;
using testing::example_state;
using testing::RecordingFileSystem;
using testing::run_steps;
using testing::same;
using testing::TemporaryFolder;
using testing::UnsyncedFileSystem;

/// What a run was told to be safe.
struct Acknowledged {
  std::vector<std::int64_t> frames;
  std::int64_t checkpoint = 0;
  void note(char kind, std::int64_t step) {
    if (kind == 'F') frames.push_back(step);
    if (kind == 'C') checkpoint = step;
  }
};

/// Continues the run in a folder from its newest checkpoint to `last`.
template <class After>
void continue_run(FileSystem& files, const std::string& folder, std::int64_t last, After after) {
  Log log;
  RunLock lock(files, folder, log);
  const auto state = read_newest_checkpoint(folder, log);
  RunFiles run(files, std::move(lock), state ? std::optional(state->step) : std::nullopt);
  const std::int64_t first = state ? state->step : 0;
  run.begin_stage(example_header(), first);
  run_steps(run, first, last, after);
  run.finish();
}

std::int64_t checkpoint_step(const std::string& folder) {
  Log log;
  const auto state = read_newest_checkpoint(folder, log);
  if (!state) return 0;
  EXPECT_TRUE(same(*state, example_state(state->step))) << "a checkpoint of mixed content";
  return state->step;
}

/// All steps whose frames can be read, each checked against what was written.
std::vector<std::int64_t> readable_frames(const std::string& folder) {
  std::vector<std::int64_t> steps;
  if (last_segment(folder) == 0) return steps;
  TrajectoryReader reader(folder);
  TrajectoryFrame frame;
  while (reader.next(frame)) {
    EXPECT_TRUE(same(frame, example_frame(frame.step))) << "frame " << frame.step << " has changed";
    steps.push_back(frame.step);
  }
  return steps;
}

void expect_all_readable(const std::string& folder, const std::vector<std::int64_t>& expected) {
  const std::vector<std::int64_t> found = readable_frames(folder);
  EXPECT_TRUE(std::includes(found.begin(), found.end(), expected.begin(), expected.end()))
      << "an acknowledged frame is lost; there are " << found.size() << ", expected " << expected.size();
}

std::vector<std::int64_t> frames_up_to(std::int64_t step) {
  std::vector<std::int64_t> steps;
  for (std::int64_t s = 5; s <= step; s += 5) steps.push_back(s);
  return steps;
}

// A writer process is killed at 200 random moments; each time the next one continues its run.
TEST(RunFilesFaults, AKilledWriterLosesNothingAcknowledgedAndCanAlwaysBeContinued) {
  std::int64_t acknowledged = 0, kills_after_frames = 0;
  for (int round = 0; round < 10; ++round) {
    const TemporaryFolder folder;
    const std::string run = folder.file("run");
    std::filesystem::create_directory(run);
    for (std::uint32_t kill = 0; kill < 20; ++kill) {
      const std::int64_t resumed_from = checkpoint_step(run);
      int ends[2];
      ASSERT_EQ(pipe(ends), 0);
      const pid_t child = fork();
      ASSERT_GE(child, 0);
      if (child == 0) {
        UnsyncedFileSystem files;
        try {
          continue_run(files, run, 1 << 20, [&](char kind, std::int64_t step) {
            const std::int64_t message[2] = {kind, step};
            if (write(ends[1], message, sizeof message) != sizeof message) _exit(3);
          });
        } catch (const std::exception& error) {
          std::fprintf(stderr, "%s\n", error.what());
        }
        _exit(2);  // the parent kills long before
      }
      close(ends[1]);
      usleep(500 + static_cast<unsigned>(14500 *
                                         random_uniform(7, Stream::test, static_cast<std::uint64_t>(round), kill)[0]));
      ::kill(child, SIGKILL);
      int status = 0;
      waitpid(child, &status, 0);
      ASSERT_TRUE(WIFSIGNALED(status)) << "the writer ended by itself with " << WEXITSTATUS(status);
      Acknowledged told;
      std::int64_t message[2];
      while (read(ends[0], message, sizeof message) == sizeof message)
        told.note(static_cast<char>(message[0]), message[1]);
      close(ends[0]);
      EXPECT_GE(checkpoint_step(run), std::max(told.checkpoint, resumed_from));
      expect_all_readable(run, frames_up_to(resumed_from));
      expect_all_readable(run, told.frames);
      acknowledged += static_cast<std::int64_t>(told.frames.size());
      kills_after_frames += told.frames.empty() ? 0 : 1;
    }
  }
  RecordProperty("acknowledged_frames", std::to_string(acknowledged));
  EXPECT_GT(kills_after_frames, 0) << "no kill hit a working writer: the test has tested nothing";
}

// After a power cut behind every change of the disk, whatever survives of what was not synced: the newest acknowledged
// checkpoint, or a later whole one, is there together with all frames up to it.
TEST(RunFilesFaults, APowerCutAtAnyMomentLeavesACheckpointAndItsFrames) {
  const TemporaryFolder folder;
  RecordingFileSystem files;
  std::vector<std::pair<std::size_t, std::int64_t>> checkpoints;  // record length, step
  continue_run(files, folder.file("run"), 60, [&](char kind, std::int64_t step) {
    if (kind == 'C') checkpoints.emplace_back(files.length(), step);
  });
  continue_run(files, folder.file("run"), 80, [&](char kind, std::int64_t step) {
    if (kind == 'C') checkpoints.emplace_back(files.length(), step);
  });
  ASSERT_EQ(checkpoints.size(), 4U);
  using testing::Survival;
  int cuts = 0;
  for (std::size_t length = 0; length <= files.length(); ++length)
    for (int variant = 0; variant < 5; ++variant) {
      const Survival survival = variant == 0   ? Survival::nothing
                                : variant == 1 ? Survival::everything
                                               : Survival::random_subset;
      std::int64_t safe = 0;
      for (const auto& [at, step] : checkpoints)
        if (at <= length) safe = step;
      const std::string disk = folder.file("disk");
      std::filesystem::create_directory(disk);
      files.restore(length, survival, static_cast<std::uint64_t>(variant), disk);
      SCOPED_TRACE(fmt::format("cut behind record {}, variant {}", length, variant));
      const std::int64_t found = checkpoint_step(disk);
      EXPECT_GE(found, safe);
      try {
        if (found > 0) expect_all_readable(disk, frames_up_to(found));
      } catch (const Error& error) {
        ADD_FAILURE() << error.what();
      }
      std::filesystem::remove_all(disk);
      ++cuts;
    }
  RecordProperty("cuts", cuts);
}

TEST(RunFilesFaults, EveryFailingCallEndsTheRunWithItsErrnoAndLosesNothingAcknowledged) {
  int failures = 0;
  for (const int code : {ENOSPC, EIO, EROFS, EACCES, EINTR, 0}) {  // 0: a short transfer
    bool finished = false;
    for (int call = 1; !finished; ++call) {
      const TemporaryFolder folder;
      const std::string run = folder.file("run");
      testing::FailingFileSystem files({.call = call, .error = code, .short_transfer = code == 0});
      Acknowledged told;
      try {
        continue_run(files, run, 40, [&](char kind, std::int64_t step) { told.note(kind, step); });
        finished = !files.failed();
        const bool may_be_ignored = code == EINTR || code == 0;
        EXPECT_TRUE(finished || may_be_ignored) << files.failed_call() << " failed unnoticed";
        EXPECT_EQ(told.checkpoint, 40);
      } catch (const IoError& error) {
        ++failures;
        EXPECT_TRUE(code != EINTR && code != 0) << error.what();
        EXPECT_EQ(error.exit_code(), ExitCode::resource);
        EXPECT_NE(error.summary().find("errno " + std::to_string(code)), std::string::npos) << error.summary();
        EXPECT_NE(error.where().find(folder.path().string()), std::string::npos) << error.where();
      }
      EXPECT_GE(checkpoint_step(run), told.checkpoint);
      expect_all_readable(run, told.frames);
    }
  }
  RecordProperty("failures", failures);
  EXPECT_GT(failures, 100);
}

// A file-size limit stands for a full disk: writes fail in the middle of HDF5's work.
TEST(RunFilesFaults, AFullDiskStopsTheRunAndSpaceLetsItGoOn) {
  const TemporaryFolder folder;
  const std::string run = folder.file("run");
  for (const rlim_t limit : {3000, 20000, 50000}) {
    std::filesystem::remove_all(run);
    std::filesystem::create_directory(run);
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      std::signal(SIGXFSZ, SIG_IGN);
      const rlimit bound{limit, limit};
      setrlimit(RLIMIT_FSIZE, &bound);
      UnsyncedFileSystem files;
      int code = 1;
      try {
        continue_run(files, run, 1000, [&](char kind, std::int64_t step) {
          const std::int64_t message[2] = {kind, step};
          if (write(ends[1], message, sizeof message) != sizeof message) _exit(3);
        });
      } catch (const IoError& error) {
        code = error.summary().find("errno 27") != std::string::npos ? 6 : 2;  // EFBIG
      }
      _exit(code);
    }
    close(ends[1]);
    Acknowledged told;
    std::int64_t message[2];
    while (read(ends[0], message, sizeof message) == sizeof message)
      told.note(static_cast<char>(message[0]), message[1]);
    close(ends[0]);
    int status = 0;
    waitpid(child, &status, 0);
    ASSERT_TRUE(WIFEXITED(status)) << "killed by signal " << WTERMSIG(status);
    EXPECT_EQ(WEXITSTATUS(status), 6);
    EXPECT_EQ(checkpoint_step(run), told.checkpoint);
    expect_all_readable(run, told.frames);
    UnsyncedFileSystem files;
    const std::int64_t last = told.checkpoint + 100;
    continue_run(files, run, last, [](char, std::int64_t) {});
    EXPECT_EQ(readable_frames(run), frames_up_to(last));
  }
}

}  // namespace
}  // namespace haven
