#include <cstdio>

#include "app/commands.hpp"
#include "app/model_text.hpp"
#include "io/model_file.hpp"

namespace haven {

ExitCode model_info(Session& session, const ModelInfoArguments& arguments) {
  on_root(session.world, [&] {
    const Model model = read_model(arguments.model, &session.log);
    if (arguments.json != "-") std::fputs(model_text(model, arguments.model).c_str(), stdout);
    write_json(arguments.json, model_json(model, arguments.model));
  });
  return ExitCode::ok;
}

}  // namespace haven
