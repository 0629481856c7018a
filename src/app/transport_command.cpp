#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <sstream>

#include "analysis/trajectory_source.hpp"
#include "analysis/transport_output.hpp"
#include "app/analysis_inputs.hpp"
#include "app/commands.hpp"
#include "app/options.hpp"
#include "app/pipeline.hpp"

namespace haven {
namespace {

namespace fs = std::filesystem;

std::string in_folder(const std::string& folder, const std::string& name) { return (fs::path(folder) / name).string(); }

}  // namespace

ExitCode transport_analysis(Session& session, const TransportArguments& arguments) {
  const std::string refused = from_root(session.world, [&] {
    std::vector<std::unique_ptr<TrajectorySource>> sources;
    for (const std::string& path : arguments.trajectories) sources.push_back(open_for_diffusion(path, arguments));
    TransportResult result = analyse_transport(std::move(sources), options_of(arguments), session.log);
    result.label = fmt::format("T{:g}", result.temperature_K);
    session.log.info(transport_text(result));
    if (!arguments.folder.empty()) {
      fs::create_directories(arguments.folder);
      write_text_file(in_folder(arguments.folder, "transport.json"), transport_ladder_json({&result, 1}, nullptr));
      write_text_file(in_folder(arguments.folder, fmt::format("msd_{}.csv", result.label)), curves_csv(result));
      write_text_file(in_folder(arguments.folder, fmt::format("msd_{}.svg", result.label)), msd_svg(result));
    }
    write_json(arguments.json, transport_json(result));
    return arguments.quantity == "msd" ? result.tracer.iso.refused : result.refused;
  });
  if (refused.empty()) return ExitCode::ok;
  throw NotDetermined(refused, fmt::format("haven transport {}", arguments.quantity),
                      "The result says which bound the data give and how much longer the runs would have to be.");
}

ExitCode arrhenius_analysis(Session& session, const ArrheniusArguments& arguments) {
  const std::string refused = from_root(session.world, [&] {
    std::vector<TransportResult> results;
    const std::vector<std::string> runs = arguments.runs.empty() ? std::vector<std::string>{"run"} : arguments.runs;
    for (const std::string& run : runs)
      for (TransportResult& result : transport_results(run)) results.push_back(std::move(result));
    const ArrheniusResult result = fit_arrhenius(results, {.target_K = arguments.target, .model = arguments.model});
    session.log.info(arrhenius_text(results, result));
    if (!arguments.folder.empty()) {
      fs::create_directories(arguments.folder);
      write_text_file(in_folder(arguments.folder, "arrhenius.json"), arrhenius_json(result));
      write_text_file(in_folder(arguments.folder, "arrhenius.csv"), arrhenius_csv(result));
      write_text_file(in_folder(arguments.folder, "arrhenius.svg"), arrhenius_svg(result));
    }
    write_json(arguments.json, arrhenius_json(result));
    return result.refused;
  });
  if (refused.empty()) return ExitCode::ok;
  throw NotDetermined(refused, "haven transport arrhenius",
                      "Add temperatures or longer runs; the table shows what is known.");
}

namespace {

const StageConfig* transport_stage(const Config& config) {
  for (const StageConfig& stage : config.md.stages)
    if (stage.transport) return &stage;
  return nullptr;
}

/// The nominal temperature where a thermostat holds it; at constant energy the mean of what the runs had.
double temperature_of(const RunContext& run, double nominal, const StageConfig* stage) {
  if (stage == nullptr || stage->ensemble != "nve") return nominal;
  double sum = 0;
  for (int replica = 0; replica < run.config.md.replicas; ++replica)
    sum += stage_temperature(run.layout.at(RunLayout::job(nominal, replica)), stage->name);
  return sum / static_cast<double>(run.config.md.replicas);
}

/// The analysis has told its warnings already.
std::string without_warnings(const std::string& text) {
  std::string out;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);)
    if (!line.starts_with("[WARN")) out += line + "\n";
  return out;
}

