#include "potentials/lowerings/deeppot_se.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/error.hpp"
#include "core/rng.hpp"
#include "potentials/lowerings/parameters.hpp"
#include "potentials/lowerings/radial_functions.hpp"

namespace haven {
namespace {

constexpr int most_layers = 8, most_channels = 128, most_axis_channels = 16, most_nodes = 128;
/// The share of r_core over which s levels off.
constexpr double levelling = 0.25;

bool has_angles(const Model& model) { return model.kind == "deeppot-se"; }

std::string embedding_name(std::size_t centre) { return fmt::format("embedding_{}", centre); }

SmoothInverse read_distances(const Model& model) {
  const SmoothInverse s{.core = number_parameter(model, "core", 0.01 * model.cutoff, model.cutoff),
                        .smooth = number_parameter(model, "smooth", 0, model.cutoff),
                        .cutoff = model.cutoff};
  if (!(s.core <= s.smooth && s.smooth < s.cutoff))
    refuse_parameter("smooth", fmt::format("{} A does not lie between core ({} A) and the cut-off", s.smooth, s.core));
  return s;
}

EmbeddingNet read_net(const Model& model) {
  const Array& table = parameter(model, "widths", {-1});
  if (table.shape[0] > most_layers)
    refuse_parameter("widths", fmt::format("{} layers; the most is {}", table.shape[0], most_layers));
  std::vector<Index> widths;
  for (const double value : table.values) widths.push_back(checked_integer(value, "widths", 1, most_channels));
  return EmbeddingNet(std::move(widths));
}

/// T_k(x) and its derivatives. The recursion is written out here: tables ask for it some million times.
RadialValue chebyshev(int order, double x) {
  RadialValue before{.value = 1, .slope = 0, .curvature = 0}, current{.value = x, .slope = 1, .curvature = 0};
  if (order == 0) return before;
  for (int k = 1; k < order; ++k) {
    const RadialValue next{.value = 2 * x * current.value - before.value,
                           .slope = 2 * (x * current.slope + current.value) - before.slope,
                           .curvature = 2 * (x * current.curvature + 2 * current.slope) - before.curvature};
    before = current;
    current = next;
  }
  return current;
}

/// f(x) - f at s = 0 for se_e2_r, s f(x) for se_e2_a, f = T_k(2 s/s_max - 1), over N.
RadialFunction primitive(int order, const SmoothInverse& distances, double neighbours, bool angles) {
  const double scale = 2 / distances.largest(), at_zero = order % 2 == 0 ? 1 : -1;
  return [=](double r) {
    const RadialValue s = smooth_inverse(distances, r);
    const RadialValue t = chebyshev(order, scale * s.value - 1);
    const double slope = scale * s.slope;
    RadialValue f{.value = t.value,
                  .slope = t.slope * slope,
                  .curvature = t.curvature * slope * slope + t.slope * scale * s.curvature};
    if (angles)
      f = f * s;
    else
      f.value -= at_zero;
    return RadialValue{
        .value = f.value / neighbours, .slope = f.slope / neighbours, .curvature = f.curvature / neighbours};
  };
}

/// Degree 1 of every channel, or p_{cc'0} of all pairs followed by p_{cc'1}, summed by the feature map.
void set_features(Index channels, Index axis, bool angles, CentreDescriptor& centre) {
  if (!angles) {
    for (int c = 0; c < static_cast<int>(channels); ++c)
      centre.terms.push_back({.degree = 1, .channel = c, .other_channel = 0, .l = 0});
    return;
  }
  for (int l = 0; l <= 1; ++l)
    for (int c = 0; c < static_cast<int>(channels); ++c)
      for (int other = 0; other <= c && other < static_cast<int>(axis); ++other)
        centre.terms.push_back({.degree = 2, .channel = other, .other_channel = c, .l = l});
  const auto features = static_cast<Index>(centre.terms.size()) / 2;
  centre.feature_map = {.rows = features,
                        .columns = 2 * features,
                        .values = std::vector<double>(static_cast<std::size_t>(2 * features * features), 0.0)};
  for (Index f = 0; f < features; ++f) centre.feature_map(f, f) = centre.feature_map(f, features + f) = 1;
}

struct Preset {
  std::vector<Index> widths;
  int axis, nodes;
};

Preset find_preset(const std::string& name) {
  if (name == "fast") return {.widths = {8, 16}, .axis = 4, .nodes = 32};
  if (name == "standard") return {.widths = {8, 16, 32}, .axis = 6, .nodes = 32};
  if (name == "accurate") return {.widths = {12, 24, 48}, .axis = 8, .nodes = 40};
  throw ConfigError(fmt::format("there is no preset \"{}\"", name), "model.preset",
                    "Choose fast, standard or accurate.");
}

/// Mean and deviation of s over atoms spread evenly from a third of the cut-off to the cut-off.
struct Spread {
  double mean = 0, deviation = 0;
};
Spread spread_of(const SmoothInverse& distances) {
  constexpr int samples = 200;
  double volume = 0, sum = 0, squares = 0;
  for (int k = 0; k < samples; ++k) {
    const double r = distances.cutoff * (1 + 2 * (k + 0.5) / samples) / 3, s = smooth_inverse(distances, r).value;
    volume += r * r;
    sum += r * r * s;
    squares += r * r * s * s;
  }
  return {.mean = sum / volume, .deviation = std::sqrt(squares / volume - sum * sum / (volume * volume))};
}

/// Normal weights of variance 1 in the first layer, whose input is the standardised s, and 1/(inputs + outputs) in the
/// others; biases of variance 1 and 1/4: channels differ from the first step and begin smooth.
std::vector<double> random_net(const EmbeddingNet& net, const Spread& s, RandomSequence& random) {
  constexpr double bias_width = 0.5;
  std::vector<double> numbers;
  Index inputs = 1;
  for (const Index outputs : net.widths()) {
    const bool first = numbers.empty();
    const double width = first ? 1 / s.deviation : 1 / std::sqrt(static_cast<double>(inputs + outputs));
    std::vector<double> bias;
    for (Index o = 0; o < outputs; ++o) {
      bias.push_back((first ? 1.0 : bias_width) * random.normal());
      for (Index i = 0; i < inputs; ++i) {
        numbers.push_back(width * random.normal());
        if (first) bias.back() -= numbers.back() * s.mean;
      }
    }
    numbers.insert(numbers.end(), bias.begin(), bias.end());
    inputs = outputs;
  }
  return numbers;
}

}  // namespace

double SmoothInverse::largest() const { return (1 + levelling * (0.5 + levelling / 6)) / core; }

RadialValue smooth_inverse(const SmoothInverse& s, double r) {
  if (r >= s.cutoff) return {};
  if (r < s.core) {
    // 1 + w g(v) over r_core, v = (1 - r/r_core)/w up to 1: g' = 1 + 2wv - (3 + 4w)v^2 + (2 + 2w)v^3 has the value and
    // slope of 1/r at v = 0 and a double zero at v = 1.
    constexpr double w = levelling;
    const double v = std::min(1.0, (1 - r / s.core) / w);
    const double g = v * (1 + v * (w + v * (-(3 + 4 * w) / 3 + v * (1 + w) / 2)));
    const double g1 = 1 + v * (2 * w + v * (-(3 + 4 * w) + v * (2 + 2 * w)));
    const double g2 = 2 * w + v * (-2 * (3 + 4 * w) + v * 3 * (2 + 2 * w));
    return {.value = (1 + w * g) / s.core,
            .slope = -g1 / (s.core * s.core),
            .curvature = g2 / (w * s.core * s.core * s.core)};
  }
  const RadialValue inverse{.value = 1 / r, .slope = -1 / (r * r), .curvature = 2 / (r * r * r)};
  if (r < s.smooth) return inverse;
  return inverse * cutoff_function(CutoffType::polynomial, r - s.smooth, s.cutoff - s.smooth);
}

RadialEmbedding::RadialEmbedding(EmbeddingNet net, Index nodes, double largest_s) : net_(std::move(net)) {
  const auto n = static_cast<double>(nodes);
  for (Index j = 0; j < nodes; ++j)
    inputs_.push_back(0.5 * largest_s * (1 + std::cos(std::numbers::pi * (static_cast<double>(j) + 0.5) / n)));
  for (Index k = 0; k < nodes; ++k)
    for (Index j = 0; j < nodes; ++j)
      transform_.push_back((k == 0 ? 1 : 2) / n *
                           std::cos(std::numbers::pi * static_cast<double>(k) * (static_cast<double>(j) + 0.5) / n));
}

std::vector<double> RadialEmbedding::coefficients(std::span<const double> parameters) const {
  const std::vector<double> values = net_.outputs(parameters, inputs_);
  const std::size_t n = inputs_.size();
  std::vector<double> result(values.size(), 0.0);
  for (std::size_t c = 0; c < values.size() / n; ++c)
    for (std::size_t k = 0; k < n; ++k)
      for (std::size_t j = 0; j < n; ++j) result[c * n + k] += transform_[k * n + j] * values[c * n + j];
  return result;
}

void RadialEmbedding::add_gradient(std::span<const double> parameters, std::span<const double> weights,
                                   std::span<double> gradient) const {
  const std::size_t n = inputs_.size();
  std::vector<double> by_value(weights.size(), 0.0);
  for (std::size_t c = 0; c < weights.size() / n; ++c)
    for (std::size_t k = 0; k < n; ++k)
      for (std::size_t j = 0; j < n; ++j) by_value[c * n + j] += transform_[k * n + j] * weights[c * n + k];
  net_.add_gradient(parameters, inputs_, by_value, gradient);
}

RadialEmbedding radial_embedding(const Model& model) {
  return {read_net(model), integer_parameter(model, "nodes", 4, most_nodes), read_distances(model).largest()};
}

Descriptor describe_deeppot_se(const Model& model) {
  check_frame(model);
  const SmoothInverse distances = read_distances(model);
  const RadialEmbedding embedding = radial_embedding(model);
  const double neighbours = number_parameter(model, "neighbours", 1, 1e4);
  const bool angles = has_angles(model);
  std::vector<std::string> known{"core", "smooth", "neighbours", "nodes", "widths"};
  const Index channels = embedding.net().channels(), nodes = embedding.nodes();
  Index axis = 0;
  if (angles) {
    known.emplace_back("axis_channels");
    axis =
        integer_parameter(model, "axis_channels", 1, static_cast<int>(std::min<Index>(channels, most_axis_channels)));
  }
  const auto elements = static_cast<Index>(model.elements.size());
  Descriptor descriptor{
      .cutoff = model.cutoff, .mixing_is_trainable = true, .centres = {}, .breaks = distances.breaks()};
  for (std::size_t a = 0; a < model.elements.size(); ++a) {
    known.push_back(embedding_name(a));
    const Array& nets = parameter(model, embedding_name(a), {elements, embedding.net().parameters()});
    CentreDescriptor centre;
    centre.channel_l_max.assign(static_cast<std::size_t>(channels), angles ? 1 : 0);
    centre.mixing = {.rows = channels,
                     .columns = elements * nodes,
                     .values = std::vector<double>(static_cast<std::size_t>(channels * elements * nodes))};
    for (Index b = 0; b < elements; ++b) {
      const auto size = static_cast<std::size_t>(nets.shape[1]);
      const std::vector<double> mixing = embedding.coefficients(
          std::span<const double>(nets.values).subspan(static_cast<std::size_t>(b) * size, size));
      for (Index c = 0; c < channels; ++c)
        for (Index k = 0; k < nodes; ++k)
          centre.mixing(c, b * nodes + k) = mixing[static_cast<std::size_t>(c * nodes + k)];
      for (int k = 0; k < static_cast<int>(nodes); ++k)
        centre.primitives.push_back({.neighbour = static_cast<int>(b),
                                     .l_max = angles ? 1 : 0,
                                     .function = primitive(k, distances, neighbours, angles)});
    }
    set_features(channels, axis, angles, centre);
    descriptor.centres.push_back(std::move(centre));
  }
  refuse_other_parameters(model, known);
  return descriptor;
}

void initialise_deeppot_se(Model& model, const DescriptorOptions& options, std::uint64_t seed) {
  const Preset preset = find_preset(options.preset);
  // Knots of tables lie on multiples of the cut-off over 64: so do all breaks.
  model.parameters["core"] = scalar_array(model.cutoff / 4);
  model.parameters["smooth"] = scalar_array(model.cutoff / 2);
  // About as many as there are within the cut-off at 0.05 atoms/A^3.
  model.parameters["neighbours"] = scalar_array(std::max(1.0, std::round(0.2 * std::pow(model.cutoff, 3))));
  model.parameters["nodes"] = scalar_array(preset.nodes);
  if (has_angles(model)) model.parameters["axis_channels"] = scalar_array(preset.axis);
  model.parameters["widths"] = {.shape = {static_cast<Index>(preset.widths.size())},
                                .values = std::vector<double>(preset.widths.begin(), preset.widths.end())};
  const EmbeddingNet net(preset.widths);
  const Spread spread = spread_of(read_distances(model));
  for (std::size_t a = 0; a < model.elements.size(); ++a) {
    RandomSequence random(seed, Stream::weight_init, 1000 + a);
    Array nets{.shape = {static_cast<Index>(model.elements.size()), net.parameters()}, .values = {}};
    for (std::size_t b = 0; b < model.elements.size(); ++b) {
      const std::vector<double> numbers = random_net(net, spread, random);
      nets.values.insert(nets.values.end(), numbers.begin(), numbers.end());
    }
    model.parameters[embedding_name(a)] = std::move(nets);
  }
}

void set_deeppot_core(Model& model, double smallest_distance) {
  const double step = model.cutoff / 16;  // see initialise_deeppot_se()
  const double room = 0.95 * smallest_distance / step;
  model.parameters["core"] = scalar_array(step * std::clamp(std::floor(room), 1.0, 8.0));
}

}  // namespace haven
