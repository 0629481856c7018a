#include "io/file_format.hpp"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "core/error.hpp"
#include "io/aenet_xsf.hpp"
#include "io/cp2k_trajectory.hpp"
#include "io/cursor.hpp"
#include "io/deepmd_npy.hpp"
#include "io/espresso_output.hpp"
#include "io/extxyz.hpp"
#include "io/h5.hpp"
#include "io/ml_ab.hpp"
#include "io/n2p2_data.hpp"
#include "io/outcar.hpp"
#include "io/text_file.hpp"
#include "io/vaspout.hpp"
#include "io/vasprun.hpp"

namespace haven {
namespace {

constexpr std::size_t lines_looked_at = 200;
using Lines = std::vector<std::string>;

bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

bool any_line(const Lines& lines, auto test) { return std::any_of(lines.begin(), lines.end(), test); }

Lines first_lines(const std::string& path) {
  TextFile file(path, TextFile::LongLine::skip);
  Lines lines;
  std::string_view line;
  while (lines.size() < lines_looked_at && file.next_line(line)) lines.emplace_back(line.substr(0, 4096));
  return lines;
}

bool looks_like_hdf5(const Lines& lines) { return !lines.empty() && lines[0].starts_with("\x89HDF"); }

/// Of HDF5 files only VASP's are a format of its own here; Haven's datasets and trajectories are opened by name.
bool is_vaspout(const std::string& path) {
  try {
    const h5::File file = h5::File::open(path);
    return file.root().has("intermediate") && file.root().has("version");
  } catch (const h5::Error&) {
    // Compressed, or damaged: then the name decides, and its reader says what is wrong.
    return contains(std::filesystem::path(path).filename().string(), "vaspout");
  }
}

bool looks_like_extxyz(const Lines& lines) {
  if (lines.size() < 2 || !parse_integer(lines[0])) return false;
  return contains(lines[1], "attice=") || contains(lines[1], "roperties=");
}

bool looks_like_cp2k(const Lines& lines) {
  return lines.size() >= 2 && parse_integer(lines[0]) && trimmed(lines[1]).starts_with("i =") &&
         contains(lines[1], "E =");
}

bool looks_like_outcar(const Lines& lines) {
  return any_line(lines, [](const std::string& line) {
    const std::string_view text = trimmed(line).substr(0, 2048);
    return contains(text, "vasp.4.") || contains(text, "vasp.5.") || contains(text, "vasp.6.") ||
           text.starts_with("POTCAR:") || text.starts_with("TITEL  =") ||
           (text.starts_with("---") && contains(text, "Iteration"));
  });
}

/// A POSCAR, and an XDATCAR up to its first frame.
bool looks_like_poscar(const Lines& lines) {
  if (lines.size() < 7 || !parse_real(Cursor(lines[1]).word())) return false;
  for (std::size_t k = 2; k < 5; ++k) {
    Vec3 v;
    Cursor cursor(lines[k]);
    if (cursor.vec3(v) != FieldState::number) return false;
  }
  return true;
}

bool has_configurations(const Lines& lines) {
  return any_line(lines, [](const auto& line) { return contains(line, "irect configuration="); });
}

/// The first line that is neither blank nor a comment.
std::string_view first_content(const Lines& lines) {
  for (const std::string& line : lines)
    if (const std::string_view text = trimmed(line); !text.empty() && text[0] != '#') return text;
  return {};
}

/// Its SCF tables have no counterpart in the head of an OUTCAR, where they come later.
bool looks_like_oszicar(const Lines& lines) {
  const std::string_view first = first_content(lines);
  if (Cursor head(first); head.word() == "N" && head.word() == "E" && head.word() == "dE") return true;
  return parse_integer(Cursor(first).word()) && contains(first, " F=") && contains(first, " E0=");
}

bool looks_like_n2p2(const Lines& lines) {
  return first_content(lines) == "begin" && any_line(lines, [](const auto& line) {
           const std::string_view word = Cursor(line).word();
           return word == "atom" || word == "lattice" || word == "comment" || word == "energy";
         });
}

/// A keyword alone could also be the comment line of a POSCAR.
bool looks_like_xsf(const Lines& lines) {
  const std::string_view first = first_content(lines);
  constexpr std::string_view words[] = {"CRYSTAL", "SLAB", "POLYMER", "MOLECULE", "ATOMS", "PRIMVEC"};
  if (first.starts_with("ANIMSTEPS") || first == "ATOMS") return true;
  return std::find(std::begin(words), std::end(words), first) != std::end(words) &&
         any_line(lines, [](const auto& line) {
           const std::string_view word = Cursor(line).word();
           return word == "PRIMVEC" || word == "PRIMCOORD" || word == "ATOMS";
         });
}

bool looks_like_cif(const Lines& lines) {
  const std::string_view first = first_content(lines);
  if (!first.starts_with("data_") && !first.starts_with("_audit")) return false;
  return any_line(lines, [](const auto& line) { return trimmed(line).starts_with('_'); });
}

bool looks_like_lammps_data(const Lines& lines) {
  const auto ends = [&](std::string_view end) {
    return any_line(lines, [&](const auto& line) {
      return trimmed(std::string_view(line).substr(0, line.find('#'))).ends_with(end);
    });
  };
  return ends("atoms") && ends("xlo xhi") && ends("ylo yhi");
}

FileFormat by_content(const std::string& path, const Lines& lines) {
  if (looks_like_hdf5(lines)) return is_vaspout(path) ? FileFormat::vaspout : FileFormat::unknown;
  if (looks_like_extxyz(lines)) return FileFormat::extxyz;
  if (looks_like_cp2k(lines)) return FileFormat::cp2k;
  if (any_line(lines, [](const auto& line) { return contains(line, "<modeling>"); })) return FileFormat::vasprun;
  if (any_line(lines, [](const auto& line) { return trimmed(line).starts_with("Program PWSCF"); }))
    return FileFormat::espresso;
  if (any_line(lines, [](const auto& line) { return trimmed(line) == "The number of configurations"; }))
    return FileFormat::ml_ab;
  if (looks_like_n2p2(lines)) return FileFormat::n2p2;
  if (looks_like_xsf(lines)) return FileFormat::xsf;
  if (looks_like_cif(lines)) return FileFormat::cif;
  if (looks_like_oszicar(lines)) return FileFormat::oszicar;
  if (looks_like_outcar(lines)) return FileFormat::outcar;
  if (looks_like_poscar(lines)) return has_configurations(lines) ? FileFormat::xdatcar : FileFormat::poscar;
  return looks_like_lammps_data(lines) ? FileFormat::lammps_data : FileFormat::unknown;
}

/// The extended XYZ reader behind the interface that all labelled formats share.
class ExtxyzFrames final : public FrameReader {
 public:
  ExtxyzFrames(const std::string& path, EnergyKind energy) : reader_(path, energy) {}
  std::optional<ReadFrame> next() override {
    ReadFrame read;
    auto frame = reader_.next(read.problem);
    if (!frame) return std::nullopt;
    if (reader_.without_cell()) read.problem = read.no_cell = "neither Lattice nor pbc: an isolated atom or molecule";
    read.frame = std::move(*frame);
    return read;
  }
  std::string ending() const override { return reader_.ending(); }
  std::vector<std::string> notes() const override { return {"labels: " + reader_.mapping()}; }

