// Potential files of other programs: what is read from them, and that damaged ones end in one clear message.
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>

#include "core/error.hpp"
#include "core/units.hpp"
#include "io/aenet_potential.hpp"
#include "io/n2p2_potential.hpp"
#include "io/nep_potential.hpp"
#include "potentials/program/compile.hpp"
#include "support/potential_examples.hpp"
#include "support/shared_data.hpp"

namespace haven::testing {
namespace {

void write(const std::string& path, const std::string& text) { std::ofstream(path, std::ios::binary) << text; }

Model nep_of(const std::string& text) {
  const TemporaryFolder folder;
  write(folder.file("nep.txt"), text);
  return read_nep(folder.file("nep.txt"));
}

TEST(NepFile, IsReadInTheOrderOfItsParameters) {
  const Model model = nep_of(tiny_nep());
  ASSERT_EQ(model.elements.size(), 2u);
  const auto& layers = model.elements[1].network.layers;
  EXPECT_NEAR(layers[0].weights[0], 0.21, 1e-9);  // after 16 weights, 2 biases and 2 weights of the first element
  EXPECT_NEAR(layers[0].bias[0], -0.37, 1e-9);
  EXPECT_NEAR(layers[1].weights[1], 0.40, 1e-9);
  EXPECT_NEAR(layers[1].bias[0], -0.41, 1e-9);
  // c[n][k][a][b] begins at 0.42: n = 1, k = 0, a = 1, b = 0 is the number 8 + 2.
  EXPECT_NEAR(model.parameters.at("radial_1").values[1 * 4 + 0 * 2 + 0], 0.42 + 0.10, 1e-9);
  EXPECT_NEAR(model.elements[0].feature_scale[7], 0.89, 1e-9);
  EXPECT_EQ(model.parameters.at("invariants").values, (std::vector<double>{1, 0, 0, 0, 0, 0}));
  EXPECT_NEAR(model.parameters.at("repulsion").values[11], 14.399645 * 24, 1e-9);
}

TEST(NepFile, NamesKindsThatAreNoPlainPotentialEnergy) {
  for (const char* kind : {"nep4_dipole", "nep4_polarizability", "nep4_charge1", "nep3_temperature"}) {
    std::string text = tiny_nep();
    text.replace(0, 8, kind);
    try {
      static_cast<void>(nep_of(text));
      FAIL() << kind;
    } catch (const InputError& error) {
      EXPECT_NE(error.summary().find(kind), std::string::npos);
    }
  }
}

Model n2p2_of(const N2p2Files& files) {
  const TemporaryFolder folder;
  write(folder.file("input.nn"), files.input);
  write(folder.file("scaling.data"), files.scaling);
  write(folder.file("weights.001.data"), files.hydrogen);
  write(folder.file("weights.008.data"), files.oxygen);
  return read_n2p2(folder.path().string(), PotentialUnits::bohr_hartree);
}

TEST(N2p2Files, AreReadInN2p2sOrderAndUnits) {
  const Model model = n2p2_of({});
  ASSERT_EQ(model.elements.size(), 2u);
  EXPECT_EQ(model.elements[0].number, 1);
  const double bohr = units::bohr_in_angstrom, hartree = units::hartree_in_ev;
  const auto& table = model.parameters.at("functions");
  EXPECT_EQ(table.shape[0], 3);
  EXPECT_EQ(table.values[1], 2) << "type 2 comes before type 9";
  EXPECT_NEAR(table.values[4], 0.2 / (bohr * bohr), 1e-12);
  EXPECT_NEAR(table.values[5], 0.5 * bohr, 1e-12);
  EXPECT_EQ(table.values[9 + 2], 0) << "neighbours are sorted by atomic number";
  EXPECT_EQ(table.values[9 + 3], 1);
  EXPECT_NEAR(table.values[18 + 5], 0.3 * bohr, 1e-12);
  EXPECT_NEAR(model.cutoff, 6 * bohr, 1e-12);
  EXPECT_NEAR(model.elements[0].feature_scale[0], 0.5, 1e-12);
  EXPECT_NEAR(model.elements[0].feature_shift[1], 1.0, 1e-12);
  EXPECT_NEAR(model.elements[1].reference_energy, hartree * -1.5, 1e-12);
  // [input][output] in the file: the weight from input 1 to neuron 0 is the third number.
  EXPECT_NEAR(model.elements[0].network.layers[0].weights[1], 0.03, 1e-12);
  EXPECT_NEAR(model.elements[0].network.layers[1].weights[0], 0.07 * hartree / 2, 1e-12);
}

TEST(N2p2Files, NameTheFunctionTypesThatAreNotEvaluated) {
  N2p2Files files;
  files.input += "symfunction_short O 4 H 1.0 6.0\n";
  try {
    static_cast<void>(n2p2_of(files));
    FAIL();
  } catch (const InputError& error) {
    EXPECT_NE(error.summary().find("type 4"), std::string::npos);
  }
}

TEST(N2p2Files, HoldFunctionsOfCompactSupportInN2p2sOrder) {
  N2p2Files files;
  files.input +=
      "symfunction_short H 22 O H -6.0 6.0 0 120 p2a\nsymfunction_short H 20 O 1.0 5.0 p2a\n"
      "symfunction_short H 20 O 1.0 5.5 p2\nsymfunction_short H 24 0.0 6.0 90 270 e\n";
  files.scaling =
      "1 1 0.0 2.0 1.0 0.5\n1 2 0.0 4.0 1.0 0.5\n1 3 0.0 4.0 1.0 0.5\n1 4 0.0 4.0 1.0 0.5\n1 5 0.0 4.0 1.0 0.5\n"
      "1 6 0.0 4.0 1.0 0.5\n2 1 0.0 5.0 1.0 0.5\n";
  files.hydrogen = numbers(6 * 2 + 2 + 2 + 1);
  const Model model = n2p2_of(files);
  const double bohr = units::bohr_in_angstrom;
  const auto& table = model.parameters.at("compact_functions");
  ASSERT_EQ(table.values.size(), 4U * 9U);
  const auto row = [&](std::size_t k) { return std::vector<double>(&table.values[9 * k], &table.values[9 * k] + 9); };
  EXPECT_EQ(row(0), (std::vector<double>{0, 20, 1, 0, bohr, 5.5 * bohr, 0, 0, 2})) << "p2 comes before p2a";
  EXPECT_EQ(row(1), (std::vector<double>{0, 20, 1, 0, bohr, 5 * bohr, 0, 0, 12}));
  EXPECT_EQ(row(2), (std::vector<double>{0, 22, 0, 1, -6 * bohr, 6 * bohr, 0, 120, 12}));
  EXPECT_EQ(row(3), (std::vector<double>{0, 24, 0, 0, 0, 6 * bohr, 90, 270, 5}));
  EXPECT_EQ(model.elements[0].feature_scale.size(), 6U);
}

TEST(N2p2Files, RefuseDamagedFunctionsOfCompactSupport) {
  for (const char* line :
       {"20 O 1.0 5.0", "20 O 1.0 5.0 p5", "20 O 1.0 5.0 p2b", "20 O 1.0 5.0 cos", "20 O 5.0 5.0 p2",
        "20 O -6.0 -1.0 p2", "22 O H 0.0 6.0 -10 120 p2", "22 O H 0.0 6.0 10 200 p2", "22 O H 0.0 6.0 90 90 p2",
        "22 O H 0.0 6.0 p2", "24 O 0.0 6.0 0 90 p2", "23 0.0 nan p1", "25 0.0 6.0 -200 200 p1"}) {
    N2p2Files files;
    files.input += std::string("symfunction_short H ") + line + "\n";
    EXPECT_THROW(static_cast<void>(n2p2_of(files)), InputError) << line;
  }
}

TEST(N2p2Files, NormalisedNodesDivideByTheNumberOfInputs) {
  N2p2Files files;
  files.input += "normalize_nodes\n";
  const Model plain = n2p2_of({}), normalised = n2p2_of(files);
  EXPECT_NEAR(normalised.elements[0].network.layers[0].weights[1], plain.elements[0].network.layers[0].weights[1] / 2,
              1e-12);
  EXPECT_NEAR(normalised.elements[0].network.layers[0].bias[0], plain.elements[0].network.layers[0].bias[0] / 2, 1e-12);
}

Model aenet_of(const std::string& content) {
  const TemporaryFolder folder;
  write(folder.file("Li.nn"), content);
  return read_aenet({folder.file("Li.nn")});
}

TEST(AenetFile, SaysTheSameInBothForms) {
  for (const int activation : {0, 1, 2, 3}) {
    AenetWriter writer(activation);
    const Model text = aenet_of(writer.ascii()), binary = aenet_of(writer.binary());
    ASSERT_EQ(text.elements.size(), 1u);
    const ModelElement &a = text.elements[0], &b = binary.elements[0];
    ASSERT_EQ(a.network.layers.size(), b.network.layers.size());
    for (std::size_t k = 0; k < a.network.layers.size(); ++k) {
      EXPECT_EQ(a.network.layers[k].weights, b.network.layers[k].weights);
      EXPECT_EQ(a.network.layers[k].bias, b.network.layers[k].bias);
    }
    EXPECT_EQ(a.feature_scale, b.feature_scale);
    EXPECT_NEAR(a.feature_scale[1], 0.5, 1e-15);
    EXPECT_EQ(a.feature_scale[2], 0) << "a function that never varied is switched off, as aenet does";
    EXPECT_EQ(a.reference_energy, -10);
    EXPECT_NEAR(a.network.layers.back().bias[0], 1.1 / 2, 1e-15);
  }
}

TEST(AenetFile, RefusesTheTwistActivationByItsNumber) {
  AenetWriter writer(4);
  EXPECT_THROW(static_cast<void>(aenet_of(writer.binary())), InputError);
}

/// Reading ends in a model that fits together, or in an InputError or ModelError with a place and a remedy.
void expect_sane(const std::function<Model()>& read, const std::string& what) {
  try {
    const Model model = read();
    validate_networks(describe(model), model);
  } catch (const InputError& error) {
    EXPECT_FALSE(error.where().empty()) << what;
    EXPECT_FALSE(error.remedy().empty()) << what;
  } catch (const ModelError& error) {
    EXPECT_FALSE(error.where().empty()) << what;
  } catch (const std::exception& error) {
    ADD_FAILURE() << what << ": " << error.what();
  }
}

/// The text with its n-th word replaced; nothing when it has fewer.
std::optional<std::string> with_word(const std::string& text, std::size_t n, const std::string& word) {
  std::size_t at = 0;
  for (std::size_t k = 0;; ++k) {
    at = text.find_first_not_of(" \n", at);
    if (at == std::string::npos) return std::nullopt;
    const std::size_t end = std::min(text.find_first_of(" \n", at), text.size());
    if (k == n) return text.substr(0, at) + word + text.substr(end);
    at = end;
  }
}

void damage_text(const std::string& text, const std::function<Model(const std::string&)>& read) {
  for (std::size_t length = 0; length < text.size(); length += 13)
    expect_sane([&] { return read(text.substr(0, length)); }, "cut at " + std::to_string(length));
  for (const char* word : {"nan", "-7", "1e300", "99999999999", "x", ""})
    for (std::size_t n = 0;; ++n) {
      const auto damaged = with_word(text, n, word);
      if (!damaged) break;
      expect_sane([&] { return read(*damaged); }, "word " + std::to_string(n) + " is " + word);
    }
}

TEST(DamagedPotential, EndsInOneMessageForNep) {
  damage_text(tiny_nep(), [](const std::string& text) { return nep_of(text); });
  EXPECT_THROW(static_cast<void>(nep_of(tiny_nep() + "1.0\n")), InputError);
  EXPECT_THROW(static_cast<void>(nep_of(tiny_nep().substr(0, 400))), InputError);
}

TEST(DamagedPotential, EndsInOneMessageForN2p2) {
  const N2p2Files good;
  damage_text(good.input, [&](const std::string& text) {
    N2p2Files files = good;
    files.input = text;
    return n2p2_of(files);
  });
  damage_text(good.scaling, [&](const std::string& text) {
    N2p2Files files = good;
    files.scaling = text;
    return n2p2_of(files);
  });
  damage_text(good.hydrogen, [&](const std::string& text) {
    N2p2Files files = good;
    files.hydrogen = text;
    return n2p2_of(files);
  });
}

TEST(DamagedPotential, EndsInOneMessageForAenet) {
  AenetWriter writer(1);
  damage_text(writer.ascii(), [](const std::string& text) { return aenet_of(text); });
  const std::string binary = writer.binary();
  for (std::size_t at = 0; at < binary.size(); at += at < 200 ? 1 : 7)
    for (const char byte : {'\x00', '\x7f', '\xff'}) {
      std::string damaged = binary;
      damaged[at] = byte;
      expect_sane([&] { return aenet_of(damaged); }, "byte " + std::to_string(at));
    }
  for (std::size_t length = 0; length < binary.size(); length += 41)
    expect_sane([&] { return aenet_of(binary.substr(0, length)); }, "cut at " + std::to_string(length));
}

}  // namespace
}  // namespace haven::testing
