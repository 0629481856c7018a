#include "io/vasprun.hpp"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <cstring>
#include <deque>
#include <memory>
#include <set>
#include <utility>

#include "core/error.hpp"
#include "core/units.hpp"
#include "io/cursor.hpp"
#include "io/text_file.hpp"
#include "io/vasp_settings.hpp"
#include "io/xml_scanner.hpp"

namespace haven {
namespace {

constexpr std::size_t deepest_nesting = 64;
constexpr std::size_t most_settings = 10'000;

/// The three energies of an <energy> block.
struct Energies {
  std::optional<double> free, without_entropy, sigma0;
};

/// The elements that mean something here.
enum class Tag {
  other,
  atominfo,
  c,
  calculation,
  crystal,
  energy,
  generator,
  i,
  incar,
  kpoints,
  modeling,
  parameters,
  rc,
  scstep,
  structure,
  v,
  varray
};
constexpr std::array<std::string_view, 16> tag_names{
    "atominfo", "c",        "calculation", "crystal", "energy", "generator", "i", "incar",
    "kpoints",  "modeling", "parameters",  "rc",      "scstep", "structure", "v", "varray"};

Tag tag_of(std::string_view name) {
  if (name == "v") return Tag::v;  // nearly all of a file
  for (std::size_t k = 0; k < tag_names.size(); ++k)
    if (tag_names[k] == name) return static_cast<Tag>(k + 1);
  return Tag::other;
}

/// Collects what one file says while the scanner walks through it. Only the elements needed are looked at; each is
/// recognised by its own tag, its name attribute and the tags around it.
class Handler {
 public:
  /// True when the text of the element is wanted.
  bool start(std::string_view tag, std::string_view name);
  /// The element ends, with its text; `scanner` tells the line.
  void end(std::string_view text, XmlScanner& scanner);
  /// Are we in an array of a step, right behind its start?
  bool in_array() const { return in_calculation && around(0).tag == Tag::varray; }
  /// A whole <v> of that array.
  void row(std::string_view text);

  VaspSettings settings;
  VaspSettingsCollector calculation;
  std::deque<VaspStep> steps;
  bool root_seen = false, root_closed = false, in_calculation = false;
  Index index = 0;
  std::string head_problem;

 private:
  struct Element {
    Tag tag = Tag::other;
    std::string name{};
  };
  bool inside(Tag tag) const;
  const Element& around(std::size_t levels) const;
  void take_value(const Element& element);
  void take_parameter(const std::string& name);
  void take_energy(const std::string& name, Energies& energies, bool final);
  void take_vector();
  void take_atom();
  void take_type();
  void take_setting(const std::string& name);
  void add_prediction(Index line);
  void finish_calculation(Index line);
  void settle_energies(const Mat3& lattice);
  void settle_stress();
  Vec3 vector_or_problem(std::string_view what, std::size_t number);
  void note_problem(std::string what) {
    if (step_.problem.empty()) step_.problem = std::move(what);
  }

