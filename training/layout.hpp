#pragma once
#include <array>
#include <cstdint>
#include <vector>

#include "potentials/descriptor.hpp"

namespace haven::training {

/// Primitives that share l: rows [offset, offset + primitives.size() * (2l+1)) of the moments, row = (primitive, m).
struct MomentBlock {
  int l = 0;
  Index offset = 0;
  std::vector<int> primitives;  ///< indices into CentreDescriptor::primitives, ascending
  Index channel_offset = 0;     ///< the same for the channels that need this l
  std::vector<int> channels;
};

/// Primitives seen by neighbours of one element, those with the largest l first, and their places in a centre's local
/// buffer: primitive k of the group has harmonics_count(l_max) consecutive entries from local_offset on, padded to a
/// multiple of `lane_padding`.
struct PrimitiveGroup {
  std::vector<int> primitives;
  std::vector<int> l_max;
  std::vector<std::int32_t> local_offset;
  int group_l_max = 0;
};

/// Entries of local buffers and of rows of harmonics are padded to this many, the widest SIMD vector of floats.
inline constexpr int lane_padding = 16;
constexpr Index padded(Index n) { return (n + lane_padding - 1) / lane_padding * lane_padding; }

/// weight * A[row 0] A[row 1] A[row 2] (A[row 3] when degree = 4), rows of the mixed moments.
struct ProductRow {
  int degree = 3;
  std::array<std::int32_t, 4> row{};
  double weight = 0;
};

/// A term with what the kernels need: T = weight * A[row] (degree 1), weight * sum_m A[row + m] A[other + m] (degree 2)
/// or weight * the sum of products [first, first + count) of the list (degree 3 and 4).
struct TermRow {
  int degree = 1;
  std::int32_t row = 0, other = 0;    ///< rows of the mixed moments
  std::int32_t m_count = 1;           ///< 2l + 1
  double weight = 1;                  ///< sqrt(4 pi), 4 pi/(2l+1) or 1
  std::int32_t first = 0, count = 0;  ///< products
};

/// The terms of a centre and the products that those of degree 3 and 4 are made of.
struct TermList {
  std::vector<TermRow> terms;
  std::vector<ProductRow> products;
};

/// How moments of centres of one element are stored: matrices with one column per centre (columns contiguous over
/// centres), rows grouped by l, so that mixing is one matrix product per l.
struct CentreLayout {
  std::vector<MomentBlock> blocks;
  Index rows = 0;                          ///< of the moments M
  Index mixed_rows = 0;                    ///< of the mixed moments A
  std::vector<PrimitiveGroup> groups;      ///< per neighbour element
  Index local_size = 0;                    ///< entries of a centre's local buffer
  std::vector<std::int32_t> local_of_row;  ///< row of M -> entry of the local buffer
  TermList terms;
  Index channels = 0, primitives = 0;
  int l_max = 0;
};

[[nodiscard]] CentreLayout make_layout(const CentreDescriptor& centre, Index n_elements);

}  // namespace haven::training
