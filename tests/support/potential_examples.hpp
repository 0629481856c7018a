#pragma once
#include <cstdint>
#include <cstring>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

/// Small complete potential files of other programs.
namespace haven::testing {

/// Numbers 0.01, 0.02, ... one a line.
inline std::string numbers(int count) {
  std::string text;
  for (int k = 1; k <= count; ++k) text += std::to_string(0.01 * k) + "\n";
  return text;
}

// Two elements, 2 + 2 radial functions of 2 and 3 coefficients, l up to 2 and the 4-body invariant, 2 neurons:
// 2 + 2 * 3 = 8 features; (8 + 2) * 2 * 2 + 1 network numbers, 4 * (2 * 2 + 2 * 3) coefficients, 8 scales.
inline std::string tiny_nep() {
  return "nep4_zbl 2 Li O\nzbl 0.5 1.2\ncutoff 5 4 50 20\nn_max 1 1\nbasis_size 1 2\nl_max 2 2 0\nANN 2 0\n" +
         numbers(41 + 40 + 8);
}

inline const char* const tiny_input =
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

}  // namespace haven::testing
