#include <gtest/gtest.h>

#include <csignal>

#include "io/checkpoint.hpp"
#include "md/mean_cell.hpp"
#include "support/every_potential.hpp"
#include "support/md_fixtures.hpp"
#include "support/shared_data.hpp"

// The trajectory is a function of the input alone; "equal" means equal bits.
namespace haven::testing {
namespace {

MdOptions ramp_then_nve() {
  auto ramp = nvt_stage(80, 50, 200), produce = nve_stage(80, 200);
  ramp.temperature = {80, 140};
  produce.trajectory_interval = 7;
  MdOptions options = options_for({ramp, produce});
  options.thermo_interval = 20;
  return options;
}

std::string final_text(const RunSetup& setup) { return exact_text(run(setup)->outcome.final_state); }

class Determinism : public ::testing::Test {
 protected:
  std::unique_ptr<Potential> potential = argon();
  MdInput input = input_for(triclinic_argon(3));
  MdOptions options = ramp_then_nve();
};

}  // namespace

TEST_F(Determinism, ThreadCount) {
  for (const StageOptions& stage : every_ensemble(80, 200)) {
    std::vector<std::string> texts;
    for (const int threads : {1, 2, 3})
      texts.push_back(
          final_text({.potential = *potential, .input = input, .options = options_for({stage}), .threads = threads}));
    EXPECT_EQ(texts[0], texts[1]) << stage.name;
    EXPECT_EQ(texts[0], texts[2]) << stage.name;
  }
}

TEST_F(Determinism, SkinAndForcedRebuilds) {
  std::vector<std::string> texts;
  std::vector<Index> rebuilds;
  std::vector<std::vector<std::string>> calls;
  for (const double skin : {1.0, 0.3, 0.0}) {
    options.skin = skin;
    const auto result = run({.potential = *potential, .input = input, .options = options});
    texts.push_back(exact_text(result->outcome.final_state));
    calls.push_back(result->sink.calls);
    rebuilds.push_back(result->outcome.rebuilds);
  }
  EXPECT_EQ(texts[0], texts[1]);
  EXPECT_EQ(texts[0], texts[2]);
  EXPECT_EQ(calls[0], calls[1]);
  EXPECT_EQ(calls[0], calls[2]);
  EXPECT_LT(rebuilds[0], rebuilds[1]);
  EXPECT_EQ(rebuilds[2], 201);  // every step, and once at the start
}

/// The list follows a breathing cell for many steps; when it is rebuilt does not change a bit.
TEST_F(Determinism, SkinAndRebuildsWithAChangingCell) {
  for (BarostatOptions barostat : every_barostat()) {
    barostat.pressure_gpa = 0.5, barostat.tau_fs = 100, barostat.bulk_modulus_gpa = 4;
    options = options_for({npt_stage(80, barostat, 400)});
    std::vector<std::string> texts;
    std::vector<Index> rebuilds;
    for (const double skin : {1.0, 0.3, 0.0}) {
      options.skin = skin;
      const auto result = run({.potential = *potential, .input = input, .options = options});
      texts.push_back(exact_text(result->outcome.final_state));
      rebuilds.push_back(result->outcome.rebuilds);
    }
    EXPECT_EQ(texts[0], texts[1]);
    EXPECT_EQ(texts[0], texts[2]);
    EXPECT_LT(rebuilds[0], 60);
    EXPECT_LT(rebuilds[0], rebuilds[1]);
    // Without a skin, only steps that stretch everything need no new list: noise shrinks something in every step.
    if (barostat.type == Barostat::cell_rescaling) {
      EXPECT_EQ(rebuilds[2], 201);
    }
    EXPECT_GT(rebuilds[2], 100);
  }
}

/// Rows want the virial and frames gather atoms; neither may change a bit of the motion, with any potential.
TEST_F(Determinism, OutputIntervalsSkinAndThreadsWithEveryPotential) {
  for (const PotentialCase& c : every_potential()) {
    SCOPED_TRACE(c.name);
    const auto made = c.make();
    const auto text = [&](double skin, std::int64_t interval, int threads) {
      auto stage = nvt_stage(300, 20, 15);
      stage.trajectory_interval = interval;
      MdOptions any = options_for({stage});
      any.timestep_fs = 0.5;
      any.skin = skin;
      any.thermo_interval = interval;
      any.guards = guards_for_random_weights();
      SimulationState state =
          run({.potential = *made, .input = input_for(structure_for(c, 5, 24), 10), .options = any, .threads = threads})
              ->outcome.final_state;
      state.variables.erase("guard.drift");  // these count rows
      state.variables.erase("guard.trend");
      return exact_text(state);
    };
    const std::string expected = text(1.0, 100, 1);
    EXPECT_EQ(text(1.0, 1, 1), expected);
    EXPECT_EQ(text(0.0, 7, 1), expected);
    EXPECT_EQ(text(0.3, 100, 2), expected);
    EXPECT_EQ(text(0.3, 100, 3), expected);
  }
}

/// The state as the next process finds it.
SimulationState through_a_file(const SimulationState& state) {
  const TemporaryFolder folder;
  PosixFileSystem files;
  write_checkpoint(files, folder.file(checkpoint_name), state);
  return read_checkpoint(folder.file(checkpoint_name));
}

/// T33: 200 steps in one go, as 100 + 100 and as 37 + 63 + 100, through checkpoint files, with every integrator.
TEST_F(Determinism, RunsInPartsThroughCheckpointFilesWithEveryEnsemble) {
  for (const StageOptions& stage : every_ensemble(80, 400)) {
    SCOPED_TRACE(stage.name);
    options = options_for({stage});
    const std::string expected = final_text({.potential = *potential, .input = input, .options = options});
    for (const std::vector<std::int64_t>& stops : {std::vector<std::int64_t>{100}, {37, 100}}) {
      std::optional<SimulationState> state;
      for (const std::int64_t stop : stops) {
        MdOptions part = options;
        part.checkpoint_interval = 1;
        const auto made = run({.potential = *potential, .input = input, .options = part, .restart = state});
        for (const auto& checkpoint : made->sink.checkpoints)
          if (checkpoint.step == stop) state = through_a_file(checkpoint);
        ASSERT_TRUE(state && state->step == stop) << stop;
      }
      const auto rest = run({.potential = *potential, .input = input, .options = options, .restart = state});
      EXPECT_EQ(rest->outcome.last_step, 200);
      EXPECT_EQ(exact_text(rest->outcome.final_state), expected) << stops.size() + 1 << " parts";
    }
  }
}

TEST_F(Determinism, RunsInParts) {
  const auto whole = run({.potential = *potential, .input = input, .options = options});
  const std::string expected = exact_text(whole->outcome.final_state);
  for (const std::vector<std::int64_t>& stops :
       {std::vector<std::int64_t>{100}, {37, 100}, {1}, {99, 101, 163}, {199}}) {
    // A checkpoint at each of these steps; the run then goes on from it with new objects.
    std::optional<SimulationState> state;
    for (const std::int64_t stop : stops) {
      MdOptions part = options;
      part.checkpoint_interval = 1;
      const auto made = run({.potential = *potential, .input = input, .options = part, .restart = state});
      for (const auto& checkpoint : made->sink.checkpoints)
        if (checkpoint.step == stop) state = checkpoint;
      ASSERT_EQ(state->step, stop);
    }
    EXPECT_EQ(final_text({.potential = *potential, .input = input, .options = options, .restart = state}), expected)
        << stops.front();
  }
}

/// The displacement correlators are part of the state: what they give is the same after any restart.
TEST_F(Determinism, CorrelatorsThroughCheckpointFiles) {
  StageOptions stage = nvt_stage(80, 50, 400);
  stage.correlator_interval = 3;
  options = options_for({nve_stage(80, 20), stage});
  options.guards.mobile_elements = {18};
  options.checkpoint_interval = 1;
  const auto whole = run({.potential = *potential, .input = input, .options = options});
  for (const std::int64_t stop : {5, 10, 12, 13, 77, 150, 209}) {
    const auto from = std::find_if(whole->sink.checkpoints.begin(), whole->sink.checkpoints.end(),
                                   [&](const SimulationState& state) { return state.step == stop; });
    ASSERT_NE(from, whole->sink.checkpoints.end());
    const auto rest =
        run({.potential = *potential, .input = input, .options = options, .restart = through_a_file(*from)});
    EXPECT_EQ(exact_text(rest->outcome.final_state), exact_text(whole->outcome.final_state)) << stop;
    EXPECT_EQ(rest->sink.transport.back().tracer, whole->sink.transport.back().tracer) << stop;
    EXPECT_EQ(rest->sink.transport.back().collective, whole->sink.transport.back().collective) << stop;
  }
}

TEST_F(Determinism, OutputOfARestartContinuesWhereTheCheckpointWas) {
  options.checkpoint_interval = 37;
  const auto whole = run({.potential = *potential, .input = input, .options = options});
  const SimulationState& from = whole->sink.checkpoints.at(1);  // after that of the beginning
  ASSERT_EQ(from.step, 37);
  const auto rest = run({.potential = *potential, .input = input, .options = options, .restart = from});
  std::vector<std::int64_t> expected, found;
  for (const auto& row : whole->sink.rows)
    if (row.step > 37) expected.push_back(row.step);
  for (const auto& row : rest->sink.rows) found.push_back(row.step);
  EXPECT_EQ(found, expected);
  EXPECT_EQ(std::vector<std::string>(rest->sink.calls.end() - 10, rest->sink.calls.end()),
            std::vector<std::string>(whole->sink.calls.end() - 10, whole->sink.calls.end()));
}

TEST_F(Determinism, CheckpointsByTimeDoNotChangeTheTrajectory) {
  const std::string expected = final_text({.potential = *potential, .input = input, .options = options});
  options.checkpoint_minutes = 1e-12;  // due at every step
  const auto result = run({.potential = *potential, .input = input, .options = options});
  EXPECT_EQ(result->sink.checkpoints.size(), 201u);
  EXPECT_EQ(exact_text(result->outcome.final_state), expected);
}

TEST_F(Determinism, SignalsStopAtTheStepAndTheRunGoesOn) {
  const std::string expected = final_text({.potential = *potential, .input = input, .options = options});
  for (const int signal : {SIGTERM, SIGINT, SIGUSR1, SIGUSR2}) {
    const auto stopped = run(
        {.potential = *potential, .input = input, .options = options, .on_frame = [&](const TrajectoryFrame& frame) {
           if (frame.step == 128) std::raise(signal);
         }});
    EXPECT_EQ(stopped->outcome.status, RunStatus::stopped);
    EXPECT_NE(stopped->outcome.reason.find("signal"), std::string::npos);
    EXPECT_EQ(stopped->outcome.last_step, 129);  // the frame of 128 is written after its step was agreed on
    const SimulationState& state = stopped->sink.checkpoints.back();
    EXPECT_EQ(exact_text(state), exact_text(stopped->outcome.final_state));
    EXPECT_EQ(final_text({.potential = *potential, .input = input, .options = options, .restart = state}), expected);
  }
}

TEST_F(Determinism, TimeLimitStopsAndTheRunGoesOn) {
  const std::string expected = final_text({.potential = *potential, .input = input, .options = options});
  const auto stopped = run({.potential = *potential, .input = input, .options = options, .wall_limit_s = 1e-9});
  EXPECT_EQ(stopped->outcome.status, RunStatus::stopped);
  EXPECT_EQ(stopped->outcome.last_step, 1);
  EXPECT_EQ(
      final_text(
          {.potential = *potential, .input = input, .options = options, .restart = stopped->sink.checkpoints.back()}),
      expected);
}

TEST_F(Determinism, InfinitelyWeakThermostatIsNve) {
  const auto text_without_variables = [&](const StageOptions& stage) {
    SimulationState state =
        run({.potential = *potential, .input = input, .options = options_for({stage})})->outcome.final_state;
    state.variables.clear();
    return exact_text(state);
  };
  const std::string expected = text_without_variables(nve_stage(80, 200));
  for (const Thermostat thermostat : {Thermostat::bussi, Thermostat::nose_hoover, Thermostat::langevin}) {
    StageOptions slow = nvt_stage(80, std::numeric_limits<double>::infinity(), 200);
    slow.thermostat = thermostat;
    EXPECT_EQ(text_without_variables(slow), expected) << static_cast<int>(thermostat);
  }
}

TEST_F(Determinism, InfinitelySlowBarostatAndThermostatAreNve) {
  const double infinity = std::numeric_limits<double>::infinity();
  const auto text_without_variables = [&](const StageOptions& stage) {
    SimulationState state =
        run({.potential = *potential, .input = input, .options = options_for({stage})})->outcome.final_state;
    state.variables.clear();
    return exact_text(state);
  };
  const std::string expected = text_without_variables(nve_stage(80, 200));
  for (BarostatOptions barostat : every_barostat()) {
    barostat.tau_fs = infinity;
    StageOptions slow = npt_stage(80, barostat, 200);
    slow.tau_fs = infinity;
    EXPECT_EQ(text_without_variables(slow), expected);
  }
}

/// Constant pressure, then production in the mean cell: stopped and continued anywhere, between the stages too, it ends
/// with the same bits; production has one cell, and atoms keep their places in it when it is taken.
TEST_F(Determinism, MeanCellOfAnEarlierStage) {
  StageOptions equilibrate =
      npt_stage(80, {.pressure_gpa = 0.1, .shape = CellShape::triclinic, .tau_fs = 100, .bulk_modulus_gpa = 4}, 200);
  equilibrate.name = "equil";
  equilibrate.trajectory_interval = 1;
  StageOptions between = nve_stage(80, 20), produce = nvt_stage(80, 50, 160);
  produce.mean_cell_of = "equil";
  produce.trajectory_interval = 1;
  options = options_for({equilibrate, between, produce});
  options.checkpoint_interval = 1;
  const auto whole = run({.potential = *potential, .input = input, .options = options});
  const std::string expected = exact_text(whole->outcome.final_state);
  for (const std::int64_t stop : {30, 77, 100, 105, 110, 111, 150}) {
    const auto from = std::find_if(whole->sink.checkpoints.begin(), whole->sink.checkpoints.end(),
                                   [&](const SimulationState& state) { return state.step == stop; });
    ASSERT_NE(from, whole->sink.checkpoints.end());
    EXPECT_EQ(
        final_text({.potential = *potential, .input = input, .options = options, .restart = through_a_file(*from)}),
        expected)
        << stop;
  }
  MeanCell mean(0, 100);
  double volume = 0;
  const Cell* last = nullptr;
  for (const TrajectoryFrame& frame : whole->sink.frames) {
    if (frame.step >= 1 && frame.step <= 100) mean.add(frame.step, frame.cell);
    if (frame.step > 50 && frame.step <= 100) volume += frame.cell.volume() / 50;
    if (frame.step > 110 && last != nullptr) {
      EXPECT_EQ(frame.cell, *last) << frame.step;
    }
    if (frame.step >= 110) last = &frame.cell;
  }
  ASSERT_NE(last, nullptr);
  EXPECT_EQ(last->vectors(), mean.result().vectors);
  EXPECT_NEAR(last->volume(), volume, 1e-9 * volume);
}

TEST_F(Determinism, FinishedRunStartedAgainDoesNothing) {
  const auto whole = run({.potential = *potential, .input = input, .options = options});
  const auto again =
      run({.potential = *potential, .input = input, .options = options, .restart = whole->sink.checkpoints.back()});
  EXPECT_EQ(again->outcome.status, RunStatus::finished);
  EXPECT_EQ(again->outcome.first_step, again->outcome.last_step);
  EXPECT_EQ(exact_text(again->outcome.final_state), exact_text(whole->outcome.final_state));
}

}  // namespace haven::testing