  std::array<Element, deepest_nesting> stack_;  // the names keep their memory
  std::size_t depth_ = 0;
  std::string_view text_;  // of the element that ends
  bool collecting_ = false;
  Index column_ = 0;  // of <c> in its row
  std::vector<std::string> known_parameters_;
  std::set<std::string, std::less<>> known_settings_;  // of <parameters>, where the first value is the run's
  int type_number_ = 0;                                // of the row of "atomtypes" that is being read
  VaspStep step_;
  ScfLoop loop_;
  Energies scf_, ionic_;
  std::optional<double> scf_before_;
  std::vector<Vec3> basis_, fractional_, stress_;
  bool energy_problem_ = false;
};

const Handler::Element& Handler::around(std::size_t levels) const {
  static const Element none;
  return depth_ > levels ? stack_[depth_ - 1 - levels] : none;
}

bool Handler::inside(Tag tag) const {
  for (std::size_t k = 0; k < depth_; ++k)
    if (stack_[k].tag == tag) return true;
  return false;
}

bool Handler::start(std::string_view tag, std::string_view name_attribute) {
  HAVEN_ASSERT(depth_ < stack_.size());
  Element& element = stack_[depth_++];
  element.tag = tag_of(tag);
  element.name.assign(name_attribute);
  const Tag now = element.tag;
  if (depth_ == 1 && now == Tag::modeling) root_seen = true;
  if (now == Tag::calculation) {
    in_calculation = true;
    step_ = {};
    loop_ = {};
    scf_ = ionic_ = {};
    scf_before_.reset();
    basis_.clear(), fractional_.clear(), stress_.clear();
    energy_problem_ = false;
  } else if (now == Tag::scstep && in_calculation) {
    ++loop_.steps;
    scf_before_ = scf_.free;
    scf_ = {};
  } else if (now == Tag::rc) {
    column_ = 0;
  } else if (now == Tag::varray && in_calculation) {
    // An array that is written twice (once per evaluation of the step): the last one counts.
    const std::string& name = element.name;
    if (name == "forces") step_.forces.clear();
    if (name == "stress") stress_.clear();
    if (name == "basis") basis_.clear();
    if (name == "positions") fractional_.clear();
  }
  collecting_ = now == Tag::i || now == Tag::v || now == Tag::c;
  return collecting_;
}

void Handler::end(std::string_view text, XmlScanner& scanner) {
  HAVEN_ASSERT(depth_ > 0);
  text_ = text;
  const Element& element = stack_[depth_ - 1];
  if (collecting_) take_value(element);
  collecting_ = false;
  --depth_;
  if (element.tag == Tag::c) ++column_;
  if (element.tag == Tag::calculation) finish_calculation(scanner.line());
  if (element.tag == Tag::modeling && depth_ == 0) root_closed = true;
  const bool direct_child = !in_calculation && depth_ == 1 && stack_[0].tag == Tag::modeling;
  if (direct_child && element.tag == Tag::varray && element.name == "forces") add_prediction(scanner.line());
}

void Handler::row(std::string_view text) {
  HAVEN_ASSERT(depth_ < stack_.size());
  text_ = text;
  stack_[depth_].tag = Tag::v;
  stack_[depth_++].name.clear();
  take_vector();
  --depth_;
}

void Handler::take_value(const Element& element) {
  if (element.tag == Tag::i) {
    if (in_calculation) {
      if (around(1).tag != Tag::energy) return;
      if (around(2).tag == Tag::scstep) take_energy(element.name, scf_, false);
      if (around(2).tag == Tag::calculation) take_energy(element.name, ionic_, true);
    } else if (around(1).tag == Tag::generator && element.name == "version") {
      const std::string_view version = trimmed(text_);
      settings.version = std::string(version.substr(0, version.find(' ')));
    } else if (inside(Tag::parameters)) {
      take_parameter(element.name);
      take_setting(element.name);
    } else if (inside(Tag::incar)) {
      take_setting(element.name);
    }
  } else if (element.tag == Tag::v) {
    if (!in_calculation) take_setting(element.name);
    take_vector();
  } else if (element.tag == Tag::c && inside(Tag::atominfo)) {
    if (column_ == 0) take_atom();
    take_type();
  }
}

/// Settings that change energies: <incar> holds what was asked for, <parameters> what was used.
void Handler::take_setting(const std::string& name) {
  if (name.empty() || in_calculation) return;
  if (inside(Tag::kpoints)) {
    if (name == "divisions") calculation.take("KPOINTS", text_);
    return;
  }
  const bool used = inside(Tag::parameters);
  if (!used && !inside(Tag::incar)) return;
  if (used && known_settings_.size() < most_settings && !known_settings_.insert(name).second) return;
  calculation.take(name, text_);
}

/// Rows of "atomtypes": number of atoms, element, mass, valence, potential.
void Handler::take_type() {
  if (around(3).name != "atomtypes") return;
  if (column_ == 1) type_number_ = element_of_potential(text_);
  if (column_ == 4) calculation.add_type(std::exchange(type_number_, 0), text_);
}

/// Later sections (response functions) repeat some names with other values; the first one is the run's.
void Handler::take_parameter(const std::string& name) {
  for (const std::string& known : known_parameters_)
    if (known == name) return;
  Cursor cursor(text_);
  const auto integer = [&](auto& value) {
    if (const auto found = cursor.integer()) value = static_cast<std::remove_reference_t<decltype(value)>>(*found);
  };
  const auto real = [&](double& value) {
    if (const RealField found = cursor.real(); found.ok()) value = found.value;
  };
  if (name == "NELM")
    integer(settings.nelm);
  else if (name == "NSW")
    integer(settings.nsw);
  else if (name == "IBRION")
    integer(settings.ibrion);
  else if (name == "ISIF")
    integer(settings.isif);
  else if (name == "EDIFF")
    real(settings.ediff);
  else if (name == "POTIM")
    real(settings.potim);
  else if (name == "TEBEG")
    real(settings.tebeg);
  else if (name == "TEEND")
    real(settings.teend);
  else if (name == "PSTRESS")
    real(settings.pstress_kbar);
  else
    return;
  known_parameters_.push_back(name);
}

void Handler::take_energy(const std::string& name, Energies& energies, bool final) {
  std::optional<double>* target = nullptr;
  if (name == "e_fr_energy") target = &energies.free;
  if (name == "e_wo_entrp") target = &energies.without_entropy;
  if (name == "e_0_energy") target = &energies.sigma0;
  if (target == nullptr) return;
  Cursor cursor(text_);
  const RealField field = cursor.real();
  *target = field.ok() ? std::optional(field.value) : std::nullopt;
  if (final && !field.ok() && name == "e_fr_energy")
    note_problem(fmt::format("the free energy is {}", field_state_name(field.state)));
}

/// The three numbers of the current element, to be element `number` of `what`.
Vec3 Handler::vector_or_problem(std::string_view what, std::size_t number) {
  Vec3 v;
  Cursor cursor(text_);
  const FieldState state = cursor.vec3(v);
  if (state != FieldState::number) note_problem(fmt::format("{} {} is {}", what, number + 1, field_state_name(state)));
  return v;
}

void Handler::take_vector() {
  const std::string& array = around(1).name;
  if (!in_calculation) {
    if (array != "selective" || around(2).name != "initialpos") return;
    Cursor cursor(text_);
    std::array<bool, 3> flags{};
    for (bool& flag : flags) flag = cursor.word() != "F";
    settings.movable.push_back(flags);
    return;
  }
  const bool of_structure = around(2).tag == Tag::structure || around(2).tag == Tag::crystal;
  if (array == "basis" && of_structure) basis_.push_back(vector_or_problem("lattice vector", basis_.size()));
  if (array == "positions" && of_structure)
    fractional_.push_back(vector_or_problem("the position of atom", fractional_.size()));
  if (around(2).tag != Tag::calculation) return;
  if (array == "forces") step_.forces.push_back(vector_or_problem("the force on atom", step_.forces.size()));
  if (array != "stress") return;
  Vec3 row;
  Cursor cursor(text_);
  if (const FieldState state = cursor.vec3(row); state != FieldState::number)
    step_.stress_note = fmt::format("a stress component is {}", field_state_name(state));
  stress_.push_back(row);
}

void Handler::take_atom() {
  if (around(3).name != "atoms") return;  // c < rc < set < array "atoms"
  const int number = element_of_potential(text_);
  if (number == 0 && head_problem.empty()) head_problem = fmt::format("'{}' is no element", trimmed(text_));
  settings.numbers.push_back(number);
}

/// VASP 5 writes wrong values for the entropy variants after the step, so they are taken from the last SCF step,
/// shifted by what was added to the free energy afterwards (van der Waals). P V is removed when PSTRESS is set.
void Handler::settle_energies(const Mat3& lattice) {
  if (!ionic_.free) {
    note_problem("the free energy is missing");
    return;
  }
  double free = *ionic_.free;
  const double pv = settings.pstress_kbar * std::abs(determinant(lattice)) / units::ev_per_a3_in_kbar;
  if (pv != 0) {
    const double added = scf_.free ? free - *scf_.free : NAN;
    const double tolerance = 1e-4 * std::max(1.0, std::abs(pv));
    const bool contained = std::abs(added - pv) < tolerance, absent = std::abs(added) < tolerance;
    if (!contained && !absent) {
      note_problem(
          fmt::format("PSTRESS = {} kB and P V = {:.6f} eV cannot be told from the energy", settings.pstress_kbar, pv));
      return;
    }
    if (contained && (!absent || std::abs(added - pv) < std::abs(added))) free -= pv;
  }
  step_.free_energy = free;
  const auto shifted = [&](const std::optional<double>& scf,
                           const std::optional<double>& ionic) -> std::optional<double> {
    if (scf && scf_.free) return *scf + (free - *scf_.free);
    return ionic;
  };
  step_.energy_without_entropy = shifted(scf_.without_entropy, ionic_.without_entropy);
  step_.energy_sigma0 = shifted(scf_.sigma0, ionic_.sigma0);
}

void Handler::settle_stress() {
  if (stress_.size() != 3 || !step_.stress_note.empty()) return;
  const auto& s = stress_;
  if (norm2(s[0]) + norm2(s[1]) + norm2(s[2]) == 0) {
    step_.stress_note = "the stress is written as zeros (not calculated)";
    return;
  }
  if (settings.pstress_kbar != 0) {
    step_.stress_note =
        "PSTRESS is set, and a vasprun.xml does not say whether its stress contains it (the OUTCAR does)";
    return;
  }
  step_.stress_kbar = {
      s[0].x, s[1].y, s[2].z, 0.5 * (s[0].y + s[1].x), 0.5 * (s[1].z + s[2].y), 0.5 * (s[2].x + s[0].z)};
}

/// Steps of a machine-learned force field stand outside <calculation>.
void Handler::add_prediction(Index line) {
  VaspStep step;
  step.kind = VaspStep::Kind::machine_learned;
  step.index = index++;
  step.line = line;
  steps.push_back(std::move(step));
}

void Handler::finish_calculation(Index line) {
  in_calculation = false;
  if (index == 0) settings.calculation = calculation.settings();
  step_.index = index++;
  step_.line = line;
  const auto atoms = settings.numbers.size();
  if (basis_.size() == 3) {
    step_.lattice = {{{basis_[0], basis_[1], basis_[2]}}};
    settle_energies(step_.lattice);
  } else {
    note_problem("the lattice vectors are missing");
  }
  for (const Vec3& position : fractional_) step_.positions.push_back(position * step_.lattice);
  if (step_.positions.size() != atoms)
    note_problem(fmt::format("{} positions for {} atoms", step_.positions.size(), atoms));
  if (!step_.forces.empty() && step_.forces.size() != atoms)
    note_problem(fmt::format("{} forces for {} atoms", step_.forces.size(), atoms));
  settle_stress();
  if (scf_.free && scf_before_) loop_.energy_change = *scf_.free - *scf_before_;
  step_.scf_steps = loop_.steps;
  step_.scf = scf_verdict(settings, loop_);
  step_.last_energy_change = loop_.energy_change.value_or(0.0);
  steps.push_back(std::exchange(step_, {}));
}

class VasprunReader final : public VaspReader {
 public:
  explicit VasprunReader(const std::string& path) : file_(path), scanner_(file_) {}

