#include "potentials/program/compile.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/error.hpp"
#include "core/species.hpp"
#include "potentials/program/harmonic_coefficients.hpp"
#include "potentials/program/tables.hpp"

namespace haven {
namespace {

[[noreturn]] void refuse(const ModelElement& element, const std::string& what) {
  throw ModelError(what, fmt::format("element {}", element_symbol(element.number)),
                   "The model file is damaged or incomplete; train or convert it again.");
}

bool all_finite(const std::vector<double>& values) {
  return std::all_of(values.begin(), values.end(), [](double v) { return std::isfinite(v); });
}

void validate_network(const ModelElement& element, Index features) {
  const auto& layers = element.network.layers;
  if (layers.empty()) refuse(element, "there is no network");
  Index inputs = features;
  for (std::size_t k = 0; k < layers.size(); ++k) {
    const Layer& layer = layers[k];
    if (layer.inputs != inputs)
      refuse(element, fmt::format("layer {} takes {} inputs, expected {}", k, layer.inputs, inputs));
    if (layer.outputs < 1 || layer.weights.size() != static_cast<std::size_t>(layer.inputs * layer.outputs) ||
        layer.bias.size() != static_cast<std::size_t>(layer.outputs))
      refuse(element, fmt::format("layer {} has {} weights and {} biases for {} x {}", k, layer.weights.size(),
                                  layer.bias.size(), layer.outputs, layer.inputs));
    if (!all_finite(layer.weights) || !all_finite(layer.bias))
      refuse(element, fmt::format("layer {} is not finite", k));
    const int kind = static_cast<int>(layer.activation);
    if (kind < 0 || kind > static_cast<int>(Activation::gelu))
      refuse(element, fmt::format("activation {} is unknown", kind));
    inputs = layer.outputs;
  }
  if (inputs != 1) refuse(element, fmt::format("the last layer has {} outputs instead of one", inputs));
}

/// Position of each channel of the descriptor in the program: stable by descending l_max.
std::vector<int> channel_order(const CentreDescriptor& centre) {
  std::vector<int> order(centre.channel_l_max.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) {
    return centre.channel_l_max[static_cast<std::size_t>(a)] > centre.channel_l_max[static_cast<std::size_t>(b)];
  });
  return order;
}

std::vector<int> counts_of_l(const std::vector<int>& l_max_of_channel, int l_max) {
  std::vector<int> counts(static_cast<std::size_t>(l_max) + 1, 0);
  for (const int reach : l_max_of_channel)
    for (int l = 0; l <= reach; ++l) ++counts[static_cast<std::size_t>(l)];
  return counts;
}

bool channel_is_active(const CentreDescriptor& centre, int channel, int neighbour) {
  for (std::size_t p = 0; p < centre.primitives.size(); ++p)
    if (centre.primitives[p].neighbour == neighbour && centre.mixing(channel, static_cast<Index>(p)) != 0) return true;
  return false;
}

/// Groups neighbour elements whose active channels are the same.
void set_blocks(const CentreDescriptor& centre, const std::vector<int>& order, int elements, CentreProgram& out) {
  out.block_of_element.assign(static_cast<std::size_t>(elements), -1);
  for (int b = 0; b < elements; ++b) {
    std::vector<int> active;
    for (int c = 0; c < static_cast<int>(order.size()); ++c)
      if (channel_is_active(centre, order[static_cast<std::size_t>(c)], b)) active.push_back(c);
    if (active.empty()) continue;
    std::size_t block = 0;
    while (block < out.blocks.size() && out.blocks[block].channels != active) ++block;
    if (block == out.blocks.size()) {
      std::vector<int> reach;
      for (const int c : active) reach.push_back(out.channel_l_max[static_cast<std::size_t>(c)]);
      out.blocks.push_back({.channels = active, .count_of_l = counts_of_l(reach, out.l_max)});
    }
    out.block_of_element[static_cast<std::size_t>(b)] = static_cast<int>(block);
  }
}

void set_tables(const CentreDescriptor& centre, const std::vector<int>& order, const TableOptions& options,
                CentreProgram& out) {
  for (std::size_t b = 0; b < out.block_of_element.size(); ++b) {
    if (out.block_of_element[b] < 0) {
      out.tables.emplace_back();
      continue;
    }
    const auto& block = out.blocks[static_cast<std::size_t>(out.block_of_element[b])];
    std::vector<RadialValue> all;
    out.tables.push_back(build_table(block.channels.size(), options, [&](double r, std::vector<RadialValue>& values) {
      radial_channels(centre, static_cast<int>(b), r, all);
      for (std::size_t k = 0; k < block.channels.size(); ++k)
        values[k] = all[static_cast<std::size_t>(order[static_cast<std::size_t>(block.channels[k])])];
    }));
  }
}

/// Sorts terms into the program's order; returns, for each term of the program, its position in the descriptor.
std::vector<std::size_t> set_terms(const CentreDescriptor& centre, const std::vector<int>& order, CentreProgram& out) {
  std::vector<int> position(order.size());
  for (std::size_t c = 0; c < order.size(); ++c) position[static_cast<std::size_t>(order[c])] = static_cast<int>(c);
  struct Key {
    int degree, l, channel, other;
    std::size_t source;
    auto operator<=>(const Key&) const = default;
  };
  std::vector<Key> keys;
  for (std::size_t t = 0; t < centre.terms.size(); ++t) {
    const BasisTerm& term = centre.terms[t];
    const int c = position[static_cast<std::size_t>(term.channel)];
    const int other = term.degree == 2 ? position[static_cast<std::size_t>(term.other_channel)] : 0;
    keys.push_back({term.degree, term.degree == 2 ? term.l : 0, term.degree == 2 ? std::min(c, other) : c,
                    term.degree == 2 ? std::max(c, other) : 0, t});
  }
  std::sort(keys.begin(), keys.end());
  std::vector<std::size_t> sources;
  for (const Key& key : keys) {
    const auto term = static_cast<Index>(sources.size());
    sources.push_back(key.source);
    if (key.degree == 1) {
      out.radial_terms.push_back(key.channel);
      continue;
    }
    const bool continues = !out.runs.empty() && out.runs.back().l == key.l && out.runs.back().channel == key.channel &&
                           out.runs.back().first + out.runs.back().count == key.other;
    if (continues) {
      ++out.runs.back().count;
    } else {
      out.runs.push_back({.l = key.l, .channel = key.channel, .first = key.other, .count = 1, .term = term});
    }
  }
  out.terms = static_cast<Index>(sources.size());
  return sources;
}

/// W' = W diag(scale) M and b' = b - W diag(scale) shift: the first layer acts on terms.
void fold_first_layer(const CentreDescriptor& centre, const ModelElement& element,
                      const std::vector<std::size_t>& sources, CentreProgram& out) {
  out.network = element.network;
  const Layer& original = element.network.layers[0];
  Layer& layer = out.network.layers[0];
  layer.inputs = out.terms;
  layer.weights.assign(static_cast<std::size_t>(layer.outputs * out.terms), 0);
  for (Index o = 0; o < layer.outputs; ++o) {
    std::vector<double> by_term(static_cast<std::size_t>(out.terms), 0.0);
    for (Index f = 0; f < original.inputs; ++f) {
      const auto k = static_cast<std::size_t>(f);
      const double w = original.weights[static_cast<std::size_t>(o * original.inputs + f)] * element.feature_scale[k];
      layer.bias[static_cast<std::size_t>(o)] -= w * element.feature_shift[k];
      if (centre.feature_map.rows == 0) {
        by_term[k] = w;
      } else {
        for (Index t = 0; t < out.terms; ++t) by_term[static_cast<std::size_t>(t)] += w * centre.feature_map(f, t);
      }
    }
    for (std::size_t t = 0; t < sources.size(); ++t)
      layer.weights[static_cast<std::size_t>(o * out.terms) + t] = by_term[sources[t]];
  }
}

void set_feature_ranges(const CentreDescriptor& centre, const ModelElement& element,
                        const std::vector<std::size_t>& sources, CentreProgram& out) {
  if (element.feature_min.empty()) return;
  out.feature_min = element.feature_min;
  out.feature_max = element.feature_max;
  for (std::size_t f = 0; f < out.feature_min.size(); ++f) {
    const double slack = 1e-6 * (std::abs(out.feature_max[f] - out.feature_min[f]) + std::abs(out.feature_max[f]));
    out.feature_min[f] -= slack;
    out.feature_max[f] += slack;
  }
  std::vector<std::int32_t> position(sources.size());
  for (std::size_t t = 0; t < sources.size(); ++t) position[sources[t]] = static_cast<std::int32_t>(t);
  out.feature_map.offsets.push_back(0);
  for (Index f = 0; f < centre.features(); ++f) {
    for (Index t = 0; t < out.terms; ++t) {
      const double value = centre.feature_map.rows > 0 ? centre.feature_map(f, t) : (f == t ? 1.0 : 0.0);
      if (value == 0) continue;
      out.feature_map.columns.push_back(position[static_cast<std::size_t>(t)]);
      out.feature_map.values.push_back(value);
    }
    out.feature_map.offsets.push_back(static_cast<Index>(out.feature_map.values.size()));
  }
}

}  // namespace

