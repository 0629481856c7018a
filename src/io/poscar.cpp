#include "io/poscar.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "core/error.hpp"
#include "core/species.hpp"
#include "io/cursor.hpp"
#include "io/text_file.hpp"
#include "io/vasp_run.hpp"

namespace haven {
namespace {

class Parser {
 public:
  Parser(std::string_view text, const std::string& name) : text_(text), name_(name) {
    if (text_.starts_with("\xEF\xBB\xBF")) text_.remove_prefix(3);
  }

  Poscar parse() {
    result_.comment = std::string(trimmed(line("the comment")));
    Vec3 scale = read_scale();
    const Mat3 vectors = read_lattice(scale);
    read_species();
    allocate();
    const bool direct = read_mode();
    result_.structure.cell = make_cell(vectors);
    read_positions(direct, scale);
    settle_elements();
    read_velocities();
    return std::move(result_);
  }

 private:
  [[noreturn]] void fail(const std::string& what, const std::string& remedy) const {
    throw InputError(what, fmt::format("{}:{}", name_, line_), remedy);
  }

  bool has_line() const { return position_ < text_.size(); }

  std::string_view line(std::string_view what) {
    if (!has_line())
      fail(fmt::format("the file ends before {}", what), "Compare with a complete POSCAR; the file may be cut off.");
    const std::size_t end = std::min(text_.find('\n', position_), text_.size());
    std::string_view found = text_.substr(position_, end - position_);
    if (!found.empty() && found.back() == '\r') found.remove_suffix(1);
    position_ = end + 1;
    ++line_;
    return found;
  }

  std::string_view peek() {
    const auto position = position_;
    const auto number = line_;
    const std::string_view found = line("the next line");
    position_ = position;
    line_ = number;
    return found;
  }

  Vec3 vec3(Cursor& cursor, std::string_view what) {
    Vec3 v;
    const FieldState state = cursor.vec3(v);
    if (state != FieldState::number)
      fail(fmt::format("{} should be three numbers, but one is {}", what, field_state_name(state)),
           "Correct this line of the file.");
    return v;
  }

  /// One factor for all, or (three numbers) one per Cartesian axis; a negative one is the cell volume, applied later.
  Vec3 read_scale() {
    Cursor cursor(line("the scale"));
    const RealField first = cursor.real();
    if (!first.ok() || first.value == 0)
      fail("the second line must be the scale factor (or minus the volume)", "Write 1.0 there when in doubt.");
    const RealField second = cursor.real(), third = cursor.real();
    if (!second.ok() || !third.ok()) return {first.value, first.value, first.value};
    if (first.value < 0 || second.value <= 0 || third.value <= 0)
      fail("three scale factors must all be positive", "Write 1.0 and scale the lattice itself.");
    return {first.value, second.value, third.value};
  }

  /// Lattice vectors, A; turns a negative scale (minus the volume) into the factor it means.
  Mat3 read_lattice(Vec3& scale) {
    Mat3 m;
    for (int k = 0; k < 3; ++k) {
      Cursor cursor(line("the lattice vectors"));
      m[k] = vec3(cursor, "a lattice vector");
    }
    if (scale.x < 0) {
      const double factor = std::cbrt(-scale.x / std::abs(determinant(m)));
      scale = {factor, factor, factor};
    }
    for (int k = 0; k < 3; ++k) m[k] = {m[k].x * scale.x, m[k].y * scale.y, m[k].z * scale.z};
    return m;
  }

  Cell make_cell(const Mat3& vectors) const {
    try {
      return Cell(vectors);
    } catch (const InputError& error) {
      throw InputError(error.summary(), fmt::format("{}:3-5", name_), error.remedy());
    }
  }

