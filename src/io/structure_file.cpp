#include "io/structure_file.hpp"

#include <fmt/format.h>

#include <utility>

#include "core/error.hpp"
#include "io/cif.hpp"
#include "io/lammps_data.hpp"
#include "io/poscar.hpp"
#include "io/xdatcar.hpp"

namespace haven {
namespace {

[[noreturn]] void fail_unknown(const std::string& path) {
  throw InputError("the format of this file is not known", path,
                   fmt::format("Readable are POSCAR, CONTCAR, XDATCAR, CIF, LAMMPS data, {}.", importable_formats));
}

/// Complete ab initio steps, in order.
class VaspFrames {
 public:
  VaspFrames(const std::string& path, FileFormat format, EnergyKind energy)
      : path_(path), energy_(energy), reader_(open_vasp_run(path, format)) {}
  std::optional<Frame> next() {
    while (const auto step = reader_->next()) {
      const bool usable = step->kind == VaspStep::Kind::ab_initio && step->problem.empty() && !step->forces.empty();
      if (usable && step->free_energy) return frame_of_step(*step, reader_->settings(), energy_, path_);
    }
    return std::nullopt;
  }

 private:
  std::string path_;
  EnergyKind energy_;
  std::unique_ptr<VaspReader> reader_;
};

Frame unlabelled(const std::string& path, Structure structure, Index index) {
  Frame frame;
  frame.structure = std::move(structure);
  frame.trajectory = path;
  frame.source.path = path;
  frame.source.index = index;
  return frame;
}

std::vector<Frame> xdatcar_frames(const std::string& path) {
  std::vector<Frame> frames;
  XdatcarReader reader(path);
  Structure structure;
  while (reader.next(structure.cell, structure.positions)) {
    structure.numbers = reader.numbers();
    frames.push_back(unlabelled(path, structure, reader.frames() - 1));
  }
  return frames;
}

std::vector<Frame> labelled_frames(const std::string& path, FileFormat format, const FrameReading& reading) {
  std::vector<Frame> frames;
  const auto reader = open_frames(path, format, reading);
  while (auto read = reader->next()) {
    if (!read->problem.empty())
      throw InputError(fmt::format("frame {}: {}", frames.size() + 1, read->problem), path,
                       "Remove this frame, or repeat its calculation.");
    frames.push_back(std::move(read->frame));
  }
  if (!reader->ending().empty())
    throw InputError(reader->ending(), path, "Complete the file, or remove the cut frame.");
  return frames;
}

/// The structure of a file that holds one and no labels; nothing for other formats.
std::optional<Structure> single_structure(const std::string& path, FileFormat format, const FrameReading& reading) {
  if (format == FileFormat::poscar) return read_poscar(path).structure;
  if (format == FileFormat::cif) return read_cif(path);
  if (format == FileFormat::lammps_data) return read_lammps_data(path, reading.types);
  return std::nullopt;
}

}  // namespace

Structure read_structure(const std::string& path, const FrameReading& reading) {
  const FileFormat format = recognise_format(path);
  if (auto structure = single_structure(path, format, reading)) return std::move(*structure);
  if (is_vasp_run(format)) {
    VaspFrames frames(path, format, reading.energy);
    std::optional<Frame> last;
    while (auto frame = frames.next()) last = std::move(frame);
    if (!last) throw InputError("no complete ionic step", path, "Use the CONTCAR or POSCAR of the run.");
    return std::move(last->structure);
  }
  if (is_frame_file(format)) {
    const auto reader = open_frames(path, format, reading);
    auto read = reader->next();
    if (!read) throw InputError("no complete frame: " + reader->ending(), path, "Complete the file.");
    if (!read->problem.empty()) throw InputError(read->problem, path, "Correct this frame.");
    return std::move(read->frame.structure);
  }
  if (format == FileFormat::xdatcar) {
    auto frames = xdatcar_frames(path);
    if (frames.empty()) throw InputError("no complete frame", path, "Use the CONTCAR or POSCAR of the run.");
    return std::move(frames.back().structure);
  }
  fail_unknown(path);
}

std::vector<Frame> read_frames(const std::string& path, const FrameReading& reading) {
  const FileFormat format = recognise_format(path);
  std::vector<Frame> frames;
  if (auto structure = single_structure(path, format, reading)) {
    frames.push_back(unlabelled(path, std::move(*structure), 0));
  } else if (is_vasp_run(format)) {
    VaspFrames steps(path, format, reading.energy);
    while (auto frame = steps.next()) frames.push_back(std::move(*frame));
  } else if (is_frame_file(format)) {
    frames = labelled_frames(path, format, reading);
  } else if (format == FileFormat::xdatcar) {
    frames = xdatcar_frames(path);
  } else {
    fail_unknown(path);
  }
  if (frames.empty())
    throw InputError("no complete frame in this file", path, "Check that the calculation has finished.");
  return frames;
}

}  // namespace haven
