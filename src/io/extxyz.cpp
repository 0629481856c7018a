#include "io/extxyz.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "core/error.hpp"
#include "core/species.hpp"
#include "io/calculation_settings.hpp"
#include "io/cursor.hpp"

namespace haven {
namespace {

constexpr std::size_t most_reserved_atoms = 1U << 16U;

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  return result;
}

/// key=value pairs of a comment line; keys keep their spelling, values lose their quotes.
using Comment = std::vector<std::pair<std::string, std::string>>;

/// One column group of Properties.
struct Column {
  std::string name;
  char type = 'R';
  Index width = 0;
};

/// Reads one frame; an object lives for one frame only.
class FrameParser {
 public:
  FrameParser(TextFile& file, EnergyKind energy, std::map<std::string, std::string>& mapping)
      : file_(file), energy_(energy), mapping_(mapping) {}

  /// False when the file ends before the frame is complete.
  bool read(Index atoms);
  Frame frame;
  std::string problem;
  bool without_cell = false;

 private:
  [[noreturn]] void fail(const std::string& what, const std::string& remedy) const {
    throw InputError(what, file_.where(), remedy);
  }
  void note_problem(const std::string& what) {
    if (problem.empty()) problem = what;
  }
  void parse_comment(std::string_view line);
  const std::string* find(std::string_view lower_key) const;
  std::vector<double> numbers(const std::string& key, const std::string& text);
  std::array<bool, 3> read_periodic(const std::string& text);
  void read_cell();
  void note_unused_labels();
  void read_columns();
  bool read_atoms(Index atoms);
  void read_atom(Cursor& cursor, Index atom);
  void read_energy();
  void read_stress();
  void read_origin();
  bool last_line_may_be_cut(std::string_view line) const;
  /// Frames of one file may use different names; the printed mapping then shows all of them.
  void remember_name(const std::string& quantity, const std::string& name) {
    std::string& names = mapping_[quantity];
    if ((" " + names + " ").find(" " + name + " ") == std::string::npos) names += (names.empty() ? "" : " and ") + name;
  }
  template <class Same>
  std::string choose(std::string_view quantity, const std::vector<std::string>& found, Same same);

  TextFile& file_;
  EnergyKind energy_;
  std::map<std::string, std::string>& mapping_;
  Comment comment_;
  std::vector<Column> columns_;
  std::size_t species_ = 0, numbers_ = 0, positions_ = 0, velocities_ = 0;  // 1-based column, 0 = absent
  std::vector<std::size_t> forces_;                                         // all columns that are forces
  std::string previous_;                                                    // last atom line but one
};

void FrameParser::parse_comment(std::string_view line) {
  std::size_t at = 0;
  const auto blank = [&](std::size_t k) { return line[k] == ' ' || line[k] == '\t'; };
  while (at < line.size()) {
    if (blank(at)) {
      ++at;
      continue;
    }
    const std::size_t begin = at;
    while (at < line.size() && !blank(at) && line[at] != '=') ++at;
    std::string key(line.substr(begin, at - begin));
    if (at >= line.size() || line[at] != '=') {
      comment_.emplace_back(std::move(key), "T");  // a bare word is a flag
      continue;
    }
    ++at;
    const char open = at < line.size() ? line[at] : ' ';
    const char close = open == '"' || open == '\'' ? open : (open == '{' ? '}' : (open == '[' ? ']' : '\0'));
    std::string value;
    if (close != '\0') {
      int depth = 1;  // of [[1, 0], [0, 1]]
      for (++at; at < line.size(); ++at) {
        depth += line[at] == close ? -1 : (line[at] == open ? 1 : 0);
        if (depth == 0) break;
        if (line[at] == '\\' && at + 1 < line.size()) ++at;
        value += line[at];
      }
      if (at >= line.size())
        fail(fmt::format("the value of '{}' has no closing {}", key, close), "Correct the comment line.");
      ++at;
    } else {
      while (at < line.size() && !blank(at)) value += line[at++];
    }
    comment_.emplace_back(std::move(key), std::move(value));
  }
}

const std::string* FrameParser::find(std::string_view lower_key) const {
  for (const auto& [key, value] : comment_)
    if (lower(key) == lower_key) return &value;
  return nullptr;
}

/// A list in any of its spellings: "1 2 3", [1, 2, 3], and ASE's _JSON [[1, 2], [3, 4]].
std::string without_brackets(std::string text) {
  if (text.starts_with("_JSON ")) text.erase(0, 6);
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c == ',' || c == '[' || c == ']'; }, ' ');
  return text;
}

