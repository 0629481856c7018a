#include "io/run_files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "core/error.hpp"
#include "core/species.hpp"
#include "core/units.hpp"
#include "io/checkpoint.hpp"
#include "io/trajectory_export.hpp"

namespace haven {
namespace {

constexpr std::string_view thermo_header =
    "step,time_fs,temperature_K,kinetic_eV,potential_eV,conserved_eV,pressure_GPa,volume_A3,max_force_eV_per_A,"
    "extrapolating_atoms,stage\n";

/// Shortest decimal form that reads back to the same bits.
std::string line_of(const ThermoRow& row, const std::string& stage) {
  return fmt::format("{},{},{},{},{},{},{},{},{},{},{}\n", row.step, row.time_fs, row.temperature, row.kinetic,
                     row.potential, row.conserved, row.pressure_gpa, row.volume, row.max_force, row.extrapolating,
                     stage);
}

constexpr std::string_view deviation_header =
    "step,time_fs,force_max_eV_per_A,atom,force_rms_eV_per_A,energy_eV_per_atom,stage\n";

std::string line_of(const DeviationRow& row, const std::string& stage) {
  return fmt::format("{},{},{},{},{},{},{}\n", row.step, row.time_fs, row.force, row.atom, row.force_rms, row.energy,
                     stage);
}

/// A stage name as one CSV field: quoted where it needs to be, on one line in any case.
std::string csv_field(std::string name) {
  for (char& c : name)
    if (static_cast<unsigned char>(c) < ' ') c = ' ';
  if (name.find_first_of(",\"") == std::string::npos) return name;
  std::string quoted = "\"";
  for (const char c : name) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

std::string content_of(OutputFile& file) {
  std::string text(static_cast<std::size_t>(file.size()), '\0');
  file.read_at(std::as_writable_bytes(std::span(text)), 0);
  return text;
}

/// Length of the header and the rows up to a step; 0 when the file does not begin with our header.
std::size_t length_up_to(const std::string& text, std::string_view header, std::int64_t step) {
  if (!text.starts_with(header)) return 0;
  std::size_t end = header.size();
  for (;;) {
    const std::size_t newline = text.find('\n', end);
    if (newline == std::string::npos) return end;
    std::int64_t row_step = 0;
    const auto [rest, error] = std::from_chars(text.data() + end, text.data() + newline, row_step);
    if (error != std::errc() || *rest != ',' || row_step > step) return end;
    end = newline + 1;
  }
}

/// A table whose rows begin with the step. A continued run begins with the rows up to its checkpoint and leaves out
/// the row that is there already.
class StepTable {
 public:
  StepTable(FileSystem& files, const std::string& path, std::string_view header,
            std::optional<std::int64_t> resume_step)
      : file_(files, path, OpenMode::update) {
    std::string text = content_of(file_);
    text.resize(resume_step ? length_up_to(text, header, *resume_step) : 0);
    if (static_cast<std::int64_t>(text.size()) != file_.size()) file_.resize(static_cast<std::int64_t>(text.size()));
    if (text.empty()) file_.append(std::string(header));
    if (text.size() <= header.size()) return;
    const std::size_t begin = text.rfind('\n', text.size() - 2) + 1;
    last_row_ = text.substr(begin);
  }
  void append(const std::string& line) {
    if (line == last_row_) return;
    file_.append(line);
    last_row_ = line;
  }
  void sync() { file_.sync(); }
  void close() { file_.close(); }

 private:
  OutputFile file_;
  std::string last_row_;
};

}  // namespace

struct RunFiles::Parts {
  Parts(FileSystem& system, RunLock held, std::optional<std::int64_t> step)
      : files(system),
        lock(std::move(held)),
        resume_step(step),
        thermo(system, path("thermo.csv"), thermo_header, step),
        events(system, path("events.jsonl"), OpenMode::update) {}

  [[nodiscard]] std::string path(const std::string& name) const {
    return (std::filesystem::path(lock.folder()) / name).string();
  }

  /// Ends a line that a killed process left unfinished, so that it spoils no other.
  void prepare_events() {
    const std::string text = content_of(events);
    if (!text.empty() && text.back() != '\n') events.append("\n");
  }

  void end_segment() {
    if (!segment) return;
    const std::unique_ptr<TrajectoryWriter> ended = std::move(segment);
    ended->sync();
    ended->close();
  }

