#include "io/ml_ab.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "core/error.hpp"
#include "io/cursor.hpp"
#include "io/text_file.hpp"
#include "io/vasp_run.hpp"

namespace haven {
namespace {

// Far above what VASP can treat: larger claims are damage and must not reserve memory.
constexpr Index most_atoms = 1'000'000;
constexpr Index most_types = 1000;

bool is_rule(std::string_view line, std::string_view characters) {
  const std::string_view text = trimmed(line);
  return text.size() >= 10 && text.find_first_not_of(text[0]) == text.npos && characters.find(text[0]) != text.npos;
}

/// The file is a row of sections: a rule of * or =, a title, a rule of -, the content.
class MlAbReader final : public FrameReader {
 public:
  MlAbReader(const std::string& path, const FrameReading& reading) : file_(path) {
    if (reading.energy == EnergyKind::sigma0)
      throw InputError("an ML_AB holds the free energy only, not energy(sigma->0)", path,
                       "Import with energy = \"free\", or import the OUTCAR or vasprun.xml of the runs.");
  }

  std::optional<ReadFrame> next() override {
    while (!done_ && read_title()) {
      read_section();
      if (done_ || !ready_) continue;
      ++delivered_;
      ready_ = false;
      return std::exchange(read_, {});
    }
    finish();
    return std::nullopt;
  }
  std::string ending() const override { return ending_; }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw InputError(what, file_.where(), "Write the ML_AB again with VASP (ML_MODE = select), or remove this part.");
  }
  void note_problem(const std::string& what) {
    if (read_.problem.empty()) read_.problem = what;
  }
  /// A line of content; false at the end of the file. A last line without its end may have lost digits.
  bool line(std::string_view& text) { return file_.next_line(text) && file_.line_was_terminated(); }

  bool read_title() {
    std::string_view text;
    while (line(text)) {
      if (!is_rule(text, "*=")) continue;
      if (!line(text)) return false;
      title_ = std::string(trimmed(text));
      if (title_.starts_with("Configuration num.")) return true;
      return line(text);
    }
    return false;
  }
  void read_section();
  std::optional<Index> count(std::string_view what, Index most);
  void begin_configuration();
  void read_types();
  bool read_vectors(std::string_view what, std::size_t number, std::vector<Vec3>& into);
  void read_lattice();
  void read_energy();
  void read_stress();
  void complete();
  void finish();

