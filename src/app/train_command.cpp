#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>

#include "app/frames_of.hpp"
#include "app/model_test.hpp"
#include "app/options.hpp"
#include "app/pipeline.hpp"
#include "app/training_module.hpp"
#include "io/dataset_file.hpp"
#include "io/model_file.hpp"
#include "md/agreement.hpp"
#include "potentials/committee/merge.hpp"
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

/// Which inputs the files in model/ belong to, and which models of the committee are finished: model/training.json.
struct TrainingMark {
  struct Finished {
    std::string model_hash;
    Index epochs = 0;
  };
  std::string inputs;
  std::vector<Finished> finished;
};

constexpr const char* mark_path = "model/training.json";

TrainingMark read_mark(const RunLayout& layout) {
  TrainingMark mark;
  if (!fs::exists(layout.at(mark_path))) return mark;
  const auto json = nlohmann::json::parse(read_text_file(layout.at(mark_path)), nullptr, false);
  if (json.is_discarded()) return mark;
  mark.inputs = json.value("inputs", "");
  for (const auto& item : json.value("finished", nlohmann::json::array()))
    mark.finished.push_back({item.value("model_hash", ""), item.value("epochs", Index{0})});
  return mark;
}

void write_mark(const RunLayout& layout, const TrainingMark& mark) {
  nlohmann::ordered_json json{{"inputs", mark.inputs}, {"finished", nlohmann::ordered_json::array()}};
  for (const auto& model : mark.finished)
    json["finished"].push_back({{"model_hash", model.model_hash}, {"epochs", model.epochs}});
  write_text_file(layout.at(mark_path), json.dump() + "\n");
}

/// Makes model/ the folder of these inputs: files of others are set aside. Returns the number of finished models.
std::size_t prepare_folder(RunContext& run, const std::string& inputs) {
  TrainingMark mark = read_mark(run.layout);
  if (mark.inputs != inputs) {
    if (fs::exists(run.layout.at("model")))
      run.session.log.info(
          fmt::format("earlier training with other inputs is kept as {}", set_aside(run.layout.at("model"))));
    fs::create_directories(run.layout.at("model"));
    mark = {.inputs = inputs, .finished = {}};
  }
  const std::vector<std::string> files = run.layout.model_files(run.config);
  std::size_t intact = 0;
  while (intact < std::min(files.size(), mark.finished.size()) && fs::exists(files[intact]) &&
         model_hash(read_model(files[intact])) == mark.finished[intact].model_hash)
    ++intact;
  // All intact, and yet this step has to run: another output is missing, so the last one is made from its checkpoint.
  mark.finished.resize(std::min(intact, files.size() - 1));
  write_mark(run.layout, mark);
  return mark.finished.size();
}

/// File names of a model's training begin with this.
std::string prefix_of(std::size_t member) { return member == 0 ? "" : fmt::format("member{}_", member + 1); }

std::string percent_or_dash(double value, double scale) {
  return value < 0 ? "-" : fmt::format("{:.1f}", value * scale);
}

void finish_model(RunContext& run, std::size_t member, TrainResult& result) {
  Model& model = result.model;
  model.provenance["created_by"] = version_text();
  model.provenance["dataset_sha256"] = run.book->fact("data", "dataset_sha256");
  model.provenance["seed"] = std::to_string(run.config.seed + member);
  model.provenance["configuration"] = effective_section(run.config, "model") + effective_section(run.config, "train");
  const std::string path = run.layout.model_files(run.config)[member];
  write_model(path, model);
  run.session.log.info(fmt::format("training ended after epoch {} ({}); best epoch {}: valid E {} meV/atom, F {} meV/A",
                                   result.epochs, result.reason, result.best_epoch,
                                   percent_or_dash(result.valid.energy, 1e3),
                                   percent_or_dash(result.valid.force, 1e3)));
  run.session.log.info(fmt::format("training time {:.1f} min; wrote {}", result.minutes, path));
  TrainingMark mark = read_mark(run.layout);
  mark.finished.push_back({model_hash(model), result.epochs});
  write_mark(run.layout, mark);
}

