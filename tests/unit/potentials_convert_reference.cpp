// Published potentials against the numbers of the programs they were made with, in full double precision.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "core/species.hpp"
#include "core/units.hpp"
#include "io/aenet_potential.hpp"
#include "io/model_file.hpp"
#include "io/n2p2_potential.hpp"
#include "io/nep_potential.hpp"
#include "potentials/program/drivers/cpu_scalar.hpp"
#include "potentials/program/drivers/cpu_simd.hpp"
#include "support/finite_difference.hpp"
#include "support/shared_data.hpp"
#include "support/structures.hpp"

namespace haven::testing {
namespace {

/// What a reference program says about a structure, in its own units.
struct Prediction {
  Structure structure;
  double energy = 0;
  std::vector<Vec3> forces;
  Mat3 virial{};  ///< sum of r F
};

/// Lines "index element x y z fx fy fz [energy]" and "energy X", "virial ..." of a `.ref` file.
Prediction read_prediction(const std::string& path, const Cell& cell) {
  Prediction out;
  out.structure.cell = cell;
  std::ifstream file(path);
  std::string line;
  while (std::getline(file, line)) {
    std::istringstream words(line);
    std::string first;
    words >> first;
    if (first == "energy" || first == "energy_total") words >> out.energy;
    if (first == "virial") {
      std::vector<double> v;
      for (double x = 0; words >> x;) v.push_back(x);
      if (v.size() == 6) v = {v[0], v[3], v[4], v[3], v[1], v[5], v[4], v[5], v[2]};
      for (int k = 0; k < 9; ++k) out.virial[k / 3][k % 3] = v.at(static_cast<std::size_t>(k));
    }
    if (first.empty() || first.find_first_not_of("0123456789") != std::string::npos) continue;
    std::string symbol;
    Vec3 x, f;
    words >> symbol;
    std::vector<double> v;
    for (double value = 0; words >> value;) v.push_back(value);
    // Six numbers and perhaps an energy; or the force and the energy of an atom whose position is in the structure
    // file.
    if (v.size() < 4) continue;
    const std::size_t at = v.size() >= 6 ? 3 : 0;
    if (at == 3) x = {v[0], v[1], v[2]};
    f = {v[at], v[at + 1], v[at + 2]};
    out.structure.numbers.push_back(atomic_number(symbol));
    out.structure.positions.push_back(x);
    out.forces.push_back(f);
  }
  return out;
}

/// Positions of an extended XYZ structure, for predictions without them.
std::vector<Vec3> positions_of_xyz(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  std::getline(file, line);
  std::vector<Vec3> positions;
  Vec3 x;
  while (file >> line >> x.x >> x.y >> x.z) {
    positions.push_back(x);
    std::getline(file, line);
  }
  return positions;
}

Cell lattice_of_xyz(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  std::getline(file, line);
  std::istringstream words(line.substr(line.find('"') + 1));
  Mat3 m{};
  for (int k = 0; k < 9; ++k) words >> m[k / 3][k % 3];
  return Cell(m, {true, true, true});
}

/// The `lattice` lines of an n2p2 structure.
Cell lattice_of_data(const std::string& path, double length) {
  std::ifstream file(path);
  std::string word;
  Mat3 m{};
  int row = 0;
  while (row < 3 && file >> word)
    if (word == "lattice") {
      for (int k = 0; k < 3; ++k) {
        file >> m[row][k];
        m[row][k] *= length;
      }
      ++row;
    }
  return Cell(m, {true, true, true});
}

Cell lattice_of_xsf(const std::string& path) {
  std::ifstream file(path);
  std::string word;
  while (file >> word && word != "PRIMVEC") continue;
  Mat3 m{};
  for (int k = 0; k < 9; ++k) file >> m[k / 3][k % 3];
  return Cell(m, {true, true, true});
}

void expect_agreement(const Potential& double_precision, const Potential& mixed_precision, const Prediction& expected) {
  ASSERT_FALSE(expected.forces.empty());
  const auto exact = evaluate_all(double_precision, expected.structure);
  EXPECT_NEAR(exact.energy, expected.energy, 1e-8 * std::abs(expected.energy));
  EXPECT_LT(largest_difference(exact.forces, expected.forces), 1e-7);
  EXPECT_LT(largest_difference(exact.virial, expected.virial), 1e-7 * largest_component(expected.virial) + 1e-5);
  const auto mixed = evaluate_all(mixed_precision, expected.structure);
  EXPECT_LT(largest_difference(mixed.forces, expected.forces), 1e-4);
  EXPECT_NEAR(mixed.energy, expected.energy, 5e-5 * static_cast<double>(expected.forces.size()));
}

/// As `haven model convert` leaves it to `haven md`: written to a model file and read from it.
Model written_and_read(Model model) {
  model.provenance["converted_from"] = "another program";
  const TemporaryFolder folder;
  write_model(folder.file("model.haven"), model);
  return read_model(folder.file("model.haven"));
}

/// The converted model in both precisions with every instruction set of this machine.
void expect_agreement(const Model& imported, const std::vector<Prediction>& all) {
  const Model model = written_and_read(imported);
  for (const Isa isa : available_isas()) {
    SCOPED_TRACE(isa_name(isa));
    const auto exact = make_vectorised_potential(model, Precision::float64, isa);
    const auto mixed = make_vectorised_potential(model, Precision::mixed, isa);
    for (const Prediction& expected : all) expect_agreement(*exact, *mixed, expected);
  }
}

struct NepCase {
  const char* potential;
  std::vector<const char*> structures;
};
void PrintTo(const NepCase& c, std::ostream* out) { *out << c.potential; }

class NepReference : public ::testing::TestWithParam<NepCase> {};

TEST_P(NepReference, IsReproduced) {
  HAVEN_SHARED_DATA(root, "nep_reference");
  const Model model = read_nep(root + "/" + GetParam().potential);
  std::vector<Prediction> all;
  const std::string folder =
      root + "/" + std::string(GetParam().potential).substr(0, std::string(GetParam().potential).find('/'));
  for (const char* name : GetParam().structures) {
    const std::string stem = folder + "/" + name;
    Prediction expected = read_prediction(stem + ".ref", lattice_of_xyz(stem + ".xyz"));
    expected.structure.positions = positions_of_xyz(stem + ".xyz");
    ASSERT_EQ(expected.structure.positions.size(), expected.forces.size());
    all.push_back(std::move(expected));
  }
  expect_agreement(model, all);
}

INSTANTIATE_TEST_SUITE_P(
    All, NepReference,
    ::testing::Values(NepCase{"PbTe_nep3/nep.txt", {"rocksalt_216", "triclinic_64"}},
                      NepCase{"PbTe_nep4/PbTe_nep4.txt", {"rocksalt_216", "triclinic_64"}},
                      NepCase{"LLZO_nep4/nep.txt", {"LLZO_950K_12288"}},
                      NepCase{"UNEP-v1_16elements/Song-2024-UNEP-v1-AgAlAuCrCuMgMoNiPbPdPtTaTiVWZr.txt",
                              {"fcc_random16_108", "triclinic_CuNiAl_32"}}),
    [](const auto& test) {
      std::string folder(test.param.potential);
      folder = folder.substr(0, folder.find('/'));
      std::replace(folder.begin(), folder.end(), '-', '_');
      return folder;
    });

struct N2p2Case {
  const char* folder;
  PotentialUnits units;
  std::vector<const char*> structures;
};
void PrintTo(const N2p2Case& c, std::ostream* out) { *out << c.folder; }

class N2p2Reference : public ::testing::TestWithParam<N2p2Case> {};

/// A prediction of n2p2 in A and eV.
Prediction n2p2_prediction(const std::string& stem, PotentialUnits units) {
  const bool atomic = units == PotentialUnits::bohr_hartree;
  const double length = atomic ? units::bohr_in_angstrom : 1.0, energy = atomic ? units::hartree_in_ev : 1.0;
  Prediction p = read_prediction(stem + ".ref", lattice_of_data(stem + ".data", length));
  p.energy *= energy;
  p.virial = energy * p.virial;
  for (Vec3& x : p.structure.positions) x = length * x;
  for (Vec3& f : p.forces) f = (energy / length) * f;
  return p;
}

TEST_P(N2p2Reference, IsReproduced) {
  HAVEN_SHARED_DATA(root, "n2p2_reference");
  const std::string folder = root + "/" + GetParam().folder + "/";
  const Model model = read_n2p2(folder, GetParam().units);
  std::vector<Prediction> all;
  for (const char* number : GetParam().structures)
    all.push_back(n2p2_prediction(folder + "structure_" + number, GetParam().units));
  expect_agreement(model, all);
}

// In this cell (a = 5.469 A, cut-off 5.500 A) atoms see their own images. n2p2 leaves the images' share out of its
// forces (its loop over unique neighbours begins behind the atom itself), so that they are not the gradient of its
// energy by up to 1e-3 eV/A. Energy and virial agree; the forces are held against the energy instead.
TEST(N2p2OwnImages, ForcesAreGradientsWhereAtomsSeeTheirOwnImages) {
  HAVEN_SHARED_DATA(root, "n2p2_reference/Si_mlearn");
  const Model model = read_n2p2(root, PotentialUnits::bohr_hartree);
  const Prediction expected = n2p2_prediction(root + "/structure_008", PotentialUnits::bohr_hartree);
  const auto potential = make_vectorised_potential(model, Precision::float64);
  const auto result = evaluate_all(*potential, expected.structure);
  EXPECT_NEAR(result.energy, expected.energy, 1e-8 * std::abs(expected.energy));
  EXPECT_LT(largest_difference(result.virial, expected.virial), 1e-7 * largest_component(expected.virial) + 1e-5);
  EXPECT_LT(largest_difference(result.forces, expected.forces), 1.5e-3);
  for (const std::size_t i : {std::size_t{0}, std::size_t{7}, std::size_t{12}})
    for (int k = 0; k < 3; ++k) {
      const double slope = central_difference(
          [&](double h) {
            Vec3 d{};
            d[k] = h;
            return energy_of(*potential, displaced(expected.structure, i, d));
          },
          1e-4);
      EXPECT_NEAR(result.forces[i][k], -slope, 1e-6) << "atom " << i;
    }
}

INSTANTIATE_TEST_SUITE_P(All, N2p2Reference,
                         ::testing::Values(N2p2Case{"H2O_RPBE-D3", PotentialUnits::bohr_hartree, {"000", "007", "015"}},
                                           N2p2Case{"Cu2S_PBE", PotentialUnits::angstrom_ev, {"000", "009", "019"}},
                                           N2p2Case{
                                               "Li_mlearn", PotentialUnits::bohr_hartree, {"000", "009", "018", "027"}},
                                           N2p2Case{"Si_mlearn", PotentialUnits::bohr_hartree, {"000", "016", "023"}}),
                         [](const auto& test) { return std::string(test.param.folder).substr(0, 2); });

class AenetReference : public ::testing::TestWithParam<const char*> {};

TEST_P(AenetReference, IsReproduced) {
  HAVEN_SHARED_DATA(root, "aenet_reference/TiO2_chebyshev");
  const std::string suffix = GetParam();
  const Model model = read_aenet({root + "/Ti.15t-15t" + suffix, root + "/O.15t-15t" + suffix});
  std::vector<Prediction> all;
  for (const char* number : {"001", "008", "050", "096"}) {
    const std::string stem = root + "/structure-" + number;
    all.push_back(read_prediction(stem + ".ref", lattice_of_xsf(stem + ".xsf")));
  }
  expect_agreement(model, all);
}

INSTANTIATE_TEST_SUITE_P(All, AenetReference, ::testing::Values(".nn", ".nn.ascii"), [](const auto& test) {
  return std::string(test.param) == ".nn" ? std::string("binary") : std::string("ascii");
});

}  // namespace
}  // namespace haven::testing
