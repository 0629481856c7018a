#pragma once
#include <cstdint>
#include <vector>

#include "potentials/program/drivers/aligned_array.hpp"
#include "potentials/program/drivers/triplet_powers.hpp"
#include "potentials/program/program.hpp"

/// The program in the arithmetic and padding of one vector width.
namespace haven {

/// Rounds n up to a multiple of `lanes`.
constexpr Index padded(Index n, Index lanes) { return (n + lanes - 1) / lanes * lanes; }

template <class T>
struct PackedTable {
  Index intervals = 0;
  double inverse_spacing = 0;    ///< 1/A
  AlignedArray<T> coefficients;  ///< [intervals][6][stride of the block]
};

/// Harmonics first <= lm < last, which `count` channels of the block reach.
struct Band {
  int first = 0, last = 0;
  Index count = 0;
};

struct PackedBlock {
  std::vector<int> channels;
  Index stride = 0;  ///< channels, padded
  std::vector<Band> bands;
  int l_max = 0;
  bool all_channels = false;  ///< the block's channels are those of the centre
};

template <class T>
struct PackedLayer {
  Index inputs = 0, outputs = 0, input_stride = 0, output_stride = 0;  ///< strides: padded to whole vectors
  Activation activation = Activation::identity;
  AlignedArray<T> by_output;  ///< the weights, [outputs][input_stride], padded with zeros
  AlignedArray<T> by_input;   ///< the same, [inputs][output_stride]
  AlignedArray<T> bias;       ///< padded
};

/// Adds to `term`; its power and the slope of that are rows of the group's PowerRows.
struct PackedTripletAngle {
  Index value = 0, below = 0;
  double slope_scale = 0;  ///< the slope with respect to the cosine is this times row `below`
  Index term = 0;
};

/// A shape; its legs are places in the rows of a neighbour with lanes over neighbours.
struct PackedTripletShape {
  Index leg = 0, other_leg = 0;
  double eta = 0, shift = 0;
  int angles = 0;
};

/// A triplet group between two blocks.
struct PackedTripletGroup {
  int first_block = 0, second_block = 0;
  Window window;
  PowerRows powers;
  std::vector<PackedTripletShape> shapes;
  std::vector<PackedTripletShape> swapped_shapes;  ///< the same with j of the second block and k of the first
  std::vector<PackedTripletAngle> angles;          ///< those of the first shape, then those of the next one
};

/// Terms p_{cc'l} of one channel c and successive c' (TermRun), as places in the arrays of a centre.
struct PackedTermRun {
  int l = 0;
  Index count = 0, term = 0;
  Index own = 0, others = 0;  ///< of (l, -l) of c and of the first c' among the moments
  Index row = 0;              ///< of (l, c, first c') among the pair gradients
};

/// weight * prod_f a[at_f + k] for the k-th term of a run: with the norms of the bare moments in the weight.
template <class T, int Degree>
struct PackedProduct {
  T weight = 0;
  std::int32_t at[Degree] = {};
};

/// Terms `term`, ..., `term` + count - 1: sums of the products first, ..., last - 1 of each degree.
struct PackedProductRun {
  Index term = 0, count = 0;
  std::size_t first_cubic = 0, last_cubic = 0, first_quartic = 0, last_quartic = 0;
};

template <class T>
struct PackedCentre {
  int l_max = 0, width = 1;  ///< width = (l_max + 1)^2
  Index channels = 0, stride = 0;
  std::vector<int> block_of_element;
  std::vector<PackedBlock> blocks;     ///< those of the inner shell, then those of the outer one
  std::vector<PackedTable<T>> tables;  ///< per neighbour element
  std::vector<double> shell_end2;      ///< A^2, per neighbour element; empty: one shell
  std::vector<int> outer_block_of_element;
  std::vector<PackedTable<T>> outer_tables;
  std::size_t inner_blocks = 0;
  bool one_block = false;  ///< all neighbours are in block 0, in any order
  int first_block = -1;    ///< a block with all channels, whose moments are the first; -1: none
  std::vector<int> radial_terms;
  std::vector<PackedTermRun> runs;
  std::vector<TermRun> diagonals;  ///< p_{ccl} for c = channel, ..., channel + count - 1; more than one
  std::vector<PackedProductRun> product_runs;
  std::vector<PackedProduct<T, 3>> cubic;
  std::vector<PackedProduct<T, 4>> quartic;
  std::vector<PackedTripletGroup> triplets;
  Index triplet_term = 0;
  std::size_t most_power_rows = 0;  ///< of any triplet group
  Index terms = 0;
  AlignedArray<T>
      term_origin;  ///< subtracted from the terms; the first layer's bias and the ranges are for what remains
  Index paired = 0, paired_stride = 0;  ///< channels that occur in degree-2 terms; they come first
  int paired_l_max = -1;
  std::vector<PackedLayer<T>> layers;
  std::vector<std::vector<PackedLayer<T>>> committee;  ///< of the further members, with as many inputs and outputs
  double reference_energy = 0;
  /// Ranges of the terms when each feature is a term; otherwise the sparse map and the ranges of the features.
  AlignedArray<T> term_min, term_max;
  SparseRows feature_map;
  std::vector<double> feature_min, feature_max;
};

template <class T>
struct PackedProgram {
  double cutoff = 0;
  RepulsiveWall wall;
  std::vector<PackedCentre<T>> centres;
};

/// @param lanes  numbers of type T in a vector
template <class T>
[[nodiscard]] PackedProgram<T> pack(const Program& program, Index lanes);

extern template PackedProgram<float> pack(const Program&, Index);
extern template PackedProgram<double> pack(const Program&, Index);

}  // namespace haven
