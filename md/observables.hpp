#pragma once
#include "core/communicator.hpp"
#include "md/dynamics.hpp"

namespace haven {

/// Degrees of freedom that carry kinetic energy: 3 per free atom, less 3 when nothing is frozen, because the total
/// momentum is zero from the start and conserved. 0 for a lone free atom.
[[nodiscard]] Index degrees_of_freedom(Index atoms, Index frozen);
/// Instantaneous temperature, K: 2 K / (N_f k_B); 0 without degrees of freedom.
[[nodiscard]] double temperature_of(double kinetic, Index degrees_of_freedom);
/// Kinetic energy of this rank's atoms, eV; order-independent.
[[nodiscard]] FixedSum local_kinetic_energy(const AtomStore& atoms);
/// Kinetic energy of the system, eV. Collective.
[[nodiscard]] double kinetic_energy(const AtomStore& atoms, Communicator& group);
/// Tensor of the kinetic energy, sum of m v (x) v / 2, eV. Collective.
[[nodiscard]] Mat3 kinetic_tensor(const AtomStore& atoms, Communicator& group);
/// Symmetric part of the virial of the whole system, eV; `dynamics.result` must hold it. Collective.
[[nodiscard]] Mat3 total_virial(const Dynamics& dynamics, Communicator& group);
/// (2 K + tr W) / (3 V) in GPa, W the virial of Evaluation: positive when the system pushes outwards.
[[nodiscard]] double pressure_gpa(double kinetic, const Mat3& virial, double volume);

/// Energies of the whole system at one step, the same on every rank.
struct Thermodynamics {
  double kinetic = 0, potential = 0;  ///< eV
  double temperature = 0;             ///< K
  double pressure = 0;                ///< GPa; needs the virial
  Index extrapolating = 0;
};
/// Collective; `dynamics.result` must hold the virial.
[[nodiscard]] Thermodynamics measure(const Dynamics& dynamics, Communicator& group);

/// Mean squared displacement (A^2) of the atoms with flags[id] != 0 from table.reference, which moves with the cell,
/// relative to their common drift. Collective; 0 without such atoms.
[[nodiscard]] double mean_squared_displacement(const Dynamics& dynamics, const AtomTable& table,
                                               std::span<const char> flags, Communicator& group);

}  // namespace haven
