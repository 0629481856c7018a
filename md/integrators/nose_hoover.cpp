#include "md/integrators/nose_hoover.hpp"

#include <cmath>

#include "core/error.hpp"
#include "core/units.hpp"
#include "md/integrators/velocity_verlet.hpp"
#include "md/observables.hpp"

namespace haven {
namespace {

constexpr const char* variable_name = "nose_hoover.chain";

}  // namespace

double NoseHooverChain::propagate(double delta, double kt, double degrees, double kinetic) {
  auto& p = momenta_;
  const double q0 = mass(0, degrees), q = mass(1, degrees);
  const auto friction = [&](std::size_t k) { return std::exp(-0.25 * delta * p[k + 1] / q); };
  const auto force = [&](std::size_t k, double twice_kinetic) {
    return k == 0 ? twice_kinetic - degrees * kt : p[k - 1] * p[k - 1] / (k == 1 ? q0 : q) - kt;
  };
  const auto kick = [&](std::size_t k, double twice_kinetic) {
    const double f = friction(k);
    p[k] = (p[k] * f + 0.5 * delta * force(k, twice_kinetic)) * f;
  };
  p[2] += 0.5 * delta * force(2, 0);
  kick(1, 0);
  kick(0, 2 * kinetic);
  const double factor = std::exp(-delta * p[0] / q0);
  taken_ += delta * kt * (degrees * p[0] / q0 + p[1] / q + p[2] / q);
  kick(0, 2 * kinetic * factor * factor);
  kick(1, 0);
  p[2] += 0.5 * delta * force(2, 0);
  return factor;
}

void NoseHooverChain::propagate_half(Dynamics& dynamics, Communicator& group) {
  const double kt = units::boltzmann * dynamics.target_temperature;
  if (mass_kt_ == 0) mass_kt_ = kt;
  if (dynamics.degrees_of_freedom == 0 || !(mass_kt_ > 0)) return;
  const auto degrees = static_cast<double>(dynamics.degrees_of_freedom);
  double kinetic = kinetic_energy(dynamics.atoms, group), factor = 1;
  const double weight = 1 / (2 - std::cbrt(2.0));
  for (const double w : {weight, 1 - 2 * weight, weight}) {
    const double f = propagate(0.5 * w * dynamics.timestep, kt, degrees, kinetic);
    factor *= f;
    kinetic *= f * f;
  }
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

double NoseHooverChain::conserved(const Dynamics& dynamics, double kinetic, double potential) const {
  double energy = kinetic + potential + taken_;
  const auto degrees = static_cast<double>(dynamics.degrees_of_freedom);
  for (std::size_t k = 0; k < length; ++k)
    if (momenta_[k] != 0) energy += 0.5 * momenta_[k] * momenta_[k] / mass(k, degrees);
  return energy;
}

void NoseHooverChain::save(Variables& variables) const {
  variables[variable_name] = {mass_kt_, momenta_[0], momenta_[1], momenta_[2], taken_};
}

void NoseHooverChain::load(const Variables& variables) {
  const auto found = variables.find(variable_name);
  if (found == variables.end() || found->second.size() != length + 2)
    throw InputError("the checkpoint lacks the thermostat variable nose_hoover.chain", "checkpoint",
                     "It was written by a run with another thermostat: start the run anew.");
  const std::vector<double>& v = found->second;
  mass_kt_ = v[0];
  momenta_ = {v[1], v[2], v[3]};
  taken_ = v[4];
}

}  // namespace haven
