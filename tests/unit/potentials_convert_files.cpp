// Potential files of other programs: what is read from them, and that damaged ones end in one clear message.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>

#include "core/error.hpp"
#include "core/units.hpp"
#include "io/aenet_potential.hpp"
#include "io/n2p2_potential.hpp"
#include "io/nep_potential.hpp"
#include "potentials/program/compile.hpp"
#include "support/shared_data.hpp"

namespace haven::testing {
namespace {

void write(const std::string& path, const std::string& text) { std::ofstream(path, std::ios::binary) << text; }

/// Numbers 0.01, 0.02, ... one a line.
std::string numbers(int count) {
  std::string text;
  for (int k = 1; k <= count; ++k) text += std::to_string(0.01 * k) + "\n";
  return text;
}

// Two elements, 2 + 2 radial functions of 2 and 3 coefficients, l up to 2 and the 4-body invariant, 2 neurons:
// 2 + 2 * 3 = 8 features; (8 + 2) * 2 * 2 + 1 network numbers, 4 * (2 * 2 + 2 * 3) coefficients, 8 scales.
std::string tiny_nep() {
  return "nep4_zbl 2 Li O\nzbl 0.5 1.2\ncutoff 5 4 50 20\nn_max 1 1\nbasis_size 1 2\nl_max 2 2 0\nANN 2 0\n" +
         numbers(41 + 40 + 8);
}

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

const char* const tiny_input =
    "# a comment\nnumber_of_elements 2\nelements O H\natom_energy O -0.5\ncutoff_type 6 0.1\n"
    "scale_symmetry_functions\ncenter_symmetry_functions\nscale_min_short 0.0\nscale_max_short 1.0\n"
    "global_hidden_layers_short 1\nglobal_nodes_short 2\nglobal_activation_short t l\n"
    "mean_energy -1.0\nconv_energy 2.0\nconv_length 3.0\n"
    "symfunction_short H 9 O H 0.1 1.0 2.0 6.0\nsymfunction_short H 2 O 0.2 0.5 6.0\n"
    "symfunction_short O 3 H O 0.1 -1.0 4.0 5.0 0.3\n";

struct N2p2Files {
  std::string input = tiny_input;
  std::string scaling = "1 1 0.0 2.0 1.0 0.5\n1 2 0.0 4.0 1.0 0.5\n2 1 0.0 5.0 1.0 0.5\n-1.0 1.0\n";
  std::string hydrogen = numbers(2 * 2 + 2 + 2 + 1), oxygen = numbers(2 + 2 + 2 + 1);
};

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
  files.input += "symfunction_short O 21 H O 0.0 6.0 10 20 p2\n";
  try {
    static_cast<void>(n2p2_of(files));
    FAIL();
  } catch (const InputError& error) {
    EXPECT_NE(error.summary().find("type 21"), std::string::npos);
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

/// Both forms of one aenet network: Li alone, orders 1 and 0, so 3 functions; 2 neurons.
class AenetWriter {
 public:
  explicit AenetWriter(int activation) : activation_(activation) {}
  std::string ascii() {
    binary_ = false;
    return write_all();
  }
  std::string binary() {
    binary_ = true;
    return write_all();
  }

 private:
  template <class T>
  void values(const std::vector<T>& list) {
    if (!binary_) {
      for (const T& v : list) out_ << v << ' ';
      out_ << '\n';
      return;
    }
    raw(std::string_view(reinterpret_cast<const char*>(list.data()), list.size() * sizeof(T)));
  }
  void text(const std::string& s, std::size_t length) {
    if (!binary_) {
      out_ << s << '\n';
      return;
    }
    std::string filled = s;
    filled.resize(length, ' ');
    raw(filled);
  }
  void raw(std::string_view bytes) {
    const auto length = static_cast<std::uint32_t>(bytes.size());
    char mark[4];
    std::memcpy(mark, &length, 4);
    out_.write(mark, 4).write(bytes.data(), static_cast<std::streamsize>(bytes.size())).write(mark, 4);
  }
  std::string write_all() {
    out_.str("");
    out_.precision(17);
    using Ints = std::vector<std::int32_t>;
    using Reals = std::vector<double>;
    for (const int n : {3, 3, 11, 9}) values(Ints{n});
    values(Ints{3, 2, 1});
    values(Ints{activation_, 0});
    values(Ints{0, 8, 11});
    values(Ints{0, 4, 7});
    Reals weights;
    for (int k = 1; k <= 11; ++k) weights.push_back(0.1 * k);
    values(weights);
    text("made up", 1024);
    text("Li", 2);
    values(Ints{1});
    text("Li", 2);
    values(Reals{0.7});
    values(Reals{5.0});
    text("chebyshev", 100);
    values(Ints{3});
    values(Ints{4});
    values(Ints{0, 0, 0});
    values(Reals{5.0, 1, 4.0, 0, 0, 0, 0, 0, 0, 0, 0, 0});
    values(binary_ ? Ints{0, 0, 0, 0, 0, 0} : Ints{0, 0, 0});
    values(Ints{100});
    values(Reals{0, 0, 0});
    values(Reals{5, 5, 5});
    values(Reals{1, 2, 1});
    values(Reals{2, 8, 1});
    text("train.set", 1024);
    if (binary_) {
      values(Ints{1});
    } else {
      text("T", 1);
    }
    values(Reals{2.0});
    values(Reals{-3.0});
    values(Ints{1});
    text("Li", 2);
    values(Reals{-7.0});
    return out_.str();
  }

  int activation_;
  bool binary_ = false;
  std::ostringstream out_;
};

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
