#include "io/deepmd_npy.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <utility>

#include "core/error.hpp"
#include "core/species.hpp"
#include "io/cursor.hpp"
#include "io/export_deepmd.hpp"
#include "io/npy.hpp"
#include "io/text_file.hpp"

namespace haven {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t longest_list = std::size_t{256} << 20U;
constexpr std::array label_names{"coord", "box", "energy", "force", "virial", "real_atom_types"};

std::vector<std::string> sets_of(const fs::path& folder) {
  std::vector<std::string> sets;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error))
    if (at->path().filename().string().starts_with("set.") && fs::is_directory(at->path(), error))
      sets.push_back(at->path().string());
  if (error) throw IoError("cannot search the folder", folder.string(), error.value());
  std::sort(sets.begin(), sets.end());
  return sets;
}

/// The arrays of one set.* folder, row by row.
class Set {
 public:
  Set(const std::string& folder, Index atoms) {
    coord_ = require(folder, "coord");
    box_ = require(folder, "box");
    energy_ = open(folder, "energy");
    force_ = open(folder, "force");
    virial_ = open(folder, "virial");
    types_ = open(folder, "real_atom_types");
    check(*coord_, 3 * atoms, "three for each atom of type.raw");
    check(*box_, 9, "nine");
    if (energy_) check(*energy_, 1, "one");
    if (force_) check(*force_, 3 * atoms, "three for each atom of type.raw");
    if (virial_) check(*virial_, 9, "nine");
    if (types_) check(*types_, atoms, "one for each atom of type.raw");
  }
  [[nodiscard]] Index frames() const { return coord_->rows(); }
  [[nodiscard]] bool mixed() const { return types_ != nullptr; }
  [[nodiscard]] bool single_precision_energy() const { return energy_ && energy_->is_single_precision(); }

  std::vector<double> coord, box, energy, force, virial, types;  ///< of the present frame; empty when absent
  void next() {
    coord_->next(coord);
    box_->next(box);
    if (energy_) energy_->next(energy);
    if (force_) force_->next(force);
    if (virial_) virial_->next(virial);
    if (types_) types_->next(types);
  }

 private:
  using Rows = std::unique_ptr<NpyRows>;
  static Rows open(const std::string& folder, const std::string& name) {
    const fs::path path = fs::path(folder) / (name + ".npy");
    std::error_code error;
    return fs::exists(path, error) ? std::make_unique<NpyRows>(path.string()) : nullptr;
  }
  static Rows require(const std::string& folder, const std::string& name) {
    Rows rows = open(folder, name);
    if (!rows) throw InputError("no " + name + ".npy in this set", folder, "Complete the set, or leave it out.");
    return rows;
  }
  void check(const NpyRows& rows, Index size, const std::string& meaning) const {
    if (rows.is_integer() != (&rows == types_.get()))
      throw InputError("whole numbers where reals should be, or the reverse", rows.path(), "Save the array again.");
    if (rows.row_size() != size)
      throw InputError(fmt::format("{} numbers a frame instead of {} ({})", rows.row_size(), size, meaning),
                       rows.path(), "Check that this set belongs to this system.");
    if (rows.rows() != coord_->rows())
      throw InputError(fmt::format("{} frames, but coord.npy has {}", rows.rows(), coord_->rows()), rows.path(),
                       "Check that all arrays of the set belong together.");
  }
  Rows coord_, box_, energy_, force_, virial_, types_;
};

Vec3 vector_at(const std::vector<double>& values, std::size_t k) {
  return {values[3 * k], values[3 * k + 1], values[3 * k + 2]};
}
Mat3 matrix_of(const std::vector<double>& values) {
  return {{{vector_at(values, 0), vector_at(values, 1), vector_at(values, 2)}}};
}
bool all_finite(const std::vector<double>& values) {
  return std::all_of(values.begin(), values.end(), [](double v) { return std::isfinite(v); });
}

class DeepmdReader final : public FrameReader {
 public:
  DeepmdReader(const std::string& path, const FrameReading& reading)
      : path_(path), folder_(fs::path(path).parent_path()) {
    if (folder_.empty()) folder_ = ".";
    std::error_code error;
    if (fs::exists(folder_ / "nopbc", error))
      throw InputError("a system without periodic boundaries (nopbc)", folder_.string(),
                       "Give it a large box (box.npy) and remove the file nopbc.");
    read_types();
    read_map(reading.types);
    sets_ = sets_of(folder_);
    if (sets_.empty())
      throw InputError("no set.* folder beside type.raw", folder_.string(),
                       "Convert the .raw files to sets (raw_to_set.sh of DeePMD-kit, or dpdata).");
    open_metadata();
  }

