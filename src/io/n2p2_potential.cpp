#include "io/n2p2_potential.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <optional>

#include "core/error.hpp"
#include "core/species.hpp"
#include "core/units.hpp"
#include "io/n2p2_functions.hpp"
#include "io/potential_text.hpp"

namespace haven {
namespace {

/// What scaling.data says about a function.
struct Statistics {
  double minimum = 0, maximum = 0, mean = 0, sigma = 0;
};

enum class Scaling { none, scale, centre, scale_and_centre, sigma };

struct Settings {
  std::vector<int> numbers;  ///< ascending
  std::vector<double> offsets;
  int cutoff_type = -1;
  double alpha = 0;
  bool scale = false, centre = false, sigma = false, normalise_nodes = false;
  double scale_min = 0, scale_max = 1;
  std::optional<double> mean_energy, conv_energy, conv_length;
  std::vector<int> nodes;
  std::vector<Activation> activations;
  std::vector<std::vector<SymmetryFunction>> functions;  ///< per centre

  [[nodiscard]] Scaling scaling() const {
    if (scale && centre) return Scaling::scale_and_centre;
    if (scale) return Scaling::scale;
    if (centre) return Scaling::centre;
    return sigma ? Scaling::sigma : Scaling::none;
  }
};

std::string file_of(const std::string& folder, const std::string& name) {
  return (std::filesystem::path(folder) / name).string();
}

/// input.nn
class SettingsReader {
 public:
  explicit SettingsReader(const std::string& path) : text_(path, "#") {}

  Settings read() {
    // Lines come in any order; elements are needed by most, so they are looked for first.
    while (text_.next_line())
      if (text_.word() == "elements") read_elements();
    if (settings_.numbers.empty()) missing("elements");
    settings_.offsets.assign(settings_.numbers.size(), 0);
    settings_.functions.resize(settings_.numbers.size());
    text_ = PotentialText(text_.path(), "#");
    while (text_.next_line()) read_line(std::string(text_.word()));
    check();
    for (auto& list : settings_.functions) std::stable_sort(list.begin(), list.end(), comes_before);
    return std::move(settings_);
  }

 private:
  [[noreturn]] void missing(const std::string& keyword) const {
    throw InputError(fmt::format("the keyword {} is missing", keyword), text_.path(),
                     "Give the folder of a complete n2p2 potential.");
  }
  [[noreturn]] void unsupported(const std::string& what) const {
    throw InputError(fmt::format("{}, which Haven does not evaluate", what), text_.path(),
                     "Haven imports short-range potentials (2G).");
  }

  void read_elements() {
    if (!settings_.numbers.empty()) text_.refuse("the elements are listed twice");
    for (std::string_view word = text_.word(); !word.empty(); word = text_.word()) {
      const int number = atomic_number(word);
      if (number == 0) text_.refuse(fmt::format("\"{}\" is no element", word.substr(0, 20)));
      settings_.numbers.push_back(number);
    }
    std::sort(settings_.numbers.begin(), settings_.numbers.end());
    if (settings_.numbers.empty() ||
        std::adjacent_find(settings_.numbers.begin(), settings_.numbers.end()) != settings_.numbers.end())
      text_.refuse("the elements are missing or one is listed twice");
  }

  int element() {
    const std::string_view word = text_.need_word("an element");
    const auto found = std::find(settings_.numbers.begin(), settings_.numbers.end(), atomic_number(word));
    if (found == settings_.numbers.end())
      text_.refuse(fmt::format("{} is not one of the elements", word.substr(0, 20)));
    return static_cast<int>(found - settings_.numbers.begin());
  }

