// Every OUTCAR and vasprun.xml of the real-data collection against values that an independent script read from the
// text.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "io/outcar.hpp"
#include "io/vasprun.hpp"
#include "support/shared_data.hpp"

namespace haven {
namespace {

using nlohmann::json;

// Files that must be refused, with the reason that the message has to give.
const std::map<std::string, std::string> refused{{"dpdata/OUTCAR.longit", "'ions per type' lists 36 of 48 atoms"}};

constexpr std::size_t most_energies = 30;

json manifest() {
  const auto path = testing::shared_data("vasp/manifest.json");
  if (!path) return json::object();
  std::ifstream file(*path);
  return json::parse(file);
}

std::vector<std::string> files_of_type(const std::string& type) {
  std::vector<std::string> names;
  const json all = manifest();
  for (const auto& [name, entry] : all.items())
    if (entry["type"] == type) names.push_back(name);
  if (names.empty()) names.emplace_back();  // one test that says it is skipped
  return names;
}

std::string test_name(const ::testing::TestParamInfo<std::string>& info) {
  std::string name = info.param.empty() ? "no_data" : info.param;
  std::replace_if(
      name.begin(), name.end(), [](char c) { return std::isalnum(static_cast<unsigned char>(c)) == 0; }, '_');
  return name;
}

struct RunRead {
  std::vector<VaspStep> all;    // as delivered
  std::vector<VaspStep> steps;  // ab initio, with forces
  VaspSettings settings;
  VaspEnding ending;
  Index predicted = 0;
};

RunRead read(const std::string& path, const std::string& type) {
  const auto reader = type == "OUTCAR" ? open_outcar(path) : open_vasprun(path);
  RunRead run;
  while (auto step = reader->next()) {
    if (step->kind == VaspStep::Kind::machine_learned)
      ++run.predicted;
    else if (!step->forces.empty())
      run.steps.push_back(*step);
    run.all.push_back(std::move(*step));
  }
  run.settings = reader->settings();
  run.ending = reader->ending();
  return run;
}

void expect_vector(const json& expected, const Vec3& found, double tolerance, const char* what) {
  for (int k = 0; k < 3; ++k)
    EXPECT_NEAR(expected[static_cast<std::size_t>(k)].get<double>(), found[k], tolerance) << what;
}

/// What the manifest says of one step and both formats share.
void expect_step(const json& expected, const VaspStep& step) {
  if (!step.problem.empty()) return;
  double fmax = 0, fsum2 = 0;
  for (const Vec3& f : step.forces) {
    for (int k = 0; k < 3; ++k) fmax = std::max(fmax, std::abs(f[k]));
    fsum2 += norm2(f);
  }
  EXPECT_NEAR(expected["fmax"].get<double>(), fmax, 1e-9);
  EXPECT_NEAR(expected["fsum2"].get<double>(), fsum2, 1e-9 * std::max(1.0, fsum2));
  expect_vector(expected["force0"], step.forces[0], 1e-12, "first force");
  for (std::size_t k = 0; k < 3; ++k) expect_vector(expected["lattice"][k], step.lattice.row[k], 1e-9, "lattice");
  if (expected.contains("scf_steps") && !expected["scf_steps"].is_null() && step.scf != Scf::unknown) {
    EXPECT_EQ(expected["scf_steps"].get<Index>(), step.scf_steps);
  }
}

/// The manifest lists the energies of steps with forces, thirty at most, and those of predicted steps in between.
void expect_energies(const json& expected, const RunRead& run) {
  std::size_t at = 0;
  for (const VaspStep& step : run.steps) {
    if (!step.free_energy) continue;
    if (run.predicted == 0 && at == expected.size() && at == most_energies) return;
    while (at < expected.size() &&
           (expected[at].is_null() || std::abs(expected[at].get<double>() - *step.free_energy) > 1e-9))
      ++at;
    ASSERT_LT(at, expected.size()) << "energy " << *step.free_energy << " of step " << step.index
                                   << " is not in the manifest";
    ++at;
  }
}

class RealOutcar : public ::testing::TestWithParam<std::string> {};

TEST_P(RealOutcar, AgreesWithTheManifestOrIsRefusedForAStatedReason) {
  if (GetParam().empty()) GTEST_SKIP() << "real-data file not here: vasp/manifest.json";
  HAVEN_SHARED_DATA(path, "vasp/" + GetParam());
  const json expected = manifest()[GetParam()];
  if (const auto found = refused.find(GetParam()); found != refused.end()) {
    try {
      read(path, "OUTCAR");
      FAIL() << "not refused";
    } catch (const InputError& error) {
      EXPECT_NE(std::string(error.what()).find(found->second), std::string::npos) << error.what();
    }
    return;
  }
  const RunRead run = read(path, "OUTCAR");
  const Index predicted =
      expected.contains("n_ml_blocks") && !expected["n_ml_blocks"].is_null() ? expected["n_ml_blocks"].get<Index>() : 0;
  EXPECT_EQ(run.predicted, predicted);
  ASSERT_EQ(static_cast<Index>(run.steps.size()), expected["n_force_blocks"].get<Index>() - predicted);
  expect_energies(expected["free_energies"], run);
  Index at_nelm = 0, stated = 0;
  for (const VaspStep& step : run.all) {
    at_nelm += step.scf == Scf::converged_last || step.scf == Scf::nelm_reached || step.scf == Scf::stated ? 1 : 0;
    stated += step.scf == Scf::stated ? 1 : 0;
  }
  EXPECT_EQ(at_nelm, expected["n_steps_at_NELM"].get<Index>());
  EXPECT_EQ(stated, expected["n_steps_reported_unconverged"].get<Index>());
  EXPECT_EQ(run.ending.finished, expected["finished"].get<bool>());
  if (run.steps.empty()) return;
  EXPECT_EQ(static_cast<Index>(run.settings.numbers.size()), expected["natoms"].get<Index>());
  for (const auto& [key, step] :
       {std::pair("steps_first", &run.steps.front()), std::pair("steps_last", &run.steps.back())}) {
    const json& e = expected[key];
    if (e["ml"] == true) continue;
    expect_step(e, *step);
    expect_vector(e["pos0"], step->positions[0], 1e-12, "first position");
    EXPECT_NEAR(e["free_energy"].get<double>(), *step->free_energy, 1e-9);
    if (e.contains("energy_sigma0")) {
      EXPECT_NEAR(e["energy_wo_entropy"].get<double>(), *step->energy_without_entropy, 1e-9);
      EXPECT_NEAR(e["energy_sigma0"].get<double>(), *step->energy_sigma0, 1e-9);
    }
    const bool has_stress = !e["stress_kB_raw"].is_null();
    ASSERT_EQ(step->stress_kbar.has_value(), has_stress) << step->stress_note;
    // Where numbers touch, the manifest has the line only.
    for (std::size_t k = 0; !e["stress_kB"].is_null() && k < 6; ++k)
      EXPECT_NEAR(e["stress_kB"][k].get<double>(), (*step->stress_kbar)[k], 1e-9);
  }
}

INSTANTIATE_TEST_SUITE_P(Files, RealOutcar, ::testing::ValuesIn(files_of_type("OUTCAR")), test_name);

class RealVasprun : public ::testing::TestWithParam<std::string> {};

TEST_P(RealVasprun, AgreesWithTheManifest) {
  if (GetParam().empty()) GTEST_SKIP() << "real-data file not here: vasp/manifest.json";
  HAVEN_SHARED_DATA(path, "vasp/" + GetParam());
  const json expected = manifest()[GetParam()];
  const RunRead run = read(path, "vasprun.xml");
  EXPECT_EQ(static_cast<Index>(run.all.size()) - run.predicted, expected["n_calculations"].get<Index>());
  ASSERT_EQ(static_cast<Index>(run.steps.size()), expected["n_with_forces"].get<Index>());
  EXPECT_EQ(run.ending.finished, expected["closed"].get<bool>());
  expect_energies(expected["free_energies"], run);
  if (run.steps.empty()) return;
  ASSERT_EQ(static_cast<Index>(run.settings.numbers.size()), expected["natoms"].get<Index>());
  std::vector<int> numbers;
  for (const json& species : expected["species_runs"])
    numbers.insert(numbers.end(), species[1].get<std::size_t>(), element_of_potential(species[0].get<std::string>()));
  EXPECT_EQ(run.settings.numbers, numbers);
  for (const auto& [key, step] :
       {std::pair("steps_first", &run.steps.front()), std::pair("steps_last", &run.steps.back())}) {
    const json& e = expected[key];
    expect_step(e, *step);
    if (!step->problem.empty()) continue;
    EXPECT_NEAR(e["e_fr_energy"].get<double>(), *step->free_energy, 1e-9);
    const bool has_stress = e.contains("stress_kB") && !e["stress_kB"].is_null();
    ASSERT_EQ(step->stress_kbar.has_value(), has_stress) << step->stress_note;
    if (!has_stress) continue;
    const std::array<std::pair<std::size_t, std::size_t>, 6> order{{{0, 0}, {1, 1}, {2, 2}, {0, 1}, {1, 2}, {2, 0}}};
    for (std::size_t k = 0; k < 6; ++k) {  // the file's two halves differ a little; we take the mean
      const auto [i, j] = order[k];
      EXPECT_NEAR(0.5 * (e["stress_kB"][i][j].get<double>() + e["stress_kB"][j][i].get<double>()),
                  (*step->stress_kbar)[k], 1e-9);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Files, RealVasprun, ::testing::ValuesIn(files_of_type("vasprun.xml")), test_name);

std::string run_of(std::string name) {
  for (const std::string_view part : {"OUTCAR", "vasprun", ".xml", ".gz"})
    if (const auto at = name.find(part); at != name.npos) name.erase(at, part.size());
  std::erase(name, '.');
  return name;
}

TEST(RealVaspPairs, OutcarAndVasprunOfOneRunAgree) {
  const auto outcars = files_of_type("OUTCAR"), vaspruns = files_of_type("vasprun.xml");
  if (outcars.front().empty()) GTEST_SKIP() << "real-data file not here: vasp/manifest.json";
  Index pairs = 0, compared = 0;
  for (const std::string& a : outcars) {
    const auto b = std::find_if(vaspruns.begin(), vaspruns.end(),
                                [&](const std::string& name) { return run_of(name) == run_of(a); });
    if (b == vaspruns.end() || refused.contains(a)) continue;
    SCOPED_TRACE(a);
    ++pairs;
    const RunRead outcar = read(testing::shared_data("vasp/" + a)->string(), "OUTCAR");
    const RunRead xml = read(testing::shared_data("vasp/" + *b)->string(), "vasprun.xml");
    EXPECT_EQ(outcar.settings.numbers, xml.settings.numbers);
    ASSERT_EQ(outcar.all.size(), xml.all.size());
    for (std::size_t k = 0; k < outcar.all.size(); ++k) {
      const VaspStep &o = outcar.all[k], &x = xml.all[k];
      const double digits = outcar.settings.version.starts_with("5.2") ? 1e-6 : 1e-8;  // of the energies in an OUTCAR
      EXPECT_NEAR(*o.free_energy, *x.free_energy, 1.1 * digits);
      EXPECT_NEAR(*o.energy_sigma0, *x.energy_sigma0, 2.1 * digits) << "step " << k;
      EXPECT_EQ(o.scf_steps, x.scf_steps);
      EXPECT_EQ(o.scf, x.scf);
      for (std::size_t atom = 0; atom < o.forces.size(); ++atom) {
        EXPECT_LT(norm(o.forces[atom] - x.forces[atom]), 1e-6);  // OUTCAR prints 6 decimals
        const Cell cell(x.lattice);
        Vec3 d = cell.to_fractional(o.positions[atom] - x.positions[atom]);
        for (int i = 0; i < 3; ++i) d[i] -= std::round(d[i]);
        EXPECT_LT(norm(cell.to_cartesian(d)), 1.1e-5);  // and 5 for positions
      }
      ASSERT_EQ(o.stress_kbar.has_value(), x.stress_kbar.has_value());
      for (std::size_t i = 0; o.stress_kbar && i < 6; ++i) EXPECT_NEAR((*o.stress_kbar)[i], (*x.stress_kbar)[i], 2e-5);
      ++compared;
    }
  }
  EXPECT_GE(pairs, 10);
  EXPECT_GE(compared, 40);
}

}  // namespace
}  // namespace haven
