#include "md/integrators/csvr.hpp"

#include <algorithm>
#include <cmath>

#include "core/error.hpp"
#include "core/rng.hpp"
#include "core/units.hpp"
#include "md/observables.hpp"

namespace haven {
namespace {

constexpr const char* received_name = "csvr.exchanged_energy";

// Sum of the squares of n independent standard normal numbers.
double chi_squared(RandomSequence& random, Index n) {
  if (n == 0) return 0;
  if (n == 1) return std::pow(random.normal(), 2);
  return 2.0 * random.gamma(0.5 * static_cast<double>(n));
}

}  // namespace

double csvr_factor(const CsvrDraw& draw, std::uint64_t seed, std::uint64_t step) {
  RandomSequence random(seed, Stream::csvr, step);
  const double r1 = random.normal();
  const double others = chi_squared(random, draw.degrees_of_freedom - 1);
  const double c = draw.decay;
  const double share = (1 - c) * draw.mean_kinetic / (static_cast<double>(draw.degrees_of_freedom) * draw.kinetic);
  const double square = c + share * (r1 * r1 + others) + 2 * r1 * std::sqrt(c * share);
  const double factor = std::sqrt(std::max(0.0, square));
  return std::sqrt(c) + r1 * std::sqrt(share) < 0 ? -factor : factor;
}

void Csvr::before_forces(Dynamics& dynamics, Communicator&) {
  half_kick(dynamics);
  drift(dynamics);
}

void Csvr::after_forces(Dynamics& dynamics, Communicator& group) {
  half_kick(dynamics);
  bath_.apply(dynamics, group);
}

void VelocityRescaling::apply(Dynamics& dynamics, Communicator& group) {
  const double kinetic = kinetic_energy(dynamics.atoms, group);
  // Atoms at rest cannot be rescaled; a kinetic energy that is not finite is the watchdog's.
  if (dynamics.degrees_of_freedom == 0 || !(kinetic > 0)) return;
  const double mean =
      0.5 * static_cast<double>(dynamics.degrees_of_freedom) * units::boltzmann * dynamics.target_temperature;
  const double factor = csvr_factor({.kinetic = kinetic,
                                     .mean_kinetic = mean,
                                     .decay = std::exp(-dynamics.timestep / tau_),
                                     .degrees_of_freedom = dynamics.degrees_of_freedom},
                                    dynamics.seed, static_cast<std::uint64_t>(dynamics.step));
  for (std::size_t i = 0; i < static_cast<std::size_t>(dynamics.atoms.n_owned); ++i)
    dynamics.atoms.velocities[i] *= factor;
  received_ += (factor * factor - 1) * kinetic;
}

void VelocityRescaling::save(Integrator::Variables& variables) const { variables[received_name] = {received_}; }

void VelocityRescaling::load(const Integrator::Variables& variables) {
  const auto found = variables.find(received_name);
  if (found == variables.end() || found->second.size() != 1)
    throw InputError("the checkpoint lacks the thermostat variable csvr.exchanged_energy", "checkpoint",
                     "It was written by a run with another thermostat: start the run anew.");
  received_ = found->second[0];
}

}  // namespace haven
