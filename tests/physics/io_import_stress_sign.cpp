// The sign of a stress is a statement about energies: dE = V stress : dstrain - force . displacement. Here the model is
// an elastic crystal with known energy, E = V0 (C/2) sum e_ij^2 + V0 p tr(e) + k/2 sum u^2, so stress and forces are
// known exactly.
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "core/error.hpp"
#include "core/units.hpp"
#include "io/extxyz.hpp"
#include "io/import.hpp"
#include "support/shared_data.hpp"

namespace haven {
namespace {

constexpr double stiffness = 0.4;  // eV/A^3, 64 GPa
constexpr double tension = 0.01;   // eV/A^3, 1.6 GPa
constexpr double spring = 5.0;     // eV/A^2
const Mat3 cell0{{{{5.0, 0.0, 0.0}, {0.5, 5.5, 0.0}, {0.2, -0.3, 6.0}}}};

/// Logarithmic strain e (symmetric, small), displacement u of one atom.
Frame elastic_frame(const Mat3& e, const Vec3& u) {
  const Mat3 deformation = Mat3::identity() + e + 0.5 * (e * e) + (1.0 / 6.0) * (e * e * e);
  Frame frame;
  frame.structure.cell = Cell(cell0 * deformation);
  frame.structure.numbers = {3, 16};
  frame.structure.positions = {u, 0.5 * (frame.structure.cell.vectors()[0] + frame.structure.cell.vectors()[1])};
  const double v0 = std::abs(determinant(cell0)), v = frame.structure.cell.volume();
  double squares = 0;
  for (int i = 0; i < 3; ++i) squares += norm2(e[i]);
  frame.energy = v0 * (0.5 * stiffness * squares + tension * (e[0].x + e[1].y + e[2].z)) + 0.5 * spring * norm2(u);
  frame.forces = {-spring * u, spring * u};
  frame.stress = (v0 / v) * (stiffness * e + tension * Mat3::identity());
  frame.group = "strain";
  return frame;
}

std::vector<Frame> strained_frames(int count) {
  std::mt19937 generator(5);
  const auto uniform = [&] { return static_cast<double>(generator()) / 4294967296.0 - 0.5; };
  std::vector<Frame> frames;
  for (int k = 0; k < count; ++k) {
    const double a = 0.02 * uniform(), b = 0.02 * uniform(), c = 0.02 * uniform();
    const Mat3 e{{{{0.02 * uniform(), a, c}, {a, 0.02 * uniform(), b}, {c, b, 0.02 * uniform()}}}};
    frames.push_back(elastic_frame(e, 0.02 * Vec3{uniform(), uniform(), uniform()}));
  }
  return frames;
}

TEST(StressSign, RightStressGivesSlopeOne) {
  const StressCheck check = check_stress(strained_frames(12));
  EXPECT_EQ(check.pairs, 12 * 11 / 2);
  // The trapezoidal rule is exact for this energy but for the rotation of the frame and the change of volume: third
  // order in 0.02.
  EXPECT_NEAR(check.slope, 1.0, 0.03);
  EXPECT_GT(check.correlation, 0.99);
  EXPECT_EQ(check.verdict, StressCheck::Verdict::right);
}

TEST(StressSign, WrongSignAndWrongUnitAreProvedWrong) {
  auto frames = strained_frames(12);
  for (Frame& frame : frames) *frame.stress *= -1.0;
  EXPECT_EQ(check_stress(frames).verdict, StressCheck::Verdict::wrong_sign);
  for (Frame& frame : frames) *frame.stress *= -units::ev_per_a3_in_kbar;
  EXPECT_EQ(check_stress(frames).verdict, StressCheck::Verdict::wrong_unit);
}

TEST(StressSign, NoVerdictWithoutStrainWithoutStressOrWithTooFewPairs) {
  auto frames = strained_frames(2);
  EXPECT_EQ(check_stress(frames).verdict, StressCheck::Verdict::undecided);
  auto same_cell = strained_frames(12);
  for (Frame& frame : same_cell) frame.structure.cell = same_cell[0].structure.cell;
  EXPECT_EQ(check_stress(same_cell).pairs, 0);
  auto without = strained_frames(12);
  for (Frame& frame : without) frame.stress.reset();
  EXPECT_EQ(check_stress(without).pairs, 0);
}

TEST(StressSign, FramesOfDifferentGroupsAreNotCompared) {
  auto frames = strained_frames(12);
  for (std::size_t k = 0; k < frames.size(); ++k) frames[k].group = std::to_string(k);
  EXPECT_EQ(check_stress(frames).pairs, 0);
}

TEST(StressSign, ImportRefusesASetWhoseStressHasTheWrongSign) {
  const testing::TemporaryFolder folder;
  auto frames = strained_frames(12);
  write_extxyz(folder.file("good.xyz"), frames);
  for (Frame& frame : frames) *frame.stress *= -1.0;
  write_extxyz(folder.file("bad.xyz"), frames);
  Log log;
  const auto ignore = [](Frame&&) {};
  const ImportReport report = import_frames({.sources = {{.path = folder.file("good.xyz")}}}, ignore, log);
  EXPECT_EQ(report.stress_check->verdict, StressCheck::Verdict::right);
  EXPECT_NE(report.to_text().find("stress sign OK (66 finite-strain pairs"), std::string::npos) << report.to_text();
  EXPECT_THROW(import_frames({.sources = {{.path = folder.file("bad.xyz")}}}, ignore, log), InputError);
}

TEST(StressSign, FindingsHaveTheirCodes) {
  Log log;
  const ImportOptions collect{.sources = {}, .on_problem = ImportOptions::OnProblem::collect};
  auto frames = strained_frames(12);
  EXPECT_TRUE(check_frames("set", frames, collect, log).problems.empty());
  for (Frame& frame : frames) *frame.stress *= -1.0;
  ASSERT_EQ(check_frames("set", frames, collect, log).problems.size(), 1U);
  EXPECT_EQ(check_frames("set", frames, collect, log).problems[0].code, "DI201");
  for (Frame& frame : frames) *frame.stress *= -30.0;  // in kbar it would be beyond physics, DI204
  ASSERT_EQ(check_frames("set", frames, collect, log).problems.size(), 1U);
  EXPECT_EQ(check_frames("set", frames, collect, log).problems[0].code, "DI202");
}

TEST(StressSign, FramesOfDifferentSettingsAreNotCompared) {
  auto frames = strained_frames(12);
  for (std::size_t k = 0; k < frames.size(); ++k)
    frames[k].source.settings = std::make_shared<const std::string>("ENCUT = " + std::to_string(300 + k) + "\n");
  EXPECT_EQ(check_stress(frames).pairs, 0);
}

TEST(StressSign, HoldsForPublishedStrainedCells) {
  // Sets whose plane-wave basis or k-points change with the cell scatter more (Pulay stress): no verdict, but never a
  // wrong one.
  const std::map<std::string, StressCheck::Verdict> expected{
      {"li3n/li3n_lattice.xyz.gz", StressCheck::Verdict::right},
      {"mlearn/Si_train.xyz.gz", StressCheck::Verdict::right},
      {"mlearn/Cu_train.xyz.gz", StressCheck::Verdict::undecided},
      {"mlearn/Li_train.xyz.gz", StressCheck::Verdict::undecided}};
  for (const auto& [name, verdict] : expected) {
    HAVEN_SHARED_DATA(path, name);
    Log log;
    const ImportReport report = import_frames(
        {.sources = {{.path = path}}}, [](Frame&&) {}, log);
    EXPECT_EQ(report.stress_check->verdict, verdict)
        << name << ": " << report.stress_check->pairs << " pairs, slope " << report.stress_check->slope << ", r "
        << report.stress_check->correlation;
    EXPECT_NEAR(report.stress_check->slope, 1.0, 0.15) << name;
  }
}

}  // namespace
}  // namespace haven
