#include "io/cif.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>

#include "core/error.hpp"
#include "core/species.hpp"
#include "io/cif_tokens.hpp"
#include "io/cursor.hpp"
#include "io/import_checks.hpp"
#include "io/text_file.hpp"

namespace haven {
namespace {

constexpr double same_site = 0.05;   // A; no two atoms of a crystal are nearer
constexpr double overlap = 0.3;      // A; two sites nearer than this are one atom described twice
constexpr double full = 1.0 - 1e-3;  // occupancy that counts as one
constexpr std::size_t most_atoms = 1'000'000;
constexpr const char* order_remedy =
    "Make an ordered structure of it: choose which sites are filled (supercell program, pymatgen's "
    "OrderDisorderedStructureTransformation, or by hand) and write it as POSCAR or as a CIF with occupancy 1.";

/// x' = x * rotation + translation in fractional coordinates.
struct Operation {
  Mat3 rotation{};  ///< row k: what coordinate k of x adds to x'
  Vec3 translation;
};

class Reader {
 public:
  Reader(const CifBlock& block, const std::string& name) : block_(block), name_(name) {}

  Structure read() {
    read_cell();
    read_operations();
    read_sites();
    refuse_partial();
    for (std::size_t k = 0; k < sites_.size(); ++k) add_orbit(k);
    if (structure_.numbers.empty()) fail("there are no atoms", 0, "Check the atom sites.");
    compare_formula();
    if (const auto pair = closest_pair_below(structure_, overlap))
      fail(fmt::format("the sites {} and {} lie {:.3f} A apart: one atom described twice, or split positions",
                       site_of(pair->a), site_of(pair->b), pair->distance),
           0, order_remedy);
    return std::move(structure_);
  }

 private:
  struct Site {
    std::string label;
    int number = 0;
    Vec3 fractional;
    double occupancy = 1;
    Index line = 0;
  };
  [[noreturn]] void fail(const std::string& what, Index line, const std::string& remedy) const {
    throw InputError(what, line > 0 ? fmt::format("{}:{}", name_, line) : name_, remedy);
  }
  const std::string& site_of(Index atom) const { return sites_[origin_[static_cast<std::size_t>(atom)]].label; }
  double number(const CifValue& value, std::string_view what) const;
  double item(std::string_view tag, std::string_view what) const;
  void read_cell();
  void read_operations();
  void require_p1() const;
  Operation operation(const CifValue& value) const;
  bool add_term(std::string_view& text, Operation& operation, int row) const;
  void read_sites();
  void refuse_partial() const;
  int element(const CifValue& symbol) const;
  void add_orbit(std::size_t site);
  void compare_formula() const;

