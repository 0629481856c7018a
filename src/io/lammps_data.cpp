#include "io/lammps_data.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "core/error.hpp"
#include "core/species.hpp"
#include "io/cursor.hpp"
#include "io/text_file.hpp"

namespace haven {
namespace {

constexpr Index most_atoms = 100'000'000;
constexpr Index most_types = 10'000;

/// Words of an Atoms line before the type and before x: 1-based column of the type, number of words before x.
struct Style {
  std::string_view name;
  int type, before_x;
};
constexpr std::array styles{Style{"atomic", 2, 2}, Style{"charge", 2, 3}, Style{"molecular", 3, 3},
                            Style{"bond", 3, 3},   Style{"angle", 3, 3},  Style{"full", 3, 4}};

struct Atom {
  Index id = 0, type = 0;
  Vec3 position;
};

class Reader {
 public:
  Reader(const std::string& path, const std::vector<int>& types) : file_(path), types_(types) {}

  Structure read() {
    std::string_view line;
    if (!file_.next_line(line)) fail("the file is empty", complete_remedy);
    read_comment(line);
    while (next(line)) {
      if (!read_header(line)) read_section(line);
    }
    if (file_.ending() != TextFile::Ending::complete) fail("the file is damaged, cut off or no text", complete_remedy);
    return finish();
  }

 private:
  static constexpr const char* complete_remedy = "Write the data file again (write_data of LAMMPS).";
  [[noreturn]] void fail(const std::string& what, const std::string& remedy) const {
    throw InputError(what, file_.where(), remedy);
  }
  /// The next line that is not blank, with its comment in comment_.
  bool next(std::string_view& line) {
    while (file_.next_line(line)) {
      const std::size_t mark = line.find('#');
      comment_ = mark == line.npos ? std::string() : std::string(trimmed(line.substr(mark + 1)));
      line = trimmed(line.substr(0, mark));
      if (!line.empty()) return true;
    }
    return false;
  }
  void need(std::string_view& line) {
    if (!next(line)) fail("the file ends inside a section", complete_remedy);
  }
  void read_comment(std::string_view line);
  bool read_header(std::string_view line);
  bool read_box(std::string_view line);
  void read_section(std::string_view line);
  void read_masses();
  void read_labels();
  void read_atoms();
  const Style& style_of(std::string_view line) const;
  Index type_of(std::string_view word) const;
  int element_of(Index type) const;
  Structure finish();

