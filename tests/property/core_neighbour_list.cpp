#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <tuple>

#include "core/neighbour_list.hpp"
#include "core/rng.hpp"

namespace haven {
namespace {

using Pair = std::tuple<Index, AtomId, LatticeShift>;

struct Box {
  Cell cell;
  std::vector<Vec3> positions;
  std::vector<AtomId> ids;
  std::vector<int> species;
  LocalAtoms atoms(Index n_centres) const { return {positions, ids, species, n_centres}; }
};

/// Random triclinic box; atoms may lie many cells outside, since positions are never wrapped in a run.
Box random_box(std::uint64_t seed, int n, double length, std::array<bool, 3> periodic) {
  RandomSequence random(seed, Stream::test, 0);
  Mat3 h;
  for (int k = 0; k < 3; ++k) {
    for (int m = 0; m < 3; ++m) h[k][m] = (k == m ? length : 0.0) + 0.4 * length * (random.uniform() - 0.5);
  }
  Box box{.cell = Cell(h, periodic), .positions = {}, .ids = {}, .species = {}};
  for (int i = 0; i < n; ++i) {
    Vec3 f;
    for (int k = 0; k < 3; ++k) {
      f[k] = random.uniform();
      if (periodic[static_cast<std::size_t>(k)]) f[k] += std::floor(7 * random.uniform()) - 3;
    }
    box.positions.push_back(box.cell.to_cartesian(f));
    box.ids.push_back(1000 - 3 * i);
    box.species.push_back(0);
  }
  return box;
}

std::vector<Pair> from_list(const Box& box, Index n_centres, double radius) {
  NeighbourList list;
  list.build(box.cell, box.atoms(n_centres), radius);
  const NeighbourView view = list.view();
  std::vector<Pair> pairs;
  for (Index i = 0; i < n_centres; ++i)
    for (Index e = view.offsets[static_cast<std::size_t>(i)]; e < view.offsets[static_cast<std::size_t>(i) + 1]; ++e) {
      const auto entry = static_cast<std::size_t>(e);
      EXPECT_LT(norm(view.displacement(box.positions, i, e)), radius);
      pairs.emplace_back(i, box.ids[static_cast<std::size_t>(view.atom[entry])],
                         view.shifts[static_cast<std::size_t>(view.shift[entry])]);
    }
  return pairs;
}

/// O(N^2) over every image within a shell that is certainly large enough, in the canonical order (id, shift).
std::vector<Pair> brute_force(const Box& box, Index n_centres, double radius) {
  const Vec3 heights = box.cell.heights();
  std::vector<std::size_t> by_id(box.ids.size());
  std::iota(by_id.begin(), by_id.end(), 0);
  std::sort(by_id.begin(), by_id.end(), [&](auto a, auto b) { return box.ids[a] < box.ids[b]; });
  int reach[3];
  for (int k = 0; k < 3; ++k)
    reach[k] =
        box.cell.periodic()[static_cast<std::size_t>(k)] ? static_cast<int>(std::ceil(radius / heights[k])) + 8 : 0;
  std::vector<Pair> pairs;
  for (Index i = 0; i < n_centres; ++i)
    for (const std::size_t j : by_id)
      for (int a = -reach[0]; a <= reach[0]; ++a)
        for (int b = -reach[1]; b <= reach[1]; ++b)
          for (int c = -reach[2]; c <= reach[2]; ++c) {
            const LatticeShift shift{a, b, c};
            if (static_cast<Index>(j) == i && shift == LatticeShift{}) continue;
            const Vec3 d =
                (box.positions[j] - box.positions[static_cast<std::size_t>(i)]) + box.cell.translation(shift);
            if (norm2(d) < radius * radius) pairs.emplace_back(i, box.ids[j], shift);
          }
  return pairs;
}

}  // namespace

TEST(NeighbourList, EqualsBruteForceInCellsLargerAndSmallerThanTheRadius) {
  int compared = 0;
  for (std::uint64_t seed = 1; seed <= 3; ++seed)
    for (const double length : {1.5, 4.0, 9.0})
      for (const auto periodic :
           {std::array{true, true, true}, std::array{true, false, true}, std::array{false, false, false}})
        for (const int n : {1, 2, 23}) {
          const Box box = random_box(seed, n, length, periodic);
          const auto expected = brute_force(box, n, 3.1);
          EXPECT_EQ(from_list(box, n, 3.1), expected);
          compared += static_cast<int>(expected.size());
        }
  EXPECT_GT(compared, 10000);
}

TEST(NeighbourList, ListsOnlyCentresButAllTheirNeighbours) {
  const Box box = random_box(5, 30, 6.0, {true, true, true});
  EXPECT_EQ(from_list(box, 4, 2.7), brute_force(box, 4, 2.7));
}

TEST(NeighbourList, IsEmptyForARankWithoutAtoms) {
  const Box box = random_box(5, 30, 6.0, {true, true, true});
  NeighbourList list;
  list.build(box.cell, box.atoms(0), 3.0);
  EXPECT_EQ(list.view().offsets.size(), 1U);
  EXPECT_TRUE(list.view().atom.empty());
}

}  // namespace haven
