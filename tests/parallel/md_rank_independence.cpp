#include <gtest/gtest.h>

#include <algorithm>

#include "core/error.hpp"
#include "core/rng.hpp"
#include "io/checkpoint.hpp"
#include "io/run_files.hpp"
#include "io/trajectory.hpp"
#include "md/force_engine.hpp"
#include "parallel/md_world.hpp"
#include "potentials/registry.hpp"
#include "support/every_potential.hpp"
#include "support/file_bytes.hpp"
#include "support/md_fixtures.hpp"
#include "support/shared_data.hpp"
#include "support/structures.hpp"
#include "support/unsynced_file_system.hpp"

// Rank 0 alone makes the serial reference and compares it with what the parallel run gave it, bit by bit.
namespace haven::testing {
namespace {

MdOptions two_stages() {
  auto equilibrate = nvt_stage(80, 50, 200), produce = nve_stage(80, 200);
  equilibrate.temperature = {80, 120};
  equilibrate.trajectory_interval = 20;
  produce.trajectory_interval = 10;
  produce.store_velocities = true;
  produce.correlator_interval = 2;
  MdOptions options = options_for({equilibrate, produce});
  options.thermo_interval = 25;
  options.checkpoint_interval = 30;
  options.guards.mobile_elements = {18};
  return options;
}

/// Constant pressure in a cell that may change its shape, then production in its mean cell.
MdOptions pressure_then_production() {
  StageOptions equilibrate =
      npt_stage(80, {.pressure_gpa = 0.3, .shape = CellShape::triclinic, .tau_fs = 100, .bulk_modulus_gpa = 3}, 300);
  StageOptions produce = nve_stage(80, 100);
  produce.mean_cell_of = equilibrate.name;
  equilibrate.trajectory_interval = produce.trajectory_interval = 10;
  MdOptions options = options_for({equilibrate, produce});
  options.thermo_interval = 25;
  options.checkpoint_interval = 30;
  return options;
}

void expect_same_run(const MdRun& parallel, const MdRun& serial) {
  EXPECT_EQ(parallel.outcome.last_step, serial.outcome.last_step);
  EXPECT_EQ(exact_text(parallel.outcome.final_state), exact_text(serial.outcome.final_state));
  EXPECT_EQ(parallel.sink.calls, serial.sink.calls);
  ASSERT_EQ(parallel.sink.transport.size(), serial.sink.transport.size());
  for (std::size_t k = 0; k < serial.sink.transport.size(); ++k) {
    EXPECT_EQ(parallel.sink.transport[k].tracer, serial.sink.transport[k].tracer);
    EXPECT_EQ(parallel.sink.transport[k].collective, serial.sink.transport[k].collective);
  }
  ASSERT_EQ(parallel.sink.checkpoints.size(), serial.sink.checkpoints.size());
  for (std::size_t k = 0; k < serial.sink.checkpoints.size(); ++k)
    EXPECT_EQ(exact_text(parallel.sink.checkpoints[k]), exact_text(serial.sink.checkpoints[k]));
}

void expect_rank_independence(const RunSetup& setup) {
  const auto parallel = run_on(world(), setup);
  if (world().is_root()) expect_same_run(*parallel, *run(setup));
}

/// The data of a run's files: frames and table of thermodynamic rows.
struct FileContents {
  std::vector<TrajectoryFrame> frames;
  std::string thermo, checkpoint;
};

FileContents contents_of(const std::string& folder) {
  FileContents contents;
  TrajectoryReader reader(folder);
  for (const std::string& stage : reader.stages()) {
    reader.select_stage(stage);
    TrajectoryFrame frame;
    while (reader.next(frame)) contents.frames.push_back(frame);
  }
  contents.thermo = bytes_of(folder + "/thermo.csv");
  contents.checkpoint = exact_text(read_checkpoint(folder + "/" + checkpoint_name));
  return contents;
}

void run_into_files(Communicator& group, const RunSetup& setup, const std::string& folder) {
  UnsyncedFileSystem files;
  Log log;
  std::unique_ptr<RunFiles> sink;
  if (group.is_root()) sink = std::make_unique<RunFiles>(files, RunLock(files, folder, log), std::nullopt);
  StopRequest stop;
  static_cast<void>(run_md(setup.potential, setup.input, setup.options, setup.restart,
                           {.group = group, .sink = sink.get(), .stop = stop, .log = log}));
  if (sink) sink->finish();
}

}  // namespace

/// T30: 200 steps of every ensemble.
TEST(RankIndependence, TriclinicCrystalInEveryEnsemble) {
  const auto potential = argon();
  for (StageOptions stage : every_ensemble(80, 400)) {
    SCOPED_TRACE(stage.name);
    stage.trajectory_interval = 20;
    MdOptions options = options_for({stage});
    options.thermo_interval = 10;
    options.checkpoint_interval = 50;
    expect_rank_independence({.potential = *potential, .input = input_for(triclinic_argon(4)), .options = options});
  }
}

/// T30: what lies in the files is the same too.
TEST(RankIndependence, DataInTheFiles) {
  const auto potential = argon();
  const RunSetup setup{.potential = *potential, .input = input_for(triclinic_argon(3)), .options = two_stages()};
  const TemporaryFolder folder;
  run_into_files(world(), setup, folder.file("parallel"));
  if (!world().is_root()) return;
  run_into_files(*make_serial_communicator(), setup, folder.file("serial"));
  const FileContents parallel = contents_of(folder.file("parallel")), serial = contents_of(folder.file("serial"));
  EXPECT_EQ(parallel.thermo, serial.thermo);
  EXPECT_EQ(parallel.checkpoint, serial.checkpoint);
  ASSERT_EQ(parallel.frames.size(), serial.frames.size());
  EXPECT_EQ(serial.frames.size(), 17U);
  for (std::size_t k = 0; k < serial.frames.size(); ++k) {
    EXPECT_EQ(parallel.frames[k].step, serial.frames[k].step);
    EXPECT_EQ(parallel.frames[k].positions, serial.frames[k].positions);
    EXPECT_EQ(parallel.frames[k].velocities, serial.frames[k].velocities);
  }
}

TEST(RankIndependence, TriclinicCrystalThroughRampAndNve) {
  const auto potential = argon();
  expect_rank_independence({.potential = *potential, .input = input_for(triclinic_argon(4)), .options = two_stages()});
}

/// Every registered potential, both precisions, through every ensemble: the promise covers what users run.
TEST(RankIndependence, EveryPotential) {
  for (const PotentialCase& c : every_potential()) {
    for (const Precision precision : {Precision::float64, Precision::mixed}) {
      if (precision == Precision::mixed && !c.model) continue;
      SCOPED_TRACE(c.name);
      const auto potential = c.model ? make_potential(c.model(), precision) : c.make();
      // 25 steps of each ensemble; in mixed precision, which shares all that is between the ranks, 8.
      std::vector<StageOptions> stages = every_ensemble(300, precision == Precision::mixed ? 0.8 : 2.5);
      for (StageOptions& stage : stages) stage.trajectory_interval = 10;
      MdOptions options = options_for(stages);
      options.timestep_fs = 0.1;  // random weights are steeper than any material
      options.skin = 0.3;
      options.guards = guards_for_random_weights();
      expect_rank_independence(
          {.potential = *potential, .input = input_for(structure_for(c, 5, 20), 10), .options = options});
    }
  }
}

/// Domains, copies and lists follow the cell, also one that is smaller than the cut-off.
TEST(RankIndependence, BreathingCellThenItsMean) {
  const auto potential = argon();
  for (const int n : {1, 3})
    expect_rank_independence(
        {.potential = *potential, .input = input_for(triclinic_argon(n, 0.05)), .options = pressure_then_production()});
}

TEST(RankIndependence, CellThatIsSmallerThanTheCutOff) {
  const auto potential = argon(6.0);
  expect_rank_independence(
      {.potential = *potential, .input = input_for(triclinic_argon(1, 0.05)), .options = two_stages()});
}

TEST(RankIndependence, LoneAtomAmongItsImages) {
  const auto potential = argon(6.0);
  Structure structure{.cell = Cell(4.5 * Mat3::identity()), .numbers = {18}, .positions = {{0.1, 0.2, 0.3}}};
  expect_rank_independence({.potential = *potential, .input = input_for(structure), .options = two_stages()});
}

/// T35: a slab, and fewer atoms than there are ranks from three ranks on, so some have none whatever the planes do.
TEST(RankIndependence, SlabInVacuumLeavesRanksEmpty) {
  const auto potential = argon();
  Structure pair = argon_slab(2, 2);
  pair.numbers.resize(2);
  pair.positions.resize(2);
  expect_rank_independence({.potential = *potential, .input = input_for(pair), .options = two_stages()});
  expect_rank_independence({.potential = *potential, .input = input_for(argon_slab(2, 2)), .options = two_stages()});
  expect_rank_independence(
      {.potential = *potential, .input = input_for(argon_slab(2, 2, {true, true, false})), .options = two_stages()});
}

/// A droplet in a corner of its cell: no grid of equal domains is even, so planes move at the first list.
TEST(RankIndependence, DropletThatMovesThePlanesBetweenDomains) {
  const auto potential = argon();
  Structure droplet = argon_crystal(3);
  droplet.cell = Cell(2.0 * droplet.cell.vectors());
  rattle(droplet, 0.1, 3);
  expect_rank_independence({.potential = *potential, .input = input_for(droplet), .options = two_stages()});
}

/// A slab in vacuum on a grid that cuts it badly.
TEST(DomainPlanes, MoveToTheAtomsOfAnUnevenSystem) {
  const auto potential = argon();
  const MdInput input = input_for(argon_slab(3, 4));
  const AtomTable table{.numbers = input.structure.numbers,
                        .species = std::vector<int>(input.structure.numbers.size(), 0),
                        .masses = input.masses,
                        .acceleration = std::vector<double>(input.structure.numbers.size(), 1),
                        .reference = input.structure.positions};
  Agreement agreement(world());
  ForceEngine engine(world(), agreement,
                     {.potential = *potential,
                      .table = table,
                      .grid = {{1, 1, world().size()}},
                      .cutoff = potential->requirements().cutoff,
                      .skin = 1});
  AtomStore atoms;
  if (world().is_root())
    for (std::size_t id = 0; id < input.structure.positions.size(); ++id)
      atoms.add_owned(table, static_cast<AtomId>(id), input.structure.positions[id], Vec3{});
  engine.rebuild(input.structure.cell, atoms);
  const auto mean = static_cast<double>(table.size()) / world().size();
  EXPECT_LE(static_cast<double>(max_over_ranks(world(), atoms.n_owned)), 1.4 * mean);  // a plane of atoms is not cut
  EXPECT_EQ(sum_over_ranks(world(), atoms.n_owned), table.size());
  EXPECT_EQ(engine.rebalances(), world().size() > 1 ? 1 : 0);
}

/// The atoms named, the deviations of a committee, and the models' different cut-offs.
TEST(RankIndependence, WhatARunSaysAboutItsModels) {
  const Structure structure = random_structure({.atoms = 60, .elements = {3, 17}, .seed = 4});
  Model model = random_model({.elements = {3, 17}, .cutoff = 4.0, .seed = 1});
  for (ModelElement& element : model.elements) element.feature_max[3] = element.feature_min[3];  // nearly all outside
  const FeatureRanges ranges(model);
  const auto potential = make_potential(model, Precision::mixed);
  std::vector<std::unique_ptr<Potential>> others;
  for (const std::uint64_t seed : {2, 3})
    others.push_back(
        make_potential(random_model({.elements = {3, 17}, .cutoff = 4.5, .seed = seed}), Precision::mixed));
  MdOptions options = options_for({nve_stage(50, 0.1)});
  options.timestep_fs = 0.01;
  options.thermo_interval = 2;
  options.guards = guards_for_random_weights();
  expect_rank_independence({.potential = *potential,
                            .input = input_for(structure),
                            .options = options,
                            .ranges = &ranges,
                            .committee = others});
}

TEST(RankIndependence, AtomsFarOutsideTheCellAtTheStart) {
  const auto potential = argon();
  Structure structure = triclinic_argon(3);
  for (std::size_t i = 0; i < structure.positions.size(); ++i)
    structure.positions[i] +=
        structure.cell.translation({static_cast<std::int32_t>(i % 7) - 3, static_cast<std::int32_t>(i % 5), -2});
  expect_rank_independence({.potential = *potential, .input = input_for(structure), .options = two_stages()});
}

TEST(RankIndependence, FrozenAtoms) {
  const auto potential = argon();
  MdInput input = input_for(triclinic_argon(3));
  input.frozen = {0, 5, 6, 100};
  expect_rank_independence({.potential = *potential, .input = input, .options = two_stages()});
}

TEST(RankIndependence, RestartOnOtherRankCounts) {
  const auto potential = argon();
  const MdInput input = input_for(triclinic_argon(3));
  const MdOptions options = two_stages();
  const auto whole = run({.potential = *potential, .input = input, .options = options});
  // The serial run's checkpoints at the beginning and at steps 60 and 150, continued on all ranks, and again on one.
  for (const std::size_t k : {std::size_t{0}, std::size_t{2}, std::size_t{5}}) {
    const SimulationState& from = whole->sink.checkpoints.at(k);
    const auto continued =
        run_on(world(), {.potential = *potential, .input = input, .options = options, .restart = from});
    if (!world().is_root()) continue;
    EXPECT_EQ(exact_text(continued->outcome.final_state), exact_text(whole->outcome.final_state));
    const auto back = run(
        {.potential = *potential, .input = input, .options = options, .restart = continued->sink.checkpoints.front()});
    EXPECT_EQ(exact_text(back->outcome.final_state), exact_text(whole->outcome.final_state));
  }
}

/// T33: every integrator goes on from a serial run's checkpoints on all ranks.
TEST(RankIndependence, EveryEnsembleRestartsOnOtherRankCounts) {
  const auto potential = argon();
  const MdInput input = input_for(triclinic_argon(2));
  for (const StageOptions& stage : every_ensemble(80, 240)) {
    SCOPED_TRACE(stage.name);
    MdOptions options = options_for({stage});
    options.checkpoint_interval = 37;
    const auto whole = run({.potential = *potential, .input = input, .options = options});
    for (const std::size_t k : {std::size_t{1}, std::size_t{2}}) {
      const SimulationState& from = whole->sink.checkpoints.at(k);
      EXPECT_EQ(from.step, 37 * static_cast<std::int64_t>(k));
      const auto continued =
          run_on(world(), {.potential = *potential, .input = input, .options = options, .restart = from});
      if (!world().is_root()) continue;
      EXPECT_EQ(exact_text(continued->outcome.final_state), exact_text(whole->outcome.final_state));
    }
  }
}

/// Any number of threads on any number of ranks, also different ones on different ranks.
TEST(RankIndependence, RanksWithThreads) {
  if (world().size() > 4) GTEST_SKIP() << "threads of many ranks only wait for cores";
  const auto potential = argon();
  const RunSetup setup{.potential = *potential,
                       .input = input_for(triclinic_argon(3)),
                       .options = options_for({nvt_stage(80, 50, 200)}),
                       .threads = 2 + world().rank() % 2};
  const auto parallel = run_on(world(), setup);
  if (world().is_root())
    expect_same_run(*parallel, *run({.potential = *potential, .input = setup.input, .options = setup.options}));
}

/// Restarts at any step onto another number of ranks: every part of the run is made by the first so many ranks.
TEST(RankIndependence, PartsOfRandomLengthOnRandomRankCounts) {
  const auto potential = argon();
  const MdInput input = input_for(triclinic_argon(3));
  MdOptions options = pressure_then_production();
  options.checkpoint_interval = 1;
  const std::string expected =
      exact_text(run({.potential = *potential, .input = input, .options = options})->outcome.final_state);
  RandomSequence random(7, Stream::test, 0);
  std::optional<SimulationState> state;  // on all ranks alike
  for (std::int64_t step = 0; step < 200;) {
    step = std::min<std::int64_t>(200, step + 1 + static_cast<std::int64_t>(random.below(100)));
    const int ranks = 1 + static_cast<int>(random.below(static_cast<std::uint64_t>(world().size())));
    const bool works = world().rank() < ranks;
    const auto group = world().split(works ? 0 : 1);
    std::vector<SimulationState> made;
    if (works)
      made = run_on(*group, {.potential = *potential, .input = input, .options = options, .restart = state})
                 ->sink.checkpoints;
    if (world().is_root()) {
      const auto found =
          std::find_if(made.begin(), made.end(), [&](const SimulationState& s) { return s.step == step; });
      ASSERT_NE(found, made.end());
      state = *found;
    } else {
      state.emplace();  // only rank 0's is read
    }
  }
  if (world().is_root()) {
    EXPECT_EQ(exact_text(*state), expected);
  }
}

TEST(RankIndependence, OnlyRankZerosInputIsRead) {
  const auto potential = argon();
  const MdInput input = input_for(triclinic_argon(2));
  const MdOptions options = options_for({nve_stage(80, 40)});
  const auto parallel =
      run_on(world(), {.potential = *potential, .input = world().is_root() ? input : MdInput{}, .options = options});
  if (world().is_root())
    expect_same_run(*parallel, *run({.potential = *potential, .input = input, .options = options}));
}

/// Atoms that cross several domains and the box in one step arrive where they belong, and nobody is lost.
TEST(Migration, AnyDistanceInOneStep) {
  const Structure structure = triclinic_argon(3);
  AtomTable table{.numbers = structure.numbers,
                  .species = std::vector<int>(structure.numbers.size(), 0),
                  .masses = std::vector<double>(structure.numbers.size(), 40),
                  .acceleration = std::vector<double>(structure.numbers.size(), 1),
                  .reference = structure.positions};
  Agreement agreement(world());
  GhostExchange exchange(world(), agreement, table);
  const DomainGeometry geometry(structure.cell,
                                choose_rank_grid(structure.cell, world().size(), 5, structure.positions));
  AtomStore atoms;
  for (std::size_t id = 0; id < structure.positions.size(); ++id)
    if (static_cast<int>(id) % world().size() == world().rank())  // anywhere but at home
      atoms.add_owned(table, static_cast<AtomId>(id), structure.positions[id], {static_cast<double>(id), 0, 0});
  for (int round = 0; round < 3; ++round) {
    exchange.migrate(geometry, atoms);
    exchange.make_copies(geometry, 5, atoms);
    std::vector<std::int64_t> owners(structure.positions.size(), 0);
    for (Index i = 0; i < atoms.n_owned; ++i) {
      const auto at = static_cast<std::size_t>(i);
      EXPECT_EQ(geometry.owner(atoms.positions[at]), world().rank());
      EXPECT_EQ(atoms.velocities[at].x, static_cast<double>(atoms.ids[at]));
      ++owners[static_cast<std::size_t>(atoms.ids[at])];
      atoms.positions[at] +=
          structure.cell.to_cartesian({1.5 + 0.37 * static_cast<double>(atoms.ids[at] % 11), -2.25, 0.5});
    }
    world().all_reduce_sum(owners);
    EXPECT_EQ(owners, std::vector<std::int64_t>(owners.size(), 1));
  }
}

}  // namespace haven::testing
