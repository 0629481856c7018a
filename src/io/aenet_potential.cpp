#include "io/aenet_potential.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/error.hpp"
#include "core/species.hpp"
#include "io/file_system.hpp"
#include "io/fortran_records.hpp"
#include "io/potential_text.hpp"

namespace haven {
namespace {

constexpr std::int64_t largest_file = 64 << 20;
constexpr int most_nodes = 4096, most_functions = 4096, most_types = 118, most_atoms = 2000000000;

/// Where the fields of a network file come from. Both forms have the same fields in the same order.
class Source {
 public:
  virtual ~Source() = default;
  virtual int integer(std::string_view what, int low, int high) = 0;
  virtual std::vector<int> integers(std::size_t count, std::string_view what) = 0;
  virtual std::vector<double> reals(std::size_t count, std::string_view what) = 0;
  /// Texts, one a line or one a fixed length.
  virtual std::vector<std::string> texts(std::size_t count, std::string_view what) = 0;
  virtual void skip_description() = 0;
  [[noreturn]] virtual void refuse(const std::string& what) const = 0;
  /// The number of neighbour elements that each function stores.
  [[nodiscard]] virtual std::size_t stored_environments(std::size_t environments) const = 0;
  /// The part on the training set: file name, a flag, then scale and shift.
  virtual void begin_training_set() = 0;
  virtual std::vector<std::string> names(std::size_t count) = 0;
};

class BinarySource final : public Source {
 public:
  BinarySource(const std::string& path, std::span<const std::byte> bytes) : records_(path, bytes) {}
  int integer(std::string_view what, int low, int high) override { return records_.integer(what, low, high); }
  std::vector<int> integers(std::size_t count, std::string_view what) override {
    return records_.integers(count, what);
  }
  std::vector<double> reals(std::size_t count, std::string_view what) override { return records_.reals(count, what); }
  std::vector<std::string> texts(std::size_t count, std::string_view what) override {
    return records_.texts(count, what);
  }
  void skip_description() override { static_cast<void>(records_.texts(1, "the description")); }
  void refuse(const std::string& what) const override { records_.refuse(what); }
  [[nodiscard]] std::size_t stored_environments(std::size_t) const override { return 2; }  // aenet's NENV_MAX
  void begin_training_set() override {
    static_cast<void>(records_.texts(1, "the name of the training set"));
    static_cast<void>(records_.integers(1, "the normalisation flag"));
  }
  std::vector<std::string> names(std::size_t count) override { return records_.texts(count, "the element names"); }

 private:
  FortranRecords records_;
};

class TextSource final : public Source {
 public:
  explicit TextSource(const std::string& path) : text_(path) {}
  int integer(std::string_view what, int low, int high) override { return text_.flowing_integer(what, low, high); }
  std::vector<int> integers(std::size_t count, std::string_view what) override {
    std::vector<int> values(count);
    for (int& value : values) value = text_.flowing_integer(what, -most_atoms, most_atoms);
    return values;
  }
  std::vector<double> reals(std::size_t count, std::string_view what) override {
    std::vector<double> values(count);
    for (double& value : values) value = text_.flowing_real(what);
    return values;
  }
  std::vector<std::string> texts(std::size_t count, std::string_view what) override {
    std::vector<std::string> lines;
    for (std::size_t k = 0; k < count; ++k) {
      text_.need_line(what);
      lines.emplace_back(text_.line());
      while (!text_.word().empty()) continue;
    }
    return lines;
  }
  void skip_description() override { static_cast<void>(text_.free_text("the description")); }
  void refuse(const std::string& what) const override { text_.refuse(what); }
  [[nodiscard]] std::size_t stored_environments(std::size_t environments) const override { return environments; }
  /// aenet writes file name and flag; a comment in their place is accepted.
  void begin_training_set() override {
    const std::string first = texts(1, "the part on the training set")[0];
    if (first[0] != '#') static_cast<void>(texts(1, "the normalisation flag"));
  }
  /// Names on one line or one a line.
  std::vector<std::string> names(std::size_t count) override {
    std::vector<std::string> all;
    while (all.size() < count) {
      text_.need_line("the element names");
      for (std::string_view word = text_.word(); !word.empty(); word = text_.word()) all.emplace_back(word);
    }
    return all;
  }

