#include "io/vasprun.hpp"

#include <expat.h>
#include <fmt/format.h>

#include <cmath>
#include <cstring>
#include <deque>
#include <memory>
#include <utility>

#include "core/error.hpp"
#include "core/units.hpp"
#include "io/cursor.hpp"
#include "io/text_file.hpp"

namespace haven {
namespace {

constexpr std::size_t deepest_nesting = 64;
constexpr std::size_t longest_text = 1U << 16U;  // of one element that we read

/// The three energies of an <energy> block.
struct Energies {
  std::optional<double> free, without_entropy, sigma0;
};

/// Collects what one file says while expat walks through it. Only the elements needed are looked at; each is recognised
/// by its own tag, its name attribute and the tags around it.
class Handler {
 public:
  void start(const char* tag, const char** attributes);
  void end(Index line);
  void text(const char* data, std::size_t length) {
    if (collecting_ && text_.size() + length <= longest_text) text_.append(data, length);
  }

  VaspSettings settings;
  std::deque<VaspStep> steps;
  bool root_seen = false, root_closed = false, in_calculation = false, too_deep = false;
  Index index = 0;
  std::string head_problem;

 private:
  struct Element {
    std::string tag, name;
  };
  bool inside(std::string_view tag) const;
  const Element& around(std::size_t levels) const;
  void take_value(const Element& element);
  void take_parameter(const std::string& name);
  void take_energy(const std::string& name, Energies& energies, bool final);
  void take_vector();
  void take_atom();
  void add_prediction(Index line);
  void finish_calculation(Index line);
  void settle_energies(const Mat3& lattice);
  void settle_stress();
  Vec3 vector_or_problem(std::string_view what, std::size_t number);
  void note_problem(std::string what) {
    if (step_.problem.empty()) step_.problem = std::move(what);
  }

