#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "core/structure.hpp"

namespace haven::training {

/// Neighbours of every atom of a frame within the cut-off, grouped by the neighbour's element: entries of centre i and
/// element b are [offsets[i * n_elements + b], offsets[i * n_elements + b + 1]). Displacements in A, formed in double.
template <class T>
struct FrameEdges {
  std::vector<std::int32_t> offsets;
  std::vector<std::int32_t> atom;
  std::vector<T> x, y, z;
  double minimum_distance = 0;  ///< A; infinity without neighbours

  [[nodiscard]] std::size_t bytes() const {
    return offsets.size() * sizeof(std::int32_t) + atom.size() * (sizeof(std::int32_t) + 3 * sizeof(T));
  }
};

/// @param species index of each atom's element, below n_elements
template <class T>
[[nodiscard]] FrameEdges<T> find_edges(const Structure& structure, std::span<const int> species, Index n_elements,
                                       double cutoff);

extern template FrameEdges<float> find_edges(const Structure&, std::span<const int>, Index, double);
extern template FrameEdges<double> find_edges(const Structure&, std::span<const int>, Index, double);

}  // namespace haven::training