  void read_species() {
    while (true) {
      Cursor cursor(peek());
      const std::string_view first = cursor.word();
      if (first.empty()) fail("a blank line where species or counts should be", "Remove the line.");
      if (parse_integer(first)) break;
      Cursor words(line("the species"));
      for (auto word = words.word(); !word.empty(); word = words.word()) names_.emplace_back(word);
    }
    do {
      Cursor words(line("the number of atoms of each species"));
      for (auto word = words.word(); !word.empty(); word = words.word()) {
        const auto count = parse_integer(word);
        if (!count && !counts_.empty() && names_.empty()) break;  // VASP 4 allows a remark after the counts
        if (!count || *count < 1)
          fail(fmt::format("'{}' is no number of atoms", word), "Counts are positive whole numbers, one per species.");
        counts_.push_back(*count);
      }
    } while (counts_.size() < names_.size());
    if (!names_.empty() && names_.size() != counts_.size())
      fail(fmt::format("{} species but {} counts", names_.size(), counts_.size()), "Give one count per species.");
    species_line_ = line_;
  }

  /// Refuses counts that the rest of the file cannot hold (an atom takes at least six bytes) before any allocation.
  void allocate() {
    const auto most = static_cast<Index>((text_.size() - std::min(position_, text_.size())) / 6 + 1);
    for (const Index count : counts_) {
      if (count > most || atoms_ + count > most)
        fail(fmt::format("the counts claim more atoms than the file can hold (at most {})", most),
             "Correct the counts, or complete the file.");
      atoms_ += count;
    }
    result_.structure.positions.reserve(static_cast<std::size_t>(atoms_));
    result_.structure.numbers.reserve(static_cast<std::size_t>(atoms_));
  }

  bool read_mode() {
    std::string_view mode = trimmed(line("Direct or Cartesian"));
    if (!mode.empty() && (mode[0] == 'S' || mode[0] == 's')) {
      selective_ = true;
      mode = trimmed(line("Direct or Cartesian"));
    }
    const char c = mode.empty() ? ' ' : mode[0];
    if (c == 'D' || c == 'd') return true;
    if (c == 'C' || c == 'c' || c == 'K' || c == 'k') return false;
    fail(fmt::format("'{}' where Direct or Cartesian should be", mode.substr(0, 40)),
         "Write Direct (fractional coordinates) or Cartesian.");
  }

  void read_positions(bool direct, const Vec3& scale) {
    Structure& s = result_.structure;
    for (Index atom = 0; atom < atoms_; ++atom) {
      Cursor cursor(line(fmt::format("atom {} of {}", atom + 1, atoms_)));
      const Vec3 v = vec3(cursor, fmt::format("the position of atom {}", atom + 1));
      s.positions.push_back(direct ? s.cell.to_cartesian(v) : Vec3{v.x * scale.x, v.y * scale.y, v.z * scale.z});
      if (selective_) read_flags(cursor, atom);
      symbols_.emplace_back(trimmed(cursor.word()));
    }
  }

  void read_flags(Cursor& cursor, Index atom) {
    std::array<bool, 3> flags{};
    for (bool& flag : flags) {
      std::string_view word = cursor.word();
      if (!word.empty() && word[0] == '.') word.remove_prefix(1);
      const char c = word.empty() ? ' ' : word[0];
      if (c != 'T' && c != 't' && c != 'F' && c != 'f')
        fail(fmt::format("atom {} needs three flags T or F (selective dynamics), found '{}'", atom + 1, word),
             "Complete the flags, or remove the line 'Selective dynamics'.");
      flag = c == 'T' || c == 't';
    }
    result_.movable.push_back(flags);
  }

  int element_or_fail(std::string_view name, Index at_line) const {
    const int number = element_of_potential(name);
    if (number == 0)
      throw InputError(fmt::format("'{}' is no element", name), fmt::format("{}:{}", name_, at_line),
                       "Write element symbols such as Li (a suffix as in Li_sv is allowed).");
    return number;
  }