std::vector<double> FrameParser::numbers(const std::string& key, const std::string& text) {
  const std::string clean = without_brackets(text);
  std::vector<double> values;
  Cursor cursor(clean);
  for (RealField field = cursor.real(); field.state != FieldState::missing; field = cursor.real()) {
    if (field.state == FieldState::malformed)
      fail(fmt::format("'{}' of the comment line is no number", key), "Correct it.");
    if (!field.ok()) note_problem(fmt::format("{} is {}", key, field_state_name(field.state)));
    values.push_back(field.value);
  }
  return values;
}

/// One word holds for all axes.
std::array<bool, 3> FrameParser::read_periodic(const std::string& text) {
  const std::string clean = without_brackets(text);
  Cursor cursor(clean);
  std::vector<std::string> words;
  for (auto word = cursor.word(); !word.empty(); word = cursor.word()) words.push_back(lower(word));
  if (words.size() == 1) words.resize(3, words[0]);
  std::array<bool, 3> periodic{};
  for (std::size_t axis = 0; axis < 3; ++axis) {
    const std::string word = axis < words.size() ? words[axis] : "";
    if (word != "t" && word != "f" && word != "true" && word != "false" && word != "1" && word != "0")
      fail(fmt::format("pbc=\"{}\" is not three of T and F", text), "Write for example pbc=\"T T T\".");
    periodic[axis] = word[0] == 't' || word[0] == '1';
  }
  return periodic;
}

void FrameParser::read_cell() {
  const std::string* pbc = find("pbc");
  const std::string* lattice = find("lattice");
  std::array<bool, 3> periodic{lattice != nullptr, lattice != nullptr, lattice != nullptr};
  if (pbc != nullptr) periodic = read_periodic(*pbc);
  if (lattice == nullptr) {
    if (periodic[0] || periodic[1] || periodic[2])
      fail("no Lattice in the comment line", "Add Lattice=\"ax ay az bx by bz cx cy cz\".");
    without_cell = true;
    return;
  }
  const auto v = numbers("Lattice", *lattice);
  if (v.size() != 9)
    fail(fmt::format("Lattice has {} numbers instead of 9", v.size()), "Give the vectors a, b, c in A.");
  if (!problem.empty()) return;
  try {
    frame.structure.cell = Cell({{{{v[0], v[1], v[2]}, {v[3], v[4], v[5]}, {v[6], v[7], v[8]}}}}, periodic);
  } catch (const InputError& error) {
    throw InputError(error.summary(), file_.where(), error.remedy());
  }
}

void FrameParser::read_columns() {
  const std::string* properties = find("properties");
  const std::string text = properties != nullptr ? *properties : "species:S:1:pos:R:3";
  std::vector<std::string> parts;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find(':', at), text.size());
    parts.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  if (parts.size() % 3 != 0)
    fail(fmt::format("Properties={} is not name:type:width triples", text), "Correct the comment line.");
  for (std::size_t k = 0; k < parts.size(); k += 3) {
    const auto width = parse_integer(parts[k + 2]);
    if (!width || *width < 1 || *width > 100 || parts[k + 1].size() != 1)
      fail(fmt::format("Properties: '{}:{}:{}' is no column", parts[k], parts[k + 1], parts[k + 2]),
           "Correct the comment line.");
    columns_.push_back({.name = parts[k], .type = parts[k + 1][0], .width = *width});
    const std::string name = lower(parts[k]);
    const std::size_t number = columns_.size();
    const bool vector = *width == 3 && parts[k + 1] == "R";
    if ((name == "species" || name == "element") && *width == 1)
      species_ = number;
    else if (name == "z" && *width == 1 && parts[k + 1] == "I")
      numbers_ = number;
    else if (name == "pos" && vector)
      positions_ = number;
    else if (name == "vel" && vector)
      velocities_ = number;
    else if ((name == "forces" || name == "force" || name == "ref_forces" || name == "dft_forces") && vector)
      forces_.push_back(number);
    else
      mapping_["not used " + parts[k]] = "";
  }
  if ((species_ == 0 && numbers_ == 0) || positions_ == 0)
    fail(fmt::format("Properties={} has no species:S:1 (or Z:I:1) or no pos:R:3", text), "Both are needed.");
  if (species_ != 0 && numbers_ != 0) numbers_ = 0;  // the same, said twice
}

