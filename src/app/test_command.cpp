#include <fmt/format.h>

#include <filesystem>

#include "analysis/model_errors.hpp"
#include "app/commands.hpp"
#include "app/frames_of.hpp"
#include "app/model_test.hpp"
#include "app/options.hpp"
#include "io/model_file.hpp"
#include "potentials/registry.hpp"

namespace haven {
namespace {

/// Frames of one part of a dataset, by the split.csv that training wrote beside it.
std::vector<Frame> part_of(const TestArguments& arguments) {
  std::vector<Frame> frames = frames_of(arguments.set);
  if (arguments.part == "all") return frames;
  const std::string split = (std::filesystem::path(arguments.set).parent_path() / split_file_name).string();
  return select_part(std::move(frames), read_split(split), arguments.part, split);
}

}  // namespace

ExitCode test_model(Session& session, const TestArguments& arguments) {
  on_root(session.world, [&] {
    const Model model = read_model(arguments.model, &session.log);
    const auto potential = make_potential(model, precision_of(arguments.precision));
    const std::vector<Frame> frames = part_of(arguments);
    const ModelErrors errors = evaluate_errors(*potential, frames, [&](Index done, Index total) {
      session.log.progress(fmt::format("tested {} of {} structures", done, total));
    });
    session.log.info(to_text(errors));
    if (!arguments.folder.empty()) {
      std::filesystem::create_directories(arguments.folder);
      for (const std::string& path : write_error_tables(errors, arguments.folder)) session.log.info("wrote " + path);
      for (const std::string& path : write_parity_figures({{"", &errors}}, arguments.folder))
        session.log.info("wrote " + path);
    }
    write_json(arguments.json, to_json(errors));
  });
  return ExitCode::ok;
}

}  // namespace haven
