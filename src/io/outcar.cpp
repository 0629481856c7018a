#include "io/outcar.hpp"

#include <fmt/format.h>

#include <cmath>
#include <utility>

#include "core/error.hpp"
#include "io/cursor.hpp"
#include "io/text_file.hpp"
#include "io/vasp_settings.hpp"

namespace haven {
namespace {

// Far above what VASP can treat: larger claims are damage and must not reserve memory.
constexpr Index most_atoms = 1'000'000;
constexpr std::size_t most_types = 1000;

/// A potential as the head names it.
struct PotentialName {
  std::string name;   // "Li_sv"
  std::string title;  // "PAW_PBE Li_sv 10Sep2004"
};

std::size_t decimals(std::string_view number) {
  const std::size_t point = number.find('.');
  return point == number.npos ? 0 : number.size() - point - 1;
}

/// Line-driven reader. A step's parts come in this order: SCF loop ("Iteration n(m)"), stress ("in kB"), lattice
/// ("VOLUME and BASIS"), force table, "free  energy   TOTEN", "energy  without entropy". The last of these completes
/// the step. VASP 4 prints the energies before stress, lattice and forces; there the end of the force table completes
/// it.
class OutcarReader final : public VaspReader {
 public:
  explicit OutcarReader(const std::string& path) : file_(path, TextFile::LongLine::skip) {}

  std::optional<VaspStep> next() override {
    std::string_view line;
    while (file_.next_line(line)) {
      dispatch(line);
      if (ready_) return std::exchange(ready_, std::nullopt);
    }
    finish();
    return std::nullopt;
  }
  const VaspSettings& settings() const override { return settings_; }
  VaspEnding ending() const override { return ending_; }

 private:
  void dispatch(std::string_view line);
  void read_head(std::string_view text, char first);
  void read_result(std::string_view text, char first);
  void read_setting(std::string_view text);
  static void add_potential(std::string_view text, std::string_view mark, std::vector<PotentialName>& names);
  void build_atoms(std::string_view counts);
  void begin_scf_step(std::string_view text);
  void read_stress(std::string_view text);
  void check_pressure(std::string_view text);
  void read_lattice();
  void read_forces();
  void read_free_energy(std::string_view text);
  void complete_step(std::string_view text);
  void close_step();
  void emit();
  void finish();
  [[nodiscard]] bool energies_come_first() const { return settings_.version.starts_with("4."); }
  void note_problem(std::string text) {
    if (step_.problem.empty()) step_.problem = std::move(text);
  }
  [[noreturn]] void fail(const std::string& what, const std::string& remedy) const {
    throw InputError(what, file_.where(), remedy);
  }

