// Lowerings against slow, literal implementations of the published formulas.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <numbers>

#include "core/error.hpp"
#include "core/rng.hpp"
#include "potentials/lowerings/invariants.hpp"
#include "potentials/program/drivers/cpu_scalar.hpp"
#include "potentials/registry.hpp"
#include "potentials/structure_evaluation.hpp"
#include "support/structures.hpp"

namespace haven::testing {
namespace {

struct Environment {
  std::vector<int> species;
  std::vector<Vec3> d;
};

/// 14 neighbours between 1.6 A and beyond the cut-off.
Environment random_environment(int elements, double cutoff, std::uint64_t seed) {
  RandomSequence random(seed, Stream::test, 40);
  Environment e;
  for (int k = 0; k < 14; ++k) {
    Vec3 u{random.normal(), random.normal(), random.normal()};
    const double r = 1.6 + (cutoff - 1.6) * random.uniform();
    e.d.push_back((r / norm(u)) * u);
    e.species.push_back(k % elements);
  }
  return e;
}

/// Features of a centre of element `a` by the program's definitions.
std::vector<double> lowered_features(Model model, int a, const Environment& environment) {
  const Descriptor descriptor = describe(model);
  for (std::size_t k = 0; k < model.elements.size(); ++k) {
    const Index features = descriptor.centres[k].features();
    const auto n = static_cast<std::size_t>(features);
    model.elements[k].feature_shift.assign(n, 0.0);
    model.elements[k].feature_scale.assign(n, 1.0);
    model.elements[k].network.layers = {{.inputs = features,
                                         .outputs = 1,
                                         .activation = Activation::identity,
                                         .weights = std::vector<double>(n, 0.0),
                                         .bias = {0.0}}};
  }
  std::vector<reference::Neighbour<double>> neighbours;
  for (std::size_t k = 0; k < environment.d.size(); ++k)
    neighbours.push_back(
        {.species = environment.species[k], .d = {environment.d[k].x, environment.d[k].y, environment.d[k].z}});
  return reference::evaluate_centre<double>(descriptor, model, reference::ClosedFormRadial{&descriptor}, a,
                                            std::span<const reference::Neighbour<double>>(neighbours))
      .features;
}

double literal_cutoff(int type, double r, double cutoff) {
  if (r >= cutoff) return 0;
  const double x = r / cutoff;
  if (type == 1) return 0.5 * (std::cos(std::numbers::pi * x) + 1);
  if (type == 2) return std::pow(std::tanh(1 - x), 3);
  return 1 - 10 * x * x * x + 15 * x * x * x * x - 6 * x * x * x * x * x;
}

double cosine(const Vec3& a, const Vec3& b) { return dot(a, b) / (norm(a) * norm(b)); }

/// Symmetry functions of type 2 and 9 as the n2p2 manual writes them.
double literal_type_2(const Environment& e, const double* row, int type, double cutoff) {
  double sum = 0;
  for (std::size_t j = 0; j < e.d.size(); ++j) {
    if (e.species[j] != static_cast<int>(row[1])) continue;
    const double r = norm(e.d[j]);
    sum += std::exp(-row[2] * (r - row[3]) * (r - row[3])) * literal_cutoff(type, r, cutoff);
  }
  return sum;
}
double literal_type_9(const Environment& e, const double* row, int type, double cutoff) {
  const double eta = row[3], shift = row[4], lambda = row[5], zeta = row[6];
  double sum = 0;
  for (std::size_t j = 0; j < e.d.size(); ++j)
    for (std::size_t k = j + 1; k < e.d.size(); ++k) {
      const int first = static_cast<int>(row[1]), second = static_cast<int>(row[2]);
      const bool fits =
          (e.species[j] == first && e.species[k] == second) || (e.species[j] == second && e.species[k] == first);
      if (!fits) continue;
      const double rj = norm(e.d[j]), rk = norm(e.d[k]);
      sum += std::pow(1 + lambda * cosine(e.d[j], e.d[k]), zeta) *
             std::exp(-eta * ((rj - shift) * (rj - shift) + (rk - shift) * (rk - shift))) *
             literal_cutoff(type, rj, cutoff) * literal_cutoff(type, rk, cutoff);
    }
  return std::pow(2.0, 1 - zeta) * sum;
}

Model symmetry_function_model(int cutoff_type) {
  Model model = new_model({.kind = "behler-parrinello", .preset = "fast", .cutoff = 5.5}, {3, 16}, 1);
  model.parameters["cutoff_type"].values[0] = cutoff_type;
  Array angular{.shape = {0, 7}, .values = {}};
  for (const double shift : {0.0, 1.3})
    for (int b = 0; b < 2; ++b)
      for (int c = b; c < 2; ++c)
        for (int zeta = 1; zeta <= 16; ++zeta)
          for (const double lambda : {1.0, -1.0})
            for (int a = 0; a < 2; ++a)
              angular.values.insert(angular.values.end(),
                                    {double(a), double(b), double(c), 0.05, shift, lambda, double(zeta)});
  angular.shape[0] = static_cast<Index>(angular.values.size() / 7);
  model.parameters["angular"] = angular;
  return model;
}

// A feature is a small difference of moments when lambda = -1 and zeta is large, so errors are relative to the sum's
// largest member, the same feature at lambda = 1; features that are not such differences agree to 1e-12 of themselves.
TEST(BehlerParrinello, EqualsTheTripleSumsOfTheManual) {
  for (int type = 0; type <= 2; ++type) {
    const Model model = symmetry_function_model(type);
    const Environment e = random_environment(2, model.cutoff, 5);
    const std::vector<double> features = lowered_features(model, 1, e);
    std::size_t f = 0;
    const auto& radial = model.parameters.at("radial").values;
    for (std::size_t k = 0; k < radial.size(); k += 4) {
      if (radial[k] != 1) continue;
      const double expected = literal_type_2(e, &radial[k], type, model.cutoff);
      EXPECT_NEAR(features.at(f++), expected, 1e-12 * std::abs(expected));
    }
    const auto& angular = model.parameters.at("angular").values;
    for (std::size_t k = 0; k < angular.size(); k += 7) {
      if (angular[k] != 1) continue;
      const double expected = literal_type_9(e, &angular[k], type, model.cutoff);
      double mirror[7];
      std::copy(&angular[k], &angular[k] + 7, mirror);
      mirror[5] = -mirror[5];
      const double scale = std::max(expected, literal_type_9(e, mirror, type, model.cutoff));
      EXPECT_NEAR(features.at(f++), expected, 1e-12 * scale)
          << "zeta " << angular[k + 6] << " lambda " << angular[k + 5];
    }
    EXPECT_EQ(f, features.size());
  }
}

double chebyshev(int n, double x) { return std::cos(n * std::acos(std::clamp(x, -1.0, 1.0))); }

TEST(Chebyshev, EqualsTheSumsOfArtrithUrbanAndCeder) {
  for (int type = 0; type <= 1; ++type) {
    Model model = new_model({.kind = "chebyshev", .preset = "accurate", .cutoff = 6.0}, {3, 15, 16}, 1);
    model.parameters["cutoff_type"].values[0] = type;
    model.parameters["angular_cutoff"].values[0] = 4.5;
    EXPECT_EQ(model.parameters["element_weights"].values, (std::vector<double>{-1, 0, 1}));
    const Environment e = random_environment(3, model.cutoff, 6);
    const std::vector<double> features = lowered_features(model, 0, e);
    std::size_t f = 0;
    for (const bool weighted : {false, true}) {
      const auto weight = [&](std::size_t j) { return weighted ? e.species[j] - 1.0 : 1.0; };
      for (int n = 0; n <= 20; ++n) {
        double sum = 0, scale = 0;
        for (std::size_t j = 0; j < e.d.size(); ++j) {
          const double r = norm(e.d[j]);
          sum += weight(j) * chebyshev(n, 2 * r / 6.0 - 1) * literal_cutoff(type, r, 6.0);
          scale += literal_cutoff(type, r, 6.0);
        }
        EXPECT_NEAR(features.at(f++), sum, 1e-12 * scale);
      }
      for (int n = 0; n <= 8; ++n) {
        double sum = 0, scale = 0;
        for (std::size_t j = 0; j < e.d.size(); ++j)
          for (std::size_t k = j + 1; k < e.d.size(); ++k) {
            const double window = literal_cutoff(type, norm(e.d[j]), 4.5) * literal_cutoff(type, norm(e.d[k]), 4.5);
            sum += weight(j) * weight(k) * chebyshev(n, cosine(e.d[j], e.d[k])) * window;
            scale += window;
          }
        EXPECT_NEAR(features.at(f++), sum, 1e-12 * scale);
      }
    }
    EXPECT_EQ(f, features.size());
  }
}

double legendre(int l, double x) {
  double before = 1, current = x;
  if (l == 0) return 1;
  for (int k = 1; k < l; ++k) {
    const double next = ((2 * k + 1) * x * current - k * before) / (k + 1);
    before = current;
    current = next;
  }
  return current;
}

/// R_c of the moment kind, written out.
double literal_channel(const Model& model, int a, int b, Index c, double r) {
  const auto& mixing = model.parameters.at(a == 0 ? "mixing_0" : "mixing_1");
  const auto primitives = static_cast<Index>(model.parameters.at("primitives").values[0]);
  const double rest = 1 - r / model.cutoff;
  double sum = 0;
  for (Index k = 0; k < primitives; ++k)
    sum += mixing.values[static_cast<std::size_t>(c * mixing.shape[1] + b * primitives + k)] *
           chebyshev(static_cast<int>(k), 2 * rest * rest - 1) * literal_cutoff(0, r, model.cutoff);
  return sum;
}

TEST(Moment, EqualsPairAndTripleSumsOfLegendrePolynomials) {
  const Model model = new_model({.kind = "moment", .preset = "fast", .cutoff = 5.0}, {3, 8}, 9);
  const Environment e = random_environment(2, model.cutoff, 7);
  const std::vector<double> features = lowered_features(model, 1, e);
  const Descriptor descriptor = describe(model);
  const auto& terms = descriptor.centres[1].terms;
  ASSERT_EQ(terms.size() + descriptor.centres[1].products.size(), features.size());
  for (std::size_t t = 0; t < terms.size(); ++t) {
    double sum = 0, scale = 0;
    for (std::size_t j = 0; j < e.d.size(); ++j) {
      const double rj = literal_channel(model, 1, e.species[j], terms[t].channel, norm(e.d[j]));
      if (terms[t].degree == 1) {
        sum += rj;
        scale += std::abs(rj);
        continue;
      }
      for (std::size_t k = 0; k < e.d.size(); ++k) {
        const double rk = literal_channel(model, 1, e.species[k], terms[t].other_channel, norm(e.d[k]));
        sum += rj * rk * legendre(terms[t].l, cosine(e.d[j], e.d[k]));
        scale += std::abs(rj * rk);
      }
    }
    EXPECT_NEAR(features[t], sum, 1e-12 * scale) << "term " << t;
  }
}

/// sum_j R_c(r_j) u_j and sum_j R_c(r_j) (u_j u_j - 1/3).
struct CartesianMoments {
  Vec3 dipole{};
  Mat3 quadrupole{};
};

CartesianMoments cartesian_moments(const Model& model, int a, const Environment& e, Index channel) {
  CartesianMoments result;
  for (std::size_t j = 0; j < e.d.size(); ++j) {
    const double r = norm(e.d[j]), radial = literal_channel(model, a, e.species[j], channel, r);
    const Vec3 u = (1 / r) * e.d[j];
    result.dipole += radial * u;
    for (int i = 0; i < 3; ++i)
      for (int k = 0; k < 3; ++k) result.quadrupole[i][k] += radial * (u[i] * u[k] - (i == k ? 1.0 / 3 : 0.0));
  }
  return result;
}

/// u.Q.u and u.Q.Q.u - u.u tr(Q.Q)/3 are the only invariants of their kind; the factors follow from one neighbour on
/// the z axis, where only m = 0 contributes. 1e-11 of the sum: rounding of some hundred products.
TEST(Moment, ProductsEqualContractionsOfCartesianTensors) {
  const Model model = new_model({.kind = "moment", .preset = "standard", .cutoff = 5.0}, {3, 8}, 9);
  const auto channels = model.parameters.at("channel_l_max").shape[0];
  const Array& couplings = model.parameters.at("couplings");
  const Environment e = random_environment(2, model.cutoff, 7);
  const std::vector<double> features = lowered_features(model, 1, e);
  const auto first = describe(model).centres[1].terms.size();
  const auto feature_of = [&](const std::vector<double>& coupling, Index c) {
    for (Index row = 0; row < couplings.shape[0]; ++row)
      if (std::equal(coupling.begin(), coupling.end(), couplings.values.begin() + 5 * row))
        return features[first + static_cast<std::size_t>(row * channels + c)];
    ADD_FAILURE() << "the preset lacks a coupling";
    return 0.0;
  };
  const auto y = [](int l) { return std::sqrt((2 * l + 1) / (4 * std::numbers::pi)); };  // Y_l0 on the axis
  const auto gaunt = [&](int l1, int l2, int l3) {
    return y(l1) * y(l2) * y(l3) * 4 * std::numbers::pi * std::pow(wigner_3j_zero(l1, l2, l3), 2);
  };
  for (Index c = 0; c < channels; ++c) {
    const CartesianMoments m = cartesian_moments(model, 1, e, c);
    Vec3 q_u{};
    double square = 0;
    for (int i = 0; i < 3; ++i)
      for (int k = 0; k < 3; ++k) {
        q_u[i] += m.quadrupole[i][k] * m.dipole[k];
        square += m.quadrupole[i][k] * m.quadrupole[i][k];
      }
    const double cubic = wigner_3j_zero(1, 1, 2) * y(1) * y(1) * y(2) * 1.5 * dot(m.dipole, q_u);
    EXPECT_NEAR(feature_of({1, 1, 2, -1, -1}, c), cubic, 1e-11 * std::abs(cubic));
    const double on_axis = 4 * std::numbers::pi * gaunt(1, 1, 2) * gaunt(2, 2, 2) * y(1) * y(1) * y(2) * y(2);
    const double quartic = on_axis * 4.5 * (dot(q_u, q_u) - square * dot(m.dipole, m.dipole) / 3);
    EXPECT_NEAR(feature_of({1, 1, 2, 2, 2}, c), quartic, 1e-10 * std::abs(quartic));
  }
}

TEST(Moment, RefusesCouplingsThatAreNoInvariants) {
  Model model = new_model({.kind = "moment", .preset = "standard"}, {3}, 1);
  model.parameters["couplings"] = {.shape = {1, 5}, .values = {1, 1, 1, -1, -1}};
  EXPECT_THROW(static_cast<void>(describe(model)), ModelError);
  model.parameters["couplings"] = {.shape = {1, 5}, .values = {1, 1, 2, 2, 1}};
  EXPECT_THROW(static_cast<void>(describe(model)), ModelError);
}

/// Model files from before there were products have no such parameter.
TEST(Moment, ModelsWithoutCouplingsHaveNoProducts) {
  Model model = new_model({.kind = "moment", .preset = "standard"}, {3}, 1);
  model.parameters.erase("couplings");
  EXPECT_TRUE(describe(model).centres[0].products.empty());
}

TEST(Moment, InitialMixingIsDiverseAndReproducible) {
  const Model a = new_model({}, {3, 8}, 1), b = new_model({}, {8, 3}, 1), c = new_model({}, {3, 8}, 2);
  EXPECT_EQ(a.parameters.at("mixing_0").values, b.parameters.at("mixing_0").values);
  EXPECT_NE(a.parameters.at("mixing_0").values, c.parameters.at("mixing_0").values);
  EXPECT_NE(a.parameters.at("mixing_0").values, a.parameters.at("mixing_1").values);
}

TEST(Lowerings, RefuseWhatTheyDoNotKnow) {
  Model model = new_model({.kind = "moment", .preset = "fast"}, {3}, 1);
  model.parameters["surprise"] = {.shape = {1}, .values = {0.0}};
  EXPECT_THROW(static_cast<void>(describe(model)), ModelError);
  model.parameters.erase("surprise");
  model.parameters["mixing_0"].values.pop_back();
  EXPECT_THROW(static_cast<void>(describe(model)), ModelError);
  model = new_model({.kind = "behler-parrinello"}, {3}, 1);
  model.parameters["angular"].values[6] = 17;
  EXPECT_THROW(static_cast<void>(describe(model)), ModelError);
  model.parameters["angular"].values[6] = 1.5;
  EXPECT_THROW(static_cast<void>(describe(model)), ModelError);
  model.parameters["angular"].values[6] = std::nan("");
  EXPECT_THROW(static_cast<void>(describe(model)), ModelError);
  model.kind = "wavelet";
  EXPECT_THROW(static_cast<void>(describe(model)), ModelError);
  EXPECT_THROW(static_cast<void>(new_model({.kind = "wavelet"}, {3}, 1)), ConfigError);
  EXPECT_THROW(static_cast<void>(new_model({.preset = "huge"}, {3}, 1)), ConfigError);
}

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
