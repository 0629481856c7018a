// Lowerings against slow, literal implementations of the published formulas.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "core/error.hpp"
#include "core/rng.hpp"
#include "potentials/lowerings/invariants.hpp"
#include "potentials/program/drivers/cpu_scalar.hpp"
#include "potentials/registry.hpp"
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
  for (int type = 0; type <= 2; ++type)
    for (int a = 0; a < 2; ++a) {
      const Model model = symmetry_function_model(type);
      const Environment e = random_environment(2, model.cutoff, 5);
      const std::vector<double> features = lowered_features(model, a, e);
      std::size_t f = 0;
      const auto& radial = model.parameters.at("radial").values;
      for (std::size_t k = 0; k < radial.size(); k += 4) {
        if (radial[k] != a) continue;
        const double expected = literal_type_2(e, &radial[k], type, model.cutoff);
        EXPECT_NEAR(features.at(f++), expected, 1e-12 * std::abs(expected));
      }
      const auto& angular = model.parameters.at("angular").values;
      for (std::size_t k = 0; k < angular.size(); k += 7) {
        if (angular[k] != a) continue;
        const double expected = literal_type_9(e, &angular[k], type, model.cutoff);
        double mirror[7];
        std::copy(&angular[k], &angular[k] + 7, mirror);
        mirror[5] = -mirror[5];
        const double scale = std::max(expected, literal_type_9(e, mirror, type, model.cutoff));
        EXPECT_NEAR(features.at(f++), expected, 1e-12 * scale)
            << "centre " << a << " zeta " << angular[k + 6] << " lambda " << angular[k + 5];
      }
      EXPECT_EQ(f, features.size());
    }
}

double chebyshev(int n, double x) { return std::cos(n * std::acos(std::clamp(x, -1.0, 1.0))); }

