#include "io/aenet_xsf.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "core/error.hpp"
#include "core/species.hpp"
#include "io/cursor.hpp"
#include "io/text_file.hpp"

namespace haven {
namespace {

constexpr Index most_atoms = 10'000'000;
constexpr std::size_t most_reserved_atoms = 1U << 16U;

class XsfReader final : public FrameReader {
 public:
  explicit XsfReader(const std::string& path) : file_(path) {}

  std::optional<ReadFrame> next() override {
    if (std::exchange(read_once_, true)) return std::nullopt;
    std::string_view line;
    while (!complete_ && !cut_ && file_.next_line(line)) take(trimmed(line));
    if (file_.ending() == TextFile::Ending::too_long) fail("a line longer than 1 MiB", "This is no XSF file.");
    if (!complete_) {
      ending_ = fmt::format("the structure is cut off at line {}", file_.line_number());
      if (file_.ending() == TextFile::Ending::damaged) ending_ += "; the compressed file is damaged or cut off";
      return std::nullopt;
    }
    refuse_more_atoms();
    settle();
    return std::move(read_);
  }
  std::string ending() const override { return ending_; }
  std::vector<std::string> notes() const override {
    if (!complete_ || read_energy_) return {};
    return {"no '# total energy = ... eV' comment: not aenet's dialect, its forces (hartree/A) are not used"};
  }

 private:
  [[noreturn]] void fail(const std::string& what, const std::string& remedy) const {
    throw InputError(what, file_.where(), remedy);
  }
  void note_problem(const std::string& what) {
    if (read_.problem.empty()) read_.problem = what;
  }
  bool line(std::string_view& text) {
    if (file_.next_line(text)) return true;
    return cut_ = true, false;
  }
  void take(std::string_view text);
  void take_comment(std::string_view text);
  void read_lattice();
  void read_atoms();
  bool read_atom(std::string_view text, Index atom);
  bool may_be_cut(std::string_view last) const;
  void refuse_more_atoms();
  void settle();

