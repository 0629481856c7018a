#pragma once
#include <span>
#include <vector>

#include "core/cell.hpp"
#include "core/fixed_sum.hpp"
#include "core/neighbour_list.hpp"
#include "core/types.hpp"

namespace haven {

/// What never changes about the atoms, by id, the same on every rank.
struct AtomTable {
  std::vector<int> numbers;          ///< atomic numbers
  std::vector<int> species;          ///< index into Requirements::elements
  std::vector<double> masses;        ///< amu
  std::vector<double> acceleration;  ///< A/fs^2 per eV/A: units::force_to_acceleration / mass, 0 for frozen atoms
  std::vector<Vec3> reference;       ///< A; positions of the input structure, for displacements since the very start
  Cell reference_cell{};             ///< the cell they belong to
  Index frozen = 0;                  ///< number of frozen atoms

  [[nodiscard]] Index size() const { return static_cast<Index>(numbers.size()); }
};

/// The atoms one rank holds: those it owns first, then copies of other ranks' atoms (at most one per atom).
struct AtomStore {
  std::vector<AtomId> ids;
  std::vector<int> species;
  std::vector<Vec3> positions;              ///< A, unwrapped
  std::vector<Vec3> list_positions;         ///< owned only: where they were when the neighbour list was built
  std::vector<Vec3> velocities;             ///< owned only, A/fs
  std::vector<double> acceleration;         ///< owned only, see AtomTable
  std::vector<double> masses;               ///< owned only, amu
  std::vector<FixedVec3> forces;            ///< eV/A
  std::vector<unsigned char> extrapolates;  ///< owned only: 1 where the last evaluation was outside the training range
  Index n_owned = 0;

  [[nodiscard]] Index size() const { return static_cast<Index>(ids.size()); }
  [[nodiscard]] LocalAtoms local() const {
    return {.positions = positions, .ids = ids, .species = species, .n_centres = n_owned};
  }
  /// Forgets the copies.
  void drop_copies();
  /// Adds an owned atom; there must be no copies.
  void add_owned(const AtomTable& table, AtomId id, const Vec3& position, const Vec3& velocity);
  /// Keeps the owned atoms with keep[i] != 0, in their order; there must be no copies.
  void retain(std::span<const char> keep);
  /// Brings the owned atoms into the order order[0], order[1], ...; there must be no copies. Forces are lost.
  void reorder(std::span<const std::int32_t> order);
  /// Adds a copy of another rank's atom.
  void add_copy(const AtomTable& table, AtomId id, const Vec3& position);
};

}  // namespace haven
