#include <gtest/gtest.h>

#include <cmath>

#include "analysis/symmetry.hpp"
#include "core/rng.hpp"

namespace haven::testing {
namespace {

Structure crystal(const Mat3& cell, const std::vector<std::pair<int, Vec3>>& sites) {
  Structure structure;
  structure.cell = Cell(cell);
  for (const auto& [number, s] : sites) {
    structure.numbers.push_back(number);
    structure.positions.push_back(structure.cell.to_cartesian(s));
  }
  return structure;
}

Structure rock_salt() {
  std::vector<std::pair<int, Vec3>> sites;
  for (const Vec3& s : {Vec3{0, 0, 0}, Vec3{0, 0.5, 0.5}, Vec3{0.5, 0, 0.5}, Vec3{0.5, 0.5, 0}}) {
    sites.emplace_back(11, s);
    sites.emplace_back(17, s + Vec3{0.5, 0.5, 0.5});
  }
  return crystal({{{{5.64, 0, 0}, {0, 5.64, 0}, {0, 0, 5.64}}}}, sites);
}

Structure magnesium() {
  const double a = 3.2, c = 5.2;
  return crystal({{{{a, 0, 0}, {-0.5 * a, std::sqrt(0.75) * a, 0}, {0, 0, c}}}},
                 {{12, {1.0 / 3, 2.0 / 3, 0.25}}, {12, {2.0 / 3, 1.0 / 3, 0.75}}});
}

}  // namespace

/// The International Tables say so.
TEST(Symmetry, KnownCrystals) {
  const auto salt = space_group(rock_salt()), metal = space_group(magnesium());
  ASSERT_TRUE(salt && metal);
  EXPECT_EQ(describe(salt), "Fm-3m (225)");
  EXPECT_EQ(salt->operations, 192);
  EXPECT_EQ(salt->inequivalent, 2);
  EXPECT_EQ(describe(metal), "P6_3/mmc (194)");
  EXPECT_EQ(metal->inequivalent, 1);
}

/// Supercells, other choices of lattice vectors, atoms many cells away and a turned crystal are the same crystal.
TEST(Symmetry, DoesNotDependOnTheDescription) {
  const Structure salt = rock_salt();
  const auto repeated = space_group(supercell(salt, 2, 1, 3));
  ASSERT_TRUE(repeated);
  EXPECT_EQ(repeated->number, 225);
  EXPECT_EQ(repeated->inequivalent, 2);
  Structure other = salt;
  Mat3 sheared = salt.cell.vectors();
  sheared[2] += sheared[0] - sheared[1];
  other.positions[3] += salt.cell.translation({40, -7, 3});
  other.cell = Cell(sheared);
  EXPECT_EQ(describe(space_group(other)), "Fm-3m (225)");
  const double s = std::sin(0.3), c = std::cos(0.3);
  const Mat3 turn{{{{c, s, 0}, {-s, c, 0}, {0, 0, 1}}}};
  Structure turned = magnesium();
  for (Vec3& r : turned.positions) r = r * turn;
  turned.cell = Cell(turned.cell.vectors() * turn);
  EXPECT_EQ(describe(space_group(turned)), "P6_3/mmc (194)");
}

/// What lies within the tolerance counts as symmetric, what lies beyond does not.
TEST(Symmetry, DependsOnTheTolerance) {
  Structure salt = supercell(rock_salt(), 2, 2, 2);
  RandomSequence random(3, Stream::test, 5);
  for (Vec3& r : salt.positions)
    r += 0.02 * Vec3{random.uniform() - 0.5, random.uniform() - 0.5, random.uniform() - 0.5};
  EXPECT_EQ(describe(space_group(salt, 0.1)), "Fm-3m (225)");
  const auto exact = space_group(salt, 1e-4);
  ASSERT_TRUE(exact);
  EXPECT_EQ(exact->number, 1);
  EXPECT_EQ(exact->inequivalent, salt.size());
}

TEST(Symmetry, IsUnknownForWhatIsNoCrystal) {
  Structure slab = rock_salt();
  slab.cell = Cell(slab.cell.vectors(), {true, true, false});
  EXPECT_FALSE(space_group(slab));
  Structure doubled = rock_salt();
  doubled.positions.push_back(doubled.positions[0]), doubled.numbers.push_back(11);
  EXPECT_FALSE(space_group(doubled));
  EXPECT_FALSE(space_group(Structure{}));
  EXPECT_EQ(describe(std::nullopt), "unknown");
}

}  // namespace haven::testing
