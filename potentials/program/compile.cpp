#include "potentials/program/compile.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
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

void validate_network(const ModelElement& element, const Network& network, Index features) {
  const auto& layers = network.layers;
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
    if (kind < 0 || kind >= activation_count) refuse(element, fmt::format("activation {} is unknown", kind));
    inputs = layer.outputs;
  }
  if (inputs != 1) refuse(element, fmt::format("the last layer has {} outputs instead of one", inputs));
}

/// Members of a committee differ in numbers, not in shape.
void validate_committee(const Model& model, const ModelElement& element) {
  if (1 + static_cast<Index>(element.committee.size()) != model.members())
    refuse(element, fmt::format("{} networks in a committee of {}", 1 + element.committee.size(), model.members()));
  const auto same_shape = [](const Layer& a, const Layer& b) { return a.inputs == b.inputs && a.outputs == b.outputs; };
  for (const Network& network : element.committee)
    if (!std::equal(network.layers.begin(), network.layers.end(), element.network.layers.begin(),
                    element.network.layers.end(), same_shape))
      refuse(element, "the networks of the committee have layers of different size");
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
    // Triplets go over pairs of elements, so each element is a block then.
    while (block < out.blocks.size() && (!centre.triplets.empty() || out.blocks[block].channels != active)) ++block;
    if (block == out.blocks.size()) {
      std::vector<int> reach;
      for (const int c : active) reach.push_back(out.channel_l_max[static_cast<std::size_t>(c)]);
      out.blocks.push_back({.channels = active, .count_of_l = counts_of_l(reach, out.l_max)});
    }
    out.block_of_element[static_cast<std::size_t>(b)] = static_cast<int>(block);
  }
}

/// The smallest of the breaks from which on a channel is exactly zero for neighbours of an element; the cut-off when
/// there is none.
double reach_of(const CentreDescriptor& centre, const Descriptor& descriptor, int channel, int neighbour) {
  double reach = descriptor.cutoff;
  for (const double end : descriptor.breaks) {
    if (!(end < reach)) continue;
    bool zero = true;
    constexpr int samples = 16;
    for (std::size_t p = 0; p < centre.primitives.size() && zero; ++p) {
      if (centre.primitives[p].neighbour != neighbour || centre.mixing(channel, static_cast<Index>(p)) == 0) continue;
      for (int k = 0; k < samples && zero; ++k)
        zero = centre.primitives[p].function(end + (descriptor.cutoff - end) * k / samples).value == 0;
    }
    if (zero) reach = end;
  }
  return reach;
}

/// Splits the surroundings where an outer shell of at least a quarter of the volume has fewer channels.
void set_shells(const CentreDescriptor& centre, const Descriptor& descriptor, const std::vector<int>& order,
                CentreProgram& out) {
  if (!centre.triplets.empty()) return;
  const std::size_t elements = out.block_of_element.size();
  std::vector<double> ends(elements, descriptor.cutoff);
  std::vector<int> outer_of(elements, -1);
  std::vector<NeighbourBlock> outer;
  std::vector<RadialTable> tables(elements);
  bool split = false;
  for (std::size_t b = 0; b < elements; ++b) {
    if (out.block_of_element[b] < 0) continue;
    const std::vector<int>& channels = out.blocks[static_cast<std::size_t>(out.block_of_element[b])].channels;
    std::vector<double> reach;
    for (const int c : channels)
      reach.push_back(reach_of(centre, descriptor, order[static_cast<std::size_t>(c)], static_cast<int>(b)));
    const double last = *std::max_element(reach.begin(), reach.end());
    double end = 0;
    for (const double r : reach)
      if (r < last) end = std::max(end, r);
    if (end == 0 || std::pow(end / descriptor.cutoff, 3) > 0.75) continue;
    split = true;
    ends[b] = end;
    NeighbourBlock block;
    std::vector<std::size_t> columns;
    std::vector<int> l_max;
    for (std::size_t k = 0; k < channels.size(); ++k) {
      if (reach[k] <= end) continue;
      columns.push_back(k);
      block.channels.push_back(channels[k]);
      l_max.push_back(out.channel_l_max[static_cast<std::size_t>(channels[k])]);
    }
    block.count_of_l = counts_of_l(l_max, out.l_max);
    tables[b] = columns_of(out.tables[b], columns);
    std::size_t at = 0;
    while (at < outer.size() && outer[at].channels != block.channels) ++at;
    if (at == outer.size()) outer.push_back(std::move(block));
    outer_of[b] = static_cast<int>(at);
  }
  if (!split) return;
  out.shell_end = std::move(ends);
  out.outer_block_of_element = std::move(outer_of);
  out.outer_blocks = std::move(outer);
  out.outer_tables = std::move(tables);
}