  TextFile file_;
  VaspSettings settings_;
  VaspEnding ending_;
  std::vector<PotentialName> titles_, listed_;  // by "TITEL" and by "POTCAR:", in order; both lists may repeat
  VaspSettingsCollector calculation_;
  Index stated_atoms_ = 0;  // NIONS
  VaspStep step_;
  ScfLoop loop_;
  std::optional<VaspStep> ready_;
  Mat3 lattice_{};
  std::string lattice_problem_;
  bool have_lattice_ = false, lattice_fresh_ = false;
  bool in_prediction_ = false;  // inside a block marked ML
  bool begun_ = false;          // something of the current step has been read
  bool any_iteration_ = false;
  std::optional<Index> ion_;  // ionic step that VASP names
  Index index_ = 0;
};

void OutcarReader::dispatch(std::string_view line) {
  std::size_t blanks = 0;
  while (blanks < line.size() && line[blanks] == ' ') ++blanks;
  if (blanks == line.size()) return;
  const std::string_view text = line.substr(blanks);
  const char first = text[0];
  if (first == '-') {
    if (text.size() > 40) begin_scf_step(text);
    return;
  }
  // Most lines of an OUTCAR are tables of numbers.
  if ((first >= '0' && first <= '9') || first == '.') return;
  read_result(text, first);
  if (!any_iteration_) calculation_.take_line(text);
  if (!any_iteration_ || first == 'v' || first == 'T' || first == 'i' || first == 'n') read_head(text, first);
}

void OutcarReader::read_head(std::string_view text, char first) {
  switch (first) {
    case 'v':
      if (!text.starts_with("vasp.")) return;
      // A second head: several runs in one file.
      titles_.clear();
      listed_.clear();
      calculation_ = {};
      settings_.version = std::string(text.substr(5, text.find_first_of(" \t", 5) - 5));
      return;
    case 'T':
      if (text.starts_with("TITEL")) add_potential(text, "=", titles_);
      break;
    case 'P':
      if (text.starts_with("POTCAR:")) add_potential(text, ":", listed_);
      break;
    case 'n':
      if (text.starts_with("number of dos")) {
        Cursor cursor(text);
        if (cursor.skip_past("NIONS") && cursor.skip_past("=")) stated_atoms_ = cursor.integer().value_or(0);
      }
      return;
    case 'i':
      if (text.starts_with("ions per type")) build_atoms(text);
      return;
    default:
      break;
  }
  if (first == 'N' || first == 'E' || first == 'I' || first == 'T' || first == 'P') read_setting(text);
}

void OutcarReader::read_setting(std::string_view text) {
  Cursor cursor(text);
  if (!cursor.skip_past("=")) return;
  const auto integer = [&](auto& value) {
    if (const auto found = cursor.integer()) value = static_cast<std::remove_reference_t<decltype(value)>>(*found);
  };
  const auto real = [&](double& value) {
    if (const RealField found = cursor.real(); found.ok()) value = found.value;
  };
  const std::string_view key = trimmed(text.substr(0, text.find('=')));
  if (key == "NELM") integer(settings_.nelm);
  if (key == "NSW") integer(settings_.nsw);
  if (key == "IBRION") integer(settings_.ibrion);
  if (key == "ISIF") integer(settings_.isif);
  if (key == "EDIFF") real(settings_.ediff);
  if (key == "POTIM") real(settings_.potim);
  if (key == "PSTRESS") real(settings_.pstress_kbar);
  if (key == "TEBEG") {
    real(settings_.tebeg);
    settings_.teend = settings_.tebeg;
    if (cursor.skip_past("TEEND") && cursor.skip_past("=")) real(settings_.teend);
  }
}

/// "TITEL  = PAW_PBE Li_sv 10Sep2004" or "POTCAR:    PAW_PBE Li_sv 10Sep2004"; old potentials have no word before the
/// name.
void OutcarReader::add_potential(std::string_view text, std::string_view mark, std::vector<PotentialName>& names) {
  Cursor cursor(text);
  if (!cursor.skip_past(mark)) return;
  const std::string title(trimmed(cursor.rest()));
  const std::string first(cursor.word()), second(cursor.word());
  names.push_back({.name = element_of_potential(second) != 0 ? second : first, .title = title});
}

void OutcarReader::build_atoms(std::string_view text) {
  Cursor cursor(text);
  if (!cursor.skip_past("=")) return;
  std::vector<Index> counts;
  for (auto word = cursor.word(); !word.empty(); word = cursor.word()) {
    const auto count = parse_integer(word);
    if (!count || *count < 1 || *count > most_atoms || counts.size() >= most_types)
      fail(fmt::format("'{}' is no number of atoms", word),
           "The head of this OUTCAR is damaged; repeat the calculation.");
    counts.push_back(*count);
  }
  const auto& names = titles_.size() >= counts.size() ? titles_ : listed_;
  if (names.size() < counts.size())
    fail(fmt::format("{} atom types but only {} potentials are named", counts.size(), names.size()),
         "The head of this OUTCAR is incomplete; import the vasprun.xml of the run instead.");
  Index total = 0;
  for (const Index count : counts) total += count;
  if (stated_atoms_ != 0 && stated_atoms_ != total)
    fail(fmt::format("'ions per type' lists {} of {} atoms (VASP cuts this line short after ten types)", total,
                     stated_atoms_),
         "Import the vasprun.xml of this run instead.");
  settings_.numbers.clear();
  calculation_.clear_types();
  for (std::size_t type = 0; type < counts.size(); ++type) {
    const int number = element_of_potential(names[type].name);
    if (number == 0)
      fail(fmt::format("'{}' (potential {}) is no element", names[type].name, type + 1),
           "Check the POTCAR of this run.");
    calculation_.add_type(number, names[type].title);
    settings_.numbers.insert(settings_.numbers.end(), static_cast<std::size_t>(counts[type]), number);
  }
}

/// "--- Iteration  ion( scf )  ---". VASP counts the SCF steps of an ionic step one by one; a gap means that output is
/// lost or that two runs wrote into one file, and then labels of different steps could meet.
void OutcarReader::begin_scf_step(std::string_view text) {
  if (text.find("EDIFF was not reached") != std::string_view::npos) {
    loop_.stated_unconverged = true;
    return;
  }
  Cursor cursor(text);
  if (!cursor.skip_past("Iteration")) return;
  const auto ion = parse_integer(cursor.rest().substr(0, cursor.rest().find('(')));
  const auto number = cursor.skip_past("(") ? cursor.integer() : std::nullopt;
  if (number == 1) {
    if (energies_come_first() && step_.energy_sigma0) close_step();  // it has printed no forces
    loop_ = {};
    step_ = {};
  } else if (number && (*number != loop_.steps + 1 || ion != ion_)) {
    note_problem("its SCF steps are not consecutive: output is lost, or two runs wrote into this file");
  }
  ion_ = ion;
  ++loop_.steps;
  begun_ = any_iteration_ = true;
  in_prediction_ = false;
}

void OutcarReader::read_result(std::string_view text, char first) {
  switch (first) {
    case 't':
      if (text.starts_with("total energy-change")) {
        Cursor cursor(text);
        const RealField change = cursor.skip_past(":") ? cursor.real() : RealField{};
        const RealField sum = cursor.skip_past("(") ? cursor.real() : RealField{};
        loop_.energy_change = change.ok() ? std::optional(change.value) : std::nullopt;
        loop_.eigenvalue_change = sum.ok() ? std::optional(sum.value) : std::nullopt;
      }
      return;
    case 'F':
      if (text.starts_with("FORCE on cell")) in_prediction_ = false;
      return;
    case 'M':
      if (text.starts_with("ML FORCE on cell") || text.starts_with("ML FREE ENERGIE")) in_prediction_ = true;
      if (text.starts_with("ML energy  without")) {
        step_.kind = VaspStep::Kind::machine_learned;
        emit();
      }
      return;
    case 'i':
      if (text.starts_with("in kB") && !in_prediction_) read_stress(text);
      return;
    case 'e':
      if (text.starts_with("energy  without entropy=")) complete_step(text);
      if (text.starts_with("external pressure") && !in_prediction_) check_pressure(text);
      return;
    case 'E':
      if (text.starts_with("Edisp")) calculation_.note_dispersion();
      return;
    case 'd':
      if (text.starts_with("direct lattice vectors")) read_lattice();
      return;
    case 'P':
      if (!text.starts_with("POSITION") || text.find("TOTAL-FORCE") == std::string_view::npos) return;
      if (text.find("(ML)") == std::string_view::npos) read_forces();
      return;
    case 'f':
      if (text.starts_with("free  energy   TOTEN")) read_free_energy(text);
      return;
    case 'G':
      if (text.starts_with("General timing and accounting")) ending_.finished = true;
      return;
    default:
      return;
  }
}

void OutcarReader::read_stress(std::string_view text) {
  Cursor cursor(text.substr(5));
  std::array<double, 6> kbar{};
  step_.stress_kbar.reset();
  for (double& component : kbar) {
    const RealField field = cursor.real();
    if (!field.ok()) {
      step_.stress_note = fmt::format("a stress component is {}", field_state_name(field.state));
      return;
    }
    component = field.value;
  }
  step_.stress_kbar = kbar;
}

/// With PSTRESS the printed "external pressure" is trace/3 - PSTRESS when "in kB" is the true stress; otherwise we
/// cannot tell.
void OutcarReader::check_pressure(std::string_view text) {
  Cursor cursor(text);
  const RealField external = cursor.skip_past("=") ? cursor.real() : RealField{};
  const RealField pulay = cursor.skip_past("=") ? cursor.real() : RealField{};
  if (!external.ok() || !pulay.ok() || pulay.value == 0 || !step_.stress_kbar) return;
  const auto& kbar = *step_.stress_kbar;
  if (std::abs((kbar[0] + kbar[1] + kbar[2]) / 3.0 - pulay.value - external.value) < 0.02) return;
  step_.stress_kbar.reset();
  step_.stress_note = fmt::format("PSTRESS = {} kB seems to be contained in the stress", pulay.value);
}

void OutcarReader::read_lattice() {
  Mat3 lattice;
  std::string_view line;
  lattice_problem_.clear();
  for (int k = 0; k < 3; ++k) {
    if (!file_.next_line(line)) return;
    Cursor cursor(line);
    const FieldState state = cursor.vec3(lattice[k]);
    if (state != FieldState::number) lattice_problem_ = fmt::format("a lattice vector is {}", field_state_name(state));
  }
  lattice_ = lattice;
  have_lattice_ = lattice_fresh_ = true;
}

void OutcarReader::read_forces() {
  const auto atoms = settings_.numbers.size();
  if (atoms == 0)
    fail("forces before the list of atoms ('ions per type')",
         "The head of this OUTCAR is missing; use the complete file.");
  begun_ = true;
  step_.positions.clear();
  step_.forces.clear();
  std::string_view line;
  if (!file_.next_line(line)) return;
  for (std::size_t atom = 0; atom < atoms; ++atom) {
    if (!file_.next_line(line)) return;
    if (trimmed(line).starts_with("---")) {
      note_problem(fmt::format("the force table ends after {} of {} atoms", atom, atoms));
      break;
    }
    Cursor cursor(line);
    Vec3 position, force;
    FieldState state = cursor.vec3(position);
    if (state != FieldState::number)
      note_problem(fmt::format("the position of atom {} is {}", atom + 1, field_state_name(state)));
    else if ((state = cursor.vec3(force)) != FieldState::number)
      note_problem(fmt::format("the force on atom {} is {}", atom + 1, field_state_name(state)));
    step_.positions.push_back(position);
    step_.forces.push_back(force);
  }
  step_.lattice = lattice_;
  if (!have_lattice_) note_problem("no lattice vectors before the forces");
  if (!lattice_problem_.empty()) note_problem(lattice_problem_);
  if (settings_.isif >= 3 && !lattice_fresh_)
    note_problem("the cell changes (ISIF >= 3) but this step prints no lattice");
  // The rule below the table tells that its last row is whole.
  if (energies_come_first() && step_.energy_sigma0 && file_.next_line(line) && trimmed(line).starts_with("---"))
    close_step();
}

void OutcarReader::read_free_energy(std::string_view text) {
  Cursor cursor(text);
  if (!cursor.skip_past("=")) return;
  const RealField field = cursor.real();
  if (!cursor.accept("eV")) return;  // cut off inside the number or a damaged line
  if (field.ok()) step_.free_energy = field.value;
  if (!field.ok()) note_problem(fmt::format("the free energy is {}", field_state_name(field.state)));
}

/// "energy  without entropy=  E  energy(sigma->0) =  E0"; a patched VASP puts "eV  w/o vdW = ..." after each number.
void OutcarReader::complete_step(std::string_view text) {
  Cursor cursor(text);
  if (!cursor.skip_past("=")) return;
  const std::string_view entropy_free = cursor.word();
  if (!cursor.skip_past("energy(sigma->0)") || !cursor.skip_past("=")) return;  // the file ends here
  const std::string_view sigma0 = cursor.word();
  // Without a line end the last number may have lost digits: both have the same number of decimals.
  const bool whole =
      file_.line_was_terminated() || !trimmed(cursor.rest()).empty() || decimals(sigma0) == decimals(entropy_free);
  if (sigma0.empty() || !whole) return;
  step_.energy_without_entropy = parse_real(entropy_free);
  step_.energy_sigma0 = parse_real(sigma0);
  if (!energies_come_first()) close_step();
}

void OutcarReader::close_step() {
  if (loop_.steps == 0 && any_iteration_)
    note_problem("a result without SCF steps: output is lost, or two runs wrote into this file");
  if (!step_.forces.empty() && step_.forces.size() != settings_.numbers.size())
    note_problem("the force table is incomplete");
  emit();
}

void OutcarReader::emit() {
  step_.index = index_++;
  step_.line = file_.line_number();
  step_.scf_steps = loop_.steps;
  step_.scf = scf_verdict(settings_, loop_);
  step_.last_energy_change = loop_.energy_change.value_or(0.0);
  if (index_ == 1) settings_.calculation = calculation_.settings();
  ready_ = std::exchange(step_, {});
  loop_ = {};
  lattice_fresh_ = begun_ = in_prediction_ = false;
}

void OutcarReader::finish() {
  if (begun_) {
    ending_.dropped_step = true;
    ending_.text = fmt::format("ionic step {} is cut off at line {} and left out", index_ + 1, file_.line_number());
  }
  const auto add = [&](std::string_view text) {
    ending_.text += (ending_.text.empty() ? "" : "; ") + std::string(text);
  };
  if (file_.ending() == TextFile::Ending::damaged) add("the compressed file is damaged or cut off");
  if (file_.skipped_lines() > 0) add(fmt::format("{} line(s) longer than 1 MiB skipped", file_.skipped_lines()));
  if (!ending_.finished && ending_.text.empty()) add("the run did not end normally (no closing timing block)");
}

}  // namespace

std::unique_ptr<VaspReader> open_outcar(const std::string& path) { return std::make_unique<OutcarReader>(path); }

}  // namespace haven
