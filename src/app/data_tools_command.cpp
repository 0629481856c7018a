#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "app/commands.hpp"
#include "app/data_statistics.hpp"
#include "app/frames_of.hpp"
#include "io/dataset_file.hpp"
#include "io/dataset_select.hpp"
#include "io/dataset_split.hpp"
#include "io/export_formats.hpp"

namespace haven {
namespace {

using Json = nlohmann::ordered_json;

std::string text_of(const Json& json) { return json.dump(2, ' ', false, Json::error_handler_t::replace); }

/// A dataset, or the frames of any other file without more being known about them.
Dataset dataset_of(const std::string& path) {
  if (path.ends_with(".h5")) return read_dataset(path);
  Dataset set{.frames = frames_of(path), .info = {.created_by = version_text(), .import_report = "{}"}, .hash = {}};
  set.hash = dataset_hash(set.frames);
  return set;
}

void make_folder(const std::string& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) throw IoError("cannot create the folder", folder, error.value());
}

std::string in_folder(const std::string& folder, const std::string& name) {
  return (std::filesystem::path(folder) / name).string();
}

}  // namespace

ExitCode data_stats(Session& session, const DataStatsArguments& arguments) {
  on_root(session.world, [&] {
    std::vector<Frame> frames;
    for (const std::string& path : arguments.files) {
      std::vector<Frame> more = frames_of(path);
      std::move(more.begin(), more.end(), std::back_inserter(frames));
    }
    const DatasetStatistics statistics = dataset_statistics(frames);
    session.log.info(statistics_text(statistics));
    if (!arguments.folder.empty()) {
      make_folder(arguments.folder);
      write_text_file(
          in_folder(arguments.folder, "statistics.html"),
          statistics_html(statistics, "Statistics of " + fmt::format("{}", fmt::join(arguments.files, ", "))));
      write_text_file(in_folder(arguments.folder, "statistics.json"), statistics_json(statistics));
      for (const auto& [name, svg] : statistics_figures(statistics))
        write_text_file(in_folder(arguments.folder, name + ".svg"), svg);
      session.log.info(fmt::format("wrote {}", in_folder(arguments.folder, "statistics.html")));
    }
    write_json(arguments.json, statistics_json(statistics));
  });
  return ExitCode::ok;
}

ExitCode data_split(Session& session, const DataSplitArguments& arguments) {
  on_root(session.world, [&] {
    const Dataset set = dataset_of(arguments.set);
    const DatasetSplitOptions options{
        .valid = arguments.valid, .test = arguments.test, .gap = arguments.gap, .seed = arguments.seed};
    const std::vector<DatasetPart> parts = split_dataset(set.frames, options);
    Json json{{"input", arguments.set},   {"input_sha256", set.hash}, {"valid", options.valid}, {"test", options.test},
              {"gap_steps", options.gap}, {"seed", options.seed},     {"parts", Json::object()}};
    const std::string how = text_of(json);
    if (arguments.spend == Spend::yes) make_folder(arguments.folder);
    for (const auto& [part, name] : {std::pair(DatasetPart::train, "train"), std::pair(DatasetPart::valid, "valid"),
                                     std::pair(DatasetPart::test, "test")}) {
      std::vector<Frame> frames;
      for (std::size_t f = 0; f < parts.size(); ++f)
        if (parts[f] == part) frames.push_back(set.frames[f]);
      if (frames.empty()) continue;
      const std::string path = in_folder(arguments.folder, std::string(name) + ".h5");
      json["parts"][name] = {{"file", path}, {"n_frames", frames.size()}, {"sha256", dataset_hash(frames)}};
      if (arguments.spend == Spend::yes) {
        DatasetInfo info = set.info;
        info.provenance["split"] = how;
        write_dataset(path, frames, info);
      }
      session.log.info(fmt::format("{:<5} {:>8} frames  {}", name, frames.size(), path));
    }
    const auto left_out = std::count(parts.begin(), parts.end(), DatasetPart::left_out);
    json["n_left_out"] = left_out;
    session.log.info(fmt::format("{} frames left out: nearer than {} steps to a frame of another part of their run",
                                 left_out, options.gap));
    if (arguments.spend == Spend::yes) write_text_file(in_folder(arguments.folder, "split.json"), text_of(json));
    write_json(arguments.json, text_of(json));
  });
  return ExitCode::ok;
}

