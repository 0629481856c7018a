#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

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

/// A run of 200 steps with a frame at every second one, and a checkpoint every 10 ms.
class Disk : public ::testing::Test {
 protected:
  void SetUp() override {
    write_model(folder_.file("m.haven"), tiny_model());
    std::ofstream(folder_.file("POSCAR")) << tiny_poscar;
    std::ofstream(folder_.file("haven.toml"))
        << "model = { file = \"m.haven\" }\nsystem = { structure = \"POSCAR\", supercell = [2, 2, 2] }\nout = \"out\"\n"
           "[md]\nladder = { temperatures = [100] }\nrestart = { every = \"0.01 s\" }\n"
           "[[md.stage]]\nname = \"run\"\nps = 0.4\ntrajectory = { every_fs = 2 }\n";
  }
  [[nodiscard]] static std::vector<std::string> program() { return {haven_program(), "md", "haven.toml"}; }
  [[nodiscard]] ProgramResult haven() const { return run_program(program(), folder_.path().string()); }
  [[nodiscard]] std::string run() const { return folder_.file("out/md/T100/r0"); }
  /// Frames in a row from step 0.
  [[nodiscard]] std::int64_t frames() const {
    TrajectoryReader reader(run());
    TrajectoryFrame frame;
    std::int64_t count = 0;
    for (; reader.next(frame); ++count) EXPECT_EQ(frame.step, 2 * count);
    return count;
  }
  void expect_that_it_goes_on_to_the_end() const {
    const ProgramResult rest = haven();
    EXPECT_EQ(rest.code, 0) << rest.err;
    EXPECT_EQ(frames(), 201);
    EXPECT_EQ(read_checkpoint(run() + "/" + checkpoint_name).step, 400);
  }
  TemporaryFolder folder_;
};

}  // namespace

/// T46 with the program: a limit of the file size stands for a full disk. Exit code 6, the file and the reason, every
/// frame up to the checkpoint readable; with space the same command goes on.
TEST_F(Disk, FullEndsTheRunWithItsReasonAndSpaceLetsItGoOn) {
  const ProgramResult full =
      run_program({"bash", "-c", "trap '' XFSZ; ulimit -f 60; exec \"$0\" md haven.toml", haven_program()},
                  folder_.path().string());
  EXPECT_EQ(full.code, 6) << full.err;
  EXPECT_NE(full.err.find("traj.part0001.h5"), std::string::npos) << full.err;
  EXPECT_NE(full.err.find("File too large"), std::string::npos) << full.err;
  Log log;
  const auto state = read_newest_checkpoint(run(), log);
  ASSERT_TRUE(state.has_value());
  EXPECT_LT(state->step, 400);
  EXPECT_GT(2 * frames(), state->step);
  expect_that_it_goes_on_to_the_end();
}

/// A folder that cannot be written to any more, between two parts of a run. Root may write everywhere: the capability
/// to do so is taken from it.
TEST_F(Disk, ReadOnlyFolderEndsTheNextPartAndHarmsNothing) {
  std::vector<std::string> words = program();
  if (geteuid() == 0) words.insert(words.begin(), {"setpriv", "--bounding-set", "-dac_override,-dac_read_search"});
  const ProgramResult stopped =
      run_program({haven_program(), "md", "haven.toml", "--time-limit", "0.001 s"}, folder_.path().string());
  ASSERT_EQ(stopped.code, 75) << stopped.err;
  Log log;
  const auto before = read_newest_checkpoint(run(), log);
  ASSERT_TRUE(before.has_value());
  fs::permissions(run(), fs::perms::owner_read | fs::perms::owner_exec);
  const ProgramResult refused = run_program(words, folder_.path().string());
  fs::permissions(run(), fs::perms::owner_all);
  if (refused.err.find("setpriv: ") != std::string::npos) GTEST_SKIP() << "capabilities cannot be given up here";
  EXPECT_EQ(refused.code, 6) << refused.err;
  EXPECT_NE(refused.err.find("Permission denied"), std::string::npos) << refused.err;
  EXPECT_NE(refused.err.find("out/md/T100/r0"), std::string::npos) << refused.err;
  const auto after = read_newest_checkpoint(run(), log);
  ASSERT_TRUE(after.has_value());
  EXPECT_EQ(after->step, before->step);
  expect_that_it_goes_on_to_the_end();
}

}  // namespace haven::testing