  TextFile file_;
  ReadFrame read_;
  Mat3 lattice_{};
  std::string ending_, previous_;
  bool have_lattice_ = false, complete_ = false, cut_ = false, read_once_ = false, read_energy_ = false;
};

void XsfReader::take(std::string_view text) {
  if (text.empty()) return;
  if (text[0] == '#') return take_comment(text);
  if (text == "CRYSTAL" || text == "SLAB" || text == "POLYMER" || text == "MOLECULE") {
    if (text != "CRYSTAL")
      fail(fmt::format("{} is not periodic in three directions", text), "Give a CRYSTAL with PRIMVEC: a large box.");
  } else if (text == "ATOMS") {
    fail("a structure without lattice (not periodic)", "Give a CRYSTAL with PRIMVEC: a large box.");
  } else if (text.starts_with("ANIMSTEPS")) {
    fail("an animated XSF holds several structures", "Write one XSF file for each structure.");
  } else if (text == "PRIMVEC") {
    read_lattice();
  } else if (text == "CONVVEC") {
    std::string_view skipped;
    for (int k = 0; k < 3; ++k)
      if (!line(skipped)) return;
  } else if (text == "PRIMCOORD") {
    read_atoms();
  } else {
    fail(fmt::format("'{}' is no keyword of an XSF structure", text.substr(0, 40)),
         "Known are CRYSTAL, PRIMVEC, CONVVEC and PRIMCOORD.");
  }
}

void XsfReader::take_comment(std::string_view text) {
  Cursor cursor(text.substr(1));
  if (!cursor.accept("total energy") || !cursor.accept("=")) return;
  const RealField field = cursor.real();
  if (field.state == FieldState::missing || field.state == FieldState::malformed)
    fail("the total energy is no number", "Write '# total energy = -1234.5 eV'.");
  if (!field.ok()) note_problem(fmt::format("the total energy is {}", field_state_name(field.state)));
  const std::string_view unit = cursor.word();
  if (!unit.empty() && unit != "eV")
    fail(fmt::format("the total energy is in '{}', not in eV", unit.substr(0, 20)),
         "aenet's files are in eV and eV/A; convert energy and forces.");
  if (read_energy_) fail("a second total energy", "Keep the one that belongs to the forces.");
  read_.frame.energy = field.value;
  read_energy_ = true;
}

void XsfReader::read_lattice() {
  std::string_view text;
  for (int k = 0; k < 3; ++k) {
    if (!line(text)) return;
    const FieldState state = Cursor(text).vec3(lattice_[k]);
    if (state != FieldState::number)
      fail(fmt::format("lattice vector {} is {}", k + 1, field_state_name(state)), "Correct this line of the file.");
  }
  have_lattice_ = true;
}

void XsfReader::read_atoms() {
  std::string_view text;
  if (!line(text)) return;
  const auto count = Cursor(text).integer();
  if (!count || *count < 1 || *count > most_atoms)
    fail(fmt::format("'{}' where the number of atoms should be", text.substr(0, 40)),
         "PRIMCOORD is followed by 'N 1'.");
  const auto reserved = std::min(static_cast<std::size_t>(*count), most_reserved_atoms);
  read_.frame.structure.numbers.reserve(reserved);
  read_.frame.structure.positions.reserve(reserved);
  for (Index atom = 0; atom < *count; ++atom) {
    if (!line(text)) return;
    if (!file_.line_was_terminated() && (atom + 1 < *count || may_be_cut(text))) {
      cut_ = true;
      return;
    }
    if (!read_atom(text, atom)) return;
    if (atom + 2 >= *count) previous_ = std::string(text);
  }
  complete_ = true;
}

/// Without a line end the last number may have lost digits: lines of one table have the same length.
bool XsfReader::may_be_cut(std::string_view last) const {
  return previous_.empty() || trimmed(previous_).size() != trimmed(last).size();
}

bool XsfReader::read_atom(std::string_view text, Index atom) {
  Cursor cursor(text);
  const std::string_view name = cursor.word();
  const auto stated = parse_integer(name);
  const int number =
      stated && *stated >= 1 && *stated <= max_atomic_number ? static_cast<int>(*stated) : atomic_number(name);
  if (number == 0)
    fail(fmt::format("'{}' is no element", name.substr(0, 40)), "Write a symbol such as Li or an atomic number.");
  Vec3 position, force;
  const FieldState place = cursor.vec3(position);
  if (place == FieldState::missing || place == FieldState::malformed)
    fail(fmt::format("the position of atom {} is {}", atom + 1, field_state_name(place)), "Correct this line.");
  if (place != FieldState::number)
    note_problem(fmt::format("the position of atom {} is {}", atom + 1, field_state_name(place)));
  const bool has_force = !trimmed(cursor.rest()).empty();
  auto& forces = read_.frame.forces;
  if (atom > 0 && has_force != !forces.empty())
    fail("some atoms have forces and some have not", "Each line of PRIMCOORD is: element x y z fx fy fz.");
  if (has_force) {
    const FieldState state = cursor.vec3(force);
    if (state == FieldState::missing || state == FieldState::malformed)
      fail(fmt::format("the force on atom {} is {}", atom + 1, field_state_name(state)), "Correct this line.");
    if (state != FieldState::number)
      note_problem(fmt::format("the force on atom {} is {}", atom + 1, field_state_name(state)));
    forces.push_back(force);
  }
  read_.frame.structure.numbers.push_back(number);
  read_.frame.structure.positions.push_back(position);
  return true;
}

/// The stated number of atoms may be wrong; other sections (grids) may follow.
void XsfReader::refuse_more_atoms() {
  std::string_view text;
  while (file_.next_line(text)) {
    const std::string_view word = Cursor(text).word();
    if (word.empty() || word[0] == '#') continue;
    if (atomic_number(word) != 0 || parse_integer(word))
      fail("more atom lines than the number of atoms says", "Correct the number of atoms behind PRIMCOORD.");
    return;
  }
}

void XsfReader::settle() {
  if (!have_lattice_) fail("no PRIMVEC: a structure without lattice", "Give the three lattice vectors in A.");
  try {
    read_.frame.structure.cell = Cell(lattice_);
  } catch (const InputError& error) {
    throw InputError(error.summary(), file_.path(), error.remedy());
  }
  if (!read_energy_) read_.frame.forces.clear();
  read_.frame.trajectory = file_.path();
  read_.frame.source = {.path = file_.path(), .index = 0, .code = {}};
}

}  // namespace

std::unique_ptr<FrameReader> open_aenet_xsf(const std::string& path) { return std::make_unique<XsfReader>(path); }

}  // namespace haven
