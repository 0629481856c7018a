// Units of labels are told apart by what holds for every potential energy surface: energy differences are the work of
// the forces, and stress and forces are derivatives of the same bonds. Here the surface is that of a crystal of
// springs, whose energies, forces and stress are known exactly.
#include <gtest/gtest.h>

#include <random>

#include "core/error.hpp"
#include "core/units.hpp"
#include "io/extxyz.hpp"
#include "io/import.hpp"
#include "support/shared_data.hpp"

namespace haven {
namespace {

/// A cubic lattice of 8 atoms, each bound to its 6 neighbours: E = sum k (r - r0)^2 / 2 over bonds. Strong and weak
/// springs alternate, as between the layers of a crystal (with equal ones the stress would have no linear term).
Frame spring_crystal(const std::vector<Vec3>& displacements) {
  constexpr double spacing = 2.5;
  Frame frame;
  frame.structure.cell = Cell({{{{2 * spacing, 0, 0}, {0, 2 * spacing, 0}, {0, 0, 2 * spacing}}}});
  frame.forces.assign(8, Vec3{});
  for (std::size_t k = 0; k < 8; ++k) {
    frame.structure.numbers.push_back(k < 4 ? 3 : 16);
    const Vec3 site{static_cast<double>(k % 2), static_cast<double>(k / 2 % 2), static_cast<double>(k / 4)};
    frame.structure.positions.push_back(spacing * site + displacements[k]);
  }
  double energy = -32;
  Mat3 stress{};
  for (std::size_t k = 0; k < 8; ++k)
    for (std::size_t axis = 0; axis < 3; ++axis) {
      const std::size_t other = k ^ (std::size_t{1} << axis);  // both images of the neighbour along this axis
      Vec3 step{};
      step[static_cast<int>(axis)] = spacing;
      const double stiffness = (k >> axis & 1U) == 0 ? 6.0 : 2.0;  // eV/A^2
      const Vec3 bond = step + displacements[other] - displacements[k];
      const double length = norm(bond), stretch = length - spacing;
      energy += 0.5 * stiffness * stretch * stretch;
      const Vec3 pull = stiffness * stretch / length * bond;
      frame.forces[k] += pull;
      frame.forces[other] -= pull;
      for (int i = 0; i < 3; ++i) stress[i] += pull[i] * bond;
    }
  frame.energy = energy;
  frame.stress = (1 / frame.structure.cell.volume()) * stress;
  frame.group = "md";
  return frame;
}

std::vector<Frame> thermal_run(int count) {
  std::mt19937 generator(3);
  const auto uniform = [&] { return static_cast<double>(generator()) / 4294967296.0 - 0.5; };
  std::vector<Vec3> u(8);
  std::vector<Frame> frames;
  for (int k = 0; k < count; ++k) {
    for (Vec3& v : u) v = 0.8 * v + 0.12 * Vec3{uniform(), uniform(), uniform()};
    frames.push_back(spring_crystal(u));
  }
  return frames;
}

/// The codes that an import of the frames would refuse with.
std::vector<std::string> refusals(const std::vector<Frame>& frames, ImportOptions options = {}) {
  options.on_problem = ImportOptions::OnProblem::collect;
  Log log;
  std::vector<std::string> codes;
  for (const ImportProblem& problem : check_frames("set", frames, options, log).problems)
    if (!problem.code.empty()) codes.push_back(problem.code);
  return codes;
}

using Codes = std::vector<std::string>;

TEST(LabelScale, RightUnitsPass) {
  LabelScale scale;
  for (const Frame& frame : thermal_run(20)) scale.add(frame);
  // The trapezoidal rule errs at third order of displacements of 0.1 A; the surface is anharmonic by its geometry.
  EXPECT_NEAR(scale.forces().slope, 1.0, 0.05);
  EXPECT_GT(scale.forces().correlation, 0.99);
  EXPECT_EQ(scale.forces().verdict, StressCheck::Verdict::right);
  EXPECT_EQ(scale.stress().verdict, StressCheck::Verdict::right);
  EXPECT_TRUE(refusals(thermal_run(20)).empty());
}

TEST(LabelScale, StressInAnyOtherUnitIsRefusedAtFixedCell) {
  for (const double factor : {units::ev_per_a3_in_kbar, units::ev_per_a3_in_gpa, 125.0 /* a virial */}) {
    auto frames = thermal_run(12);
    for (Frame& frame : frames) *frame.stress *= factor;
    EXPECT_EQ(refusals(frames), Codes{"DI204"}) << factor;
    EXPECT_TRUE(refusals(frames, {.sources = {}, .stress = ImportOptions::Stress::ignore}).empty()) << factor;
  }
}

TEST(LabelScale, AStressBeyondPhysicsIsRefusedWhateverTheCells) {
  auto frames = thermal_run(3);
  for (std::size_t k = 0; k < frames.size(); ++k) {
    frames[k].structure.cell = Cell(std::pow(1.1, static_cast<double>(k)) * frames[k].structure.cell.vectors());
    *frames[k].stress = (9.0 + static_cast<double>(k)) * Mat3::identity();
  }
  EXPECT_EQ(refusals(frames), Codes{"DI204"});
}

TEST(LabelScale, OneExplodedFrameIsRejectedAndTheSetIsKept) {
  auto frames = thermal_run(12);
  *frames[4].stress *= 1e4;
  frames[7].energy = 1e6;
  Log log;
  const ImportReport report = check_frames("set", frames, {}, log);
  EXPECT_EQ(report.kept, 10);
  EXPECT_EQ(report.files[0].counts.at("DI011"), 1);
  EXPECT_EQ(report.files[0].counts.at("DI012"), 1);
}

TEST(LabelScale, EnergiesAndForcesOfDifferentUnitsAreRefusedWithTheLikelyUnit) {
  struct Case {
    double energy, force;
    std::string words;
  };
  for (const Case& c : {Case{1 / 27.2114, 1, "energies in hartree"}, Case{1, 1 / 51.4221, "forces in hartree/bohr"},
                        Case{1.0 / 8 / 2, 1, ""}, Case{1, 1 / 27.2114, "forces in hartree/A"}}) {
    auto frames = thermal_run(20);
    for (Frame& frame : frames) {
      *frame.energy *= c.energy;
      for (Vec3& force : frame.forces) force = c.force * force;
      frame.stress.reset();
    }
    Log log;
    const auto problems =
        check_frames("set", frames, {.sources = {}, .on_problem = ImportOptions::OnProblem::collect}, log).problems;
    ASSERT_EQ(problems.size(), 1U) << c.words;
    EXPECT_EQ(problems[0].code, "DI206");
    EXPECT_NE(problems[0].what.find(c.words), std::string::npos) << problems[0].what;
  }
}

TEST(LabelScale, GradientsInPlaceOfForcesAreRefused) {
  auto frames = thermal_run(20);
  for (Frame& frame : frames)
    for (Vec3& force : frame.forces) force = -1.0 * force;
  EXPECT_EQ(refusals(frames), Codes{"DI206"});
}

TEST(LabelScale, EnergiesThatNoAtomsHaveAreRefused) {
  auto frames = thermal_run(6);
  for (Frame& frame : frames) *frame.energy += 8 * 1000;  // +1000 eV per atom
  EXPECT_EQ(refusals(frames), Codes{"DI205"});
  for (Frame& frame : frames) *frame.energy -= 8 * 20'000;  // beyond all electrons of Li and S
  EXPECT_EQ(refusals(frames), Codes{"DI205"});
}

TEST(LabelScale, AbsoluteEnergiesAreRemarkedOnAndForVaspRejected) {
  auto frames = thermal_run(6);
  for (Frame& frame : frames) *frame.energy -= 8 * 2011;
  Log log;
  const ImportReport report = check_frames("set", frames, {}, log);
  EXPECT_EQ(report.kept, 6);
  EXPECT_EQ(report.files[0].counts.at("DI111"), 6);
  for (Frame& frame : frames) frame.source.code = "VASP 6.4.2";
  EXPECT_THROW(static_cast<void>(check_frames("set", frames, {}, log)), InputError);
}

TEST(LabelScale, ImportLeavesTheStressOutWhenAsked) {
  const testing::TemporaryFolder folder;
  auto frames = thermal_run(12);
  for (Frame& frame : frames) *frame.stress *= units::ev_per_a3_in_kbar;
  write_extxyz(folder.file("kbar.xyz"), frames);
  Log log;
  Index stresses = 0;
  const auto count = [&](Frame&& frame) { stresses += frame.stress ? 1 : 0; };
  ImportOptions options{.sources = {{.path = folder.file("kbar.xyz")}}};
  EXPECT_THROW(import_frames(options, count, log), InputError);
  stresses = 0;
  options.stress = ImportOptions::Stress::ignore;
  EXPECT_EQ(import_frames(options, count, log).kept, 12);
  EXPECT_EQ(stresses, 0);
}

TEST(LabelScale, HoldsForPublishedRuns) {
  for (const char* name : {"li3n_gpaw/li3n.xyz", "tio2_aenet/tio2_train.xyz.gz", "lips20_cp2k/lips20_test.xyz.gz"}) {
    HAVEN_SHARED_DATA(path, name);
    Log log;
    const ImportReport report = import_frames(
        {.sources = {{.path = path}}}, [](Frame&&) {}, log);
    EXPECT_TRUE(report.problems.empty()) << name;
    if (report.force_check.pairs > 0) {
      EXPECT_NEAR(report.force_check.slope, 1.0, 0.1) << name;
    }
    if (report.stress_scatter.frames > 0) {
      EXPECT_GT(report.stress_scatter.ratio, 0.05) << name;
      EXPECT_LT(report.stress_scatter.ratio, 1.0) << name;
    }
  }
}

}  // namespace
}  // namespace haven
