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

/// The split that training wrote: beside the model, or in the run folder of the dataset.
std::string split_of(const TestArguments& arguments) {
  namespace fs = std::filesystem;
  for (const fs::path& folder :
       {fs::path(arguments.model).parent_path(), fs::path(arguments.set).parent_path() / "model"})
    if (fs::exists(folder / split_file_name)) return (folder / split_file_name).string();
  throw InputError(fmt::format("which frames are the {} part is not known: no {}", arguments.part, split_file_name),
                   arguments.set, "Give the model and the data.h5 of a run folder, or test all frames.");
}

std::vector<Frame> part_of(const TestArguments& arguments) {
  std::vector<Frame> frames = frames_of(arguments.set);
  if (arguments.part == "all") return frames;
  const std::string split = split_of(arguments);
  return select_part(std::move(frames), read_split(split), arguments.part, split);
}

}  // namespace

ExitCode test_model(Session& session, const TestArguments& arguments) {
  on_root(session.world, [&] {
    const Model model = read_model(arguments.model, &session.log);
    const auto potential = make_potential(model, precision_of(arguments.precision));
    const std::vector<Frame> frames = part_of(arguments);
    const ModelErrors errors = test_frames(*potential, frames, arguments.set, session.log);
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
