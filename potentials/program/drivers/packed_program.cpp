#include "potentials/program/drivers/packed_program.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "core/error.hpp"
#include "potentials/program/harmonic_coefficients.hpp"

namespace haven {
namespace {

std::vector<Band> bands_of(const std::vector<int>& count_of_l) {
  std::vector<Band> bands;
  for (int l = 0; l < static_cast<int>(count_of_l.size()); ++l) {
    const Index count = count_of_l[static_cast<std::size_t>(l)];
    if (count == 0) break;
    if (!bands.empty() && bands.back().count == count) {
      bands.back().last = (l + 1) * (l + 1);
    } else {
      bands.push_back({.first = l * l, .last = (l + 1) * (l + 1), .count = count});
    }
  }
  return bands;
}

PackedBlock pack_block(const NeighbourBlock& block, Index channels, Index lanes) {
  PackedBlock out{.channels = block.channels,
                  .stride = padded(static_cast<Index>(block.channels.size()), lanes),
                  .bands = bands_of(block.count_of_l),
                  .l_max = 0,
                  .all_channels = static_cast<Index>(block.channels.size()) == channels};
  while (out.l_max + 1 < static_cast<int>(block.count_of_l.size()) &&
         block.count_of_l[static_cast<std::size_t>(out.l_max) + 1] > 0)
    ++out.l_max;
  return out;
}

template <class T>
PackedTable<T> pack_table(const RadialTable& table, Index stride) {
  PackedTable<T> out{.intervals = table.intervals, .inverse_spacing = table.inverse_spacing, .coefficients = {}};
  out.coefficients = AlignedArray<T>(static_cast<std::size_t>(table.intervals * 6 * stride));
  for (Index row = 0; row < table.intervals * 6; ++row)
    for (Index c = 0; c < table.channels; ++c)
      out.coefficients[static_cast<std::size_t>(row * stride + c)] =
          static_cast<T>(table.coefficients[static_cast<std::size_t>(row * table.channels + c)]);
  return out;
}

template <class T>
PackedLayer<T> pack_layer(const Layer& layer, Index lanes) {
  PackedLayer<T> out{.inputs = layer.inputs,
                     .outputs = layer.outputs,
                     .input_stride = padded(layer.inputs, lanes),
                     .output_stride = padded(layer.outputs, lanes),
                     .activation = layer.activation,
                     .by_output = {},
                     .by_input = {},
                     .bias = {}};
  out.by_output = AlignedArray<T>(static_cast<std::size_t>(layer.outputs * out.input_stride));
  out.by_input = AlignedArray<T>(static_cast<std::size_t>(layer.inputs * out.output_stride));
  out.bias = AlignedArray<T>(static_cast<std::size_t>(out.output_stride));
  for (Index o = 0; o < layer.outputs; ++o) {
    out.bias[static_cast<std::size_t>(o)] = static_cast<T>(layer.bias[static_cast<std::size_t>(o)]);
    for (Index i = 0; i < layer.inputs; ++i)
      out.by_output[static_cast<std::size_t>(o * out.input_stride + i)] =
          out.by_input[static_cast<std::size_t>(i * out.output_stride + o)] =
              static_cast<T>(layer.weights[static_cast<std::size_t>(o * layer.inputs + i)]);
  }
  return out;
}

PackedTripletGroup pack_group(const CentreProgram& centre, const TripletGroup& group, Index lanes) {
  PackedTripletGroup out{.first_block = centre.block_of_element[static_cast<std::size_t>(group.first_element)],
                         .second_block = centre.block_of_element[static_cast<std::size_t>(group.second_element)],
                         .window = group.window,
                         .powers = plan_powers(group.powers),
                         .shapes = {},
                         .swapped_shapes = {},
                         .angles = {}};
  const auto place = [&](int block, int channel) {
    const std::vector<int>& channels = centre.blocks[static_cast<std::size_t>(block)].channels;
    return lanes * (std::lower_bound(channels.begin(), channels.end(), channel) - channels.begin());
  };
  for (const TripletShape& shape : group.shapes) {
    out.shapes.push_back({.leg = place(out.first_block, shape.channel),
                          .other_leg = place(out.second_block, shape.other_channel),
                          .eta = shape.eta,
                          .shift = shape.shift,
                          .angles = shape.angles});
    for (int a = shape.first; a < shape.first + shape.angles; ++a) {
      const TripletAngle& angle = group.angles[static_cast<std::size_t>(a)];
      const auto power = static_cast<std::size_t>(angle.power);
      out.angles.push_back({.value = static_cast<Index>(out.powers.value[power]),
                            .below = static_cast<Index>(out.powers.below[power]),
                            .slope_scale = out.powers.slope_scale[power],
                            .term = angle.term});
    }
  }
  out.swapped_shapes = out.shapes;
  for (PackedTripletShape& shape : out.swapped_shapes) std::swap(shape.leg, shape.other_leg);
  return out;
}

template <class T>
void pack_triplets(const CentreProgram& centre, Index lanes, PackedCentre<T>& out) {
  out.triplet_term = centre.triplet_term;
  for (const TripletGroup& group : centre.triplets) {
    out.triplets.push_back(pack_group(centre, group, lanes));
    out.most_power_rows = std::max(out.most_power_rows, out.triplets.back().powers.steps.size());
  }
}

bool is_diagonal(const TermRun& run) { return run.count == 1 && run.channel == run.first; }

/// True when `run` is what a run of diagonals would go on with.
bool continues_diagonals(const TermRun& diagonals, const TermRun& run) {
  return is_diagonal(run) && diagonals.l == run.l && diagonals.channel + diagonals.count == run.channel &&
         diagonals.term + diagonals.count == run.term;
}

/// Terms p_{ccl} of successive channels become one run over the channels; the others stay as they are, in the order of
/// their terms.
template <class T>
void pack_runs(const CentreProgram& centre, Index lanes, PackedCentre<T>& out) {
  std::vector<TermRun> rows;
  for (std::size_t r = 0; r < centre.runs.size();) {
    TermRun run = centre.runs[r++];
    if (is_diagonal(run))
      for (; r < centre.runs.size() && continues_diagonals(run, centre.runs[r]); ++r) ++run.count;
    (is_diagonal(centre.runs[r - 1]) && run.count > 1 ? out.diagonals : rows).push_back(run);
  }
  for (const TermRun& run : rows) {
    out.paired = std::max<Index>({out.paired, run.channel + 1, run.first + run.count});
    out.paired_l_max = std::max(out.paired_l_max, run.l);
  }
  out.paired_stride = padded(out.paired, lanes);
  for (const TermRun& run : rows) {
    HAVEN_ASSERT(run.channel <= run.first && (out.runs.empty() || out.runs.back().term < run.term));
    const Index shell = run.l * run.l * out.stride;
    out.runs.push_back({.l = run.l,
                        .count = run.count,
                        .term = run.term,
                        .own = shell + run.channel,
                        .others = shell + run.first,
                        .row = (run.l * out.paired_stride + run.channel) * out.paired_stride + run.first});
  }
}

template <int Degree, class T>
PackedProduct<T, Degree> pack_product(const ProductEntry& entry, Index stride) {
  PackedProduct<T, Degree> out;
  double weight = entry.weight;
  for (int f = 0; f < Degree; ++f) {
    out.at[f] = static_cast<std::int32_t>(entry.moment[f] * stride + entry.channel[f]);
    weight *= bare_harmonic_coefficients<T>.norm[entry.moment[f]];
  }
  out.weight = static_cast<T>(weight);
  return out;
}

template <class T>
void pack_products(const CentreProgram& centre, PackedCentre<T>& out) {
  for (const ProductRun& run : centre.product_runs) {
    PackedProductRun packed{.term = run.term,
                            .count = run.count,
                            .first_cubic = out.cubic.size(),
                            .last_cubic = 0,
                            .first_quartic = out.quartic.size(),
                            .last_quartic = 0};
    for (int e = run.first; e < run.first + run.entries; ++e) {
      const ProductEntry& entry = centre.products[static_cast<std::size_t>(e)];
      if (entry.degree == 3) out.cubic.push_back(pack_product<3, T>(entry, out.stride));
      if (entry.degree == 4) out.quartic.push_back(pack_product<4, T>(entry, out.stride));
    }
    packed.last_cubic = out.cubic.size();
    packed.last_quartic = out.quartic.size();
    out.product_runs.push_back(packed);
  }
}

template <class T>
void pack_shells(const CentreProgram& centre, Index lanes, PackedCentre<T>& out) {
  out.inner_blocks = out.blocks.size();
  for (std::size_t b = 0; b < out.blocks.size(); ++b)
    if (out.blocks[b].all_channels) out.first_block = static_cast<int>(b);
  if (centre.shell_end.empty()) return;
  for (const double end : centre.shell_end) out.shell_end2.push_back(end * end);
  for (const NeighbourBlock& block : centre.outer_blocks) out.blocks.push_back(pack_block(block, out.channels, lanes));
  for (std::size_t b = 0; b < centre.outer_tables.size(); ++b) {
    const int block = centre.outer_block_of_element[b];
    out.outer_block_of_element.push_back(block < 0 ? -1 : block + static_cast<int>(out.inner_blocks));
    const Index stride = block < 0 ? 0 : out.blocks[out.inner_blocks + static_cast<std::size_t>(block)].stride;
    out.outer_tables.push_back(pack_table<T>(centre.outer_tables[b], stride));
  }
}

/// A network, with the origin of the terms folded into the first bias.
template <class T>
std::vector<PackedLayer<T>> pack_network(std::vector<Layer> layers, std::size_t origins, Index lanes,
                                         const AlignedArray<T>& term_origin) {
  for (std::size_t t = 0; t < origins; ++t)
    for (std::size_t o = 0; o < layers[0].bias.size(); ++o)
      layers[0].bias[o] +=
          layers[0].weights[o * static_cast<std::size_t>(layers[0].inputs) + t] * static_cast<double>(term_origin[t]);
  std::vector<PackedLayer<T>> packed;
  for (const Layer& layer : layers) packed.push_back(pack_layer<T>(layer, lanes));
  return packed;
}

template <class T>
void pack_networks(const CentreProgram& centre, Index lanes, PackedCentre<T>& out) {
  out.term_origin = AlignedArray<T>(static_cast<std::size_t>(padded(centre.terms, lanes)));
  const std::size_t origins = centre.term_origin.size();
  for (std::size_t t = 0; t < origins; ++t) out.term_origin[t] = static_cast<T>(centre.term_origin[t]);
  out.layers = pack_network(centre.network.layers, origins, lanes, out.term_origin);
  for (const Network& network : centre.committee)
    out.committee.push_back(pack_network(network.layers, origins, lanes, out.term_origin));
}

/// True when every feature is one term with weight one.
bool features_are_terms(const CentreProgram& centre) {
  const SparseRows& map = centre.feature_map;
  return map.values.size() == centre.feature_min.size() && static_cast<Index>(map.values.size()) == centre.terms &&
         std::all_of(map.values.begin(), map.values.end(), [](double v) { return v == 1; });
}

template <class T>
void pack_ranges(const CentreProgram& centre, Index lanes, PackedCentre<T>& out) {
  if (centre.feature_min.empty()) return;
  if (!features_are_terms(centre)) {
    out.feature_map = centre.feature_map;
    out.feature_min = centre.feature_min;
    out.feature_max = centre.feature_max;
    return;
  }
  const auto size = static_cast<std::size_t>(padded(centre.terms, lanes));
  out.term_min = AlignedArray<T>(size);
  out.term_max = AlignedArray<T>(size);
  out.term_min.fill(std::numeric_limits<T>::lowest());
  out.term_max.fill(std::numeric_limits<T>::max());
  for (std::size_t f = 0; f < centre.feature_min.size(); ++f) {
    const auto t = static_cast<std::size_t>(centre.feature_map.columns[f]);
    const auto origin = static_cast<double>(out.term_origin[t]);
    out.term_min[t] = static_cast<T>(centre.feature_min[f] - origin);
    out.term_max[t] = static_cast<T>(centre.feature_max[f] - origin);
  }
}

}  // namespace

template <class T>
PackedProgram<T> pack(const Program& program, Index lanes) {
  PackedProgram<T> packed{.cutoff = program.cutoff, .wall = program.wall, .centres = {}};
  for (const CentreProgram& centre : program.centres) {
    PackedCentre<T> out;
    out.l_max = centre.l_max;
    out.width = (centre.l_max + 1) * (centre.l_max + 1);
    out.channels = static_cast<Index>(centre.channel_l_max.size());
    out.stride = padded(out.channels, lanes);
    out.block_of_element = centre.block_of_element;
    for (const NeighbourBlock& block : centre.blocks) out.blocks.push_back(pack_block(block, out.channels, lanes));
    for (std::size_t b = 0; b < centre.tables.size(); ++b) {
      const int block = centre.block_of_element[b];
      out.tables.push_back(
          pack_table<T>(centre.tables[b], block < 0 ? 0 : out.blocks[static_cast<std::size_t>(block)].stride));
    }
    out.radial_terms = centre.radial_terms;
    pack_shells(centre, lanes, out);
    pack_runs(centre, lanes, out);
    pack_products(centre, out);
    pack_triplets(centre, lanes, out);
    out.one_block = out.triplets.empty() && out.shell_end2.empty() &&
                    std::all_of(out.block_of_element.begin(), out.block_of_element.end(), [](int b) { return b == 0; });
    out.terms = centre.terms;
    pack_networks(centre, lanes, out);
    out.reference_energy = centre.reference_energy;
    pack_ranges(centre, lanes, out);
    packed.centres.push_back(std::move(out));
  }
  return packed;
}

template PackedProgram<float> pack(const Program&, Index);
template PackedProgram<double> pack(const Program&, Index);

}  // namespace haven
