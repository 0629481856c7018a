#include "io/espresso_output.hpp"

#include <fmt/format.h>

#include <utility>

#include "core/error.hpp"
#include "core/units.hpp"
#include "io/cursor.hpp"
#include "io/text_file.hpp"
#include "io/vasp_run.hpp"

namespace haven {
namespace {

constexpr Index most_atoms = 1'000'000;
constexpr double rydberg_per_bohr = units::rydberg_in_ev / units::bohr_in_angstrom;
constexpr double rydberg_per_bohr3 =
    units::rydberg_in_ev / (units::bohr_in_angstrom * units::bohr_in_angstrom * units::bohr_in_angstrom);

/// Parts of a step in the order of the file: (cell and positions, from the head or the end of the step before), SCF,
/// "! total energy", forces, stress. The step ends where the next geometry, the next energy or the file's end comes.
class EspressoReader final : public FrameReader {
 public:
  EspressoReader(const std::string& path, const FrameReading& reading) : file_(path, TextFile::LongLine::skip) {
    if (reading.energy == EnergyKind::sigma0)
      throw InputError("the output of pw.x holds the free energy only, not energy(sigma->0)", path,
                       "Import with energy = \"free\".");
  }

  std::optional<ReadFrame> next() override {
    std::string_view line;
    while (!ready_ && next_line(line)) dispatch(line);
    if (!ready_) finish();
    if (!ready_) return std::nullopt;
    return std::exchange(ready_, std::nullopt);
  }
  std::string ending() const override { return ending_; }
  std::vector<std::string> notes() const override {
    if (finished_) return {};
    return {"the run did not end normally (no 'JOB DONE')"};
  }

 private:
  enum class PositionUnit { alat, bohr, angstrom, crystal };
  [[noreturn]] void fail(const std::string& what) const {
    throw InputError(what, file_.where(), "Check that this is the complete output of one pw.x run.");
  }
  void note_problem(const std::string& what) {
    if (step_.problem.empty()) step_.problem = what;
  }
  /// False at the end of the file; a last line without its end may have lost digits.
  bool next_line(std::string_view& line) { return file_.next_line(line) && file_.line_was_terminated(); }
  void dispatch(std::string_view line);
  void dispatch_head(std::string_view text);
  void read_axes();
  void read_sites();
  void read_cell(std::string_view title);
  void read_positions(std::string_view title);
  void read_energy(std::string_view text);
  void read_forces();
  void read_stress();
  void put_cell(const Mat3& cell);
  void put_atom(std::vector<int>& numbers, std::vector<Vec3>& positions, std::string_view name, const Vec3& position);
  void complete();
  void finish();

