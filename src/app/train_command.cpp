#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "app/frames_of.hpp"
#include "app/model_test.hpp"
#include "app/options.hpp"
#include "app/pipeline.hpp"
#include "app/training_module.hpp"
#include "io/dataset_file.hpp"
#include "io/model_file.hpp"
#include "md/agreement.hpp"
#include "potentials/registry.hpp"

namespace haven {
namespace {

namespace fs = std::filesystem;

/// Settings that change how training runs, but not its result, take no part in deciding whether it has to run again.
std::string train_inputs(RunContext& run) {
  Config config = run.config;
  config.train.checkpoint_s = TrainConfig{}.checkpoint_s;
  config.train.threads = 0;
  std::vector<std::string> parts{
      "train 1",
      effective_section(config, "model"),
      effective_section(config, "train"),
      fmt::format("{} {} {}", config.data.split.by, config.data.split.valid, config.data.split.test),
      std::to_string(config.seed),
      run.book->fact("data", "dataset_sha256")};
  parts.insert(parts.end(), config.elements.begin(), config.elements.end());
  return hash_of(parts);
}

/// Says for which inputs the files in model/ are being made. Returns how to start: files of other inputs are set aside.
TrainRequest::Start prepare_folder(RunContext& run, const std::string& inputs) {
  const std::string folder = run.layout.at("model"), mark = run.layout.at("model/training.json");
  if (fs::exists(mark)) {
    const auto json = nlohmann::json::parse(read_text_file(mark), nullptr, false);
    if (!json.is_discarded() && json.value("inputs", "") == inputs) return TrainRequest::Start::resume;
    run.session.log.info(fmt::format("earlier training with other inputs is kept as {}", set_aside(folder)));
  }
  fs::create_directories(folder);
  write_text_file(mark, nlohmann::json{{"inputs", inputs}}.dump() + "\n");
  return TrainRequest::Start::fresh;
}

std::string percent_or_dash(double value, double scale) {
  return value < 0 ? "-" : fmt::format("{:.1f}", value * scale);
}

void finish_training(RunContext& run, const StepPlan& plan, TrainResult& result) {
  Model& model = result.model;
  model.provenance["created_by"] = version_text();
  model.provenance["dataset_sha256"] = run.book->fact("data", "dataset_sha256");
  model.provenance["seed"] = std::to_string(run.config.seed);
  model.provenance["configuration"] = effective_section(run.config, "model") + effective_section(run.config, "train");
  const std::string path = run.layout.model_file(run.config);
  write_model(path, model);
  run.session.log.info(fmt::format("training ended after epoch {} ({}); best epoch {}: valid E {} meV/atom, F {} meV/A",
                                   result.epochs, result.reason, result.best_epoch,
                                   percent_or_dash(result.valid.energy, 1e3),
                                   percent_or_dash(result.valid.force, 1e3)));
  run.session.log.info(fmt::format("training time {:.1f} min; wrote {}", result.minutes, path));
  std::vector<std::string> outputs{fmt::format("model/{}.haven", run.config.name)};
  for (const char* name : {"model/lcurve.csv", "model/split.csv"})
    if (fs::exists(run.layout.at(name))) outputs.emplace_back(name);
  run.book->record(
      "train", plan.inputs,
      {.files = outputs, .facts = {{"model_hash", model_hash(model)}, {"epochs", std::to_string(result.epochs)}}});
}

}  // namespace

StepEnd train_step(RunContext& run) {
  Communicator& world = run.session.world;
  const StepPlan plan = plan_step(run, "train", [&] { return train_inputs(run); });
  if (!plan.run) return StepEnd::skipped;
  const std::string start = from_root(
      world, [&] { return prepare_folder(run, plan.inputs) == TrainRequest::Start::resume ? "resume" : "fresh"; });
  Agreement agreement(world);
  std::vector<Frame> frames;
  agreement.attempt([&] { frames = read_dataset(run.layout.at("data.h5")).frames; });
  agreement.settle();
  const TrainRequest request{.options = train_options(run.config),
                             .frames = frames,
                             .parts = {},
                             .group = &world,
                             .log = &run.session.log,
                             .stop_reason = [&] { return run.stop.reason(); },
                             .folder = run.layout.at("model"),
                             .prefix = "",
                             .start = start == "resume" ? TrainRequest::Start::resume : TrainRequest::Start::fresh};
  TrainResult result = run_training_module(request);
  if (result.status == TrainResult::Status::checkpointed) {
    run.session.log.info("training stopped after a checkpoint: " + result.reason);
    return StepEnd::stopped;
  }
  on_root(world, [&] { finish_training(run, plan, result); });
  return StepEnd::done;
}

namespace {

/// Tables, figures and errors.json of all parts. Rank 0.
void test_parts(RunContext& run, const StepPlan& plan) {
  const Model model = read_model(run.layout.model_file(run.config), &run.session.log);
  const auto potential = make_potential(model, precision_of(run.config.md.precision));
  const std::vector<Frame> frames = frames_of(run.layout.at("data.h5"));
  const std::string split = run.layout.at("model/split.csv");
  const std::vector<Part> parts = read_split(split);
  std::vector<std::string> outputs{"model/errors.json"};
  nlohmann::ordered_json json;
  std::vector<std::pair<std::string, ModelErrors>> errors;
  for (const Part part : {Part::train, Part::valid, Part::test}) {
    if (std::find(parts.begin(), parts.end(), part) == parts.end()) continue;
    const std::string name = part_name(part);
    errors.emplace_back(name, test_frames(*potential, select_part(frames, parts, name, split), name, run.session.log));
    json[name] = nlohmann::ordered_json::parse(to_json(errors.back().second));
    for (const std::string& path : write_error_tables(errors.back().second, run.layout.at("model"), name + "_"))
      outputs.push_back("model/" + fs::path(path).filename().string());
    run.session.log.info(fmt::format("errors of the {} part\n{}", name, to_text(errors.back().second)));
  }
  if (run.config.output.plots == "svg") {
    std::vector<std::pair<std::string, const ModelErrors*>> drawn;
    for (const auto& [name, item] : errors) drawn.emplace_back(name, &item);
    for (const std::string& path : write_parity_figures(drawn, run.layout.at("model")))
      outputs.push_back("model/" + fs::path(path).filename().string());
  }
  write_text_file(run.layout.at("model/errors.json"), json.dump(2) + "\n");
  run.book->record("test", plan.inputs, {.files = outputs});
}

}  // namespace

StepEnd test_step(RunContext& run) {
  const StepPlan plan = plan_step(run, "test", [&] {
    return hash_of({"test 1", run.book->file_hash(run.layout.model_file(run.config)),
                    run.book->fact("data", "dataset_sha256"), run.config.md.precision, run.config.output.plots});
  });
  if (!plan.run) return StepEnd::skipped;
  on_root(run.session.world, [&] { test_parts(run, plan); });
  return StepEnd::done;
}

}  // namespace haven
