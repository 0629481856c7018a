#include <fmt/format.h>

#include <cmath>
#include <filesystem>

#include "analysis/regions.hpp"
#include "app/analysis_inputs.hpp"
#include "app/options.hpp"
#include "core/error.hpp"

namespace haven {
namespace {

int index_of(double value, const char* option) {
  if (value != std::round(value) || std::abs(value) > 1000)
    throw ConfigError(fmt::format("{:g} is no index", value), option, "Directions and planes are whole numbers.");
  return static_cast<int>(value);
}

/// The numbers of one shape after the other.
template <class Make>
void add_shapes(const std::vector<double>& numbers, std::size_t each, const char* option, std::vector<Region>& regions,
                const Make& make) {
  if (numbers.size() % each != 0)
    throw ConfigError(fmt::format("{} numbers are given", numbers.size()), option,
                      fmt::format("Every shape takes {} numbers.", each));
  for (std::size_t k = 0; k < numbers.size(); k += each) regions.push_back(make(numbers.data() + k));
}

std::vector<Region> regions_of(const RegionsArguments& arguments) {
  std::vector<Region> regions;
  add_shapes(arguments.spheres, 4, "--spheres", regions, [](const double* v) {
    return Region{.shape = Region::Shape::sphere, .centre = {v[0], v[1], v[2]}, .radius = v[3]};
  });
  add_shapes(arguments.cylinders, 7, "--cylinders", regions, [](const double* v) {
    const auto index = [&](int k) { return index_of(v[3 + k], "--cylinders"); };
    return Region{.shape = Region::Shape::cylinder,
                  .centre = {v[0], v[1], v[2]},
                  .indices = {index(0), index(1), index(2)},
                  .radius = v[6]};
  });
  add_shapes(arguments.slabs, 5, "--slabs", regions, [](const double* v) {
    const auto index = [&](int k) { return index_of(v[k], "--slabs"); };
    return Region{.shape = Region::Shape::slab, .indices = {index(0), index(1), index(2)}, .between = {v[3], v[4]}};
  });
  return regions;
}

}  // namespace

ExitCode regions_analysis(Session& session, const RegionsArguments& arguments) {
  on_root(session.world, [&] {
    const TransportArguments& run = arguments.run;
    const std::vector<Region> regions = regions_of(arguments);
    const IonTracks tracks = tracks_of(session, run);
    for (const std::string& remark : tracks.remarks) session.log.warn("TR006", remark);
    const RegionReport report = analyse_regions(
        tracks,
        {.regions = regions,
         .lag_ps = arguments.lag_ps > 0 ? arguments.lag_ps : diffusive_lag_ps(motion_of(tracks, run.mobile), tracks)});
    session.log.info(regions_text(report));
    if (!run.folder.empty()) {
      const std::filesystem::path folder(run.folder);
      std::filesystem::create_directories(folder);
      write_text_file((folder / "regions.json").string(), regions_json(report));
      write_text_file((folder / "regions.csv").string(), regions_csv(report));
    }
    write_json(run.json, regions_json(report));
  });
  return ExitCode::ok;
}

}  // namespace haven
