#pragma once
#include <cstdint>
#include <vector>

#include "potentials/program/host_device.hpp"
#include "potentials/program/program.hpp"

/// A program as a few flat arrays of plain data, uploaded once and read in place by the kernels. Everything refers to
/// everything else by position, so the same image works in host and in device memory.
namespace haven::gpu {

inline constexpr int warp_size = 32;

/// Numbers are read in fours (one 128-bit load of floats); everything that is read so is padded to multiples of four.
HAVEN_HD constexpr int padded4(int n) { return (n + 3) / 4 * 4; }

/// Rows of one shell of moments or gradients: (l, m) has its `padded` channels at start + (l + m) * padded, of which
/// the first `count` exist.
struct alignas(16) Shell {
  std::int32_t start = 0, padded = 0, count = 0, unused = 0;
};

struct TableImage {
  double inverse_spacing = 0;           ///< 1/A
  std::int32_t first = 0;               ///< in numbers: [intervals][padded channels][8] = a0 ... a5, inverse spacing, 0
  std::int32_t intervals = 0, row = 0;  ///< numbers per interval
};

/// Neighbour elements with the same channels.
struct BlockImage {
  std::int32_t padded = 0;              ///< channels, padded
  std::int32_t width = 0;               ///< (l_max + 1)^2
  std::int32_t all_channels = 0;        ///< 1: the channels are those of the centre, in the same order
  std::int32_t group = 4;               ///< lanes that share a neighbour in the table look-up: 4 or 8
  std::int32_t channels = 0;            ///< in integers: [padded] channel of the centre, -1 for padding
  std::int32_t shells = 0;              ///< in shells: the block's own packing, used unless all_channels
  std::int32_t tiles = 0, n_tiles = 0;  ///< in integers: 4 channels x 2 harmonics each, channel | lm << 16
  std::int32_t n_moments = 0;           ///< of the block's packing
};

struct LayerImage {
  std::int32_t inputs = 0, outputs = 0;
  Activation activation = Activation::identity;
  std::int32_t forward = 0;   ///< in numbers: [inputs / 4][outputs][4]
  std::int32_t backward = 0;  ///< in numbers: [outputs / 4][inputs][4]
  std::int32_t bias = 0;      ///< in numbers
  std::int32_t slopes = 0;    ///< place of the layer among all slopes
};

/// Partners of the channels of one shell in degree-2 terms: `degree` rows of [padded channels of the shell].
struct PartnerRows {
  std::int32_t first = 0, degree = 0;  ///< in integers: other channel | diagonal << 16, then the same rows of terms
};

/// Products of degree 3 and 4: weight times three or four moments (the fourth -1 when there is none).
struct ProductImage {
  double weight = 0;
  std::int32_t factor[4] = {-1, -1, -1, -1};  ///< places in the packed moments; in gradients one fewer
  std::int32_t term = 0;
};

struct CentreImage {
  std::int32_t n_blocks = 0, blocks = 0, block_of_element = 0;  ///< in blocks; in integers: [elements], -1 for none
  std::int32_t tables = 0;                                      ///< in tables: [elements]
  std::int32_t shells = 0, n_shells = 0, n_moments = 0, width = 0;
  std::int32_t rows = 0;                               ///< in integers: [width] first place of the row of each harmonic
  std::int32_t counts = 0;                             ///< in integers: [width] channels that reach it
  std::int32_t moments = 0;                            ///< in integers: [n_moments] l << 16 | channel of each place
  std::int32_t terms = 0, n_radial = 0, n_paired = 0;  ///< terms of degree 1, then of degree 2, then products
  std::int32_t term_codes = 0;  ///< in integers: degree 1: channel; degree 2: channel, other | l << 16 (two each)
  std::int32_t radial_rows = 0, radial_degree = 0;  ///< in integers: [radial_degree][padded channels of l = 0] terms
  std::int32_t partners = 0;                        ///< in partners: [n_shells]
  std::int32_t n_products = 0, product_offsets = 0, products = 0;  ///< in integers: [n_products + 1]; in products
  std::int32_t adjoint_offsets = 0;  ///< in integers: [n_moments + 1] into products; -1: the program has no products
  std::int32_t layers = 0, n_layers = 0;
  std::int32_t ranges = 0;  ///< features: 0 unknown, 1 terms (numbers: minima, maxima), 2 rows of a sparse map
  std::int32_t range_first = 0, n_features = 0, map_offsets = 0, map_columns = 0, map_values = 0;
  double reference_energy = 0;
};

/// Sizes of the scratch memory that the largest centre needs, in numbers.
struct ScratchNeeds {
  int radial_stride = 4, width = 1, moments = 4, block_moments = 0, terms = 4, activations = 4, slopes = 4;
};

/// What kernels see of an image.
template <class T>
struct ProgramView {
  const T* numbers = nullptr;
  const double* doubles = nullptr;
  const std::int32_t* integers = nullptr;
  const CentreImage* centres = nullptr;
  const BlockImage* blocks = nullptr;
  const Shell* shells = nullptr;
  const TableImage* tables = nullptr;
  const LayerImage* layers = nullptr;
  const PartnerRows* partners = nullptr;
  const ProductImage* products = nullptr;
  const PairRepulsion* wall = nullptr;  ///< [elements][elements]
  double cutoff_square = 0, wall_range = 0;
  std::int32_t elements = 0;
};

template <class T>
struct ProgramImage {
  std::vector<T> numbers;
  std::vector<double> doubles;
  std::vector<std::int32_t> integers;
  std::vector<CentreImage> centres;
  std::vector<BlockImage> blocks;
  std::vector<Shell> shells;
  std::vector<TableImage> tables;
  std::vector<LayerImage> layers;
  std::vector<PartnerRows> partners;
  std::vector<ProductImage> products;
  std::vector<PairRepulsion> wall;
  double cutoff_square = 0, wall_range = 0;
  ScratchNeeds needs;
  int l_max = 0;

  [[nodiscard]] ProgramView<T> view() const {
    return {.numbers = numbers.data(),
            .doubles = doubles.data(),
            .integers = integers.data(),
            .centres = centres.data(),
            .blocks = blocks.data(),
            .shells = shells.data(),
            .tables = tables.data(),
            .layers = layers.data(),
            .partners = partners.data(),
            .products = products.data(),
            .wall = wall.data(),
            .cutoff_square = cutoff_square,
            .wall_range = wall_range,
            .elements = static_cast<std::int32_t>(centres.size())};
  }
};

/// Packs a compiled program. @throws ModelError for what the GPU cannot run yet (explicit triplets) and for programs
/// whose image would not fit 32-bit positions.
template <class T>
[[nodiscard]] ProgramImage<T> make_image(const Program& program);

extern template ProgramImage<float> make_image(const Program&);
extern template ProgramImage<double> make_image(const Program&);

}  // namespace haven::gpu
