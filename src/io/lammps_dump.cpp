#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <utility>

#include "core/error.hpp"
#include "core/species.hpp"
#include "core/units.hpp"
#include "io/cursor.hpp"
#include "io/position_reader.hpp"
#include "io/text_file.hpp"

namespace haven {
namespace {

/// What a column of the atoms' table is.
enum class Column { other, id, type, element, mass, x, y, z, image_x, image_y, image_z, vx, vy, vz };

/// How the position columns are to be read.
struct Style {
  std::array<std::string_view, 3> names;
  bool scaled, continuous;
};
/// The first that a file has is used: those that need no completion come first.
constexpr std::array styles{Style{{"xu", "yu", "zu"}, false, true}, Style{{"xsu", "ysu", "zsu"}, true, true},
                            Style{{"x", "y", "z"}, false, false}, Style{{"xs", "ys", "zs"}, true, false}};

/// Box of one frame: corner and vectors.
struct Box {
  Vec3 origin;
  Mat3 vectors{};
  std::array<bool, 3> periodic{true, true, true};
};

struct Atom {
  Index id = 0;
  int number = 0;
  Vec3 position, velocity;
};

class LammpsDump final : public PositionReader {
 public:
  LammpsDump(const std::string& path, PositionReading reading) : file_(path), reading_(std::move(reading)) {}
  bool next(PositionFrame& frame) override;
  const std::vector<int>& numbers() const override { return numbers_; }
  bool unwrapped() const override { return continuous_; }
  std::string ending() const override {
    if (!cut_off_) return {};
    return fmt::format("{} ends inside frame {}; that frame was left out", file_.path(), frames_);
  }
  std::vector<std::string> notes() const override {
    if (!units_.empty()) return {};
    return {file_.path() + ": the dump does not state its units; lengths were taken as A (units metal or real)"};
  }

 private:
  [[noreturn]] void fail(const std::string& what, const std::string& remedy =
                                                      "Check that this is a text dump of LAMMPS, complete up to this "
                                                      "line.") const {
    throw InputError(what, file_.where(), remedy);
  }
  /// The next line; false (cut_off_ set) at the end of the file.
  bool line(std::string_view& text) {
    if (file_.next_line(text)) return true;
    if (file_.ending() == TextFile::Ending::too_long) fail("a line longer than 1 MiB");
    cut_off_ = true;
    return false;
  }
  double real(Cursor& cursor) const {
    const RealField field = cursor.real();
    if (!field.ok()) fail(fmt::format("a number is {}", field_state_name(field.state)));
    return field.value;
  }
  bool read_item(std::string_view name, PositionFrame& frame);
  bool read_box(std::string_view header);
  void fix_open_axes();
  bool read_units();
  void choose_columns(std::string_view header);
  void choose_positions(const std::map<std::string_view, std::size_t>& where);
  bool read_atoms(std::string_view header, PositionFrame& frame);
  Atom read_atom(std::string_view text) const;
  int element_of_type(std::string_view word) const;
  int element_of_mass(double mass) const;
  void place_first(const std::vector<Atom>& atoms, PositionFrame& frame);
  void place(const std::vector<Atom>& atoms, PositionFrame& frame);

