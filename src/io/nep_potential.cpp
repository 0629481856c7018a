#include "io/nep_potential.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "core/error.hpp"
#include "core/species.hpp"
#include "io/potential_text.hpp"
#include "potentials/pair/zbl.hpp"

namespace haven {
namespace {

/// Covalent radii of GPUMD in A for Z = 1 to 94; they set the outer ZBL cut-off when it is typewise.
constexpr std::array<double, 94> covalent_radius{
    0.426667, 0.613333, 1.6,     1.25333, 1.02667, 1.0,     0.946667, 0.84,    0.853333, 0.893333, 1.86667, 1.66667,
    1.50667,  1.38667,  1.46667, 1.36,    1.32,    1.28,    2.34667,  2.05333, 1.77333,  1.62667,  1.61333, 1.46667,
    1.42667,  1.38667,  1.33333, 1.32,    1.34667, 1.45333, 1.49333,  1.45333, 1.53333,  1.46667,  1.52,    1.56,
    2.52,     2.22667,  1.96,    1.85333, 1.76,    1.65333, 1.53333,  1.50667, 1.50667,  1.44,     1.53333, 1.64,
    1.70667,  1.68,     1.68,    1.64,    1.76,    1.74667, 2.78667,  2.34667, 2.16,     1.96,     2.10667, 2.09333,
    2.08,     2.06667,  2.01333, 2.02667, 2.01333, 2.0,     1.98667,  1.98667, 1.97333,  2.04,     1.94667, 1.82667,
    1.74667,  1.64,     1.57333, 1.54667, 1.48,    1.49333, 1.50667,  1.76,    1.73333,  1.73333,  1.81333, 1.74667,
    1.84,     1.89333,  2.68,    2.41333, 2.22667, 2.10667, 2.02667,  2.04,    2.05333,  2.06667};

/// e^2/(4 pi epsilon_0) in eV A and the inverse screening length in 1/A as GPUMD has them.
constexpr double nep_coulomb = 14.399645, nep_inverse_length = 2.134563;

struct Header {
  int version = 4;
  bool zbl = false, flexible_zbl = false;
  double zbl_inner = 0, zbl_outer = 0, zbl_factor = 0;  ///< factor > 0: typewise outer cut-off
  std::vector<double> radial_cutoff, angular_cutoff;
  int n_radial = 0, n_angular = 0, basis_radial = 0, basis_angular = 0;  ///< numbers of functions
  int l_max = 0;
  std::array<double, 6> invariants{};  ///< 222, 1111, 112, 123, 233, 134
  int neurons = 0;
};

class Reader {
 public:
  explicit Reader(const std::string& path) : text_(path) {}

  Model read() {
    read_kind();
    if (header_.zbl) read_zbl_line();
    read_cutoffs();
    read_sizes();
    read_network();
    read_coefficients();
    read_scalers();
    set_repulsion();
    if (text_.next_line()) text_.refuse("there is more in the file than its header declares");
    for (const auto* list : {&header_.radial_cutoff, &header_.angular_cutoff})
      model_.cutoff = std::max(model_.cutoff, *std::max_element(list->begin(), list->end()));
    return std::move(model_);
  }

 private:
  [[nodiscard]] std::size_t elements() const { return model_.elements.size(); }

  void keyword(std::string_view name) {
    text_.need_line(name);
    const std::string_view word = text_.word();
    if (word != name) text_.refuse(fmt::format("\"{}\" where the keyword {} should be", word.substr(0, 40), name));
  }

  void read_kind() {
    text_.need_line("the kind of the potential");
    const std::string kind(text_.need_word("the kind of the potential"));
    if (kind.rfind("nep", 0) != 0 || kind.size() < 4)
      text_.refuse("this is no nep.txt: its first word is not nep3 or nep4");
    const std::string rest = kind.substr(4);
    if (kind[3] < '3' || kind[3] > '5' || (!rest.empty() && rest != "_zbl"))
      throw InputError(fmt::format("\"{}\" is a kind of NEP that Haven does not evaluate", kind), text_.path(),
                       "Haven imports energies of nep3, nep4 and nep5, with or without _zbl; not charges, dipoles, "
                       "polarisabilities or temperature-dependent ones.");
    header_.version = kind[3] - '0';
    header_.zbl = rest == "_zbl";
    const int n = text_.integer("the number of elements", 1, static_cast<int>(covalent_radius.size()));
    for (int k = 0; k < n; ++k) {
      const std::string_view symbol = text_.need_word("an element");
      const int number = atomic_number(symbol);
      if (number == 0 || number > static_cast<int>(covalent_radius.size()))
        text_.refuse(fmt::format("\"{}\" is no element NEP knows", symbol.substr(0, 20)));
      for (const ModelElement& other : model_.elements)
        if (other.number == number) text_.refuse(fmt::format("{} is listed twice", symbol));
      ModelElement element;
      element.number = number;
      element.mass = standard_mass(number);
      model_.elements.push_back(std::move(element));
    }
    text_.need_end_of_line();
    model_.kind = "nep";
    model_.repulsion = "none";
  }