  TextFile file_;
  std::vector<int> types_;
  std::string comment_;
  Index atoms_stated_ = -1, types_stated_ = -1;
  Vec3 low_, high_, tilt_;
  bool have_box_[3] = {false, false, false};
  std::map<Index, std::string> names_;  // element comment of each type
  std::map<Index, double> masses_;
  std::vector<Atom> atoms_;
};

/// "LAMMPS data file via write_data, version ..., units = metal"
void Reader::read_comment(std::string_view line) {
  const std::size_t at = line.find("units = ");
  if (at == line.npos) return;
  const std::string_view unit = Cursor(line.substr(at + 8)).word();
  if (unit != "metal" && unit != "real")
    fail(fmt::format("the file is in LAMMPS units '{}'", unit.substr(0, 20)), "Write it in units metal (A).");
}

bool Reader::read_box(std::string_view line) {
  constexpr std::array<std::string_view, 3> ends{"xlo xhi", "ylo yhi", "zlo zhi"};
  for (int axis = 0; axis < 3; ++axis) {
    if (!line.ends_with(ends[static_cast<std::size_t>(axis)])) continue;
    Cursor cursor(line);
    const RealField low = cursor.real(), high = cursor.real();
    if (!low.ok() || !high.ok() || !(low.value < high.value)) fail("these are no bounds of a box", complete_remedy);
    low_[axis] = low.value;
    high_[axis] = high.value;
    have_box_[axis] = true;
    return true;
  }
  if (line.ends_with("avec") || line.ends_with("bvec") || line.ends_with("cvec"))
    fail("a general triclinic box (avec, bvec, cvec)", "Write the file without 'triclinic/general'.");
  if (!line.ends_with("xy xz yz")) return false;
  if (Cursor(line).vec3(tilt_) != FieldState::number) fail("these are no tilt factors", complete_remedy);
  return true;
}

bool Reader::read_header(std::string_view line) {
  if (read_box(line)) return true;
  Cursor cursor(line);
  const std::string_view first = cursor.word();
  const auto count = parse_integer(first);
  if (!count) return false;
  const std::string_view what = trimmed(cursor.rest());
  if (what == "atoms") {
    if (*count < 1 || *count > most_atoms) fail(fmt::format("{} is no number of atoms", *count), complete_remedy);
    atoms_stated_ = *count;
  } else if (what == "atom types") {
    if (*count < 1 || *count > most_types) fail(fmt::format("{} is no number of atom types", *count), complete_remedy);
    types_stated_ = *count;
  }
  return true;  // bonds, bond types, ...
}

void Reader::read_section(std::string_view line) {
  if (line.starts_with("Masses")) return read_masses();
  if (line.starts_with("Atom Type Labels")) return read_labels();
  if (line == "Atoms") return read_atoms();
  // Lines of other sections begin with a number and are taken for header lines that mean nothing here.
  const char first = line[0];
  const bool name = (first >= 'A' && first <= 'Z') || (first >= 'a' && first <= 'z');
  if (!name) fail(fmt::format("'{}' is no line of a LAMMPS data file", line.substr(0, 40)), complete_remedy);
}

Index Reader::type_of(std::string_view word) const {
  const auto type = parse_integer(word);
  if (type && *type >= 1 && *type <= types_stated_) return *type;
  for (const auto& [number, name] : names_)
    if (!type && name == word) return number;  // a type label
  fail(fmt::format("'{}' is no atom type (there are {})", word.substr(0, 40), types_stated_), complete_remedy);
}

void Reader::read_masses() {
  if (types_stated_ < 0) fail("Masses before 'N atom types'", complete_remedy);
  std::string_view line;
  for (Index k = 0; k < types_stated_; ++k) {
    need(line);
    Cursor cursor(line);
    const Index type = type_of(cursor.word());
    const RealField mass = cursor.real();
    if (!mass.ok() || mass.value <= 0) fail(fmt::format("the mass of type {} is no number", type), complete_remedy);
    masses_[type] = mass.value;
    if (!comment_.empty() && !names_.contains(type)) names_[type] = std::string(Cursor(comment_).word());
  }
}

void Reader::read_labels() {
  std::string_view line;
  for (Index k = 0; k < std::max<Index>(types_stated_, 0); ++k) {
    need(line);
    Cursor cursor(line);
    const Index type = type_of(cursor.word());
    names_[type] = std::string(cursor.word());
  }
}

/// The style named behind "Atoms #", else the only one that fits the number of words on a line.
const Style& Reader::style_of(std::string_view line) const {
  const std::string_view stated = Cursor(comment_).word();
  for (const Style& style : styles)
    if (style.name == stated) return style;
  if (!stated.empty())
    fail(fmt::format("atom style '{}' is not read", stated.substr(0, 40)),
         "Write the atoms in style atomic or charge.");
  Cursor cursor(line);
  std::vector<std::string_view> words;
  for (auto word = cursor.word(); !word.empty(); word = cursor.word()) words.push_back(word);
  const std::size_t count = words.size() >= 8 ? words.size() - 3 : words.size();  // image flags
  if (count == 5) return styles[0];
  if (count == 7) return styles[5];
  // id type q x y z or id molecule type x y z: a charge is written with a point
  if (count == 6 && words[2].find('.') != std::string_view::npos) return styles[1];
  fail("the atom style of this file is not known", "Name it behind the section: 'Atoms # charge'.");
}

void Reader::read_atoms() {
  if (atoms_stated_ < 0 || types_stated_ < 0) fail("Atoms before 'N atoms' and 'N atom types'", complete_remedy);
  const std::string stated = comment_;
  const Style* style = nullptr;
  std::string_view line;
  for (Index k = 0; k < atoms_stated_; ++k) {
    need(line);
    if (style == nullptr) {
      comment_ = stated;
      style = &style_of(line);
    }
    Atom atom;
    Cursor cursor(line);
    const auto id = cursor.integer();
    if (!id || *id < 1) fail(fmt::format("atom line {} does not begin with an identity", k + 1), complete_remedy);
    atom.id = *id;
    for (int word = 2; word <= style->before_x; ++word) {
      const std::string_view text = cursor.word();
      if (word == style->type) atom.type = type_of(text);
    }
    const FieldState state = cursor.vec3(atom.position);
    if (state != FieldState::number)
      fail(fmt::format("the position of atom {} is {}", *id, field_state_name(state)), complete_remedy);
    if (!file_.line_was_terminated()) fail("the last atom line has no line end: it may be cut off", complete_remedy);
    atoms_.push_back(atom);
  }
}

int Reader::element_of(Index type) const {
  const auto k = static_cast<std::size_t>(type - 1);
  if (k < types_.size()) return types_[k];
  const auto name = names_.find(type);
  const int number = name == names_.end() ? 0 : atomic_number(name->second);
  if (number != 0) return number;
  const auto mass = masses_.find(type);
  fail(fmt::format("the element of atom type {} is not stated{}", type,
                   mass == masses_.end() ? "" : fmt::format(" (its mass is {})", mass->second)),
       "Write it behind its mass: '1 6.94 # Li'.");
}

Structure Reader::finish() {
  if (!have_box_[0] || !have_box_[1] || !have_box_[2]) fail("the bounds of the box are missing", complete_remedy);
  if (atoms_.empty()) fail("there is no Atoms section", complete_remedy);
  std::sort(atoms_.begin(), atoms_.end(), [](const Atom& a, const Atom& b) { return a.id < b.id; });
  for (std::size_t k = 1; k < atoms_.size(); ++k)
    if (atoms_[k].id == atoms_[k - 1].id) fail(fmt::format("two atoms {}", atoms_[k].id), complete_remedy);
  const Vec3 length = high_ - low_;
  Structure structure;
  try {
    structure.cell = Cell(Mat3{{{{length.x, 0, 0}, {tilt_.x, length.y, 0}, {tilt_.y, tilt_.z, length.z}}}});
  } catch (const InputError& error) {
    throw InputError(error.summary(), file_.path(), error.remedy());
  }
  std::map<Index, int> elements;
  for (const Atom& atom : atoms_) {
    if (!elements.contains(atom.type)) elements[atom.type] = element_of(atom.type);
    structure.numbers.push_back(elements[atom.type]);
    structure.positions.push_back(atom.position - low_);
  }
  return structure;
}

}  // namespace

Structure read_lammps_data(const std::string& path, const std::vector<int>& types) {
  return Reader(path, types).read();
}

}  // namespace haven
