#pragma once
#include <vector>

#include "potentials/descriptor.hpp"
#include "potentials/model.hpp"
#include "potentials/pair/zbl.hpp"
#include "potentials/program/products.hpp"
#include "potentials/program/third_side.hpp"

/// The compiled moment program: what the vectorised driver runs. Everything is in double here; drivers convert once.
namespace haven {

/// Channels of one (centre, neighbour) element pair on uniform knots, as polynomials of degree 5 in t = r / spacing -
/// k: the quintic Hermite interpolant of value, slope and curvature, so the table is twice continuously differentiable.
struct RadialTable {
  Index intervals = 0;
  Index channels = 0;                ///< the active channels of the block the neighbour element belongs to
  double inverse_spacing = 0;        ///< 1/A
  std::vector<double> coefficients;  ///< [intervals][6][channels], ascending powers
};

/// Neighbour elements whose channels are the same are summed together.
struct NeighbourBlock {
  std::vector<int> channels;    ///< active channels, ascending (so descending in l_max)
  std::vector<int> count_of_l;  ///< [l_max + 1]: how many of them reach l; they are the first ones
};

/// Terms of degree 2 in the order of the program: p_{c c' l} for c' = first, ..., first + count - 1.
struct TermRun {
  int l = 0, channel = 0, first = 0, count = 0;
  Index term = 0;  ///< position of the first of them
};

/// (1 + lambda cos theta)^zeta, or a window on the angle.
struct TripletPower {
  double lambda = 1, zeta = 1;
  AngleWindow sector{};
  bool operator==(const TripletPower&) const = default;
};
/// Terms that share both legs and the gaussian of the third side: R_channel(j) R_other(k) e^{-eta (r_jk - shift)^2}
/// w(r_jk) times the power of each of the angles first, ..., first + angles - 1 of the group.
struct TripletShape {
  int channel = 0, other_channel = 0;
  double eta = 0, shift = 0;
  int first = 0, angles = 0;
};
/// Adds to `term`, with the power of index `power` of the group.
struct TripletAngle {
  int power = 0;
  Index term = 0;
};
/// Explicit triplets with j of the element `first_element` and k of `second_element` (each unordered pair once), with
/// r_jk below the cut-off of the window.
struct TripletGroup {
  int first_element = 0, second_element = 0;
  Window window;
  std::vector<TripletPower> powers;
  std::vector<TripletShape> shapes;
  std::vector<TripletAngle> angles;
};

/// Sparse feature map, for the count of extrapolating atoms.
struct SparseRows {
  std::vector<Index> offsets;
  std::vector<std::int32_t> columns;
  std::vector<double> values;
};

/// Everything about centres of one element. Channels and terms are permuted relative to the descriptor: channels by
/// descending l_max; the terms are those of degree 1, then runs of degree 2, runs of products, and triplets.
struct CentreProgram {
  int l_max = 0;
  std::vector<int> channel_l_max;     ///< descending
  std::vector<int> channels_of_l;     ///< [l_max + 1]
  std::vector<int> block_of_element;  ///< neighbour element -> block, -1 when it contributes nothing
  std::vector<NeighbourBlock> blocks;
  std::vector<RadialTable> tables;  ///< per neighbour element
  /// Where many channels end well inside the cut-off: from shell_end[b] on, a neighbour of element b has only the
  /// channels of outer_blocks[outer_block_of_element[b]] (-1: none), tabulated in outer_tables[b]. A driver may ignore
  /// this: the channels of `blocks` are then zero there. Empty when nothing is to be gained.
  std::vector<double> shell_end;
  std::vector<int> outer_block_of_element;
  std::vector<NeighbourBlock> outer_blocks;
  std::vector<RadialTable> outer_tables;
  std::vector<int> radial_terms;  ///< channel of each degree-1 term
  std::vector<TermRun> runs;
  std::vector<ProductRun> product_runs;
  std::vector<ProductEntry> products;  ///< of all runs
  /// Where there are triplets every neighbour element has a block of its own.
  std::vector<TripletGroup> triplets;
  Index triplet_term = 0;  ///< the triplet terms begin here and go on to the end
  Index terms = 0;
  /// A value each term stays near to, where every feature is a term; else empty. In float a driver subtracts it before
  /// the first layer: the sums there would be small differences of large numbers.
  std::vector<double> term_origin;
  /// Feature map, shift and scale are folded into the first layer: its inputs are the terms.
  Network network;
  std::vector<Network> committee{};  ///< of the further members, folded likewise
  double reference_energy = 0;
  /// Range of each feature, widened by 1e-6 of its width so that rounding is not counted; empty when unknown.
  std::vector<double> feature_min, feature_max;
  SparseRows feature_map;
};

struct Program {
  double cutoff = 0;
  std::vector<CentreProgram> centres;
  RepulsiveWall wall;
};

}  // namespace haven
