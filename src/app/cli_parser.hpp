#pragma once
#include <CLI/CLI.hpp>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "app/commands.hpp"

/// What the files cli*.cpp share.
namespace haven {

inline void add_json(CLI::App* app, std::string& json) {
  app->add_option("--json", json, "write the result as JSON to this file, or to standard output with -");
}

/// A verb that analyses trajectories, with what its options are parsed into first.
struct AnalysisOptions {
  TransportArguments arguments{};
  std::vector<std::string> charges{};
  std::vector<double> window{};
};

/// Builds all verbs; every verb stores its arguments in `chosen` when it is the one on the command line.
class Parser {
 public:
  Parser();
  CommandLine parse(int argc, const char* const* argv);

 private:
  CLI::App* verb(CLI::App& parent, const std::string& name, const std::string& what, const std::string& examples);
  template <class T>
  void choose(CLI::App* app, const T& arguments) {
    app->callback([this, &arguments] { chosen_ = arguments; });
  }
  void add_data();
  void add_data_tools(CLI::App& data);
  void add_pipeline(const std::string& name, const std::string& last_step, const std::string& what);
  void add_md();
  void add_coupling(CLI::App* app);
  void add_test();
  void add_predict();
  void add_relax();
  void add_transport();
  void add_analysis(CLI::App& transport, const std::string& what, AnalysisOptions& options);
  void add_structure(CLI::App& transport);
  void add_export();
  void add_layers(CLI::App& transport);
  void add_arrhenius(CLI::App& transport);
  void add_committee(CLI::App& transport);
  void add_size(CLI::App& transport);
  void add_regions(CLI::App& transport);
  void add_plan();
  void add_report();
  void add_bench();
  void add_small();
  void add_model_convert(CLI::App& model);
  void add_model_merge(CLI::App& model);

  CLI::App app_{"Haven: from VASP calculations of an ion conductor to its conductivity with an honest error bar.",
                "haven"};
  std::optional<CommandArguments> chosen_;
  DataImportArguments data_;
  std::string data_config_;
  DataCheckArguments check_;
  DataStatsArguments stats_;
  DataSplitArguments split_;
  DataSelectArguments select_;
  DataExportArguments export_;
  std::map<std::string, PipelineArguments> pipeline_;
  std::string md_first_, md_second_, md_config_;
  std::vector<std::string> md_overrides_;
  PlainMdArguments md_;
  Restart md_restart_ = Restart::resume;
  TestArguments test_;
  PredictArguments predict_;
  RelaxArguments relax_;
  AnalysisOptions msd_{.arguments = {.quantity = "msd"}}, haven_{.arguments = {.quantity = "haven"}};
  StructureArguments structure_;
  TrajectoryExportArguments trajectory_export_;
  LayersArguments layers_;
  PlanArguments plan_;
  AnalysisOptions pilot_{.arguments = {.quantity = "msd"}};
  ArrheniusArguments arrhenius_;
  CommitteeArguments committee_;
  SizeArguments size_;
  RegionsArguments regions_;
  ReportArguments report_;
  InitArguments init_;
  ModelInfoArguments info_;
  ModelConvertArguments convert_;
  ModelMergeArguments merge_;
  BenchArguments bench_;
  SchemaArguments schema_;
  VersionArguments version_;
};

}  // namespace haven
