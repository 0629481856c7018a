#include "md/integrators/thermostat_chain.hpp"

#include <cmath>

#include "core/error.hpp"

namespace haven {

double ThermostatChain::propagate(double delta, double kt, double degrees, double kinetic) {
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

double ThermostatChain::apply(double time, double kt, Index degrees, double kinetic) {
  if (mass_kt_ == 0) mass_kt_ = kt;
  if (degrees == 0 || !(mass_kt_ > 0)) return 1;
  const double weight = 1 / (2 - std::cbrt(2.0));
  double factor = 1;
  for (const double w : {weight, 1 - 2 * weight, weight}) {
    const double f = propagate(w * time, kt, static_cast<double>(degrees), kinetic);
    factor *= f;
    kinetic *= f * f;
  }
  return factor;
}

double ThermostatChain::energy(Index degrees) const {
  double energy = taken_;
  for (std::size_t k = 0; k < length; ++k)
    if (momenta_[k] != 0) energy += 0.5 * momenta_[k] * momenta_[k] / mass(k, static_cast<double>(degrees));
  return energy;
}

void ThermostatChain::restore(const std::vector<double>& state) {
  HAVEN_ASSERT(state.size() == state_size);
  mass_kt_ = state[0];
  momenta_ = {state[1], state[2], state[3]};
  taken_ = state[4];
}

}  // namespace haven
