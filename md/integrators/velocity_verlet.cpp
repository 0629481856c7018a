#include "md/integrators/velocity_verlet.hpp"

namespace haven {

void half_kick(Dynamics& dynamics) {
  AtomStore& atoms = dynamics.atoms;
  const double half = 0.5 * dynamics.timestep;
  for (std::size_t i = 0; i < static_cast<std::size_t>(atoms.n_owned); ++i)
    atoms.velocities[i] += (half * atoms.acceleration[i]) * from_fixed(atoms.forces[i]);
}

void drift(Dynamics& dynamics, double fraction) {
  AtomStore& atoms = dynamics.atoms;
  const double time = fraction * dynamics.timestep;
  for (std::size_t i = 0; i < static_cast<std::size_t>(atoms.n_owned); ++i)
    atoms.positions[i] += time * atoms.velocities[i];
}

void VelocityVerlet::before_forces(Dynamics& dynamics, Communicator&) {
  half_kick(dynamics);
  drift(dynamics);
}

void VelocityVerlet::after_forces(Dynamics& dynamics, Communicator&) { half_kick(dynamics); }

}  // namespace haven