void FrameParser::read_atom(Cursor& cursor, Index atom) {
  std::vector<Vec3> forces;
  for (std::size_t column = 1; column <= columns_.size(); ++column) {
    if (column == species_) {
      const std::string_view symbol = cursor.word();
      const int number = atomic_number(symbol);
      if (number == 0) fail(fmt::format("'{}' is no element", symbol), "Write element symbols such as Li.");
      frame.structure.numbers.push_back(number);
      continue;
    }
    if (column == numbers_) {
      const auto number = cursor.integer();
      if (!number || *number < 1 || *number > 118 || element_symbol(static_cast<int>(*number)).empty())
        fail(fmt::format("atom {}: Z is no atomic number", atom + 1), "Write 3 for Li.");
      frame.structure.numbers.push_back(static_cast<int>(*number));
      continue;
    }
    const bool force = std::find(forces_.begin(), forces_.end(), column) != forces_.end();
    if (column != positions_ && column != velocities_ && !force) {
      for (Index k = 0; k < columns_[column - 1].width; ++k) cursor.word();
      continue;
    }
    Vec3 v;
    const FieldState state = cursor.vec3(v);
    const std::string& name = columns_[column - 1].name;
    if (state == FieldState::missing || state == FieldState::malformed)
      fail(fmt::format("atom {}: {} is {}", atom + 1, name, field_state_name(state)), "Correct this line of the file.");
    if (state != FieldState::number)
      note_problem(fmt::format("{} of atom {} is {}", name, atom + 1, field_state_name(state)));
    if (column == positions_) frame.structure.positions.push_back(v);
    if (column == velocities_) frame.structure.velocities.push_back(v);
    if (force) forces.push_back(v);
  }
  if (forces.empty()) return;
  for (std::size_t k = 1; k < forces.size(); ++k)
    if (norm(forces[k] - forces[0]) > 1e-6 * (1.0 + norm(forces[0])))
      fail(fmt::format("atom {}: {} and {} disagree", atom + 1, columns_[forces_[0] - 1].name,
                       columns_[forces_[k] - 1].name),
           "Keep only the column that belongs to the calculation.");
  frame.forces.push_back(forces[0]);
}

/// The file ends without a newline: a number may have lost digits. It has not when it shows as many as the line before.
bool FrameParser::last_line_may_be_cut(std::string_view line) const {
  const auto decimals = [](std::string_view text) {
    const std::string_view word = trimmed(text).substr(trimmed(text).find_last_of(" \t") + 1);
    const std::size_t point = word.find('.');
    return point == word.npos ? std::size_t{0} : word.size() - point;
  };
  return previous_.empty() || decimals(previous_) != decimals(line) || decimals(line) == 0;
}

bool FrameParser::read_atoms(Index atoms) {
  const auto expected = static_cast<std::size_t>(atoms);
  frame.structure.numbers.reserve(std::min(expected, most_reserved_atoms));
  frame.structure.positions.reserve(std::min(expected, most_reserved_atoms));
  std::string_view line;
  for (Index atom = 0; atom < atoms; ++atom) {
    if (!file_.next_line(line)) return false;
    if (!file_.line_was_terminated() && (atom + 1 < atoms || last_line_may_be_cut(line))) return false;
    if (atom + 2 == atoms) previous_ = std::string(line);
    Cursor cursor(line);
    read_atom(cursor, atom);
  }
  if (!forces_.empty()) remember_name("forces", columns_[forces_[0] - 1].name);
  return true;
}

