#pragma once
#include <cstdint>
#include <vector>

#include "core/types.hpp"
#include "potentials/program/drivers/aligned_array.hpp"

/// Where the vectorised driver keeps the triplets (i, j, k) of one centre i between the sums and their adjoint.
namespace haven {

/// Pairs of a chunk, small enough that its rows stay in the first cache. A row has room for one vector more.
inline constexpr Index chunk_pairs = 256, chunk_stride = chunk_pairs + 16;
/// Loops over a chunk take this many vectors at a time.
inline constexpr Index chunk_unroll = 2;

/// Rows of a chunk. The adjoint overwrites what it needs no more.
enum class PairRow : int {
  cosine = 0,        ///< of the angle at the centre; then the force along r_j on k, and along r_k on j
  square = 1,        ///< r_jk^2, then 1/r_jk, then the force along r_j on j
  window = 2,        ///< w(r_jk), then the force along r_k on k
  window_slope = 3,  ///< w'(r_jk) / r_jk
  inverse_j = 4,     ///< 1/r_j
  inverse_k = 5,     ///< 1/r_k
  shapes = 6,        ///< the rows of the first shape; those of the next ones follow
};
/// Rows of one shape.
enum class ShapeRow : int {
  legs = 0,      ///< R_c(j) R_c'(k)
  slope_j = 1,   ///< R'_c(j) R_c'(k)
  slope_k = 2,   ///< R_c(j) R'_c'(k)
  gaussian = 3,  ///< of the third side
  count = 4,
};

[[nodiscard]] constexpr Index chunk_size(std::size_t shapes) {
  return (static_cast<Index>(PairRow::shapes) + static_cast<Index>(ShapeRow::count) * static_cast<Index>(shapes)) *
         chunk_stride;
}

/// Neighbour j with those of a vector of neighbours k, ..., k + lanes - 1 that form pairs with it; they are the pairs
/// `at` and following of their chunk.
struct PairVector {
  std::int32_t j = 0, k = 0, at = 0;
  std::uint8_t bits[8] = {};  ///< one per lane
};

struct PairChunk {
  Index pairs = 0;              ///< a multiple of chunk_unroll vectors
  std::size_t vectors_end = 0;  ///< its vectors end here
};

/// All pairs of one triplet group.
template <class T>
struct PairChunks {
  AlignedArray<T> numbers;  ///< [chunk][row][chunk_stride]
  std::vector<PairVector> vectors;
  std::vector<PairChunk> chunks;

  /// Makes room for the pairs of n_j and n_k neighbours.
  void prepare(Index n_j, Index n_k, Index lanes, std::size_t shapes) {
    const auto most_vectors = static_cast<std::size_t>(n_j * ((n_k + lanes - 1) / lanes));
    if (vectors.size() < most_vectors) vectors.resize(most_vectors);
    const Index most_chunks = n_j * n_k / (chunk_pairs - lanes + 1) + 1;
    numbers.reserve(static_cast<std::size_t>(most_chunks * chunk_size(shapes)));
    chunks.clear();
  }
};

}  // namespace haven
