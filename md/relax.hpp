#pragma once
#include <functional>
#include <string>

#include "core/structure.hpp"
#include "potentials/potential.hpp"

namespace haven {

/// What of the cell a minimisation changes: nothing, the volume, the lengths of its vectors, or lengths and angles.
enum class RelaxedCell { fixed, isotropic, anisotropic, triclinic };

/// L-BFGS needs fewer evaluations; FIRE asks less of the smoothness of the potential.
enum class RelaxMethod { lbfgs, fire };

struct RelaxOptions {
  RelaxMethod method = RelaxMethod::lbfgs;
  RelaxedCell cell = RelaxedCell::triclinic;
  double pressure = 0;                           ///< eV/A^3, external
  double force_tolerance = 0.005;                ///< eV/A, largest force on an atom
  double stress_tolerance = 0.05 / 160.2176634;  ///< eV/A^3, largest component of what should vanish (0.05 GPa)
  Index max_steps = 2000;                        ///< evaluations
};

/// One evaluation on the way.
struct RelaxStep {
  Index step = 0;
  double energy = 0, enthalpy = 0;  ///< eV; enthalpy = energy + P V
  double max_force = 0;             ///< eV/A
  double max_stress = 0;            ///< eV/A^3: of internal pressure less P, in the directions that may change
  double volume = 0;                ///< A^3
};

struct RelaxResult {
  Structure structure;
  RelaxStep first, last;
  bool converged = false;
};

/// Minimises the enthalpy over positions and cell.
/// @param report  called after every step
/// @throws NumericalError when the structure leaves what can be evaluated; ModelError for unknown elements
[[nodiscard]] RelaxResult relax(const Potential& potential, const Structure& structure, const RelaxOptions& options,
                                const std::function<void(const RelaxStep&)>& report = {});

}  // namespace haven