  TextFile file_;
  ReadFrame read_;
  std::string title_, system_, ending_;
  std::vector<Vec3> lattice_;
  Index stated_ = -1, types_ = 0, atoms_ = 0, delivered_ = 0;
  bool inside_ = false, ready_ = false, done_ = false;
};

void MlAbReader::read_section() {
  if (title_ == "The number of configurations") {
    stated_ = count("configurations", 1'000'000'000).value_or(-1);
    return;
  }
  if (title_.starts_with("Configuration num.")) return begin_configuration();
  if (!inside_) return;
  if (title_ == "System name") {
    std::string_view text;
    if (line(text)) system_ = std::string(trimmed(text));
  } else if (title_ == "The number of atom types") {
    types_ = count("atom types", most_types).value_or(0);
  } else if (title_ == "The number of atoms") {
    atoms_ = count("atoms", most_atoms).value_or(0);
  } else if (title_ == "Atom types and atom numbers") {
    read_types();
  } else if (title_.starts_with("Primitive lattice vectors")) {
    read_lattice();
  } else if (title_.starts_with("Atomic positions")) {
    done_ =
        !read_vectors("the position of atom", read_.frame.structure.numbers.size(), read_.frame.structure.positions);
  } else if (title_.starts_with("Total energy")) {
    read_energy();
  } else if (title_.starts_with("Forces")) {
    done_ = !read_vectors("the force on atom", read_.frame.structure.numbers.size(), read_.frame.forces);
  } else if (title_.starts_with("Stress")) {
    read_stress();
  }
}

std::optional<Index> MlAbReader::count(std::string_view what, Index most) {
  std::string_view text;
  if (!line(text)) return done_ = true, std::nullopt;
  const auto value = parse_integer(text);
  if (!value || *value < 1 || *value > most)
    fail(fmt::format("'{}' is no number of {}", trimmed(text).substr(0, 40), what));
  return value;
}

void MlAbReader::begin_configuration() {
  if (inside_) fail("a configuration without stress: the one before is incomplete");
  read_ = {};
  lattice_.clear();
  types_ = atoms_ = 0;
  inside_ = true;
}

void MlAbReader::read_types() {
  auto& numbers = read_.frame.structure.numbers;
  numbers.clear();
  std::string_view text;
  for (Index type = 0; type < types_; ++type) {
    if (!line(text)) {
      done_ = true;
      return;
    }
    Cursor cursor(text);
    const std::string_view name = cursor.word();
    const int element = element_of_potential(name);
    if (element == 0) fail(fmt::format("'{}' is no element", name.substr(0, 40)));
    const auto atoms = cursor.integer();
    if (!atoms || *atoms < 1 || *atoms > atoms_ - static_cast<Index>(numbers.size()))
      fail(fmt::format("the numbers of atoms of the types do not sum to {}", atoms_));
    numbers.insert(numbers.end(), static_cast<std::size_t>(*atoms), element);
  }
  if (static_cast<Index>(numbers.size()) != atoms_ || atoms_ == 0)
    fail(fmt::format("the numbers of atoms of the types do not sum to {}", atoms_));
}

/// False when the file ends inside.
bool MlAbReader::read_vectors(std::string_view what, std::size_t number, std::vector<Vec3>& into) {
  if (number == 0) fail("the atom types must come before this section");
  into.clear();
  std::string_view text;
  for (std::size_t k = 0; k < number; ++k) {
    if (!line(text)) return false;
    if (is_rule(text, "*=-")) fail(fmt::format("{} {} is missing", what, k + 1));
    Vec3 v;
    const FieldState state = Cursor(text).vec3(v);
    if (state == FieldState::missing || state == FieldState::malformed)
      fail(fmt::format("{} {} is {}", what, k + 1, field_state_name(state)));
    if (state != FieldState::number) note_problem(fmt::format("{} {} is {}", what, k + 1, field_state_name(state)));
    into.push_back(v);
  }
  return true;
}

void MlAbReader::read_lattice() { done_ = !read_vectors("lattice vector", 3, lattice_); }

void MlAbReader::read_energy() {
  std::string_view text;
  if (!line(text)) {
    done_ = true;
    return;
  }
  const RealField field = Cursor(text).real();
  if (field.ok())
    read_.frame.energy = field.value;
  else
    note_problem(fmt::format("the total energy is {}", field_state_name(field.state)));
}

/// "XX YY ZZ", a rule, three numbers, a rule, "XY YZ ZX", a rule, three numbers.
void MlAbReader::read_stress() {
  std::array<double, 6> kbar{};
  std::string_view text;
  for (std::size_t half = 0; half < 2; ++half) {
    const std::string_view names = half == 0 ? "XX YY ZZ" : "XY YZ ZX";
    do {
      if (!line(text)) {
        done_ = true;
        return;
      }
    } while (is_rule(text, "-"));
    if (trimmed(text) != names) fail(fmt::format("the stress should begin with '{}' here", names));
    if (!line(text) || !line(text)) {
      done_ = true;
      return;
    }
    Vec3 v;
    const FieldState state = Cursor(text).vec3(v);
    if (state != FieldState::number) note_problem(fmt::format("a stress component is {}", field_state_name(state)));
    for (int k = 0; k < 3; ++k) kbar[3 * half + static_cast<std::size_t>(k)] = v[k];
  }
  read_.frame.stress = stress_from_kbar(kbar);
  complete();
}

void MlAbReader::complete() {
  Frame& frame = read_.frame;
  const std::size_t atoms = frame.structure.numbers.size();
  if (atoms == 0 || lattice_.size() != 3 || frame.structure.positions.size() != atoms || frame.forces.size() != atoms)
    fail("a configuration lacks its atom types, lattice vectors, positions or forces");
  if (!frame.energy) note_problem("the total energy is missing");
  if (read_.problem.empty()) {
    try {
      frame.structure.cell = Cell(Mat3{{{lattice_[0], lattice_[1], lattice_[2]}}});
    } catch (const InputError& error) {
      note_problem(error.summary());
    }
  }
  frame.trajectory = file_.path() + ":" + system_;
  frame.source = {.path = file_.path(), .index = delivered_, .code = "VASP (ML_AB)"};
  inside_ = false;
  ready_ = true;
}

void MlAbReader::finish() {
  done_ = true;
  if (!ending_.empty()) return;
  if (file_.ending() == TextFile::Ending::too_long) fail("a line longer than 1 MiB");
  if (stated_ < 0 && delivered_ == 0) fail("this is no ML_AB, or it is cut off in its head");
  if (inside_)
    ending_ = fmt::format("configuration {} is cut off at line {} and left out", delivered_ + 1, file_.line_number());
  else if (stated_ != delivered_)
    ending_ = fmt::format("the head states {} configurations, the file holds {}", stated_, delivered_);
  if (file_.ending() == TextFile::Ending::damaged)
    ending_ += fmt::format("{}the compressed file is damaged or cut off", ending_.empty() ? "" : "; ");
}

}  // namespace

std::unique_ptr<FrameReader> open_ml_ab(const std::string& path, const FrameReading& reading) {
  return std::make_unique<MlAbReader>(path, reading);
}

}  // namespace haven
