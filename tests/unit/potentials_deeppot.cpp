// DeepPot-SE against direct loops of the published formulas, and the parts that it is lowered to.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <utility>

#include "core/error.hpp"
#include "core/rng.hpp"
#include "potentials/lowerings/deeppot_se.hpp"
#include "potentials/registry.hpp"
#include "support/finite_difference.hpp"
#include "support/structures.hpp"

namespace haven::testing {
namespace {

std::size_t at(Index k) { return static_cast<std::size_t>(k); }

/// DeePMD-kit's s(r).
double literal_s(const Model& model, double r) {
  const double begin = model.parameters.at("smooth").values[0], x = (r - begin) / (model.cutoff - begin);
  if (r >= model.cutoff) return 0;
  if (r < begin) return 1 / r;
  return 1 / r * (x * x * x * (-6 * x * x + 15 * x - 10) + 1);
}

/// G_c(s) for neighbours of element b, layer by layer.
std::vector<double> literal_net(const Model& model, std::size_t a, std::size_t b, double s) {
  const Array& nets = model.parameters.at("embedding_" + std::to_string(a));
  const double* numbers = nets.values.data() + b * at(nets.shape[1]);
  std::vector<double> x{s};
  for (const double width : model.parameters.at("widths").values) {
    const auto outputs = static_cast<std::size_t>(width), inputs = x.size();
    std::vector<double> y;
    for (std::size_t o = 0; o < outputs; ++o) {
      double sum = numbers[outputs * inputs + o];
      for (std::size_t i = 0; i < inputs; ++i) sum += numbers[o * inputs + i] * x[i];
      y.push_back(std::tanh(sum));
      if (outputs == inputs) y.back() += x[o];
      if (outputs == 2 * inputs) y.back() += x[o % inputs];
    }
    numbers += outputs * (inputs + 1);
    x = y;
  }
  return x;
}

struct LiteralNeighbour {
  std::size_t element;
  Vec3 d;
};

/// All images within the cut-off, by looping over cells.
std::vector<LiteralNeighbour> literal_neighbours(const Model& model, const Structure& s, Index i) {
  std::vector<LiteralNeighbour> all;
  for (Index j = 0; j < s.size(); ++j)
    for (int a = -3; a <= 3; ++a)
      for (int b = -3; b <= 3; ++b)
        for (int c = -3; c <= 3; ++c) {
          const Vec3 d = s.positions[at(j)] - s.positions[at(i)] + s.cell.translation({a, b, c});
          if (norm(d) >= model.cutoff || norm(d) == 0) continue;
          std::size_t element = 0;
          while (model.elements[element].number != s.numbers[at(j)]) ++element;
          all.push_back({element, d});
        }
  return all;
}

/// se_e2_a: the lower triangle of D = G^T R R^T G_< / N^2, row by row. se_e2_r: the mean of G over N places, empty ones
/// with s = 0, without that of N empty places.
std::vector<double> literal_features(const Model& model, std::size_t a, const std::vector<LiteralNeighbour>& around) {
  const double n = model.parameters.at("neighbours").values[0];
  const auto channels = static_cast<std::size_t>(model.parameters.at("widths").values.back());
  std::vector<double> features;
  if (model.kind == "deeppot-se-r") {
    features.assign(channels, 0.0);
    for (const LiteralNeighbour& j : around) {
      const auto g = literal_net(model, a, j.element, literal_s(model, norm(j.d))),
                 empty = literal_net(model, a, j.element, 0);
      for (std::size_t c = 0; c < channels; ++c) features[c] += (g[c] - empty[c]) / n;
    }
    return features;
  }
  std::vector<std::array<double, 4>> gr(channels);  // G^T R
  for (const LiteralNeighbour& j : around) {
    const double r = norm(j.d), s = literal_s(model, r);
    const auto g = literal_net(model, a, j.element, s);
    const double row[4] = {s, s * j.d.x / r, s * j.d.y / r, s * j.d.z / r};
    for (std::size_t c = 0; c < channels; ++c)
      for (std::size_t k = 0; k < 4; ++k) gr[c][k] += g[c] * row[k];
  }
  const auto axis = static_cast<std::size_t>(model.parameters.at("axis_channels").values[0]);
  for (std::size_t c = 0; c < channels; ++c)
    for (std::size_t other = 0; other < axis && other <= c; ++other) {
      double sum = 0;
      for (std::size_t k = 0; k < 4; ++k) sum += gr[c][k] * gr[other][k];
      features.push_back(sum / (n * n));
    }
  return features;
}

double literal_energy(const Model& model, const Structure& s) {
  double energy = 0;
  for (Index i = 0; i < s.size(); ++i) {
    std::size_t a = 0;
    while (model.elements[a].number != s.numbers[at(i)]) ++a;
    const ModelElement& element = model.elements[a];
    std::vector<double> x = literal_features(model, a, literal_neighbours(model, s, i));
    for (std::size_t f = 0; f < x.size(); ++f) x[f] = (x[f] - element.feature_shift[f]) * element.feature_scale[f];
    for (const Layer& layer : element.network.layers) {
      std::vector<double> y = layer.bias;
      for (std::size_t o = 0; o < y.size(); ++o) {
        for (std::size_t k = 0; k < x.size(); ++k) y[o] += layer.weights[o * x.size() + k] * x[k];
        if (layer.activation == Activation::tanh) y[o] = std::tanh(y[o]);
      }
      x = y;
    }
    energy += x[0] + element.reference_energy;
  }
  return energy;
}

class DeepPotSe : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Kinds, DeepPotSe, ::testing::Values("deeppot-se", "deeppot-se-r"), [](const auto& param) {
  return std::string(param.param) == "deeppot-se" ? "se_e2_a" : "se_e2_r";
});

/// 96 nodes reproduce the nets to rounding, so that the nets themselves can be compared with: energies to 1e-9 of what
/// the networks add (tables hold 1e-10), forces to the error of fourth-order differences.
TEST_P(DeepPotSe, EqualsDirectLoopsOfThePublishedFormula) {
  Model model = random_model({.kind = GetParam(), .elements = {3, 16}, .cutoff = 4.0, .seed = 5});
  model.parameters["nodes"].values[0] = 96;
  model.parameters["core"].values[0] = 1.5;
  const Structure s = random_structure({.atoms = 6, .elements = {3, 16}, .seed = 3});
  const double literal = literal_energy(model, s);
  for (const Backend backend : {Backend::reference, Backend::vectorised}) {
    const auto result = evaluate_all(*make_potential(model, Precision::float64, backend), s);
    EXPECT_NEAR(result.energy, literal, 1e-9);
    for (std::size_t atom = 0; atom < 6; atom += 2) {
      const double slope = central_difference(
          [&](double h) {
            Structure moved = s;
            moved.positions[atom].y += h;
            return literal_energy(model, moved);
          },
          1e-3);
      EXPECT_NEAR(result.forces[atom].y, -slope, 1e-7 * largest_component(result.forces));
    }
  }
}

/// Exactly 1/r from the core on, and below it bounded, falling and smooth enough for tables.
TEST(SmoothInverse, IsTheInverseAboveTheCoreAndBoundedBelow) {
  const SmoothInverse s{.core = 1.5, .smooth = 3, .cutoff = 6};
  EXPECT_EQ(smooth_inverse(s, 1.5).value, 1 / 1.5);
  EXPECT_EQ(smooth_inverse(s, 2.9).value, 1 / 2.9);
  EXPECT_EQ(smooth_inverse(s, 6).value, 0);
  EXPECT_NEAR(smooth_inverse(s, 0).value, s.largest(), 1e-15);
  EXPECT_LT(s.largest(), 1.14 / 1.5);
  double before = s.largest();
  for (double r = 0.01; r < 6; r += 0.0173) {
    const RadialValue f = smooth_inverse(s, r);
    EXPECT_LE(f.value, before) << r;
    before = f.value;
    const double h = 1e-4;
    EXPECT_NEAR(f.slope, central_difference([&](double d) { return smooth_inverse(s, r + d).value; }, h), 1e-8) << r;
    EXPECT_NEAR(f.curvature, central_difference([&](double d) { return smooth_inverse(s, r + d).slope; }, h), 2e-3)
        << r;
  }
  for (const double end : s.breaks()) {
    const RadialValue left = smooth_inverse(s, end - 1e-12), right = smooth_inverse(s, end + 1e-12);
    EXPECT_NEAR(left.slope, right.slope, 1e-11) << end;
    EXPECT_NEAR(left.curvature, right.curvature, 1e-9) << end;
  }
}

/// The figures that the docs give for untrained nets.
TEST(RadialEmbedding, InterpolationReproducesTheNets) {
  const Model model = new_model({.kind = "deeppot-se", .preset = "standard", .cutoff = 6}, {3, 16}, 2);
  const double largest = radial_embedding(model).inputs().front() / (0.5 * (1 + std::cos(0.5 * std::acos(-1.0) / 32)));
  for (const auto& [nodes, tolerance] : {std::pair{32, 1e-5}, std::pair{64, 1e-11}}) {
    const RadialEmbedding embedding(radial_embedding(model).net(), nodes, largest);
    const Array& nets = model.parameters.at("embedding_1");
    const std::span<const double> numbers = std::span<const double>(nets.values).subspan(at(nets.shape[1]));
    const std::vector<double> c = embedding.coefficients(numbers);
    for (double x = -1; x <= 1; x += 0.01) {
      const std::vector<double> exact = literal_net(model, 1, 1, 0.5 * largest * (1 + x));
      for (std::size_t channel = 0; channel < exact.size(); ++channel) {
        double sum = 0;
        for (std::size_t k = 0; k < at(nodes); ++k)
          sum += c[channel * at(nodes) + k] * std::cos(static_cast<double>(k) * std::acos(std::clamp(x, -1.0, 1.0)));
        EXPECT_NEAR(sum, exact[channel], tolerance) << nodes << " nodes";
      }
    }
  }
}

TEST(RadialEmbedding, GradientIsTheFiniteDifference) {
  for (const std::vector<Index>& widths : {std::vector<Index>{4, 8, 8, 5}, std::vector<Index>{1, 2, 6}}) {
    const RadialEmbedding embedding(EmbeddingNet(widths), 9, 0.8);
    RandomSequence random(3, Stream::test, 1);
    std::vector<double> parameters, weights, gradient;
    for (Index k = 0; k < embedding.net().parameters(); ++k) parameters.push_back(0.7 * random.normal());
    for (Index k = 0; k < widths.back() * 9; ++k) weights.push_back(random.normal());
    gradient.assign(parameters.size(), 0.0);
    embedding.add_gradient(parameters, weights, gradient);
    for (std::size_t k = 0; k < parameters.size(); ++k) {
      const double centre = parameters[k];
      const double difference = central_difference(
          [&](double h) {
            parameters[k] = centre + h;
            const std::vector<double> c = embedding.coefficients(parameters);
            double sum = 0;
            for (std::size_t i = 0; i < c.size(); ++i) sum += weights[i] * c[i];
            return sum;
          },
          1e-3);
      parameters[k] = centre;
      EXPECT_NEAR(gradient[k], difference, 1e-9 * (1 + std::abs(difference))) << "parameter " << k;
    }
  }
}

TEST(DeepPotSeModel, RefusesParametersThatDoNotFit) {
  const Model good = new_model({.kind = "deeppot-se", .preset = "fast", .cutoff = 5}, {3, 16}, 1);
  ASSERT_NO_THROW(static_cast<void>(describe(good)));
  using Damage = std::function<void(std::map<std::string, Array>&)>;
  const auto set = [](const char* name, double value) -> Damage {
    return [=](auto& p) { p.at(name).values[0] = value; };
  };
  const std::vector<std::pair<std::string, Damage>> damages{
      {"core beyond smooth", set("core", 3)},
      {"core of nothing", set("core", 0)},
      {"smooth at the cut-off", set("smooth", 5)},
      {"no neighbours", set("neighbours", 0)},
      {"too many nodes", set("nodes", 129)},
      {"half a node", set("nodes", 8.5)},
      {"more axis channels than channels", set("axis_channels", 17)},
      {"a width of none", set("widths", 0)},
      {"a width beyond the limit", set("widths", 1e9)},
      {"another width than the numbers'", set("widths", 9)},
      {"a number missing", [](auto& p) { p.at("embedding_1").values.pop_back(); }},
      {"a net missing", [](auto& p) { p.at("embedding_1").shape[0] = 1; }},
      {"not a number", [](auto& p) { p.at("embedding_0").values[7] = std::numeric_limits<double>::quiet_NaN(); }},
      {"no layers", [](auto& p) { p.at("widths") = {.shape = {0}, .values = {}}; }},
      {"too many layers", [](auto& p) { p.at("widths") = {.shape = {9}, .values = std::vector<double>(9, 4.0)}; }},
      {"a centre missing", [](auto& p) { p.erase("embedding_1"); }},
      {"a centre too many", [](auto& p) { p["embedding_2"] = p.at("embedding_1"); }},
  };
  for (const auto& [name, damage] : damages) {
    Model model = good;
    damage(model.parameters);
    EXPECT_THROW(static_cast<void>(describe(model)), ModelError) << name;
  }
  Model radial = good;
  radial.kind = "deeppot-se-r";  // has no axis channels
  EXPECT_THROW(static_cast<void>(describe(radial)), ModelError);
}

/// Below every distance of the data, so that the published formula holds there, and on a knot of the tables.
TEST(DeepPotSeModel, CoreLiesBelowTheSmallestDistance) {
  Model model = new_model({.kind = "deeppot-se", .preset = "fast", .cutoff = 6}, {3}, 1);
  for (const auto& [distance, core] : {std::pair{1.9, 1.5}, std::pair{0.74, 0.375}, std::pair{5.0, 3.0}}) {
    set_deeppot_core(model, distance);
    EXPECT_EQ(model.parameters.at("core").values[0], core);
    EXPECT_NO_THROW(static_cast<void>(describe(model)));
  }
}

}  // namespace
}  // namespace haven::testing