  TextFile file_;
  PositionReading reading_;
  std::string units_, header_;
  std::vector<Column> columns_;
  bool scaled_ = false, continuous_ = false, velocities_ = false, have_columns_ = false;
  bool have_box_ = false;
  Box box_;
  std::optional<Box> first_box_;
  Index stated_atoms_ = -1, frames_ = 0;
  std::vector<Index> ids_;
  std::vector<int> numbers_;
  std::vector<Index> seen_;  ///< frame in which each atom was read last
  bool cut_off_ = false;
};

bool LammpsDump::next(PositionFrame& frame) {
  if (cut_off_) return false;
  frame = {};
  stated_atoms_ = -1, have_box_ = false;
  std::string_view text;
  bool inside = false;
  while (true) {
    if (!file_.next_line(text)) {
      if (file_.ending() == TextFile::Ending::too_long) fail("a line longer than 1 MiB");
      cut_off_ = inside || file_.ending() == TextFile::Ending::damaged;
      return false;
    }
    if (trimmed(text).empty()) continue;
    if (!text.starts_with("ITEM:")) fail("expected a line that begins with ITEM:");
    inside = true;
    const std::string item(trimmed(text.substr(5)));
    if (!item.starts_with("ATOMS")) {
      if (!read_item(item, frame)) return false;
      continue;
    }
    if (!read_atoms(item.substr(5), frame)) return false;
    ++frames_;
    return true;
  }
}

bool LammpsDump::read_units() {
  std::string_view text;
  if (!line(text)) return false;
  units_ = std::string(trimmed(text));
  if (units_ != "metal" && units_ != "real")
    fail(fmt::format("the dump is in LAMMPS units '{}'", units_.substr(0, 20)), "Write it in units metal or real.");
  return true;
}

/// Everything before the atoms. Items that are not known are an error: their length is not known either.
bool LammpsDump::read_item(std::string_view name, PositionFrame& frame) {
  if (name.starts_with("BOX BOUNDS")) return read_box(name.substr(10));
  if (name == "UNITS") return read_units();
  std::string_view text;
  if (!line(text)) return false;
  Cursor cursor(text);
  if (name == "TIMESTEP") {
    frame.step = cursor.integer();
    if (!frame.step) fail("expected the number of the time step");
  } else if (name == "NUMBER OF ATOMS") {
    stated_atoms_ = cursor.integer().value_or(-1);
    if (stated_atoms_ < 1) fail("expected the number of atoms");
    if (!ids_.empty() && stated_atoms_ != static_cast<Index>(ids_.size()))
      fail(fmt::format("{} atoms after {} in the first frame", stated_atoms_, ids_.size()),
           "A trajectory needs the same atoms in every frame: dump a fixed group.");
  } else if (name == "TIME") {
    const double time = real(cursor);
    if (units_ == "metal") frame.time_fs = units::fs_per_ps * time;
    if (units_ == "real") frame.time_fs = time;
  } else {
    fail(fmt::format("the item '{}' is not known", name.substr(0, 40)));
  }
  return true;
}

bool LammpsDump::read_box(std::string_view header) {
  std::vector<std::string_view> words;
  Cursor names(header);
  for (std::string_view word = names.word(); !word.empty(); word = names.word()) words.push_back(word);
  const bool general = words.size() >= 2 && words[0] == "abc";
  const bool tilted = words.size() >= 3 && words[0] == "xy";
  const std::size_t first_boundary = general ? 2 : tilted ? 3 : 0;
  box_ = {};
  for (std::size_t k = 0; k < 3 && first_boundary + k < words.size(); ++k)
    box_.periodic[k] = words[first_boundary + k].starts_with('p');
  std::array<std::array<double, 4>, 3> rows{};
  for (auto& row : rows) {
    std::string_view text;
    if (!line(text)) return false;
    Cursor cursor(text);
    for (std::size_t k = 0; k < (general ? 4U : tilted ? 3U : 2U); ++k) row[k] = real(cursor);
  }
  if (general) {
    for (int k = 0; k < 3; ++k) {
      const auto& row = rows[static_cast<std::size_t>(k)];
      box_.vectors[k] = {row[0], row[1], row[2]};
      box_.origin[k] = row[3];
    }
  } else {
    const double xy = rows[0][2], xz = rows[1][2], yz = rows[2][2];
    // The bounds are those of the box around the tilted cell.
    const Vec3 low{rows[0][0] - std::min({0.0, xy, xz, xy + xz}), rows[1][0] - std::min(0.0, yz), rows[2][0]};
    const Vec3 high{rows[0][1] - std::max({0.0, xy, xz, xy + xz}), rows[1][1] - std::max(0.0, yz), rows[2][1]};
    box_.origin = low;
    box_.vectors = {{{{high.x - low.x, 0, 0}, {xy, high.y - low.y, 0}, {xz, yz, high.z - low.z}}}};
  }
  fix_open_axes();
  return have_box_ = true;
}

/// A box that is shrunk around the atoms along an open axis says nothing about them: the first one stays the measure.
void LammpsDump::fix_open_axes() {
  if (!first_box_) first_box_ = box_;
  for (int k = 0; k < 3; ++k) {
    if (box_.periodic[static_cast<std::size_t>(k)]) continue;
    box_.vectors[k] = first_box_->vectors[k];
    box_.origin[k] = first_box_->origin[k];
  }
}

void LammpsDump::choose_positions(const std::map<std::string_view, std::size_t>& where) {
  const auto has = [&](const auto& names) {
    return std::all_of(names.begin(), names.end(), [&](std::string_view name) { return where.contains(name); });
  };
  const auto style = std::find_if(styles.begin(), styles.end(), [&](const Style& s) { return has(s.names); });
  if (style == styles.end())
    fail("the table has no positions", "Dump x y z, xs ys zs, xu yu zu or xsu ysu zsu (all three axes).");
  scaled_ = style->scaled, continuous_ = style->continuous;
  for (std::size_t k = 0; k < 3; ++k)
    columns_[where.at(style->names[k])] = static_cast<Column>(static_cast<std::size_t>(Column::x) + k);
  constexpr std::array<std::string_view, 3> images{"ix", "iy", "iz"}, velocities{"vx", "vy", "vz"};
  if (!continuous_ && has(images)) {
    continuous_ = true;
    for (std::size_t k = 0; k < 3; ++k)
      columns_[where.at(images[k])] = static_cast<Column>(static_cast<std::size_t>(Column::image_x) + k);
  }
  velocities_ = !units_.empty() && has(velocities);
  for (std::size_t k = 0; k < 3 && velocities_; ++k)
    columns_[where.at(velocities[k])] = static_cast<Column>(static_cast<std::size_t>(Column::vx) + k);
}

void LammpsDump::choose_columns(std::string_view header) {
  if (have_columns_ && header == header_) return;
  if (have_columns_) fail("the columns differ from those of the first frame", "Analyse the parts separately.");
  header_ = std::string(header);
  std::map<std::string_view, std::size_t> where;
  Cursor names(header_);
  for (std::string_view word = names.word(); !word.empty(); word = names.word())
    where.try_emplace(word, columns_.size()), columns_.push_back(Column::other);
  if (!where.contains("id"))
    fail("the table has no column 'id'", "Dump with the column id: LAMMPS changes the order of the atoms in a run.");
  columns_[where["id"]] = Column::id;
  choose_positions(where);
  if (where.contains("element"))
    columns_[where["element"]] = Column::element;
  else if (where.contains("type") && !reading_.types.empty())
    columns_[where["type"]] = Column::type;
  else if (where.contains("mass"))
    columns_[where["mass"]] = Column::mass;
  have_columns_ = true;
}

int LammpsDump::element_of_type(std::string_view word) const {
  const auto type = parse_integer(word);
  if (!type || *type < 1 || *type > static_cast<Index>(reading_.types.size()))
    fail(fmt::format("atom type '{}' is none of the {} that were named", word.substr(0, 20), reading_.types.size()),
         "Name the element of every type in order, e.g. --types Li P S.");
  return reading_.types[static_cast<std::size_t>(*type - 1)];
}

int LammpsDump::element_of_mass(double mass) const {
  int best = 0;
  for (int number = 1; number <= 118; ++number)
    if (best == 0 || std::abs(standard_mass(number) - mass) < std::abs(standard_mass(best) - mass)) best = number;
  // Neighbouring elements differ by more, but for Co and Ni, which differ by 0.24.
  if (std::abs(standard_mass(best) - mass) < 0.1) return best;
  fail(fmt::format("no element has the mass {}", mass),
       "Name the element of every type in order, e.g. --types Li P S.");
}

Atom LammpsDump::read_atom(std::string_view text) const {
  Atom atom;
  Vec3 image;
  Cursor cursor(text);
  for (const Column column : columns_) {
    if (column == Column::other) {
      if (cursor.word().empty()) fail("the line has fewer columns than the table's head");
    } else if (column == Column::id) {
      const auto id = cursor.integer();
      if (!id) fail("expected the id of an atom");
      atom.id = *id;
    } else if (column == Column::type) {
      atom.number = element_of_type(cursor.word());
    } else if (column == Column::element) {
      const std::string_view symbol = cursor.word();
      atom.number = atomic_number(symbol);
      if (atom.number == 0)
        fail(fmt::format("'{}' is no element", symbol.substr(0, 20)), "Use symbols (dump_modify element Li P S).");
    } else if (column == Column::mass) {
      atom.number = element_of_mass(real(cursor));
    } else {
      const double value = real(cursor);
      const int axis = (static_cast<int>(column) - static_cast<int>(Column::x)) % 3;
      (column <= Column::z ? atom.position : column <= Column::image_z ? image : atom.velocity)[axis] = value;
    }
  }
  if (scaled_)
    atom.position = atom.position * box_.vectors;
  else
    atom.position -= box_.origin;
  atom.position += image * box_.vectors;
  if (units_ == "metal") atom.velocity *= 1.0 / units::fs_per_ps;
  return atom;
}

bool LammpsDump::read_atoms(std::string_view header, PositionFrame& frame) {
  if (stated_atoms_ < 1 || !have_box_) fail("the atoms come before their number or the box");
  choose_columns(header);
  try {
    frame.cell = Cell(box_.vectors, box_.periodic);
  } catch (const InputError& error) {
    fail(error.summary());
  }
  std::vector<Atom> atoms;
  for (Index k = 0; k < stated_atoms_; ++k) {
    std::string_view text;
    if (!line(text)) return false;
    // The last line of a file that is being written may be cut anywhere.
    if (!file_.line_was_terminated() && k + 1 < stated_atoms_) return cut_off_ = true, false;
    if (!file_.line_was_terminated()) {
      Cursor cursor(text);
      std::size_t words = 0;
      while (!cursor.word().empty()) ++words;
      if (words < columns_.size()) return cut_off_ = true, false;
    }
    atoms.push_back(read_atom(text));
  }
  if (ids_.empty())
    place_first(atoms, frame);
  else
    place(atoms, frame);
  return true;
}

void LammpsDump::place_first(const std::vector<Atom>& atoms, PositionFrame& frame) {
  std::vector<Atom> sorted = atoms;
  std::sort(sorted.begin(), sorted.end(), [](const Atom& a, const Atom& b) { return a.id < b.id; });
  for (const Atom& atom : sorted) {
    if (!ids_.empty() && ids_.back() == atom.id) fail(fmt::format("atom {} is there twice", atom.id));
    ids_.push_back(atom.id);
    if (atom.number > 0) numbers_.push_back(atom.number);
    frame.positions.push_back(atom.position);
    if (velocities_) frame.velocities.push_back(atom.velocity);
  }
  seen_.assign(ids_.size(), -1);
}

void LammpsDump::place(const std::vector<Atom>& atoms, PositionFrame& frame) {
  frame.positions.resize(ids_.size());
  if (velocities_) frame.velocities.resize(ids_.size());
  for (std::size_t row = 0; row < atoms.size(); ++row) {
    const Atom& atom = atoms[row];
    std::size_t at = row;
    if (ids_[row] != atom.id) {
      at = static_cast<std::size_t>(std::lower_bound(ids_.begin(), ids_.end(), atom.id) - ids_.begin());
      if (at == ids_.size() || ids_[at] != atom.id)
        fail(fmt::format("atom {} is not in the first frame", atom.id),
             "A trajectory needs the same atoms in every frame: dump a fixed group.");
    }
    if (seen_[at] == frames_) fail(fmt::format("atom {} is there twice", atom.id));
    if (atom.number > 0 && numbers_[at] != atom.number)
      fail(fmt::format("atom {} has become another element", atom.id));
    seen_[at] = frames_;
    frame.positions[at] = atom.position;
    if (velocities_) frame.velocities[at] = atom.velocity;
  }
}

}  // namespace

std::unique_ptr<PositionReader> open_lammps_dump(const std::string& path, const PositionReading& reading) {
  return std::make_unique<LammpsDump>(path, reading);
}

}  // namespace haven
