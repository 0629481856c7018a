#include "md/observables.hpp"

#include <algorithm>
#include <array>

#include "core/units.hpp"
#include "md/integrators/strain.hpp"

namespace haven {

Index degrees_of_freedom(Index atoms, Index frozen) {
  return frozen > 0 ? 3 * (atoms - frozen) : std::max<Index>(0, 3 * atoms - 3);
}

double temperature_of(double kinetic, Index degrees_of_freedom) {
  if (degrees_of_freedom == 0) return 0;
  return 2.0 * kinetic / (static_cast<double>(degrees_of_freedom) * units::boltzmann);
}

FixedSum local_kinetic_energy(const AtomStore& atoms) {
  FixedSum sum;
  for (std::size_t i = 0; i < static_cast<std::size_t>(atoms.n_owned); ++i)
    sum.add(0.5 * units::kinetic_to_ev * atoms.masses[i] * norm2(atoms.velocities[i]));
  return sum;
}

double kinetic_energy(const AtomStore& atoms, Communicator& group) {
  FixedSum sum = local_kinetic_energy(atoms);
  group.all_reduce_sum(std::span<FixedSum>(&sum, 1));
  return sum.value();
}

Mat3 kinetic_tensor(const AtomStore& atoms, Communicator& group) {
  std::array<FixedSum, 6> sums;
  for (std::size_t i = 0; i < static_cast<std::size_t>(atoms.n_owned); ++i) {
    const Vec3 &v = atoms.velocities[i], p = (0.5 * units::kinetic_to_ev * atoms.masses[i]) * v;
    sums[0].add(p.x * v.x), sums[1].add(p.y * v.y), sums[2].add(p.z * v.z);
    sums[3].add(p.x * v.y), sums[4].add(p.x * v.z), sums[5].add(p.y * v.z);
  }
  group.all_reduce_sum(sums);
  const double xy = sums[3].value(), xz = sums[4].value(), yz = sums[5].value();
  return {{{{sums[0].value(), xy, xz}, {xy, sums[1].value(), yz}, {xz, yz, sums[2].value()}}}};
}

Mat3 total_virial(const Dynamics& dynamics, Communicator& group) {
  FixedTensor virial = dynamics.result.virial;
  group.all_reduce_sum(std::span<FixedSum>(virial.element, 9));
  return symmetric_part(virial.value());
}

double pressure_gpa(double kinetic, const Mat3& virial, double volume) {
  const double trace = virial[0].x + virial[1].y + virial[2].z;
  return (2.0 * kinetic + trace) / (3.0 * volume) * units::ev_per_a3_in_gpa;
}

Thermodynamics measure(const Dynamics& dynamics, Communicator& group) {
  std::array<FixedSum, 11> sums;
  sums[0] = local_kinetic_energy(dynamics.atoms);
  sums[1] = dynamics.result.energy;
  std::copy_n(dynamics.result.virial.element, 9, sums.begin() + 2);
  group.all_reduce_sum(sums);
  FixedTensor virial;
  std::copy_n(sums.begin() + 2, 9, virial.element);
  const double kinetic = sums[0].value();
  return {.kinetic = kinetic,
          .potential = sums[1].value(),
          .temperature = temperature_of(kinetic, dynamics.degrees_of_freedom),
          .pressure = pressure_gpa(kinetic, virial.value(), dynamics.cell.volume()),
          .extrapolating = sum_over_ranks(group, dynamics.result.extrapolating)};
}

double mean_squared_displacement(const Dynamics& dynamics, const AtomTable& table, std::span<const char> flags,
                                 Communicator& group) {
  const AtomStore& atoms = dynamics.atoms;
  const bool same = dynamics.cell == table.reference_cell;
  const Mat3 deformation = table.reference_cell.inverse_vectors() * dynamics.cell.vectors();
  std::array<FixedSum, 5> sums;  // displacement x, y, z; its square; count
  for (std::size_t i = 0; i < static_cast<std::size_t>(atoms.n_owned); ++i) {
    const auto id = static_cast<std::size_t>(atoms.ids[i]);
    if (flags[id] == 0) continue;
    const Vec3 d = atoms.positions[i] - (same ? table.reference[id] : table.reference[id] * deformation);
    for (int k = 0; k < 3; ++k) sums[static_cast<std::size_t>(k)].add(d[k]);
    sums[3].add(norm2(d));
    sums[4].add(1);
  }
  group.all_reduce_sum(sums);
  const double count = sums[4].value();
  if (count == 0) return 0;
  const Vec3 drift = (1.0 / count) * Vec3{sums[0].value(), sums[1].value(), sums[2].value()};
  return sums[3].value() / count - norm2(drift);
}

}  // namespace haven
