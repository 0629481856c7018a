#include "support/exact_energies.hpp"

#include <array>
#include <cmath>
#include <numbers>
#include <numeric>

#include "potentials/structure_evaluation.hpp"

namespace haven::testing {
namespace {

Dual power(Dual x, int n) {
  Dual result(1.0);
  for (int k = 0; k < n; ++k) result = result * x;
  return result;
}

/// 1 - 10 x^3 + 15 x^4 - 6 x^5 between `start` and `end`.
Dual switched(Dual r, double start, double end) {
  if (r.value <= start) return 1.0;
  if (r.value >= end) return 0.0;
  const Dual x = (r - start) / Dual(end - start);
  return Dual(1.0) - Dual(10.0) * power(x, 3) + Dual(15.0) * power(x, 4) - Dual(6.0) * power(x, 5);
}

Dual lennard_jones(const LennardJonesPair& pair, Dual r) {
  const Dual s = Dual(pair.sigma) / r;
  return Dual(4 * pair.epsilon) * (power(s, 12) - power(s, 6));
}

/// Ziegler, Biersack & Littmark (1985): Z Z' e^2/r times the universal screening function of r / 0.8854 a_0 (Z^0.23 +
/// Z'^0.23)^-1, with 0.8854 a_0 = 0.46850 A and e^2 = 14.399645478 eV A.
Dual screened_repulsion(int z, int z_other, Dual r) {
  constexpr std::array<double, 4> amplitude{0.18175, 0.50986, 0.28022, 0.02817},
      decay{3.19980, 0.94229, 0.40290, 0.20162};
  const Dual x = r * Dual((std::pow(z, 0.23) + std::pow(z_other, 0.23)) / 0.46850);
  Dual screening(0.0);
  for (std::size_t k = 0; k < 4; ++k) screening += Dual(amplitude[k]) * exponential(Dual(-decay[k]) * x);
  return Dual(14.399645478 * z * z_other) * screening / r;
}

/// NEP's repulsion as its papers write it, of a row of the model's table: strength, four amplitudes, four decays and
/// the two ends of the switch (1 + cos)/2.
Dual nep_repulsion(const double* row, Dual r) {
  const double inner = row[9], outer = row[10];
  if (r.value >= outer) return 0.0;
  Dual screening(0.0);
  for (int k = 1; k <= 4; ++k) screening += Dual(row[k]) * exponential(Dual(-row[4 + k]) * r);
  const Dual full = Dual(row[0]) * screening / r;
  if (r.value <= inner) return full;
  return full * (Dual(0.5) + Dual(0.5) * cosine(Dual(std::numbers::pi) * (r - inner) / Dual(outer - inner)));
}

Dual length(const std::array<Dual, 3>& d) { return square_root(d[0] * d[0] + d[1] * d[1] + d[2] * d[2]); }

}  // namespace

ExactEnergies::ExactEnergies(const PotentialCase& potential, reference::RadialSource radial) : potential_(potential) {
  if (potential.lennard_jones) {
    cutoff_ = potential.lennard_jones->cutoff;
    return;
  }
  model_ = potential.model();
  cutoff_ = model_.cutoff;
  descriptor_ = describe(model_);
  if (radial == reference::RadialSource::closed_form) return;
  program_ = compile(descriptor_, model_, 1e-10);
  tables_ = std::make_unique<reference::TableRadial>(descriptor_, program_);
}

Dual ExactEnergies::pair_energy(int species, const Neighbours& neighbours) const {
  const LennardJonesOptions& options = *potential_.lennard_jones;
  const std::size_t n = options.elements.size(), row = n * static_cast<std::size_t>(species);
  Dual energy(0.0);
  for (const auto& neighbour : neighbours) {
    const Dual r = length(neighbour.d);
    energy += Dual(0.5) * lennard_jones(options.pairs[row + static_cast<std::size_t>(neighbour.species)], r) *
              switched(r, options.switch_start, options.cutoff);
  }
  return energy;
}

Dual ExactEnergies::model_energy(int species, const Neighbours& neighbours) const {
  const std::span<const reference::Neighbour<Dual>> view(neighbours);
  Dual energy = tables_ ? reference::evaluate_centre<Dual>(descriptor_, model_, *tables_, species, view).energy
                        : reference::evaluate_centre<Dual>(descriptor_, model_,
                                                           reference::ClosedFormRadial{&descriptor_}, species, view)
                              .energy;
  if (const auto table = model_.parameters.find("repulsion"); table != model_.parameters.end())
    for (const auto& neighbour : neighbours) {
      const std::size_t pair =
          static_cast<std::size_t>(species) * model_.elements.size() + static_cast<std::size_t>(neighbour.species);
      energy += Dual(0.5) * nep_repulsion(&table->second.values[11 * pair], length(neighbour.d));
    }
  if (model_.repulsion != "zbl") return energy;
  const double range = model_.minimum_distance;
  const auto number = [&](int index) { return model_.elements[static_cast<std::size_t>(index)].number; };
  for (const auto& neighbour : neighbours) {
    const Dual r = length(neighbour.d);
    if (r.value < range)
      energy += Dual(0.5) * screened_repulsion(number(species), number(neighbour.species), r) *
                switched(r, 0.5 * range, range);
  }
  return energy;
}

std::vector<Dual> ExactEnergies::along(const Structure& structure, const Motion& motion) const {
  const std::vector<int> species = species_indices(structure.numbers, potential_.elements);
  std::vector<AtomId> ids(species.size());
  std::iota(ids.begin(), ids.end(), AtomId{0});
  const LocalAtoms atoms{
      .positions = structure.positions, .ids = ids, .species = species, .n_centres = structure.size()};
  NeighbourList list;
  list.build(structure.cell, atoms, cutoff_);
  const NeighbourView view = list.view();
  std::vector<Dual> energies;
  for (std::size_t i = 0; i < species.size(); ++i) {
    Neighbours neighbours;
    for (Index e = view.offsets[i]; e < view.offsets[i + 1]; ++e) {
      const auto j = static_cast<std::size_t>(view.atom[static_cast<std::size_t>(e)]);
      const Vec3 d = view.displacement(structure.positions, static_cast<Index>(i), e);
      const Vec3 v = motion.velocities[j] - motion.velocities[i] + d * motion.strain;
      neighbours.push_back({.species = species[j], .d = {Dual(d.x, v.x), Dual(d.y, v.y), Dual(d.z, v.z)}});
    }
    energies.push_back(potential_.lennard_jones ? pair_energy(species[i], neighbours)
                                                : model_energy(species[i], neighbours));
  }
  return energies;
}

double ExactEnergies::slope(const Structure& structure, const Motion& motion) const {
  double sum = 0;
  for (const Dual& energy : along(structure, motion)) sum += energy.tangent;
  return sum;
}

}  // namespace haven::testing