void radial_channels(const CentreDescriptor& centre, int neighbour, double r, std::vector<RadialValue>& out) {
  out.assign(static_cast<std::size_t>(centre.channels()), RadialValue{});
  for (std::size_t p = 0; p < centre.primitives.size(); ++p) {
    if (centre.primitives[p].neighbour != neighbour) continue;
    const RadialValue phi = centre.primitives[p].function(r);
    for (std::size_t c = 0; c < out.size(); ++c) {
      const double m = centre.mixing(static_cast<Index>(c), static_cast<Index>(p));
      out[c].value += m * phi.value;
      out[c].slope += m * phi.slope;
      out[c].curvature += m * phi.curvature;
    }
  }
}

void validate_networks(const Descriptor& descriptor, const Model& model) {
  HAVEN_ASSERT(descriptor.centres.size() == model.elements.size());
  for (std::size_t a = 0; a < model.elements.size(); ++a) {
    const ModelElement& element = model.elements[a];
    const auto features = static_cast<std::size_t>(descriptor.centres[a].features());
    if (element.feature_shift.size() != features || element.feature_scale.size() != features)
      refuse(element, fmt::format("{} shifts and {} scales for {} features", element.feature_shift.size(),
                                  element.feature_scale.size(), features));
    if (element.feature_min.size() != element.feature_max.size() ||
        (!element.feature_min.empty() && element.feature_min.size() != features))
      refuse(element, fmt::format("{} and {} feature ranges for {} features", element.feature_min.size(),
                                  element.feature_max.size(), features));
    if (!all_finite(element.feature_shift) || !all_finite(element.feature_scale) ||
        !std::isfinite(element.reference_energy))
      refuse(element, "a shift, scale or reference energy is not finite");
    validate_network(element, static_cast<Index>(features));
  }
}

