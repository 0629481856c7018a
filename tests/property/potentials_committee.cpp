#include <gtest/gtest.h>
#include <omp.h>

#include <cmath>
#include <memory>
#include <vector>

#include "core/error.hpp"
#include "potentials/committee/deviation.hpp"
#include "potentials/committee/merge.hpp"
#include "potentials/program/drivers/cpu_scalar.hpp"
#include "potentials/program/drivers/cpu_simd.hpp"
#include "potentials/registry.hpp"
#include "potentials/structure_evaluation.hpp"
#include "support/structures.hpp"

/// A committee is its members: its energies and forces are their means, its deviations what they differ by.
namespace haven::testing {
namespace {

const std::vector<int> elements{3, 16};

/// Models with one descriptor and other weights, scalings and reference energies. `kind` has no trained descriptor.
std::vector<Model> members_of(const std::string& kind, std::size_t count) {
  std::vector<Model> models;
  for (std::uint64_t seed = 1; seed <= count; ++seed) {
    Model model = random_model({.kind = kind, .elements = elements, .seed = seed});
    for (ModelElement& element : model.elements) element.reference_energy = 0.25 * static_cast<double>(seed);
    models.push_back(std::move(model));
  }
  if (kind == "moment")  // its mixing is trained: take that of the first
    for (Model& model : models) model.parameters = models.front().parameters;
  return models;
}

Structure example_structure() { return random_structure({.atoms = 18, .elements = elements, .seed = 5}); }

/// The scalar reference, and the vectorised driver with every instruction set in the given precision.
std::vector<std::unique_ptr<Potential>> evaluators(const Model& model, Precision precision) {
  std::vector<std::unique_ptr<Potential>> all;
  if (precision == Precision::float64) all.push_back(reference::make_reference_potential(model));
  for (const Isa isa : available_isas()) all.push_back(make_vectorised_potential(model, precision, isa));
  return all;
}

/// What the members say, one by one.
struct Apart {
  std::vector<StructureEvaluation> of;

