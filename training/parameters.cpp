#include "training/parameters.hpp"

#include <fmt/format.h>

#include <cmath>

#include "core/error.hpp"
#include "core/rng.hpp"

namespace haven::training {

ParameterLayout make_parameter_layout(const Descriptor& descriptor, std::span<const Index> hidden_layers,
                                      Activation activation) {
  ParameterLayout layout;
  for (const CentreDescriptor& centre : descriptor.centres) {
    ElementSlice slice;
    slice.channels = centre.channels();
    slice.primitives = static_cast<Index>(centre.primitives.size());
    if (descriptor.mixing_is_trainable) {
      slice.mixing = layout.size;
      layout.size += slice.channels * slice.primitives;
    }
    Index inputs = centre.features();
    for (std::size_t k = 0; k <= hidden_layers.size(); ++k) {
      const bool last = k == hidden_layers.size();
      LayerSlice layer{.inputs = inputs,
                       .outputs = last ? 1 : hidden_layers[k],
                       .activation = last ? Activation::identity : activation,
                       .weights = layout.size,
                       .bias = 0};
      layer.bias = layer.weights + layer.inputs * layer.outputs;
      layout.size = layer.bias + layer.outputs;
      inputs = layer.outputs;
      slice.layers.push_back(layer);
    }
    layout.elements.push_back(std::move(slice));
  }
  return layout;
}

bool carries_linear_path(Activation activation) {
  return activation == Activation::silu || activation == Activation::gelu || activation == Activation::softplus;
}

void add_linear_path(ParameterLayout& layout) {
  for (ElementSlice& slice : layout.elements) {
    HAVEN_ASSERT(slice.linear < 0 && slice.layers.size() > 1 && carries_linear_path(slice.layers.front().activation));
    slice.linear = layout.size;
    layout.size += slice.layers.front().inputs;
  }
}

std::vector<double> initial_parameters(const ParameterLayout& layout, const Descriptor& descriptor,
                                       std::uint64_t seed) {
  constexpr double bias_width = 0.1;
  std::vector<double> values(static_cast<std::size_t>(layout.size), 0.0);
  for (std::size_t a = 0; a < layout.elements.size(); ++a) {
    const ElementSlice& slice = layout.elements[a];
    if (slice.mixing >= 0)
      std::copy(descriptor.centres[a].mixing.values.begin(), descriptor.centres[a].mixing.values.end(),
                values.begin() + slice.mixing);
    for (std::size_t k = 0; k < slice.layers.size(); ++k) {
      const LayerSlice& layer = slice.layers[k];
      RandomSequence random(seed, Stream::weight_init, 1000000 + a * 1000 + k);  // 1000 + a is the mixing
      const double width = 1.0 / std::sqrt(static_cast<double>(layer.inputs));
      for (Index w = 0; w < layer.inputs * layer.outputs; ++w)
        values[static_cast<std::size_t>(layer.weights + w)] = width * random.normal();
      if (k + 1 < slice.layers.size())
        for (Index b = 0; b < layer.outputs; ++b)
          values[static_cast<std::size_t>(layer.bias + b)] = bias_width * random.normal();
    }
  }
  return values;
}

std::vector<std::uint8_t> decay_mask(const ParameterLayout& layout) {
  std::vector<std::uint8_t> mask(static_cast<std::size_t>(layout.size), 0);
  for (const ElementSlice& slice : layout.elements)
    for (const LayerSlice& layer : slice.layers)
      std::fill_n(mask.begin() + layer.weights, layer.inputs * layer.outputs, std::uint8_t{1});
  return mask;
}

namespace {

/// A layer with two more units, which get x and -x and pass f(x) and f(-x) on; x is `path` times the inputs in the
/// first layer and the difference of the two units of the layer below in the others. The last layer adds that
/// difference.
Layer with_path(const Layer& layer, std::span<const double> path, std::size_t k, std::size_t count) {
  const bool first = k == 0, last = k + 1 == count;
  Layer wide{.inputs = layer.inputs + (first ? 0 : linear_path_units),
             .outputs = layer.outputs + (last ? 0 : linear_path_units),
             .activation = layer.activation,
             .weights = {},
             .bias = layer.bias};
  for (Index o = 0; o < layer.outputs; ++o) {
    const auto row = layer.weights.begin() + o * layer.inputs;
    wide.weights.insert(wide.weights.end(), row, row + layer.inputs);
    if (!first) wide.weights.insert(wide.weights.end(), {last ? 1.0 : 0.0, last ? -1.0 : 0.0});
  }
  for (const double sign : {1.0, -1.0}) {
    if (last) break;
    for (Index i = 0; i < layer.inputs; ++i)
      wide.weights.push_back(first ? sign * path[static_cast<std::size_t>(i)] : 0.0);
    if (!first) wide.weights.insert(wide.weights.end(), {sign, -sign});
    wide.bias.push_back(0.0);
  }
  return wide;
}

}  // namespace

void export_parameters(const ParameterLayout& layout, std::span<const double> parameters,
                       const Normalisation& normalisation, Model& model) {
  HAVEN_ASSERT(model.elements.size() == layout.elements.size());
  const auto slice_of = [&](Index offset, Index count) {
    const auto part = parameters.subspan(static_cast<std::size_t>(offset), static_cast<std::size_t>(count));
    return std::vector<double>(part.begin(), part.end());
  };
  for (std::size_t a = 0; a < layout.elements.size(); ++a) {
    const ElementSlice& slice = layout.elements[a];
    ModelElement& element = model.elements[a];
    if (slice.mixing >= 0)
      model.parameters[fmt::format("{}_{}", layout.mixing_name, a)] = {
          .shape = {slice.channels, slice.primitives},
          .values = slice_of(slice.mixing, slice.channels * slice.primitives)};
    element.reference_energy = normalisation.elements[a].reference_energy;
    element.feature_shift = normalisation.elements[a].shift;
    element.feature_scale = normalisation.elements[a].scale;
    element.network.layers.clear();
    for (const LayerSlice& layer : slice.layers)
      element.network.layers.push_back({.inputs = layer.inputs,
                                        .outputs = layer.outputs,
                                        .activation = layer.activation,
                                        .weights = slice_of(layer.weights, layer.inputs * layer.outputs),
                                        .bias = slice_of(layer.bias, layer.outputs)});
    if (slice.linear >= 0) {
      const std::vector<double> path = slice_of(slice.linear, slice.layers.front().inputs);
      std::vector<Layer>& layers = element.network.layers;
      for (std::size_t k = 0; k < layers.size(); ++k) layers[k] = with_path(layers[k], path, k, layers.size());
    }
    Layer& last = element.network.layers.back();
    for (double& w : last.weights) w *= normalisation.energy_scale;
    for (double& b : last.bias) b *= normalisation.energy_scale;
  }
}

}  // namespace haven::training