  TextFile file_;
  std::string version_, ending_;
  Index atoms_ = 0, delivered_ = 0;
  double alat_ = 0;  // A
  std::optional<Mat3> cell_;
  std::vector<int> numbers_;
  std::vector<Vec3> positions_;
  ReadFrame step_;
  std::optional<ReadFrame> ready_;
  bool begun_ = false;  // the SCF of a step has begun
  bool finished_ = false;
};

void EspressoReader::dispatch(std::string_view line) {
  const std::string_view text = trimmed(line);
  if (text.empty()) return;
  switch (text[0]) {
    case '!':
      return read_energy(text);
    case 'A':
      if (text.starts_with("ATOMIC_POSITIONS")) read_positions(text);
      return;
    case 'C':
      if (text.starts_with("CELL_PARAMETERS")) read_cell(text);
      return;
    case 'F':
      if (text.starts_with("Forces acting on atoms")) read_forces();
      return;
    case 'J':
      if (text.starts_with("JOB DONE")) finished_ = true;
      return;
    case 'P':
      if (!text.starts_with("Program PWSCF")) return;
      complete();
      version_ = std::string(Cursor(text.substr(13)).word());
      if (version_.starts_with("v.")) version_.erase(0, 2);
      return;
    case 'i':
      if (text.starts_with("iteration #")) begun_ = true;
      return;
    case 't':
      if (text.starts_with("total   stress")) read_stress();
      return;
    default:
      return dispatch_head(text);
  }
}

void EspressoReader::dispatch_head(std::string_view text) {
  Cursor cursor(text);
  if (text.starts_with("number of atoms/cell")) {
    const auto count = cursor.skip_past("=") ? cursor.integer() : std::nullopt;
    if (!count || *count < 1 || *count > most_atoms) fail("the number of atoms cannot be read");
    atoms_ = *count;
  } else if (text.starts_with("lattice parameter (alat)")) {
    const RealField alat = cursor.skip_past("=") ? cursor.real() : RealField{};
    if (!alat.ok() || alat.value <= 0) fail("the lattice parameter cannot be read");
    alat_ = alat.value * units::bohr_in_angstrom;
  } else if (text.starts_with("celldm(1)=")) {
    // The same with more decimals.
    const RealField alat = cursor.skip_past("=") ? cursor.real() : RealField{};
    if (alat.ok() && alat.value > 0) alat_ = alat.value * units::bohr_in_angstrom;
  } else if (text.starts_with("crystal axes:")) {
    read_axes();
  } else if (text.starts_with("site n.") && text.find("alat units") != text.npos) {
    read_sites();
  } else if (text.find("convergence NOT achieved") != text.npos) {
    step_.unconverged = std::string(text);
  }
}

void EspressoReader::put_cell(const Mat3& cell) {
  complete();
  cell_ = cell;
}

/// "a(1) = (   1.000000   0.000000   0.000000 )" three times, in units of alat.
void EspressoReader::read_axes() {
  if (alat_ == 0) fail("crystal axes before the lattice parameter");
  Mat3 cell;
  std::string_view line;
  for (int k = 0; k < 3; ++k) {
    if (!next_line(line)) return;
    Cursor cursor(line);
    if (!cursor.skip_past("= (") || cursor.vec3(cell[k]) != FieldState::number) fail("a crystal axis cannot be read");
    cell[k] *= alat_;
  }
  put_cell(cell);
}

void EspressoReader::put_atom(std::vector<int>& numbers, std::vector<Vec3>& positions, std::string_view name,
                              const Vec3& position) {
  const int number = element_of_potential(name);
  if (number == 0) fail(fmt::format("'{}' is no element", name.substr(0, 40)));
  numbers.push_back(number);
  positions.push_back(position);
}

/// "  1        Si  tau(   1) = (   0.0000000   0.0000000   0.0000000  )"
void EspressoReader::read_sites() {
  std::vector<int> numbers;
  std::vector<Vec3> positions;
  std::string_view line;
  for (Index atom = 0; atom < atoms_; ++atom) {
    if (!next_line(line)) return;
    Cursor cursor(line);
    if (!cursor.integer()) fail(fmt::format("{} of {} sites are listed", atom, atoms_));
    const std::string_view name = cursor.word();
    Vec3 position;
    if (!cursor.skip_past("= (") || cursor.vec3(position) != FieldState::number)
      fail(fmt::format("the position of site {} cannot be read", atom + 1));
    put_atom(numbers, positions, name, alat_ * position);
  }
  complete();
  numbers_ = std::move(numbers);
  positions_ = std::move(positions);
}

/// "CELL_PARAMETERS (alat= 10.20000000)", "(angstrom)" or "(bohr)".
void EspressoReader::read_cell(std::string_view title) {
  double scale = 1;
  if (title.find("alat") != title.npos) {
    Cursor cursor(title);
    const RealField alat = cursor.skip_past("=") ? cursor.real() : RealField{};
    scale = alat.ok() ? alat.value * units::bohr_in_angstrom : alat_;
  } else if (title.find("bohr") != title.npos) {
    scale = units::bohr_in_angstrom;
  } else if (title.find("angstrom") == title.npos) {
    fail(fmt::format("'{}': the unit is not known", title.substr(0, 60)));
  }
  Mat3 cell;
  std::string_view line;
  for (int k = 0; k < 3; ++k) {
    if (!next_line(line)) return;
    if (Cursor(line).vec3(cell[k]) != FieldState::number) fail("a lattice vector cannot be read");
    cell[k] *= scale;
  }
  put_cell(cell);
}

void EspressoReader::read_positions(std::string_view title) {
  PositionUnit unit = PositionUnit::alat;
  if (title.find("crystal_sg") != title.npos) fail("positions by space group (crystal_sg) are not read");
  if (title.find("crystal") != title.npos) unit = PositionUnit::crystal;
  if (title.find("angstrom") != title.npos) unit = PositionUnit::angstrom;
  if (title.find("bohr") != title.npos) unit = PositionUnit::bohr;
  if (!cell_) fail("positions before the cell");
  std::vector<int> numbers;
  std::vector<Vec3> positions;
  std::string_view line;
  for (Index atom = 0; atom < atoms_; ++atom) {
    if (!next_line(line)) return;
    Cursor cursor(line);
    const std::string_view name = cursor.word();
    Vec3 p;
    const FieldState state = cursor.vec3(p);
    if (state != FieldState::number)
      fail(fmt::format("the position of atom {} is {}", atom + 1, field_state_name(state)));
    if (unit == PositionUnit::crystal) p = p * *cell_;
    if (unit == PositionUnit::bohr) p *= units::bohr_in_angstrom;
    if (unit == PositionUnit::alat) p *= alat_;
    put_atom(numbers, positions, name, p);
  }
  complete();
  numbers_ = std::move(numbers);
  positions_ = std::move(positions);
}

/// "!    total energy              =     -15.84445 Ry", or "!!" of a hybrid functional; the last one before the forces
/// counts.
void EspressoReader::read_energy(std::string_view text) {
  if (text.find("total energy") == text.npos) return;
  if (!step_.frame.forces.empty()) complete();
  Cursor cursor(text);
  const RealField energy = cursor.skip_past("=") ? cursor.real() : RealField{};
  if (!cursor.accept("Ry")) fail("the total energy is not in Ry");
  if (energy.ok())
    step_.frame.energy = energy.value * units::rydberg_in_ev;
  else
    note_problem(fmt::format("the total energy is {}", field_state_name(energy.state)));
  begun_ = true;
}

/// "atom    1 type  1   force =     0.00000000    0.00000000    0.00000000"; contributions of single terms follow in
/// tables of their own.
void EspressoReader::read_forces() {
  step_.frame.forces.clear();
  std::string_view line;
  while (static_cast<Index>(step_.frame.forces.size()) < atoms_) {
    if (!next_line(line)) {
      step_.frame.forces.clear();
      return;
    }
    if (trimmed(line).empty()) continue;
    Cursor cursor(line);
    Vec3 force;
    if (!cursor.accept("atom") || !cursor.skip_past("force ="))
      fail(fmt::format("{} of {} forces are listed", step_.frame.forces.size(), atoms_));
    const FieldState state = cursor.vec3(force);
    if (state != FieldState::number)
      note_problem(fmt::format("the force on atom {} is {}", step_.frame.forces.size() + 1, field_state_name(state)));
    step_.frame.forces.push_back(rydberg_per_bohr * force);
  }
}

/// Three rows: Ry/bohr^3, then kbar; pressure positive, the opposite of our sign.
void EspressoReader::read_stress() {
  Mat3 stress;
  std::string_view line;
  for (int k = 0; k < 3; ++k) {
    if (!next_line(line)) {
      step_.frame.forces.clear();  // a step that is cut off is not delivered
      return;
    }
    const FieldState state = Cursor(line).vec3(stress[k]);
    if (state != FieldState::number) note_problem(fmt::format("a stress component is {}", field_state_name(state)));
  }
  step_.frame.stress = -rydberg_per_bohr3 * stress;
}

/// Ends the present step: what comes next belongs to another geometry.
void EspressoReader::complete() {
  if (step_.frame.energy && !step_.frame.forces.empty()) {
    Frame& frame = step_.frame;
    if (!cell_ || positions_.size() != frame.forces.size()) {
      fail("energy and forces before the cell and the positions");
    }
    frame.structure.numbers = numbers_;
    frame.structure.positions = positions_;
    try {
      frame.structure.cell = Cell(*cell_);
    } catch (const InputError& error) {
      note_problem(error.summary());
    }
    frame.trajectory = file_.path();
    frame.source = {.path = file_.path(), .index = delivered_++, .code = "Quantum ESPRESSO " + version_};
    ready_ = std::exchange(step_, {});
    begun_ = false;
    return;
  }
  // A geometry after a step without forces (tprnfor was off) takes its energy along.
  if (step_.frame.energy || begun_) step_ = {};
  begun_ = false;
}

void EspressoReader::finish() {
  if (!ending_.empty()) return;
  if (step_.frame.energy && !step_.frame.forces.empty()) return complete();
  if (begun_ && !finished_)
    ending_ = fmt::format("step {} is cut off at line {} and left out", delivered_ + 1, file_.line_number());
  if (file_.ending() == TextFile::Ending::damaged)
    ending_ += fmt::format("{}the compressed file is damaged or cut off", ending_.empty() ? "" : "; ");
}

}  // namespace

std::unique_ptr<FrameReader> open_espresso_output(const std::string& path, const FrameReading& reading) {
  return std::make_unique<EspressoReader>(path, reading);
}

}  // namespace haven