  std::vector<Element> stack_;
  std::string text_;
  bool collecting_ = false;
  Index column_ = 0;  // of <c> in its row
  std::vector<std::string> known_parameters_;
  VaspStep step_;
  ScfLoop loop_;
  Energies scf_, ionic_;
  std::optional<double> scf_before_;
  std::vector<Vec3> basis_, fractional_, stress_;
  bool energy_problem_ = false;
};

const Handler::Element& Handler::around(std::size_t levels) const {
  static const Element none;
  return stack_.size() > levels ? stack_[stack_.size() - 1 - levels] : none;
}

bool Handler::inside(std::string_view tag) const {
  for (const Element& element : stack_)
    if (element.tag == tag) return true;
  return false;
}

void Handler::start(const char* tag, const char** attributes) {
  if (stack_.size() >= deepest_nesting) {
    too_deep = true;
    return;
  }
  Element element{.tag = tag, .name = {}};
  for (const char** a = attributes; a[0] != nullptr; a += 2)
    if (std::strcmp(a[0], "name") == 0) element.name = a[1];
  if (stack_.empty() && element.tag == "modeling") root_seen = true;
  stack_.push_back(std::move(element));
  const std::string& now = stack_.back().tag;
  if (now == "calculation") {
    in_calculation = true;
    step_ = {};
    loop_ = {};
    scf_ = ionic_ = {};
    scf_before_.reset();
    basis_.clear(), fractional_.clear(), stress_.clear();
    energy_problem_ = false;
  } else if (now == "scstep" && in_calculation) {
    ++loop_.steps;
    scf_before_ = scf_.free;
    scf_ = {};
  } else if (now == "rc") {
    column_ = 0;
  } else if (now == "varray" && in_calculation) {
    // An array that is written twice (once per evaluation of the step): the last one counts.
    const std::string& name = stack_.back().name;
    if (name == "forces") step_.forces.clear();
    if (name == "stress") stress_.clear();
    if (name == "basis") basis_.clear();
    if (name == "positions") fractional_.clear();
  }
  collecting_ = now == "i" || now == "v" || now == "c";
  text_.clear();
}

void Handler::end(Index line) {
  if (stack_.empty()) return;
  const Element element = stack_.back();
  if (collecting_) take_value(element);
  collecting_ = false;
  stack_.pop_back();
  if (element.tag == "c") ++column_;
  if (element.tag == "calculation") finish_calculation(line);
  if (element.tag == "modeling" && stack_.empty()) root_closed = true;
  const bool direct_child = !in_calculation && stack_.size() == 1 && stack_[0].tag == "modeling";
  if (direct_child && element.tag == "varray" && element.name == "forces") add_prediction(line);
}

void Handler::take_value(const Element& element) {
  if (element.tag == "i") {
    if (in_calculation) {
      if (around(1).tag != "energy") return;
      if (around(2).tag == "scstep") take_energy(element.name, scf_, false);
      if (around(2).tag == "calculation") take_energy(element.name, ionic_, true);
    } else if (around(1).tag == "generator" && element.name == "version") {
      const std::string_view version = trimmed(text_);
      settings.version = std::string(version.substr(0, version.find(' ')));
    } else if (inside("parameters")) {
      take_parameter(element.name);
    }
  } else if (element.tag == "v") {
    take_vector();
  } else if (element.tag == "c" && column_ == 0 && inside("atominfo")) {
    take_atom();
  }
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
  const bool of_structure = around(2).tag == "structure" || around(2).tag == "crystal";
  if (array == "basis" && of_structure) basis_.push_back(vector_or_problem("lattice vector", basis_.size()));
  if (array == "positions" && of_structure)
    fractional_.push_back(vector_or_problem("the position of atom", fractional_.size()));
  if (around(2).tag != "calculation") return;
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
  explicit VasprunReader(const std::string& path) : file_(path), parser_(XML_ParserCreate(nullptr)) {
    if (parser_ == nullptr) throw ResourceError("no memory for the XML parser", path, "Free some memory.");
    XML_SetUserData(parser_.get(), this);
    XML_SetElementHandler(parser_.get(), on_start, on_end);
    XML_SetCharacterDataHandler(parser_.get(), on_text);
    XML_SetEntityDeclHandler(parser_.get(), on_entity);
  }

  std::optional<VaspStep> next() override {
    while (handler_.steps.empty() && !done_) feed();
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
  void feed() {
    std::string_view block = file_.next_block();
    if (first_ && block.starts_with("\xEF\xBB\xBF")) block.remove_prefix(3);
    first_ = false;
    if (block.empty()) return finish("");
    const auto status = XML_Parse(parser_.get(), block.data(), static_cast<int>(block.size()), XML_FALSE);
    if (!handler_.head_problem.empty())
      throw InputError(handler_.head_problem, file_.path(), "Check the POTCAR of this run.");
    if (!failure_.empty()) throw InternalError(failure_, file_.path());
    if (status != XML_STATUS_OK) finish(XML_ErrorString(XML_GetErrorCode(parser_.get())));
  }

  void finish(const std::string& xml_error) {
    done_ = true;
    ending_.finished = handler_.root_closed;
    if (handler_.root_closed) return;
    const auto line = XML_GetCurrentLineNumber(parser_.get());
    ending_.dropped_step = handler_.in_calculation;
    ending_.text =
        fmt::format("the XML is not closed (ends at line {}{})", line, xml_error.empty() ? "" : ": " + xml_error);
    if (handler_.in_calculation)
      ending_.text += fmt::format("; ionic step {} is cut off and left out", handler_.index + 1);
    if (file_.ending() == TextFile::Ending::damaged) ending_.text += "; the compressed file is damaged or cut off";
  }

  // Exceptions must not pass through expat, which is C: they are kept and reported by feed().
  template <class Action>
  static void guarded(void* user, Action action) {
    auto& self = *static_cast<VasprunReader*>(user);
    try {
      action(self);
    } catch (const std::exception& error) {
      self.failure_ = error.what();
    }
    if (!self.failure_.empty() || !self.handler_.head_problem.empty() || self.handler_.too_deep)
      XML_StopParser(self.parser_.get(), XML_FALSE);
  }
  static void XMLCALL on_start(void* user, const char* tag, const char** attributes) {
    guarded(user, [&](VasprunReader& self) { self.handler_.start(tag, attributes); });
  }
  static void XMLCALL on_end(void* user, const char*) {
    guarded(user, [](VasprunReader& self) { self.handler_.end(self.line()); });
  }
  static void XMLCALL on_text(void* user, const char* data, int length) {
    guarded(user, [&](VasprunReader& self) { self.handler_.text(data, static_cast<std::size_t>(length)); });
  }
  // VASP declares no entities; a file that does is an attack on the parser's memory.
  static void XMLCALL on_entity(void* user, const char*, int, const char*, int, const char*, const char*, const char*,
                                const char*) {
    XML_StopParser(static_cast<VasprunReader*>(user)->parser_.get(), XML_FALSE);
  }
  Index line() const { return static_cast<Index>(XML_GetCurrentLineNumber(parser_.get())); }

  struct Free {
    void operator()(XML_Parser parser) const { XML_ParserFree(parser); }
  };
  TextFile file_;
  std::unique_ptr<std::remove_pointer_t<XML_Parser>, Free> parser_;
  Handler handler_;
  VaspEnding ending_;
  std::string failure_;
  bool done_ = false, first_ = true;
};

}  // namespace

std::unique_ptr<VaspReader> open_vasprun(const std::string& path) { return std::make_unique<VasprunReader>(path); }

}  // namespace haven
