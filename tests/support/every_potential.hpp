#pragma once
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "potentials/model.hpp"
#include "potentials/potential.hpp"
#include "support/structures.hpp"

namespace haven::testing {

/// One potential that every test of the suite runs on, as the shipped double-precision evaluator.
struct PotentialCase {
  std::string name;
  std::vector<int> elements;
  std::function<std::unique_ptr<Potential>()> make;
  std::optional<RandomModel> model;  ///< absent for closed-form potentials
};
inline void PrintTo(const PotentialCase& c, std::ostream* out) { *out << c.name; }

/// Lennard-Jones and random-weight models of every kind, with one and with four elements.
[[nodiscard]] const std::vector<PotentialCase>& every_potential();
/// A made-up structure for a case: triclinic, all its elements.
[[nodiscard]] Structure structure_for(const PotentialCase& c, std::uint64_t seed, int atoms = 16);

}  // namespace haven::testing
