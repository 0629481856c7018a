#include "io/export_formats.hpp"

#include <fmt/format.h>

#include <filesystem>

#include "core/error.hpp"
#include "core/species.hpp"
#include "core/units.hpp"
#include "io/export_deepmd.hpp"
#include "io/extxyz.hpp"

namespace haven {
namespace {

void note_loss(ExportReport& report, Index frames, const std::string& what) {
  if (frames > 0) report.lost.push_back(fmt::format("{} of {} frames", what, frames));
}

ExportReport export_xyz(FileSystem& files, const std::string& path, std::span<const Frame> frames, XyzDialect dialect) {
  std::string text;
  for (const Frame& frame : frames) text += extxyz_text(frame, dialect);
  write_file_atomically(files, path, text);
  return {.files = {path}};
}

/// One structure of an input.data; `length` and `energy` are what 1 of its units is in A and eV.
void append_structure(std::string& text, const Frame& frame, double length, double energy) {
  const Structure& s = frame.structure;
  const auto row = [](const Vec3& v) { return fmt::format("{} {} {}", v.x, v.y, v.z); };
  text += "begin\n";
  text += "comment " + frame_comment(frame) + "\n";
  for (int k = 0; k < 3; ++k) text += "lattice " + row((1 / length) * s.cell.vectors()[k]) + "\n";
  for (std::size_t atom = 0; atom < s.numbers.size(); ++atom)
    text += fmt::format("atom {} {} 0 0 {}\n", row((1 / length) * s.positions[atom]), element_symbol(s.numbers[atom]),
                        row((length / energy) * frame.forces[atom]));
  text += fmt::format("energy {}\ncharge 0\nend\n", *frame.energy / energy);
}

ExportReport export_n2p2(FileSystem& files, const std::string& path, std::span<const Frame> frames, FileUnits units) {
  require_labels_and_periodicity(frames, "n2p2");
  const bool atomic_units = units == FileUnits::bohr_hartree;
  std::string text;
  Index stress = 0, velocities = 0;
  for (const Frame& frame : frames) {
    append_structure(text, frame, atomic_units ? units::bohr_in_angstrom : 1.0,
                     atomic_units ? units::hartree_in_ev : 1.0);
    stress += frame.stress ? 1 : 0;
    velocities += frame.structure.velocities.empty() ? 0 : 1;
  }
  write_file_atomically(files, path, text);
  ExportReport report{.files = {path}};
  note_loss(report, stress, "the stress");
  note_loss(report, velocities, "the velocities");
  return report;
}

}  // namespace

std::optional<ExportFormat> export_format(std::string_view name) {
  if (name == "extxyz") return ExportFormat::extxyz;
  if (name == "gpumd") return ExportFormat::gpumd;
  if (name == "deepmd") return ExportFormat::deepmd;
  if (name == "n2p2") return ExportFormat::n2p2;
  return std::nullopt;
}

std::optional<ExportFormat> export_format_of(const std::string& path) {
  const std::filesystem::path name = std::filesystem::path(path).filename();
  if (name == "train.xyz" || name == "test.xyz") return ExportFormat::gpumd;
  if (name == "input.data") return ExportFormat::n2p2;
  if (name.extension() == ".xyz" || name.extension() == ".extxyz") return ExportFormat::extxyz;
  return std::nullopt;
}

void require_labels_and_periodicity(std::span<const Frame> frames, const std::string& format) {
  for (std::size_t k = 0; k < frames.size(); ++k) {
    const Frame& frame = frames[k];
    const auto refuse = [&](const std::string& what, const std::string& remedy) {
      throw InputError(fmt::format("{} files have no place for {}", format, what), fmt::format("frame {}", k + 1),
                       remedy);
    };
    if (!frame.energy || frame.forces.size() != frame.structure.numbers.size())
      refuse("a frame without energy or forces", "Leave the frame out, or export to extxyz.");
    const auto& periodic = frame.structure.cell.periodic();
    if (!periodic[0] || !periodic[1] || !periodic[2])
      refuse("open boundaries", "Put the structure into a large periodic box, or export to extxyz.");
  }
}

ExportReport export_frames(FileSystem& files, const std::string& path, std::span<const Frame> frames,
                           const ExportOptions& options) {
  if (frames.empty()) throw InputError("there are no frames to export", path, "Choose a dataset that has some.");
  switch (options.format) {
    case ExportFormat::extxyz:
      return export_xyz(files, path, frames, XyzDialect::ase);
    case ExportFormat::gpumd:
      return export_xyz(files, path, frames, XyzDialect::gpumd);
    case ExportFormat::deepmd:
      return export_deepmd(files, path, frames);
    case ExportFormat::n2p2:
      return export_n2p2(files, path, frames, options.units);
  }
  return {};
}

}  // namespace haven
