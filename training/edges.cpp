#include "training/edges.hpp"

#include <cmath>
#include <limits>
#include <numeric>

#include "core/neighbour_list.hpp"

namespace haven::training {

template <class T>
FrameEdges<T> find_edges(const Structure& structure, std::span<const int> species, Index n_elements, double cutoff) {
  std::vector<AtomId> ids(species.size());
  std::iota(ids.begin(), ids.end(), AtomId{0});
  const LocalAtoms atoms{structure.positions, ids, species, structure.size()};
  NeighbourList list;
  list.build(structure.cell, atoms, cutoff);
  const NeighbourView view = list.view();

  FrameEdges<T> edges;
  const auto n = static_cast<std::size_t>(structure.size());
  edges.offsets.reserve(n * static_cast<std::size_t>(n_elements) + 1);
  edges.offsets.push_back(0);
  double smallest = std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < n; ++i) {
    const Index begin = view.offsets[i], end = view.offsets[i + 1];
    for (int b = 0; b < static_cast<int>(n_elements); ++b) {
      for (Index k = begin; k < end; ++k) {
        const std::int32_t j = view.atom[static_cast<std::size_t>(k)];
        if (species[static_cast<std::size_t>(j)] != b) continue;
        const Vec3 d = view.displacement(structure.positions, static_cast<Index>(i), k);
        const double squared = norm2(d);
        if (squared >= cutoff * cutoff) continue;
        smallest = std::min(smallest, squared);
        edges.atom.push_back(j);
        edges.x.push_back(static_cast<T>(d.x));
        edges.y.push_back(static_cast<T>(d.y));
        edges.z.push_back(static_cast<T>(d.z));
      }
      edges.offsets.push_back(static_cast<std::int32_t>(edges.atom.size()));
    }
  }
  edges.minimum_distance = std::sqrt(smallest);
  edges.atom.shrink_to_fit();
  edges.x.shrink_to_fit();
  edges.y.shrink_to_fit();
  edges.z.shrink_to_fit();
  return edges;
}

template FrameEdges<float> find_edges(const Structure&, std::span<const int>, Index, double);
template FrameEdges<double> find_edges(const Structure&, std::span<const int>, Index, double);

}  // namespace haven::training