/// The first of several names found; all others must agree with it.
template <class Same>
std::string FrameParser::choose(std::string_view quantity, const std::vector<std::string>& found, Same same) {
  for (std::size_t k = 1; k < found.size(); ++k)
    if (!same(found[0], found[k]))
      fail(fmt::format("{} and {} disagree about the {}", found[0], found[k], quantity),
           "Keep only the one that belongs to the forces, or correct its sign or unit.");
  remember_name(std::string(quantity), found[0]);
  return found[0];
}

void FrameParser::read_energy() {
  std::vector<std::pair<std::string, double>> values;
  const auto look = [&](std::string_view name) {
    for (const auto& [key, text] : comment_) {
      if (lower(key) != name) continue;
      const auto v = numbers(key, text);
      if (v.size() != 1) fail(fmt::format("{} is not one number", key), "Give the energy of the whole cell in eV.");
      values.emplace_back(key, v[0]);
    }
  };
  look("free_energy");
  const std::size_t free_energies = values.size();
  look("energy");
  look("ref_energy");
  look("dft_energy");
  if (values.empty()) return;
  if (free_energies > 0 && values.size() > free_energies) {
    // free_energy and energy differ by the smearing entropy; only the kind that is wanted takes part in the comparison.
    if (energy_ == EnergyKind::free)
      values.resize(free_energies);
    else
      values.erase(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(free_energies));
  }
  std::vector<std::string> names;
  for (const auto& value : values) names.push_back(value.first);
  const auto value_of = [&](const std::string& name) {
    return std::find_if(values.begin(), values.end(), [&](const auto& v) { return v.first == name; })->second;
  };
  const std::string name = choose("energy", names, [&](const std::string& a, const std::string& b) {
    return std::abs(value_of(a) - value_of(b)) <= 1e-6 * std::max(1.0, std::abs(value_of(a)));
  });
  frame.energy = value_of(name);
}

void FrameParser::read_stress() {
  std::map<std::string, Mat3> values;
  std::vector<std::string> names;
  for (const std::string_view name :
       {"stress", "ref_stress", "dft_stress", "virial", "virials", "ref_virial", "ref_virials"}) {
    for (const auto& [key, text] : comment_) {
      if (lower(key) != name) continue;
      const auto v = numbers(key, text);
      Mat3 m;
      if (v.size() == 9)
        m = {{{{v[0], v[1], v[2]}, {v[3], v[4], v[5]}, {v[6], v[7], v[8]}}}};
      else if (v.size() == 6)
        m = {{{{v[0], v[5], v[4]}, {v[5], v[1], v[3]}, {v[4], v[3], v[2]}}}};
      else
        fail(fmt::format("{} has {} numbers instead of 9 or 6", key, v.size()), "Correct the comment line.");
      if (name.find("virial") != name.npos) m *= -1.0 / frame.structure.cell.volume();  // unused without a cell
      values[key] = m;
      names.push_back(key);
    }
  }
  if (names.empty()) return;
  const std::string name = choose("stress", names, [&](const std::string& a, const std::string& b) {
    double largest = 0, difference = 0;
    for (int i = 0; i < 3; ++i) {
      largest = std::max(largest, norm(values[a][i]));
      difference = std::max(difference, norm(values[a][i] - values[b][i]));
    }
    return difference <= 1e-4 * largest + 1e-7;
  });
  frame.stress = values[name];
}

/// Nothing that looks like a label is passed over in silence.
void FrameParser::note_unused_labels() {
  constexpr std::string_view read[] = {"energy",  "free_energy", "ref_energy", "dft_energy",
                                       "stress",  "ref_stress",  "dft_stress", "virial",
                                       "virials", "ref_virial",  "ref_virials"};
  for (const auto& [key, value] : comment_) {
    const std::string name = lower(key);
    const bool looks_like_one = name.find("energy") != name.npos || name.find("force") != name.npos ||
                                name.find("stress") != name.npos || name.find("virial") != name.npos;
    if (looks_like_one && std::find(std::begin(read), std::end(read), name) == std::end(read))
      mapping_["not used " + key] = "";
  }
}

