#pragma once
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "analysis/arrhenius.hpp"
#include "app/commands.hpp"
#include "app/config.hpp"
#include "app/step_book.hpp"
#include "core/stop_request.hpp"

namespace haven {

/// Names inside a run folder.
struct RunLayout {
  std::string root;
  [[nodiscard]] std::string at(const std::string& relative) const {
    return (std::filesystem::path(root) / relative).string();
  }
  /// The existing model that the input file names, else the one that is trained in this run.
  [[nodiscard]] std::string model_file(const Config& config) const {
    return config.model.file.empty() ? at("model/" + config.name + ".haven") : resolve_path(config, config.model.file);
  }
  /// All models of the committee, that of model_file() first.
  [[nodiscard]] std::vector<std::string> model_files(const Config& config) const;
  /// md/T600/r0
  [[nodiscard]] static std::string job(double temperature, int replica);
};

/// What the steps of a run share. The same on every rank, except for `book`, which rank 0 alone uses.
struct RunContext {
  Session& session;
  Config config;
  RunLayout layout;
  StepBook* book = nullptr;
  const StopRequest& stop;
  int groups = 0;
};

enum class StepEnd { done, skipped, stopped };

// The steps of `haven run`. Collective. Each looks whether it is done for the present inputs, else runs and ends its
// entry in the book. StepEnd::stopped: a stop was requested, everything needed to continue is on the disk.
StepEnd data_step(RunContext& run);
StepEnd train_step(RunContext& run);
StepEnd test_step(RunContext& run);
StepEnd md_step(RunContext& run);
StepEnd transport_step(RunContext& run);
StepEnd report_step(RunContext& run);

/// Why the answer that the input file asks for is refused; empty when it is determined. One temperature: the first of
/// `transport.quantities` that is refused; a ladder: the value at the target temperature.
[[nodiscard]] std::string refusal(const Config& config, std::span<const TransportResult> results,
                                  const ArrheniusResult& arrhenius);

/// Whether the step has to run, agreed on by all ranks; says on the log why, or that it is skipped. `inputs` is
/// evaluated on rank 0.
struct StepPlan {
  bool run = true;
  std::string inputs;  ///< hash, on every rank
};
[[nodiscard]] StepPlan plan_step(RunContext& run, const std::string& step, const std::function<std::string()>& inputs);

/// SHA-256 over texts in this order.
[[nodiscard]] std::string hash_of(const std::vector<std::string>& parts);

}  // namespace haven