/// All members as one model, which their shared descriptor allows; empty where there is no such model.
std::string committee_file(const RunContext& run) {
  if (run.config.model.committee < 2 || run.config.model.committee_descriptor != "shared") return "";
  const fs::path first = run.layout.model_file(run.config);
  return (first.parent_path() / (first.stem().string() + "_committee.haven")).string();
}

void write_committee(RunContext& run) {
  const std::string path = committee_file(run);
  if (path.empty()) return;
  const std::vector<std::string> files = run.layout.model_files(run.config);
  std::vector<Model> models;
  for (const std::string& file : files) models.push_back(read_model(file));
  write_model(path, merge_committee(models, files));
  run.session.log.info(fmt::format("wrote all {} models as one: {}", files.size(), path));
}

void record_training(RunContext& run, const StepPlan& plan) {
  const TrainingMark mark = read_mark(run.layout);
  std::vector<std::string> outputs;
  for (const std::string& file : run.layout.model_files(run.config))
    outputs.push_back("model/" + fs::path(file).filename().string());
  for (const char* name : {"model/lcurve.csv", "model/split.csv"})
    if (fs::exists(run.layout.at(name))) outputs.emplace_back(name);
  if (const std::string path = committee_file(run); !path.empty())
    outputs.push_back("model/" + fs::path(path).filename().string());
  run.book->record("train", plan.inputs,
                   {.files = outputs,
                    .facts = {{"model_hash", mark.finished.front().model_hash},
                              {"epochs", std::to_string(mark.finished.front().epochs)}}});
}

/// The models of a committee differ in their seed, and so in initial weights and the order of batches, but share the
/// split: the test part is unseen by all.
TrainResult train_model(RunContext& run, const std::vector<Frame>& frames, std::size_t member) {
  TrainOptions options = train_options(run.config);
  options.seed += member;
  std::vector<Part> parts;
  std::optional<Model> first;
  Agreement agreement(run.session.world);
  agreement.attempt([&] {
    if (member == 0) return;
    parts = read_split(run.layout.at("model/split.csv"));
    if (run.config.model.committee_descriptor == "shared") first = read_model(run.layout.model_file(run.config));
  });
  agreement.settle();
  if (run.config.model.committee > 1)
    run.session.log.info(fmt::format("model {} of {}", member + 1, run.config.model.committee));
  return run_training_module({.options = options,
                              .frames = frames,
                              .parts = parts,
                              .group = &run.session.world,
                              .log = &run.session.log,
                              .share = first ? &*first : nullptr,
                              .stop_reason = [&] { return run.stop.reason(); },
                              .folder = run.layout.at("model"),
                              .prefix = prefix_of(member),
                              .start = TrainRequest::Start::resume});
}

}  // namespace

StepEnd train_step(RunContext& run) {
  Communicator& world = run.session.world;
  const StepPlan plan = plan_step(run, "train", [&] { return train_inputs(run); });
  if (!plan.run) return StepEnd::skipped;
  const std::string finished = from_root(world, [&] { return std::to_string(prepare_folder(run, plan.inputs)); });
  Agreement agreement(world);
  std::vector<Frame> frames;
  agreement.attempt([&] { frames = read_dataset(run.layout.at("data.h5")).frames; });
  agreement.settle();
  const auto models = static_cast<std::size_t>(run.config.model.committee);
  for (std::size_t member = std::stoul(finished); member < models; ++member) {
    TrainResult result = train_model(run, frames, member);
    if (result.status == TrainResult::Status::checkpointed) {
      run.session.log.info("training stopped after a checkpoint: " + result.reason);
      return StepEnd::stopped;
    }
    on_root(world, [&] { finish_model(run, member, result); });
  }
  on_root(world, [&] {
    write_committee(run);
    record_training(run, plan);
  });
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
