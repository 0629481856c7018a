#pragma once
#include <cstdint>
#include <vector>

#include "core/types.hpp"
#include "potentials/potential.hpp"
#include "potentials/program/drivers/packed_program.hpp"
#include "potentials/program/drivers/pair_chunks.hpp"

namespace haven {

/// Atoms and lattice translations as vectors of four doubles: x, y, z (A) and, exactly, 2^52 + 2^32 species + index of
/// the atom, whose low 52 bits are those integers; 0 for translations.
struct QuadAtoms {
  AlignedArray<double> atoms, translations;

  void set(const LocalAtoms& from, const NeighbourView& list) {
    constexpr double two_32 = 4294967296.0, two_52 = 4503599627370496.0;
    atoms.reserve(4 * from.positions.size());
    double* out = atoms.data();
    for (std::size_t j = 0; j < from.positions.size(); ++j, out += 4) {
      out[0] = from.positions[j].x;
      out[1] = from.positions[j].y;
      out[2] = from.positions[j].z;
      out[3] = (two_52 + two_32 * from.species[j]) + static_cast<double>(j);
    }
    translations.reserve(4 * list.translations.size());
    out = translations.data();
    for (const Vec3& t : list.translations) {
      out[0] = t.x;
      out[1] = t.y;
      out[2] = t.z;
      out[3] = 0;
      out += 4;
    }
  }
};

/// Scratch memory of one thread; it grows to the largest centre seen and is then reused without allocation.
template <class T>
struct Workspace {
  // Neighbours within the cut-off, in list order ("found") and grouped by block with each block padded to full vectors.
  Index found = 0, packed = 0;
  AlignedArray<double> found_x, found_y, found_z, found_square, found_tag;  ///< the tag: the fourth of QuadAtoms
  std::vector<std::int32_t> found_bin, bin_count;
  AlignedArray<double> x, y, z, square, distance;
  std::vector<std::int32_t> atom, species;
  AlignedArray<T> fraction, table_scale;  ///< of the interval of a table, and its 1/spacing
  std::vector<const T*> row;              ///< coefficients of that interval
  AlignedArray<std::int64_t> fixed_x, fixed_y, fixed_z;
  std::vector<Index> block_begin, block_count;  ///< per block: first neighbour (a multiple of the lanes) and number
  AlignedArray<T> unit_x, unit_y, unit_z, inverse;
  AlignedArray<T> force_x, force_y, force_z;

  AlignedArray<T> radial, slope;              ///< [neighbour][stride]: channel values and slopes
  AlignedArray<T> radial_lanes, slope_lanes;  ///< [neighbour / lanes][stride][lanes]: the same, lanes over neighbours
  AlignedArray<T> harmonics;                  ///< [neighbour / lanes][width][lanes]

  /// a = A / norm (bare_harmonic_coefficients), its product with their weights, and dE/da: [width][stride].
  AlignedArray<T> moments, weighted_moments, moment_gradients;
  AlignedArray<T> block_moments;  ///< the same of one block, [width][stride of the block]
  AlignedArray<T> terms, term_gradients;
  AlignedArray<T> pair_gradients;                ///< [l][paired_stride][paired_stride], symmetric, diagonal doubled
  AlignedArray<T> pair_transposed;               ///< scratch of the size of one l
  std::vector<AlignedArray<T>> outputs, slopes;  ///< per layer
  AlignedArray<T> bar, bar_below;

  // Triplets: displacements; the force of the pairs of a neighbour, along the other neighbours and along itself; rows
  // of one chunk of pairs; and the pairs of each group, which the adjoint needs again.
  AlignedArray<T> near_x, near_y, near_z;
  AlignedArray<T> triplet_x, triplet_y, triplet_z, triplet_along;
  AlignedArray<T> pair_rows, power_rows;
  std::vector<PairChunks<T>> pairs;  ///< per group

  void reserve_found(std::size_t n) {
    for (auto* array : {&found_x, &found_y, &found_z, &found_square, &found_tag}) array->reserve(n);
    if (found_bin.size() < n) found_bin.resize(n);
  }
  /// For n neighbours including padding, and a centre.
  void reserve(std::size_t n, std::size_t lanes, const PackedCentre<T>& centre) {
    for (auto* array : {&x, &y, &z, &square, &distance}) array->reserve(n);
    for (auto* array : {&unit_x, &unit_y, &unit_z, &inverse, &force_x, &force_y, &force_z, &fraction, &table_scale})
      array->reserve(n);
    for (auto* array : {&fixed_x, &fixed_y, &fixed_z}) array->reserve(n);
    if (atom.size() < n) {
      atom.resize(n);
      species.resize(n);
      row.resize(n);
    }
    const auto stride = static_cast<std::size_t>(centre.stride), width = static_cast<std::size_t>(centre.width);
    for (auto* array : {&radial, &slope, &radial_lanes, &slope_lanes}) array->reserve(n * stride);
    harmonics.reserve(n * width);
    for (auto* array : {&moments, &weighted_moments, &moment_gradients, &block_moments})
      array->reserve((width + 1) * stride);
    const auto inputs = static_cast<std::size_t>(padded(centre.terms, static_cast<Index>(lanes))) + lanes;
    terms.reserve(inputs);
    term_gradients.reserve(inputs);
    const auto paired = static_cast<std::size_t>(centre.paired_stride * centre.paired_stride);
    pair_transposed.reserve(paired);
    pair_gradients.reserve(static_cast<std::size_t>(centre.paired_l_max + 1) * paired + lanes);
    if (outputs.size() < centre.layers.size()) {
      outputs.resize(centre.layers.size());
      slopes.resize(centre.layers.size());
    }
    std::size_t widest = 0;
    for (std::size_t k = 0; k < centre.layers.size(); ++k) {
      const auto size = static_cast<std::size_t>(centre.layers[k].outputs) + 2 * lanes;
      outputs[k].reserve(size);
      slopes[k].reserve(size);
      widest = std::max(widest, size);
    }
    bar.reserve(widest);
    bar_below.reserve(widest);
    if (centre.triplets.empty()) return;
    for (auto* array : {&near_x, &near_y, &near_z, &triplet_x, &triplet_y, &triplet_z, &triplet_along})
      array->reserve(n);
    pair_rows.reserve(static_cast<std::size_t>(7 * chunk_stride));
    power_rows.reserve(centre.most_power_rows * static_cast<std::size_t>(chunk_stride));
    if (pairs.size() < centre.triplets.size()) pairs.resize(centre.triplets.size());
  }
};

}  // namespace haven
