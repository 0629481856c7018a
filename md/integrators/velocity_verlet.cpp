#include "md/integrators/velocity_verlet.hpp"

namespace haven {
namespace {

void half_kick(Dynamics& dynamics) {
  AtomStore& atoms = dynamics.atoms;
  const double half = 0.5 * dynamics.timestep;
  for (std::size_t i = 0; i < static_cast<std::size_t>(atoms.n_owned); ++i)
    atoms.velocities[i] += (half * atoms.acceleration[i]) * from_fixed(atoms.forces[i]);
}

}  // namespace

void VelocityVerlet::before_forces(Dynamics& dynamics, Communicator&) {
  half_kick(dynamics);
  AtomStore& atoms = dynamics.atoms;
  for (std::size_t i = 0; i < static_cast<std::size_t>(atoms.n_owned); ++i)
    atoms.positions[i] += dynamics.timestep * atoms.velocities[i];
}

void VelocityVerlet::after_forces(Dynamics& dynamics, Communicator&) { half_kick(dynamics); }

}  // namespace haven
