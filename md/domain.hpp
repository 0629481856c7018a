#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "core/cell.hpp"
#include "core/types.hpp"

namespace haven {

/// Number of domains along a, b and c; rank = (i_a * n_b + i_b) * n_c + i_c.
struct RankGrid {
  std::array<int, 3> n{1, 1, 1};

  [[nodiscard]] int size() const { return n[0] * n[1] * n[2]; }
  [[nodiscard]] int rank(int a, int b, int c) const { return (a * n[1] + b) * n[2] + c; }
  friend bool operator==(const RankGrid&, const RankGrid&) = default;
};

/// The factorisation of `ranks` with the least work on its busiest rank: atoms owned there plus a share of the halo of
/// width `halo` (A) around a domain, for any cell shape. A function of its arguments alone, so all ranks choose alike.
/// @param positions  of all atoms; vacuum then does not get domains of its own if that can be avoided
[[nodiscard]] RankGrid choose_rank_grid(const Cell& cell, int ranks, double halo, std::span<const Vec3> positions);

/// Where the domains meet: along each axis n - 1 fractional coordinates, ascending. Two equal ones enclose an empty
/// domain.
struct DomainPlanes {
  std::array<std::vector<double>, 3> cuts;
  friend bool operator==(const DomainPlanes&, const DomainPlanes&) = default;
};
[[nodiscard]] DomainPlanes equal_planes(const RankGrid& grid);

/// Numbers of atoms in slices of equal thickness along a, b and c, one axis after the other; ranks add theirs.
inline constexpr std::size_t load_slices = 512;
using LoadProfile = std::array<std::int64_t, 3 * load_slices>;
void add_to_profile(const Cell& cell, std::span<const Vec3> positions, LoadProfile& profile);
/// Planes with equally many atoms between them along each axis by itself.
[[nodiscard]] DomainPlanes balanced_planes(const RankGrid& grid, const LoadProfile& profile);

/// The division of a cell into domains: who owns a position, and who needs a copy of it.
///
/// Both depend on the position, wrapped into the cell, alone. Along an open axis the outermost domains reach to
/// infinity. Domains may be thinner than the halo, and the halo wider than the cell: a rank is then named once, however
/// many images of the atom it sees.
class DomainGeometry {
 public:
  DomainGeometry(const Cell& cell, const RankGrid& grid, DomainPlanes planes)
      : cell_(cell), grid_(grid), planes_(std::move(planes)) {}
  DomainGeometry(const Cell& cell, const RankGrid& grid) : DomainGeometry(cell, grid, equal_planes(grid)) {}

  [[nodiscard]] const RankGrid& grid() const { return grid_; }
  [[nodiscard]] const DomainPlanes& planes() const { return planes_; }
  [[nodiscard]] int owner(const Vec3& position) const;
  /// Appends to `ranks` every rank but `self` within `halo` (A, perpendicular to the faces) of whose domain an image of
  /// `position` lies; each once, ascending.
  void ranks_needing(const Vec3& position, double halo, int self, std::vector<int>& ranks) const;

 private:
  [[nodiscard]] Vec3 wrapped_fractional(const Vec3& position) const;
  [[nodiscard]] int index(std::size_t axis, double fractional) const;
  Cell cell_;
  RankGrid grid_;
  DomainPlanes planes_;
};

}  // namespace haven
