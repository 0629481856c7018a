#include <fmt/format.h>

#include <cmath>
#include <optional>
#include <utility>

#include "analysis/trajectory_source.hpp"
#include "app/commands.hpp"
#include "io/trajectory_export.hpp"

namespace haven {
namespace {

ExportFormat format_of(const TrajectoryExportArguments& arguments) {
  const std::string &path = arguments.output, &format = arguments.format;
  if (format == "extxyz" || (format == "auto" && (path.ends_with(".xyz") || path.ends_with(".extxyz"))))
    return ExportFormat::extxyz;
  if (format == "lammps" || (format == "auto" && (path.ends_with(".lammpstrj") || path.ends_with(".dump"))))
    return ExportFormat::lammps_dump;
  if (format == "dcd" || (format == "auto" && path.ends_with(".dcd"))) return ExportFormat::dcd;
  throw ConfigError("the name does not tell the format", "--output " + path,
                    "Name it *.xyz, *.extxyz, *.lammpstrj, *.dump or *.dcd, or say --format.");
}

/// Files of other programs have their atoms folded back into the cell: each moves on by its nearest image.
void follow(const TrajectoryFrame& before, TrajectoryFrame& frame) {
  for (std::size_t i = 0; i < frame.positions.size(); ++i) {
    const Vec3 step = frame.cell.to_fractional(frame.positions[i]) - before.cell.to_fractional(before.positions[i]);
    frame.positions[i] -= frame.cell.to_cartesian({std::round(step.x), std::round(step.y), std::round(step.z)});
  }
}

}  // namespace

ExitCode export_trajectory(Session& session, const TrajectoryExportArguments& arguments) {
  static_cast<void>(from_root(session.world, [&] {
    const ExportFormat format = format_of(arguments);
    const TransportArguments& run = arguments.run;
    const auto source = open_trajectory(run.trajectories[0], {.frame_interval_fs = run.frame_interval_fs,
                                                              .timestep_fs = run.timestep_fs,
                                                              .temperature_K = 0,
                                                              .stage = run.stage,
                                                              .types = run.types,
                                                              .structure = run.structure});
    PosixFileSystem files;
    std::unique_ptr<TrajectoryExporter> exporter;
    TrajectoryFrame frame, before;
    std::optional<std::pair<TrajectoryFrame, FrameLabels>> held;  // the first one: the second tells the time between
    std::int64_t read = 0, written = 0;
    const auto start = [&](double interval_fs) {
      exporter = make_exporter(
          files, arguments.output, format,
          {.numbers = source->info().numbers, .frame_interval_fs = interval_fs, .created_by = version_text()});
      exporter->append(held->first, held->second);
    };
    while (source->next(frame)) {
      if (read > 0 && source->info().wrapping == Wrapping::wrapped) follow(before, frame);
      before = frame;
      if (read++ % arguments.every != 0) continue;
      ++written;
      if (!held) {
        held.emplace(frame, source->labels());
        continue;
      }
      if (!exporter) start(frame.time_fs - held->first.time_fs);
      exporter->append(frame, source->labels());
    }
    if (written == 0) throw InputError("it has no frames", run.trajectories[0], "Give a trajectory with frames.");
    if (const std::string doubt = source->labels_doubt(); !doubt.empty())
      throw InputError(doubt, run.trajectories[0], "Keep files of one run together, or move the OSZICAR elsewhere.");
    if (!exporter) start(0);
    exporter->finish();
    for (const std::string& remark : source->remarks()) session.log.info(remark);
    session.log.info(fmt::format("wrote {} ({} of {} frames, {} atoms)", arguments.output, written, read,
                                 source->info().numbers.size()));
    return std::string();
  }));
  return ExitCode::ok;
}

}  // namespace haven
