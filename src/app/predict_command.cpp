#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "app/commands.hpp"
#include "app/frames_of.hpp"
#include "app/options.hpp"
#include "app/threads.hpp"
#include "core/units.hpp"
#include "io/extxyz.hpp"
#include "io/model_file.hpp"
#include "potentials/registry.hpp"
#include "potentials/structure_evaluation.hpp"

namespace haven {
namespace {

using Json = nlohmann::ordered_json;

Json rows_of(const std::vector<Vec3>& vectors) {
  Json rows = Json::array();
  for (const Vec3& v : vectors) rows.push_back({v.x, v.y, v.z});
  return rows;
}

Json json_of(const Frame& frame, const StructureEvaluation& result) {
  Json stress = Json::array();
  for (int i = 0; i < 3; ++i) stress.push_back({result.stress[i].x, result.stress[i].y, result.stress[i].z});
  Json json{
      {"file", frame.source.path},
      {"index", frame.source.index},
      {"formula", composition(frame.structure)},
      {"n_atoms", frame.structure.size()},
      {"energy_eV", result.energy},
      {"energy_eV_per_atom", result.energy / static_cast<double>(frame.structure.size())},
      {"forces_eV_per_A", rows_of(result.forces)},
      {"stress_eV_per_A3", stress},
      {"pressure_GPa", -(result.stress[0].x + result.stress[1].y + result.stress[2].z) / 3 * units::ev_per_a3_in_gpa},
      {"atoms_outside_training_range", result.extrapolating}};
  if (result.force_deviations.empty()) return json;
  json["energy_deviation_eV"] = result.energy_deviation;
  json["force_deviations_eV_per_A"] = result.force_deviations;
  json["max_force_deviation_eV_per_A"] =
      *std::max_element(result.force_deviations.begin(), result.force_deviations.end());
  return json;
}

}  // namespace

ExitCode predict(Session& session, const PredictArguments& arguments) {
  on_root(session.world, [&] {
    const Model model = read_model(arguments.model, &session.log);
    const auto potential = make_potential(model, precision_of(arguments.precision));
    std::vector<Frame> predicted;
    Json json = Json::array();
    Index outside = 0;
    for (const std::string& path : arguments.structures) {
      for (Frame& frame : frames_of(path)) {
        if (frame.structure.size() == 0)
          throw InputError("has no atoms", path, "Give structures with at least one atom.");
        use_threads_for(frame.structure.size());
        const StructureEvaluation result = evaluate_structure(*potential, frame.structure, Wanted::deviation);
        frame.energy = result.energy;
        frame.forces = result.forces;
        frame.stress = result.stress;
        outside += result.extrapolating > 0 ? 1 : 0;
        if (!arguments.json.empty()) json.push_back(json_of(frame, result));
        predicted.push_back(std::move(frame));
      }
    }
    if (outside > 0)
      session.log.warn("PR001", fmt::format("{} of {} structures have atoms outside the training range of the model",
                                            outside, predicted.size()));
    if (!arguments.output.empty()) {
      write_extxyz(arguments.output, predicted);
      session.log.info(fmt::format("wrote {} ({} structures)", arguments.output, predicted.size()));
    } else if (arguments.json != "-") {
      for (const Frame& frame : predicted) std::fputs(extxyz_text(frame).c_str(), stdout);
    }
    if (!arguments.json.empty())
      write_json(arguments.json,
                 Json{{"model", arguments.model}, {"model_hash", model_hash(model)}, {"structures", json}}.dump(2));
  });
  return ExitCode::ok;
}

}  // namespace haven
