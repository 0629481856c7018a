#include "io/model_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <utility>

#include "core/error.hpp"
#include "core/species.hpp"
#include "io/h5.hpp"
#include "io/sha256.hpp"

namespace haven {
namespace {

constexpr const char* format_name = "haven-model";
constexpr std::int64_t major_version = 1, minor_version = 2;
constexpr std::int64_t minor_without_committee = 1;  // what older programs read
constexpr std::array<const char*, activation_count> activation_names{
    "identity", "tanh",     "silu",   "softplus",          "gelu",        "logistic",
    "relu",     "gaussian", "cosine", "reversed_logistic", "exponential", "harmonic"};
constexpr std::size_t most_layers = 64, most_members = 64;

std::string element_group(std::size_t index, int number) {
  return fmt::format("{:03}_{}", index, element_symbol(number));
}
std::string layer_group(std::size_t index) { return fmt::format("layer_{:03}", index); }
/// Member 0 is the element's network itself.
std::string member_group(std::size_t index) { return fmt::format("member_{:03}", index); }

[[noreturn]] void refuse(const std::string& path, const std::string& what) {
  throw ModelError(what, path, "The model is damaged or not made by Haven; take a copy or train it again.");
}

bool finite(const std::vector<double>& values) {
  return std::all_of(values.begin(), values.end(), [](double v) { return std::isfinite(v); });
}

/// What every model in a file fulfils, on the way out as on the way in.
class Validator {
 public:
  explicit Validator(const std::string& path) : path_(path) {}

  void check(const Model& model) const {
    require(h5::is_plain_name(model.kind), "the kind is no plain name");
    require(std::isfinite(model.cutoff) && model.cutoff > 0 && model.cutoff <= 1000, "the cut-off is out of range");
    require(std::isfinite(model.minimum_distance) && model.minimum_distance >= 0,
            "the minimum distance is out of range");
    require(model.repulsion.empty() || h5::is_plain_name(model.repulsion), "the repulsion is no plain name");
    require(!model.elements.empty() && model.elements.size() <= max_atomic_number, "there are no elements or too many");
    std::set<int> seen;
    for (const ModelElement& element : model.elements) {
      require(element.number >= 1 && element.number <= max_atomic_number, "an atomic number is out of range");
      require(seen.insert(element.number).second, "an element appears twice");
      check(element);
      require(1 + static_cast<Index>(element.committee.size()) == model.members(),
              "the elements have committees of different size");
    }
    for (const auto& [name, array] : model.parameters) check(name, array);
    for (const auto& [name, text] : model.provenance) {
      require(h5::is_plain_name(name), fmt::format("the provenance name \"{}\" is not plain", name));
      require(text.find('\0') == std::string::npos, fmt::format("the provenance text {} contains a zero byte", name));
    }
  }

 private:
  void require(bool condition, const std::string& what) const {
    if (!condition) refuse(path_, what);
  }

  void check(const ModelElement& e) const {
    const std::string of = fmt::format(" of {}", element_symbol(e.number));
    require(std::isfinite(e.mass) && e.mass > 0 && std::isfinite(e.reference_energy),
            "mass or reference energy" + of + " is out of range");
    const std::size_t features = e.feature_shift.size();
    require(e.feature_scale.size() == features, "feature shift and scale" + of + " differ in length");
    require(e.feature_min.size() == e.feature_max.size() && (e.feature_min.empty() || e.feature_min.size() == features),
            "feature ranges" + of + " differ in length");
    require(finite(e.feature_shift) && finite(e.feature_scale) && finite(e.feature_min) && finite(e.feature_max),
            "a feature shift, scale or range" + of + " is not finite");
    require(e.committee.size() < most_members, "the committee" + of + " is too large");
    check(e.network, features, of);
    for (const Network& network : e.committee) {
      check(network, features, of);
      require(network.layers.size() == e.network.layers.size() && !network.layers.empty(),
              "the networks of the committee" + of + " differ in their layers");
    }
  }

  void check(const Network& network, std::size_t features, const std::string& of) const {
    require(network.layers.size() <= most_layers, "the network" + of + " has too many layers");
    Index width = static_cast<Index>(features);
    for (const Layer& layer : network.layers) {
      const auto activation = static_cast<std::size_t>(layer.activation);
      require(layer.inputs == width && layer.outputs > 0 && activation < activation_names.size(),
              "the layers of the network" + of + " do not fit together");
      require(layer.bias.size() == static_cast<std::size_t>(layer.outputs) &&
                  layer.weights.size() == layer.bias.size() * static_cast<std::size_t>(layer.inputs),
              "weights or biases of the network" + of + " have the wrong number");
      require(finite(layer.weights) && finite(layer.bias), "a weight or bias of the network" + of + " is not finite");
      width = layer.outputs;
    }
    require(network.layers.empty() || width == 1, "the network" + of + " does not end in one output");
  }

