#include <filesystem>

#include "analysis/report.hpp"
#include "app/commands.hpp"
#include "app/pipeline.hpp"

namespace haven {

ExitCode make_report(Session& session, const ReportArguments& arguments) {
  on_root(session.world, [&] {
    const ReportPage page = make_run_report(arguments.folder);
    const std::string output = arguments.output.empty()
                                   ? (std::filesystem::path(arguments.folder) / "report.html").string()
                                   : arguments.output;
    write_text_file(output, page.html);
    session.log.info("wrote " + output);
    write_json(arguments.json, page.json);
  });
  return ExitCode::ok;
}

StepEnd report_step(RunContext& run) {
  const StepPlan plan = plan_step(run, "report", [&] {
    std::vector<std::string> parts{"report 1", version_text(), effective_toml(run.config)};
    for (const char* name : {"provenance.json", "data_report.json", "model/errors.json", "transport/transport.json"})
      parts.push_back(run.book->file_hash(run.layout.at(name)));
    return hash_of(parts);
  });
  if (!plan.run) return StepEnd::skipped;
  on_root(run.session.world, [&] {
    const ReportPage page = make_run_report(run.layout.root);
    write_text_file(run.layout.at("report.html"), page.html);
    write_text_file(run.layout.at("report.json"), page.json);
    run.book->record("report", plan.inputs, {.files = {"report.html", "report.json"}});
  });
  return StepEnd::done;
}

}  // namespace haven