void set_tables(const CentreDescriptor& centre, const std::vector<int>& order, const TableOptions& options,
                CentreProgram& out) {
  for (std::size_t b = 0; b < out.block_of_element.size(); ++b) {
    if (out.block_of_element[b] < 0) {
      out.tables.emplace_back();
      continue;
    }
    // Only the primitives of this neighbour, with their weights in the block's channels: potentials of many elements
    // have hundreds of others.
    const auto& block = out.blocks[static_cast<std::size_t>(out.block_of_element[b])];
    std::vector<const RadialFunction*> functions;
    std::vector<double> weights;
    for (std::size_t p = 0; p < centre.primitives.size(); ++p) {
      if (centre.primitives[p].neighbour != static_cast<int>(b)) continue;
      functions.push_back(&centre.primitives[p].function);
      for (const int c : block.channels)
        weights.push_back(centre.mixing(order[static_cast<std::size_t>(c)], static_cast<Index>(p)));
    }
    out.tables.push_back(build_table(block.channels.size(), options, [&](double r, std::vector<RadialValue>& values) {
      std::fill(values.begin(), values.end(), RadialValue{});
      const double* weight = weights.data();
      for (const RadialFunction* function : functions) {
        const RadialValue phi = (*function)(r);
        for (RadialValue& value : values) {
          value.value += *weight * phi.value;
          value.slope += *weight * phi.slope;
          value.curvature += *weight++ * phi.curvature;
        }
      }
    }));
  }
}

/// Position of each channel of the descriptor among those of the program.
std::vector<int> inverse_of(const std::vector<int>& order) {
  std::vector<int> position(order.size());
  for (std::size_t c = 0; c < order.size(); ++c) position[static_cast<std::size_t>(order[c])] = static_cast<int>(c);
  return position;
}

/// Sorts terms of degree 1 and 2 into the program's order; appends, for each term of the program, its position in the
/// descriptor's basis.
void set_terms(const CentreDescriptor& centre, const std::vector<int>& position, CentreProgram& out,
               std::vector<std::size_t>& sources) {
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
}

/// True when the term is what the run's next term would be: the same products one channel further.
bool continues_run(const CentreProgram& out, const std::vector<ProductEntry>& entries) {
  if (out.product_runs.empty()) return false;
  const ProductRun& run = out.product_runs.back();
  if (run.entries != static_cast<int>(entries.size())) return false;
  for (std::size_t e = 0; e < entries.size(); ++e) {
    const ProductEntry& before = out.products[static_cast<std::size_t>(run.first) + e];
    if (before.degree != entries[e].degree || before.weight != entries[e].weight) return false;
    for (std::size_t f = 0; f < 4; ++f) {
      const int step = static_cast<int>(f) < before.degree ? run.count : 0;
      if (before.moment[f] != entries[e].moment[f] || before.channel[f] + step != entries[e].channel[f]) return false;
    }
  }
  return true;
}