  void read_zbl_line() {
    keyword("zbl");
    header_.zbl_inner = text_.real("the inner ZBL cut-off");
    header_.zbl_outer = text_.real("the outer ZBL cut-off");
    const std::string_view factor = text_.word();
    header_.flexible_zbl = header_.zbl_inner == 0 && header_.zbl_outer == 0;
    if (!header_.flexible_zbl && !(header_.zbl_inner >= 0 && header_.zbl_outer > header_.zbl_inner))
      text_.refuse("the ZBL cut-offs are not increasing");
    if (factor.empty() || header_.flexible_zbl) return;
    const auto value = parse_real(factor);
    if (!value || !(*value > 0 && *value < 10)) text_.refuse("the ZBL factor is no positive number");
    header_.zbl_factor = *value;
    text_.need_end_of_line();
  }

  /// cutoff rc_radial rc_angular [of every element] and two limits of neighbours, which are GPUMD's own business.
  void read_cutoffs() {
    keyword("cutoff");
    std::vector<double> values;
    for (std::string_view word = text_.word(); !word.empty(); word = text_.word()) {
      const auto value = parse_real(word);
      if (!value || values.size() > 2 * elements() + 2) text_.refuse("the cut-offs are no list of numbers");
      values.push_back(*value);
    }
    // Files of 2022 have no limits of neighbours.
    const bool one = values.size() == 4 || values.size() == 2;
    if (!one && values.size() != 2 * elements() + 2)
      text_.refuse(fmt::format("{} numbers where 4 or {} should be", values.size(), 2 * elements() + 2));
    for (std::size_t k = 0; k < elements(); ++k) {
      header_.radial_cutoff.push_back(values[one ? 0 : 2 * k]);
      header_.angular_cutoff.push_back(values[one ? 1 : 2 * k + 1]);
      if (!(header_.angular_cutoff.back() > 0.5 && header_.radial_cutoff.back() <= 100 &&
            header_.angular_cutoff.back() <= header_.radial_cutoff.back()))
        text_.refuse("the cut-offs are out of range");
    }
  }

  void read_sizes() {
    keyword("n_max");
    header_.n_radial = text_.integer("n_max_radial", 0, 31) + 1;
    header_.n_angular = text_.integer("n_max_angular", 0, 31) + 1;
    text_.need_end_of_line();
    keyword("basis_size");
    header_.basis_radial = text_.integer("basis_size_radial", 0, 31) + 1;
    header_.basis_angular = text_.integer("basis_size_angular", 0, 31) + 1;
    text_.need_end_of_line();
    keyword("l_max");
    header_.l_max = text_.integer("l_max of the 3-body terms", 0, 8);
    std::vector<int> flags;
    for (std::string_view word = text_.word(); !word.empty(); word = text_.word()) {
      const auto value = parse_integer(word);
      if (!value || *value < 0 || *value > 2 || flags.size() == 6) text_.refuse("the l_max line is not understood");
      flags.push_back(static_cast<int>(*value));
    }
    if (flags.empty()) flags.push_back(0);
    // Older files give the largest l of the 4-body terms, 0 or 2, and of the 5-body terms, 0 or 1.
    if (flags[0] == 2) flags[0] = 1;
    for (std::size_t k = 0; k < flags.size(); ++k) {
      if (flags[k] > 1) text_.refuse("the l_max line is not understood");
      header_.invariants[k] = flags[k];
    }
    keyword("ANN");
    header_.neurons = text_.integer("the number of neurons", 1, 1000);
    if (text_.integer("the second layer", 0, 0) != 0) text_.refuse("a second hidden layer");
    text_.need_end_of_line();
  }

  [[nodiscard]] int features() const {
    int invariants = header_.l_max;
    for (const double flag : header_.invariants) invariants += static_cast<int>(flag);
    return header_.n_radial + header_.n_angular * invariants;
  }

  double next(std::string_view what) { return text_.flowing_real(what); }
  std::vector<double> next(std::size_t count, std::string_view what) {
    std::vector<double> values(count);
    for (double& value : values) value = next(what);
    return values;
  }

