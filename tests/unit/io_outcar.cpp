#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "core/error.hpp"
#include "io/outcar.hpp"
#include "io/text_file.hpp"
#include "support/shared_data.hpp"
#include "support/vasp_read.hpp"
#include "support/vasp_writer.hpp"

namespace haven {
namespace {

using testing::made_up_frames;
using testing::outcar_text;
using testing::RunRead;
using testing::VaspRunText;

RunRead read(const std::string& text) { return testing::read_run("OUTCAR", text, open_outcar); }

std::string replaced(std::string text, const std::string& what, const std::string& with) {
  const std::size_t at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return at == std::string::npos ? text : text.replace(at, what.size(), with);
}

TEST(Outcar, GivesBackWhatWasWrittenToThePrintedDigits) {
  const auto frames = made_up_frames(3, 1);
  const RunRead run = read(outcar_text(frames, {}));
  ASSERT_EQ(run.steps.size(), 3U);
  EXPECT_EQ(run.settings.numbers, frames[0].structure.numbers);
  EXPECT_EQ(run.settings.code(), "VASP 5.4.4.18Apr17-6-g9f103f2a35");
  EXPECT_TRUE(run.ending.finished);
  EXPECT_FALSE(run.ending.dropped_step);
  for (std::size_t k = 0; k < 3; ++k) {
    const Frame frame = frame_of_step(run.steps[k], run.settings, EnergyKind::free, "OUTCAR");
    EXPECT_EQ(run.steps[k].problem, "");
    EXPECT_NEAR(*frame.energy, *frames[k].energy, 5.1e-9);  // half of the last printed digit
    for (std::size_t atom = 0; atom < 5; ++atom) {
      EXPECT_LT(norm(frame.structure.positions[atom] - frames[k].structure.positions[atom]), 1e-5);
      EXPECT_LT(norm(frame.forces[atom] - frames[k].forces[atom]), 1e-6);
    }
    for (int i = 0; i < 3; ++i)  // 5e-6 kB are 3e-9 eV/A^3
      EXPECT_LT(norm((*frame.stress)[i] - (*frames[k].stress)[i]), 1e-8);
    EXPECT_EQ(frame.temperature, 600.0);
    EXPECT_EQ(frame.source.index, static_cast<Index>(k));
  }
}

/// The step is one of the frames: its energy belongs to its forces and its stress.
void expect_frame(const VaspStep& step, const Frame& frame) {
  EXPECT_EQ(step.problem, "");
  EXPECT_NEAR(*step.free_energy, *frame.energy, 5.1e-9);
  ASSERT_EQ(step.forces.size(), frame.forces.size());
  for (std::size_t atom = 0; atom < frame.forces.size(); ++atom)
    EXPECT_LT(norm(step.forces[atom] - frame.forces[atom]), 1e-6);
  for (int i = 0; i < 3; ++i) EXPECT_LT(norm(stress_from_kbar(*step.stress_kbar)[i] - (*frame.stress)[i]), 1e-8);
}

TEST(Outcar, EveryVersionGivesTheSameSteps) {
  const auto frames = made_up_frames(3, 22);
  for (const char* version : {"4.6.35", "5.2.12", "6.4.2", "6.5.1"}) {
    const RunRead run = read(outcar_text(frames, {.version = version}));
    ASSERT_EQ(run.steps.size(), 3U) << version;
    EXPECT_EQ(run.settings.code(), std::string("VASP ") + version);
    EXPECT_FALSE(run.ending.dropped_step) << version;
    for (std::size_t k = 0; k < 3; ++k) expect_frame(run.steps[k], frames[k]);
  }
}

TEST(Outcar, EnergiesOfVasp4StayWithTheForcesThatFollowThemWhereverTheFileEnds) {
  const auto frames = made_up_frames(3, 23);
  const std::string text = outcar_text(frames, {.version = "4.6.35", .nelm = 3, .finished = false});
  const std::size_t begin = text.find("Iteration");
  std::set<std::size_t> counts;
  for (std::size_t end = text.find('\n', begin); end != text.npos; end = text.find('\n', end + 1)) {
    const RunRead run = read(text.substr(0, end + 1));
    counts.insert(run.steps.size());
    for (std::size_t k = 0; k < run.steps.size(); ++k) expect_frame(run.steps[k], frames[k]);
  }
  EXPECT_EQ(counts, (std::set<std::size_t>{0, 1, 2, 3}));
  const RunRead without = read(outcar_text(frames, {.version = "4.6.35", .without_forces = {1}}));
  ASSERT_EQ(without.steps.size(), 3U);
  EXPECT_TRUE(without.steps[1].forces.empty());
  expect_frame(without.steps[2], frames[2]);
}

TEST(Outcar, TellsFreeEnergyFromSigmaZeroAndFromEntropyFree) {
  const auto frames = made_up_frames(1, 2);
  const RunRead run = read(outcar_text(frames, {}));
  ASSERT_EQ(run.steps.size(), 1U);
  EXPECT_NEAR(*run.steps[0].energy_sigma0 - *run.steps[0].free_energy, 1e-3, 2e-8);
  EXPECT_NEAR(*run.steps[0].energy_without_entropy - *run.steps[0].free_energy, 2e-3, 2e-8);
}

TEST(Outcar, StressHasTensionPositiveAndVaspsOrderXyYzZx) {
  auto frames = made_up_frames(1, 3);
  frames[0].stress = Mat3{{{{0.01, 0.001, 0.003}, {0.001, -0.02, 0.002}, {0.003, 0.002, 0.03}}}};
  const RunRead run = read(outcar_text(frames, {}));
  ASSERT_EQ(run.steps.size(), 1U);
  const auto& kbar = *run.steps[0].stress_kbar;
  EXPECT_NEAR(kbar[0], -16.02177, 1e-5);
  EXPECT_NEAR(kbar[3], -1.60218, 1e-5);  // XY
  EXPECT_NEAR(kbar[4], -3.20435, 1e-5);  // YZ
  EXPECT_NEAR(kbar[5], -4.80653, 1e-5);  // ZX
  const Mat3 stress = stress_from_kbar(kbar);
  EXPECT_NEAR(stress[0].z, 0.003, 1e-8);
  EXPECT_NEAR(stress[1].z, 0.002, 1e-8);
}

TEST(Outcar, CountsScfStepsBecauseVasp5ClaimsConvergenceAtNelm) {
  const auto frames = made_up_frames(3, 4);
  const std::string text = outcar_text(frames, {.nelm = 12, .unconverged = {1}, .converged_in_last_step = {2}});
  EXPECT_EQ(text.find("was not reached"), std::string::npos);
  const RunRead run = read(text);
  ASSERT_EQ(run.steps.size(), 3U);
  EXPECT_EQ(run.steps[0].scf, Scf::converged);
  EXPECT_EQ(run.steps[1].scf, Scf::nelm_reached);
  EXPECT_EQ(run.steps[1].scf_steps, 12);
  EXPECT_EQ(run.steps[2].scf, Scf::converged_last);
}

TEST(Outcar, BelievesVasp6WhenItSaysThatEdiffWasNotReached) {
  const auto frames = made_up_frames(2, 5);
  const RunRead run = read(outcar_text(frames, {.version = "6.3.0", .nelm = 12, .unconverged = {1}}));
  ASSERT_EQ(run.steps.size(), 2U);
  EXPECT_EQ(run.steps[0].scf, Scf::converged);
  EXPECT_EQ(run.steps[1].scf, Scf::stated);
}

TEST(Outcar, NeverMixesPredictedStepsWithCalculatedOnes) {
  const auto frames = made_up_frames(4, 6);
  const RunRead run = read(outcar_text(frames, {.version = "6.3.0", .predicted = {0, 2}}));
  ASSERT_EQ(run.steps.size(), 4U);
  for (const Index k : {0, 2}) EXPECT_EQ(run.steps[static_cast<std::size_t>(k)].kind, VaspStep::Kind::machine_learned);
  for (const std::size_t k : {1U, 3U}) {
    EXPECT_EQ(run.steps[k].kind, VaspStep::Kind::ab_initio);
    EXPECT_NEAR(*run.steps[k].free_energy, *frames[k].energy, 5.1e-9);
    EXPECT_NEAR(run.steps[k].forces[0].x, frames[k].forces[0].x, 6e-7);
  }
}

TEST(Outcar, DropsTheCutOffLastStepAndSaysSo) {
  const auto frames = made_up_frames(3, 7);
  std::string text = outcar_text(frames, {.finished = false});
  text.resize(text.rfind("total drift") - 200);  // inside the last force table
  const RunRead run = read(text);
  EXPECT_EQ(run.steps.size(), 2U);
  EXPECT_TRUE(run.ending.dropped_step);
  EXPECT_NE(run.ending.text.find("ionic step 3 is cut off"), std::string::npos) << run.ending.text;
}

TEST(Outcar, AsterisksAndNanInAForceMarkThatStepOnly) {
  const auto frames = made_up_frames(2, 8);
  const std::string text = outcar_text(frames, {});
  const std::size_t row = text.find("\n", text.find("TOTAL-FORCE")) + 86;  // first row of the first table
  for (const std::string bad : {"**************", "           NaN"}) {
    std::string damaged = text;
    const std::size_t end = damaged.find('\n', row);
    damaged.replace(end - 14, 14, bad);
    const RunRead run = read(damaged);
    ASSERT_EQ(run.steps.size(), 2U);
    EXPECT_NE(run.steps[0].problem.find("force on atom 1"), std::string::npos) << run.steps[0].problem;
    EXPECT_EQ(run.steps[1].problem, "");
  }
}

TEST(Outcar, AsterisksInTheStressLeaveTheStepWithoutStress) {
  const auto frames = made_up_frames(1, 9);
  std::string text = outcar_text(frames, {});
  const std::size_t at = text.find("in kB") + 7;
  text.replace(at, 12, "************");
  const RunRead run = read(text);
  ASSERT_EQ(run.steps.size(), 1U);
  EXPECT_EQ(run.steps[0].problem, "");
  EXPECT_FALSE(run.steps[0].stress_kbar.has_value());
  EXPECT_NE(run.steps[0].stress_note, "");
}

TEST(Outcar, StepsWithoutAForceTableAreDeliveredAsSuch) {
  const auto frames = made_up_frames(3, 10);
  const RunRead run = read(outcar_text(frames, {.without_forces = {1}}));
  ASSERT_EQ(run.steps.size(), 3U);
  EXPECT_TRUE(run.steps[1].forces.empty());
  EXPECT_EQ(run.steps[2].forces.size(), 5U);
}

TEST(Outcar, KeepsPVOutOfTheEnergyAndChecksTheStressAgainstThePrintedPressure) {
  const auto frames = made_up_frames(1, 11);
  const std::string text = outcar_text(frames, {.pstress_kbar = 10});
  const RunRead run = read(text);
  ASSERT_EQ(run.steps.size(), 1U);
  EXPECT_NEAR(*run.steps[0].free_energy, *frames[0].energy, 5.1e-9);
  EXPECT_TRUE(run.steps[0].stress_kbar.has_value());
  const std::size_t at = text.find("external pressure =") + 20;
  const RunRead odd = read(std::string(text).replace(at, 11, "     500.00"));
  ASSERT_EQ(odd.steps.size(), 1U);
  EXPECT_FALSE(odd.steps[0].stress_kbar.has_value());
}

TEST(Outcar, TakesElementsFromPotentialNamesWithSuffixes) {
  const auto frames = made_up_frames(1, 12);
  const RunRead run = read(outcar_text(frames, {.potential_suffix = "_sv"}));
  EXPECT_EQ(run.settings.numbers, frames[0].structure.numbers);
  EXPECT_EQ(element_of_potential("Li_sv"), 3);
  EXPECT_EQ(element_of_potential("H.75"), 1);
  EXPECT_EQ(element_of_potential("Zr_sv_GW"), 40);
  EXPECT_EQ(element_of_potential("Pizza"), 0);
  EXPECT_EQ(element_of_potential(""), 0);
}

TEST(Outcar, WorksWithoutTitelLinesFromThePotcarList) {
  const auto frames = made_up_frames(1, 13);
  std::string text = outcar_text(frames, {});
  for (std::size_t at = text.find("TITEL"); at != std::string::npos; at = text.find("TITEL"))
    text.replace(at, 5, "xxxxx");
  EXPECT_EQ(read(text).settings.numbers, frames[0].structure.numbers);
}

TEST(Outcar, RefusesAnAtomListThatVaspCutShort) {
  const auto frames = made_up_frames(1, 14);
  const std::string text = outcar_text(frames, {});
  try {
    read(replaced(text, "NIONS =      5", "NIONS =      9"));
    FAIL() << "not refused";
  } catch (const InputError& error) {
    EXPECT_NE(std::string(error.what()).find("lists 5 of 9 atoms"), std::string::npos) << error.what();
  }
}

TEST(Outcar, RefusesForcesBeforeTheListOfAtoms) {
  const auto frames = made_up_frames(1, 15);
  const std::string text = outcar_text(frames, {});
  EXPECT_THROW(read(text.substr(text.find("--- Iteration"))), InputError);
}

TEST(Outcar, RefusesClaimedCountsBeforeAllocating) {
  const auto frames = made_up_frames(1, 16);
  const std::string text = outcar_text(frames, {});
  EXPECT_THROW(read(replaced(text, "ions per type =               3   2", "ions per type = 1000000000 1000000000")),
               InputError);
}

TEST(Outcar, VariableCellStepWithoutItsLatticeIsNotGivenTheOldOne) {
  const auto frames = made_up_frames(2, 17);
  std::string text = outcar_text(frames, {.isif = 3});
  text.replace(text.rfind("direct lattice vectors"), 6, "xxxxxx");
  const RunRead run = read(text);
  ASSERT_EQ(run.steps.size(), 2U);
  EXPECT_EQ(run.steps[0].problem, "");
  EXPECT_NE(run.steps[1].problem.find("no lattice"), std::string::npos) << run.steps[1].problem;
}

TEST(Outcar, MarksStepsWhoseScfCountHasGapsBecauseTwoRunsMayBeMixed) {
  const auto frames = made_up_frames(3, 19);
  std::string text = outcar_text(frames, {});
  const std::size_t at = text.find("Iteration    2(   3)");
  ASSERT_NE(at, std::string::npos);
  text.replace(at, 20, "Iteration   49(   5)");
  const RunRead run = read(text);
  ASSERT_EQ(run.steps.size(), 3U);
  EXPECT_EQ(run.steps[0].problem, "");
  EXPECT_NE(run.steps[1].problem.find("not consecutive"), std::string::npos) << run.steps[1].problem;
  EXPECT_EQ(run.steps[2].problem, "");
}

TEST(Outcar, SkipsAMegabyteOfGarbageWithoutKeepingItInMemory) {
  const auto frames = made_up_frames(2, 18);
  std::string text = outcar_text(frames, {});
  const std::size_t at = text.find("POTLOK", text.find("Iteration    2"));
  text.insert(at, std::string(3U << 20U, '\0') + "\n");
  const RunRead run = read(text);
  EXPECT_EQ(run.steps.size(), 2U);
  EXPECT_NE(run.ending.text.find("longer than 1 MiB"), std::string::npos) << run.ending.text;
}

}  // namespace
}  // namespace haven