void set_products(const CentreDescriptor& centre, const std::vector<int>& position, CentreProgram& out,
                  std::vector<std::size_t>& sources) {
  for (std::size_t t = 0; t < centre.products.size(); ++t) {
    std::vector<ProductEntry> entries;
    for (const MomentProduct& product : centre.products[t]) {
      HAVEN_ASSERT(product.degree == 3 || product.degree == 4);
      ProductEntry entry{.weight = product.weight, .degree = product.degree};
      for (std::size_t f = 0; f < static_cast<std::size_t>(product.degree); ++f) {
        entry.channel[f] = position[static_cast<std::size_t>(product.channel[f])];
        entry.moment[f] = product.moment[f];
      }
      entries.push_back(entry);
    }
    const auto term = static_cast<Index>(sources.size());
    sources.push_back(centre.terms.size() + t);
    if (continues_run(out, entries)) {
      ++out.product_runs.back().count;
      continue;
    }
    out.product_runs.push_back({.term = term,
                                .count = 1,
                                .first = static_cast<int>(out.products.size()),
                                .entries = static_cast<int>(entries.size())});
    out.products.insert(out.products.end(), entries.begin(), entries.end());
  }
}

template <class T, class Same>
std::size_t find_or_add(std::vector<T>& list, const T& item, const Same& same) {
  for (std::size_t k = 0; k < list.size(); ++k)
    if (same(list[k])) return k;
  list.push_back(item);
  return list.size() - 1;
}

/// Adds a term with the given legs to the group of its elements and window.
void add_to_group(const TripletTerm& term, std::array<int, 2> elements, std::array<int, 2> legs, Index at,
                  CentreProgram& out) {
  TripletGroup empty{.first_element = elements[0],
                     .second_element = elements[1],
                     .window = term.third.window,
                     .powers = {},
                     .shapes = {},
                     .angles = {}};
  TripletGroup& group = out.triplets[find_or_add(out.triplets, empty, [&](const TripletGroup& g) {
    return g.first_element == elements[0] && g.second_element == elements[1] && g.window == term.third.window;
  })];
  const TripletPower wanted{.lambda = term.lambda, .zeta = term.zeta, .sector = term.sector};
  const auto power = find_or_add(group.powers, wanted, [&](const TripletPower& p) { return p == wanted; });
  const TripletShape shape{
      .channel = legs[0], .other_channel = legs[1], .eta = term.third.eta, .shift = term.third.shift};
  const auto s = find_or_add(group.shapes, shape, [&](const TripletShape& x) {
    return x.channel == shape.channel && x.other_channel == shape.other_channel && x.eta == shape.eta &&
           x.shift == shape.shift;
  });
  // Angles of a shape lie together.
  const auto where = group.shapes[s].angles == 0 ? static_cast<int>(group.angles.size())
                                                 : group.shapes[s].first + group.shapes[s].angles;
  if (group.shapes[s].angles == 0) group.shapes[s].first = where;
  group.angles.insert(group.angles.begin() + where, {.power = static_cast<int>(power), .term = at});
  ++group.shapes[s].angles;
  for (std::size_t k = 0; k < group.shapes.size(); ++k)
    if (k != s && group.shapes[k].angles > 0 && group.shapes[k].first >= where) ++group.shapes[k].first;
}

void set_triplets(const CentreDescriptor& centre, const std::vector<int>& position, int elements, CentreProgram& out,
                  std::vector<std::size_t>& sources) {
  out.triplet_term = static_cast<Index>(sources.size());
  for (std::size_t t = 0; t < centre.triplets.size(); ++t) {
    const TripletTerm& term = centre.triplets[t];
    HAVEN_ASSERT(std::abs(term.lambda) <= 1 && term.zeta >= 1);
    const auto at = static_cast<Index>(sources.size());
    sources.push_back(centre.terms.size() + centre.products.size() + t);
    const int c = term.channel, other = term.other_channel;
    const auto place = [&](int channel) { return position[static_cast<std::size_t>(channel)]; };
    for (int b = 0; b < elements; ++b)
      for (int d = b; d < elements; ++d) {
        if (channel_is_active(centre, c, b) && channel_is_active(centre, other, d))
          add_to_group(term, {b, d}, {place(c), place(other)}, at, out);
        if (c != other && channel_is_active(centre, other, b) && channel_is_active(centre, c, d))
          add_to_group(term, {b, d}, {place(other), place(c)}, at, out);
      }
  }
}