  void read_line(const std::string& keyword) {
    if (keyword == "number_of_elements") {
      if (text_.integer(keyword, 1, max_atomic_number) != static_cast<int>(settings_.numbers.size()))
        text_.refuse("the number of elements is not that of the list");
    } else if (keyword == "atom_energy") {
      const int e = element();
      settings_.offsets[static_cast<std::size_t>(e)] = text_.real("an atomic energy");
    } else if (keyword == "cutoff_type") {
      settings_.cutoff_type = text_.integer(keyword, 0, 8);
      const std::string_view alpha = text_.word();
      if (!alpha.empty()) settings_.alpha = inner_cutoff(alpha);
    } else if (keyword == "symfunction_short" || keyword == "symfunction") {
      read_function();
    } else if (keyword.rfind("element_", 0) == 0 || keyword.rfind("global_symfunction", 0) == 0) {
      unsupported(fmt::format("the potential uses the keyword {}", keyword));
    } else if (keyword == "nnp_type" || keyword == "nnp_generation" || keyword == "nnp_gen") {
      const std::string_view type = text_.need_word("the type");
      if (type != "2G-HDNNP" && type != "0" && type != "2")
        unsupported(fmt::format("this is a potential of type {}", type));
    } else if (!read_network_line(keyword)) {
      read_scaling_line(keyword);
    }
  }

  double inner_cutoff(std::string_view word) {
    const auto value = parse_real(word);
    if (!value || !(*value >= 0 && *value < 1)) text_.refuse("the inner cut-off is not between 0 and 1");
    return *value;
  }

  bool read_network_line(const std::string& keyword) {
    if (keyword == "global_hidden_layers_short" || keyword == "global_hidden_layers") {
      hidden_ = text_.integer(keyword, 0, 30);
    } else if (keyword == "global_nodes_short" || keyword == "global_nodes") {
      settings_.nodes.clear();
      for (std::string_view word = text_.word(); !word.empty(); word = text_.word()) {
        const auto n = parse_integer(word);
        if (!n || *n < 1 || *n > 10000) text_.refuse("the nodes are no list of small numbers");
        settings_.nodes.push_back(static_cast<int>(*n));
      }
    } else if (keyword == "global_activation_short" || keyword == "global_activation") {
      settings_.activations.clear();
      for (std::string_view word = text_.word(); !word.empty(); word = text_.word())
        settings_.activations.push_back(activation(word));
    } else if (keyword == "normalize_nodes") {
      settings_.normalise_nodes = true;
    } else {
      return false;
    }
    return true;
  }

  Activation activation(std::string_view word) {
    static const std::map<std::string_view, Activation> known{
        {"l", Activation::identity},    {"t", Activation::tanh},
        {"s", Activation::logistic},    {"p", Activation::softplus},
        {"r", Activation::relu},        {"g", Activation::gaussian},
        {"c", Activation::cosine},      {"S", Activation::reversed_logistic},
        {"e", Activation::exponential}, {"h", Activation::harmonic}};
    const auto found = known.find(word);
    if (found == known.end()) text_.refuse(fmt::format("\"{}\" is no activation function of n2p2", word.substr(0, 20)));
    return found->second;
  }

  void read_scaling_line(const std::string& keyword) {
    if (keyword == "scale_symmetry_functions") settings_.scale = true;
    if (keyword == "center_symmetry_functions") settings_.centre = true;
    if (keyword == "scale_symmetry_functions_sigma") settings_.sigma = true;
    if (keyword == "scale_min_short" || keyword == "scale_min") settings_.scale_min = text_.real(keyword);
    if (keyword == "scale_max_short" || keyword == "scale_max") settings_.scale_max = text_.real(keyword);
    if (keyword == "mean_energy") settings_.mean_energy = text_.real(keyword);
    if (keyword == "conv_energy") settings_.conv_energy = text_.real(keyword);
    if (keyword == "conv_length") settings_.conv_length = text_.real(keyword);
  }

  void read_function() {
    const int centre = element();
    auto& functions = settings_.functions[static_cast<std::size_t>(centre)];
    functions.push_back(read_symmetry_function(text_, [this] { return element(); }));
    if (functions.size() > 4096) text_.refuse("too many symmetry functions");
  }

