#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "analysis/model_errors.hpp"
#include "core/error.hpp"
#include "core/units.hpp"
#include "potentials/pair/lennard_jones.hpp"
#include "potentials/structure_evaluation.hpp"
#include "support/shared_data.hpp"
#include "support/structures.hpp"

namespace haven::testing {
namespace {

std::unique_ptr<Potential> mixture() {
  const LennardJonesPair pair{.epsilon = 0.05, .sigma = 2.0};
  return make_lennard_jones(
      {.elements = {3, 16}, .pairs = {pair, pair, pair, pair}, .cutoff = 4.0, .switch_start = 3.0});
}

/// Two frames whose labels are the potential's own values.
std::vector<Frame> exact_frames(const Potential& potential) {
  std::vector<Frame> frames(2);
  for (std::size_t f = 0; f < 2; ++f) {
    frames[f].structure = random_structure({.atoms = 6, .elements = {3, 16}, .seed = f + 1});
    const StructureEvaluation labels = evaluate_structure(potential, frames[f].structure);
    frames[f].energy = labels.energy;
    frames[f].forces = labels.forces;
    frames[f].stress = labels.stress;
  }
  return frames;
}

TEST(ModelErrors, AreZeroForThePotentialsOwnLabels) {
  const auto potential = mixture();
  const ModelErrors errors = evaluate_errors(*potential, exact_frames(*potential));
  EXPECT_EQ(errors.all.structures, 2);
  EXPECT_EQ(errors.all.atoms, 12);
  EXPECT_EQ(errors.all.force_components, 36);
  EXPECT_EQ(errors.all.energy_rmse, 0);
  EXPECT_EQ(errors.all.force_max, 0);
  EXPECT_EQ(errors.all.stress_rmse, 0);
}

TEST(ModelErrors, AreTheKnownOffsetsOfShiftedLabels) {
  const auto potential = mixture();
  auto frames = exact_frames(*potential);
  *frames[0].energy += 0.6;  // model - label = -0.1 eV/atom
  frames[1].forces[2].y -= 0.3;
  (*frames[0].stress)[0].x += 0.02;
  frames[0].group = "a";
  frames[1].group = "b";
  frames[1].temperature = 300;
  const ModelErrors errors = evaluate_errors(*potential, frames);
  EXPECT_NEAR(errors.all.energy_mae, 0.05, 1e-12);
  EXPECT_NEAR(errors.all.energy_bias, -0.05, 1e-12);
  EXPECT_NEAR(errors.all.energy_rmse, 0.1 / std::sqrt(2.0), 1e-12);
  EXPECT_NEAR(errors.all.force_rmse, 0.3 / 6, 1e-12);
  EXPECT_NEAR(errors.all.force_max, 0.3, 1e-12);
  EXPECT_NEAR(errors.all.stress_rmse, 0.02 / std::sqrt(12.0), 1e-12);
  EXPECT_NEAR(errors.by_group.at("a").energy_rmse, 0.1, 1e-12);
  EXPECT_EQ(errors.by_group.at("a").force_max, 0);
  EXPECT_NEAR(errors.by_temperature.at("300 K").force_max, 0.3, 1e-12);
  EXPECT_EQ(errors.worst.front(), 1);
  EXPECT_EQ(errors.frames[1].force_max_atom, 2);
  const int number = frames[1].structure.numbers[2];
  EXPECT_NEAR(errors.by_element.at(number == 3 ? "Li" : "S").force_max, 0.3, 1e-12);
  EXPECT_EQ(errors.by_element.at(number == 3 ? "S" : "Li").force_max, 0);
}

TEST(ModelErrors, JsonHoldsTheContractInItsUnits) {
  const auto potential = mixture();
  auto frames = exact_frames(*potential);
  *frames[0].energy += 0.6;
  *frames[1].energy += 0.6;
  (*frames[0].stress)[2].z += 0.01;
  const auto json = nlohmann::json::parse(to_json(evaluate_errors(*potential, frames)));
  EXPECT_EQ(json["n_structures"], 2);
  EXPECT_EQ(json["n_atoms"], 12);
  EXPECT_NEAR(json["energy_mae_meV_per_atom"].get<double>(), 100, 1e-9);
  EXPECT_NEAR(json["energy_rmse_meV_per_atom"].get<double>(), 100, 1e-9);
  EXPECT_EQ(json["force_mae_meV_per_A"], 0.0);
  EXPECT_EQ(json["force_rmse_meV_per_A"], 0.0);
  EXPECT_NEAR(json["stress_rmse_GPa"].get<double>(), 0.01 / std::sqrt(12.0) * units::ev_per_a3_in_gpa, 1e-9);
  EXPECT_TRUE(json["by_element"].contains("Li"));
  EXPECT_TRUE(json["by_group"].contains("ungrouped"));
}

TEST(ModelErrors, MissingLabelsAreNullAndNeverZero) {
  const auto potential = mixture();
  auto frames = exact_frames(*potential);
  for (Frame& frame : frames) {
    frame.stress.reset();
    frame.energy.reset();
  }
  const auto json = nlohmann::json::parse(to_json(evaluate_errors(*potential, frames)));
  EXPECT_TRUE(json["stress_rmse_GPa"].is_null());
  EXPECT_TRUE(json["energy_mae_meV_per_atom"].is_null());
  EXPECT_EQ(json["force_rmse_meV_per_A"], 0.0);
}

TEST(ModelErrors, RefuseASetWithoutLabelsAndNameABadFrame) {
  const auto potential = mixture();
  auto frames = exact_frames(*potential);
  frames[1].source = {.path = "set.xyz", .index = 4, .code = ""};
  frames[1].structure.numbers[0] = 92;
  try {
    (void)evaluate_errors(*potential, frames);
    FAIL();
  } catch (const ModelError& error) {
    EXPECT_NE(error.where().find("set.xyz:4"), std::string::npos) << error.where();
  }
  for (Frame& frame : frames) {
    frame.energy.reset();
    frame.forces.clear();
    frame.stress.reset();
  }
  EXPECT_THROW((void)evaluate_errors(*potential, frames), InputError);
}

TEST(ModelErrors, TablesHaveARowPerLabelAndUnitsInTheHeader) {
  const TemporaryFolder folder;
  const auto potential = mixture();
  const auto paths =
      write_error_tables(evaluate_errors(*potential, exact_frames(*potential)), folder.path().string(), "x_");
  ASSERT_EQ(paths.size(), 4u);
  const auto lines = [](const std::string& path) {
    std::ifstream file(path);
    std::vector<std::string> result;
    for (std::string line; std::getline(file, line);) result.push_back(line);
    return result;
  };
  EXPECT_EQ(lines(folder.file("x_parity_energy.csv")).size(), 3u);
  EXPECT_EQ(lines(folder.file("x_parity_force.csv")).size(), 37u);
  EXPECT_EQ(lines(folder.file("x_parity_stress.csv")).size(), 13u);
  EXPECT_EQ(lines(folder.file("x_parity_force.csv"))[0], "frame,element,label_eV_per_A,prediction_eV_per_A");
  EXPECT_EQ(lines(folder.file("x_errors_by_frame.csv")).size(), 3u);
}

}  // namespace
}  // namespace haven::testing
