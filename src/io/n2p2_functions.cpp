#include "io/n2p2_functions.hpp"

#include <fmt/format.h>

#include <cmath>
#include <tuple>
#include <utility>

#include "core/error.hpp"

namespace haven {
namespace {

/// n2p2's name of a core as the number describe_n2p2() knows it by, 0 for an unknown one. Like n2p2, any name of up to
/// three letters that begins with e is the exponential.
int core_number(const std::string& name) {
  if (!name.empty() && name.size() <= 3 && name[0] == 'e') return 5;
  const bool polynomial = name.size() >= 2 && name.size() <= 3 && name[0] == 'p' && name[1] >= '1' && name[1] <= '4';
  if (!polynomial || (name.size() == 3 && name[2] != 'a')) return 0;
  return name[1] - '0' + (name.size() == 3 ? 10 : 0);
}

void read_compact(PotentialText& text, const std::function<int()>& element, SymmetryFunction& f) {
  const bool weighted = f.type >= 23, angular = f.type != 20 && f.type != 23;
  if (!weighted) f.first = element();
  if (f.type == 21 || f.type == 22) f.second = element();
  if (f.first > f.second && angular) std::swap(f.first, f.second);
  f.low = text.real("r_l");
  f.cutoff = text.real("r_c");
  if (angular) {
    f.left = text.real("the left angle");
    f.right = text.real("the right angle");
  }
  f.core = std::string(text.need_word("the kind of compact function"));
  if (core_number(f.core) == 0) text.refuse(fmt::format("\"{}\" is no compact function of n2p2", f.core.substr(0, 20)));
  if (!(f.low < f.cutoff)) text.refuse("r_l is not below r_c");
  const double middle = (f.left + f.right) / 2;
  // As n2p2: a window that 0 or 180 degrees cut off would not be smooth there unless that is its middle.
  if (angular && !(f.left < f.right && f.right - f.left <= 360 && (f.left >= 0 || middle == 0) &&
                   (f.right <= 180 || middle == 180)))
    text.refuse("the angles are no range within 0 to 180 degrees, nor one around 0 or 180");
}

void read_angular(PotentialText& text, const std::function<int()>& element, SymmetryFunction& f) {
  f.first = element();
  f.second = element();
  if (f.first > f.second) std::swap(f.first, f.second);
  f.eta = text.real("eta");
  f.lambda = text.real("lambda");
  f.zeta = text.real("zeta");
  f.cutoff = text.real("r_c");
  if (const std::string_view shift = text.word(); !shift.empty()) {
    const auto value = parse_real(shift);
    if (!value) text.refuse("the shift is no number");
    f.shift = *value;
  }
}

}  // namespace

bool comes_before(const SymmetryFunction& a, const SymmetryFunction& b) {
  if (a.type != b.type) return a.type < b.type;
  const auto compact = [](const SymmetryFunction& f) {
    return std::tie(f.core, f.first, f.second, f.cutoff, f.low, f.left, f.right);
  };
  const auto other = [](const SymmetryFunction& f) {
    return std::tie(f.cutoff, f.eta, f.shift, f.zeta, f.lambda, f.first, f.second);
  };
  return a.compact() ? compact(a) < compact(b) : other(a) < other(b);
}

SymmetryFunction read_symmetry_function(PotentialText& text, const std::function<int()>& element) {
  SymmetryFunction f;
  f.type = text.integer("the type of a symmetry function", 0, 999);
  switch (f.type) {
    case 2:
    case 12:
      if (f.type == 2) f.first = element();
      f.eta = text.real("eta");
      f.shift = text.real("r_s");
      f.cutoff = text.real("r_c");
      break;
    case 3:
    case 9:
      read_angular(text, element, f);
      break;
    case 13:
      f.eta = text.real("eta");
      f.shift = text.real("r_s");
      f.lambda = text.real("lambda");
      f.zeta = text.real("zeta");
      f.cutoff = text.real("r_c");
      break;
    default:
      if (f.type < 20 || f.type > 25)
        throw InputError(
            fmt::format("the potential has symmetry functions of type {}, which Haven does not evaluate", f.type),
            text.path(), "Haven evaluates types 2, 3, 9, 12, 13 and 20 to 25.");
      read_compact(text, element, f);
  }
  if (!(f.cutoff > 0) || !(f.eta >= 0) || !(std::abs(f.lambda) <= 1) || !(f.zeta >= 1 && f.zeta <= 1024))
    text.refuse("a parameter of the symmetry function is out of range");
  return f;
}

void add_function_tables(const std::vector<std::vector<SymmetryFunction>>& functions_of_centre, double length,
                         Model& model) {
  std::vector<double> plain, compact;
  for (std::size_t a = 0; a < functions_of_centre.size(); ++a)
    for (const SymmetryFunction& f : functions_of_centre[a]) {
      std::vector<double>& rows = f.compact() ? compact : plain;
      const auto add = [&](std::initializer_list<double> row) { rows.insert(rows.end(), row); };
      add({static_cast<double>(a), static_cast<double>(f.type), static_cast<double>(f.first),
           static_cast<double>(f.second)});
      if (f.compact())
        add({f.low * length, f.cutoff * length, f.left, f.right, static_cast<double>(core_number(f.core))});
      else
        add({f.eta / (length * length), f.shift * length, f.lambda, f.zeta, f.cutoff * length});
    }
  for (const auto& [name, rows] : {std::pair("functions", &plain), std::pair("compact_functions", &compact)})
    if (!rows->empty()) model.parameters[name] = {.shape = {static_cast<Index>(rows->size() / 9), 9}, .values = *rows};
}

}  // namespace haven