Program compile(const Descriptor& descriptor, const Model& model, double table_tolerance) {
  validate_networks(descriptor, model);
  Program program{.cutoff = descriptor.cutoff, .centres = {}, .wall = {}};
  if (model.repulsion == "zbl") {
    std::vector<int> numbers;
    for (const ModelElement& element : model.elements) numbers.push_back(element.number);
    program.wall = RepulsiveWall(std::move(numbers), model.minimum_distance);
  }
  const int elements = static_cast<int>(model.elements.size());
  for (std::size_t a = 0; a < model.elements.size(); ++a) {
    const CentreDescriptor& centre = descriptor.centres[a];
    CentreProgram out;
    const std::vector<int> order = channel_order(centre);
    for (const int c : order) out.channel_l_max.push_back(centre.channel_l_max[static_cast<std::size_t>(c)]);
    out.l_max = out.channel_l_max.empty() ? 0 : out.channel_l_max.front();
    HAVEN_ASSERT(out.l_max <= largest_l);
    out.channels_of_l = counts_of_l(out.channel_l_max, out.l_max);
    set_blocks(centre, order, elements, out);
    set_tables(centre, order, {.cutoff = descriptor.cutoff, .tolerance = table_tolerance}, out);
    const std::vector<std::size_t> sources = set_terms(centre, order, out);
    fold_first_layer(centre, model.elements[a], sources, out);
    set_feature_ranges(centre, model.elements[a], sources, out);
    out.reference_energy = model.elements[a].reference_energy;
    program.centres.push_back(std::move(out));
  }
  return program;
}

}  // namespace haven
