#include "app/model_text.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "core/species.hpp"
#include "io/model_file.hpp"
#include "potentials/registry.hpp"

namespace haven {
namespace {

using Json = nlohmann::ordered_json;

const char* activation_name(Activation activation) {
  static constexpr const char* names[activation_count] = {
      "identity", "tanh",     "silu",   "softplus",          "gelu",        "logistic",
      "relu",     "gaussian", "cosine", "reversed_logistic", "exponential", "harmonic"};
  return names[static_cast<std::size_t>(activation)];
}

Json element_json(const ModelElement& element, const CentreDescriptor& centre) {
  Json widths = Json::array(), activations = Json::array();
  for (const Layer& layer : element.network.layers) {
    widths.push_back(layer.outputs);
    activations.push_back(activation_name(layer.activation));
  }
  int l_max = 0;
  for (const int l : centre.channel_l_max) l_max = std::max(l_max, l);
  return {{"symbol", element_symbol(element.number)},
          {"mass_amu", element.mass},
          {"reference_energy_eV", element.reference_energy},
          {"features", element.feature_shift.size()},
          {"feature_ranges", !element.feature_min.empty()},
          {"channels", centre.channels()},
          {"l_max", l_max},
          {"moment_products", centre.products.size()},
          {"explicit_triplets", centre.triplets.size()},
          {"layers", widths},
          {"activations", activations}};
}

Json json_of(const Model& model, const std::string& path) {
  const Descriptor descriptor = describe(model);
  Json elements = Json::array();
  Index parameters = 0;
  for (const auto& [name, array] : model.parameters) parameters += static_cast<Index>(array.values.size());
  for (std::size_t a = 0; a < model.elements.size(); ++a) {
    for (const Layer& layer : model.elements[a].network.layers)
      parameters += model.members() * static_cast<Index>(layer.weights.size() + layer.bias.size());
    elements.push_back(element_json(model.elements[a], descriptor.centres[a]));
  }
  double wall = 0;
  for (const PairRepulsion& pair : descriptor.repulsion) wall = std::max(wall, pair.outer);
  Json repulsion = model.repulsion;
  if (wall > 0) repulsion = fmt::format("part of the potential, up to {:.3f} A", wall);
  return {{"file", path},
          {"kind", model.kind},
          {"cutoff_A", model.cutoff},
          {"minimum_distance_A", model.minimum_distance},
          {"repulsion", repulsion},
          {"parameters", parameters},
          {"members", model.members()},
          {"elements", elements},
          {"model_hash", model_hash(model)},
          {"payload_sha256", model_payload_hash(model)},
          {"evaluator", make_potential(model, Precision::mixed)->description()},
          {"provenance", model.provenance}};
}

std::string network_text(const Json& element) {
  std::string text;
  for (std::size_t k = 0; k < element["layers"].size(); ++k)
    text += fmt::format("{}{} {}", k == 0 ? "" : ", ", element["layers"][k].get<Index>(),
                        element["activations"][k].get<std::string>());
  return text;
}

std::string elements_text(const Json& json) {
  std::string text;
  bool ranges = true;
  for (const Json& e : json["elements"]) {
    std::string built = fmt::format("{} channels, l up to {}", e["channels"].get<Index>(), e["l_max"].get<int>());
    if (e["moment_products"].get<Index>() > 0) built += fmt::format(", {} products", e["moment_products"].get<Index>());
    if (e["explicit_triplets"].get<Index>() > 0)
      built += fmt::format(", {} explicit triplet functions", e["explicit_triplets"].get<Index>());
    text += fmt::format("  {:<2}  mass {:8.4f} amu   E0 {:12.6f} eV   {} features ({})   network {}\n",
                        e["symbol"].get<std::string>(), e["mass_amu"].get<double>(),
                        e["reference_energy_eV"].get<double>(), e["features"].get<Index>(), built, network_text(e));
    ranges = ranges && e["feature_ranges"].get<bool>();
  }
  text += ranges ? "  atoms outside the training range are counted in MD\n"
                 : "  the training range is not known: MD cannot count atoms outside of it\n";
  return text;
}

}  // namespace

std::string model_text(const Model& model, const std::string& path) {
  const Json json = json_of(model, path);
  std::string text = fmt::format("{}\n  kind {}, cut-off {:.6g} A, {} parameters\n  {}\n", path, model.kind,
                                 model.cutoff, json["parameters"].get<Index>(), json["evaluator"].get<std::string>());
  if (model.members() > 1)
    text += fmt::format("  a committee of {}: forces are those of the mean, with their deviation\n", model.members());
  text += model.minimum_distance > 0 ? fmt::format("  smallest distance in training {:.3f} A, repulsion below it: {}\n",
                                                   model.minimum_distance, json["repulsion"].get<std::string>())
                                     : fmt::format("  smallest distance in training not known; repulsion: {}\n",
                                                   json["repulsion"].get<std::string>());
  text += elements_text(json);
  text += fmt::format("  hash {}\n", json["model_hash"].get<std::string>());
  for (const auto& [key, value] : model.provenance) {
    std::string line = value;
    if (line.size() > 400) line = fmt::format("({} characters; see --json -)", line.size());
    while (!line.empty() && line.back() == '\n') line.pop_back();
    for (std::size_t at = line.find('\n'); at != std::string::npos; at = line.find('\n', at + 1))
      line.replace(at, 1, "\n    ");
    text += fmt::format("  {}: {}\n", key, line);
  }
  return text;
}

std::string model_json(const Model& model, const std::string& path) { return json_of(model, path).dump(2); }

}  // namespace haven