  void check(const std::string& name, const Array& array) const {
    require(h5::is_plain_name(name), fmt::format("the parameter name \"{}\" is not plain", name));
    Index product = 1;
    for (const Index extent : array.shape) {
      require(extent >= 0 && extent <= (Index{1} << 31),
              fmt::format("the shape of parameter {} is out of range", name));
      product *= extent;
      require(product <= (Index{1} << 31), fmt::format("parameter {} is too large", name));
    }
    require(static_cast<int>(array.shape.size()) <= h5::max_rank && static_cast<Index>(array.values.size()) == product,
            fmt::format("the shape of parameter {} does not fit its values", name));
    require(finite(array.values), fmt::format("parameter {} holds a number that is not finite", name));
  }

  std::string path_;
};

void add_network(const Network& network, Sha256& hash) {
  hash.add(static_cast<std::int64_t>(network.layers.size()));
  for (const Layer& layer : network.layers) {
    hash.add(layer.inputs).add(layer.outputs).add(static_cast<std::int64_t>(layer.activation));
    hash.add(std::span(layer.weights)).add(std::span(layer.bias));
  }
}

Sha256 physics_hash(const Model& model) {
  Sha256 hash;
  hash.add("haven-model-1").add(model.kind).add(model.cutoff).add(model.minimum_distance).add(model.repulsion);
  hash.add(static_cast<std::int64_t>(model.elements.size()));
  for (const ModelElement& e : model.elements) {
    hash.add(std::int64_t{e.number}).add(e.mass).add(e.reference_energy);
    for (const auto* list : {&e.feature_shift, &e.feature_scale, &e.feature_min, &e.feature_max})
      hash.add(std::span(*list));
    add_network(e.network, hash);
    if (!e.committee.empty()) hash.add(static_cast<std::int64_t>(e.committee.size()));
    for (const Network& network : e.committee) add_network(network, hash);
  }
  hash.add(static_cast<std::int64_t>(model.parameters.size()));
  for (const auto& [name, array] : model.parameters)
    hash.add(name).add(std::span<const std::int64_t>(array.shape)).add(std::span(array.values));
  return hash;
}

void write_network(h5::Group group, const Network& network) {
  for (std::size_t k = 0; k < network.layers.size(); ++k) {
    const Layer& layer = network.layers[k];
    h5::Group stored = group.create_group(layer_group(k));
    stored.set("activation", activation_names[static_cast<std::size_t>(layer.activation)]);
    stored.write("weights", std::span<const double>(layer.weights), {layer.outputs, layer.inputs});
    stored.write("bias", layer.bias);
  }
}

void write_element(h5::Group group, const ModelElement& element) {
  group.set("number", std::int64_t{element.number});
  group.set("mass", element.mass);
  group.set("reference_energy", element.reference_energy);
  group.write("feature_shift", element.feature_shift);
  group.write("feature_scale", element.feature_scale);
  group.write("feature_min", element.feature_min);
  group.write("feature_max", element.feature_max);
  write_network(group.create_group("network"), element.network);
  if (element.committee.empty()) return;
  h5::Group committee = group.create_group("committee");
  for (std::size_t m = 0; m < element.committee.size(); ++m)
    write_network(committee.create_group(member_group(m + 1)), element.committee[m]);
}

void write_all(h5::Group root, const Model& model) {
  root.set("format", format_name);
  root.set("version",
           std::vector<std::int64_t>{major_version, model.members() > 1 ? minor_version : minor_without_committee});
  root.set("payload_sha256", model_payload_hash(model));
  h5::Group units = root.create_group("units");
  units.set("length", "angstrom");
  units.set("energy", "eV");
  units.set("mass", "amu");
  h5::Group contract = root.create_group("contract");
  contract.set("kind", model.kind);
  contract.set("cutoff", model.cutoff);
  contract.set("minimum_distance", model.minimum_distance);
  contract.set("repulsion", model.repulsion);
  h5::Group elements = root.create_group("elements");
  for (std::size_t k = 0; k < model.elements.size(); ++k)
    write_element(elements.create_group(element_group(k, model.elements[k].number)), model.elements[k]);
  h5::Group parameters = root.create_group("parameters");
  for (const auto& [name, array] : model.parameters)
    parameters.write(name, std::span<const double>(array.values), array.shape);
  h5::Group provenance = root.create_group("provenance");
  for (const auto& [name, text] : model.provenance) provenance.write_text(name, text);
}

/// Reads what is declared and refuses everything else.
class Reader {
 public:
  Reader(const std::string& path, Index file_size) : path_(path), bytes_left_(file_size) {}

