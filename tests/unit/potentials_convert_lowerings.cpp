// Lowerings of imported potentials against slow, literal implementations of the published formulas, and what every
// potential has to satisfy, on made-up models of these kinds.
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "core/error.hpp"
#include "core/rng.hpp"
#include "potentials/lowerings/invariants.hpp"
#include "potentials/program/drivers/cpu_scalar.hpp"
#include "potentials/program/drivers/cpu_simd.hpp"
#include "potentials/registry.hpp"
#include "potentials/structure_evaluation.hpp"
#include "support/finite_difference.hpp"
#include "support/structures.hpp"

namespace haven::testing {
namespace {

struct Environment {
  std::vector<int> species;
  std::vector<Vec3> d;
};

Environment random_environment(int elements, double cutoff, std::uint64_t seed) {
  RandomSequence random(seed, Stream::test, 61);
  Environment e;
  for (int k = 0; k < 14; ++k) {
    const Vec3 u{random.normal(), random.normal(), random.normal()};
    e.d.push_back(((1.6 + (cutoff - 1.6) * random.uniform()) / norm(u)) * u);
    e.species.push_back(k % elements);
  }
  return e;
}

Layer random_layer(Index inputs, Index outputs, Activation activation, RandomSequence& random) {
  Layer layer{.inputs = inputs, .outputs = outputs, .activation = activation, .weights = {}, .bias = {}};
  const double width = 1 / std::sqrt(static_cast<double>(inputs));
  for (Index k = 0; k < inputs * outputs; ++k) layer.weights.push_back(width * random.normal());
  for (Index k = 0; k < outputs; ++k) layer.bias.push_back(0.3 * random.normal());
  return layer;
}

std::vector<double> features_of(const Model& model, int a, const Environment& environment) {
  const Descriptor descriptor = describe(model);
  std::vector<reference::Neighbour<double>> neighbours;
  for (std::size_t k = 0; k < environment.d.size(); ++k)
    neighbours.push_back(
        {.species = environment.species[k], .d = {environment.d[k].x, environment.d[k].y, environment.d[k].z}});
  return reference::evaluate_centre<double>(descriptor, model, reference::ClosedFormRadial{&descriptor}, a,
                                            std::span<const reference::Neighbour<double>>(neighbours))
      .features;
}

/// Gives a model with parameters random networks, and features of order one on random surroundings.
Model with_networks(Model model, Activation activation) {
  const Descriptor descriptor = describe(model);
  RandomSequence random(3, Stream::test, 62);
  for (std::size_t a = 0; a < model.elements.size(); ++a) {
    ModelElement& element = model.elements[a];
    const Index features = descriptor.centres[a].features();
    element.feature_shift.assign(static_cast<std::size_t>(features), 0.0);
    element.feature_scale.assign(static_cast<std::size_t>(features), 1.0);
    element.network.layers = {random_layer(features, 9, activation, random),
                              random_layer(9, 7, Activation::tanh, random),
                              random_layer(7, 1, Activation::identity, random)};
    element.reference_energy = -1.5;
    const std::vector<double> sample = features_of(
        model, static_cast<int>(a), random_environment(static_cast<int>(model.elements.size()), model.cutoff, 77));
    for (std::size_t f = 0; f < sample.size(); ++f) element.feature_scale[f] = 1 / (std::abs(sample[f]) + 0.05);
  }
  return model;
}

Model empty_model(const std::string& kind, double cutoff, const std::vector<int>& elements) {
  Model model;
  model.kind = kind;
  model.cutoff = cutoff;
  model.repulsion = "none";
  for (const int number : elements) {
    ModelElement element;
    element.number = number;
    element.mass = 10;
    model.elements.push_back(element);
  }
  return model;
}

struct N2p2Row {
  double type, first, second, eta, shift, lambda, zeta, cutoff;
};

const std::vector<N2p2Row>& n2p2_rows() {
  static const std::vector<N2p2Row> rows{
      {2, 0, 0, 0.3, 0.0, 1, 1, 5.5},    {2, 1, 0, 0.9, 2.1, 1, 1, 5.5},    {2, 1, 0, 0.4, 0.0, 1, 1, 4.4},
      {3, 0, 0, 0.05, 0.0, 1, 1, 5.5},   {3, 0, 0, 0.05, 0.0, -1, 4, 5.5},  {3, 0, 1, 0.05, 0.0, 1, 4, 5.5},
      {3, 0, 1, 0.02, 0.7, -1, 1, 5.5},  {3, 1, 1, 0.08, 0.3, 1, 2.5, 4.4}, {3, 1, 1, 0.05, 0.0, -1, 16, 5.5},
      {9, 0, 0, 0.05, 0.0, 1, 3, 5.5},   {9, 0, 1, 0.05, 0.0, -1, 6, 5.5},  {9, 1, 1, 0.02, 0.4, 0.5, 2, 4.4},
      {9, 0, 1, 0.05, 0.0, 1, 1.7, 5.5}, {9, 1, 1, 0.05, 0.0, 1, 20, 5.5},  {12, 0, 0, 0.1, 0.5, 1, 1, 5.5},
      {13, 0, 0, 0.04, 0.2, 1, 2, 5.5}};
  return rows;
}

Model n2p2_model(int cutoff_type, double alpha, Activation activation) {
  Model model = empty_model("n2p2", 5.5, {3, 16});
  Array table{.shape = {0, 9}, .values = {}};
  for (int a = 0; a < 2; ++a)
    for (const N2p2Row& r : n2p2_rows()) {
      table.values.insert(table.values.end(),
                          {double(a), r.type, r.first, r.second, r.eta, r.shift, r.lambda, r.zeta, r.cutoff});
      ++table.shape[0];
    }
  model.parameters = {{"cutoff_type", {.shape = {1}, .values = {double(cutoff_type)}}},
                      {"cutoff_alpha", {.shape = {1}, .values = {alpha}}},
                      {"functions", table}};
  return with_networks(std::move(model), activation);
}

/// f_c as the manual of n2p2 writes it.
double literal_window(int type, double alpha, double r, double cutoff) {
  if (r >= cutoff) return 0;
  const double inner = alpha * cutoff, x = type == 2 || type == 3 ? r / cutoff : (r - inner) / (cutoff - inner);
  if (type == 0 || x < 0) return 1;
  const double e = std::numbers::e;
  if (type == 1) return 0.5 * (std::cos(std::numbers::pi * x) + 1);
  if (type == 2) return std::pow(std::tanh(1 - x), 3);
  if (type == 3) return std::pow((e + 1 / e) / (e - 1 / e), 3) * std::pow(std::tanh(1 - x), 3);
  if (type == 4) return std::exp(1 - 1 / (1 - x * x));
  if (type == 5) return (2 * x - 3) * x * x + 1;
  if (type == 6) return ((15 - 6 * x) * x - 10) * std::pow(x, 3) + 1;
  if (type == 7) return (x * (x * (20 * x - 70) + 84) - 35) * std::pow(x, 4) + 1;
  return (x * (x * ((315 - 70 * x) * x - 540) + 420) - 126) * std::pow(x, 5) + 1;
}

double literal_symmetry_function(const Environment& e, const N2p2Row& row, int type, double alpha) {
  const auto charge = [&](std::size_t j) { return e.species[j] == 0 ? 3.0 : 16.0; };
  const auto radial = [&](double r) {
    return std::exp(-row.eta * std::pow(r - row.shift, 2)) * literal_window(type, alpha, r, row.cutoff);
  };
  const int kind = static_cast<int>(row.type);
  double sum = 0;
  for (std::size_t j = 0; j < e.d.size(); ++j) {
    const double rj = norm(e.d[j]);
    if (kind == 2 && e.species[j] == static_cast<int>(row.first)) sum += radial(rj);
    if (kind == 12) sum += charge(j) * radial(rj);
    if (kind == 2 || kind == 12) continue;
    for (std::size_t k = j + 1; k < e.d.size(); ++k) {
      const int low = std::min(e.species[j], e.species[k]), high = std::max(e.species[j], e.species[k]);
      if (kind != 13 && (low != static_cast<int>(row.first) || high != static_cast<int>(row.second))) continue;
      const double rk = norm(e.d[k]), cosine = dot(e.d[j], e.d[k]) / (rj * rk);
      double term = std::pow(2, 1 - row.zeta) * std::pow(1 + row.lambda * cosine, row.zeta) * radial(rj) * radial(rk);
      if (kind != 9) term *= radial(norm(e.d[j] - e.d[k]));
      if (kind == 13) term *= charge(j) * charge(k);
      sum += term;
    }
  }
  return sum;
}

// Features that are small differences of moments (lambda = -1) are compared on the scale of the sums they come from.
// The polynomial windows as the manual writes them are themselves differences near x = 1, hence 1e-11.
TEST(N2p2Lowering, EqualsTheSumsOfTheManualForEveryCutOffFunction) {
  for (int type = 0; type <= 8; ++type)
    for (const double alpha : {0.0, 0.3}) {
      const Model model = n2p2_model(type, alpha, Activation::tanh);
      for (int a = 0; a < 2; ++a) {
        const Environment e = random_environment(2, 5.8, static_cast<std::uint64_t>(5 + a));
        const std::vector<double> features = features_of(model, a, e);
        ASSERT_EQ(features.size(), n2p2_rows().size());
        for (std::size_t f = 0; f < features.size(); ++f) {
          const double expected = literal_symmetry_function(e, n2p2_rows()[f], type, alpha);
          N2p2Row mirror = n2p2_rows()[f];
          mirror.lambda = std::abs(mirror.lambda);
          const double scale = std::max(expected, literal_symmetry_function(e, mirror, type, alpha));
          EXPECT_NEAR(features[f], expected, 1e-11 * scale) << "cut-off type " << type << ", function " << f;
        }
      }
    }
}

TEST(N2p2Lowering, RefusesWhatItDoesNotKnow) {
  const auto refuses = [](std::size_t column, double value) {
    Model model = n2p2_model(1, 0, Activation::tanh);
    model.parameters.at("functions").values[column] = value;
    EXPECT_THROW(static_cast<void>(describe(model)), ModelError) << column << " = " << value;
  };
  refuses(1, 21);   // type
  refuses(0, 2);    // centre
  refuses(4, -1);   // eta
  refuses(6, 1.5);  // lambda
  refuses(7, 0.5);  // zeta
  refuses(8, 6.0);  // beyond the model's cut-off
  refuses(4, std::nan(""));
  EXPECT_THROW(static_cast<void>(new_model({.kind = "n2p2"}, {3}, 1)), ConfigError);
}

Model nep_model(const std::vector<double>& invariants, int l_max, Activation activation) {
  Model model = empty_model("nep", 5.5, {3, 8});
  RandomSequence random(8, Stream::test, 63);
  constexpr Index functions[] = {4, 3}, basis[] = {6, 5};
  for (int a = 0; a < 2; ++a)
    for (const int angular : {0, 1}) {
      Array table{.shape = {functions[angular], 2 * basis[angular]}, .values = {}};
      for (Index k = 0; k < table.shape[0] * table.shape[1]; ++k) table.values.push_back(0.5 * random.normal());
      model.parameters[std::string(angular == 0 ? "radial_" : "angular_") + std::to_string(a)] = table;
    }
  model.parameters["radial_cutoff"] = {.shape = {2}, .values = {5.5, 5.0}};
  model.parameters["angular_cutoff"] = {.shape = {2}, .values = {4.0, 4.4}};
  model.parameters["l_max"] = {.shape = {1}, .values = {double(l_max)}};
  model.parameters["invariants"] = {.shape = {6}, .values = invariants};
  Array wall{.shape = {4, 11}, .values = {}};
  for (int p = 0; p < 4; ++p)
    wall.values.insert(wall.values.end(), {14.4 * 9, 0.18, 0.51, 0.28, 0.03, 9.0, 3.0, 1.2, 0.6, 1.0, 2.4});
  model.parameters["repulsion"] = wall;
  return with_networks(std::move(model), activation);
}

double nep_cutoff(const Model& model, const std::string& name, int a, int b) {
  const auto& list = model.parameters.at(name).values;
  return 0.5 * (list[static_cast<std::size_t>(a)] + list[static_cast<std::size_t>(b)]);
}

/// g_n of a pair of elements, written out.
double literal_nep_radial(const Model& model, bool angular, int a, int b, Index n, double r) {
  const Array& table = model.parameters.at((angular ? "angular_" : "radial_") + std::to_string(a));
  const double cutoff = nep_cutoff(model, angular ? "angular_cutoff" : "radial_cutoff", a, b);
  if (r >= cutoff) return 0;
  const double x = 2 * std::pow(r / cutoff - 1, 2) - 1, window = 0.5 * (1 + std::cos(std::numbers::pi * r / cutoff));
  const Index basis = table.shape[1] / 2;
  double sum = 0;
  for (Index k = 0; k < basis; ++k)
    sum += table.values[static_cast<std::size_t>(n * table.shape[1] + b * basis + k)] * 0.5 *
           (std::cos(static_cast<double>(k) * std::acos(x)) + 1) * window;
  return sum;
}

/// The polynomials s of the NEP papers: 3 of l = 1 and 5 of l = 2.
std::array<double, 8> nep_sums(const Model& model, int a, const Environment& e, Index n) {
  std::array<double, 8> s{};
  for (std::size_t j = 0; j < e.d.size(); ++j) {
    const double r = norm(e.d[j]), g = literal_nep_radial(model, true, a, e.species[j], n, r);
    const double x = e.d[j].x / r, y = e.d[j].y / r, z = e.d[j].z / r;
    const double terms[8] = {z, x, y, 3 * z * z - 1, x * z, y * z, x * x - y * y, 2 * x * y};
    for (std::size_t k = 0; k < 8; ++k) s[k] += g * terms[k];
  }
  return s;
}

TEST(NepLowering, EqualsTheSumsOfThePapers) {
  const Model model = nep_model({1, 1, 1, 0, 0, 0}, 4, Activation::tanh);
  for (int a = 0; a < 2; ++a) {
    const Environment e = random_environment(2, 5.8, static_cast<std::uint64_t>(9 + a));
    const std::vector<double> q = features_of(model, a, e);
    ASSERT_EQ(q.size(), 4u + 3u * 7u);
    for (Index n = 0; n < 4; ++n) {
      double sum = 0;
      for (std::size_t j = 0; j < e.d.size(); ++j)
        sum += literal_nep_radial(model, false, a, e.species[j], n, norm(e.d[j]));
      EXPECT_NEAR(q[static_cast<std::size_t>(n)], sum, 1e-12 * (1 + std::abs(sum)));
    }
    for (int l = 1; l <= 4; ++l)
      for (Index n = 0; n < 3; ++n) {
        double sum = 0;
        for (std::size_t j = 0; j < e.d.size(); ++j)
          for (std::size_t k = 0; k < e.d.size(); ++k)
            sum += literal_nep_radial(model, true, a, e.species[j], n, norm(e.d[j])) *
                   literal_nep_radial(model, true, a, e.species[k], n, norm(e.d[k])) *
                   std::legendre(static_cast<unsigned>(l),
                                 std::clamp(dot(e.d[j], e.d[k]) / (norm(e.d[j]) * norm(e.d[k])), -1.0, 1.0));
        sum *= (2 * l + 1) / (4 * std::numbers::pi);
        EXPECT_NEAR(q[static_cast<std::size_t>(4 + 3 * (l - 1) + n)], sum, 1e-12 * (1 + std::abs(sum)));
      }
    for (Index n = 0; n < 3; ++n) {
      const auto s = nep_sums(model, a, e, n);
      // Coefficients as GPUMD prints them, to 12 digits.
      const double q222 =
          -0.007499480826664 * s[3] * s[3] * s[3] - 0.134990654879954 * s[3] * (s[4] * s[4] + s[5] * s[5]) +
          0.067495327439977 * s[3] * (s[6] * s[6] + s[7] * s[7]) +
          0.404971964639861 * s[6] * (s[5] * s[5] - s[4] * s[4]) - 0.809943929279723 * s[4] * s[5] * s[7];
      const double rho = s[1] * s[1] + s[2] * s[2];
      const double q1111 = 0.026596810706114 * (s[0] * s[0] + rho) * (s[0] * s[0] + rho);
      const double q112 = 0.027493550848847 * s[0] * s[0] * s[3] +
                          0.164961305093080 * s[0] * (s[1] * s[4] + s[2] * s[5]) - 0.013746775424423 * s[3] * rho +
                          0.041240326273270 * s[6] * (s[1] * s[1] - s[2] * s[2]) +
                          0.082480652546540 * s[1] * s[2] * s[7];
      EXPECT_NEAR(q[static_cast<std::size_t>(16 + n)], q222, 1e-10 * (1 + std::abs(q222)));
      EXPECT_NEAR(q[static_cast<std::size_t>(19 + n)], q1111, 1e-10 * (1 + std::abs(q1111)));
      EXPECT_NEAR(q[static_cast<std::size_t>(22 + n)], q112, 1e-10 * (1 + std::abs(q112)));
    }
  }
}

TEST(Invariants, DoNotChangeUnderRotations) {
  const Model model = nep_model({1, 1, 1, 1, 1, 1}, 4, Activation::tanh);
  const Environment e = random_environment(2, 5.0, 12);
  const std::vector<double> before = features_of(model, 0, e);
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    const Mat3 m = random_orthogonal(seed, seed % 2 == 0 ? -1 : 1);
    Environment turned = e;
    for (Vec3& d : turned.d) d = d * transpose(m);
    const std::vector<double> after = features_of(model, 0, turned);
    for (std::size_t f = 0; f < before.size(); ++f)
      EXPECT_NEAR(after[f], before[f], 1e-12 * (1 + std::abs(before[f]))) << f;
  }
}

// Tabulated values (NIST DLMF 34.3).
TEST(Invariants, UseTheThreeJSymbols) {
  EXPECT_NEAR(wigner_3j_zero(2, 2, 2), -std::sqrt(2.0 / 35), 1e-15);
  EXPECT_NEAR(wigner_3j_zero(1, 1, 2), std::sqrt(2.0 / 15), 1e-15);
  EXPECT_NEAR(wigner_3j_zero(1, 2, 3), -std::sqrt(3.0 / 35), 1e-15);
  EXPECT_EQ(wigner_3j_zero(1, 1, 1), 0);
  EXPECT_EQ(wigner_3j_zero(1, 1, 4), 0);
}

/// Made-up models of the imported kinds.
std::vector<std::pair<std::string, Model>> imported_models() {
  std::vector<std::pair<std::string, Model>> models{{"nep", nep_model({1, 1, 1, 1, 1, 1}, 4, Activation::tanh)},
                                                    {"nep_l8", nep_model({0, 1, 0, 0, 0, 0}, 8, Activation::logistic)},
                                                    {"n2p2_hard_core", n2p2_model(6, 0.2, Activation::softplus)}};
  models.emplace_back("n2p2_cosine", n2p2_model(1, 0, Activation::gaussian));
  models.emplace_back("n2p2_tanh", n2p2_model(3, 0, Activation::cosine));
  models.emplace_back("n2p2_exponential", n2p2_model(4, 0, Activation::reversed_logistic));
  models.emplace_back("n2p2_poly1", n2p2_model(5, 0, Activation::exponential));
  models.emplace_back("n2p2_poly3", n2p2_model(7, 0, Activation::tanh));
  models.emplace_back("n2p2_poly4", n2p2_model(8, 0, Activation::harmonic));
  return models;
}

Structure structure_of(const Model& model, std::uint64_t seed) {
  std::vector<int> elements;
  for (const ModelElement& element : model.elements) elements.push_back(element.number);
  return random_structure({.atoms = 14, .elements = elements, .seed = seed});
}

// The same tables, so only rounding differs. The hard cut-off is here alone: with it the energy jumps.
TEST(ImportedKinds, VectorisedDoubleAgreesWithTheScalarDriverToRounding) {
  auto models = imported_models();
  models.emplace_back("n2p2_hard_cutoff", n2p2_model(0, 0, Activation::tanh));
  for (const auto& [name, model] : models) {
    const Structure s = structure_of(model, 31);
    const auto expected = evaluate_all(*reference::make_reference_potential(model, reference::RadialSource::tables), s);
    for (const Isa isa : available_isas()) {
      const auto got = evaluate_all(*make_vectorised_potential(model, Precision::float64, isa), s);
      EXPECT_NEAR(got.energy, expected.energy, 1e-13 * std::abs(expected.energy)) << name << ", " << isa_name(isa);
      EXPECT_LE(largest_difference(got.forces, expected.forces), 1e-13 * largest_component(expected.forces))
          << name << ", " << isa_name(isa);
      EXPECT_LE(largest_difference(got.virial, expected.virial), 1e-13 * largest_component(expected.virial))
          << name << ", " << isa_name(isa);
    }
  }
}

// The curvature of the cosine and of the first polynomial window jumps at the cut-off: where a pair is within the step
// of it, the error is the jump times the step, which is therefore small.
TEST(ImportedKinds, ForcesAndVirialAreGradientsOfTheEnergy) {
  for (const auto& [name, model] : imported_models()) {
    const auto potential = make_vectorised_potential(model, Precision::float64);
    const Structure s = structure_of(model, 32);
    const auto result = evaluate_all(*potential, s);
    const double scale = largest_component(result.forces);
    for (const std::size_t i : {std::size_t{0}, std::size_t{7}})
      for (int k = 0; k < 3; ++k) {
        const double slope = central_difference(
            [&](double h) {
              Vec3 d{};
              d[k] = h;
              return energy_of(*potential, displaced(s, i, d));
            },
            2e-5);
        EXPECT_NEAR(result.forces[i][k], -slope, 3e-7 * scale) << name << " atom " << i;
      }
    Mat3 e{};
    e[0][0] = 1;
    e[0][1] = e[1][0] = 0.5;
    const double slope = central_difference([&](double h) { return energy_of(*potential, strained(s, h * e)); }, 1e-5);
    EXPECT_NEAR(result.virial[0][0] + 0.5 * (result.virial[0][1] + result.virial[1][0]), -slope,
                3e-7 * largest_component(result.virial))
        << name;
  }
}

// The made-up scales amplify small features, and with them rounding, up to twentyfold; published potentials stay within
// 1e-5 eV/A.
TEST(ImportedKinds, MixedPrecisionForcesAreClose) {
  for (const auto& [name, model] : imported_models()) {
    const Structure s = structure_of(model, 33);
    const auto exact = evaluate_all(*make_vectorised_potential(model, Precision::float64), s);
    for (const Isa isa : available_isas()) {
      const auto mixed = evaluate_all(*make_vectorised_potential(model, Precision::mixed, isa), s);
      EXPECT_LT(largest_difference(mixed.forces, exact.forces), 5e-5 * largest_component(exact.forces) + 1e-5)
          << name << ", " << isa_name(isa);
    }
  }
}

// An atom comes in through the cut-off: the change per step goes to zero at least as the window, whose slope vanishes.
TEST(ImportedKinds, NothingHappensAtTheCutOff) {
  for (const auto& [name, model] : imported_models()) {
    const auto potential = make_vectorised_potential(model, Precision::float64);
    Structure s;
    s.cell = Cell(60.0 * Mat3::identity(), {false, false, false});
    s.numbers = {model.elements[0].number, model.elements[1].number, model.elements[1].number};
    const auto at = [&](double r) {
      s.positions = {{20, 20, 20}, {22.5, 20.3, 20.1}, {20, 20 + r, 20}};
      return evaluate_all(*potential, s);
    };
    for (const double cutoff : {5.5, 5.25, 4.4, 4.2, 4.0}) {
      const auto inside = at(cutoff - 1e-6), outside = at(cutoff + 1e-6);
      EXPECT_NEAR(inside.energy, outside.energy, 1e-8 + 4e-6 * largest_component(outside.forces))
          << name << " " << cutoff;
      EXPECT_LT(largest_difference(inside.forces, outside.forces), 2e-5) << name << " " << cutoff;
    }
  }
}

TEST(ImportedKinds, RotatingAndPermutingAtomsChangesNothing) {
  for (const auto& [name, model] : imported_models()) {
    const auto potential = make_vectorised_potential(model, Precision::float64);
    const Structure s = structure_of(model, 35);
    const auto before = evaluate_all(*potential, s);
    const Mat3 m = random_orthogonal(4, -1);
    const auto turned = evaluate_all(*potential, transformed(s, m));
    std::vector<Vec3> expected;
    for (const Vec3& f : before.forces) expected.push_back(f * transpose(m));
    EXPECT_NEAR(turned.energy, before.energy, 1e-9) << name;
    EXPECT_LT(largest_difference(turned.forces, expected), 1e-9 * (1 + largest_component(expected))) << name;
    Structure reversed = s;
    std::reverse(reversed.positions.begin(), reversed.positions.end());
    std::reverse(reversed.numbers.begin(), reversed.numbers.end());
    EXPECT_NEAR(evaluate_all(*potential, reversed).energy, before.energy, 1e-9) << name;
  }
}

}  // namespace
}  // namespace haven::testing