  /// E = sum_n w1_n tanh(sum_d w0_nd q_d - b0_n) - b1; NEP3 has one network for all elements.
  void read_network() {
    const Index inputs = features(), hidden = header_.neurons;
    if (inputs > 4096) text_.refuse("too many descriptor components");
    for (std::size_t a = 0; a < elements(); ++a) {
      Network& network = model_.elements[a].network;
      if (a > 0 && header_.version == 3) {
        network = model_.elements[0].network;
        continue;
      }
      Layer first{.inputs = inputs, .outputs = hidden, .activation = Activation::tanh, .weights = {}, .bias = {}};
      first.weights = next(static_cast<std::size_t>(inputs * hidden), "a weight");
      first.bias = next(static_cast<std::size_t>(hidden), "a bias");
      for (double& b : first.bias) b = -b;
      Layer last{.inputs = hidden, .outputs = 1, .activation = Activation::identity, .weights = {}, .bias = {0.0}};
      last.weights = next(static_cast<std::size_t>(hidden), "a weight");
      if (header_.version == 5) last.bias[0] = -next("the bias of an element");
      network.layers = {std::move(first), std::move(last)};
    }
    const double common = next("the last bias");
    for (ModelElement& element : model_.elements) element.network.layers[1].bias[0] -= common;
  }

  /// c[n][k][a][b] in the file; "radial_<a>" [n][b][k] in the model.
  void read_coefficients() {
    const std::size_t n_elements = elements();
    for (const bool angular : {false, true}) {
      const auto functions = static_cast<std::size_t>(angular ? header_.n_angular : header_.n_radial);
      const auto basis = static_cast<std::size_t>(angular ? header_.basis_angular : header_.basis_radial);
      std::vector<Array> tables(n_elements,
                                {.shape = {static_cast<Index>(functions), static_cast<Index>(n_elements * basis)},
                                 .values = std::vector<double>(functions * n_elements * basis)});
      for (std::size_t n = 0; n < functions; ++n)
        for (std::size_t k = 0; k < basis; ++k)
          for (std::size_t a = 0; a < n_elements; ++a)
            for (std::size_t b = 0; b < n_elements; ++b)
              tables[a].values[(n * n_elements + b) * basis + k] = next("a descriptor coefficient");
      for (std::size_t a = 0; a < n_elements; ++a)
        model_.parameters[fmt::format("{}_{}", angular ? "angular" : "radial", a)] = std::move(tables[a]);
    }
    const auto list = [](const std::vector<double>& values) {
      return Array{.shape = {static_cast<Index>(values.size())}, .values = values};
    };
    model_.parameters["radial_cutoff"] = list(header_.radial_cutoff);
    model_.parameters["angular_cutoff"] = list(header_.angular_cutoff);
    model_.parameters["l_max"] = list({static_cast<double>(header_.l_max)});
    model_.parameters["invariants"] = list({header_.invariants.begin(), header_.invariants.end()});
  }

  void read_scalers() {
    const auto scale = next(static_cast<std::size_t>(features()), "a descriptor scale");
    for (ModelElement& element : model_.elements) {
      element.feature_scale = scale;
      element.feature_shift.assign(scale.size(), 0.0);
    }
  }

  void set_repulsion() {
    if (!header_.zbl) return;
    const std::size_t n = elements();
    Array table{.shape = {static_cast<Index>(n * n), 11}, .values = std::vector<double>(n * n * 11)};
    for (std::size_t a = 0; a < n; ++a)
      for (std::size_t b = a; b < n; ++b) {
        const int z = model_.elements[a].number, other = model_.elements[b].number;
        const double inverse_length = (std::pow(z, 0.23) + std::pow(other, 0.23)) * nep_inverse_length;
        std::array<double, 11> row{nep_coulomb * z * other};
        row[9] = header_.zbl_inner;
        row[10] = header_.zbl_outer;
        std::vector<double> screening;  // amplitude, decay, amplitude, ...
        for (std::size_t k = 0; k < 4; ++k) screening.insert(screening.end(), {zbl_amplitude[k], zbl_decay[k]});
        if (header_.flexible_zbl) {
          row[9] = next("a ZBL parameter");
          row[10] = next("a ZBL parameter");
          screening = next(8, "a ZBL parameter");
          if (!(row[9] >= 0 && row[10] > row[9])) text_.refuse("the ZBL cut-offs are not increasing");
        } else if (header_.zbl_factor > 0) {
          row[9] = 0;
          row[10] = std::min(row[10], header_.zbl_factor * (covalent_radius[static_cast<std::size_t>(z - 1)] +
                                                            covalent_radius[static_cast<std::size_t>(other - 1)]));
        }
        if (row[10] > 0.5 * (header_.angular_cutoff[a] + header_.angular_cutoff[b]))
          text_.refuse("the outer ZBL cut-off lies beyond the angular one");
        for (std::size_t k = 0; k < 4; ++k) {
          row[1 + k] = screening[2 * k];
          row[5 + k] = screening[2 * k + 1] * inverse_length;
        }
        for (const std::size_t at : {a * n + b, b * n + a})
          std::copy(row.begin(), row.end(), table.values.begin() + static_cast<std::ptrdiff_t>(at * 11));
      }
    model_.parameters["repulsion"] = std::move(table);
  }

  PotentialText text_;
  Header header_;
  Model model_;
};

}  // namespace

Model read_nep(const std::string& path) { return Reader(path).read(); }

}  // namespace haven
