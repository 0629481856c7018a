#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "core/error.hpp"
#include "io/lammps_table.hpp"
#include "io/model_file.hpp"
#include "potentials/registry.hpp"
#include "potentials/structure_evaluation.hpp"
#include "support/shared_data.hpp"
#include "support/structures.hpp"

namespace haven::testing {
namespace {

constexpr double cutoff = 6.0, shortest = 1.0;

/// A smooth pair potential that differs between pairs; ends with zero value and slope at the cut-off.
struct Pair {
  double strength;
  [[nodiscard]] double energy(double r) const { return strength * std::exp(-1.3 * r) * std::pow(cutoff - r, 3); }
  [[nodiscard]] double force(double r) const {
    return strength * std::exp(-1.3 * r) * (1.3 * std::pow(cutoff - r, 3) + 3 * std::pow(cutoff - r, 2));
  }
};

std::string section(const std::string& name, const Pair& pair, int points = 1000) {
  std::string text = fmt::format("# made by a test\n\n{}\nN {} R {} {}\n\n", name, points, shortest, cutoff);
  for (int k = 0; k < points; ++k) {
    const double r = shortest + (cutoff - shortest) * k / (points - 1);
    text += fmt::format("{} {} {} {}\n", k + 1, r, pair.energy(r) + 0.25, pair.force(r));
  }
  return text + "\n";
}

const Pair like{0.1}, unlike{-0.07}, other{0.2};

std::string three_sections() { return section("Li_Li", like) + section("Cl-Li", unlike) + section("Cl_Cl", other); }

class PairTable : public ::testing::Test {
 protected:
  Model read(const std::string& text) {
    std::ofstream(folder_.file("pairs.table")) << text;
    return read_lammps_table(folder_.file("pairs.table"));
  }
  std::string complaint(const std::string& text) {
    try {
      static_cast<void>(read(text));
    } catch (const InputError& error) {
      return error.what();
    }
    return "";
  }
  TemporaryFolder folder_;
};

}  // namespace

/// Energy and forces are those of the closed form; 1000 points leave 1e-10 of the scale. The constant in the table is
/// gone.
TEST_F(PairTable, IsTheFunctionThatWasTabulated) {
  const auto potential = make_potential(read(three_sections()), Precision::float64);
  const Structure structure = random_structure({.atoms = 24, .elements = {3, 17}, .seed = 3});
  const StructureEvaluation result = evaluate_structure(*potential, structure);
  double energy = 0;
  std::vector<Vec3> forces(structure.positions.size());
  for (std::size_t i = 0; i < structure.positions.size(); ++i)
    for (std::size_t j = 0; j < structure.positions.size(); ++j)
      for (int a = -3; a <= 3; ++a)
        for (int b = -3; b <= 3; ++b)
          for (int c = -3; c <= 3; ++c) {
            const Vec3 d = structure.positions[j] - structure.positions[i] + structure.cell.translation({a, b, c});
            const double r = norm(d);
            if (r == 0 || r >= cutoff) continue;
            ASSERT_GT(r, shortest);
            const bool same = structure.numbers[i] == structure.numbers[j];
            const Pair& pair = !same ? unlike : structure.numbers[i] == 3 ? like : other;
            energy += 0.5 * pair.energy(r);
            forces[i] -= (pair.force(r) / r) * d;
          }
  EXPECT_NEAR(result.energy, energy, 1e-10 * std::abs(energy));
  for (std::size_t i = 0; i < forces.size(); ++i) EXPECT_LT(norm(result.forces[i] - forces[i]), 1e-10) << i;
}

TEST_F(PairTable, SurvivesTheModelFile) {
  const Model model = read(three_sections());
  write_model(folder_.file("m.haven"), model);
  const Model again = read_model(folder_.file("m.haven"));
  EXPECT_EQ(model_hash(again), model_hash(model));
  EXPECT_EQ(again.kind, "pair-table");
  EXPECT_EQ(again.cutoff, cutoff);
  EXPECT_EQ(again.minimum_distance, shortest);
}

/// Below the first distance the function goes on without a jump of value, slope or curvature.
TEST_F(PairTable, GoesOnBelowItsFirstDistance) {
  const Model model = read(section("Li_Li", like));
  const auto potential = make_potential(model, Precision::float64);
  const auto force_at = [&](double r) {
    Structure pair{.cell = Cell(40 * Mat3::identity()), .numbers = {3, 3}, .positions = {{5, 5, 5}, {5 + r, 5, 5}}};
    return evaluate_structure(*potential, pair).forces[1].x;
  };
  EXPECT_NEAR(force_at(shortest - 1e-6), force_at(shortest + 1e-6), 1e-5 * like.force(shortest));
  EXPECT_GT(force_at(0.5), force_at(shortest));
}

TEST_F(PairTable, SaysWhatItCannotRead) {
  EXPECT_NE(complaint("").find("no section"), std::string::npos);
  EXPECT_NE(complaint(section("PAIR_1", like)).find("does not name two elements"), std::string::npos);
  EXPECT_NE(complaint(section("Li_Li", like) + section("Cl_Cl", other)).find("no section for"), std::string::npos);
  EXPECT_NE(complaint(three_sections() + section("Li_Cl", like)).find("more than one section"), std::string::npos);
  EXPECT_NE(complaint(section("Li_Li", like, 500) + section("Cl_Cl", other) + section("Cl_Li", unlike))
                .find("different distances"),
            std::string::npos);
  std::string squares = section("Li_Li", like);
  squares.replace(squares.find(" R "), 3, " RSQ ");
  EXPECT_NE(complaint(squares).find("not equally spaced"), std::string::npos);
  std::string cut = section("Li_Li", like);
  cut.resize(cut.size() / 2);
  EXPECT_FALSE(complaint(cut).empty());
  EXPECT_FALSE(complaint("Li_Li\nN 100000000\n").empty());
  EXPECT_THROW(static_cast<void>(make_potential(read(section("Li_Li", like, 4)), Precision::float64)), ModelError);
}

}  // namespace haven::testing