  std::optional<VaspStep> next() override {
    while (handler_.steps.empty() && !done_) advance();
    if (!handler_.steps.empty()) {
      VaspStep step = std::move(handler_.steps.front());
      handler_.steps.pop_front();
      return step;
    }
    if (!handler_.root_seen)
      throw InputError("this is no vasprun.xml (no <modeling> element)", file_.path(), "Name a file that VASP wrote.");
    return std::nullopt;
  }
  const VaspSettings& settings() const override { return handler_.settings; }
  VaspEnding ending() const override { return ending_; }

 private:
  void advance() {
    switch (scanner_.next()) {
      case XmlScanner::Event::start:
        if (handler_.start(scanner_.name(), scanner_.attribute("name")))
          scanner_.keep_text();
        else if (handler_.in_array())
          while (const auto text = scanner_.plain_element("v")) handler_.row(*text);
        return;
      case XmlScanner::Event::end:
        handler_.end(scanner_.text(), scanner_);
        if (!handler_.head_problem.empty())
          throw InputError(handler_.head_problem, file_.path(), "Check the POTCAR of this run.");
        if (handler_.root_closed) finish();
        return;
      case XmlScanner::Event::finish:
        return finish();
    }
  }

  void finish() {
    done_ = true;
    ending_.finished = handler_.root_closed;
    if (handler_.root_closed) return;
    ending_.dropped_step = handler_.in_calculation;
    ending_.text = fmt::format("the XML is not closed (ends at line {}{})", scanner_.line(),
                               scanner_.error().empty() ? "" : ": " + scanner_.error());
    if (handler_.in_calculation)
      ending_.text += fmt::format("; ionic step {} is cut off and left out", handler_.index + 1);
    if (file_.ending() == TextFile::Ending::damaged) ending_.text += "; the compressed file is damaged or cut off";
  }

  TextFile file_;
  XmlScanner scanner_;
  Handler handler_;
  VaspEnding ending_;
  bool done_ = false;
};

}  // namespace

std::unique_ptr<VaspReader> open_vasprun(const std::string& path) { return std::make_unique<VasprunReader>(path); }

}  // namespace haven
