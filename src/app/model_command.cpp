#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "app/commands.hpp"
#include "core/species.hpp"
#include "io/model_file.hpp"
#include "potentials/registry.hpp"

namespace haven {
namespace {

using Json = nlohmann::ordered_json;

Json json_of(const Model& model, const std::string& path) {
  Json elements = Json::array();
  Index parameters = 0;
  for (const auto& [name, array] : model.parameters) parameters += static_cast<Index>(array.values.size());
  for (const ModelElement& element : model.elements) {
    Json widths = Json::array();
    for (const Layer& layer : element.network.layers) {
      widths.push_back(layer.outputs);
      parameters += static_cast<Index>(layer.weights.size() + layer.bias.size());
    }
    elements.push_back({{"symbol", element_symbol(element.number)},
                        {"mass_amu", element.mass},
                        {"reference_energy_eV", element.reference_energy},
                        {"features", element.feature_shift.size()},
                        {"layers", widths}});
  }
  return {{"file", path},
          {"kind", model.kind},
          {"cutoff_A", model.cutoff},
          {"minimum_distance_A", model.minimum_distance},
          {"repulsion", model.repulsion},
          {"parameters", parameters},
          {"elements", elements},
          {"model_hash", model_hash(model)},
          {"payload_sha256", model_payload_hash(model)},
          {"evaluator", make_potential(model, Precision::mixed)->description()},
          {"provenance", model.provenance}};
}

std::string text_of(const Json& json) {
  std::string text = fmt::format("{}\n  kind {}, cut-off {} A, {} parameters\n  {}\n", json["file"].get<std::string>(),
                                 json["kind"].get<std::string>(), json["cutoff_A"].get<double>(),
                                 json["parameters"].get<Index>(), json["evaluator"].get<std::string>());
  text += fmt::format("  smallest distance in training {:.3f} A, repulsion below it: {}\n",
                      json["minimum_distance_A"].get<double>(), json["repulsion"].get<std::string>());
  for (const Json& element : json["elements"])
    text += fmt::format("  {:<2}  mass {:8.4f} amu   E0 {:12.6f} eV   {} features, layers {}\n",
                        element["symbol"].get<std::string>(), element["mass_amu"].get<double>(),
                        element["reference_energy_eV"].get<double>(), element["features"].get<Index>(),
                        element["layers"].dump());
  text += fmt::format("  hash {}\n", json["model_hash"].get<std::string>());
  for (const auto& [key, value] : json["provenance"].items()) {
    std::string line = value.get<std::string>();
    if (line.find('\n') != std::string::npos || line.size() > 160)
      line = fmt::format("({} characters; see --json -)", line.size());
    text += fmt::format("  {}: {}\n", key, line);
  }
  return text;
}

}  // namespace

ExitCode model_info(Session& session, const ModelInfoArguments& arguments) {
  on_root(session.world, [&] {
    const Json json = json_of(read_model(arguments.model, &session.log), arguments.model);
    if (arguments.json != "-") std::fputs(text_of(json).c_str(), stdout);
    write_json(arguments.json, json.dump(2));
  });
  return ExitCode::ok;
}

}  // namespace haven
