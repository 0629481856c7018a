#include "io/cp2k_trajectory.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <utility>

#include "core/error.hpp"
#include "core/units.hpp"
#include "io/cursor.hpp"
#include "io/text_file.hpp"
#include "io/vasp_run.hpp"

namespace haven {
namespace {

namespace fs = std::filesystem;

constexpr Index most_atoms = 10'000'000;
constexpr double force_unit = units::hartree_in_ev / units::bohr_in_angstrom;
constexpr std::array<const char*, 4> compressed{"", ".gz", ".bz2", ".xz"};

struct Neighbours {
  std::string forces, cell;
};

/// NAME-pos-1.xyz -> NAME-frc-1.xyz and NAME-1.cell; each may be compressed.
Neighbours neighbours_of(const std::string& path) {
  const fs::path p(path);
  const std::string name = p.filename().string();
  const std::size_t mark = name.rfind("-pos-"), end = name.find(".xyz", mark);
  if (mark == name.npos || end == name.npos)
    throw InputError("the name is not NAME-pos-1.xyz: the files of forces and cell cannot be found", path,
                     "Give the trajectory the name that CP2K gave it.");
  const std::string stem = name.substr(0, mark), number = name.substr(mark + 5, end - mark - 5);
  const auto find = [&](const std::string& wanted) {
    std::error_code error;
    for (const char* suffix : compressed)
      if (const fs::path file = p.parent_path() / (wanted + suffix); fs::exists(file, error)) return file.string();
    return std::string();
  };
  return {find(fmt::format("{}-frc-{}.xyz", stem, number)), find(fmt::format("{}-{}.cell", stem, number))};
}

/// One frame of an xyz file of CP2K.
struct XyzFrame {
  std::int64_t step = -1;
  std::optional<double> energy;  ///< hartree
  std::vector<int> numbers;
  std::vector<Vec3> vectors;
  std::string problem;
};

class XyzStream {
 public:
  explicit XyzStream(const std::string& path) : file_(path) {}

  /// False at the end, and for a frame that is cut off (see cut()).
  bool next(XyzFrame& frame) {
    frame = {};
    std::string_view line;
    do {
      if (!file_.next_line(line)) return end(false);
    } while (trimmed(line).empty());
    const auto atoms = parse_integer(line);
    if (!atoms || *atoms < 1 || *atoms > most_atoms)
      fail(fmt::format("'{}' where the number of atoms should be", line.substr(0, 40)));
    if (!file_.next_line(line) || !file_.line_was_terminated()) return end(true);
    read_comment(line, frame);
    for (Index atom = 0; atom < *atoms; ++atom) {
      if (!file_.next_line(line) || !file_.line_was_terminated()) return end(true);
      Cursor cursor(line);
      const std::string_view name = cursor.word();
      const int number = element_of_potential(name);
      if (number == 0) fail(fmt::format("'{}' is no element", name.substr(0, 40)));
      Vec3 v;
      const FieldState state = cursor.vec3(v);
      if (state == FieldState::missing || state == FieldState::malformed)
        fail(fmt::format("a number of atom {} is {}", atom + 1, field_state_name(state)));
      if (state != FieldState::number && frame.problem.empty())
        frame.problem = fmt::format("a number of atom {} is {}", atom + 1, field_state_name(state));
      frame.numbers.push_back(number);
      frame.vectors.push_back(v);
    }
    return true;
  }
  [[nodiscard]] bool cut() const { return cut_; }
  [[nodiscard]] std::string where() const { return file_.where(); }
  [[noreturn]] void fail(const std::string& what) const {
    throw InputError(what, file_.where(), "Remove the damaged frame, or let CP2K write the file again.");
  }

 private:
  bool end(bool inside) {
    if (file_.ending() == TextFile::Ending::too_long) fail("a line longer than 1 MiB");
    cut_ = inside || file_.ending() == TextFile::Ending::damaged;
    return false;
  }
  /// " i =        5, time =        2.500, E =     -1103.3712345678"
  void read_comment(std::string_view line, XyzFrame& frame) {
    Cursor step(line), energy(line);
    const auto index = step.accept("i =") ? step.integer() : std::nullopt;
    if (!index) fail("the comment line does not state the step ('i = ...')");
    frame.step = *index;
    if (!energy.skip_past("E =")) return;
    const RealField field = energy.real();
    if (field.ok())
      frame.energy = field.value;
    else
      frame.problem = fmt::format("the energy is {}", field_state_name(field.state));
  }
  TextFile file_;
  bool cut_ = false;
};

/// "#   Step   Time [fs]   Ax [Angstrom] Ay ... Cz   Volume": a line for each step.
class CellStream {
 public:
  explicit CellStream(const std::string& path) : file_(path) {}
  /// The cell of a step; later steps are kept for later calls. Nothing when the file lacks it.
  std::optional<Mat3> at(std::int64_t step) {
    while (step_ < step && read()) {
    }
    return step_ == step ? std::optional(cell_) : std::nullopt;
  }

