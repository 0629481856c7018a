#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <tuple>

#include "core/neighbour_list.hpp"
#include "core/rng.hpp"
#include "md/domain.hpp"
#include "support/md_fixtures.hpp"

// All ranks of a decomposition are played one after the other: nothing here needs MPI.
namespace haven::testing {
namespace {

using Pair = std::tuple<AtomId, AtomId, LatticeShift>;  // centre, neighbour, image

struct Case {
  Cell cell;
  std::vector<Vec3> positions;
  RankGrid grid;
  double radius = 0;
  DomainPlanes planes{};
};

Case random_case(std::uint64_t number) {
  RandomSequence random(17, Stream::test, number);
  const auto between = [&](double low, double high) { return low + (high - low) * random.uniform(); };
  Mat3 h{{{{between(2, 14), 0, 0},
           {between(-4, 4), between(2, 14), 0},
           {between(-4, 4), between(-4, 4), between(2, 14)}}}};
  const std::array<bool, 3> periodic{random.uniform() < 0.8, random.uniform() < 0.8, random.uniform() < 0.8};
  Case c{.cell = Cell(h, periodic), .positions = {}, .grid = {{1, 1, 1}}, .radius = between(0.8, 6)};
  for (int& n : c.grid.n) n = 1 + static_cast<int>(random.below(4));
  const auto n = 1 + random.below(25);
  const bool is_slab = random.uniform() < 0.3;  // then most domains are empty
  for (std::uint64_t i = 0; i < n; ++i) {
    Vec3 f{between(-3, 3), between(-3, 3), is_slab ? between(0.4, 0.5) : between(-3, 3)};
    for (int k = 0; k < 3; ++k)
      if (!periodic[static_cast<std::size_t>(k)]) f[k] = between(-0.2, 1.2);  // open axes: some outside the nominal box
    c.positions.push_back(c.cell.to_cartesian(f));
  }
  c.planes = equal_planes(c.grid);
  if (random.uniform() < 0.5)  // anywhere, two at one place now and then
    for (auto& cuts : c.planes.cuts) {
      for (double& cut : cuts) cut = std::round(10 * random.uniform()) / 10;
      std::sort(cuts.begin(), cuts.end());
    }
  // Atoms exactly on domain boundaries.
  c.positions.push_back(Vec3{});
  c.positions.push_back(c.cell.to_cartesian({0.5, 0.25, 1.0 / 3}));
  return c;
}

std::vector<Pair> brute_force(const Case& c) {
  const Vec3 heights = c.cell.heights();
  std::vector<Pair> pairs;
  const auto n = static_cast<AtomId>(c.positions.size());
  for (AtomId i = 0; i < n; ++i)
    for (AtomId j = 0; j < n; ++j) {
      const Vec3 d = c.positions[static_cast<std::size_t>(j)] - c.positions[static_cast<std::size_t>(i)];
      const Vec3 f = c.cell.to_fractional(d);
      std::int32_t first[3], last[3];
      for (int k = 0; k < 3; ++k) {
        const bool periodic = c.cell.periodic()[static_cast<std::size_t>(k)];
        first[k] = periodic ? static_cast<std::int32_t>(std::floor(-f[k] - c.radius / heights[k])) : 0;
        last[k] = periodic ? static_cast<std::int32_t>(std::ceil(-f[k] + c.radius / heights[k])) : 0;
      }
      for (auto a = first[0]; a <= last[0]; ++a)
        for (auto b = first[1]; b <= last[1]; ++b)
          for (auto e = first[2]; e <= last[2]; ++e) {
            const LatticeShift shift{a, b, e};
            if (i == j && shift == LatticeShift{}) continue;
            if (norm2(d + c.cell.translation(shift)) < c.radius * c.radius) pairs.emplace_back(i, j, shift);
          }
    }
  std::sort(pairs.begin(), pairs.end());
  return pairs;
}

std::vector<Pair> union_over_ranks(const Case& c) {
  const DomainGeometry geometry(c.cell, c.grid, c.planes);
  std::vector<Pair> pairs;
  for (int rank = 0; rank < c.grid.size(); ++rank) {
    std::vector<Vec3> positions;
    std::vector<AtomId> ids;
    for (std::size_t i = 0; i < c.positions.size(); ++i)
      if (geometry.owner(c.positions[i]) == rank)
        positions.push_back(c.positions[i]), ids.push_back(static_cast<AtomId>(i));
    const auto n_centres = static_cast<Index>(ids.size());
    for (std::size_t i = 0; i < c.positions.size(); ++i) {
      const int owner = geometry.owner(c.positions[i]);
      std::vector<int> ranks;
      geometry.ranks_needing(c.positions[i], c.radius, owner, ranks);
      EXPECT_TRUE(std::is_sorted(ranks.begin(), ranks.end()) &&
                  std::adjacent_find(ranks.begin(), ranks.end()) == ranks.end());
      if (std::find(ranks.begin(), ranks.end(), rank) == ranks.end()) continue;
      EXPECT_NE(owner, rank);
      positions.push_back(c.positions[i]);
      ids.push_back(static_cast<AtomId>(i));
    }
    const std::vector<int> species(ids.size(), 0);
    NeighbourList list;
    list.build(c.cell, {.positions = positions, .ids = ids, .species = species, .n_centres = n_centres}, c.radius);
    const NeighbourView view = list.view();
    for (Index i = 0; i < n_centres; ++i)
      for (Index k = view.offsets[static_cast<std::size_t>(i)]; k < view.offsets[static_cast<std::size_t>(i) + 1];
           ++k) {
        const auto e = static_cast<std::size_t>(k);
        pairs.emplace_back(ids[static_cast<std::size_t>(i)], ids[static_cast<std::size_t>(view.atom[e])],
                           view.shifts[static_cast<std::size_t>(view.shift[e])]);
      }
  }
  std::sort(pairs.begin(), pairs.end());
  return pairs;
}

}  // namespace

TEST(GhostPlan, UnionOfAllRanksListsIsBruteForceWithImages) {
  for (std::uint64_t number = 0; number < 400; ++number) {
    const Case c = random_case(number);
    ASSERT_EQ(union_over_ranks(c), brute_force(c))
        << "case " << number << ", grid " << c.grid.n[0] << "x" << c.grid.n[1] << "x" << c.grid.n[2];
  }
}

TEST(GhostPlan, CopiesAreNoMoreThanTheHaloHolds) {
  // 8 domains of a 40 A cube of atoms in planes 2.5 A apart, with a halo of 5 A: along each axis a domain has 8 planes
  // and sees 2 below and 3 above, because the boundary itself counts.
  const Structure structure = argon_crystal(8, 5.0);
  const DomainGeometry geometry(structure.cell, {{2, 2, 2}});
  Index copies = 0;
  std::vector<int> ranks;
  for (const Vec3& r : structure.positions) {
    ranks.clear();
    geometry.ranks_needing(r, 5.0, geometry.owner(r), ranks);
    copies += static_cast<Index>(ranks.size());
  }
  const double held = static_cast<double>(structure.size() + copies) / static_cast<double>(structure.size());
  EXPECT_NEAR(held, std::pow(13.0 / 8.0, 3), 0.005);  // 13^3 is odd, and every other site is empty
}

TEST(RankGrid, CutsTheLongAxisAndAvoidsVacuum) {
  const Structure cube = argon_crystal(3, 40);
  const Structure rod = supercell(argon_crystal(2), 1, 8, 1);
  EXPECT_EQ(choose_rank_grid(rod.cell, 4, 6, rod.positions), (RankGrid{{1, 4, 1}}));
  EXPECT_EQ(choose_rank_grid(cube.cell, 27, 4, cube.positions), (RankGrid{{3, 3, 3}}));
  const Structure slab = argon_slab(6, 2);
  EXPECT_EQ(choose_rank_grid(slab.cell, 4, 6, slab.positions).n[2], 1);
}

/// Planes that follow the atoms leave every domain of an uneven system about its share.
TEST(DomainPlanes, ShareAnUnevenSystemEqually) {
  Structure slab = argon_slab(6, 3);
  const RankGrid grid{{1, 2, 4}};
  const auto busiest = [&](const DomainPlanes& planes) {
    const DomainGeometry geometry(slab.cell, grid, planes);
    std::vector<Index> owned(8);
    for (const Vec3& r : slab.positions) ++owned[static_cast<std::size_t>(geometry.owner(r))];
    return 8.0 * static_cast<double>(*std::max_element(owned.begin(), owned.end())) / static_cast<double>(slab.size());
  };
  LoadProfile profile{};
  add_to_profile(slab.cell, slab.positions, profile);
  EXPECT_GT(busiest(equal_planes(grid)), 2.0);  // a quarter of the height holds everything
  EXPECT_LT(busiest(balanced_planes(grid, profile)), 1.15);
}

TEST(DomainPlanes, OfNoAtomsAndOfAtomsAtOnePlaceAreInOrder) {
  const RankGrid grid{{4, 1, 3}};
  LoadProfile empty{}, heap{};
  const std::vector<Vec3> one_place(100, Vec3{1, 2, 3});
  add_to_profile(Cell(10 * Mat3::identity()), one_place, heap);
  for (const LoadProfile& profile : {empty, heap}) {
    const DomainPlanes planes = balanced_planes(grid, profile);
    EXPECT_EQ(planes.cuts[0].size(), 3U);
    EXPECT_TRUE(planes.cuts[1].empty());
    for (const auto& cuts : planes.cuts) {
      EXPECT_TRUE(std::is_sorted(cuts.begin(), cuts.end()));
      for (const double cut : cuts) EXPECT_TRUE(cut >= 0 && cut <= 1);
    }
  }
}

TEST(RankGrid, EveryPositionHasOneOwnerWhateverTheImage) {
  const Structure structure = triclinic_argon(2);
  const DomainGeometry geometry(structure.cell, {{3, 2, 5}});
  for (const Vec3& r : structure.positions) {
    const int owner = geometry.owner(r);
    EXPECT_GE(owner, 0);
    EXPECT_LT(owner, 30);
    EXPECT_EQ(geometry.owner(r + structure.cell.translation({1, -2, 4})), owner);
  }
}

}  // namespace haven::testing
