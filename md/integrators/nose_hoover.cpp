#include "md/integrators/nose_hoover.hpp"

#include "core/units.hpp"
#include "md/integrators/velocity_verlet.hpp"
#include "md/observables.hpp"

namespace haven {
namespace {

constexpr const char* variable_name = "nose_hoover.chain";

}  // namespace

void NoseHooverChain::propagate_half(Dynamics& dynamics, Communicator& group) {
  const double kt = units::boltzmann * dynamics.target_temperature;
  const double factor =
      chain_.apply(0.5 * dynamics.timestep, kt, dynamics.degrees_of_freedom, kinetic_energy(dynamics.atoms, group));
  for (std::size_t i = 0; i < static_cast<std::size_t>(dynamics.atoms.n_owned); ++i)
    dynamics.atoms.velocities[i] *= factor;
}

void NoseHooverChain::before_forces(Dynamics& dynamics, Communicator& group) {
  propagate_half(dynamics, group);
  half_kick(dynamics);
  drift(dynamics);
}

void NoseHooverChain::after_forces(Dynamics& dynamics, Communicator& group) {
  half_kick(dynamics);
  propagate_half(dynamics, group);
}

void NoseHooverChain::save(Variables& variables) const { variables[variable_name] = chain_.state(); }

void NoseHooverChain::load(const Variables& variables) {
  chain_.restore(stored_variable(variables, variable_name, ThermostatChain::state_size));
}

}  // namespace haven
