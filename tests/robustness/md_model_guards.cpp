#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/error.hpp"
#include "potentials/committee/merge.hpp"
#include "potentials/registry.hpp"
#include "potentials/structure_evaluation.hpp"
#include "support/file_bytes.hpp"
#include "support/md_fixtures.hpp"
#include "support/shared_data.hpp"
#include "support/structures.hpp"

/// What a run says about its own model: atoms unlike the training set, and models of a committee that disagree.
namespace haven::testing {
namespace {

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

Structure disordered() { return random_structure({.atoms = 24, .elements = {3, 17}, .seed = 4}); }

Model model_of(std::uint64_t seed) { return random_model({.elements = {3, 17}, .cutoff = 4.5, .seed = seed}); }

MdOptions two_rows() {
  MdOptions options = options_for({nve_stage(50, 0.02)});
  options.timestep_fs = 0.01;
  options.thermo_interval = 2;
  options.guards = guards_for_random_weights();
  return options;
}

/// A model whose range holds every feature of every atom of `structure` but one: feature 5 of one atom of Cl. Returns
/// that atom.
AtomId leave_one_outside(Model& model, const Structure& structure) {
  for (ModelElement& element : model.elements) {
    element.feature_min.assign(element.feature_min.size(), -1e6);
    element.feature_max.assign(element.feature_max.size(), 1e6);
  }
  ModelElement& chlorine = model.elements[1];
  chlorine.feature_max[5] = -1e6;  // the largest value decides: find it with everything outside
  chlorine.feature_min[5] = -2e6;
  const FeatureRanges ranges(model);
  std::vector<AtomId> ids(structure.numbers.size());
  for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = static_cast<AtomId>(i);
  const auto species = species_indices(structure.numbers, {3, 17});
  const LocalAtoms atoms{
      .positions = structure.positions, .ids = ids, .species = species, .n_centres = structure.size()};
  NeighbourList list;
  list.build(structure.cell, atoms, model.cutoff);
  double highest = -1e300, second = -1e300, lowest = 1e300;
  AtomId found = -1;
  for (Index i = 0; i < structure.size(); ++i) {
    if (species[static_cast<std::size_t>(i)] != 1) continue;
    const FeatureExcess excess = ranges.worst(atoms, list.view(), i);
    EXPECT_EQ(excess.feature, 5);
    lowest = std::min(lowest, excess.value);
    second = std::max(second, std::min(highest, excess.value));
    if (excess.value <= highest) continue;
    highest = excess.value;
    found = i;
  }
  chlorine.feature_max[5] = 0.5 * (highest + second);
  chlorine.feature_min[5] = lowest - 1;
  return found;
}

std::unique_ptr<MdRun> run_to_error(const RunSetup& setup, std::string& error, ExitCode& code) {
  auto result = std::make_unique<MdRun>();
  const auto group = make_serial_communicator();
  StopRequest stop;
  Log log;
  code = ExitCode::ok;
  try {
    (void)run_md(setup.potential, setup.input, setup.options, setup.restart,
                 {.group = *group,
                  .sink = &result->sink,
                  .stop = stop,
                  .log = log,
                  .ranges = setup.ranges,
                  .committee = setup.committee});
  } catch (const Error& e) {
    error = e.what();
    code = e.exit_code();
  }
  return result;
}

/// Without ranges, so that nothing counts as extrapolation.
std::unique_ptr<Potential> without_ranges(std::uint64_t seed) {
  Model model = model_of(seed);
  for (ModelElement& element : model.elements) element.feature_min.clear(), element.feature_max.clear();
  return make_potential(model, Precision::float64);
}

std::vector<std::unique_ptr<Potential>> others_of(const std::vector<std::uint64_t>& seeds) {
  std::vector<std::unique_ptr<Potential>> others;
  for (const std::uint64_t seed : seeds) others.push_back(make_potential(model_of(seed), Precision::float64));
  return others;
}

}  // namespace

TEST(Extrapolation, NamesTheAtomTheFeatureAndItsRangeAndKeepsTheFrame) {
  const Structure structure = disordered();
  Model model = model_of(1);
  const AtomId outside = leave_one_outside(model, structure);
  const auto potential = make_potential(model, Precision::mixed);
  const FeatureRanges ranges(model);
  const auto flagged =
      run({.potential = *potential, .input = input_for(structure), .options = two_rows(), .ranges = &ranges});
  EXPECT_EQ(flagged->sink.rows.front().extrapolating, 1);
  const auto& events = flagged->sink.events;
  const auto warning = std::find_if(events.begin(), events.end(), [](const auto& e) {
    return contains(e, R"({"event":"warning","guard":"extrapolation")");
  });
  ASSERT_NE(warning, events.end());
  const std::string named = "\"atoms\":[{\"atom\":" + std::to_string(outside) + ",\"element\":\"Cl\",\"feature\":5,";
  EXPECT_TRUE(contains(*warning, named)) << *warning;
  EXPECT_TRUE(contains(*warning, "1 atoms are outside the training range of the model: atom " +
                                     std::to_string(outside) + " (Cl): feature 5 (" + ranges.name(1, 5) + ") is "))
      << *warning;
  const auto kept = std::find_if(events.begin(), events.end(), [](const auto& e) {
    return contains(e, R"({"event":"candidate","step":0,"reason":"extrapolation")");
  });
  ASSERT_NE(kept, events.end());
  EXPECT_TRUE(contains(*kept, named)) << *kept;
  ASSERT_EQ(flagged->sink.candidates.size(), 1U);

  MdOptions options = two_rows();
  options.guards.extrapolation = GuardAction::stop;
  std::string error;
  ExitCode code{};
  const auto stopped = run_to_error(
      {.potential = *potential, .input = input_for(structure), .options = options, .ranges = &ranges}, error, code);
  EXPECT_EQ(code, ExitCode::guard);
  EXPECT_TRUE(contains(error, "feature 5 (") && contains(error, "step 0, atom " + std::to_string(outside) + " (Cl) at"))
      << error;
  EXPECT_EQ(stopped->sink.candidates.size(), 1U);
}

TEST(Extrapolation, OfAModelWithoutRangesIsSaidToGoUnnoticed) {
  Model model = model_of(1);
  for (ModelElement& element : model.elements) element.feature_min.clear(), element.feature_max.clear();
  const auto potential = make_potential(model, Precision::mixed);
  const FeatureRanges ranges(model);
  EXPECT_FALSE(ranges.known());
  const TemporaryFolder folder;
  Log log;
  log.open_file(folder.file("log"));
  const auto group = make_serial_communicator();
  StopRequest stop;
  RecordingSink sink;
  (void)run_md(*potential, input_for(disordered()), two_rows(), std::nullopt,
               {.group = *group, .sink = &sink, .stop = stop, .log = log, .ranges = &ranges});
  EXPECT_TRUE(contains(bytes_of(folder.file("log")), "MD007"));
  EXPECT_EQ(sink.rows.front().extrapolating, 0);
}

/// The definition, by way of evaluate_structure(), which knows nothing of committees.
TEST(Committee, DeviationIsTheLargestSpreadOfTheForceOnAnAtom) {
  const Structure structure = disordered();
  const auto first = make_potential(model_of(1), Precision::float64);
  const auto others = others_of({2, 3});
  MdOptions options = two_rows();
  options.guards.max_deviation = 0;
  const auto result =
      run({.potential = *first, .input = input_for(structure), .options = options, .committee = others});
  ASSERT_EQ(result->sink.deviations.size(), result->sink.rows.size());

  std::vector<StructureEvaluation> models{evaluate_structure(*first, structure)};
  for (const auto& other : others) models.push_back(evaluate_structure(*other, structure));
  double largest = 0, squares = 0, mean_energy = 0, energy_square = 0;
  AtomId atom = -1;
  for (std::size_t i = 0; i < structure.positions.size(); ++i) {
    Vec3 mean;
    double square = 0;
    for (const auto& model : models) mean += (1.0 / 3) * model.forces[i];
    for (const auto& model : models) square += norm2(model.forces[i] - mean) / 3;
    squares += square;
    if (std::sqrt(square) > largest) largest = std::sqrt(square), atom = static_cast<AtomId>(i);
  }
  for (const auto& model : models) mean_energy += model.energy / 3;
  for (const auto& model : models) energy_square += (model.energy - mean_energy) * (model.energy - mean_energy) / 3;
  const DeviationRow& row = result->sink.deviations.front();
  const double n = static_cast<double>(structure.size());
  EXPECT_NEAR(row.force, largest, 1e-10);  // forces are multiples of 6e-14 eV/A
  EXPECT_EQ(row.atom, atom);
  EXPECT_NEAR(row.force_rms, std::sqrt(squares / n), 1e-10);
  EXPECT_NEAR(row.energy, std::sqrt(energy_square) / n, 1e-10);
  EXPECT_GT(largest, 0.1) << "models with other random weights have to differ";
  EXPECT_EQ(result->outcome.largest_deviation,
            std::max(result->sink.deviations.front().force, result->sink.deviations.back().force));
}

/// Models with one descriptor are one evaluation for all: their deviations are those of models side by side, to the
/// rounding of the networks' sums, whether they are the others or the model that moves the atoms.
TEST(Committee, MembersThatShareADescriptorCountOneByOne) {
  std::vector<Model> models;
  for (const std::uint64_t seed : {1, 2, 3})
    models.push_back(random_model({.kind = "chebyshev", .elements = {3, 17}, .cutoff = 4.5, .seed = seed}));
  const auto potential_of = [](const Model& model) { return make_potential(model, Precision::float64); };
  const auto first = potential_of(models[0]), all = potential_of(merge_committee(models));
  std::vector<std::unique_ptr<Potential>> apart, together, none;
  for (const std::size_t k : {1, 2}) apart.push_back(potential_of(models[k]));
  for (const Model& model : merge_what_fits({models[1], models[2]})) together.push_back(potential_of(model));
  ASSERT_EQ(together.size(), 1U);
  ASSERT_EQ(together[0]->requirements().members, 2);
  MdOptions options = two_rows();
  options.guards.max_deviation = 0;
  const auto rows = [&](const Potential& mover, const std::vector<std::unique_ptr<Potential>>& others) {
    return run({.potential = mover, .input = input_for(disordered()), .options = options, .committee = others});
  };
  const auto expected = rows(*first, apart), merged = rows(*first, together), moved_by_mean = rows(*all, none);
  EXPECT_EQ(exact_text(merged->outcome.final_state), exact_text(expected->outcome.final_state));
  ASSERT_EQ(merged->sink.deviations.size(), expected->sink.deviations.size());
  for (std::size_t k = 0; k < expected->sink.deviations.size(); ++k) {
    const DeviationRow &a = expected->sink.deviations[k], &b = merged->sink.deviations[k];
    EXPECT_NEAR(b.force, a.force, 1e-9 * a.force);
    EXPECT_NEAR(b.force_rms, a.force_rms, 1e-9 * a.force_rms);
    EXPECT_NEAR(b.energy, a.energy, 1e-9 * a.energy);
    EXPECT_EQ(b.atom, a.atom);
    EXPECT_GT(a.force, 0.01);
  }
  // At step 0 the atoms are in one place, whoever is going to move them.
  const DeviationRow &a = expected->sink.deviations.front(), &b = moved_by_mean->sink.deviations.front();
  EXPECT_NEAR(b.force, a.force, 1e-9 * a.force);
  EXPECT_NEAR(b.energy, a.energy, 1e-9 * a.energy);
  EXPECT_EQ(b.atom, a.atom);
}

TEST(Committee, OfOneModelTwiceAgreesExactlyAndChangesNothingOfTheRun) {
  const auto first = make_potential(model_of(1), Precision::mixed);
  std::vector<std::unique_ptr<Potential>> twin;
  twin.push_back(make_potential(model_of(1), Precision::mixed));
  const RunSetup plain{.potential = *first, .input = input_for(disordered()), .options = two_rows()};
  RunSetup watched = plain;
  watched.committee = twin;
  const auto with = run(watched), without = run(plain);
  for (const DeviationRow& row : with->sink.deviations) {
    EXPECT_EQ(row.force, 0);
    EXPECT_EQ(row.energy, 0);
  }
  EXPECT_EQ(exact_text(with->outcome.final_state), exact_text(without->outcome.final_state));
}

TEST(Committee, ThatDisagreesIsFlaggedOnceWithTheFrameKeptOrStopsTheRun) {
  const auto first = without_ranges(1);
  const auto others = others_of({2});
  RunSetup setup{.potential = *first, .input = input_for(disordered()), .options = two_rows(), .committee = others};
  setup.options.guards.max_deviation = 0.01;
  const auto flagged = run(setup);
  EXPECT_EQ(std::count_if(flagged->sink.events.begin(), flagged->sink.events.end(),
                          [](const auto& e) { return contains(e, R"("event":"warning","guard":"deviation")"); }),
            1);
  EXPECT_EQ(
      std::count_if(flagged->sink.events.begin(), flagged->sink.events.end(),
                    [](const auto& e) { return contains(e, R"("event":"candidate","step":0,"reason":"deviation")"); }),
      1);
  EXPECT_EQ(flagged->sink.candidates.size(), 1U);

  setup.options.guards.deviation = GuardAction::stop;
  std::string error;
  ExitCode code{};
  const auto stopped = run_to_error(setup, error, code);
  EXPECT_EQ(code, ExitCode::guard);
  EXPECT_TRUE(contains(error, "committee") && contains(error, "more than 0.01 eV/A")) << error;
  EXPECT_EQ(stopped->sink.candidates.size(), 1U);
  EXPECT_TRUE(contains(stopped->sink.events.back(), R"({"event":"crash","guard":"deviation")"));
}

TEST(Committee, AModelThatGivesNoNumberDisagreesInfinitely) {
  const auto first = make_potential(model_of(1), Precision::float64),
             inner = make_potential(model_of(2), Precision::float64);
  std::vector<std::unique_ptr<Potential>> others;
  auto faulty = std::make_unique<FaultyPotential>(*inner);
  faulty->damage = FaultyPotential::Damage::not_finite;
  faulty->at_call = 1;
  others.push_back(std::move(faulty));
  RunSetup setup{.potential = *first, .input = input_for(disordered()), .options = two_rows(), .committee = others};
  setup.options.guards.max_deviation = 100;
  setup.options.guards.deviation = GuardAction::stop;
  std::string error;
  ExitCode code{};
  const auto stopped = run_to_error(setup, error, code);
  EXPECT_EQ(code, ExitCode::guard) << error;
}

TEST(Committee, OfOtherElementsIsRefused) {
  const auto first = make_potential(model_of(1), Precision::float64);
  std::vector<std::unique_ptr<Potential>> others;
  others.push_back(make_potential(random_model({.elements = {3}, .cutoff = 4.5}), Precision::float64));
  std::string error;
  ExitCode code{};
  (void)run_to_error(
      {.potential = *first, .input = input_for(disordered()), .options = two_rows(), .committee = others}, error, code);
  EXPECT_EQ(code, ExitCode::rejected);
  EXPECT_TRUE(contains(error, "different elements")) << error;
}

}  // namespace haven::testing
