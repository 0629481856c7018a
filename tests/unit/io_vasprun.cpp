#include <gtest/gtest.h>

#include "core/error.hpp"
#include "io/outcar.hpp"
#include "io/text_file.hpp"
#include "io/vasprun.hpp"
#include "support/shared_data.hpp"
#include "support/vasp_read.hpp"
#include "support/vasp_writer.hpp"

namespace haven {
namespace {

using testing::made_up_frames;
using testing::RunRead;
using testing::vasprun_text;

RunRead read(const std::string& text) { return testing::read_run("vasprun.xml", text, open_vasprun); }

TEST(Vasprun, GivesBackWhatWasWrittenToThePrintedDigits) {
  const auto frames = made_up_frames(3, 21);
  const RunRead run = read(vasprun_text(frames, {}));
  ASSERT_EQ(run.steps.size(), 3U);
  EXPECT_TRUE(run.ending.finished);
  EXPECT_EQ(run.settings.nelm, 60);  // not the 1 of the response section
  EXPECT_EQ(run.settings.numbers, frames[0].structure.numbers);
  for (std::size_t k = 0; k < 3; ++k) {
    const Frame frame = frame_of_step(run.steps[k], run.settings, EnergyKind::free, "vasprun.xml");
    EXPECT_NEAR(*frame.energy, *frames[k].energy, 5.1e-9);
    for (std::size_t atom = 0; atom < 5; ++atom) {
      EXPECT_LT(norm(frame.structure.positions[atom] - frames[k].structure.positions[atom]), 1e-7);
      EXPECT_LT(norm(frame.forces[atom] - frames[k].forces[atom]), 1.1e-8);
    }
    for (int i = 0; i < 3; ++i) EXPECT_LT(norm((*frame.stress)[i] - (*frames[k].stress)[i]), 1e-10);
    EXPECT_EQ(frame.temperature, 600.0);
  }
}

TEST(Vasprun, AgreesWithTheOutcarOfTheSameRun) {
  const auto frames = made_up_frames(2, 22);
  const testing::TemporaryFolder folder;
  write_text(folder.file("OUTCAR"), testing::outcar_text(frames, {.nelm = 9, .unconverged = {1}}));
  const RunRead xml = read(vasprun_text(frames, {.nelm = 9, .unconverged = {1}}));
  const auto outcar = open_outcar(folder.file("OUTCAR"));
  for (const VaspStep& step : xml.steps) {
    const auto other = outcar->next();
    ASSERT_TRUE(other.has_value());
    EXPECT_NEAR(*step.free_energy, *other->free_energy, 1e-8);
    EXPECT_NEAR(*step.energy_sigma0, *other->energy_sigma0, 1.1e-8);
    EXPECT_EQ(step.scf, other->scf);
    EXPECT_EQ(step.scf_steps, other->scf_steps);
    for (std::size_t k = 0; k < 6; ++k) EXPECT_NEAR((*step.stress_kbar)[k], (*other->stress_kbar)[k], 1e-5);
  }
}

TEST(Vasprun, CountsScfStepsAgainstNelm) {
  const auto frames = made_up_frames(3, 23);
  const RunRead run = read(vasprun_text(frames, {.nelm = 12, .unconverged = {1}, .converged_in_last_step = {2}}));
  ASSERT_EQ(run.steps.size(), 3U);
  EXPECT_EQ(run.steps[0].scf, Scf::converged);
  EXPECT_EQ(run.steps[1].scf, Scf::nelm_reached);
  EXPECT_EQ(run.steps[2].scf, Scf::converged_last);
}

TEST(Vasprun, CompleteStepsOfAFileThatIsNotClosedAreGood) {
  const auto frames = made_up_frames(4, 24);
  std::string text = vasprun_text(frames, {.finished = false});
  text.resize(text.rfind("<varray name=\"stress\""));
  const RunRead run = read(text);
  EXPECT_EQ(run.steps.size(), 3U);
  EXPECT_FALSE(run.ending.finished);
  EXPECT_TRUE(run.ending.dropped_step);
  EXPECT_NE(run.ending.text.find("ionic step 4 is cut off"), std::string::npos) << run.ending.text;
}

TEST(Vasprun, TakesPVOutOfTheEnergyWhenTheScfEnergyProvesIt) {
  const auto frames = made_up_frames(1, 25);
  const std::string text = vasprun_text(frames, {.pstress_kbar = 20});
  const RunRead run = read(text);
  ASSERT_EQ(run.steps.size(), 1U);
  EXPECT_EQ(run.steps[0].problem, "");
  EXPECT_NEAR(*run.steps[0].free_energy, *frames[0].energy, 1.1e-8);
  EXPECT_FALSE(run.steps[0].stress_kbar.has_value());  // nothing in the file says whether it contains PSTRESS
  EXPECT_NE(run.steps[0].stress_note.find("PSTRESS"), std::string::npos);
}

TEST(Vasprun, StepsOfAForceFieldStandOutsideCalculationAndAreMarked) {
  const auto frames = made_up_frames(4, 26);
  const RunRead run = read(vasprun_text(frames, {.version = "6.3.0", .predicted = {1, 2}}));
  ASSERT_EQ(run.steps.size(), 4U);
  EXPECT_EQ(run.steps[1].kind, VaspStep::Kind::machine_learned);
  EXPECT_EQ(run.steps[2].kind, VaspStep::Kind::machine_learned);
  EXPECT_NEAR(*run.steps[3].free_energy, *frames[3].energy, 5.1e-9);
}

TEST(Vasprun, AsterisksInTheForcesMarkThatStep) {
  const auto frames = made_up_frames(2, 27);
  std::string text = vasprun_text(frames, {});
  const std::size_t row = text.find("<v>", text.find("name=\"forces\""));
  text.replace(row + 4, 16, "****************");
  const RunRead run = read(text);
  ASSERT_EQ(run.steps.size(), 2U);
  EXPECT_NE(run.steps[0].problem.find("force on atom 1 is asterisks"), std::string::npos) << run.steps[0].problem;
  EXPECT_EQ(run.steps[1].problem, "");
}

TEST(Vasprun, ZeroStressIsNoStress) {
  auto frames = made_up_frames(1, 28);
  frames[0].stress = Mat3{};
  const RunRead run = read(vasprun_text(frames, {}));
  ASSERT_EQ(run.steps.size(), 1U);
  EXPECT_FALSE(run.steps[0].stress_kbar.has_value());
  EXPECT_NE(run.steps[0].stress_note, "");
}

TEST(Vasprun, KnowsWhichCoordinatesSelectiveDynamicsHolds) {
  const auto frames = made_up_frames(1, 29);
  const std::vector<std::array<bool, 3>> movable{
      {true, true, true}, {false, false, false}, {true, false, true}, {true, true, true}, {true, true, true}};
  EXPECT_EQ(read(vasprun_text(frames, {.movable = movable})).settings.movable, movable);
}

TEST(Vasprun, RefusesOtherXmlAndOtherFiles) {
  EXPECT_THROW(read("<?xml version=\"1.0\"?>\n<html><body/></html>\n"), InputError);
  EXPECT_THROW(read("no xml at all\n"), InputError);
  EXPECT_THROW(read(""), InputError);
}

TEST(Vasprun, StopsAtEntitiesInsteadOfExpandingThem) {
  std::string bomb = "<?xml version=\"1.0\"?>\n<!DOCTYPE modeling [<!ENTITY a \"aaaaaaaaaaaaaaaa\">";
  for (char c = 'b'; c < 'k'; ++c) {
    bomb += std::string("<!ENTITY ") + c + " \"";
    for (int k = 0; k < 10; ++k) bomb += std::string("&") + static_cast<char>(c - 1) + ";";
    bomb += "\">";
  }
  EXPECT_THROW(read(bomb + "]>\n<modeling>&j;</modeling>\n"), InputError);
}

TEST(Vasprun, StopsAtAbsurdNesting) {
  std::string deep = "<modeling>";
  for (int k = 0; k < 100'000; ++k) deep += "<a>";
  const RunRead run = read(deep);
  EXPECT_TRUE(run.steps.empty());
  EXPECT_FALSE(run.ending.finished);
}

TEST(Vasprun, UnknownElementIsNamed) {
  const auto frames = made_up_frames(1, 30);
  std::string text = vasprun_text(frames, {});
  text.replace(text.find("<c>Li</c>"), 9, "<c>Qq</c>");
  try {
    read(text);
    FAIL() << "not refused";
  } catch (const InputError& error) {
    EXPECT_NE(std::string(error.what()).find("'Qq' is no element"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace haven