  FileSystem& files;
  RunLock lock;
  std::optional<std::int64_t> resume_step;
  StepTable thermo;
  std::optional<StepTable> deviation;  ///< of runs with a committee, from the first row on
  OutputFile events;
  std::string stage_field;
  std::optional<TrajectoryHeader> header;  ///< of the current stage
  std::int64_t first_step = 0;
  bool anything_kept = false;  ///< frames of earlier segments up to first_step are part of this run
  std::unique_ptr<TrajectoryWriter> segment;
};

RunFiles::RunFiles(FileSystem& files, RunLock lock, std::optional<std::int64_t> resume_step)
    : parts_(std::make_unique<Parts>(files, std::move(lock), resume_step)) {
  parts_->anything_kept = resume_step.has_value();
  parts_->prepare_events();
}

RunFiles::~RunFiles() = default;

void RunFiles::begin_stage(const TrajectoryHeader& header, std::int64_t first_step) {
  Parts& p = *parts_;
  p.end_segment();
  p.header = header;
  p.first_step = first_step;
  p.stage_field = csv_field(header.stage);
}

void RunFiles::frame(const TrajectoryFrame& frame) {
  Parts& p = *parts_;
  HAVEN_ASSERT(p.header.has_value());
  if (!p.segment) {  // now it is known whether frames carry velocities; a segment without frames never appears
    const SegmentOptions options{.supersedes_after = p.anything_kept ? p.first_step : -1,
                                 .velocities = !frame.velocities.empty(),
                                 .periodic = frame.cell.periodic()};
    const std::string path = p.path(segment_name(last_segment(p.lock.folder()) + 1));
    p.segment = std::make_unique<TrajectoryWriter>(p.files, path, *p.header, options);
    p.anything_kept = true;
  }
  p.segment->append(frame);
}

void RunFiles::thermo(const ThermoRow& row) { parts_->thermo.append(line_of(row, parts_->stage_field)); }

void RunFiles::deviation(const DeviationRow& row) {
  Parts& p = *parts_;
  if (!p.deviation) p.deviation.emplace(p.files, p.path("deviation.csv"), deviation_header, p.resume_step);
  p.deviation->append(line_of(row, p.stage_field));
}

void RunFiles::checkpoint(const SimulationState& state) {
  Parts& p = *parts_;
  if (p.segment) p.segment->sync();
  p.thermo.sync();
  if (p.deviation) p.deviation->sync();
  p.events.sync();
  write_checkpoint(p.files, p.path(checkpoint_name), state);
}

void RunFiles::live_transport(const LiveTransport& t) {
  const auto symbol = [&](std::size_t e) { return element_symbol(t.elements[e]); };
  std::string text = "lag_ps,origins";
  for (std::size_t b = 0; b < t.elements.size(); ++b) text += fmt::format(",tracer_{}_A2", symbol(b));
  for (std::size_t b = 0; b < t.elements.size(); ++b)
    for (std::size_t a = 0; a <= b; ++a) text += fmt::format(",collective_{}_{}_A2", symbol(a), symbol(b));
  text += "\n";
  for (std::size_t k = 0; k < t.lags_fs.size(); ++k) {
    text += fmt::format("{},{}", t.lags_fs[k] / units::fs_per_ps, t.origins[k]);
    for (const auto& msd : t.tracer) text += fmt::format(",{}", msd[k]);
    for (const auto& product : t.collective) text += fmt::format(",{}", product[k]);
    text += "\n";
  }
  write_file_atomically(parts_->files, parts_->path(fmt::format("displacements_{}.csv", t.stage)), text);
}

void RunFiles::candidate(const TrajectoryFrame& frame, const std::vector<int>& numbers) {
  Parts& p = *parts_;
  const std::string path = p.path("candidates.xyz");
  std::string text;
  {
    OutputFile file(p.files, path, OpenMode::update);
    text = content_of(file);
    file.close();
  }
  // The same step comes again after a restart from an older checkpoint.
  if (text.find(fmt::format(" step={} ", frame.step)) != std::string::npos) return;
  write_file_atomically(p.files, path, text + extxyz_text(frame, numbers));
}

void RunFiles::event(const std::string& json_line) {
  HAVEN_ASSERT(json_line.find('\n') == std::string::npos);
  parts_->events.append(json_line + "\n");
}

void RunFiles::finish() {
  Parts& p = *parts_;
  p.end_segment();
  p.thermo.sync();
  p.thermo.close();
  if (p.deviation) p.deviation->sync();
  if (p.deviation) p.deviation->close();
  p.events.sync();
  p.events.close();
}

}  // namespace haven