/// Expects the features of one centre, first without and then with the weights of elements.
void expect_chebyshev_sums(const std::vector<double>& features, const Environment& e, int type) {
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

TEST(Chebyshev, EqualsTheSumsOfArtrithUrbanAndCeder) {
  for (int type = 0; type <= 1; ++type) {
    Model model = new_model({.kind = "chebyshev", .preset = "accurate", .cutoff = 6.0}, {3, 15, 16}, 1);
    model.parameters["cutoff_type"].values[0] = type;
    model.parameters["angular_cutoff"].values[0] = 4.5;
    EXPECT_EQ(model.parameters["element_weights"].values, (std::vector<double>{-1, 0, 1}));
    const Environment e = random_environment(3, model.cutoff, 6);
    for (int a = 0; a < 3; ++a) {
      SCOPED_TRACE(a);
      expect_chebyshev_sums(lowered_features(model, a, e), e, type);
    }
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
  const Descriptor descriptor = describe(model);
  for (int a = 0; a < 2; ++a) {
    const std::vector<double> features = lowered_features(model, a, e);
    const CentreDescriptor& centre = descriptor.centres[static_cast<std::size_t>(a)];
    const auto& terms = centre.terms;
    ASSERT_EQ(terms.size() + centre.products.size(), features.size());
    for (std::size_t t = 0; t < terms.size(); ++t) {
      double sum = 0, scale = 0;
      for (std::size_t j = 0; j < e.d.size(); ++j) {
        const double rj = literal_channel(model, a, e.species[j], terms[t].channel, norm(e.d[j]));
        if (terms[t].degree == 1) {
          sum += rj;
          scale += std::abs(rj);
          continue;
        }
        for (std::size_t k = 0; k < e.d.size(); ++k) {
          const double rk = literal_channel(model, a, e.species[k], terms[t].other_channel, norm(e.d[k]));
          sum += rj * rk * legendre(terms[t].l, cosine(e.d[j], e.d[k]));
          scale += std::abs(rj * rk);
        }
      }
      EXPECT_NEAR(features[t], sum, 1e-12 * scale) << "centre " << a << " term " << t;
    }
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

/// A rule on the unit sphere, exact for polynomials of degree 15: the eight points of Gauss and Legendre in z
/// (Abramowitz & Stegun, table 25.4) times sixteen angles.
struct SpherePoint {
  Vec3 x;
  double weight = 0;
};
std::vector<SpherePoint> sphere_points() {
  constexpr double nodes[] = {0.183434642495649805, 0.525532409916328986, 0.796666477413626740, 0.960289856497536232},
                   weights[] = {0.362683783378361983, 0.313706645877887287, 0.222381034453374471, 0.101228536290376259};
  std::vector<SpherePoint> points;
  for (int k = 0; k < 4; ++k)
    for (const double sign : {1.0, -1.0})
      for (int angle = 0; angle < 16; ++angle) {
        const double phi = std::numbers::pi * (angle + 0.25) / 8, rho = std::sqrt(1 - nodes[k] * nodes[k]);
        points.push_back({.x = {rho * std::cos(phi), rho * std::sin(phi), sign * nodes[k]},
                          .weight = weights[k] * std::numbers::pi / 8});
      }
  return points;
}

/// F_l(x) = sum_j R_j (2l + 1)/(4 pi) P_l(u_j . x) = sum_m A_lm Y_lm(x), by the addition theorem, at every point.
std::vector<double> angular_density(const Environment& e, const std::vector<double>& radial, int l,
                                    const std::vector<SpherePoint>& points) {
  std::vector<double> density;
  for (const SpherePoint& p : points) {
    double sum = 0;
    for (std::size_t j = 0; j < e.d.size(); ++j) sum += radial[j] * legendre(l, cosine(e.d[j], p.x));
    density.push_back(sum * (2 * l + 1) / (4 * std::numbers::pi));
  }
  return density;
}

struct Sum {
  double value = 0, scale = 0;  ///< the sum and that of the magnitudes of its terms
  void add(double term) { value += term, scale += std::abs(term); }
};

/// What a product of moments is, without harmonics or coupling coefficients. Degree 3: the integral of F_l1 F_l2 F_l3
/// over the sphere, which is the sum of Gaunt's integrals times A A A, over sqrt((2l1+1)(2l2+1)(2l3+1)/(4 pi)) times
/// the 3j symbol of zeros, whose square is half the integral of P_l1 P_l2 P_l3 and whose sign is (-1)^((l1+l2+l3)/2).
/// Degree 4: (2L+1) times the double integral of F_l1 F_l2(x) P_L(x.y) F_l3 F_l4(y).
Sum literal_product(const Environment& e, const std::vector<double>& radial, const std::array<int, 5>& l) {
  static const std::vector<SpherePoint> points = sphere_points();
  std::array<std::vector<double>, 4> f;
  for (std::size_t k = 0; k < (l[3] < 0 ? 3 : 4); ++k) f[k] = angular_density(e, radial, l[k], points);
  Sum sum;
  double square = 0;
  for (std::size_t p = 0; p < points.size(); ++p) {
    const Vec3& x = points[p].x;
    if (l[3] < 0) {
      sum.add(points[p].weight * f[0][p] * f[1][p] * f[2][p]);
      square += points[p].weight * legendre(l[0], x.z) * legendre(l[1], x.z) * legendre(l[2], x.z);
      continue;
    }
    for (std::size_t q = 0; q < points.size(); ++q)
      sum.add((2 * l[4] + 1) * points[p].weight * points[q].weight * f[0][p] * f[1][p] * f[2][q] * f[3][q] *
              legendre(l[4], dot(x, points[q].x)));
  }
  if (l[3] >= 0) return sum;
  const double zeros = std::sqrt(square / (4 * std::numbers::pi)) * ((l[0] + l[1] + l[2]) / 2 % 2 == 0 ? 1 : -1);
  const double factor =
      1 / (zeros * std::sqrt((2 * l[0] + 1) * (2 * l[1] + 1) * (2 * l[2] + 1) / (4 * std::numbers::pi)));
  return {.value = factor * sum.value, .scale = std::abs(factor) * sum.scale};
}

/// Every coupling of the largest preset and some of higher l, for every channel and centre; rounding of the sums.
TEST(Moment, ProductsAreIntegralsOverTheSphere) {
  Model model = new_model({.kind = "moment", .preset = "accurate", .cutoff = 5.0}, {3, 8}, 9);
  for (double& l : model.parameters.at("channel_l_max").values) l = 6;
  Array& couplings = model.parameters.at("couplings");
  for (const std::array<int, 5>& more :
       {std::array{2, 6, 6, -1, -1}, {3, 5, 6, -1, -1}, {4, 5, 5, -1, -1}, {2, 3, 3, 4, 5}, {3, 3, 3, 3, 6}}) {
    couplings.values.insert(couplings.values.end(), more.begin(), more.end());
    ++couplings.shape[0];
  }
  const auto channels = model.parameters.at("channel_l_max").shape[0];
  const Environment e = random_environment(2, model.cutoff, 8);
  for (int a = 0; a < 2; ++a) {
    const std::vector<double> features = lowered_features(model, a, e);
    std::size_t at = describe(model).centres[static_cast<std::size_t>(a)].terms.size();
    for (Index row = 0; row < couplings.shape[0]; ++row) {
      std::array<int, 5> l{};
      for (std::size_t k = 0; k < 5; ++k)
        l[k] = static_cast<int>(couplings.values[5 * static_cast<std::size_t>(row) + k]);
      for (Index c = 0; c < channels; ++c) {
        std::vector<double> radial;
        for (std::size_t j = 0; j < e.d.size(); ++j)
          radial.push_back(literal_channel(model, a, e.species[j], c, norm(e.d[j])));
        const Sum expected = literal_product(e, radial, l);
        EXPECT_NEAR(features.at(at++), expected.value, 1e-12 * expected.scale)
            << "centre " << a << ", coupling " << row << ", channel " << c;
      }
    }
    EXPECT_EQ(at, features.size());
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

}  // namespace
}  // namespace haven::testing
