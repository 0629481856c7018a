#include "support/killed_ranks.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <map>

#include "core/rng.hpp"
#include "io/checkpoint.hpp"
#include "io/model_file.hpp"
#include "io/trajectory.hpp"
#include "support/md_fixtures.hpp"
#include "support/program.hpp"
#include "support/shared_data.hpp"
#include "support/tiny_model.hpp"

namespace haven::testing {
namespace {

namespace fs = std::filesystem;

constexpr const char* input =
    "model = { file = \"m.haven\" }\nsystem = { structure = \"POSCAR\", supercell = [2, 2, 2] }\nout = \"out\"\n"
    "[output]\nthermo_every_fs = 2\n"
    "[md]\nladder = { temperatures = [100] }\nrestart = { every = \"0.05 s\" }\n"
    "[[md.stage]]\nname = \"run\"\nps = 0.4\ntrajectory = { every_fs = 2 }\n";
constexpr std::int64_t steps_between_frames = 2;
constexpr std::uintmax_t row_bytes = 140;  // of thermo.csv, about

using Frames = std::map<std::int64_t, TrajectoryFrame>;

/// True as soon as `condition` is; false when it is not after `time`.
template <class Condition>
bool within(std::chrono::seconds time, Condition condition) {
  const auto end = std::chrono::steady_clock::now() + time;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    usleep(10000);
  }
  return true;
}

/// Those that are neither dead nor gone.
std::size_t count_running(const std::vector<int>& processes) {
  return static_cast<std::size_t>(std::ranges::count_if(processes, [](int process) {
    std::ifstream file(fmt::format("/proc/{}/stat", process));
    std::string text;
    if (!std::getline(file, text)) return false;
    const std::size_t name_end = text.rfind(')');  // "pid (name) state ..."
    return name_end != std::string::npos && name_end + 2 < text.size() && text[name_end + 2] != 'Z';
  }));
}

/// A project folder and its one run.
struct Project {
  explicit Project(const std::string& root) : folder(root), run(root + "/out/md/T100/r0") {
    fs::create_directories(folder);
    write_model(folder + "/m.haven", tiny_model());
    std::ofstream(folder + "/POSCAR") << tiny_poscar;
    std::ofstream(folder + "/haven.toml") << input;
  }
  [[nodiscard]] Frames frames() const {
    Frames found;
    if (!fs::exists(run) || last_segment(run) == 0) return found;
    TrajectoryReader reader(run);
    TrajectoryFrame frame;
    while (reader.next(frame)) found[frame.step] = frame;
    EXPECT_TRUE(reader.rejected().empty());
    return found;
  }
  [[nodiscard]] std::int64_t checkpoint() const {
    if (!fs::exists(run)) return 0;
    Log log;
    const auto state = read_newest_checkpoint(run, log);
    return state ? state->step : 0;
  }
  [[nodiscard]] std::uintmax_t table_size() const {
    std::error_code none;
    const auto size = fs::file_size(run + "/thermo.csv", none);
    return none ? 0 : size;
  }
  std::string folder, run;
};

std::vector<std::string> job(int ranks) {
  std::vector<std::string> words = on_ranks(ranks, {haven_program(), "md", "haven.toml"});
  // The launcher gives ranks whose neighbour has died a second to end; here they are gone at once.
  if (!words.empty()) words.insert(words.begin() + 1, {"--mca", "odls_base_sigkill_timeout", "0"});
  return words;
}

bool same(const TrajectoryFrame& a, const TrajectoryFrame& b) {
  return a.step == b.step && a.time_fs == b.time_fs && a.cell == b.cell && a.positions == b.positions;
}

void expect_subset(const Frames& found, const Frames& expected) {
  for (const auto& [step, frame] : found) {
    const auto whole = expected.find(step);
    ASSERT_NE(whole, expected.end()) << "a frame of step " << step;
    EXPECT_TRUE(same(frame, whole->second)) << "frame " << step << " has changed";
  }
}

class Killer {
 public:
  Killer(const KillPlan& plan, std::string root) : plan_(plan), root_(std::move(root)), whole_(root_ + "/whole") {
    EXPECT_EQ(run_program({haven_program(), "md", "haven.toml"}, whole_.folder).code, 0);
    expected_ = whole_.frames();
    EXPECT_FALSE(expected_.empty());
  }

  KillReport work() {
    const auto began = std::chrono::steady_clock::now();
    for (int round = 0; report_.kills < plan_.kills && !::testing::Test::HasFailure(); ++round) {
      const Project project(fmt::format("{}/run{}", root_, round));
      bool finished = false;
      for (int k = 0; k < plan_.kills_per_run && report_.kills < plan_.kills && !finished; ++k)
        finished = kill_once(project);
      finish(project);
      fs::remove_all(project.folder);
    }
    report_.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    return report_;
  }

