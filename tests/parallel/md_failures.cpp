#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <limits>

#include "core/error.hpp"
#include "parallel/md_world.hpp"
#include "support/md_fixtures.hpp"

// One rank fails; all ranks must report the same error at the same step and nobody may wait for ever.
namespace haven::testing {
namespace {

std::string error_of(const RunSetup& setup, ExitCode* code = nullptr) {
  try {
    (void)run_on(world(), setup);
  } catch (const Error& error) {
    if (code != nullptr) *code = error.exit_code();
    return error.what();
  }
  return "no error";
}

void expect_same_everywhere(std::string text) {
  std::string roots = text;
  broadcast(world(), roots);
  EXPECT_EQ(text, roots);
}

/// T42: the damage happens on rank k alone, for every k. All ranks must end with the same words and code.
void expect_same_end_whoever_fails(FaultyPotential::Damage damage, int at_call, ExitCode code,
                                   const std::string& words) {
  const auto inner = argon();
  for (int k = 0; k < world().size(); ++k) {
    FaultyPotential potential(*inner);
    if (world().rank() == k) {
      potential.damage = damage;
      potential.at_call = at_call;
    }
    ExitCode found{};
    const std::string text = error_of({.potential = potential,
                                       .input = input_for(triclinic_argon(4)),
                                       .options = options_for({nvt_stage(80, 50, 200)})},
                                      &found);
    EXPECT_EQ(found, code) << "rank " << k;
    EXPECT_NE(text.find(words), std::string::npos) << "rank " << k << ": " << text;
    expect_same_everywhere(text);
  }
}

}  // namespace

TEST(OneRankFails, PotentialGivesNoFiniteNumber) {
  expect_same_end_whoever_fails(FaultyPotential::Damage::not_finite, 12, ExitCode::guard, "step 11");
}

TEST(OneRankFails, PositionIsNotANumber) {
  expect_same_end_whoever_fails(FaultyPotential::Damage::nan_position, 12, ExitCode::guard, "step 11");
}

TEST(OneRankFails, MemoryIsExhausted) {
  expect_same_end_whoever_fails(FaultyPotential::Damage::bad_alloc, 5, ExitCode::resource, "memory is exhausted");
}

/// T47: each signal, and to each rank alone.
TEST(OneRankIsSignalled, AllStopAtTheSameStepAndTheRunGoesOn) {
  const auto inner = argon();
  const MdInput input = input_for(triclinic_argon(3));
  const MdOptions options = options_for({nvt_stage(80, 50, 200)});
  const auto whole = run({.potential = *inner, .input = input, .options = options});
  constexpr std::array<int, 4> signals{SIGTERM, SIGINT, SIGUSR1, SIGUSR2};
  for (int k = 0; k < std::max(4, world().size()); ++k) {
    FaultyPotential potential(*inner);
    if (world().rank() == k % world().size()) {
      potential.damage = FaultyPotential::Damage::signal;
      potential.number = signals[static_cast<std::size_t>(k % 4)];
      potential.at_call = 40;  // the first is that of step 0
    }
    const auto stopped = run_on(world(), {.potential = potential, .input = input, .options = options});
    EXPECT_EQ(stopped->outcome.status, RunStatus::stopped);
    EXPECT_EQ(stopped->outcome.last_step, 39);
    EXPECT_NE(stopped->outcome.reason.find("signal"), std::string::npos);
    if (!world().is_root()) continue;
    const auto rest =
        run({.potential = *inner, .input = input, .options = options, .restart = stopped->sink.checkpoints.back()});
    EXPECT_EQ(exact_text(rest->outcome.final_state), exact_text(whole->outcome.final_state));
  }
}

TEST(OneRankFails, SinkOnRankZero) {
  const auto potential = argon();
  auto stage = nvt_stage(80, 50, 200);
  stage.trajectory_interval = 10;
  ExitCode code{};
  const std::string text = error_of({.potential = *potential,
                                     .input = input_for(triclinic_argon(3)),
                                     .options = options_for({stage}),
                                     .on_frame =
                                         [](const TrajectoryFrame& frame) {
                                           if (frame.step == 30) throw IoError("no space left", "traj.h5", 28);
                                         }},
                                    &code);
  EXPECT_EQ(code, ExitCode::resource);
  EXPECT_NE(text.find("traj.h5"), std::string::npos) << text;
  expect_same_everywhere(text);
}

/// T61: positions and velocities of the input, and those of a restart.
TEST(OneRankFails, NumbersThatAreNoneAreRefusedOnAllRanks) {
  const auto potential = argon();
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const MdInput good = input_for(triclinic_argon(2));
  MdOptions options = options_for({nve_stage(80, 20)});
  const auto expect_refusal = [&](const MdInput& input, const std::optional<SimulationState>& restart) {
    ExitCode code{};
    expect_same_everywhere(
        error_of({.potential = *potential, .input = input, .options = options, .restart = restart}, &code));
    EXPECT_EQ(code, ExitCode::rejected);
  };
  MdInput position = good, velocity = good;
  position.structure.positions[7].y = nan;
  expect_refusal(position, std::nullopt);
  const SimulationState state = run({.potential = *potential, .input = good, .options = options})->outcome.final_state;
  SimulationState at = state, speed = state;
  at.positions[3].x = speed.velocities[5].z = nan;
  expect_refusal(good, at);
  expect_refusal(good, speed);
  velocity.structure.velocities = state.velocities;
  velocity.structure.velocities[31].x = nan;
  options.initial_velocities = InitialVelocities::from_structure;
  expect_refusal(velocity, std::nullopt);
}

/// T64: all ranks stop with the same words when a cell collapses, slowly or within a step.
TEST(OneRankFails, CollapsingCellStopsAllRanks) {
  const IdealGas gas;
  const auto solid = argon();
  const auto expect_stop = [](const Potential& potential, BarostatOptions barostat, const std::string& words) {
    barostat.bulk_modulus_gpa = 2;
    MdOptions options = options_for({npt_stage(80, barostat, 4000)});
    options.thermo_interval = 1;
    options.guards.max_volume_factor = 2;
    options.guards.max_force = 0;
    options.guards.max_temperature_factor = 0;
    ExitCode code{};
    const std::string text =
        error_of({.potential = potential, .input = input_for(argon_crystal(3)), .options = options}, &code);
    EXPECT_EQ(code, ExitCode::guard);
    EXPECT_NE(text.find(words), std::string::npos) << text;
    expect_same_everywhere(text);
  };
  expect_stop(gas, {.pressure_gpa = 1, .tau_fs = 200}, "collapses or evaporates");
  expect_stop(*solid, {.pressure_gpa = 1e6, .tau_fs = 200}, "in one step");
}

TEST(OneRankFails, GuardNamesTheSameAtomOnAllRanks) {
  const auto potential = argon();
  MdOptions options = options_for({nve_stage(3000, 400000)});
  options.timestep_fs = 200;
  ExitCode code{};
  const std::string text =
      error_of({.potential = *potential, .input = input_for(triclinic_argon(3)), .options = options}, &code);
  EXPECT_EQ(code, ExitCode::guard);
  EXPECT_NE(text.find("(Ar)"), std::string::npos) << text;
  expect_same_everywhere(text);
}

}  // namespace haven::testing
