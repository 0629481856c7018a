#include "potentials/lowerings/moment.hpp"

#include <fmt/format.h>

#include <cmath>

#include "core/error.hpp"
#include "core/rng.hpp"
#include "potentials/lowerings/parameters.hpp"
#include "potentials/lowerings/radial_functions.hpp"
#include "potentials/program/harmonic_coefficients.hpp"

namespace haven {
namespace {

constexpr int most_primitives = 64, most_channels = 64;

RadialFunction primitive(int order, double cutoff) {
  return [order, cutoff](double r) {
    const double rest = 1 - r / cutoff;
    const RadialValue x{.value = 2 * rest * rest - 1, .slope = -4 * rest / cutoff, .curvature = 4 / (cutoff * cutoff)};
    return chebyshev_polynomial(order, x) * cutoff_function(CutoffType::polynomial, r, cutoff);
  };
}

/// All q_c, then all p_{c c' l} with c <= c', l fastest.
std::vector<BasisTerm> all_terms(const std::vector<int>& channel_l_max) {
  std::vector<BasisTerm> terms;
  const int channels = static_cast<int>(channel_l_max.size());
  for (int c = 0; c < channels; ++c) terms.push_back({.degree = 1, .channel = c, .other_channel = 0, .l = 0});
  for (int c = 0; c < channels; ++c)
    for (int other = c; other < channels; ++other) {
      const int reach =
          std::min(channel_l_max[static_cast<std::size_t>(c)], channel_l_max[static_cast<std::size_t>(other)]);
      for (int l = 0; l <= reach; ++l) terms.push_back({.degree = 2, .channel = c, .other_channel = other, .l = l});
    }
  return terms;
}

std::string mixing_name(std::size_t centre) { return fmt::format("mixing_{}", centre); }

struct Preset {
  int primitives, channels, l_max;
};

Preset find_preset(const std::string& name) {
  if (name == "fast") return {.primitives = 8, .channels = 6, .l_max = 3};
  if (name == "standard") return {.primitives = 10, .channels = 10, .l_max = 4};
  if (name == "accurate") return {.primitives = 12, .channels = 14, .l_max = 5};
  throw ConfigError(fmt::format("there is no preset \"{}\"", name), "model.preset",
                    "Choose fast, standard or accurate.");
}

}  // namespace

Descriptor describe_moment(const Model& model) {
  check_frame(model);
  const int primitives = integer_parameter(model, "primitives", 1, most_primitives);
  const Array& l_max = parameter(model, "channel_l_max", {-1});
  if (l_max.shape[0] > most_channels)
    refuse_parameter("channel_l_max", fmt::format("{} channels; the most is {}", l_max.shape[0], most_channels));
  std::vector<int> channel_l_max;
  int largest = 0;
  for (const double value : l_max.values) {
    channel_l_max.push_back(checked_integer(value, "channel_l_max", 0, largest_l));
    largest = std::max(largest, channel_l_max.back());
  }
  const int elements = static_cast<int>(model.elements.size());
  std::vector<std::string> known{"primitives", "channel_l_max"};
  Descriptor descriptor{.cutoff = model.cutoff, .mixing_is_trainable = true, .centres = {}};
  for (std::size_t a = 0; a < model.elements.size(); ++a) {
    known.push_back(mixing_name(a));
    const Array& mixing = parameter(model, mixing_name(a), {l_max.shape[0], static_cast<Index>(elements) * primitives});
    CentreDescriptor centre{.primitives = {},
                            .channel_l_max = channel_l_max,
                            .mixing = {.rows = mixing.shape[0], .columns = mixing.shape[1], .values = mixing.values},
                            .terms = all_terms(channel_l_max),
                            .feature_map = {}};
    for (int b = 0; b < elements; ++b)
      for (int k = 0; k < primitives; ++k)
        centre.primitives.push_back({.neighbour = b, .l_max = largest, .function = primitive(k, model.cutoff)});
    descriptor.centres.push_back(std::move(centre));
  }
  refuse_other_parameters(model, known);
  return descriptor;
}

void initialise_moment(Model& model, const DescriptorOptions& options, std::uint64_t seed) {
  const Preset preset = find_preset(options.preset);
  model.parameters["primitives"] = scalar_array(preset.primitives);
  model.parameters["channel_l_max"] = {
      .shape = {preset.channels},
      .values = std::vector<double>(static_cast<std::size_t>(preset.channels), static_cast<double>(preset.l_max))};
  const auto columns = static_cast<Index>(model.elements.size()) * preset.primitives;
  const double width = 1 / std::sqrt(static_cast<double>(preset.primitives));
  for (std::size_t a = 0; a < model.elements.size(); ++a) {
    RandomSequence random(seed, Stream::weight_init, 1000 + a);
    Array mixing{.shape = {preset.channels, columns}, .values = {}};
    for (Index k = 0; k < preset.channels * columns; ++k) mixing.values.push_back(width * random.normal());
    model.parameters[mixing_name(a)] = std::move(mixing);
  }
}

}  // namespace haven
