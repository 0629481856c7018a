#include "potentials/program/drivers/cuda_image.hpp"

#include <algorithm>
#include <limits>

#include "core/error.hpp"

namespace haven::gpu {
namespace {

constexpr std::int32_t to32(Index n) { return static_cast<std::int32_t>(n); }
constexpr std::size_t at(std::int32_t n) { return static_cast<std::size_t>(n); }

template <class V>
std::int32_t size_of(const V& values) {
  if (values.size() > static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max()) / 2)
    throw ModelError("the model's tables and weights exceed 32-bit positions", "CUDA program",
                     "Use fewer channels or elements, or the CPU.");
  return static_cast<std::int32_t>(values.size());
}

/// Packs the shells of `count_of_l` from the start of a buffer; returns the first one's position.
template <class T>
std::int32_t pack_shells(const std::vector<int>& count_of_l, ProgramImage<T>& image, std::int32_t& n_moments) {
  const std::int32_t first = size_of(image.shells);
  n_moments = 0;
  for (std::size_t l = 0; l < count_of_l.size(); ++l) {
    const Shell shell{.start = n_moments, .padded = padded4(count_of_l[l]), .count = count_of_l[l]};
    image.shells.push_back(shell);
    n_moments += shell.padded * (2 * to32(static_cast<Index>(l)) + 1);
  }
  return first;
}

int reach_of(const std::vector<int>& count_of_l) {
  int l = 0;
  while (l + 1 < static_cast<int>(count_of_l.size()) && count_of_l[static_cast<std::size_t>(l) + 1] > 0) ++l;
  return l;
}

template <class T>
void pack_block(const NeighbourBlock& block, std::size_t channels, ProgramImage<T>& image) {
  BlockImage out;
  const int count = static_cast<int>(block.channels.size()), l_max = reach_of(block.count_of_l);
  out.padded = padded4(count);
  out.width = (l_max + 1) * (l_max + 1);
  out.all_channels = block.channels.size() == channels ? 1 : 0;
  out.group = out.padded % 8 == 0 ? 8 : 4;
  out.channels = size_of(image.integers);
  for (int c = 0; c < out.padded; ++c) image.integers.push_back(c < count ? block.channels[at(c)] : -1);
  out.shells = pack_shells(block.count_of_l, image, out.n_moments);
  out.tiles = size_of(image.integers);
  for (int lm = 0; lm < out.width; lm += 2) {
    int l = 0;
    while ((l + 1) * (l + 1) <= lm) ++l;
    for (int c = 0; c < block.count_of_l[at(l)]; c += 4) image.integers.push_back(c | lm << 16);
  }
  out.n_tiles = size_of(image.integers) - out.tiles;
  // The first of the two lm of a tile has at least as many channels as the second, so its tiles cover both.
  image.needs.radial_stride = std::max(image.needs.radial_stride, out.padded % 8 == 0 ? out.padded + 4 : out.padded);
  image.needs.width = std::max(image.needs.width, out.width);
  if (out.all_channels == 0) image.needs.block_moments = std::max(image.needs.block_moments, out.n_moments);
  image.blocks.push_back(out);
}

template <class T>
void pack_table(const RadialTable& table, ProgramImage<T>& image) {
  const int channels = padded4(static_cast<int>(table.channels));
  TableImage out{.inverse_spacing = table.inverse_spacing,
                 .first = size_of(image.numbers),
                 .intervals = to32(table.intervals),
                 .row = channels * 8};
  for (Index k = 0; k < table.intervals; ++k)
    for (Index c = 0; c < channels; ++c) {
      for (Index power = 0; power < 6; ++power)
        image.numbers.push_back(
            c < table.channels
                ? static_cast<T>(table.coefficients[static_cast<std::size_t>((k * 6 + power) * table.channels + c)])
                : T(0));
      image.numbers.push_back(static_cast<T>(table.inverse_spacing));
      image.numbers.push_back(T(0));
    }
  image.tables.push_back(out);
}

template <class T>
void pack_layer(const Layer& layer, std::int32_t& slopes, ProgramImage<T>& image) {
  LayerImage out{.inputs = to32(layer.inputs), .outputs = to32(layer.outputs), .activation = layer.activation};
  const auto weight = [&](Index o, Index i) {
    return o < layer.outputs && i < layer.inputs
               ? static_cast<T>(layer.weights[static_cast<std::size_t>(o * layer.inputs + i)])
               : T(0);
  };
  out.forward = size_of(image.numbers);
  for (Index i = 0; i < layer.inputs; i += 4)
    for (Index o = 0; o < layer.outputs; ++o)
      for (Index k = 0; k < 4; ++k) image.numbers.push_back(weight(o, i + k));
  out.backward = size_of(image.numbers);
  for (Index o = 0; o < layer.outputs; o += 4)
    for (Index i = 0; i < layer.inputs; ++i)
      for (Index k = 0; k < 4; ++k) image.numbers.push_back(weight(o + k, i));
  out.bias = size_of(image.numbers);
  for (int o = 0; o < padded4(out.outputs); ++o)
    image.numbers.push_back(o < out.outputs ? static_cast<T>(layer.bias[at(o)]) : T(0));
  out.slopes = slopes;
  slopes += padded4(out.outputs);
  image.needs.activations = std::max(image.needs.activations, padded4(out.outputs));
  image.layers.push_back(out);
}

/// Fills rows of `degree` entries per channel of a shell, one row after the other, so that the lanes of a warp, which
/// take consecutive channels, read consecutive entries.
struct Rows {
  std::vector<std::vector<std::int32_t>> by_channel;
  [[nodiscard]] int degree() const {
    std::size_t most = 0;
    for (const auto& entries : by_channel) most = std::max(most, entries.size());
    return static_cast<int>(most);
  }
  void append_to(std::vector<std::int32_t>& integers, std::int32_t filler) const {
    for (std::size_t k = 0; k < static_cast<std::size_t>(degree()); ++k)
      for (const auto& entries : by_channel) integers.push_back(k < entries.size() ? entries[k] : filler);
  }
};

template <class T>
void pack_terms(const CentreProgram& centre, CentreImage& out, ProgramImage<T>& image) {
  out.n_radial = size_of(centre.radial_terms);
  out.term_codes = size_of(image.integers);
  Rows radial{std::vector<std::vector<std::int32_t>>(at(image.shells[at(out.shells)].padded))};
  for (std::size_t t = 0; t < centre.radial_terms.size(); ++t) {
    image.integers.push_back(centre.radial_terms[t]);
    radial.by_channel[static_cast<std::size_t>(centre.radial_terms[t])].push_back(static_cast<std::int32_t>(t));
  }
  std::vector<Rows> others, terms;
  for (int l = 0; l < out.n_shells; ++l) {
    others.push_back({std::vector<std::vector<std::int32_t>>(at(image.shells[at(out.shells + l)].padded))});
    terms.push_back(others.back());
  }
  for (const TermRun& run : centre.runs)
    for (int k = 0; k < run.count; ++k) {
      const int other = run.first + k;
      const auto term = to32(run.term + k), diagonal = run.channel == other ? 1 : 0;
      HAVEN_ASSERT(term == out.n_radial + out.n_paired);
      image.integers.push_back(run.channel);
      image.integers.push_back(other | run.l << 16);
      ++out.n_paired;
      const auto add = [&](int channel, int partner) {
        others[at(run.l)].by_channel[at(channel)].push_back(partner | diagonal << 16);
        terms[at(run.l)].by_channel[at(channel)].push_back(term);
      };
      add(run.channel, other);
      if (diagonal == 0) add(other, run.channel);
    }
  // Fillers point to the gradient behind the last term, which is zero.
  out.radial_rows = size_of(image.integers);
  out.radial_degree = radial.degree();
  radial.append_to(image.integers, out.terms);
  out.partners = size_of(image.partners);
  for (int l = 0; l < out.n_shells; ++l) {
    image.partners.push_back({.first = size_of(image.integers), .degree = others[at(l)].degree()});
    others[at(l)].append_to(image.integers, 0);
    terms[at(l)].append_to(image.integers, out.terms);
  }
}

template <class T>
void pack_products(const CentreProgram& centre, CentreImage& out, ProgramImage<T>& image) {
  const auto place = [&](int moment, int channel) { return image.integers[at(out.rows + moment)] + channel; };
  std::vector<std::vector<ProductImage>> adjoint(at(out.n_moments));
  std::vector<std::int32_t> offsets{size_of(image.products)};
  for (const ProductRun& run : centre.product_runs)
    for (int k = 0; k < run.count; ++k) {
      const auto term = to32(run.term + k);
      HAVEN_ASSERT(term == out.n_radial + out.n_paired + out.n_products);
      for (int e = run.first; e < run.first + run.entries; ++e) {
        const ProductEntry& entry = centre.products[at(e)];
        ProductImage product{.weight = entry.weight, .factor = {-1, -1, -1, -1}, .term = term};
        for (int f = 0; f < entry.degree; ++f) product.factor[f] = place(entry.moment[f], entry.channel[f] + k);
        for (int f = 0; f < entry.degree; ++f) {
          ProductImage rest{.weight = entry.weight, .factor = {-1, -1, -1, -1}, .term = term};
          for (int g = 0, next = 0; g < entry.degree; ++g)
            if (g != f) rest.factor[next++] = product.factor[g];
          adjoint[at(product.factor[f])].push_back(rest);
        }
        image.products.push_back(product);
      }
      offsets.push_back(size_of(image.products));
      ++out.n_products;
    }
  out.adjoint_offsets = -1;
  if (out.n_products == 0) return;
  out.product_offsets = size_of(image.integers);
  image.integers.insert(image.integers.end(), offsets.begin(), offsets.end());
  out.adjoint_offsets = size_of(image.integers);
  for (const auto& list : adjoint) {
    image.integers.push_back(size_of(image.products));
    image.products.insert(image.products.end(), list.begin(), list.end());
  }
  image.integers.push_back(size_of(image.products));
}

/// True when every feature is one term with weight one.
bool features_are_terms(const CentreProgram& centre) {
  const SparseRows& map = centre.feature_map;
  return map.values.size() == centre.feature_min.size() && static_cast<Index>(map.values.size()) == centre.terms &&
         std::all_of(map.values.begin(), map.values.end(), [](double v) { return v == 1; });
}

template <class T>
void pack_ranges(const CentreProgram& centre, CentreImage& out, ProgramImage<T>& image) {
  if (centre.feature_min.empty()) return;
  const SparseRows& map = centre.feature_map;
  if (features_are_terms(centre)) {
    out.ranges = 1;
    out.range_first = size_of(image.numbers);
    std::vector<T> low(at(out.terms)), high(at(out.terms));
    for (std::size_t f = 0; f < centre.feature_min.size(); ++f) {
      low[at(map.columns[f])] = static_cast<T>(centre.feature_min[f]);
      high[at(map.columns[f])] = static_cast<T>(centre.feature_max[f]);
    }
    image.numbers.insert(image.numbers.end(), low.begin(), low.end());
    image.numbers.insert(image.numbers.end(), high.begin(), high.end());
    while (image.numbers.size() % 4 != 0) image.numbers.push_back(T(0));  // whatever follows is read in fours
    return;
  }
  out.ranges = 2;
  out.n_features = size_of(centre.feature_min);
  out.range_first = size_of(image.doubles);
  image.doubles.insert(image.doubles.end(), centre.feature_min.begin(), centre.feature_min.end());
  image.doubles.insert(image.doubles.end(), centre.feature_max.begin(), centre.feature_max.end());
  out.map_values = size_of(image.doubles);
  image.doubles.insert(image.doubles.end(), map.values.begin(), map.values.end());
  out.map_columns = size_of(image.integers);
  image.integers.insert(image.integers.end(), map.columns.begin(), map.columns.end());
  out.map_offsets = size_of(image.integers);
  for (const Index offset : map.offsets) image.integers.push_back(to32(offset));
}

template <class T>
void pack_moment_places(CentreImage& out, ProgramImage<T>& image) {
  std::vector<std::int32_t> rows, counts, places(at(out.n_moments));
  for (int l = 0; l < out.n_shells; ++l) {
    const Shell& shell = image.shells[at(out.shells + l)];
    for (int m = 0; m < 2 * l + 1; ++m) {
      rows.push_back(shell.start + m * shell.padded);
      counts.push_back(shell.count);
      for (int c = 0; c < shell.padded; ++c) places[at(rows.back() + c)] = c | l << 16;
    }
  }
  out.rows = size_of(image.integers);
  image.integers.insert(image.integers.end(), rows.begin(), rows.end());
  out.counts = size_of(image.integers);
  image.integers.insert(image.integers.end(), counts.begin(), counts.end());
  out.moments = size_of(image.integers);
  image.integers.insert(image.integers.end(), places.begin(), places.end());
}

void check_supported(const CentreProgram& centre) {
  Index known = static_cast<Index>(centre.radial_terms.size());
  for (const TermRun& run : centre.runs) known += run.count;
  for (const ProductRun& run : centre.product_runs) known += run.count;
  if (known != centre.terms)
    throw ModelError("the model has explicit triplets (narrow angular functions), which the GPU cannot evaluate yet",
                     "CUDA program", "Run it on the CPU (device = \"cpu\").");
  if (!centre.committee.empty())
    throw ModelError("the model is a committee, which the GPU cannot evaluate yet", "CUDA program",
                     "Run it on the CPU (device = \"cpu\"), or one of its members on the GPU.");
  if (centre.channel_l_max.size() >= 32768)
    throw ModelError("the model has more than 32767 channels", "CUDA program", "Run it on the CPU (device = \"cpu\").");
}

template <class T>
void pack_centre(const CentreProgram& centre, ProgramImage<T>& image) {
  check_supported(centre);
  CentreImage out;
  out.n_blocks = size_of(centre.blocks);
  out.blocks = size_of(image.blocks);
  for (const NeighbourBlock& block : centre.blocks) pack_block(block, centre.channel_l_max.size(), image);
  out.block_of_element = size_of(image.integers);
  image.integers.insert(image.integers.end(), centre.block_of_element.begin(), centre.block_of_element.end());
  out.tables = size_of(image.tables);
  for (const RadialTable& table : centre.tables) pack_table(table, image);
  out.n_shells = centre.l_max + 1;
  out.width = out.n_shells * out.n_shells;
  out.shells = pack_shells(centre.channels_of_l, image, out.n_moments);
  pack_moment_places(out, image);
  out.terms = to32(centre.terms);
  pack_terms(centre, out, image);
  pack_products(centre, out, image);
  out.layers = size_of(image.layers);
  out.n_layers = size_of(centre.network.layers);
  std::int32_t slopes = 0;
  for (const Layer& layer : centre.network.layers) pack_layer(layer, slopes, image);
  pack_ranges(centre, out, image);
  out.reference_energy = centre.reference_energy;
  image.needs.moments = std::max(image.needs.moments, out.n_moments);
  image.needs.terms = std::max(image.needs.terms, padded4(out.terms + 1));
  image.needs.slopes = std::max(image.needs.slopes, slopes);
  image.l_max = std::max(image.l_max, centre.l_max);
  image.centres.push_back(out);
}

}  // namespace

template <class T>
ProgramImage<T> make_image(const Program& program) {
  ProgramImage<T> image;
  image.cutoff_square = program.cutoff * program.cutoff;
  if (program.wall.active()) {
    image.wall_range = program.wall.range();
    image.wall = program.wall.pairs();
  }
  for (const CentreProgram& centre : program.centres) pack_centre(centre, image);
  return image;
}

template ProgramImage<float> make_image(const Program&);
template ProgramImage<double> make_image(const Program&);

}  // namespace haven::gpu
