#include "md/integrators/langevin.hpp"

#include <array>
#include <cmath>

#include "core/error.hpp"
#include "core/rng.hpp"
#include "core/units.hpp"
#include "md/integrators/velocity_verlet.hpp"

namespace haven {
namespace {

constexpr const char* received_name = "langevin.exchanged_energy";

Vec3 normal_vector(std::uint64_t seed, std::uint64_t step, AtomId id) {
  const auto index = 2 * static_cast<std::uint32_t>(id);
  const auto xy = random_normal(seed, Stream::langevin, step, index);
  return {xy[0], xy[1], random_normal(seed, Stream::langevin, step, index + 1)[0]};
}

}  // namespace

void Langevin::exchange_heat(Dynamics& dynamics, Communicator& group) {
  AtomStore& atoms = dynamics.atoms;
  const double decay = std::exp(-dynamics.timestep / tau_);
  const double kt = units::boltzmann * dynamics.target_temperature * units::force_to_acceleration;  // amu A^2/fs^2
  std::array<FixedSum, 6> sums;  // momentum, twice the gain of kinetic energy, mass, free atoms
  for (std::size_t i = 0; i < static_cast<std::size_t>(atoms.n_owned); ++i) {
    if (atoms.acceleration[i] == 0) continue;  // frozen
    const double mass = atoms.masses[i];
    Vec3& v = atoms.velocities[i];
    const double before = norm2(v);
    v = decay * v + std::sqrt((1 - decay * decay) * kt / mass) *
                        normal_vector(dynamics.seed, static_cast<std::uint64_t>(dynamics.step), atoms.ids[i]);
    for (int k = 0; k < 3; ++k) sums[static_cast<std::size_t>(k)].add(mass * v[k]);
    sums[3].add(units::kinetic_to_ev * mass * (norm2(v) - before));
    sums[4].add(mass);
    sums[5].add(1);
  }
  group.all_reduce_sum(sums);
  double gain = 0.5 * sums[3].value();
  const bool rests = dynamics.degrees_of_freedom < 3 * static_cast<Index>(sums[5].value());
  if (rests) {
    const Vec3 momentum{sums[0].value(), sums[1].value(), sums[2].value()};
    const Vec3 drift = (1.0 / sums[4].value()) * momentum;
    gain -= 0.5 * units::kinetic_to_ev * dot(momentum, drift);
    for (std::size_t i = 0; i < static_cast<std::size_t>(atoms.n_owned); ++i) atoms.velocities[i] -= drift;
  }
  received_ += gain;
}

void Langevin::before_forces(Dynamics& dynamics, Communicator& group) {
  half_kick(dynamics);
  if (dynamics.degrees_of_freedom == 0 || std::isinf(tau_)) {  // velocity Verlet to the bit
    drift(dynamics);
    return;
  }
  drift(dynamics, 0.5);
  exchange_heat(dynamics, group);
  drift(dynamics, 0.5);
}

void Langevin::after_forces(Dynamics& dynamics, Communicator&) { half_kick(dynamics); }

void Langevin::save(Variables& variables) const { variables[received_name] = {received_}; }

void Langevin::load(const Variables& variables) {
  const auto found = variables.find(received_name);
  if (found == variables.end() || found->second.size() != 1)
    throw InputError("the checkpoint lacks the thermostat variable langevin.exchanged_energy", "checkpoint",
                     "It was written by a run with another thermostat: start the run anew.");
  received_ = found->second[0];
}

}  // namespace haven
