// What makes an evaluator of a model, and a single evaluation, refuse.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <string>

#include "core/error.hpp"
#include "potentials/registry.hpp"
#include "potentials/structure_evaluation.hpp"
#include "support/structures.hpp"

namespace haven::testing {
namespace {

TEST(MakePotential, RefusesNetworksThatDoNotFit) {
  const Model good = random_model({});
  Model model = good;
  model.elements[0].network.layers[1].inputs += 1;
  EXPECT_THROW(static_cast<void>(make_potential(model, Precision::mixed)), ModelError);
  model = good;
  model.elements[0].network.layers[0].weights[3] = std::nan("");
  EXPECT_THROW(static_cast<void>(make_potential(model, Precision::mixed)), ModelError);
  model = good;
  model.elements[0].feature_scale.pop_back();
  EXPECT_THROW(static_cast<void>(make_potential(model, Precision::mixed)), ModelError);
  model = good;
  model.repulsion = "zbl";  // without a minimum distance
  EXPECT_THROW(static_cast<void>(make_potential(model, Precision::mixed)), ModelError);
}

/// T61: there is no number in a model whose being NaN or infinite goes unnoticed before the first step.
TEST(MakePotential, RefusesEveryNumberThatIsNotFinite) {
  Model good = random_model({.elements = {3, 16}});
  good.repulsion = "zbl";
  good.minimum_distance = 1.5;
  ASSERT_NO_THROW(static_cast<void>(make_potential(good, Precision::mixed)));
  using Damage = std::function<void(Model&, double)>;
  const std::map<std::string, Damage> damages{
      {"cutoff", [](Model& m, double x) { m.cutoff = x; }},
      {"minimum distance", [](Model& m, double x) { m.minimum_distance = x; }},
      {"mixing", [](Model& m, double x) { m.parameters.at("mixing_1").values[5] = x; }},
      {"reference energy", [](Model& m, double x) { m.elements[1].reference_energy = x; }},
      {"shift", [](Model& m, double x) { m.elements[1].feature_shift[3] = x; }},
      {"scale", [](Model& m, double x) { m.elements[1].feature_scale[3] = x; }},
      {"smallest feature", [](Model& m, double x) { m.elements[0].feature_min[2] = x; }},
      {"largest feature", [](Model& m, double x) { m.elements[0].feature_max[2] = x; }},
      {"first weight", [](Model& m, double x) { m.elements[1].network.layers.front().weights.back() = x; }},
      {"last weight", [](Model& m, double x) { m.elements[1].network.layers.back().weights.front() = x; }},
      {"bias", [](Model& m, double x) { m.elements[0].network.layers[1].bias[0] = x; }},
  };
  for (const auto& [name, damage] : damages)
    for (const double bad : {std::nan(""), std::numeric_limits<double>::infinity()})
      for (const Backend backend : {Backend::vectorised, Backend::reference}) {
        Model model = good;
        damage(model, bad);
        EXPECT_THROW(static_cast<void>(make_potential(model, Precision::mixed, backend)), ModelError)
            << name << " = " << bad;
      }
}

/// Finite weights whose products overflow are found by the evaluation.
TEST(MakePotential, WeightsThatOverflowAreAFaultOfTheFirstEvaluation) {
  Model model = random_model({});
  for (double& w : model.elements[0].network.layers.back().weights) w *= 1e308;
  for (const Precision precision : {Precision::float64, Precision::mixed})
    EXPECT_NE(evaluate_all(*make_potential(model, precision), random_structure({})).fault, EvaluationFault::none);
  EXPECT_NE(evaluate_all(*make_potential(model, Precision::float64, Backend::reference), random_structure({})).fault,
            EvaluationFault::none);
}

TEST(EvaluateStructure, NamesAnElementTheModelLacks) {
  const auto potential = make_potential(random_model({.elements = {3, 16}}), Precision::mixed);
  const Structure s = random_structure({.atoms = 4, .elements = {3, 17}});
  try {
    static_cast<void>(evaluate_structure(*potential, s));
    FAIL() << "an unknown element was accepted";
  } catch (const ModelError& error) {
    EXPECT_NE(error.summary().find("Cl"), std::string::npos);
    EXPECT_NE(error.summary().find("Li, S"), std::string::npos);
  }
}

TEST(EvaluateStructure, ReportsOverlapAsANumericalError) {
  const auto potential = make_potential(random_model({}), Precision::mixed);
  Structure s = random_structure({.atoms = 6});
  s.positions[4] = s.positions[1];
  EXPECT_THROW(static_cast<void>(evaluate_structure(*potential, s)), NumericalError);
}

}  // namespace
}  // namespace haven::testing