std::vector<TransportResult> analyse_ladder(RunContext& run) {
  std::vector<TransportResult> results;
  std::vector<double> ladder = run.config.md.ladder.temperatures;
  std::sort(ladder.rbegin(), ladder.rend());
  const StageConfig* stage = transport_stage(run.config);
  for (const double temperature : ladder) {
    std::vector<std::unique_ptr<TrajectorySource>> sources;
    for (int replica = 0; replica < run.config.md.replicas; ++replica)
      sources.push_back(open_trajectory(run.layout.at(RunLayout::job(temperature, replica)),
                                        {.stage = stage != nullptr ? stage->name : ""}));
    run.session.log.progress(fmt::format("transport at {:g} K", temperature));
    results.push_back(analyse_transport(
        std::move(sources), transport_options(run.config, temperature_of(run, temperature, stage)), run.session.log));
    TransportResult& result = results.back();
    result.label = fmt::format("T{:g}", temperature);
    for (std::string& source : result.sources) source = fs::path(source).lexically_relative(run.layout.root).string();
    run.session.log.info(without_warnings(transport_text(result)));
  }
  return results;
}

/// Writes transport/ and returns why the answer is refused; empty when it is not.
std::string write_transport(RunContext& run, const StepPlan& plan) {
  const std::vector<TransportResult> results = analyse_ladder(run);
  const ArrheniusResult arrhenius = fit_arrhenius(results, arrhenius_options(run.config));
  fs::create_directories(run.layout.at("transport"));
  StepBook::Products products;
  const auto save = [&](const std::string& name, const std::string& text) {
    products.files.push_back("transport/" + name);
    write_text_file(run.layout.at(products.files.back()), text);
  };
  const bool figures = run.config.output.plots == "svg";
  for (const TransportResult& result : results) {
    save(fmt::format("msd_{}.csv", result.label), curves_csv(result));
    if (figures) save(fmt::format("msd_{}.svg", result.label), msd_svg(result));
  }
  save("transport.json", transport_ladder_json(results, &arrhenius));
  save("transport.txt", arrhenius_text(results, arrhenius));
  save("arrhenius.csv", arrhenius_csv(arrhenius));
  if (figures) {
    save("arrhenius.svg", arrhenius_svg(arrhenius));
    save("haven_ratio.svg", haven_ratio_svg(results));
  }
  products.facts["refused"] = refusal(run.config, results, arrhenius);
  run.book->record("transport", plan.inputs, products);
  return products.facts["refused"];
}

}  // namespace

std::string refusal(const Config& config, std::span<const TransportResult> results, const ArrheniusResult& arrhenius) {
  if (results.size() > 1) return arrhenius.refused;
  for (const TransportResult& result : results)
    for (const std::string& quantity : config.transport.quantities) {
      const Estimate& estimate = quantity == "tracer"       ? result.tracer.iso
                                 : quantity == "collective" ? result.collective.iso
                                                            : result.haven_ratio;
      if (!estimate.determined()) return estimate.refused;
    }
  return "";
}

StepEnd transport_step(RunContext& run) {
  const StepPlan plan = plan_step(run, "transport", [&] {
    std::vector<std::string> parts{"transport 2", effective_section(run.config, "transport"),
                                   effective_section(run.config, "system"), run.config.output.plots,
                                   std::to_string(run.config.seed)};
    for (const double t : run.config.md.ladder.temperatures)
      for (int replica = 0; replica < run.config.md.replicas; ++replica)
        parts.push_back(run.book->file_hash(run.layout.at(RunLayout::job(t, replica) + "/run.json")));
    return hash_of(parts);
  });
  if (!plan.run) return StepEnd::skipped;
  on_root(run.session.world, [&] { static_cast<void>(write_transport(run, plan)); });
  return StepEnd::done;
}

}  // namespace haven