  /// VASP 4 files name no species: symbols may follow the coordinates, or form the comment line.
  void settle_elements() {
    auto& numbers = result_.structure.numbers;
    if (names_.empty()) {
      const bool all_marked =
          std::all_of(symbols_.begin(), symbols_.end(), [](const auto& s) { return atomic_number(s) != 0; });
      if (all_marked) {
        for (const auto& symbol : symbols_) numbers.push_back(atomic_number(symbol));
        return;
      }
      Cursor words(result_.comment);
      for (auto word = words.word(); !word.empty(); word = words.word()) names_.emplace_back(word);
      const bool usable =
          names_.size() == counts_.size() &&
          std::all_of(names_.begin(), names_.end(), [](const auto& n) { return atomic_number(n) != 0; });
      if (!usable)
        throw InputError("the file does not say which elements its atoms are (VASP 4 style)",
                         fmt::format("{}:{}", name_, species_line_),
                         "Add a line with the element symbols before the line with the counts.");
    }
    for (std::size_t k = 0; k < counts_.size(); ++k)
      numbers.insert(numbers.end(), static_cast<std::size_t>(counts_[k]),
                     element_or_fail(names_[k], species_line_ - 1));
  }

  /// Velocities (A/fs) follow after a blank line or a line that says Cartesian; before them VASP may put lattice
  /// velocities.
  void read_velocities() {
    if (!has_line()) return;
    if (trimmed(peek()).starts_with("Lattice velocities")) {
      for (int k = 0; k < 8 && has_line(); ++k) line("the lattice velocities");
    }
    if (!has_line()) return;
    const std::string_view mode = trimmed(line("the velocities"));
    if (!has_line() || trimmed(peek()).empty()) return;
    // In direct coordinates they are per time step, which a POSCAR does not hold: read, checked and left out.
    const bool direct = !mode.empty() && (mode[0] == 'D' || mode[0] == 'd');
    std::vector<Vec3> velocities;
    for (Index atom = 0; atom < atoms_; ++atom) {
      Cursor cursor(line(fmt::format("the velocity of atom {} of {}", atom + 1, atoms_)));
      velocities.push_back(vec3(cursor, fmt::format("the velocity of atom {}", atom + 1)));
    }
    // Relaxations write zeros for "none".
    if (!direct && std::any_of(velocities.begin(), velocities.end(), [](const Vec3& v) { return norm2(v) > 0; }))
      result_.structure.velocities = std::move(velocities);
  }

  std::string_view text_;
  const std::string& name_;
  std::size_t position_ = 0;
  Index line_ = 0, species_line_ = 0, atoms_ = 0;
  bool selective_ = false;
  std::vector<std::string> names_, symbols_;
  std::vector<Index> counts_;
  Poscar result_;
};

}  // namespace

Poscar parse_poscar(std::string_view text, const std::string& name) { return Parser(text, name).parse(); }

Poscar read_poscar(const std::string& path) {
  const std::string text = read_text(path, std::size_t{1} << 30U);
  return parse_poscar(text, path);
}

std::string poscar_text(const Structure& structure, const std::string& comment) {
  std::string text = comment.substr(0, comment.find('\n')) + "\n   1.00000000000000\n";
  const auto row = [&](const Vec3& v) { text += fmt::format(" {:21.16f} {:21.16f} {:21.16f}\n", v.x, v.y, v.z); };
  for (int k = 0; k < 3; ++k) row(structure.cell.vectors()[k]);
  std::string symbols, counts;
  const auto& numbers = structure.numbers;
  for (auto run = numbers.begin(); run != numbers.end();) {
    const auto end = std::find_if(run, numbers.end(), [&](int n) { return n != *run; });
    symbols += fmt::format(" {:>5}", element_symbol(*run));
    counts += fmt::format(" {:>5}", end - run);
    run = end;
  }
  text += symbols + "\n" + counts + "\nDirect\n";
  for (const Vec3& position : structure.positions) row(structure.cell.to_fractional(position));
  if (structure.velocities.empty()) return text;
  text += "\n";
  for (const Vec3& v : structure.velocities) text += fmt::format(" {:23.15e} {:23.15e} {:23.15e}\n", v.x, v.y, v.z);
  return text;
}

void write_poscar(const std::string& path, const Structure& structure, const std::string& comment) {
  write_text(path, poscar_text(structure, comment));
}

}  // namespace haven