  Model read(const h5::Group& root, Log* log) {
    expect_attributes(root, 3);
    if (!root.has_attribute("format") || root.text("format") != format_name)
      refuse(path_, "the file is not a Haven model");
    check_version(root, log);
    expect_entries(root, {"contract", "elements", "parameters", "provenance", "units"});
    check_units(root.group("units"));
    Model model;
    read_contract(root.group("contract"), model);
    read_elements(root.group("elements"), model);
    const h5::Group parameters = root.group("parameters");
    for (const h5::Entry& entry : entries_of(parameters, h5::EntryKind::dataset)) {
      const h5::Dataset data = parameters.dataset(entry.name);
      model.parameters[entry.name] = {data.shape(), numbers(data)};
    }
    const h5::Group provenance = root.group("provenance");
    for (const h5::Entry& entry : entries_of(provenance, h5::EntryKind::dataset))
      model.provenance[entry.name] = text(provenance.dataset(entry.name));
    return model;
  }

 private:
  void check_version(const h5::Group& root, Log* log) const {
    const std::vector<std::int64_t> version = root.integers("version");
    if (version.size() != 2 || version[0] != major_version)
      throw ModelError(fmt::format("model format version {} is not known to this program (it knows {})",
                                   version.empty() ? 0 : version[0], major_version),
                       path_, "Use the Haven version that wrote the model, or a newer one.");
    if (version[1] > minor_version && log != nullptr)
      log->warn("MF001",
                fmt::format("{} was written by a newer Haven (model format {}.{})", path_, version[0], version[1]));
  }

  void check_units(const h5::Group& units) const {
    expect_attributes(units, 3);
    expect_entries(units, {});
    if (units.text("length") != "angstrom" || units.text("energy") != "eV" || units.text("mass") != "amu")
      refuse(path_, "the units are not angstrom, eV, amu");
  }

  void read_contract(const h5::Group& contract, Model& model) const {
    expect_attributes(contract, 4);
    expect_entries(contract, {});
    model.kind = contract.text("kind");
    model.cutoff = contract.number("cutoff");
    model.minimum_distance = contract.number("minimum_distance");
    model.repulsion = contract.text("repulsion");
  }

  void read_elements(const h5::Group& group, Model& model) {
    const std::vector<h5::Entry> entries = entries_of(group, h5::EntryKind::group);
    if (entries.size() > max_atomic_number) refuse(path_, "there are too many elements");
    for (const h5::Entry& entry : entries) {
      const h5::Group stored = group.group(entry.name);
      expect_attributes(stored, 3);
      std::vector<std::string> members{"feature_max", "feature_min", "feature_scale", "feature_shift", "network"};
      const bool committee = stored.entries().size() > members.size();
      if (committee) members.insert(members.begin(), "committee");
      expect_entries(stored, members);
      const std::int64_t number = stored.integer("number");
      if (number < 1 || number > max_atomic_number) refuse(path_, "an atomic number is out of range");
      ModelElement element;
      element.number = static_cast<int>(number);
      if (entry.name != element_group(model.elements.size(), element.number))
        refuse(path_, fmt::format("the element group {} has an unexpected name", entry.name));
      element.mass = stored.number("mass");
      element.reference_energy = stored.number("reference_energy");
      element.feature_shift = list(stored.dataset("feature_shift"));
      element.feature_scale = list(stored.dataset("feature_scale"));
      element.feature_min = list(stored.dataset("feature_min"));
      element.feature_max = list(stored.dataset("feature_max"));
      read_network(stored.group("network"), element.network);
      if (committee) read_committee(stored.group("committee"), element);
      model.elements.push_back(std::move(element));
    }
  }

  void read_committee(const h5::Group& group, ModelElement& element) {
    const std::vector<h5::Entry> entries = entries_of(group, h5::EntryKind::group);
    if (entries.empty() || entries.size() >= most_members) refuse(path_, "a committee is empty or too large");
    expect_attributes(group, 0);
    for (const h5::Entry& entry : entries) {
      if (entry.name != member_group(element.committee.size() + 1))
        refuse(path_, "the members of a committee are not numbered from 1");
      read_network(group.group(entry.name), element.committee.emplace_back());
    }
  }

