#pragma once
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "potentials/model.hpp"
#include "potentials/pair/lennard_jones.hpp"
#include "potentials/potential.hpp"
#include "potentials/program/drivers/cpu_scalar.hpp"
#include "support/structures.hpp"

namespace haven::testing {

/// One potential that every test of the suite runs on, as the shipped double-precision evaluator.
struct PotentialCase {
  std::string name;
  std::vector<int> elements;
  std::function<std::unique_ptr<Potential>()> make;
  std::function<Model()> model{};                      ///< none for closed-form potentials
  std::optional<LennardJonesOptions> lennard_jones{};  ///< absent for models
  double wall_range = 0;                               ///< A; below it there is a repulsive wall
  /// eV/A^2: how much the slope of a force may jump where a radial function ends. The cosine window of NEP and aenet
  /// ends with a curvature of pi^2/(2 r_c^2), 0.2 to 0.4 of the function per A^2; all others end without.
  double kink = 0;
};
inline void PrintTo(const PotentialCase& c, std::ostream* out) { *out << c.name; }

/// Lennard-Jones and random-weight models of every registered kind; of those that are trained with one and with four
/// elements, with and without the repulsive wall.
[[nodiscard]] const std::vector<PotentialCase>& every_potential();
/// Those of its models that GPUs evaluate: the ones without explicit triplets.
[[nodiscard]] std::vector<PotentialCase> potentials_of_gpus();
/// A made-up structure for a case: triclinic, all its elements.
[[nodiscard]] Structure structure_for(const PotentialCase& c, std::uint64_t seed, int atoms = 16);

/// Those with explicit triplets, and one model of nothing else, which takes minutes in small cells.
[[nodiscard]] std::vector<PotentialCase> potentials_with_third_sides();
/// True when the centre of a triplet feels how far its two neighbours are apart.
[[nodiscard]] bool has_third_sides(const PotentialCase& c);

/// Where a potential changes its form, and how much the slope of a force may jump there.
struct FormChange {
  double radius = 0;     ///< A
  double kink = 0;       ///< eV/A^2
  double bound = 1e-10;  ///< of second differences over steps of 1e-6 A, beside the kink
};

/// The cut-off of an evaluator of the case, the ends of all radial functions, and those of switches.
[[nodiscard]] std::vector<FormChange> form_changes(const PotentialCase& c, double cutoff);

/// One way to evaluate a potential.
struct Evaluator {
  std::string name;
  std::unique_ptr<Potential> potential;
  /// Where its radial functions come from: what an exact derivative has to be taken of.
  reference::RadialSource radial = reference::RadialSource::closed_form;
};
/// Every double-precision evaluator of a case on this machine: the scalar reference and the vectorised driver with each
/// instruction set; a closed-form potential has one.
[[nodiscard]] std::vector<Evaluator> double_evaluators(const PotentialCase& c);
/// The vectorised driver in mixed precision with each instruction set; none for a closed-form potential.
[[nodiscard]] std::vector<Evaluator> mixed_evaluators(const PotentialCase& c);

/// Seeds of all random choices: fixed in advance, and all of them have to pass.
inline constexpr std::uint64_t all_seeds[] = {1, 2, 3};

}  // namespace haven::testing
