#include "md/velocities.hpp"

#include <cmath>

#include "core/rng.hpp"
#include "core/units.hpp"
#include "md/observables.hpp"

namespace haven {

std::vector<Vec3> thermal_velocities(const AtomTable& table, double temperature, std::uint64_t seed) {
  std::vector<Vec3> velocities(table.numbers.size());
  const Index n_f = degrees_of_freedom(table.size(), table.frozen);
  if (temperature == 0 || n_f == 0) return velocities;
  for (std::size_t id = 0; id < velocities.size(); ++id) {
    const auto first = random_normal(seed, Stream::initial_velocity, id, 0);
    const auto second = random_normal(seed, Stream::initial_velocity, id, 1);
    const double width = std::sqrt(units::boltzmann * temperature * table.acceleration[id]);  // 0 for frozen atoms
    velocities[id] = width * Vec3{first[0], first[1], second[0]};
  }
  remove_drift(table, velocities);
  double kinetic = 0;
  for (std::size_t id = 0; id < velocities.size(); ++id)
    kinetic += 0.5 * units::kinetic_to_ev * table.masses[id] * norm2(velocities[id]);
  const double factor = std::sqrt(temperature / temperature_of(kinetic, n_f));
  for (Vec3& v : velocities) v *= factor;
  return velocities;
}

Vec3 remove_drift(const AtomTable& table, std::span<Vec3> velocities) {
  if (table.frozen > 0) return {};
  Vec3 momentum;
  double mass = 0;
  for (std::size_t id = 0; id < velocities.size(); ++id) {
    momentum += table.masses[id] * velocities[id];
    mass += table.masses[id];
  }
  const Vec3 drift = (1.0 / mass) * momentum;
  for (Vec3& v : velocities) v -= drift;
  return drift;
}

}  // namespace haven
