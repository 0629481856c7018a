#pragma once
#include <functional>
#include <string>
#include <vector>

#include "io/potential_text.hpp"
#include "potentials/model.hpp"

namespace haven {

/// A symmetry function of n2p2 as its line in input.nn says it (manual, "symfunction_short"), in the file's units.
struct SymmetryFunction {
  int type = 0, first = 0, second = 0;
  double eta = 0, shift = 0, lambda = 1, zeta = 1, cutoff = 0;
  // The functions of compact support only: the lower end of the distances (which may be negative), angles in degrees.
  double low = 0, left = 0, right = 0;
  std::string core{};  ///< n2p2's name, such as "p2a"
  [[nodiscard]] bool compact() const { return type >= 20; }
};

/// The order of n2p2 within one centre (operator< of its SymFnc classes).
[[nodiscard]] bool comes_before(const SymmetryFunction& a, const SymmetryFunction& b);

/// Reads the rest of a symfunction_short line, behind the centre. `element` reads a word that has to be an element.
/// @throws InputError for an unknown type and parameters out of range
[[nodiscard]] SymmetryFunction read_symmetry_function(PotentialText& text, const std::function<int()>& element);

/// Adds the parameters "functions" and "compact_functions" of a model of kind "n2p2"; lengths are multiplied by
/// `length`.
void add_function_tables(const std::vector<std::vector<SymmetryFunction>>& functions_of_centre, double length,
                         Model& model);

}  // namespace haven