 private:
  ExtxyzReader reader_;
};

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
    case FileFormat::vaspout:
      return "vaspout.h5";
    case FileFormat::ml_ab:
      return "ML_AB";
    case FileFormat::xdatcar:
      return "XDATCAR";
    case FileFormat::oszicar:
      return "OSZICAR";
    case FileFormat::deepmd:
      return "DeePMD-kit system";
    case FileFormat::n2p2:
      return "n2p2 input.data";
    case FileFormat::xsf:
      return "XSF";
    case FileFormat::cif:
      return "CIF";
    case FileFormat::lammps_data:
      return "LAMMPS data";
    case FileFormat::espresso:
      return "pw.x output";
    case FileFormat::cp2k:
      return "CP2K trajectory";
    case FileFormat::unknown:
      break;
  }
  return "unknown";
}

FileFormat recognise_format(const std::string& path) {
  if (std::filesystem::path(path).filename() == "type.raw") return FileFormat::deepmd;
  return by_content(path, first_lines(path));
}

bool is_vasp_run(FileFormat format) {
  return format == FileFormat::outcar || format == FileFormat::vasprun || format == FileFormat::vaspout;
}

bool is_frame_file(FileFormat format) {
  switch (format) {
    case FileFormat::extxyz:
    case FileFormat::ml_ab:
    case FileFormat::deepmd:
    case FileFormat::n2p2:
    case FileFormat::xsf:
    case FileFormat::espresso:
    case FileFormat::cp2k:
      return true;
    default:
      return false;
  }
}

std::unique_ptr<VaspReader> open_vasp_run(const std::string& path, FileFormat format) {
  if (format == FileFormat::outcar) return open_outcar(path);
  if (format == FileFormat::vasprun) return open_vasprun(path);
  HAVEN_ASSERT(format == FileFormat::vaspout);
  return open_vaspout(path);
}

std::unique_ptr<FrameReader> open_frames(const std::string& path, FileFormat format, const FrameReading& reading) {
  switch (format) {
    case FileFormat::extxyz:
      return std::make_unique<ExtxyzFrames>(path, reading.energy);
    case FileFormat::ml_ab:
      return open_ml_ab(path, reading);
    case FileFormat::deepmd:
      return open_deepmd(path, reading);
    case FileFormat::n2p2:
      return open_n2p2_data(path, reading);
    case FileFormat::xsf:
      return open_aenet_xsf(path);
    case FileFormat::espresso:
      return open_espresso_output(path, reading);
    case FileFormat::cp2k:
      return open_cp2k_trajectory(path);
    default:
      throw InternalError("open_frames() for a format without labelled frames", path);
  }
}

}  // namespace haven
