#include "app/commands.hpp"

namespace haven {

ExitCode run_command(Session& session, const CommandArguments& arguments) {
  struct Visitor {
    Session& session;
    ExitCode operator()(const DataImportArguments& a) const { return data_import(session, a); }
    ExitCode operator()(const DataCheckArguments& a) const { return data_check(session, a); }
    ExitCode operator()(const DataStatsArguments& a) const { return data_stats(session, a); }
    ExitCode operator()(const DataSplitArguments& a) const { return data_split(session, a); }
    ExitCode operator()(const DataSelectArguments& a) const { return data_select(session, a); }
    ExitCode operator()(const DataExportArguments& a) const { return data_export(session, a); }
    ExitCode operator()(const PipelineArguments& a) const { return run_pipeline(session, a); }
    ExitCode operator()(const TestArguments& a) const { return test_model(session, a); }
    ExitCode operator()(const PredictArguments& a) const { return predict(session, a); }
    ExitCode operator()(const RelaxArguments& a) const { return relax_structure(session, a); }
    ExitCode operator()(const PlainMdArguments& a) const { return plain_md(session, a); }
    ExitCode operator()(const TransportArguments& a) const { return transport_analysis(session, a); }
    ExitCode operator()(const StructureArguments& a) const { return structure_analysis(session, a); }
    ExitCode operator()(const TrajectoryExportArguments& a) const { return export_trajectory(session, a); }
    ExitCode operator()(const LayersArguments& a) const { return layers_analysis(session, a); }
    ExitCode operator()(const PlanArguments& a) const { return plan_runs(session, a); }
    ExitCode operator()(const ArrheniusArguments& a) const { return arrhenius_analysis(session, a); }
    ExitCode operator()(const CommitteeArguments& a) const { return committee_analysis(session, a); }
    ExitCode operator()(const RegionsArguments& a) const { return regions_analysis(session, a); }
    ExitCode operator()(const SizeArguments& a) const { return size_analysis(session, a); }
    ExitCode operator()(const ReportArguments& a) const { return make_report(session, a); }
    ExitCode operator()(const InitArguments& a) const { return init_project(session, a); }
    ExitCode operator()(const ModelInfoArguments& a) const { return model_info(session, a); }
    ExitCode operator()(const ModelConvertArguments& a) const { return model_convert(session, a); }
    ExitCode operator()(const ModelMergeArguments& a) const { return model_merge(session, a); }
    ExitCode operator()(const BenchArguments& a) const { return bench(session, a); }
    ExitCode operator()(const SchemaArguments& a) const { return print_schema(session, a); }
    ExitCode operator()(const VersionArguments& a) const { return print_version(session, a); }
  };
  return std::visit(Visitor{session}, arguments);
}

}  // namespace haven