  std::optional<ReadFrame> next() override {
    while (!set_ || left_ == 0) {
      if (position_ >= sets_.size()) return std::nullopt;
      set_ = std::make_unique<Set>(sets_[position_++], static_cast<Index>(types_.size()));
      left_ = set_->frames();
      single_precision_ = single_precision_ || set_->single_precision_energy();
    }
    --left_;
    set_->next();
    return frame();
  }
  std::vector<std::string> notes() const override {
    std::vector<std::string> notes{any_virial_ ? "stress <- -virial / volume" : "no virial.npy: without stress"};
    if (single_precision_)
      notes.push_back(fmt::format("energy.npy is in single precision: energies are known to {:.1g} eV only",
                                  std::ldexp(largest_energy_, -23)));
    return notes;
  }

 private:
  void read_types();
  void read_map(const std::vector<int>& stated);
  int element(double type, const std::string& where) const;
  void open_metadata();
  void read_metadata(Frame& frame);
  ReadFrame frame();

  std::string path_;
  fs::path folder_;
  std::vector<Index> types_;
  std::vector<int> elements_;  // of each type
  std::vector<std::string> sets_;
  std::size_t position_ = 0;
  std::unique_ptr<Set> set_;
  std::unique_ptr<TextFile> metadata_;  // haven_frames.csv, behind its header
  std::shared_ptr<const std::string> settings_;
  Index left_ = 0, delivered_ = 0;
  bool single_precision_ = false, any_virial_ = false;
  double largest_energy_ = 0;
};

/// One row of haven_frames.csv; commas and doubled quotes may stand in quoted fields.
std::vector<std::string> csv_fields(std::string_view row) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (std::size_t k = 0; k < row.size(); ++k) {
    if (row[k] == '"' && quoted && k + 1 < row.size() && row[k + 1] == '"')
      fields.back() += row[k++];
    else if (row[k] == '"')
      quoted = !quoted;
    else if (row[k] == ',' && !quoted)
      fields.emplace_back();
    else
      fields.back() += row[k];
  }
  return fields;
}

/// What an export by Haven says about the frame, which the format has no place for.
void DeepmdReader::read_metadata(Frame& frame) {
  std::string_view row;
  const bool there = metadata_->next_line(row);
  const std::vector<std::string> fields = there ? csv_fields(row) : std::vector<std::string>();
  const auto number = fields.size() == 10 ? parse_integer(fields[0]) : std::nullopt;
  const auto weight = number ? parse_real(fields[3]) : std::nullopt;
  const auto index = number ? parse_integer(fields[6]) : std::nullopt;
  if (number != delivered_ || !weight || !index)
    throw InputError(fmt::format("no row for frame {}", delivered_), metadata_->where(),
                     "The frames of this system have been changed since Haven wrote them: remove this file.");
  frame.group = fields[1];
  if (!fields[2].empty()) frame.trajectory = fields[2];
  frame.weight = *weight;
  frame.temperature = parse_real(fields[4]);
  if (!fields[5].empty()) frame.source = {.path = fields[5], .index = *index, .code = fields[7], .sha256 = fields[8]};
  std::string settings = fields[9];
  std::replace(settings.begin(), settings.end(), ';', '\n');
  if (settings.empty()) return;
  if (!settings_ || *settings_ != settings) settings_ = std::make_shared<const std::string>(settings);
  frame.source.settings = settings_;
}

