#pragma once
#include <vector>

#include "potentials/descriptor.hpp"
#include "potentials/model.hpp"
#include "potentials/pair/zbl.hpp"

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

/// Sparse feature map, for the count of extrapolating atoms.
struct SparseRows {
  std::vector<Index> offsets;
  std::vector<std::int32_t> columns;
  std::vector<double> values;
};

/// Everything about centres of one element. Channels and terms are permuted relative to the descriptor: channels by
/// descending l_max, terms of degree 1 first, then runs of degree 2.
struct CentreProgram {
  int l_max = 0;
  std::vector<int> channel_l_max;     ///< descending
  std::vector<int> channels_of_l;     ///< [l_max + 1]
  std::vector<int> block_of_element;  ///< neighbour element -> block, -1 when it contributes nothing
  std::vector<NeighbourBlock> blocks;
  std::vector<RadialTable> tables;  ///< per neighbour element
  std::vector<int> radial_terms;    ///< channel of each degree-1 term
  std::vector<TermRun> runs;
  Index terms = 0;
  /// Feature map, shift and scale are folded into the first layer: its inputs are the terms.
  Network network;
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
