#include <fmt/format.h>

#include <filesystem>

#include "analysis/finite_size.hpp"
#include "analysis/transport_output.hpp"
#include "app/analysis_inputs.hpp"

namespace haven {

ExitCode size_analysis(Session& session, const SizeArguments& arguments) {
  on_root(session.world, [&] {
    std::vector<TransportResult> results;
    for (const std::string& run : arguments.runs) {
      const std::string file = transport_result_file(run);
      for (TransportResult& result : transport_results_from_json(read_text_file(file), file)) {
        result.label = fmt::format("{}, {:g} K", run, result.temperature_K);
        results.push_back(std::move(result));
      }
    }
    FiniteSizeOptions options;
    if (arguments.viscosity_mPa_s > 0) options.viscosity_mPa_s = arguments.viscosity_mPa_s;
    const std::vector<SizeStudy> studies = compare_sizes(results, options);
    for (const SizeStudy& study : studies) session.log.info(sizes_text(study));
    if (!arguments.folder.empty()) {
      const std::filesystem::path folder(arguments.folder);
      std::filesystem::create_directories(folder);
      write_text_file((folder / "size.json").string(), sizes_json(studies));
      write_text_file((folder / "size.csv").string(), sizes_csv(studies));
      for (const SizeStudy& study : studies)
        write_text_file((folder / fmt::format("size_T{:g}.svg", study.temperature_K)).string(), sizes_svg(study));
    }
    write_json(arguments.json, sizes_json(studies));
  });
  return ExitCode::ok;
}

}  // namespace haven