/// W' = W diag(scale) M and b' = b - W diag(scale) shift: the first layer acts on terms.
Network fold_first_layer(const CentreDescriptor& centre, const ModelElement& element, const Network& network,
                         const std::vector<std::size_t>& sources, const CentreProgram& out) {
  Network folded = network;
  const Layer& original = network.layers[0];
  Layer& layer = folded.layers[0];
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
  return folded;
}

void set_networks(const CentreDescriptor& centre, const ModelElement& element, const std::vector<std::size_t>& sources,
                  CentreProgram& out) {
  out.network = fold_first_layer(centre, element, element.network, sources, out);
  for (const Network& network : element.committee)
    out.committee.push_back(fold_first_layer(centre, element, network, sources, out));
  if (centre.feature_map.rows > 0) return;
  for (const std::size_t source : sources) out.term_origin.push_back(element.feature_shift[source]);
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
    if (!all_finite(element.feature_shift) || !all_finite(element.feature_scale) || !all_finite(element.feature_min) ||
        !all_finite(element.feature_max) || !std::isfinite(element.reference_energy))
      refuse(element, "a shift, scale, feature range or reference energy is not finite");
    validate_committee(model, element);
    validate_network(element, element.network, static_cast<Index>(features));
    for (const Network& network : element.committee) validate_network(element, network, static_cast<Index>(features));
  }
}

bool fits_float(const Program& program) {
  constexpr double largest = 1e18;  // products with gradients stay finite, and features do not drown in denormals
  const auto fits = [](const Network& network) {
    const std::vector<double>& weights = network.layers.front().weights;
    return std::all_of(weights.begin(), weights.end(), [](double w) { return std::abs(w) < largest; });
  };
  return std::all_of(program.centres.begin(), program.centres.end(), [&](const CentreProgram& centre) {
    return fits(centre.network) && std::all_of(centre.committee.begin(), centre.committee.end(), fits);
  });
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
  if (!descriptor.repulsion.empty()) program.wall = RepulsiveWall(elements, descriptor.repulsion);
  constexpr double coarsest_for_double = 1e-9;
  const double tolerance = table_tolerance > coarsest_for_double
                               ? table_tolerance
                               : std::min(table_tolerance, descriptor.double_table_tolerance);
  const TableOptions tables{
      .cutoff = descriptor.cutoff, .tolerance = tolerance, .unit = knots_at(descriptor.breaks, descriptor.cutoff)};
  for (std::size_t a = 0; a < model.elements.size(); ++a) {
    const CentreDescriptor& centre = descriptor.centres[a];
    CentreProgram out;
    const std::vector<int> order = channel_order(centre);
    for (const int c : order) out.channel_l_max.push_back(centre.channel_l_max[static_cast<std::size_t>(c)]);
    out.l_max = out.channel_l_max.empty() ? 0 : out.channel_l_max.front();
    HAVEN_ASSERT(out.l_max <= largest_l);
    out.channels_of_l = counts_of_l(out.channel_l_max, out.l_max);
    set_blocks(centre, order, elements, out);
    set_tables(centre, order, tables, out);
    set_shells(centre, descriptor, order, out);
    const std::vector<int> position = inverse_of(order);
    std::vector<std::size_t> sources;
    set_terms(centre, position, out, sources);
    set_products(centre, position, out, sources);
    set_triplets(centre, position, elements, out, sources);
    out.terms = static_cast<Index>(sources.size());
    set_networks(centre, model.elements[a], sources, out);
    set_feature_ranges(centre, model.elements[a], sources, out);
    out.reference_energy = model.elements[a].reference_energy;
    program.centres.push_back(std::move(out));
  }
  return program;
}

}  // namespace haven