  void read_network(const h5::Group& group, Network& network) {
    const std::vector<h5::Entry> entries = entries_of(group, h5::EntryKind::group);
    if (entries.size() > most_layers) refuse(path_, "a network has too many layers");
    expect_attributes(group, 0);
    for (const h5::Entry& entry : entries) {
      if (entry.name != layer_group(network.layers.size()))
        refuse(path_, "the layers of a network are not numbered from 0");
      const h5::Group stored = group.group(entry.name);
      expect_attributes(stored, 1);
      expect_entries(stored, {"bias", "weights"});
      const h5::Dataset weights = stored.dataset("weights");
      const h5::Shape shape = weights.shape();
      if (shape.size() != 2) refuse(path_, "weights are not a matrix");
      const std::string activation = stored.text("activation");
      const auto* known = std::find(activation_names.begin(), activation_names.end(), activation);
      if (known == activation_names.end()) refuse(path_, "an activation function is not known");
      network.layers.push_back({.inputs = shape[1],
                                .outputs = shape[0],
                                .activation = static_cast<Activation>(known - activation_names.begin()),
                                .weights = numbers(weights),
                                .bias = list(stored.dataset("bias"))});
    }
  }

  void expect_attributes(const h5::Object& object, Index count) const {
    if (object.attribute_count() != count)
      refuse(path_, fmt::format("{} has unknown or missing attributes", object.location()));
  }
  void expect_entries(const h5::Group& group, const std::vector<std::string>& names) const {
    const std::vector<h5::Entry> entries = group.entries();
    const bool same = std::equal(entries.begin(), entries.end(), names.begin(), names.end(),
                                 [](const h5::Entry& entry, const std::string& name) { return entry.name == name; });
    if (!same) refuse(path_, fmt::format("{} has unknown or missing members", group.location()));
  }
  [[nodiscard]] std::vector<h5::Entry> entries_of(const h5::Group& group, h5::EntryKind kind) const {
    std::vector<h5::Entry> entries = group.entries();
    for (const h5::Entry& entry : entries)
      if (entry.kind != kind || !h5::is_plain_name(entry.name))
        refuse(path_, fmt::format("{} has an unknown member", group.location()));
    return entries;
  }

  /// Datasets of an honest file do not share bytes: all of them together fit into it.
  void charge(Index bytes) {
    if (bytes > bytes_left_) refuse(path_, "the datasets claim more bytes than the file has");
    bytes_left_ -= bytes;
  }
  std::vector<double> numbers(const h5::Dataset& data) {
    expect_attributes(data, 0);
    std::vector<double> values = data.read<double>();
    charge(static_cast<Index>(values.size() * sizeof(double)));
    return values;
  }
  std::vector<double> list(const h5::Dataset& data) {
    if (data.shape().size() != 1) refuse(path_, fmt::format("{} is not a list", data.location()));
    return numbers(data);
  }
  std::string text(const h5::Dataset& data) {
    expect_attributes(data, 0);
    std::string value = data.read_text();
    charge(static_cast<Index>(value.size()));
    return value;
  }

  std::string path_;
  Index bytes_left_;
};

}  // namespace

std::string model_hash(const Model& model) { return physics_hash(model).hex(); }

std::string model_payload_hash(const Model& model) {
  Sha256 hash = physics_hash(model);
  hash.add(static_cast<std::int64_t>(model.provenance.size()));
  for (const auto& [name, text] : model.provenance) hash.add(name).add(text);
  return hash.hex();
}

void write_model(FileSystem& files, const std::string& path, const Model& model) {
  Validator(path).check(model);
  h5::File file = h5::File::create_in_memory(path);
  write_all(file.root(), model);
  write_file_atomically(files, path, std::move(file).image());
}

void write_model(const std::string& path, const Model& model) {
  PosixFileSystem files;
  write_model(files, path, model);
}

Model read_model(const std::string& path, Log* log) {
  constexpr std::int64_t largest_model = std::int64_t{4} << 30;
  PosixFileSystem files;
  const std::vector<std::byte> bytes = read_file(files, path, largest_model);
  try {
    const h5::File file = h5::File::open_image(bytes, path);
    const h5::Group root = file.root();
    Model model = Reader(path, static_cast<Index>(bytes.size())).read(root, log);
    Validator(path).check(model);
    if (model_payload_hash(model) != root.text("payload_sha256")) refuse(path, "the content does not fit its checksum");
    return model;
  } catch (const IoError& error) {
    refuse(path, error.summary());
  }
}

}  // namespace haven