  void check() const {
    if (settings_.cutoff_type < 0) missing("cutoff_type");
    for (const auto& list : settings_.functions)
      if (list.empty()) missing("symfunction_short of an element");
    if (hidden_ < 0) missing("global_hidden_layers_short");
    if (settings_.nodes.size() != static_cast<std::size_t>(hidden_) ||
        settings_.activations.size() != static_cast<std::size_t>(hidden_) + 1)
      throw InputError(fmt::format("{} hidden layers with {} numbers of nodes and {} activation functions", hidden_,
                                   settings_.nodes.size(), settings_.activations.size()),
                       text_.path(), "The file is damaged; take a fresh copy.");
    const int normal =
        (settings_.mean_energy ? 1 : 0) + (settings_.conv_energy ? 1 : 0) + (settings_.conv_length ? 1 : 0);
    if (normal != 0 && normal != 3) missing("mean_energy, conv_energy or conv_length");
    if (normal == 3 && !(*settings_.conv_energy > 0 && *settings_.conv_length > 0))
      throw InputError("a conversion factor is not positive", text_.path(), "The file is damaged; take a fresh copy.");
    if (settings_.sigma && (settings_.scale || settings_.centre))
      throw InputError("two ways of scaling are switched on", text_.path(),
                       "Keep the keyword that was used in training.");
  }

