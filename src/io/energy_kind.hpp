#pragma once

namespace haven {

/// Which energy of a calculation with electronic smearing is wanted.
enum class EnergyKind {
  free,    ///< the free energy: the one whose derivative the forces are
  sigma0,  ///< extrapolated to zero smearing
};

}  // namespace haven
