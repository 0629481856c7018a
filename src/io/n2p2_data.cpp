#include "io/n2p2_data.hpp"

#include <fmt/format.h>

#include <utility>

#include "core/error.hpp"
#include "core/species.hpp"
#include "core/units.hpp"
#include "io/cursor.hpp"
#include "io/text_file.hpp"

namespace haven {
namespace {

constexpr std::size_t most_atoms = 10'000'000;

class N2p2Reader final : public FrameReader {
 public:
  N2p2Reader(const std::string& path, const FrameReading& reading) : file_(path) {
    if (reading.units == FileUnits::unstated)
      throw InputError("the units of an n2p2 file are not known: the format does not state them", path,
                       "State units = \"bohr-hartree\" or \"angstrom-ev\" for this source (--units on the command "
                       "line). Lattice constants about 1.9 times too large in A mean bohr.");
    if (reading.units == FileUnits::bohr_hartree) {
      length_ = units::bohr_in_angstrom;
      energy_ = units::hartree_in_ev;
    }
  }

  std::optional<ReadFrame> next() override {
    std::string_view line;
    while (file_.next_line(line)) {
      const bool whole = file_.line_was_terminated();
      Cursor cursor(line);
      const std::string_view word = cursor.word();
      if (word.empty() || word[0] == '#') continue;
      if (!whole && word != "end") break;
      if (take(word, cursor)) return std::exchange(read_, {});
    }
    finish();
    return std::nullopt;
  }
  std::string ending() const override { return ending_; }
  std::vector<std::string> notes() const override {
    std::vector<std::string> notes{energy_ == 1.0 ? "units as stated: A and eV" : "units as stated: bohr and hartree"};
    if (charges_) notes.emplace_back("atomic and total charges are not used");
    return notes;
  }

 private:
  [[noreturn]] void fail(const std::string& what, const std::string& remedy) const {
    throw InputError(what, file_.where(), remedy);
  }
  void note_problem(const std::string& what) {
    if (read_.problem.empty()) read_.problem = what;
  }
  bool take(std::string_view word, Cursor& cursor);
  void take_atom(Cursor& cursor);
  Vec3 vector(Cursor& cursor, const std::string& what);
  double real(Cursor& cursor, const std::string& what);
  void complete();
  void finish();

  TextFile file_;
  double length_ = 1, energy_ = 1;
  ReadFrame read_;
  std::vector<Vec3> lattice_;
  std::string ending_;
  Index delivered_ = 0;
  bool inside_ = false, charges_ = false;
};

/// True when the structure is complete.
bool N2p2Reader::take(std::string_view word, Cursor& cursor) {
  if (word == "begin") {
    if (inside_)
      fail("'begin' inside a structure: its 'end' is missing", "Complete the structure before, or remove it.");
    read_ = {};
    lattice_.clear();
    return inside_ = true, false;
  }
  if (!inside_)
    fail(fmt::format("'{}' outside of begin ... end", word.substr(0, 40)), "Each structure is: begin, ..., end.");
  if (word == "end") {
    complete();
    return true;
  }
  if (word == "lattice") {
    if (lattice_.size() == 3) fail("a fourth lattice vector", "Give the three vectors a, b, c.");
    lattice_.push_back(length_ * vector(cursor, "a lattice vector"));
  } else if (word == "atom") {
    take_atom(cursor);
  } else if (word == "energy") {
    if (read_.frame.energy) fail("a second energy in one structure", "Keep the one that belongs to the forces.");
    read_.frame.energy = energy_ * real(cursor, "the energy");
  } else if (word == "charge") {
    charges_ = charges_ || real(cursor, "the charge") != 0;
  } else if (word != "comment") {
    fail(fmt::format("'{}' is no keyword of this format", word.substr(0, 40)),
         "Known are begin, comment, lattice, atom, energy, charge and end.");
  }
  return false;
}

double N2p2Reader::real(Cursor& cursor, const std::string& what) {
  const RealField field = cursor.real();
  if (field.state == FieldState::missing || field.state == FieldState::malformed)
    fail(fmt::format("{} is {}", what, field_state_name(field.state)), "Correct this line of the file.");
  if (!field.ok()) note_problem(fmt::format("{} is {}", what, field_state_name(field.state)));
  return field.value;
}

Vec3 N2p2Reader::vector(Cursor& cursor, const std::string& what) {
  Vec3 v;
  for (int k = 0; k < 3; ++k) v[k] = real(cursor, what);
  return v;
}

/// atom x y z element charge energy fx fy fz
void N2p2Reader::take_atom(Cursor& cursor) {
  Frame& frame = read_.frame;
  const std::size_t atom = frame.structure.numbers.size() + 1;
  if (atom > most_atoms) fail("more than ten million atoms in one structure", "Split the file.");
  frame.structure.positions.push_back(length_ * vector(cursor, fmt::format("the position of atom {}", atom)));
  const std::string_view symbol = cursor.word();
  const int number = atomic_number(symbol);
  if (number == 0) fail(fmt::format("'{}' is no element", symbol.substr(0, 40)), "Write element symbols such as Li.");
  frame.structure.numbers.push_back(number);
  charges_ = charges_ || real(cursor, fmt::format("the charge of atom {}", atom)) != 0;
  real(cursor, fmt::format("the energy of atom {}", atom));
  frame.forces.push_back((energy_ / length_) * vector(cursor, fmt::format("the force on atom {}", atom)));
}

void N2p2Reader::complete() {
  inside_ = false;
  Frame& frame = read_.frame;
  if (frame.structure.numbers.empty()) fail("a structure without atoms", "Remove it.");
  if (lattice_.size() != 3)
    fail(lattice_.empty() ? "a structure without lattice (not periodic)" : "a structure with fewer than three vectors",
         "Give three lattice vectors; for a molecule a box that is larger than the molecule by twice the cutoff.");
  if (read_.problem.empty()) {
    try {
      frame.structure.cell = Cell(Mat3{{{lattice_[0], lattice_[1], lattice_[2]}}});
    } catch (const InputError& error) {
      throw InputError(error.summary(), file_.where(), error.remedy());
    }
  }
  frame.trajectory = file_.path();
  frame.source = {.path = file_.path(), .index = delivered_++, .code = {}};
}

void N2p2Reader::finish() {
  if (file_.ending() == TextFile::Ending::too_long) fail("a line longer than 1 MiB", "This is no n2p2 file.");
  if (inside_)
    ending_ = fmt::format("structure {} is cut off at line {} and left out", delivered_ + 1, file_.line_number());
  if (file_.ending() == TextFile::Ending::damaged)
    ending_ += fmt::format("{}the compressed file is damaged or cut off", ending_.empty() ? "" : "; ");
}

}  // namespace

std::unique_ptr<FrameReader> open_n2p2_data(const std::string& path, const FrameReading& reading) {
  return std::make_unique<N2p2Reader>(path, reading);
}

}  // namespace haven