 private:
  bool read() {
    std::string_view line;
    while (file_.next_line(line) && file_.line_was_terminated()) {
      const std::string_view text = trimmed(line);
      if (text.empty() || text[0] == '#') continue;
      Cursor cursor(text);
      const auto step = cursor.integer();
      bool good = step.has_value() && cursor.real().ok();
      for (int k = 0; k < 3 && good; ++k) good = cursor.vec3(cell_[k]) == FieldState::number;
      if (!good)
        throw InputError("this is no line of a CP2K cell file", file_.where(), "Let CP2K write the file again.");
      step_ = *step;
      return true;
    }
    return false;
  }
  TextFile file_;
  std::int64_t step_ = -1;
  Mat3 cell_{};
};

class Cp2kReader final : public FrameReader {
 public:
  explicit Cp2kReader(const std::string& path) : Cp2kReader(path, neighbours_of(path)) {}

  std::optional<ReadFrame> next() override {
    XyzFrame frame;
    while (positions_.next(frame)) {
      const auto cell = cells_.at(frame.step);
      if (find_forces(frame.step) && cell) return make(frame, *cell);
      ++unmatched_;
    }
    if (positions_.cut())
      ending_ = fmt::format("frame {} is cut off at {} and left out", delivered_ + unmatched_ + 1, positions_.where());
    return std::nullopt;
  }
  std::string ending() const override { return ending_; }
  std::vector<std::string> notes() const override {
    std::vector<std::string> notes{"energy (hartree) and forces (hartree/bohr) converted; without stress"};
    if (unmatched_ > 0)
      notes.push_back(
          fmt::format("{} steps have no forces or no cell in the files beside and are left out", unmatched_));
    return notes;
  }

 private:
  Cp2kReader(const std::string& path, const Neighbours& beside)
      : path_(path),
        positions_(path),
        forces_(require(path, beside.forces, "forces (NAME-frc-1.xyz)", "&PRINT / &FORCES")),
        cells_(require(path, beside.cell, "cells (NAME-1.cell)", "&PRINT / &CELL")) {}

  static const std::string& require(const std::string& path, const std::string& found, const std::string& what,
                                    const std::string& section) {
    if (found.empty())
      throw InputError(fmt::format("the file of the {} is not beside this trajectory", what), path,
                       fmt::format("Let CP2K print it (MOTION {}) and keep the files together.", section));
    return found;
  }
  bool find_forces(std::int64_t step) {
    while (!forces_ended_ && force_.step < step) forces_ended_ = !forces_.next(force_);
    return !forces_ended_ && force_.step == step;
  }
  ReadFrame make(XyzFrame& from, const Mat3& cell) {
    if (force_.numbers != from.numbers) positions_.fail("the atoms of positions and forces differ");
    ReadFrame read;
    Frame& frame = read.frame;
    read.problem = !from.problem.empty() ? from.problem : force_.problem;
    frame.structure.numbers = std::move(from.numbers);
    frame.structure.positions = std::move(from.vectors);
    for (const Vec3& force : force_.vectors) frame.forces.push_back(force_unit * force);
    if (from.energy) frame.energy = *from.energy * units::hartree_in_ev;
    try {
      frame.structure.cell = Cell(cell);
    } catch (const InputError& error) {
      read.problem = error.summary();
    }
    frame.trajectory = path_;
    frame.source = {.path = path_, .index = delivered_++, .code = "CP2K"};
    return read;
  }

  std::string path_, ending_;
  XyzStream positions_, forces_;
  CellStream cells_;
  XyzFrame force_;
  bool forces_ended_ = false;
  Index delivered_ = 0, unmatched_ = 0;
};

}  // namespace

std::unique_ptr<FrameReader> open_cp2k_trajectory(const std::string& path) {
  return std::make_unique<Cp2kReader>(path);
}

std::vector<std::string> cp2k_parts(const std::string& path) {
  const Neighbours beside = neighbours_of(path);
  std::vector<std::string> parts;
  for (const std::string& part : {beside.forces, beside.cell})
    if (!part.empty()) parts.push_back(part);
  return parts;
}

}  // namespace haven
