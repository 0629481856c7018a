#include <fmt/format.h>

#include <cstdio>
#include <filesystem>

#include "app/commands.hpp"
#include "app/model_text.hpp"
#include "io/model_file.hpp"
#include "potentials/committee/merge.hpp"
#include "potentials/registry.hpp"

namespace haven {

ExitCode model_info(Session& session, const ModelInfoArguments& arguments) {
  on_root(session.world, [&] {
    const Model model = read_model(arguments.model, &session.log);
    if (arguments.json != "-") std::fputs(model_text(model, arguments.model).c_str(), stdout);
    write_json(arguments.json, model_json(model, arguments.model));
  });
  return ExitCode::ok;
}

ExitCode model_merge(Session& session, const ModelMergeArguments& arguments) {
  on_root(session.world, [&] {
    std::vector<Model> models;
    std::string members;
    for (const std::string& path : arguments.models) {
      models.push_back(read_model(path, &session.log));
      members +=
          fmt::format("{} model hash {}\n", std::filesystem::path(path).filename().string(), model_hash(models.back()));
    }
    Model committee = merge_committee(models, arguments.models);
    committee.provenance["committee"] = members;
    static_cast<void>(make_potential(committee, Precision::float64));
    write_model(arguments.output, committee);
    session.log.info(fmt::format("wrote {}", arguments.output));
    if (arguments.json != "-") std::fputs(model_text(committee, arguments.output).c_str(), stdout);
    write_json(arguments.json, model_json(committee, arguments.output));
  });
  return ExitCode::ok;
}

}  // namespace haven
