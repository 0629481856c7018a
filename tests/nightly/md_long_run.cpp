#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "io/run_files.hpp"
#include "io/trajectory.hpp"
#include "support/md_fixtures.hpp"
#include "support/shared_data.hpp"
#include "support/unsynced_file_system.hpp"

namespace haven::testing {
namespace {

namespace fs = std::filesystem;

/// Anonymous memory: the kernel takes pages of program files away and brings them back as it likes.
double resident_kb() {
  std::ifstream status("/proc/self/status");
  double resident = 0;
  for (std::string word; status >> word;)
    if (word == "RssAnon:") status >> resident;
  return resident;
}

std::size_t open_files() {
  std::size_t count = 0;
  for (const auto& entry : fs::directory_iterator("/proc/self/fd")) count += entry.path().empty() ? 0 : 1;
  return count;
}

/// Looks at the process at every checkpoint.
class Observed final : public RunFiles {
 public:
  using RunFiles::RunFiles;
  void checkpoint(const SimulationState& state) override {
    RunFiles::checkpoint(state);
    steps.push_back(static_cast<double>(state.step));
    resident.push_back(resident_kb());
    files.push_back(open_files());
  }
  std::vector<double> steps, resident;
  std::vector<std::size_t> files;
};

}  // namespace

/// T68: a million steps with all their output, after a first million in which caches fill (HDF5's grow for some 2,000
/// frames, by 1.3 MB; from there to 8,000 frames nothing was added). Anonymous memory grows by less than 1 kB per 1,000
/// steps, open files do not become more, the files hold what they were given and
/// little else.
TEST(LongRun, OfAMillionStepsGrowsNeitherInMemoryNorInOpenFiles) {
  const TemporaryFolder folder;
  UnsyncedFileSystem files;
  Log log;
  Observed sink(files, RunLock(files, folder.file("run"), log), std::nullopt);
  const auto potential = argon(4.5);
  StageOptions stage = nvt_stage(60, 100, 4e6);
  stage.trajectory_interval = 500;
  stage.correlator_interval = 10;
  MdOptions options = options_for({stage});
  options.thermo_interval = 500;
  options.checkpoint_interval = 20000;
  options.guards.mobile_elements = {18};
  options.guards.max_temperature_factor = 0;  // four atoms are hot by chance
  const auto group = make_serial_communicator();
  const StopRequest stop;
  const RunOutcome outcome = run_md(*potential, input_for(argon_crystal(1)), options, std::nullopt,
                                    {.group = *group, .sink = &sink, .stop = stop, .log = log});
  sink.finish();
  EXPECT_EQ(outcome.last_step, 2000000);
  ASSERT_GE(sink.steps.size(), 100U);
  const std::size_t first = sink.steps.size() / 2;
  const double growth = sink.resident.back() - sink.resident[first],
               thousands = (sink.steps.back() - sink.steps[first]) / 1000;
  std::printf("%.0f kB in %.0f thousand steps, %zu open files\n", growth, thousands, sink.files.back());
  EXPECT_LT(growth, thousands);
  EXPECT_EQ(sink.files.back(), sink.files[first]);

  TrajectoryReader reader(folder.file("run"));
  TrajectoryFrame frame;
  std::int64_t frames = 0;
  for (; reader.next(frame); ++frames) ASSERT_EQ(frame.step, 500 * frames);
  EXPECT_EQ(frames, 4001);
  EXPECT_TRUE(reader.rejected().empty());
  std::ifstream table(folder.file("run/thermo.csv"));
  std::int64_t rows = 0;
  for (std::string line; std::getline(table, line);) rows += !line.empty() && line[0] >= '0' && line[0] <= '9' ? 1 : 0;
  EXPECT_EQ(rows, 4001);
  // A frame of four atoms: positions, cell, step, time and checksum. The rest is HDF5's index of its chunks.
  constexpr double frame_bytes = 4 * 24 + 72 + 8 + 8 + 4;
  const double bytes = static_cast<double>(fs::file_size(folder.file("run/traj.part0001.h5")));
  std::printf("%.1f bytes per frame\n", bytes / 4001);
  EXPECT_LT(bytes, 1.5 * 4001 * frame_bytes + 100000);
}

}  // namespace haven::testing