  const CifBlock& block_;
  const std::string& name_;
  std::vector<Operation> operations_;
  std::vector<Site> sites_;
  std::vector<std::size_t> origin_;  // site of each atom
  Structure structure_;
};

/// A number with its uncertainty: "5.431(2)".
double Reader::number(const CifValue& value, std::string_view what) const {
  std::string_view text = value.text;
  if (const std::size_t bracket = text.find('('); bracket != text.npos && text.ends_with(')'))
    text = text.substr(0, bracket);
  const auto found = value.absent ? std::nullopt : parse_real(text);
  if (!found)
    fail(fmt::format("{} is '{}', not a number", what, value.text.substr(0, 40)), value.line, "Correct this value.");
  return *found;
}

double Reader::item(std::string_view tag, std::string_view what) const {
  const auto* values = block_.find({tag});
  if (values == nullptr || values->empty()) fail(fmt::format("{} ({}) is missing", what, tag), 0, "Complete the file.");
  return number(values->front(), what);
}

void Reader::read_cell() {
  const double a = item("_cell_length_a", "the length a"), b = item("_cell_length_b", "the length b"),
               c = item("_cell_length_c", "the length c");
  const auto angle = [&](std::string_view tag, std::string_view what) {
    const double degrees = item(tag, what);
    if (!(degrees > 0 && degrees < 180)) fail(fmt::format("{} is {} degrees", what, degrees), 0, "Correct the cell.");
    // cos(90 degrees) must be exactly 0.
    return degrees == 90 ? 0.0 : std::cos(degrees * std::numbers::pi / 180);
  };
  const double alpha = angle("_cell_angle_alpha", "the angle alpha"),
               beta = angle("_cell_angle_beta", "the angle beta"),
               gamma = angle("_cell_angle_gamma", "the angle gamma");
  if (!(a > 0 && b > 0 && c > 0)) fail("a cell length is not positive", 0, "Correct the cell.");
  const double sine = std::sqrt(1 - gamma * gamma);
  const double cy = (alpha - beta * gamma) / sine, cz2 = 1 - beta * beta - cy * cy;
  if (!(cz2 > 0)) fail("these angles form no cell", 0, "Correct the cell angles.");
  const Mat3 vectors{{{{a, 0, 0}, {b * gamma, b * sine, 0}, {c * beta, c * cy, c * std::sqrt(cz2)}}}};
  try {
    structure_.cell = Cell(vectors);
  } catch (const InputError& error) {
    fail(error.summary(), 0, error.remedy());
  }
}

void Reader::read_operations() {
  const auto* listed = block_.find({"_space_group_symop_operation_xyz", "_symmetry_equiv_pos_as_xyz"});
  if (listed == nullptr || listed->empty()) {
    require_p1();
    operations_.push_back({Mat3::identity(), {}});
    return;
  }
  for (const CifValue& value : *listed) operations_.push_back(operation(value));
}

/// Without operations only P 1 is unambiguous: a name leaves the choice of origin and axes open.
void Reader::require_p1() const {
  const auto stated = [&](std::initializer_list<std::string_view> tags) {
    const auto* values = block_.find(tags);
    return values != nullptr && !values->empty() && !values->front().absent ? std::string(trimmed(values->front().text))
                                                                            : std::string();
  };
  std::string symbol = stated({"_space_group_name_h-m_alt", "_symmetry_space_group_name_h-m"});
  std::erase(symbol, ' ');
  const std::string table = stated({"_space_group_it_number", "_symmetry_int_tables_number"});
  const bool p1 = (symbol.empty() || symbol == "P1") && (table.empty() || table == "1");
  if (!p1)
    fail(fmt::format("the space group {} is named but its symmetry operations are not listed",
                     symbol.empty() ? table : symbol),
         0, "Write the CIF with its operations (_space_group_symop_operation_xyz), or expand it to P 1.");
}

/// One term, e.g. "-x", "+1/2", "0.5", "2*x", of a coordinate; false at its end.
bool Reader::add_term(std::string_view& text, Operation& operation, int row) const {
  text = trimmed(text);
  if (text.empty()) return false;
  double sign = 1;
  if (text[0] == '+' || text[0] == '-') {
    sign = text[0] == '-' ? -1 : 1;
    text = trimmed(text.substr(1));
  }
  std::size_t length = 0;
  while (length < text.size() && ((text[length] >= '0' && text[length] <= '9') || text[length] == '.')) ++length;
  double value = 1;
  if (length > 0) {
    const auto found = parse_real(text.substr(0, length));
    if (!found) return text = "?", false;
    value = *found;
    text = trimmed(text.substr(length));
    if (text.starts_with('/')) {
      std::size_t digits = 1;
      while (digits < text.size() && text[digits] >= '0' && text[digits] <= '9') ++digits;
      const auto divisor = parse_real(text.substr(1, digits - 1));
      if (!divisor || *divisor == 0) return text = "?", false;
      value /= *divisor;
      text = trimmed(text.substr(digits));
    }
    if (text.starts_with('*')) text = trimmed(text.substr(1));
  }
  const char axis = text.empty() ? '\0' : static_cast<char>(text[0] | 0x20);
  if (axis >= 'x' && axis <= 'z') {
    operation.rotation[axis - 'x'][row] += sign * value;
    text.remove_prefix(1);
  } else if (length > 0) {
    operation.translation[row] += sign * value;
  } else {
    return text = "?", false;
  }
  return true;
}

Operation Reader::operation(const CifValue& value) const {
  Operation operation;
  std::string_view rest = value.text;
  for (int row = 0; row < 3; ++row) {
    const std::size_t comma = rest.find(',');
    std::string_view part = rest.substr(0, comma);
    const bool last = row == 2;
    if (trimmed(part).empty() || last != (comma == rest.npos)) part = "?";
    while (add_term(part, operation, row)) {
    }
    if (!part.empty())
      fail(fmt::format("'{}' is no symmetry operation", value.text.substr(0, 60)), value.line,
           "Write operations such as -x+1/2,y,-z.");
    rest = comma == rest.npos ? std::string_view() : rest.substr(comma + 1);
  }
  if (std::abs(std::abs(determinant(operation.rotation)) - 1) > 1e-9)
    fail(fmt::format("'{}' is no symmetry operation (its determinant is not 1 or -1)", value.text.substr(0, 60)),
         value.line, "Correct the operation.");
  return operation;
}

/// "Li1+", "O2-", "Fe3" and labels such as "LI1" or "O1A".
int Reader::element(const CifValue& symbol) const {
  std::string letters;
  for (const char c : symbol.text) {
    if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'))) break;
    letters += c;
  }
  for (const std::size_t length : {std::size_t{2}, std::size_t{1}}) {
    if (letters.size() < length) continue;
    std::string name = letters.substr(0, length);
    name[0] = static_cast<char>(name[0] & ~0x20);
    if (length == 2) name[1] = static_cast<char>(name[1] | 0x20);
    if (name == "D") return 1;
    if (const int number = atomic_number(name); number != 0) return number;
  }
  fail(fmt::format("'{}' is no element", symbol.text.substr(0, 40)), symbol.line,
       "Give _atom_site_type_symbol for each site.");
}

void Reader::read_sites() {
  const auto* labels = block_.find({"_atom_site_label"});
  const auto* symbols = block_.find({"_atom_site_type_symbol"});
  const auto* occupancies = block_.find({"_atom_site_occupancy"});
  const auto* groups = block_.find({"_atom_site_disorder_group"});
  const auto* flags = block_.find({"_atom_site_calc_flag"});
  const std::vector<CifValue>* axes[3] = {block_.find({"_atom_site_fract_x"}), block_.find({"_atom_site_fract_y"}),
                                          block_.find({"_atom_site_fract_z"})};
  if (symbols == nullptr) symbols = labels;
  if (labels == nullptr) labels = symbols;
  if (symbols == nullptr || axes[0] == nullptr || axes[1] == nullptr || axes[2] == nullptr)
    fail("no atom sites with fractional coordinates (_atom_site_fract_x ...)", 0, "Complete the file.");
  const std::size_t count = symbols->size();
  for (const auto* column : {labels, occupancies, groups, flags, axes[0], axes[1], axes[2]})
    if (column != nullptr && column->size() != count)
      fail("the columns of the atom sites differ in length", 0, "Put them into one loop.");
  if (count * operations_.size() > most_atoms) fail("more than a million atoms", 0, "Check the file.");
  for (std::size_t k = 0; k < count; ++k) {
    if (flags != nullptr && (*flags)[k].text == "dum") continue;  // a point that marks no atom
    Site site{
        .label = (*labels)[k].text, .number = element((*symbols)[k]), .fractional = {}, .line = (*labels)[k].line};
    for (int axis = 0; axis < 3; ++axis)
      site.fractional[axis] = number((*axes[axis])[k], fmt::format("a coordinate of site {}", site.label));
    if (occupancies != nullptr && !(*occupancies)[k].absent)
      site.occupancy = number((*occupancies)[k], fmt::format("the occupancy of site {}", site.label));
    // A disorder group without an occupancy still means an alternative.
    if (groups != nullptr && !(*groups)[k].absent && (*groups)[k].text != "0" && site.occupancy > full)
      site.occupancy = std::nextafter(full, 0.0);
    sites_.push_back(std::move(site));
  }
}

void Reader::refuse_partial() const {
  std::string names;
  Index line = 0, count = 0;
  for (const Site& site : sites_) {
    if (site.occupancy > full && site.occupancy < 2 - full) continue;
    if (++count == 1) line = site.line;
    if (count <= 10) names += fmt::format("{}{} ({:.4g})", count == 1 ? "" : ", ", site.label, site.occupancy);
  }
  if (count == 0) return;
  if (count > 10) names += fmt::format(" and {} more", count - 10);
  fail(fmt::format("sites with partial occupancy or disorder: {}", names), line, order_remedy);
}

void Reader::add_orbit(std::size_t index) {
  const Site& site = sites_[index];
  const Cell& cell = structure_.cell;
  const std::size_t first = structure_.positions.size();
  std::vector<Vec3> found;
  for (const Operation& operation : operations_) {
    Vec3 f = site.fractional * operation.rotation + operation.translation;
    for (int k = 0; k < 3; ++k) {
      f[k] -= std::floor(f[k]);
      if (f[k] >= 1) f[k] = 0;
    }
    const bool known = std::any_of(found.begin(), found.end(), [&](const Vec3& other) {
      Vec3 d = f - other;
      for (int k = 0; k < 3; ++k) d[k] -= std::round(d[k]);
      return norm(cell.to_cartesian(d)) < same_site;
    });
    if (!known) found.push_back(f);
  }
  for (const Vec3& f : found) {
    structure_.numbers.push_back(site.number);
    structure_.positions.push_back(cell.to_cartesian(f));
  }
  origin_.insert(origin_.end(), structure_.positions.size() - first, index);
}

/// The shares of the elements against _chemical_formula_sum ("Li3 P S4"): sites may be missing, hydrogen often is.
void Reader::compare_formula() const {
  const auto* stated = block_.find({"_chemical_formula_sum"});
  if (stated == nullptr || stated->empty() || stated->front().absent) return;
  std::map<int, double> formula, sites;
  double sum = 0;
  Cursor cursor(stated->front().text);
  for (auto word = cursor.word(); !word.empty(); word = cursor.word()) {
    const std::size_t letters = std::min(word.find_first_of("0123456789."), word.size());
    int number = atomic_number(word.substr(0, letters));
    if (word.substr(0, letters) == "D") number = 1;
    const auto count = letters == word.size() ? std::optional(1.0) : parse_real(word.substr(letters));
    if (number == 0 || !count || *count <= 0) return;  // a formula in words proves nothing
    formula[number] += *count;
    sum += *count;
  }
  if (formula.empty()) return;
  for (const int number : structure_.numbers) sites[number] += 1.0 / static_cast<double>(structure_.numbers.size());
  constexpr double tolerance = 0.01;
  bool equal = true;
  for (const auto& [number, count] : formula) equal = equal && std::abs(sites[number] - count / sum) < tolerance;
  for (const auto& [number, share] : sites) equal = equal && (share < tolerance || formula.contains(number));
  if (!equal)
    fail(fmt::format("the sites make {}, but the formula is stated as '{}': atoms are missing or too many",
                     composition(structure_), stated->front().text.substr(0, 60)),
         stated->front().line, "Complete the atom sites (hydrogen is often left out), or correct the formula.");
}

}  // namespace

Structure parse_cif(std::string_view text, const std::string& name) {
  const std::vector<CifBlock> blocks = parse_cif_blocks(text, name);
  const CifBlock* chosen = nullptr;
  for (const CifBlock& block : blocks) {
    if (block.find({"_atom_site_fract_x", "_atom_site_label"}) == nullptr) continue;
    if (chosen != nullptr)
      throw InputError(fmt::format("two structures in one CIF: {} and {}", chosen->name, block.name), name,
                       "Write each structure to a file of its own.");
    chosen = &block;
  }
  if (chosen == nullptr) throw InputError("no atom sites in this CIF", name, "Check that the file is complete.");
  return Reader(*chosen, name).read();
}

Structure read_cif(const std::string& path) { return parse_cif(read_text(path), path); }

}  // namespace haven
