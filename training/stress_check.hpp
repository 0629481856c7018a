#pragma once
#include <span>

#include "core/structure.hpp"

namespace haven::training {

/// Whether the stresses of a data set are the derivative of its energies, from pairs of strained copies of a structure:
/// E_b - E_a = V sigma : strain - F . displacement along the way, with the mean of both ends (the trapezoidal rule,
/// exact to second order).
struct StressCheck {
  Index pairs = 0;      ///< compared
  double mismatch = 0;  ///< stress along the strains that the energies lack, root mean square, eV/A^3
  double offset = 0;    ///< part of it that is one pressure for all: derivative of the energies - stress labels, eV/A^3

  /// Enough pairs to say anything.
  [[nodiscard]] bool decided() const { return pairs >= 6; }
  /// No potential can follow both: Pulay stress of a small basis is of this size, noise of converged calculations is
  /// far below.
  [[nodiscard]] bool contradictory() const;
};

/// Compares frames with energy, forces and stress that hold the same atoms in the same order,
/// no atom displaced by more than 0.02 A against the strained other frame, strains from 1e-4 to 0.03. Of a composition
/// with more than 3000 frames, 3000 evenly spaced ones are looked at.
[[nodiscard]] StressCheck check_stresses(std::span<const Frame> frames, std::span<const int> which);

}  // namespace haven::training
