#include <algorithm>
#include <array>
#include <filesystem>

#include "analysis/layers.hpp"
#include "app/analysis_inputs.hpp"
#include "app/options.hpp"

namespace haven {
namespace {

std::array<int, 3> planes_of(const LayersArguments& arguments) {
  std::array<int, 3> planes{};
  if (arguments.planes.empty())
    planes[static_cast<std::size_t>(arguments.axis.front() - 'a')] = 1;
  else
    std::copy_n(arguments.planes.begin(), 3, planes.begin());
  return planes;
}

std::vector<double> edges_of(const LayersArguments& arguments) {
  if (!arguments.edges.empty()) return arguments.edges;
  std::vector<double> edges;
  for (int k = 0; k < arguments.count; ++k) edges.push_back(static_cast<double>(k) / arguments.count);
  return edges;
}

}  // namespace

ExitCode layers_analysis(Session& session, const LayersArguments& arguments) {
  on_root(session.world, [&] {
    const TransportArguments& run = arguments.run;
    const IonTracks tracks = tracks_of(session, run);
    for (const std::string& remark : tracks.remarks) session.log.warn("TR006", remark);
    const LayerReport report = analyse_layers(
        tracks,
        {.planes = planes_of(arguments),
         .edges = edges_of(arguments),
         .lag_ps = arguments.lag_ps > 0 ? arguments.lag_ps : diffusive_lag_ps(motion_of(tracks, run.mobile), tracks)});
    session.log.info(layers_text(report));
    if (!run.folder.empty()) {
      const std::filesystem::path folder(run.folder);
      std::filesystem::create_directories(folder);
      write_text_file((folder / "layers.json").string(), layers_json(report));
      write_text_file((folder / "layers.csv").string(), layers_csv(report));
      write_text_file((folder / "layers.svg").string(), layers_svg(report));
    }
    write_json(run.json, layers_json(report));
  });
  return ExitCode::ok;
}

}  // namespace haven
