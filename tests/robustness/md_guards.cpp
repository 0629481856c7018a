#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "core/error.hpp"
#include "io/checkpoint.hpp"
#include "io/run_files.hpp"
#include "io/trajectory.hpp"
#include "md/watchdog.hpp"
#include "potentials/pair/lennard_jones.hpp"
#include "support/every_potential.hpp"
#include "support/file_bytes.hpp"
#include "support/md_fixtures.hpp"
#include "support/shared_data.hpp"

namespace haven::testing {
namespace {

/// The error a run ends with, and what its sink had received until then.
struct Failure {
  ExitCode code = ExitCode::ok;
  std::string text;
  RecordingSink sink;
};

std::unique_ptr<Failure> failure_of(const RunSetup& setup) {
  auto failure = std::make_unique<Failure>();
  failure->sink.on_frame = setup.on_frame;
  const auto group = make_serial_communicator();
  StopRequest stop;
  Log log;
  try {
    (void)run_md(setup.potential, setup.input, setup.options, setup.restart,
                 {.group = *group, .sink = &failure->sink, .stop = stop, .log = log});
  } catch (const Error& error) {
    failure->code = error.exit_code();
    failure->text = error.what();
  }
  return failure;
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

/// The last event is the crash, says by which guard, and everything written is finite.
void expect_clean_crash(const Failure& failure, const std::string& guard) {
  EXPECT_EQ(failure.code, ExitCode::guard) << failure.text;
  ASSERT_FALSE(failure.sink.events.empty());
  EXPECT_TRUE(contains(failure.sink.events.back(), R"({"event":"crash","guard":")" + guard + '"'))
      << failure.sink.events.back();
  for (const auto& row : failure.sink.rows)
    EXPECT_TRUE(std::isfinite(row.conserved) && std::isfinite(row.pressure_gpa));
  for (const auto& frame : failure.sink.frames)
    for (const Vec3& r : frame.positions) EXPECT_TRUE(is_finite(r));
  for (const auto& state : failure.sink.checkpoints)
    for (const Vec3& v : state.velocities) EXPECT_TRUE(is_finite(v));
}

}  // namespace

TEST(Guards, RefusesOverlapBeforeStepZeroAndNamesThePair) {
  const auto potential = argon();
  Structure structure = argon_crystal(3);
  structure.positions[70] = structure.positions[12] + Vec3{0.05, 0, 0};
  const auto failure =
      failure_of({.potential = *potential, .input = input_for(structure), .options = options_for({nve_stage(80, 20)})});
  EXPECT_EQ(failure->code, ExitCode::rejected);
  EXPECT_TRUE(contains(failure->text, "atoms 12 (Ar) and 70 (Ar) are 0.0500 A apart")) << failure->text;
  EXPECT_TRUE(failure->sink.calls.empty());
}

TEST(Guards, RefusesTwoAtomsAtOnePlaceEvenWithoutTheOverlapGuard) {
  const auto potential = argon();
  Structure structure = argon_crystal(3);
  structure.positions[70] = structure.positions[12];
  MdOptions options = options_for({nve_stage(80, 20)});
  auto failure = failure_of({.potential = *potential, .input = input_for(structure), .options = options});
  EXPECT_EQ(failure->code, ExitCode::rejected);
  EXPECT_TRUE(contains(failure->text, "atoms 12 (Ar) and 70 (Ar) are 0.0000 A apart")) << failure->text;
  options.guards.overlap_distance = 0;
  failure = failure_of({.potential = *potential, .input = input_for(structure), .options = options});
  expect_clean_crash(*failure, "not_finite");
  EXPECT_TRUE(contains(failure->text, "step 0, atom 12 (Ar)")) << failure->text;
}

TEST(Guards, SeesOverlapWithAnImage) {
  const auto potential = argon();
  Structure structure{
      .cell = Cell(10 * Mat3::identity()), .numbers = {18, 18}, .positions = {{0.02, 5, 5}, {9.9, 5, 5}}};
  EXPECT_EQ(
      failure_of({.potential = *potential, .input = input_for(structure), .options = options_for({nve_stage(80, 20)})})
          ->code,
      ExitCode::rejected);
}

TEST(Guards, SayThatACellLowerThanTheCutOffLetsAtomsActOnTheirOwnImages) {
  const auto potential = argon();
  const auto logged = [&](int cells) {
    const TemporaryFolder folder;
    Log log;
    log.open_file(folder.file("log"));
    const auto group = make_serial_communicator();
    StopRequest stop;
    RecordingSink sink;
    (void)run_md(*potential, input_for(argon_crystal(cells)), options_for({nve_stage(80, 1)}), std::nullopt,
                 {.group = *group, .sink = &sink, .stop = stop, .log = log});
    return bytes_of(folder.file("log"));
  };
  EXPECT_TRUE(contains(logged(1), "MD006"));
  EXPECT_TRUE(contains(logged(1), "3 x 3 x 3 cells")) << logged(1);  // 5.4 A, cut-off 6 A
  EXPECT_FALSE(contains(logged(2), "MD006"));
}

TEST(Guards, ExplosionStopsWithinTenStepsAndKeepsTheLastCheckpoint) {
  const auto potential = argon();
  auto stage = nve_stage(90, 1e6);
  stage.trajectory_interval = 1;
  MdOptions options = options_for({stage});
  options.timestep_fs = 500;  // for argon what 50 fs is for a solid electrolyte
  options.checkpoint_interval = 1;
  options.thermo_interval = 1;
  const auto failure =
      failure_of({.potential = *potential, .input = input_for(triclinic_argon(3)), .options = options});
  EXPECT_EQ(failure->code, ExitCode::guard);
  EXPECT_TRUE(contains(failure->text, "step ") && contains(failure->text, "(Ar) at (")) << failure->text;
  expect_clean_crash(*failure, "max_step_displacement");
  EXPECT_LE(failure->sink.rows.size(), 10u);
}

/// T60 as users meet it: light ions, 50 fs. Everything in the files is a number, and the frames before are all there.
TEST(Guards, ExplosionLeavesFilesWithoutASingleNan) {
  const auto potential = make_lennard_jones(
      {.elements = {3}, .pairs = {{.epsilon = 0.15, .sigma = 2.6}}, .cutoff = 6.0, .switch_start = 5.0});
  Structure structure = argon_crystal(3, 4.1);
  structure.numbers.assign(structure.numbers.size(), 3);
  auto stage = nvt_stage(20, 100, 1e6);  // slow at first: it is the timestep that is wrong
  stage.trajectory_interval = 1;
  stage.store_velocities = true;
  MdOptions options = options_for({stage});
  options.timestep_fs = 50;
  options.checkpoint_interval = 1;
  options.thermo_interval = 5;  // the guards of every step have to see it
  const TemporaryFolder folder;
  PosixFileSystem files;
  Log log;
  RunFiles sink(files, RunLock(files, folder.path().string(), log), std::nullopt);
  const auto group = make_serial_communicator();
  StopRequest stop;
  const MdInput input = input_for(structure, 6.94);
  std::string text;
  try {
    static_cast<void>(
        run_md(*potential, input, options, std::nullopt, {.group = *group, .sink = &sink, .stop = stop, .log = log}));
  } catch (const NumericalError& error) {
    text = error.what();
  }
  sink.finish();
  ASSERT_TRUE(contains(text, "(Li) at (")) << text;
  const auto step = std::stoll(text.substr(text.find("step ") + 5));
  EXPECT_LE(step, 10) << text;
  TrajectoryReader reader(folder.path().string());
  EXPECT_EQ(reader.frames(), step) << "the last good frame is that of the step before";
  TrajectoryFrame frame;
  while (reader.next(frame))
    for (std::size_t i = 0; i < frame.positions.size(); ++i)
      EXPECT_TRUE(is_finite(frame.positions[i]) && is_finite(frame.velocities[i])) << "frame " << frame.step;
  EXPECT_TRUE(reader.rejected().empty());
  const auto state = read_newest_checkpoint(folder.path().string(), log);
  ASSERT_TRUE(state.has_value());
  EXPECT_EQ(state->step, step - 1);
  for (std::size_t i = 0; i < state->positions.size(); ++i)
    EXPECT_TRUE(is_finite(state->positions[i]) && is_finite(state->velocities[i]));
  for (const char* name : {"thermo.csv", "events.jsonl"}) {
    const std::string content = bytes_of(folder.file(name));
    EXPECT_FALSE(content.empty()) << name;
    for (const char* word : {"nan", "NaN", "inf"}) EXPECT_FALSE(contains(content, word)) << name << "\n" << content;
  }
}

TEST(Guards, LargeForceNamesAtomAndStep) {
  const auto potential = argon();
  Structure structure = argon_crystal(3);
  structure.positions[5] += Vec3{0.9, 0.9, 0};
  MdOptions options = options_for({nve_stage(80, 20)});
  options.guards.max_force = 1.0;
  const auto failure = failure_of({.potential = *potential, .input = input_for(structure), .options = options});
  expect_clean_crash(*failure, "max_force");
  EXPECT_TRUE(contains(failure->text, "step 0, atom ")) << failure->text;
}

TEST(Guards, NotFiniteForceIsFoundInTheSameStep) {
  const auto inner = argon();
  FaultyPotential potential(*inner);
  potential.damage = FaultyPotential::Damage::not_finite;
  potential.at_call = 8;  // the first is the evaluation at step 0
  const auto failure = failure_of(
      {.potential = potential, .input = input_for(argon_crystal(2)), .options = options_for({nvt_stage(80, 50, 200)})});
  expect_clean_crash(*failure, "not_finite");
  EXPECT_TRUE(contains(failure->text, "step 7, atom 0 (Ar)")) << failure->text;
}

/// T61: wherever a number goes wrong, the run ends in that step.
TEST(Guards, NotFinitePositionThatThePotentialSeesIsFoundInTheSameStep) {
  for (const PotentialCase& c : every_potential()) {
    SCOPED_TRACE(c.name);
    const auto inner = c.make();
    FaultyPotential potential(*inner);
    potential.damage = FaultyPotential::Damage::nan_position;
    potential.at_call = 4;
    MdOptions options = options_for({nvt_stage(300, 20, 20)});
    options.timestep_fs = 0.5;
    options.guards = guards_for_random_weights();
    const auto failure =
        failure_of({.potential = potential, .input = input_for(structure_for(c, 1, 24), 10), .options = options});
    expect_clean_crash(*failure, "not_finite");
    EXPECT_TRUE(contains(failure->text, "step 3, atom ")) << failure->text;
  }
}

TEST(Guards, NotFinitePositionOrVelocityIsFoundInTheSameStep) {
  const Structure structure = argon_crystal(1);
  const auto n = structure.positions.size();
  const AtomTable table{.numbers = structure.numbers,
                        .species = std::vector<int>(n, 0),
                        .masses = std::vector<double>(n, 40),
                        .acceleration = std::vector<double>(n, 1),
                        .reference = structure.positions};
  const MdOptions options = options_for({nve_stage(80, 20)});
  const auto group = make_serial_communicator();
  Agreement agreement(*group);
  Watchdog watchdog(*group, agreement, {.table = table, .options = options, .host = {}});
  Dynamics good;
  good.cell = structure.cell;
  for (std::size_t id = 0; id < n; ++id)
    good.atoms.add_owned(table, static_cast<AtomId>(id), structure.positions[id], {1e-3, 0, 0});
  good.atoms.list_positions = structure.positions;
  good.atoms.forces.resize(n);
  EXPECT_FALSE(watchdog.check_motion(good, Mat3::identity()).finding);
  EXPECT_FALSE(watchdog.check_step(good, false, false).finding);
  const auto expect_found = [](const std::optional<Finding>& finding) {
    ASSERT_TRUE(finding);
    EXPECT_EQ(finding->guard, "not_finite");
    EXPECT_EQ(finding->atom, 2);
  };
  for (const double bad : {std::nan(""), std::numeric_limits<double>::infinity()})
    for (int k = 0; k < 3; ++k) {
      Dynamics moved = good, kicked = good;
      moved.atoms.positions[2][k] = bad;
      kicked.atoms.velocities[2][k] = bad;
      expect_found(
          watchdog.check_motion(moved, Mat3::identity()).finding);  // before forces: nothing has used the position yet
      expect_found(watchdog.check_motion(kicked, Mat3::identity()).finding);
      expect_found(watchdog.check_step(kicked, false, false).finding);  // after forces: before it could be written
    }
}

TEST(Guards, NotFiniteInputIsRefused) {
  const auto potential = argon();
  const double nan = std::nan("");
  const auto code_of = [&](auto damage) {
    MdInput input = input_for(argon_crystal(2));
    input.structure.velocities.assign(input.structure.positions.size(), Vec3{});
    damage(input);
    MdOptions options = options_for({nve_stage(80, 20)});
    options.initial_velocities = InitialVelocities::from_structure;
    return failure_of({.potential = *potential, .input = input, .options = options})->code;
  };
  EXPECT_EQ(code_of([&](MdInput&) {}), ExitCode::ok);
  EXPECT_EQ(code_of([&](MdInput& in) { in.structure.positions[3].z = nan; }), ExitCode::rejected);
  EXPECT_EQ(code_of([&](MdInput& in) { in.structure.positions[3].z = 1e300; }), ExitCode::rejected);
  EXPECT_EQ(code_of([&](MdInput& in) { in.structure.velocities[3].x = nan; }), ExitCode::rejected);
  EXPECT_EQ(code_of([&](MdInput& in) { in.masses[3] = nan; }), ExitCode::rejected);
  EXPECT_EQ(code_of([&](MdInput& in) { in.masses[3] = 0; }), ExitCode::rejected);
  EXPECT_EQ(code_of([&](MdInput& in) { in.structure.numbers[3] = 3; }), ExitCode::rejected);
  EXPECT_EQ(code_of([&](MdInput& in) { in.frozen = {32}; }), ExitCode::rejected);
  EXPECT_EQ(code_of([&](MdInput& in) { in.structure.positions.pop_back(); }), ExitCode::rejected);
}

TEST(Guards, UnknownElementListsTheTrainedOnes) {
  const auto potential = argon();
  MdInput input = input_for(argon_crystal(2));
  input.structure.numbers[3] = 3;
  const auto failure =
      failure_of({.potential = *potential, .input = input, .options = options_for({nve_stage(80, 20)})});
  EXPECT_TRUE(contains(failure->text, "not trained for Li (atom 3); it knows Ar")) << failure->text;
}

TEST(Guards, TemperatureLimitCountsFromTheTarget) {
  const auto potential = argon();
  MdOptions options = options_for({nvt_stage(10, 1e9, 4000)});
  options.guards.max_temperature_factor = 1.1;
  Structure structure = triclinic_argon(3, 0.45);  // its potential energy heats it far above 10 K
  expect_clean_crash(*failure_of({.potential = *potential, .input = input_for(structure), .options = options}),
                     "max_temperature");
}

TEST(Guards, TemperatureLimitAllowsACoolingStage) {
  const auto potential = argon();
  MdOptions options = options_for({nvt_stage(90, 20, 400), nvt_stage(20, 50, 400)});
  EXPECT_EQ(failure_of({.potential = *potential, .input = input_for(triclinic_argon(3)), .options = options})->code,
            ExitCode::ok);
}

TEST(Guards, TrainedMinimumDistanceStopsAndNamesThePair) {
  const auto potential = argon(6.0, 4.0);  // "trained" no nearer than 4 A: the crystal's 3.8 A pass at 0.8, not at 0.97
  MdOptions options = options_for({nve_stage(10, 40)});
  EXPECT_EQ(failure_of({.potential = *potential, .input = input_for(argon_crystal(3)), .options = options})->code,
            ExitCode::ok);
  options.guards.minimum_distance_factor = 0.97;
  const auto failure = failure_of({.potential = *potential, .input = input_for(argon_crystal(3)), .options = options});
  expect_clean_crash(*failure, "minimum_distance");
  EXPECT_TRUE(contains(failure->text, "below the limit of 3.880 A")) << failure->text;
}

TEST(Guards, MeltingHostStopsOrIsFlaggedOnce) {
  const IdealGas gas;  // nothing holds the host
  MdInput input = input_for(argon_crystal(3));
  MdOptions options = options_for({nve_stage(300, 20000)});
  options.guards.mobile_elements = {3};
  options.guards.energy_drift = 0;
  options.guards.overlap_distance = 0;
  const auto failure = failure_of({.potential = gas, .input = input, .options = options});
  expect_clean_crash(*failure, "host_msd");
  EXPECT_TRUE(contains(failure->text, "0.25 of its spacing of 3.82 A")) << failure->text;
  options.guards.host = GuardAction::flag;
  const auto flagged = run({.potential = gas, .input = input, .options = options});
  EXPECT_EQ(std::count_if(flagged->sink.events.begin(), flagged->sink.events.end(),
                          [](const auto& e) { return contains(e, "host_msd"); }),
            1);
  options.guards.mobile_elements = {18};  // everything moves: no host, no guard
  options.guards.host = GuardAction::stop;
  EXPECT_EQ(failure_of({.potential = gas, .input = input, .options = options})->code, ExitCode::ok);
}

TEST(Guards, EnergyDriftStopsNveAndIsFlaggedInNvt) {
  /// A potential whose energy leaks at a given rate, as one with discontinuities does.
  class Leaking final : public Potential {
   public:
    Leaking(const Potential& inner, double per_call) : inner_(inner), per_call_(per_call) {}
    const Requirements& requirements() const override { return inner_.requirements(); }
    void evaluate(const LocalAtoms& atoms, const NeighbourView& list, Wanted wanted, Evaluation& out) const override {
      inner_.evaluate(atoms, list, wanted, out);
      out.energy.add(per_call_ * static_cast<double>(++calls_));
    }
    std::string description() const override { return "leaking"; }

   private:
    const Potential& inner_;
    double per_call_;
    mutable int calls_ = 0;
  };
  const auto inner = argon();
  const MdInput input = input_for(triclinic_argon(2));
  MdOptions options = options_for({nve_stage(60, 4000)});
  options.thermo_interval = 5;
  EXPECT_EQ(failure_of({.potential = *inner, .input = input, .options = options})->code, ExitCode::ok);
  // 0.1 eV/atom/ns for 32 atoms and steps of 2 fs: ten times the limit.
  const auto leaking = [&](double rate) { return Leaking(*inner, rate * 32 * 2e-6); };
  options.stages = {nve_stage(60, 20000)};
  expect_clean_crash(*failure_of({.potential = leaking(0.1), .input = input, .options = options}), "energy_drift");
  options.stages = {nvt_stage(60, 100, 20000)};
  const auto flagged = failure_of({.potential = leaking(0.1), .input = input, .options = options});
  EXPECT_EQ(flagged->code, ExitCode::ok);
  EXPECT_TRUE(contains(flagged->sink.events.at(1), R"({"event":"warning","guard":"energy_drift")"));
  const std::string& end = flagged->sink.events.at(2);  // the stage ends with its drift
  EXPECT_NEAR(std::stod(end.substr(end.find("drift_eV_per_atom_ns") + 22)), 0.1, 0.01) << end;
  // Half the limit is too slow for that, but 0.1 ns of it without a bath change 60 K by 2 K.
  options.stages = {nve_stage(60, 100000)};
  const auto heated = failure_of({.potential = leaking(5e-3), .input = input, .options = options});
  EXPECT_EQ(heated->code, ExitCode::ok);
  EXPECT_TRUE(contains(heated->sink.events.at(1), R"({"event":"warning","guard":"heating")"));
  options.stages = {nvt_stage(60, 100, 20000)};
  const auto cooled = failure_of({.potential = leaking(5e-3), .input = input, .options = options});
  EXPECT_EQ(cooled->sink.events.size(), 2U);
}

TEST(Guards, ExtrapolationIsFlaggedOncePerStageAndCountedOrStops) {
  class Outside final : public Potential {
   public:
    explicit Outside(const Potential& inner) : inner_(inner) {}
    const Requirements& requirements() const override { return inner_.requirements(); }
    void evaluate(const LocalAtoms& atoms, const NeighbourView& list, Wanted wanted, Evaluation& out) const override {
      inner_.evaluate(atoms, list, wanted, out);
      out.extrapolating = 3;
    }
    std::string description() const override { return "outside"; }

   private:
    const Potential& inner_;
  };
  const auto inner = argon();
  const Outside potential(*inner);
  MdOptions options = options_for({nve_stage(80, 400), nve_stage(80, 400)});
  const auto result = run({.potential = potential, .input = input_for(argon_crystal(2)), .options = options});
  EXPECT_EQ(std::count_if(result->sink.events.begin(), result->sink.events.end(),
                          [](const auto& e) { return contains(e, R"("guard":"extrapolation")"); }),
            2);
  EXPECT_EQ(result->outcome.extrapolating_rows, 10);
  EXPECT_EQ(result->sink.rows.front().extrapolating, 3);
  ASSERT_EQ(result->sink.candidates.size(), 2U);  // frames for labelling are half a picosecond apart
  EXPECT_EQ(result->sink.candidates[0].step, 0);
  EXPECT_EQ(result->sink.candidates[1].step, 200);
  EXPECT_EQ(result->sink.candidates[0].positions, argon_crystal(2).positions);
  options.guards.extrapolation = GuardAction::stop;
  expect_clean_crash(*failure_of({.potential = potential, .input = input_for(argon_crystal(2)), .options = options}),
                     "extrapolation");
}

TEST(Restart, RefusesWhatDoesNotBelongToTheRun) {
  const auto potential = argon();
  const MdInput input = input_for(argon_crystal(2));
  const MdOptions options = options_for({nve_stage(80, 40)});
  const SimulationState good = run({.potential = *potential, .input = input, .options = options})->outcome.final_state;
  const auto text_of = [&](auto damage) {
    SimulationState state = good;
    damage(state);
    const auto failure = failure_of({.potential = *potential, .input = input, .options = options, .restart = state});
    EXPECT_EQ(failure->code, ExitCode::rejected) << failure->text;
    return failure->text;
  };
  EXPECT_TRUE(contains(text_of([](SimulationState& s) { s.model_hash = "other"; }),
                       "belongs to model other, the run uses model"));
  EXPECT_TRUE(contains(text_of([](SimulationState& s) { s.input_hash = "other"; }), "input hash other, now input"));
  EXPECT_TRUE(contains(text_of([](SimulationState& s) { s.numbers.pop_back(); }), "has 31 atoms, the structure 32"));
  EXPECT_TRUE(contains(text_of([](SimulationState& s) { s.numbers[0] = 10; }), "elements differ"));
  EXPECT_TRUE(contains(text_of([](SimulationState& s) { s.masses[0] = 10; }), "masses differ"));
  EXPECT_TRUE(contains(text_of([](SimulationState& s) { s.seed = 99; }), "seed 99"));
  EXPECT_TRUE(contains(text_of([](SimulationState& s) { s.stage = 3; }), "stage 3"));
  EXPECT_TRUE(contains(text_of([](SimulationState& s) { s.velocities.pop_back(); }), "incomplete"));
  EXPECT_TRUE(contains(text_of([](SimulationState& s) { s.positions[4].x = std::nan(""); }), "atom 4"));
  EXPECT_TRUE(contains(text_of([](SimulationState& s) { s.velocities[4].x = std::nan(""); }), "atom 4"));
  EXPECT_TRUE(contains(text_of([](SimulationState& s) { s.variables.clear(); }), "guard variables"));
}

TEST(LeavingAtoms, FlyOnAlongAnOpenAxis) {
  const IdealGas gas;
  Structure structure{.cell = Cell(10 * Mat3::identity(), {true, true, false}),
                      .numbers = {18, 18},
                      .positions = {{1, 1, 1}, {5, 5, 5}}};
  structure.velocities = {{0, 0, -0.02}, {0.03, 0, 0.02}};
  MdInput input = input_for(structure);
  MdOptions options = options_for({nve_stage(0, 4000)});
  options.initial_velocities = InitialVelocities::from_structure;
  input.frozen = {};
  const auto state = run({.potential = gas, .input = input, .options = options})->outcome.final_state;
  EXPECT_NEAR(state.positions[0].z, 1 - 0.02 * 4000, 1e-9);   // eight heights below the box
  EXPECT_NEAR(state.positions[1].x, 5 + 0.015 * 4000, 1e-9);  // unwrapped; the drift of 0.015 A/fs along x was removed
}

TEST(LeavingAtoms, AMillionCellsAwayIsTheSameCrystal) {
  const auto potential = argon();
  const Structure structure = argon_crystal(2);
  Structure far = structure;
  for (std::size_t i = 0; i < far.positions.size(); ++i)
    far.positions[i] +=
        far.cell.translation({1000000 * static_cast<std::int32_t>(i % 3), -1000000, static_cast<std::int32_t>(i)});
  MdOptions options = options_for({nve_stage(80, 200)});
  const auto near_end =
      run({.potential = *potential, .input = input_for(structure), .options = options})->outcome.final_state;
  const auto far_end = run({.potential = *potential, .input = input_for(far), .options = options})->outcome.final_state;
  for (std::size_t i = 0; i < far.positions.size(); ++i)  // coordinates of 1e7 A resolve 2e-9 A
    EXPECT_LT(norm((far_end.positions[i] - far.positions[i]) - (near_end.positions[i] - structure.positions[i])), 1e-6);
}

TEST(Sink, FailingFrameEndsTheRunAndNothingIsWrittenAfterIt) {
  const auto potential = argon();
  auto stage = nvt_stage(80, 50, 400);
  stage.trajectory_interval = 10;
  MdOptions options = options_for({stage});
  options.checkpoint_interval = 20;
  const auto failure = failure_of({.potential = *potential,
                                   .input = input_for(argon_crystal(2)),
                                   .options = options,
                                   .on_frame = [](const TrajectoryFrame& frame) {
                                     if (frame.step == 60) throw IoError("cannot write", "traj.h5", 28);
                                   }});
  EXPECT_EQ(failure->code, ExitCode::resource);
  EXPECT_TRUE(contains(failure->text, "traj.h5"));
  EXPECT_EQ(failure->sink.checkpoints.back().step, 40);
  EXPECT_EQ(failure->sink.frames.back().step, 60);
}

TEST(Trajectory, StoresChosenElementsAtItsInterval) {
  const IdealGas gas;
  auto stage = nve_stage(80, 100);
  stage.trajectory_interval = 20;
  stage.store_velocities = true;
  stage.stored_elements = {18};
  const auto all = run({.potential = gas, .input = input_for(argon_crystal(1)), .options = options_for({stage})});
  ASSERT_EQ(all->sink.frames.size(), 3u);
  EXPECT_EQ(all->sink.frames[2].step, 40);
  EXPECT_EQ(all->sink.frames[2].positions.size(), 4u);
  EXPECT_EQ(all->sink.frames[2].velocities.size(), 4u);
  stage.stored_elements = {3};
  stage.store_velocities = false;
  const auto none = run({.potential = gas, .input = input_for(argon_crystal(1)), .options = options_for({stage})});
  EXPECT_TRUE(none->sink.frames[2].positions.empty());
}

}  // namespace haven::testing
