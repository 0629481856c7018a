#pragma once
#include <memory>
#include <span>
#include <vector>

#include "core/cell.hpp"
#include "core/types.hpp"

namespace haven {

/// What one rank knows about its atoms: the centres it owns first, then copies of other ranks' atoms. An atom is
/// present at most once; its periodic images are lattice shifts in the neighbour entries, so small cells need no
/// special case.
struct LocalAtoms {
  std::span<const Vec3> positions;  ///< A, never wrapped: every rank holds the same bits for the same atom
  std::span<const AtomId> ids;      ///< unique
  std::span<const int> species;     ///< index into Requirements::elements
  Index n_centres = 0;              ///< the first n_centres atoms are owned
  /// An evaluation takes the centres from this one on. It may get fewer than there are rows in the list: part of them.
  Index first_centre = 0;
};

/// Full neighbour lists in compressed rows. Entries of a centre are sorted by (id, shift): the order of every sum
/// inside an atom is a function of the state alone. The displacement of entry k of centre i is
///   d = (positions[atom[k]] - positions[i]) + translations[shift[k]],
/// evaluated in this order everywhere; entries with |d| >= cutoff must be skipped before any arithmetic.
struct NeighbourView {
  std::span<const Index> offsets;        ///< n_centres + 1
  std::span<const std::int32_t> atom;    ///< index into LocalAtoms
  std::span<const std::int32_t> shift;   ///< index into translations
  std::span<const Vec3> translations;    ///< A; translations[0] is zero
  std::span<const LatticeShift> shifts;  ///< the integers behind translations
  /// Which build of which list this is: equal for views of one build, different for any other list as long as somebody
  /// holds it. Whoever keeps a copy of a list (in the memory of a GPU) compares it; null when unknown. Of one build
  /// only the translations change, with the cell: NeighbourList::follow_cell().
  std::shared_ptr<const void> build{};

  [[nodiscard]] Vec3 displacement(std::span<const Vec3> positions, Index centre, Index entry) const {
    const auto e = static_cast<std::size_t>(entry);
    return (positions[static_cast<std::size_t>(atom[e])] - positions[static_cast<std::size_t>(centre)]) +
           translations[static_cast<std::size_t>(shift[e])];
  }
};

/// Owns a neighbour list; buffers are reused between builds.
class NeighbourList {
 public:
  /// Finds, for every centre, all atoms and images nearer than `radius` (cut-off plus skin), in O(N).
  /// Any cell and any radius: images beyond the first shell are found in cells smaller than the radius.
  void build(const Cell& cell, const LocalAtoms& atoms, double radius);
  /// Makes the translations those of a deformed cell. The caller knows that the list still holds all pairs.
  void follow_cell(const Cell& cell);
  [[nodiscard]] NeighbourView view() const;

 private:
  std::vector<Index> offsets_;
  std::vector<std::int32_t> atom_, shift_;
  std::vector<Vec3> translations_;
  std::vector<LatticeShift> shifts_;
  std::shared_ptr<const void> build_;
};

}  // namespace haven
