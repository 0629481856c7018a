#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>

#include "io/checkpoint.hpp"
#include "io/model_file.hpp"
#include "io/trajectory.hpp"
#include "support/program.hpp"
#include "support/shared_data.hpp"
#include "support/tiny_model.hpp"

namespace haven::testing {
namespace {

namespace fs = std::filesystem;

/// Runs of 512 atoms that nobody waits for to end.
class Signals : public ::testing::Test {
 protected:
  void SetUp() override {
    write_model(folder_.file("m.haven"), tiny_model());
    std::ofstream(folder_.file("POSCAR")) << tiny_poscar;
  }
  [[nodiscard]] static std::vector<std::string> program() {
    return {haven_program(), "md", "m.haven",     "POSCAR", "-T", "20", "--ps", "1000000",
            "--every-fs",    "2",  "--supercell", "8",      "8",  "4",  "-o",   "out"};
  }
  [[nodiscard]] std::string run() const { return folder_.file("out/T20/r0"); }
  /// Starts `words`, which begin the given part of the trajectory, and lets `act` loose on them.
  [[nodiscard]] ProgramResult interrupt(const std::vector<std::string>& words, int part,
                                        const std::function<void(int)>& act) const {
    const std::string segment = run() + "/traj.part000" + std::to_string(part) + ".h5";
    return run_until(
        words, folder_.path().string(), [&] { return fs::exists(segment); }, act);
  }
  [[nodiscard]] std::int64_t checkpoint_step() const {
    Log log;
    const auto state = read_newest_checkpoint(run(), log);
    return state ? state->step : -1;
  }
  /// Every step up to the checkpoint has its frame, and the newest checkpoint is whole.
  void expect_whole() const {
    const std::int64_t last = read_checkpoint(run() + "/" + checkpoint_name).step;
    TrajectoryReader reader(run());
    TrajectoryFrame frame;
    std::int64_t expected = 0;
    for (; reader.next(frame); ++expected) ASSERT_EQ(frame.step, 2 * expected);
    EXPECT_TRUE(reader.rejected().empty());
    EXPECT_GE(2 * (expected - 1), last - 1);
  }
  TemporaryFolder folder_;
};

}  // namespace

/// T48: more signals while the first one is obeyed, and while the checkpoint is written, change nothing.
TEST_F(Signals, ManyAtOnceAreOneStop) {
  for (int part = 1; part <= 2; ++part) {
    const std::int64_t before = part == 1 ? -1 : checkpoint_step();
    const ProgramResult result = interrupt(program(), part, [](int child) {
      for (int k = 0; k < 300 && kill(child, k % 2 == 0 ? SIGTERM : SIGINT) == 0; ++k) usleep(k == 0 ? 10000 : 1000);
    });
    EXPECT_EQ(result.code, 75) << result.err;
    EXPECT_GT(checkpoint_step(), before);
    expect_whole();
  }
}

/// T47 under a launcher: USR1 and USR2 are passed on, and the job says that it wants to be continued. After TERM and
/// INT the launcher gives the ranks a second, which has to do for the checkpoint; its exit code is its own.
TEST_F(Signals, ToTheLauncherStopAllRanksWithACheckpoint) {
  const auto words = on_ranks(2, program());
  if (words.empty()) GTEST_SKIP() << "no mpirun here";
  int part = 0;
  std::int64_t before = -1;
  for (const int signal : {SIGUSR1, SIGUSR2, SIGTERM, SIGINT}) {
    SCOPED_TRACE(signal);
    std::chrono::steady_clock::time_point sent;
    const ProgramResult result = interrupt(words, ++part, [&](int launcher) {
      sent = std::chrono::steady_clock::now();
      kill(launcher, signal);
    });
    RecordProperty("seconds_after_signal_" + std::to_string(signal),
                   std::to_string(std::chrono::duration<double>(std::chrono::steady_clock::now() - sent).count()));
    if (signal == SIGUSR1 || signal == SIGUSR2) {
      EXPECT_EQ(result.code, 75) << result.err;
    }
    EXPECT_NE(result.code, 0);
    EXPECT_GT(checkpoint_step(), before) << result.err;
    before = checkpoint_step();
    expect_whole();
  }
}

}  // namespace haven::testing
