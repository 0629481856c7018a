#pragma once
#include <memory>
#include <vector>

#include "potentials/program/dual.hpp"
#include "support/every_potential.hpp"

namespace haven::testing {

/// A direction in which atoms and cell move: x(t) = x + t (v + x strain).
struct Motion {
  std::vector<Vec3> velocities;
  Mat3 strain{};
};

/// Energies of a potential written out literally on dual numbers: their tangents are derivatives without step size or
/// truncation error. Pair terms are the published formulas; models go through the literal evaluator, whose radial
/// functions have their own test.
class ExactEnergies {
 public:
  ExactEnergies(const PotentialCase& potential, reference::RadialSource radial);
  /// Energy of every atom and its derivative along `motion`, eV.
  [[nodiscard]] std::vector<Dual> along(const Structure& structure, const Motion& motion) const;
  /// Derivative of the total energy along `motion`.
  [[nodiscard]] double slope(const Structure& structure, const Motion& motion) const;

 private:
  using Neighbours = std::vector<reference::Neighbour<Dual>>;
  [[nodiscard]] Dual pair_energy(int species, const Neighbours& neighbours) const;
  [[nodiscard]] Dual model_energy(int species, const Neighbours& neighbours) const;

  PotentialCase potential_;
  double cutoff_ = 0;
  Model model_;
  Descriptor descriptor_;
  Program program_;
  std::unique_ptr<reference::TableRadial> tables_;
};

}  // namespace haven::testing
