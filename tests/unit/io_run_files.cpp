#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "io/checkpoint.hpp"
#include "io/extxyz.hpp"
#include "io/h5.hpp"
#include "io/run_files.hpp"
#include "support/io_examples.hpp"
#include "support/shared_data.hpp"

namespace haven {
namespace {

using testing::example_frame;
using testing::example_header;
using testing::example_state;
using testing::TemporaryFolder;

ThermoRow example_row(std::int64_t step) {
  const double x = static_cast<double>(step);
  return {.step = step,
          .time_fs = 2 * x,
          .temperature = 600.1 + x / 3,
          .kinetic = 0.1 * x,
          .potential = -x / 7,
          .conserved = 1.0 / 3,
          .pressure_gpa = 0.2,
          .volume = 1000,
          .max_force = 1.5,
          .extrapolating = 0};
}

std::vector<std::string> lines_of(const std::string& path) {
  std::ifstream file(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

std::unique_ptr<RunFiles> open_run(FileSystem& files, const TemporaryFolder& folder,
                                   std::optional<std::int64_t> resume_step) {
  Log log;
  return std::make_unique<RunFiles>(files, RunLock(files, folder.path().string(), log), resume_step);
}

void run_steps(RunFiles& run, std::int64_t first, std::int64_t last) {
  testing::run_steps(run, first, last, [](char, std::int64_t) {});
}

TEST(RunFiles, AStoppedAndContinuedRunLeavesTheFilesOfAnUninterruptedOne) {
  PosixFileSystem files;
  const TemporaryFolder whole, parts;
  {
    const auto run = open_run(files, whole, std::nullopt);
    run->begin_stage(example_header(), 0);
    run_steps(*run, 0, 100);
    run->finish();
  }
  {
    const auto run = open_run(files, parts, std::nullopt);
    run->begin_stage(example_header(), 0);
    run_steps(*run, 0, 57);  // dies 17 steps after its last checkpoint
  }
  Log log;
  const auto state = read_newest_checkpoint(parts.path().string(), log);
  ASSERT_TRUE(state.has_value());
  EXPECT_EQ(state->step, 40);
  {
    const auto run = open_run(files, parts, state->step);
    run->begin_stage(example_header(), state->step);
    run->thermo(example_row(40));  // a run may report the step it continues from again
    run_steps(*run, 40, 100);
    run->finish();
  }
  EXPECT_EQ(lines_of(parts.file("thermo.csv")), lines_of(whole.file("thermo.csv")));
  TrajectoryReader a(whole.path().string()), b(parts.path().string());
  EXPECT_EQ(a.frames(), 20);
  EXPECT_EQ(b.frames(), 20);
  TrajectoryFrame frame_a, frame_b;
  while (a.next(frame_a)) {
    ASSERT_TRUE(b.next(frame_b));
    EXPECT_TRUE(testing::same(frame_a, frame_b));
  }
}

TEST(RunFiles, ThermoRowsCarryUnitsAndReadBackExactly) {
  PosixFileSystem files;
  const TemporaryFolder folder;
  const auto run = open_run(files, folder, std::nullopt);
  run->begin_stage(example_header("equil, \"NPT\""), 0);
  run->thermo(example_row(7));
  const std::vector<std::string> lines = lines_of(folder.file("thermo.csv"));  // while the run is going on
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[0],
            "step,time_fs,temperature_K,kinetic_eV,potential_eV,conserved_eV,pressure_GPa,volume_A3,max_force_eV_per_A,"
            "extrapolating_atoms,stage");
  EXPECT_TRUE(lines[1].ends_with(",\"equil, \"\"NPT\"\"\"")) << lines[1];
  std::istringstream row(lines[1]);
  std::string field;
  std::vector<double> numbers;
  for (int k = 0; k < 10 && std::getline(row, field, ','); ++k) numbers.push_back(std::stod(field));
  EXPECT_EQ(numbers, (std::vector<double>{7, 14, 600.1 + 7.0 / 3, 0.1 * 7, -1.0, 1.0 / 3, 0.2, 1000, 1.5, 0}));
}

TEST(RunFiles, DeviationsOfACommitteeAreCutBackToTheCheckpointAndAbsentWithoutOne) {
  PosixFileSystem files;
  const TemporaryFolder folder;
  const auto row = [](std::int64_t step) {
    return DeviationRow{.step = step,
                        .time_fs = 2.0 * static_cast<double>(step),
                        .force = 0.25,
                        .force_rms = 0.125,
                        .atom = 3,
                        .energy = 0.5};
  };
  {
    const auto run = open_run(files, folder, std::nullopt);
    run->begin_stage(example_header(), 0);
    run->thermo(example_row(0));
    EXPECT_FALSE(std::filesystem::exists(folder.file("deviation.csv")));
    for (const std::int64_t step : {0, 10, 20, 30}) run->deviation(row(step));
  }
  const auto run = open_run(files, folder, 20);
  run->begin_stage(example_header("prod"), 20);
  for (const std::int64_t step : {30, 40}) run->deviation(row(step));
  run->finish();
  const std::vector<std::string> lines = lines_of(folder.file("deviation.csv"));
  ASSERT_EQ(lines.size(), 6U);
  EXPECT_EQ(lines[0], "step,time_fs,force_max_eV_per_A,atom,force_rms_eV_per_A,energy_eV_per_atom,stage");
  EXPECT_TRUE(lines[3].starts_with("20,40,0.25,3,0.125,0.5,")) << lines[3];
  EXPECT_EQ(lines[4], "30,60,0.25,3,0.125,0.5,prod");
  EXPECT_EQ(lines[5], "40,80,0.25,3,0.125,0.5,prod");
}

TEST(RunFiles, EveryStageWithFramesHasItsSegment) {
  PosixFileSystem files;
  const TemporaryFolder folder;
  const auto run = open_run(files, folder, std::nullopt);
  run->begin_stage(example_header("relax"), 0);  // stores no frames
  run->begin_stage(example_header("equil"), 10);
  run->frame(example_frame(10));
  run->frame(example_frame(15));
  run->begin_stage(example_header("prod"), 15);
  run->frame(example_frame(15));
  run->frame(example_frame(20));
  run->finish();
  EXPECT_EQ(last_segment(folder.path().string()), 2);
  TrajectoryReader reader(folder.path().string());
  EXPECT_EQ(reader.stages(), (std::vector<std::string>{"equil", "prod"}));
  reader.select_stage("equil");
  EXPECT_EQ(reader.frames(), 2);
  reader.select_stage("prod");
  EXPECT_EQ(reader.frames(), 2);
  for (int part : {1, 2}) EXPECT_NO_THROW(static_cast<void>(h5::File::open(folder.file(segment_name(part)))));
}

TEST(RunFiles, ARunFromTheBeginningStartsItsTableAgainAndKeepsOldSegmentsOutOfTheWay) {
  PosixFileSystem files;
  const TemporaryFolder folder;
  for (const std::int64_t last : {19, 10}) {  // both die before their first checkpoint
    const auto run = open_run(files, folder, std::nullopt);
    run->begin_stage(example_header(), 0);
    run_steps(*run, 0, last);
  }
  EXPECT_EQ(lines_of(folder.file("thermo.csv")).size(), 11U);
  EXPECT_EQ(last_segment(folder.path().string()), 2);
  TrajectoryReader reader(folder.path().string());
  EXPECT_EQ(reader.frames(), 2);
}

/// Frames for labelling are kept once, whatever is repeated after a restart; displacements are replaced.
TEST(RunFiles, KeepsCandidatesOnceAndTheLastDisplacements) {
  PosixFileSystem files;
  const TemporaryFolder folder;
  TrajectoryFrame frame = example_frame(20);
  frame.velocities.clear();
  const std::vector<int> numbers(frame.positions.size(), 3);
  LiveTransport live{.stage = "prod",
                     .first_step = 0,
                     .last_step = 4,
                     .interval_fs = 2,
                     .elements = {3},
                     .atoms = {2},
                     .tracers = {2},
                     .lags_fs = {2, 4},
                     .origins = {4, 3},
                     .tracer = {{0.5, 1.25}},
                     .collective = {{1.5, 2.5}}};
  for (const auto& resume : {std::optional<std::int64_t>(), std::optional<std::int64_t>(10)}) {
    const auto run = open_run(files, folder, resume);
    run->begin_stage(example_header(), resume.value_or(0));
    for (const std::int64_t step : {20, 200}) {
      frame.step = step;
      run->candidate(frame, numbers);
    }
    run->live_transport(live);
    run->finish();
  }
  ExtxyzReader reader(folder.file("candidates.xyz"));
  int count = 0;
  while (const auto found = reader.next()) {
    ++count;
    EXPECT_EQ(found->structure.positions, frame.positions);
  }
  EXPECT_EQ(count, 2);
  EXPECT_EQ(lines_of(folder.file("displacements_prod.csv")),
            (std::vector<std::string>{"lag_ps,origins,tracer_Li_A2,collective_Li_Li_A2", "0.002,4,0.5,1.5",
                                      "0.004,3,1.25,2.5"}));
}

TEST(RunFiles, TornLastLinesAreTakenCareOf) {
  PosixFileSystem files;
  const TemporaryFolder folder;
  {
    const auto run = open_run(files, folder, std::nullopt);
    run->begin_stage(example_header(), 0);
    run_steps(*run, 0, 20);
    run->event(R"({"event": "start"})");
  }
  std::ofstream(folder.file("thermo.csv"), std::ios::app) << "21,42.0,60";
  std::ofstream(folder.file("events.jsonl"), std::ios::app) << R"({"event": "st)";
  const auto run = open_run(files, folder, 20);
  run->begin_stage(example_header(), 20);
  run->thermo(example_row(21));
  run->event(R"({"event": "continued"})");
  EXPECT_EQ(lines_of(folder.file("thermo.csv")).size(), 22U);
  EXPECT_TRUE(lines_of(folder.file("thermo.csv")).back().starts_with("21,42,607.1"));
  EXPECT_EQ(lines_of(folder.file("events.jsonl")),
            (std::vector<std::string>{R"({"event": "start"})", R"({"event": "st)", R"({"event": "continued"})"}));
}

}  // namespace
}  // namespace haven