  Apart(const std::vector<Model>& models, const Structure& structure) {
    for (const Model& model : models)
      of.push_back(evaluate_structure(*reference::make_reference_potential(model), structure));
  }
  [[nodiscard]] double count() const { return static_cast<double>(of.size()); }
  [[nodiscard]] double mean_energy() const {
    double sum = 0;
    for (const auto& e : of) sum += e.energy;
    return sum / count();
  }
  [[nodiscard]] double energy_deviation() const {
    double sum = 0;
    for (const auto& e : of) sum += std::pow(e.energy - mean_energy(), 2);
    return std::sqrt(sum / count());
  }
  [[nodiscard]] Vec3 mean_force(std::size_t i) const {
    Vec3 sum{};
    for (const auto& e : of) sum += e.forces[i];
    return (1 / count()) * sum;
  }
  [[nodiscard]] double force_deviation(std::size_t i) const {
    double sum = 0;
    for (const auto& e : of) sum += norm2(e.forces[i] - mean_force(i));
    return std::sqrt(sum / count());
  }
};

class CommitteeOf : public ::testing::TestWithParam<const char*> {};

// Tables against closed forms: 1e-10 of energies and forces of the order of 1 to 100.
TEST_P(CommitteeOf, EnergiesAndForcesAreTheMeansAndDeviationsTheSpread) {
  const std::vector<Model> models = members_of(GetParam(), 4);
  const Structure structure = example_structure();
  const Apart apart(models, structure);
  double largest = 0;
  for (std::size_t i = 0; i < structure.positions.size(); ++i) largest = std::max(largest, apart.force_deviation(i));
  ASSERT_GT(largest, 1e-3);
  for (const auto& potential : evaluators(merge_committee(models), Precision::float64)) {
    const StructureEvaluation e = evaluate_structure(*potential, structure, Wanted::deviation);
    EXPECT_EQ(potential->requirements().members, 4);
    EXPECT_NEAR(e.energy, apart.mean_energy(), 1e-7) << potential->description();
    EXPECT_NEAR(e.energy_deviation, apart.energy_deviation(), 1e-7) << potential->description();
    ASSERT_EQ(e.force_deviations.size(), structure.positions.size());
    for (std::size_t i = 0; i < e.forces.size(); ++i) {
      EXPECT_LT(norm(e.forces[i] - apart.mean_force(i)), 1e-7) << potential->description();
      EXPECT_NEAR(e.force_deviations[i], apart.force_deviation(i), 1e-7) << potential->description();
    }
  }
}

// The bound of mixed precision on forces (1e-4 eV/A, relative to the forces of these networks) holds for deviations.
TEST_P(CommitteeOf, DeviationsInMixedPrecisionAreThoseInDouble) {
  const std::vector<Model> models = members_of(GetParam(), 3);
  const Structure structure = example_structure();
  const Apart apart(models, structure);
  for (const auto& potential : evaluators(merge_committee(models), Precision::mixed)) {
    const StructureEvaluation e = evaluate_structure(*potential, structure, Wanted::deviation);
    const double scale = std::max(1.0, largest_component(e.forces));
    for (std::size_t i = 0; i < e.forces.size(); ++i)
      EXPECT_NEAR(e.force_deviations[i], apart.force_deviation(i), 1e-4 * scale) << potential->description();
  }
}

TEST_P(CommitteeOf, AskingForTheDeviationChangesNoBitOfTheRest) {
  const Structure structure = example_structure();
  const Model model = merge_committee(members_of(GetParam(), 3));
  for (const Precision precision : {Precision::float64, Precision::mixed})
    for (const auto& potential : evaluators(model, precision)) {
      const StructureEvaluation with = evaluate_structure(*potential, structure, Wanted::deviation);
      const StructureEvaluation without = evaluate_structure(*potential, structure);
      EXPECT_EQ(with.energy, without.energy);
      EXPECT_EQ(with.forces, without.forces);
      EXPECT_EQ(with.stress, without.stress);
      EXPECT_EQ(with.atom_energies, without.atom_energies);
      EXPECT_TRUE(without.force_deviations.empty());
    }
}

TEST_P(CommitteeOf, ThreadsChangeNoBitOfTheDeviation) {
  const Structure structure = random_structure({.atoms = 70, .elements = elements, .seed = 6});
  const auto potential = make_potential(merge_committee(members_of(GetParam(), 3)), Precision::mixed);
  const int before = omp_get_max_threads();
  omp_set_num_threads(1);
  const StructureEvaluation one = evaluate_structure(*potential, structure, Wanted::deviation);
  omp_set_num_threads(3);
  const StructureEvaluation three = evaluate_structure(*potential, structure, Wanted::deviation);
  omp_set_num_threads(before);
  EXPECT_EQ(one.force_deviations, three.force_deviations);
  EXPECT_EQ(one.energy_deviation, three.energy_deviation);
  EXPECT_EQ(one.forces, three.forces);
}

INSTANTIATE_TEST_SUITE_P(Kinds, CommitteeOf, ::testing::Values("moment", "behler-parrinello", "chebyshev"),
                         [](const auto& test) {
                           return test.param == std::string("behler-parrinello") ? std::string("behler_parrinello")
                                                                                 : std::string(test.param);
                         });

TEST(Committee, EqualMembersDoNotDeviateAndArePlainly) {
  const Model model = members_of("moment", 1).front();
  const std::vector<Model> twins{model, model};
  const Structure structure = example_structure();
  const auto alone = evaluate_structure(*make_potential(model, Precision::float64), structure, Wanted::deviation);
  const auto both =
      evaluate_structure(*make_potential(merge_committee(twins), Precision::float64), structure, Wanted::deviation);
  EXPECT_EQ(alone.forces, both.forces);  // (x + x) / 2 is x
  EXPECT_EQ(alone.energy_deviation, 0);
  EXPECT_TRUE(alone.force_deviations.empty());
  EXPECT_EQ(both.energy_deviation, 0);
  for (const double deviation : both.force_deviations) EXPECT_EQ(deviation, 0);
}

TEST(Committee, CommitteesJoinMemberByMember) {
  const std::vector<Model> models = members_of("chebyshev", 3);
  const std::vector<Model> pair{models[0], models[1]};
  const std::vector<Model> nested{merge_committee(pair), models[2]};
  const Structure structure = example_structure();
  EXPECT_EQ(merge_committee(nested).members(), 3);
  EXPECT_EQ(evaluate_structure(*make_potential(merge_committee(nested), Precision::float64), structure).forces,
            evaluate_structure(*make_potential(merge_committee(models), Precision::float64), structure).forces);
}

TEST(Committee, ModelsThatDoNotShareADescriptorAreRefusedByName) {
  const auto refusal = [](const std::function<void(Model&)>& change) {
    std::vector<Model> models = members_of("moment", 2);
    change(models[1]);
    try {
      static_cast<void>(merge_committee(models));
    } catch (const ModelError& error) {
      EXPECT_EQ(error.where(), "model 2");
      return error.summary();
    }
    return std::string("accepted");
  };
  EXPECT_EQ(refusal([](Model&) {}), "accepted");
  EXPECT_NE(refusal([](Model& m) { m.kind = "chebyshev"; }).find("kind"), std::string::npos);
  EXPECT_NE(refusal([](Model& m) { m.cutoff = 4.5; }).find("cut-off"), std::string::npos);
  EXPECT_NE(refusal([](Model& m) { m.parameters["mixing_0"].values[0] += 1e-12; }).find("mixing_0"), std::string::npos);
  EXPECT_NE(refusal([](Model& m) { m.elements.pop_back(); }).find("elements"), std::string::npos);
  EXPECT_NE(refusal([](Model& m) { m.repulsion = "zbl"; }).find("wall"), std::string::npos);
  EXPECT_NE(refusal([](Model& m) { m.elements[0].mass += 1; }).find("mass"), std::string::npos);
  EXPECT_NE(refusal([](Model& m) { m.elements[0].network.layers[0].outputs += 1; }).find("layers"), std::string::npos);
}

/// What MD makes of the models it is given: those with one descriptor together, the others as they are, in order.
TEST(Committee, ModelsThatFitAreMergedAndOthersLeftAlone) {
  const std::vector<Model> same = members_of("chebyshev", 3), other = members_of("moment", 1);
  const std::vector<Model> merged = merge_what_fits({same[0], other[0], same[1], same[2]});
  ASSERT_EQ(merged.size(), 2U);
  EXPECT_EQ(merged[0].members(), 3);
  EXPECT_EQ(merged[1].members(), 1);
  EXPECT_EQ(merged[1].kind, "moment");
  const Structure structure = example_structure();
  EXPECT_EQ(evaluate_structure(*make_potential(merged[0], Precision::float64), structure).forces,
            evaluate_structure(*make_potential(merge_committee(same), Precision::float64), structure).forces);
  EXPECT_TRUE(merge_what_fits({}).empty());
}

TEST(Committee, DamagedCommitteesAreRefused) {
  const std::vector<Model> models = members_of("moment", 3);
  Model uneven = merge_committee(models);
  uneven.elements[1].committee.pop_back();
  EXPECT_THROW(static_cast<void>(make_potential(uneven, Precision::mixed)), ModelError);
  Model broken = merge_committee(models);
  broken.elements[1].committee[1].layers[0].weights[2] = std::nan("");
  EXPECT_THROW(static_cast<void>(make_potential(broken, Precision::mixed)), ModelError);
}

}  // namespace
}  // namespace haven::testing
