#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <regex>

#include "io/checkpoint.hpp"
#include "io/model_file.hpp"
#include "io/trajectory.hpp"
#include "support/killed_ranks.hpp"
#include "support/program.hpp"
#include "support/shared_data.hpp"
#include "support/tiny_model.hpp"

namespace haven::testing {
namespace {

namespace fs = std::filesystem;

/// Frames that can be read now, by a reader beside the running program; 0 while there is no trajectory.
Index readable_frames(const std::string& folder) {
  if (!fs::exists(folder) || last_segment(folder) == 0) return 0;
  TrajectoryReader reader(folder);
  TrajectoryFrame frame;
  Index count = 0;
  while (reader.next(frame)) ++count;
  EXPECT_TRUE(reader.rejected().empty());
  return count;
}

class KilledRank : public ::testing::Test {
 protected:
  void SetUp() override {
    write_model(folder_.file("m.haven"), tiny_model());
    std::ofstream(folder_.file("POSCAR")) << tiny_poscar;
  }
  [[nodiscard]] static std::vector<std::string> program() {
    return {haven_program(), "md", "m.haven",     "POSCAR", "-T", "100", "--ps", "1000000",
            "--every-fs",    "2",  "--supercell", "2",      "2",  "2",   "-o",   "out"};
  }
  TemporaryFolder folder_;
};

}  // namespace

/// T40: one of four ranks is killed. The job ends within 10 s and not with success, the last checkpoint opens, every
/// frame that a reader had seen before is still there, and the run goes on from the checkpoint.
TEST_F(KilledRank, EndsTheJobAndLosesNothingAcknowledged) {
  const auto words = on_ranks(4, program());
  if (words.empty()) GTEST_SKIP() << "no mpirun here";
  const std::string run = folder_.file("out/T100/r0");
  // A first part leaves a checkpoint.
  EXPECT_EQ(run_until_file(program(), folder_.path().string(), run + "/traj.part0001.h5", SIGTERM).code, 75);
  Log log;
  const auto before = read_newest_checkpoint(run, log);
  ASSERT_TRUE(before.has_value());

  Index seen = 0;
  std::chrono::steady_clock::time_point killed;
  const ProgramResult result = run_until(
      words, folder_.path().string(),
      [&] { return fs::exists(run + "/traj.part0002.h5") && (seen = readable_frames(run)) > 20; },
      [&](int mpirun) {
        const std::vector<int> ranks = descendants(mpirun, "haven");
        ASSERT_EQ(ranks.size(), 4U);
        killed = std::chrono::steady_clock::now();
        kill(ranks[2], SIGKILL);
      });
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - killed).count();
  EXPECT_NE(result.code, 0) << result.err;
  EXPECT_LT(seconds, 10);
  RecordProperty("seconds_to_end", std::to_string(seconds));
  const auto after = read_newest_checkpoint(run, log);
  ASSERT_TRUE(after.has_value());
  EXPECT_GE(after->step, before->step);
  EXPECT_GE(readable_frames(run), seen);
  const ProgramResult next = run_until_file(program(), folder_.path().string(), run + "/traj.part0003.h5", SIGTERM);
  EXPECT_EQ(next.code, 75) << next.err;
  EXPECT_NE(next.err.find("continues from step"), std::string::npos) << next.err;
}

/// T41: one of four ranks stops without dying. The others notice after the limit of 5 s, say who waits where, and the
/// job ends within 10 s.
TEST_F(KilledRank, ThatHangsEndsTheJobToo) {
  std::ofstream(folder_.file("haven.toml")) << "model = { file = \"m.haven\" }\nsystem = { structure = \"POSCAR\" }\n"
                                               "out = \"out\"\n[md]\nladder = { temperatures = [100] }\n"
                                               "guards = { stall = \"5 s\" }\n[[md.stage]]\nname = \"run\"\n"
                                               "ps = 1000000\ntrajectory = { every_fs = 2 }\n";
  const auto words = on_ranks(4, {haven_program(), "md", "haven.toml"});
  if (words.empty()) GTEST_SKIP() << "no mpirun here";
  const std::string run = folder_.file("out/md/T100/r0");
  std::chrono::steady_clock::time_point stopped;
  const ProgramResult result = run_until(
      words, folder_.path().string(), [&] { return readable_frames(run) > 20; },
      [&](int mpirun) {
        const std::vector<int> ranks = descendants(mpirun, "haven");
        ASSERT_EQ(ranks.size(), 4U);
        stopped = std::chrono::steady_clock::now();
        kill(ranks[2], SIGSTOP);
      });
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - stopped).count();
  EXPECT_NE(result.code, 0);
  EXPECT_LT(seconds, 10);
  EXPECT_TRUE(std::regex_search(result.err, std::regex("rank [0-3] has made no progress for .* in step [0-9]+ \\(")))
      << result.err;
  EXPECT_NE(result.err.find("a rank that does not say so hangs"), std::string::npos) << result.err;
  EXPECT_GT(readable_frames(run), 20);
}

/// T42 with the program: one rank alone cannot read the model. It says so, and nobody waits for it for ever.
TEST_F(KilledRank, ThatCannotReadItsInputEndsTheJob) {
  std::vector<std::string> words = on_ranks(1, program());
  if (words.empty()) GTEST_SKIP() << "no mpirun here";
  std::vector<std::string> other = program();
  other[2] = "missing.haven";
  words.insert(words.end(), {":", "-n", "1"});
  words.insert(words.end(), other.begin(), other.end());
  const auto began = std::chrono::steady_clock::now();
  const ProgramResult result = run_program(words, folder_.path().string());
  EXPECT_NE(result.code, 0);
  EXPECT_NE(result.err.find("missing.haven"), std::string::npos) << result.err;
  EXPECT_LT(std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count(), 20);
}

/// T40 and T43 on ranks, in short: a rank, or all of them, killed at random moments; `run-tests --full` does it 200
/// times each. A job goes on from what is there, on another number of ranks, and ends as if nobody had been killed.
TEST(KilledJob, GoesOnWhereverOneRankWasKilled) {
  const KillReport report = kill_ranks({.victims = Victims::one_rank, .kills = 6, .kills_per_run = 6});
  if (report.kills == 0 && !HasFailure()) GTEST_SKIP() << "no mpirun here";
  EXPECT_EQ(report.kills, 6);
}

TEST(KilledJob, GoesOnWhereverAllRanksWereKilled) {
  const KillReport report = kill_ranks({.victims = Victims::all_ranks, .kills = 6, .kills_per_run = 6});
  if (report.kills == 0 && !HasFailure()) GTEST_SKIP() << "no mpirun here";
  EXPECT_EQ(report.kills, 6);
}

}  // namespace haven::testing