ExitCode data_select(Session& session, const DataSelectArguments& arguments) {
  on_root(session.world, [&] {
    Dataset set = dataset_of(arguments.set);
    std::vector<Frame> frames;
    if (!arguments.known.empty()) frames = frames_of(arguments.known);
    const std::size_t known = frames.size();
    frames.insert(frames.end(), set.frames.begin(), set.frames.end());
    const FrameFeatures features = frame_features(frames, {.preset = "fast", .cutoff = arguments.cutoff});
    const Selection selection = farthest_points(features, static_cast<std::size_t>(arguments.count), known);
    std::vector<std::size_t> chosen;
    for (const std::size_t row : selection.frames) chosen.push_back(row - known);
    Json json{{"input", arguments.set},
              {"input_sha256", set.hash},
              {"known", arguments.known},
              {"cutoff_A", arguments.cutoff},
              {"frames", chosen},
              {"distance", selection.distance},
              {"largest_distance_left", selection.left}};
    std::vector<std::size_t> sorted = chosen;
    std::sort(sorted.begin(), sorted.end());  // in the set, frames keep their order
    std::vector<Frame> result;
    for (const std::size_t f : sorted) result.push_back(std::move(set.frames[f]));
    set.info.provenance["selection"] = text_of(json);
    session.log.info(fmt::format("{} of {} frames; the farthest frame left is at {:.3g}, the first steps were {:.3g}",
                                 result.size(), frames.size() - known, selection.left,
                                 selection.distance[std::min<std::size_t>(1, selection.distance.size() - 1)]));
    make_folder(folder_of(arguments.output));
    write_dataset(arguments.output, result, set.info);
    session.log.info(fmt::format("wrote {}", arguments.output));
    json["file"] = arguments.output;
    write_json(arguments.json, text_of(json));
  });
  return ExitCode::ok;
}

namespace {

ExportFormat format_of(const DataExportArguments& arguments) {
  if (!arguments.format.empty()) {
    if (const auto format = export_format(arguments.format)) return *format;
    throw ConfigError(fmt::format("\"{}\" is no format to export to", arguments.format), "--format",
                      "Choose extxyz, gpumd, deepmd or n2p2.");
  }
  if (const auto format = export_format_of(arguments.output)) return *format;
  throw ConfigError(fmt::format("the name {} does not say which format is wanted", arguments.output), "--format",
                    "Add --format extxyz, gpumd, deepmd or n2p2.");
}

}  // namespace

ExitCode data_export(Session& session, const DataExportArguments& arguments) {
  on_root(session.world, [&] {
    const ExportOptions options{.format = format_of(arguments),
                                .units = file_units(arguments.units).value_or(FileUnits::angstrom_ev)};
    const std::vector<Frame> frames = frames_of(arguments.set);
    make_folder(folder_of(arguments.output));
    PosixFileSystem files;
    const ExportReport report = export_frames(files, arguments.output, frames, options);
    session.log.info(
        fmt::format("wrote {} frames to {} ({} file(s))", frames.size(), arguments.output, report.files.size()));
    for (const std::string& lost : report.lost)
      session.log.warn("DE001", fmt::format("the format has no place for {}", lost));
    Json json{{"n_frames", frames.size()}, {"files", report.files}, {"warnings", Json::array()}};
    for (const std::string& lost : report.lost)
      json["warnings"].push_back({{"code", "DE001"}, {"text", "the format has no place for " + lost}});
    write_json(arguments.json, text_of(json));
  });
  return ExitCode::ok;
}

}  // namespace haven