/// Settings stand on one line with semicolons between them.
std::shared_ptr<const std::string> settings_of(std::string text) {
  std::replace(text.begin(), text.end(), ';', '\n');
  return shared_text(CalculationSettings::from_text(text));
}

void FrameParser::read_origin() {
  const auto text = [&](std::string_view key) {
    const std::string* found = find(key);
    return found != nullptr ? *found : std::string();
  };
  const auto real = [&](std::string_view key) { return find(key) != nullptr ? parse_real(*find(key)) : std::nullopt; };
  frame.group = text("config_type");
  frame.trajectory = text("trajectory");
  frame.temperature = real("temperature_k");
  frame.source.code = text("source_code");
  frame.source.path = text("source_path");
  if (const std::string* index = find("source_index")) frame.source.index = parse_integer(*index).value_or(0);
  frame.source.sha256 = text("source_sha256");
  if (const std::string* settings = find("source_settings")) frame.source.settings = settings_of(*settings);
  for (const std::string_view key : {"weight", "config_weight"})
    if (const auto weight = real(key)) frame.weight = *weight;
}

bool FrameParser::read(Index atoms) {
  std::string_view line;
  if (!file_.next_line(line) || !file_.line_was_terminated()) return false;
  parse_comment(line);
  read_cell();
  read_columns();
  read_energy();
  read_stress();
  read_origin();
  note_unused_labels();
  return read_atoms(atoms);
}

}  // namespace

ExtxyzReader::ExtxyzReader(const std::string& path, EnergyKind energy) : file_(path), energy_(energy) {}

std::optional<Frame> ExtxyzReader::next(std::string& problem) {
  problem.clear();
  std::string_view line;
  do {
    if (!file_.next_line(line)) {
      if (file_.ending() == TextFile::Ending::damaged) ending_ = "the compressed file is damaged or cut off";
      if (file_.ending() == TextFile::Ending::too_long)
        throw InputError("a line longer than 1 MiB", file_.where(), "This is no extended XYZ file.");
      return std::nullopt;
    }
  } while (trimmed(line).empty());
  const auto atoms = parse_integer(line);
  if (!atoms || *atoms < 1)
    throw InputError(fmt::format("'{}' where the number of atoms of a frame should be", line.substr(0, 40)),
                     file_.where(), "Each frame is: number of atoms, comment line, one line per atom.");
  FrameParser parser(file_, energy_, mapping_);
  if (!parser.read(*atoms)) {
    if (file_.ending() == TextFile::Ending::too_long)
      throw InputError("a line longer than 1 MiB", file_.where(), "This is no extended XYZ file.");
    ending_ =
        fmt::format("frame {} ({} atoms) is cut off at line {} and left out", index_ + 1, *atoms, file_.line_number());
    if (!file_.line_was_terminated()) ending_ += " (if its last line is complete, end it with a newline)";
    return std::nullopt;
  }
  problem = parser.problem;
  without_cell_ = parser.without_cell;
  if (parser.frame.source.path.empty()) {
    parser.frame.source.path = file_.path();
    parser.frame.source.index = index_;
  }
  ++index_;
  // Frames of a run follow each other and share their settings.
  auto& settings = parser.frame.source.settings;
  if (settings && last_settings_ && *settings == *last_settings_) settings = last_settings_;
  last_settings_ = settings;
  return std::move(parser.frame);
}

std::optional<Frame> ExtxyzReader::next() {
  std::string problem;
  auto frame = next(problem);
  if (frame && without_cell_)
    throw InputError("no Lattice in the comment line", file_.where(),
                     "Add Lattice=\"ax ay az bx by bz cx cy cz\"; a molecule needs a large box.");
  if (!problem.empty()) throw InputError(problem, file_.where(), "Remove this frame, or repeat its calculation.");
  return frame;
}

std::string ExtxyzReader::mapping() const {
  std::string text;
  for (const auto& [quantity, name] : mapping_)
    text += fmt::format("{}{}{}{}", text.empty() ? "" : ", ", quantity, name.empty() ? "" : " <- ", name);
  return text;
}

}  // namespace haven
