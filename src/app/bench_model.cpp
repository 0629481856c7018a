#include "app/bench_model.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>

#include "core/error.hpp"
#include "core/rng.hpp"
#include "potentials/descriptor.hpp"
#include "potentials/registry.hpp"

namespace haven {
namespace {

struct BenchPreset {
  const char* name;
  const char* kind;
  const char* preset;
};
constexpr BenchPreset presets[] = {{"moment-c8-l4", "moment", "standard"},
                                   {"moment-fast", "moment", "fast"},
                                   {"moment-standard", "moment", "standard"},
                                   {"moment-accurate", "moment", "accurate"},
                                   {"behler-parrinello", "behler-parrinello", "standard"},
                                   {"chebyshev", "chebyshev", "standard"},
                                   {"deeppot-se-fast", "deeppot-se", "fast"},
                                   {"deeppot-se-standard", "deeppot-se", "standard"},
                                   {"deeppot-se-accurate", "deeppot-se", "accurate"},
                                   {"deeppot-se-r", "deeppot-se-r", "standard"}};
constexpr std::uint64_t seed = 7;
constexpr Index hidden = 32;

/// Eight channels up to l = 4 from eight primitives, with their moments and power spectra alone: a measure that stays
/// the same when the presets of training change.
void set_eight_channels(Model& model) {
  model.parameters.erase("couplings");
  constexpr Index channels = 8, primitives = 8;
  model.parameters["primitives"] = {.shape = {1}, .values = {static_cast<double>(primitives)}};
  model.parameters["channel_l_max"] = {.shape = {channels}, .values = std::vector<double>(channels, 4.0)};
  const auto columns = static_cast<Index>(model.elements.size()) * primitives;
  for (std::size_t a = 0; a < model.elements.size(); ++a) {
    RandomSequence random(seed, Stream::weight_init, 500 + a);
    Array mixing{.shape = {channels, columns}, .values = {}};
    for (Index k = 0; k < channels * columns; ++k) mixing.values.push_back(random.normal() / std::sqrt(8.0));
    model.parameters[fmt::format("mixing_{}", a)] = std::move(mixing);
  }
}

Network random_network(Index inputs, std::size_t element) {
  RandomSequence random(seed, Stream::weight_init, 600 + element);
  Network network;
  const std::vector<Index> widths{inputs, hidden, hidden, 1};
  for (std::size_t k = 0; k + 1 < widths.size(); ++k) {
    const bool last = k + 2 == widths.size();
    Layer layer{.inputs = widths[k],
                .outputs = widths[k + 1],
                .activation = last ? Activation::identity : Activation::silu,
                .weights = {},
                .bias = std::vector<double>(static_cast<std::size_t>(widths[k + 1]), 0.0)};
    const double gain = (last ? 1e-3 : 1.0) / std::sqrt(static_cast<double>(layer.inputs));
    for (Index w = 0; w < layer.inputs * layer.outputs; ++w) layer.weights.push_back(gain * random.normal());
    network.layers.push_back(std::move(layer));
  }
  return network;
}

}  // namespace

std::vector<std::string> bench_presets() {
  std::vector<std::string> names;
  for (const BenchPreset& preset : presets) names.emplace_back(preset.name);
  return names;
}

Model bench_model(const std::string& name) {
  for (const BenchPreset& preset : presets) {
    if (name != preset.name) continue;
    Model model = new_model({.kind = preset.kind, .preset = preset.preset, .cutoff = 6.0}, {3, 17}, seed);
    if (name == "moment-c8-l4") set_eight_channels(model);
    const Descriptor descriptor = describe(model);
    for (std::size_t a = 0; a < model.elements.size(); ++a) {
      const Index features = descriptor.centres[a].features();
      ModelElement& element = model.elements[a];
      element.feature_shift.assign(static_cast<std::size_t>(features), 0.0);
      element.feature_scale.assign(static_cast<std::size_t>(features), 0.01);
      element.network = random_network(features, a);
    }
    return model;
  }
  throw ConfigError(fmt::format("there is no preset \"{}\"", name), "--preset",
                    fmt::format("Choose one of {}.", fmt::join(bench_presets(), ", ")));
}

Structure bench_structure(const Model& model, Index atoms) {
  constexpr double volume_per_atom = 15.0;  // 60 neighbours within 6 A
  const double edge = std::cbrt(4 * volume_per_atom);
  Index side = 2;
  while (4 * side * side * side < atoms) ++side;
  const double length = edge * static_cast<double>(side);
  Structure structure{
      .cell = Cell(Mat3{{{{length, 0, 0}, {0, length, 0}, {0, 0, length}}}}), .numbers = {}, .positions = {}};
  RandomSequence random(seed, Stream::weight_init, 700);
  const Vec3 basis[] = {{0, 0, 0}, {0, 0.5, 0.5}, {0.5, 0, 0.5}, {0.5, 0.5, 0}};
  for (Index x = 0; x < side; ++x)
    for (Index y = 0; y < side; ++y)
      for (Index z = 0; z < side; ++z)
        for (const Vec3& b : basis) {
          const Vec3 corner{static_cast<double>(x), static_cast<double>(y), static_cast<double>(z)};
          const Vec3 shake{random.normal(), random.normal(), random.normal()};
          const auto element = structure.positions.size() % model.elements.size();
          structure.numbers.push_back(model.elements[element].number);
          structure.positions.push_back(edge * (corner + b) + 0.1 * shake);
        }
  return structure;
}

}  // namespace haven
