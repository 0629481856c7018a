#include "io/structure_file.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/error.hpp"
#include "io/cursor.hpp"
#include "io/extxyz.hpp"
#include "io/outcar.hpp"
#include "io/poscar.hpp"
#include "io/text_file.hpp"
#include "io/vasprun.hpp"

namespace haven {
namespace {

constexpr std::size_t lines_looked_at = 200;

bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

std::vector<std::string> first_lines(const std::string& path) {
  TextFile file(path, TextFile::LongLine::skip);
  std::vector<std::string> lines;
  std::string_view line;
  while (lines.size() < lines_looked_at && file.next_line(line)) lines.emplace_back(line.substr(0, 4096));
  return lines;
}

bool looks_like_extxyz(const std::vector<std::string>& lines) {
  if (lines.size() < 2 || !parse_integer(lines[0])) return false;
  return contains(lines[1], "attice=") || contains(lines[1], "roperties=");
}

bool looks_like_poscar(const std::vector<std::string>& lines) {
  if (lines.size() < 7 || !parse_real(Cursor(lines[1]).word())) return false;
  for (std::size_t k = 2; k < 5; ++k) {
    Vec3 v;
    Cursor cursor(lines[k]);
    if (cursor.vec3(v) != FieldState::number) return false;
  }
  // The head of an XDATCAR is the same, but it holds a trajectory without labels.
  return std::none_of(lines.begin(), lines.end(),
                      [](const auto& line) { return contains(line, "irect configuration="); });
}

std::unique_ptr<VaspReader> open_vasp(const std::string& path, FileFormat format) {
  return format == FileFormat::outcar ? open_outcar(path) : open_vasprun(path);
}

[[noreturn]] void fail_unknown(const std::string& path) {
  throw InputError("the format of this file is not known", path,
                   "Readable are POSCAR, CONTCAR, OUTCAR, vasprun.xml and extended XYZ (plain or .gz).");
}

std::vector<Frame> vasp_frames(const std::string& path, FileFormat format) {
  std::vector<Frame> frames;
  const auto reader = open_vasp(path, format);
  while (const auto step = reader->next()) {
    const bool usable = step->kind == VaspStep::Kind::ab_initio && step->problem.empty() && !step->forces.empty();
    if (usable && step->free_energy) frames.push_back(frame_of_step(*step, reader->settings(), EnergyKind::free, path));
  }
  return frames;
}

}  // namespace

std::string_view file_format_name(FileFormat format) {
  switch (format) {
    case FileFormat::poscar:
      return "POSCAR";
    case FileFormat::outcar:
      return "OUTCAR";
    case FileFormat::vasprun:
      return "vasprun.xml";
    case FileFormat::extxyz:
      return "extxyz";
    case FileFormat::unknown:
      return "unknown";
  }
  return "unknown";
}

FileFormat recognise_format(const std::string& path) {
  const auto lines = first_lines(path);
  if (looks_like_extxyz(lines)) return FileFormat::extxyz;
  for (const std::string& line : lines) {
    if (contains(line, "<modeling>")) return FileFormat::vasprun;
    const std::string_view text = trimmed(line);
    if (contains(text.substr(0, 2048), "vasp.5.") || contains(text.substr(0, 2048), "vasp.6.") ||
        text.starts_with("POTCAR:") || text.starts_with("TITEL  =") ||
        (text.starts_with("---") && contains(text, "Iteration")))
      return FileFormat::outcar;
  }
  return looks_like_poscar(lines) ? FileFormat::poscar : FileFormat::unknown;
}

Structure read_structure(const std::string& path) {
  const FileFormat format = recognise_format(path);
  switch (format) {
    case FileFormat::poscar:
      return read_poscar(path).structure;
    case FileFormat::extxyz: {
      ExtxyzReader reader(path);
      auto frame = reader.next();
      if (!frame) throw InputError("no complete frame: " + reader.ending(), path, "Complete the file.");
      return std::move(frame->structure);
    }
    case FileFormat::outcar:
    case FileFormat::vasprun: {
      auto frames = vasp_frames(path, format);
      if (frames.empty()) throw InputError("no complete ionic step", path, "Use the CONTCAR or POSCAR of the run.");
      return std::move(frames.back().structure);
    }
    case FileFormat::unknown:
      break;
  }
  fail_unknown(path);
}

std::vector<Frame> read_frames(const std::string& path) {
  const FileFormat format = recognise_format(path);
  std::vector<Frame> frames;
  switch (format) {
    case FileFormat::poscar: {
      Frame frame;
      frame.structure = read_poscar(path).structure;
      frame.source.path = path;
      frames.push_back(std::move(frame));
      return frames;
    }
    case FileFormat::extxyz: {
      ExtxyzReader reader(path);
      while (auto frame = reader.next()) frames.push_back(std::move(*frame));
      if (!reader.ending().empty())
        throw InputError(reader.ending(), path, "Complete the file, or remove the cut frame.");
      break;
    }
    case FileFormat::outcar:
    case FileFormat::vasprun:
      frames = vasp_frames(path, format);
      break;
    case FileFormat::unknown:
      fail_unknown(path);
  }
  if (frames.empty())
    throw InputError("no complete frame in this file", path, "Check that the calculation has finished.");
  return frames;
}

}  // namespace haven
