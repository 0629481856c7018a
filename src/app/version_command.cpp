#include <fmt/format.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "app/commands.hpp"
#include "app/config.hpp"
#include "app/training_module.hpp"

namespace haven {

ExitCode print_schema(Session& session, const SchemaArguments& arguments) {
  on_root(session.world, [&] {
    write_json("-", arguments.form == SchemaArguments::Form::json ? config_json_schema() : config_markdown());
  });
  return ExitCode::ok;
}

ExitCode print_version(Session& session, const VersionArguments& arguments) {
  on_root(session.world, [&] {
#ifdef HAVEN_HAVE_MPI
    const char* mpi = "yes";
#else
    const char* mpi = "no";
#endif
    const std::string training = training_module_path();
    const nlohmann::ordered_json json{{"version", HAVEN_VERSION},
                                      {"mpi", mpi},
                                      {"training_module", training.empty() ? "not built" : training},
                                      {"compiler", __VERSION__},
                                      {"configuration_schema", 1}};
    if (arguments.json != "-")
      fmt::print("{}\n  mpi: {}\n  training module: {}\n  compiler: g++ {}\n", version_text(), mpi,
                 training.empty() ? "not built" : training, __VERSION__);
    write_json(arguments.json, json.dump(2));
  });
  return ExitCode::ok;
}

}  // namespace haven