void DeepmdReader::read_types() {
  const std::string text = read_text(path_, longest_list);
  Cursor cursor(text);
  for (cursor.skip_blanks(); !cursor.at_end(); cursor.skip_blanks()) {
    const auto type = cursor.integer();
    if (!type || *type < 0 || *type > 100'000)
      throw InputError(fmt::format("entry {} is no atom type", types_.size() + 1), path_,
                       "type.raw holds one whole number from 0 for each atom.");
    types_.push_back(*type);
  }
  if (types_.empty()) throw InputError("no atom types", path_, "type.raw holds one number for each atom.");
}

void DeepmdReader::read_map(const std::vector<int>& stated) {
  elements_ = stated;
  const std::string map = (folder_ / "type_map.raw").string();
  std::error_code error;
  if (!elements_.empty()) return;
  if (!fs::exists(map, error))
    throw InputError(
        "no type_map.raw: the elements of the atom types are not known", folder_.string(),
        "Add a file type_map.raw with the symbol of each type on a line, or state types = [\"O\", \"H\"] for "
        "this source (--types on the command line).");
  const std::string text = read_text(map, longest_list);
  Cursor cursor(text);
  for (auto word = cursor.word(); !word.empty(); word = cursor.word()) {
    elements_.push_back(atomic_number(word));
    if (elements_.back() == 0)
      throw InputError(fmt::format("'{}' is no element", word.substr(0, 40)), map,
                       "Write element symbols, or state types = [...] for this source.");
  }
}

int DeepmdReader::element(double type, const std::string& where) const {
  if (type < static_cast<double>(elements_.size())) return elements_[static_cast<std::size_t>(type)];
  throw InputError(fmt::format("atom type {} has no element: only {} types are named", type, elements_.size()), where,
                   "Complete type_map.raw (or types = [...] of this source).");
}

void DeepmdReader::open_metadata() {
  const std::string path = (folder_ / deepmd_frames_name).string();
  std::error_code error;
  if (!fs::exists(path, error)) return;
  metadata_ = std::make_unique<TextFile>(path);
  std::string_view header;
  if (!metadata_->next_line(header) || header != deepmd_frames_header)
    throw InputError("the columns are not those that this Haven writes", path,
                     "Export the data again, or remove this file: it names the sources of the frames.");
}

ReadFrame DeepmdReader::frame() {
  ReadFrame read;
  Frame& frame = read.frame;
  const Set& set = *set_;
  const std::string& where = sets_[position_ - 1];
  for (std::size_t atom = 0; atom < types_.size(); ++atom) {
    const double type = set.mixed() ? set.types[atom] : static_cast<double>(types_[atom]);
    if (type < 0) continue;  // padding of the mixed-type layout
    frame.structure.numbers.push_back(element(type, where));
    frame.structure.positions.push_back(vector_at(set.coord, atom));
    if (!set.force.empty()) frame.forces.push_back(vector_at(set.force, atom));
  }
  if (!set.energy.empty()) frame.energy = set.energy[0];
  frame.trajectory = folder_.string();
  frame.source = {.path = path_, .index = delivered_, .code = {}};
  if (metadata_) read_metadata(frame);
  ++delivered_;
  for (const auto& [values, name] :
       {std::pair(&set.coord, "a position"), std::pair(&set.box, "a lattice vector"),
        std::pair(&set.energy, "the energy"), std::pair(&set.force, "a force"), std::pair(&set.virial, "the virial")})
    if (!all_finite(*values) && read.problem.empty()) read.problem = fmt::format("{} is not finite", name);
  if (!read.problem.empty()) return read;
  try {
    frame.structure.cell = Cell(matrix_of(set.box));
  } catch (const InputError& error) {
    read.problem = error.summary();
    return read;
  }
  any_virial_ = any_virial_ || !set.virial.empty();
  if (!set.virial.empty()) frame.stress = (-1.0 / frame.structure.cell.volume()) * matrix_of(set.virial);
  if (frame.energy) largest_energy_ = std::max(largest_energy_, std::abs(*frame.energy));
  return read;
}

}  // namespace

std::unique_ptr<FrameReader> open_deepmd(const std::string& path, const FrameReading& reading) {
  return std::make_unique<DeepmdReader>(path, reading);
}

std::vector<std::string> deepmd_parts(const std::string& path) {
  fs::path folder = fs::path(path).parent_path();
  if (folder.empty()) folder = ".";
  std::vector<std::string> parts;
  std::error_code error;
  for (const char* name : {"type_map.raw", deepmd_frames_name})
    if (fs::exists(folder / name, error)) parts.push_back((folder / name).string());
  for (const std::string& set : sets_of(folder))
    for (const char* name : label_names)
      if (const fs::path file = fs::path(set) / (std::string(name) + ".npy"); fs::exists(file, error))
        parts.push_back(file.string());
  return parts;
}

}  // namespace haven