 private:
  PotentialText text_;
};

/// One network file.
struct NetworkFile {
  Network network;
  int centre = 0;                 ///< atomic number
  std::vector<int> environments;  ///< atomic numbers, in the order that sets the element weights
  double radial_cutoff = 0, angular_cutoff = 0;
  int radial_order = 0, angular_order = 0;
  std::vector<double> minimum, maximum, mean, square;
  double scale = 1, shift = 0, atomic_energy = 0;
};

/// W is [input + 1][output] in memory, the biases being the last input.
Network read_network(Source& source) {
  const int layers = source.integer("the number of layers", 2, 32);
  static_cast<void>(source.integer("the widest layer", 1, most_nodes));
  const int weights = source.integer("the number of weights", 1, 1 << 24);
  static_cast<void>(source.integer("the number of values", 1, 1 << 24));
  const auto count = static_cast<std::size_t>(layers);
  const std::vector<int> nodes = source.integers(count, "the nodes");
  const std::vector<int> kinds = source.integers(count - 1, "the activation functions");
  static_cast<void>(source.integers(count, "the places of the weights"));
  static_cast<void>(source.integers(count, "the places of the values"));
  Index needed = 0;
  for (std::size_t k = 0; k < count; ++k) {
    if (nodes[k] < 1 || nodes[k] > most_nodes) source.refuse("a layer has no sensible number of nodes");
    if (k > 0) needed += Index{nodes[k]} * (nodes[k - 1] + 1);
  }
  if (needed != weights || nodes.back() != 1) source.refuse("the sizes of the network do not fit together");
  const std::vector<double> w = source.reals(static_cast<std::size_t>(weights), "the weights");
  Network network;
  std::size_t at = 0;
  double factor = 1;  // of the layer below: aenet's mtanh is 1.7159 tanh(2x/3)
  constexpr double mtanh_slope = 0.666666666666667, mtanh_height = 1.7159;
  for (std::size_t k = 1; k < count; ++k) {
    static constexpr Activation known[] = {Activation::identity, Activation::tanh, Activation::logistic,
                                           Activation::tanh};
    if (kinds[k - 1] < 0 || kinds[k - 1] > 3)
      source.refuse(fmt::format("activation function {} (twist is 4) is not one that Haven evaluates", kinds[k - 1]));
    const bool mtanh = kinds[k - 1] == 3;
    const double inner = mtanh ? mtanh_slope : 1;
    const auto inputs = static_cast<std::size_t>(nodes[k - 1]), outputs = static_cast<std::size_t>(nodes[k]);
    Layer layer{.inputs = nodes[k - 1],
                .outputs = nodes[k],
                .activation = known[kinds[k - 1]],
                .weights = std::vector<double>(inputs * outputs),
                .bias = std::vector<double>(outputs)};
    for (std::size_t i = 0; i <= inputs; ++i)
      for (std::size_t o = 0; o < outputs; ++o) {
        const double value = inner * w[at++];
        if (i == inputs) {
          layer.bias[o] = value;
        } else {
          layer.weights[o * inputs + i] = factor * value;
        }
      }
    factor = mtanh ? mtanh_height : 1;
    network.layers.push_back(std::move(layer));
  }
  if (factor != 1)
    network.layers.push_back(
        {.inputs = 1, .outputs = 1, .activation = Activation::identity, .weights = {factor}, .bias = {0.0}});
  return network;
}

int element_of(Source& source, const std::string& name) {
  const int number = atomic_number(name);
  if (number == 0) source.refuse(fmt::format("\"{}\" is no element", name.substr(0, 20)));
  return number;
}

void read_setup(Source& source, NetworkFile& file) {
  source.skip_description();
  file.centre = element_of(source, source.texts(1, "the central element")[0]);
  const auto environments = static_cast<std::size_t>(source.integer("the number of elements", 1, most_types));
  for (const std::string& name : source.texts(environments, "the elements"))
    file.environments.push_back(element_of(source, name));
  static_cast<void>(source.reals(1, "the smallest distance"));
  static_cast<void>(source.reals(1, "the cut-off"));
  std::string type = source.texts(1, "the kind of the fingerprint")[0];
  std::transform(type.begin(), type.end(), type.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (type != "chebyshev")
    source.refuse(fmt::format("the fingerprint is \"{}\"; Haven evaluates Chebyshev ones", type));
  const auto n = static_cast<std::size_t>(source.integer("the number of functions", 1, most_functions));
  const auto parameters = static_cast<std::size_t>(source.integer("the number of parameters", 4, 64));
  static_cast<void>(source.integers(n, "the functions"));
  const std::vector<double> values = source.reals(parameters * n, "the parameters");
  static_cast<void>(source.integers(source.stored_environments(environments) * n, "the elements of the functions"));
  static_cast<void>(source.integer("the number of evaluations", 0, most_atoms));
  file.radial_cutoff = values[0];
  file.angular_cutoff = values[2];
  if (!(file.radial_cutoff > 0.5 && file.radial_cutoff <= 100 && file.angular_cutoff > 0.5 &&
        file.angular_cutoff <= file.radial_cutoff))
    source.refuse("the cut-offs are out of range, or the angular one is the larger");
  if (!(values[1] >= 0 && values[1] <= 64 && values[3] >= 0 && values[3] <= 16))
    source.refuse("an order is out of range");
  file.radial_order = static_cast<int>(std::lround(values[1]));
  file.angular_order = static_cast<int>(std::lround(values[3]));
  const std::size_t expected =
      static_cast<std::size_t>(file.radial_order + file.angular_order + 2) * (environments > 1 ? 2 : 1);
  if (n != expected) source.refuse(fmt::format("{} functions where the orders ask for {}", n, expected));
  file.minimum = source.reals(n, "the smallest values");
  file.maximum = source.reals(n, "the largest values");
  file.mean = source.reals(n, "the mean values");
  file.square = source.reals(n, "the mean squares");
}

void read_training_set(Source& source, NetworkFile& file) {
  source.begin_training_set();
  file.scale = source.reals(1, "the energy scale")[0];
  file.shift = source.reals(1, "the energy shift")[0];
  if (!(file.scale > 0)) source.refuse("the energy scale is not positive");
  const auto n = static_cast<std::size_t>(source.integer("the number of elements", 1, most_types));
  const std::vector<std::string> names = source.names(n);
  const std::vector<double> energies = source.reals(n, "the atomic energies");
  for (std::size_t k = 0; k < n; ++k)
    if (atomic_number(names[k]) == file.centre) {
      file.atomic_energy = energies[k];
      return;
    }
  source.refuse("the central element has no atomic energy");
}

NetworkFile read_file_of(const std::string& path) {
  PosixFileSystem files;
  const std::vector<std::byte> bytes = read_file(files, path, largest_file);
  std::unique_ptr<Source> source;
  if (FortranRecords::begins_with_record(bytes, 4)) {
    source = std::make_unique<BinarySource>(path, bytes);
  } else {
    source = std::make_unique<TextSource>(path);
  }
  NetworkFile file;
  file.network = read_network(*source);
  read_setup(*source, file);
  read_training_set(*source, file);
  if (static_cast<std::size_t>(file.network.layers.front().inputs) != file.mean.size())
    source->refuse("the network does not take as many inputs as there are functions");
  return file;
}

/// -1, 1; -1, 0, 1; -2, -1, 1, 2; ... in the order of the environments.
double weight_of(const NetworkFile& file, int element) {
  const auto n = static_cast<int>(file.environments.size());
  int weight = -(n / 2);
  for (const int environment : file.environments) {
    if (weight == 0 && n % 2 == 0) ++weight;
    if (environment == element) return weight;
    ++weight;
  }
  return 0;
}

ModelElement element_of_file(const NetworkFile& file) {
  ModelElement element;
  element.number = file.centre;
  element.mass = standard_mass(file.centre);
  for (std::size_t k = 0; k < file.mean.size(); ++k) {
    const double variance = file.square[k] - file.mean[k] * file.mean[k];
    const double sigma = variance > 0 ? std::sqrt(variance) : 0;
    element.feature_shift.push_back(file.mean[k]);
    // aenet switches functions off that never varied in training.
    element.feature_scale.push_back(sigma <= 1e-10 ? 0 : 1 / sigma);
  }
  element.feature_min = file.minimum;
  element.feature_max = file.maximum;
  element.network = file.network;
  Layer& last = element.network.layers.back();
  if (last.activation != Activation::identity) {
    element.network.layers.push_back(
        {.inputs = 1, .outputs = 1, .activation = Activation::identity, .weights = {1 / file.scale}, .bias = {0.0}});
  } else {
    for (double& w : last.weights) w /= file.scale;
    for (double& b : last.bias) b /= file.scale;
  }
  element.reference_energy = file.shift + file.atomic_energy;
  return element;
}

}  // namespace

Model read_aenet(const std::vector<std::string>& paths) {
  std::vector<NetworkFile> files;
  for (const std::string& path : paths) {
    files.push_back(read_file_of(path));
    for (std::size_t k = 0; k + 1 < files.size(); ++k)
      if (files[k].centre == files.back().centre)
        throw InputError(fmt::format("this is a second network for {}", element_symbol(files.back().centre)), path,
                         "Give one file per element.");
  }
  Model model;
  model.kind = "chebyshev";
  model.repulsion = "none";
  const auto n = static_cast<Index>(files.size());
  const auto list = [&] { return Array{.shape = {n}, .values = {}}; };
  Array radial = list(), angular = list(), radial_cutoff = list(), angular_cutoff = list(),
        weights{.shape = {n, n}, .values = {}};
  for (std::size_t a = 0; a < files.size(); ++a) {
    const NetworkFile& file = files[a];
    for (const int environment : file.environments)
      if (std::none_of(files.begin(), files.end(), [&](const auto& f) { return f.centre == environment; }))
        throw InputError(fmt::format("it names {}, which has no network file", element_symbol(environment)), paths[a],
                         "Give the files of all elements of the potential.");
    if (file.environments.size() != files.size())
      throw InputError(
          fmt::format("it knows {} elements, but {} files were given", file.environments.size(), files.size()),
          paths[a], "Give the files of one potential.");
    radial.values.push_back(file.radial_order);
    angular.values.push_back(file.angular_order);
    radial_cutoff.values.push_back(file.radial_cutoff);
    angular_cutoff.values.push_back(file.angular_cutoff);
    for (const NetworkFile& other : files) weights.values.push_back(weight_of(file, other.centre));
    model.cutoff = std::max(model.cutoff, file.radial_cutoff);
    model.elements.push_back(element_of_file(file));
  }
  model.parameters = {{"radial_order", radial},
                      {"angular_order", angular},
                      {"radial_cutoff", radial_cutoff},
                      {"angular_cutoff", angular_cutoff},
                      {"cutoff_type", {.shape = {1}, .values = {1.0}}},
                      {"element_weights", weights}};
  return model;
}

}  // namespace haven