  PotentialText text_;
  Settings settings_;
  int hidden_ = -1;
};

std::vector<std::vector<Statistics>> read_scaling(const std::string& path, const Settings& settings) {
  PotentialText text(path, "#");
  std::vector<std::vector<Statistics>> all(settings.functions.size());
  for (std::size_t a = 0; a < all.size(); ++a)
    for (std::size_t k = 0; k < settings.functions[a].size(); ++k) {
      text.need_line("the statistics of a symmetry function");
      const int element = text.integer("the element", 1, max_atomic_number);
      const int index = text.integer("the symmetry function", 1, 4096);
      if (element != static_cast<int>(a) + 1 || index != static_cast<int>(k) + 1)
        text.refuse(fmt::format("function {} of element {} where {} of {} should be", index, element, k + 1, a + 1));
      Statistics s{
          .minimum = text.real("the minimum"), .maximum = text.real("the maximum"), .mean = text.real("the mean")};
      const std::string_view sigma = text.word();
      if (settings.scaling() == Scaling::sigma && sigma.empty()) text.refuse("sigma is missing");
      if (!sigma.empty()) {
        const auto value = parse_real(sigma);
        if (!value) text.refuse("sigma is no number");
        s.sigma = *value;
      }
      const bool by_range = settings.scaling() == Scaling::scale || settings.scaling() == Scaling::scale_and_centre;
      if ((by_range && !(s.maximum > s.minimum)) || (settings.scaling() == Scaling::sigma && !(s.sigma > 0)))
        text.refuse("the symmetry function never varied in training: its scaling is not defined");
      all[a].push_back(s);
    }
  // Two more numbers, the energy range, may follow.
  return all;
}

/// Sets shift and scale so that (G - shift) * scale is what the network sees, less an offset that goes into its biases.
double set_scaling(const Settings& settings, const std::vector<Statistics>& statistics, ModelElement& element) {
  const double width = settings.scale_max - settings.scale_min;
  double offset = 0;
  for (const Statistics& s : statistics) {
    double shift = 0, factor = 1;
    switch (settings.scaling()) {
      case Scaling::none:
        break;
      case Scaling::centre:
        shift = s.mean;
        break;
      case Scaling::scale:
        shift = s.minimum;
        factor = width / (s.maximum - s.minimum);
        offset = settings.scale_min;
        break;
      case Scaling::scale_and_centre:
        shift = s.mean;
        factor = width / (s.maximum - s.minimum);
        offset = settings.scale_min;
        break;
      case Scaling::sigma:
        shift = s.mean;
        factor = width / s.sigma;
        offset = settings.scale_min;
        break;
    }
    element.feature_shift.push_back(shift);
    element.feature_scale.push_back(factor);
    element.feature_min.push_back(s.minimum);
    element.feature_max.push_back(s.maximum);
  }
  return offset;
}

/// weights.ZZZ.data: for each layer the weights [input][output], then the biases.
Network read_weights(const std::string& path, const Settings& settings, Index inputs) {
  PotentialText text(path, "#");
  Network network;
  std::vector<int> widths = settings.nodes;
  widths.push_back(1);
  Index below = inputs;
  for (std::size_t k = 0; k < widths.size(); ++k) {
    Layer layer{.inputs = below,
                .outputs = widths[k],
                .activation = settings.activations[k],
                .weights = std::vector<double>(static_cast<std::size_t>(below * widths[k])),
                .bias = std::vector<double>(static_cast<std::size_t>(widths[k]))};
    const auto next = [&](std::string_view what) {
      text.need_line(what);
      // The mean of a neuron's inputs where the nodes are normalised.
      const double divisor = settings.normalise_nodes ? static_cast<double>(below) : 1.0;
      return text.real(what, 1e15) / divisor;
    };
    for (Index i = 0; i < below; ++i)
      for (Index o = 0; o < layer.outputs; ++o)
        layer.weights[static_cast<std::size_t>(o * below + i)] = next("a weight");
    for (double& b : layer.bias) b = next("a bias");
    below = widths[k];
    network.layers.push_back(std::move(layer));
  }
  if (text.next_line()) text.refuse("the file has more weights than the network");
  return network;
}

/// E = output * scale + offset, as part of the last layer, which is linear or gets one of its own.
void scale_output(Network& network, double scale) {
  if (scale == 1) return;
  if (network.layers.back().activation != Activation::identity) {
    network.layers.push_back(
        {.inputs = 1, .outputs = 1, .activation = Activation::identity, .weights = {scale}, .bias = {0.0}});
    return;
  }
  for (double& w : network.layers.back().weights) w *= scale;
  for (double& b : network.layers.back().bias) b *= scale;
}

}  // namespace

Model read_n2p2(const std::string& folder, PotentialUnits units) {
  const double length = units == PotentialUnits::bohr_hartree ? units::bohr_in_angstrom : 1.0;
  const double energy = units == PotentialUnits::bohr_hartree ? units::hartree_in_ev : 1.0;
  const Settings settings = SettingsReader(file_of(folder, "input.nn")).read();
  std::vector<std::vector<Statistics>> statistics(settings.functions.size());
  if (settings.scaling() != Scaling::none) statistics = read_scaling(file_of(folder, "scaling.data"), settings);
  Model model;
  model.kind = "n2p2";
  model.repulsion = "none";
  for (const auto& list : settings.functions)
    for (const SymmetryFunction& f : list) model.cutoff = std::max(model.cutoff, f.cutoff * length);
  add_function_tables(settings.functions, length, model);
  model.parameters["cutoff_type"] = {.shape = {1}, .values = {static_cast<double>(settings.cutoff_type)}};
  model.parameters["cutoff_alpha"] = {.shape = {1}, .values = {settings.alpha}};
  for (std::size_t a = 0; a < settings.numbers.size(); ++a) {
    ModelElement element;
    element.number = settings.numbers[a];
    element.mass = standard_mass(element.number);
    const auto inputs = settings.functions[a].size();
    double offset = 0;
    if (settings.scaling() == Scaling::none) {
      element.feature_shift.assign(inputs, 0.0);
      element.feature_scale.assign(inputs, 1.0);
    } else {
      offset = set_scaling(settings, statistics[a], element);
    }
    element.network = read_weights(file_of(folder, fmt::format("weights.{:03}.data", element.number)), settings,
                                   static_cast<Index>(inputs));
    Layer& first = element.network.layers.front();
    for (Index o = 0; o < first.outputs; ++o)
      for (Index i = 0; i < first.inputs; ++i)
        first.bias[static_cast<std::size_t>(o)] +=
            offset * first.weights[static_cast<std::size_t>(o * first.inputs + i)];
    // Normalised: E = network/conv_energy + mean_energy, both in the file's energy.
    scale_output(element.network, energy / settings.conv_energy.value_or(1.0));
    element.reference_energy = energy * (settings.mean_energy.value_or(0.0) + settings.offsets[a]);
    model.elements.push_back(std::move(element));
  }
  return model;
}

}  // namespace haven
