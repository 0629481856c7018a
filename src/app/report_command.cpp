#include <fmt/format.h>

#include <filesystem>
#include <vector>

#include "analysis/report.hpp"
#include "app/commands.hpp"
#include "app/pipeline.hpp"

namespace haven {
namespace {

namespace fs = std::filesystem;

/// Writes the figures into the folder `report_figures` beside report.html and returns their names relative to it.
std::vector<std::string> write_figures(const ReportPage& page, const fs::path& html) {
  const std::string folder = html.stem().string() + "_figures";
  if (!page.figures.empty()) fs::create_directories(html.parent_path() / folder);
  std::vector<std::string> names;
  for (const auto& [name, svg] : page.figures) {
    names.push_back(folder + "/" + name);
    write_text_file((html.parent_path() / names.back()).string(), svg);
  }
  return names;
}

}  // namespace

ExitCode make_report(Session& session, const ReportArguments& arguments) {
  on_root(session.world, [&] {
    const ReportPage page = make_run_report(arguments.folder);
    const std::string output =
        arguments.output.empty() ? (fs::path(arguments.folder) / "report.html").string() : arguments.output;
    write_text_file(output, page.html);
    const std::vector<std::string> figures = write_figures(page, output);
    session.log.info(fmt::format("wrote {} and its {} figures", output, figures.size()));
    write_json(arguments.json, page.json);
  });
  return ExitCode::ok;
}

StepEnd report_step(RunContext& run) {
  const StepPlan plan = plan_step(run, "report", [&] {
    std::vector<std::string> parts{"report 2", version_text(), effective_toml(run.config)};
    for (const char* name : {"provenance.json", "data_report.json", "model/errors.json", "transport/transport.json"})
      parts.push_back(run.book->file_hash(run.layout.at(name)));
    return hash_of(parts);
  });
  if (!plan.run) return StepEnd::skipped;
  on_root(run.session.world, [&] {
    const ReportPage page = make_run_report(run.layout.root);
    write_text_file(run.layout.at("report.html"), page.html);
    write_text_file(run.layout.at("report.json"), page.json);
    StepBook::Products products{.files = {"report.html", "report.json"}};
    for (const std::string& name : write_figures(page, run.layout.at("report.html"))) products.files.push_back(name);
    run.book->record("report", plan.inputs, products);
  });
  return StepEnd::done;
}

}  // namespace haven