 private:
  [[nodiscard]] std::array<double, 2> random() {
    return random_uniform(plan_.seed, Stream::test, draws_++, static_cast<std::uint32_t>(plan_.victims));
  }

  /// One job that is killed, after a random amount of work (or, one in four, within its start). True when it reached
  /// its end before.
  bool kill_once(const Project& project) {
    const auto moment = random(), chance = random();
    const int ranks = 2 + static_cast<int>(3 * chance[0]);
    const bool at_start = moment[0] < 0.25;
    const auto wanted = project.table_size() + static_cast<std::uintmax_t>(12 * moment[0]) * row_bytes;
    const auto began = std::chrono::steady_clock::now();
    const std::int64_t before = project.checkpoint();
    Frames seen;
    bool killed = false, wrote = false;
    const auto ready = [&] {
      if (at_start) return std::chrono::steady_clock::now() - began > std::chrono::duration<double>(0.6 * moment[1]);
      return project.table_size() > wanted;
    };
    const ProgramResult result = run_until(job(ranks), project.folder, ready, [&](int launcher) {
      seen = project.frames();
      wrote = !at_start && !seen.empty();
      usleep(static_cast<unsigned>(3000 * moment[1]));
      killed = strike(descendants(launcher, "haven"), chance[1]);
      if (killed) await_end(launcher);
    });
    if (!killed) {  // the job was faster, or its ranks had not been started yet
      EXPECT_EQ(result.code, 0) << result.err;
      return true;
    }
    ++report_.kills;
    report_.after_frames += wrote ? 1 : 0;
    EXPECT_GE(project.checkpoint(), before);
    const Frames found = project.frames();
    for (const auto& [step, frame] : seen) EXPECT_TRUE(found.contains(step)) << "frame " << step << " is lost";
    for (std::int64_t step = 0, last = project.checkpoint(); step <= last && last > 0; step += steps_between_frames)
      EXPECT_TRUE(found.contains(step)) << "frame " << step << " before the checkpoint is lost";
    expect_subset(found, expected_);
    return false;
  }

  /// No rank survives the dead ones. The launcher may: Open MPI 4.1 can deadlock in its own clean-up when a rank dies
  /// while it connects (PMIx_server_finalize waits for a lock; openpmix issue 1233 describes one such case). Nothing of
  /// the job is left then, and the launcher is ended and counted.
  void await_end(int launcher) {
    EXPECT_TRUE(within(std::chrono::seconds(30), [&] { return count_running(descendants(launcher, "haven")) == 0; }))
        << "a rank lives on";
    const auto ended = [&] {
      siginfo_t info{};
      return waitid(P_PID, static_cast<id_t>(launcher), &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0;
    };
    if (within(std::chrono::seconds(30), ended)) return;
    ++report_.stuck_launchers;
    kill(launcher, SIGKILL);
  }

  [[nodiscard]] bool strike(const std::vector<int>& ranks, double chance) const {
    if (ranks.empty()) return false;
    if (plan_.victims == Victims::one_rank)
      return kill(ranks[static_cast<std::size_t>(chance * static_cast<double>(ranks.size()))], SIGKILL) == 0;
    bool any = false;
    for (const int rank : ranks) any = kill(rank, SIGKILL) == 0 || any;
    return any;
  }

  /// Without further kills the run ends as if there had been none, here on one rank.
  void finish(const Project& project) {
    const ProgramResult result = run_program({haven_program(), "md", "haven.toml"}, project.folder);
    EXPECT_EQ(result.code, 0) << result.err;
    const Frames found = project.frames();
    EXPECT_EQ(found.size(), expected_.size());
    expect_subset(found, expected_);
    EXPECT_EQ(exact_text(read_checkpoint(project.run + "/" + checkpoint_name)),
              exact_text(read_checkpoint(whole_.run + "/" + checkpoint_name)));
    ++report_.finished_runs;
  }

  const KillPlan& plan_;
  std::string root_;
  Project whole_;
  Frames expected_;
  KillReport report_;
  std::uint64_t draws_ = 0;
};

}  // namespace

std::string KillReport::text() const {
  return fmt::format(
      "{} kills, {} of jobs that had written frames, {} runs finished afterwards, {} stuck launchers, {:.0f} s", kills,
      after_frames, finished_runs, stuck_launchers, seconds);
}

KillReport kill_ranks(const KillPlan& plan) {
  if (job(2).empty()) return {};
  const TemporaryFolder folder;
  return Killer(plan, folder.path().string()).work();
}

}  // namespace haven::testing
