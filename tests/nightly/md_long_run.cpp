#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "io/run_files.hpp"
#include "support/md_fixtures.hpp"
#include "support/shared_data.hpp"
#include "support/unsynced_file_system.hpp"

namespace haven::testing {
namespace {

namespace fs = std::filesystem;

double resident_kb() {
  std::ifstream statm("/proc/self/statm");
  double total = 0, resident = 0;
  statm >> total >> resident;
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE)) / 1024;
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

/// T68: a million steps with all their output. Resident memory grows by less than 1 kB per 1,000 steps after the first
/// tenth (when all buffers have their size), open files do not become more, and the files hold what they were given.
TEST(LongRun, OfAMillionStepsGrowsNeitherInMemoryNorInOpenFiles) {
  const TemporaryFolder folder;
  UnsyncedFileSystem files;
  Log log;
  Observed sink(files, RunLock(files, folder.file("run"), log), std::nullopt);
  const auto potential = argon(4.5);
  StageOptions stage = nvt_stage(60, 100, 2e6);
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
  EXPECT_EQ(outcome.last_step, 1000000);
  ASSERT_GE(sink.steps.size(), 50U);
  const std::size_t first = sink.steps.size() / 10;
  const double growth = sink.resident.back() - sink.resident[first],
               thousands = (sink.steps.back() - sink.steps[first]) / 1000;
  std::printf("%.0f kB in %.0f thousand steps, %zu open files\n", growth, thousands, sink.files.back());
  EXPECT_LT(growth, thousands);
  EXPECT_EQ(sink.files.back(), sink.files[first]);
}

}  // namespace haven::testing
