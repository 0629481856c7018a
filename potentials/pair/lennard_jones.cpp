#include "potentials/pair/lennard_jones.hpp"

#include <fmt/format.h>

#include <cmath>

#include "core/error.hpp"
#include "core/species.hpp"
#include "core/units.hpp"
#include "potentials/pair/zbl.hpp"
#include "potentials/program/centre_loop.hpp"

namespace haven {
namespace {

PairValue lennard_jones(const LennardJonesPair& pair, double r) {
  const double s2 = pair.sigma * pair.sigma / (r * r);
  const double s6 = s2 * s2 * s2;
  return {.energy = 4 * pair.epsilon * (s6 * s6 - s6), .slope = 4 * pair.epsilon * (6 * s6 - 12 * s6 * s6) / r};
}

class LennardJones final : public Potential {
 public:
  explicit LennardJones(const LennardJonesOptions& options) : options_(options) {
    requirements_ = {
        .cutoff = options.cutoff, .elements = options.elements, .minimum_distance = options.minimum_distance};
  }

  [[nodiscard]] const Requirements& requirements() const override { return requirements_; }

  void evaluate(const LocalAtoms& atoms, const NeighbourView& list, Wanted wanted, Evaluation& out) const override {
    const int n_elements = static_cast<int>(options_.elements.size());
    for_each_centre(atoms, n_elements, wanted, out, [&](Index i, CentreSink& sink) {
      const auto centre = static_cast<std::size_t>(i);
      const double cutoff2 = options_.cutoff * options_.cutoff;
      double energy = 0;
      for (Index entry = list.offsets[centre]; entry < list.offsets[centre + 1]; ++entry) {
        const Vec3 d = list.displacement(atoms.positions, i, entry);
        const double r2 = norm2(d);
        if (r2 >= cutoff2) continue;  // false for NaN, which then reaches the force and is reported
        const auto j = static_cast<std::size_t>(list.atom[static_cast<std::size_t>(entry)]);
        const double r = std::sqrt(r2);
        const PairValue pair = pair_value(atoms.species[centre], atoms.species[j], r);
        energy += 0.5 * pair.energy;
        sink.add_pair(atoms, i, static_cast<Index>(j), d, (0.5 * pair.slope / r) * d);
      }
      sink.add_energy(atoms, i, energy);
      sink.end_centre(i);
    });
  }

  [[nodiscard]] std::string description() const override {
    return fmt::format("Lennard-Jones, {} element(s), cut-off {} A", options_.elements.size(), options_.cutoff);
  }

 private:
  [[nodiscard]] PairValue pair_value(int a, int b, double r) const {
    const auto n = options_.elements.size();
    const PairValue full =
        lennard_jones(options_.pairs[static_cast<std::size_t>(a) * n + static_cast<std::size_t>(b)], r);
    const PairValue factor = switch_off(r, options_.switch_start, options_.cutoff);
    return {.energy = full.energy * factor.energy, .slope = full.slope * factor.energy + full.energy * factor.slope};
  }

  LennardJonesOptions options_;
  Requirements requirements_;
};

}  // namespace

std::unique_ptr<Potential> make_lennard_jones(const LennardJonesOptions& options) {
  const auto n = options.elements.size();
  const auto refuse = [](const std::string& what) {
    throw ModelError(what, "Lennard-Jones",
                     "Give epsilon >= 0 (eV) and sigma > 0 (A) for every pair, and 0 <= switch_start < cutoff.");
  };
  if (n == 0 || options.pairs.size() != n * n)
    refuse(fmt::format("{} pair parameters for {} element(s)", options.pairs.size(), n));
  for (const int number : options.elements) static_cast<void>(element_symbol(number));
  for (std::size_t k = 0; k < n * n; ++k) {
    const LennardJonesPair& pair = options.pairs[k];
    const LennardJonesPair& mirror = options.pairs[(k % n) * n + k / n];
    if (!(pair.epsilon >= 0 && pair.sigma > 0 && std::isfinite(pair.epsilon) && std::isfinite(pair.sigma)))
      refuse(fmt::format("epsilon = {}, sigma = {} is out of range", pair.epsilon, pair.sigma));
    if (pair.epsilon != mirror.epsilon || pair.sigma != mirror.sigma) refuse("the pair table is not symmetric");
  }
  if (!(options.cutoff > 0 && options.switch_start >= 0 && options.switch_start < options.cutoff))
    refuse(fmt::format("cut-off {} A with switch_start {} A", options.cutoff, options.switch_start));
  return std::make_unique<LennardJones>(options);
}

std::unique_ptr<Potential> make_argon(double cutoff) {
  return make_lennard_jones({.elements = {18},
                             .pairs = {{.epsilon = 119.8 * units::boltzmann, .sigma = 3.405}},
                             .cutoff = cutoff,
                             .switch_start = 0.85 * cutoff});
}

}  // namespace haven
