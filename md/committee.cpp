#include "md/committee.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "core/error.hpp"

namespace haven {
namespace {

struct Worst {
  double square = -1;
  AtomId atom = -1;
  Vec3 position{};
};

/// The larger one, the lower id among equals.
void take_worse(const Worst& candidate, Worst& worst) {
  if (candidate.square > worst.square || (candidate.square == worst.square && candidate.atom < worst.atom))
    worst = candidate;
}

double squared_deviation(std::span<const std::vector<FixedVec3>> forces, std::size_t i) {
  const double share = 1.0 / static_cast<double>(forces.size());
  Vec3 mean;
  for (const auto& model : forces) mean += share * from_fixed(model[i]);
  double square = 0;
  for (const auto& model : forces) square += share * norm2(from_fixed(model[i]) - mean);
  return square;
}

double energy_deviation(std::span<const FixedSum> energies, double atoms) {
  const double share = 1.0 / static_cast<double>(energies.size());
  double mean = 0, square = 0;
  for (const FixedSum& energy : energies) mean += share * energy.value();
  for (const FixedSum& energy : energies) square += share * (energy.value() - mean) * (energy.value() - mean);
  return std::sqrt(square) / atoms;
}

}  // namespace

Disagreement measure_disagreement(Communicator& group, Agreement& agreement, ForceEngine& engine, Dynamics& dynamics,
                                  OtherModels others) {
  AtomStore& atoms = dynamics.atoms;
  std::vector<std::vector<FixedVec3>> forces{atoms.forces};
  std::vector<FixedSum> sums{dynamics.result.energy};
  double faulty = 0;
  for (const auto& other : others) {
    forces.emplace_back();
    const ForceResult result = engine.evaluate_other(*other, atoms, forces.back());
    sums.push_back(result.energy);
    if (result.fault != EvaluationFault::none) faulty = 1;
  }
  Worst mine;
  FixedSum squares, count;
  for (std::size_t i = 0; i < static_cast<std::size_t>(atoms.n_owned) && !agreement.failed(); ++i) {
    const double square = squared_deviation(forces, i);
    squares.add(square);
    count.add(1);
    take_worse({square, atoms.ids[i], atoms.positions[i]}, mine);
  }
  sums.push_back(squares);
  sums.push_back(count);
  group.all_reduce_sum(sums);
  faulty = max_over_ranks(group, faulty);
  Worst worst;
  for (const auto& bytes : group.all_gather(bytes_of(std::span<const Worst>(&mine, 1))))
    take_worse(values_of<Worst>(bytes).front(), worst);
  const double n = std::max(1.0, sums.back().value());
  const auto energies = std::span<const FixedSum>(sums).first(forces.size());
  const double infinity = std::numeric_limits<double>::infinity();
  return {.force = faulty > 0 ? infinity : std::sqrt(std::max(0.0, worst.square)),
          .force_rms = std::sqrt(sums[forces.size()].value() / n),
          .energy = energy_deviation(energies, n),
          .atom = worst.atom,
          .position = worst.position};
}

std::optional<Finding> deviation_finding(const Disagreement& disagreement, const GuardOptions& guards) {
  if (guards.max_deviation <= 0 || disagreement.force <= guards.max_deviation) return std::nullopt;
  return Finding{
      .guard = "deviation",
      .action = guards.deviation,
      .text = fmt::format("the forces of the committee's models on an atom deviate by {:.3g} eV/A, more than {:g} eV/A",
                          disagreement.force, guards.max_deviation),
      .remedy = "Calculate the frames in candidates.xyz, add them to the training set and train again.",
      .value = disagreement.force,
      .limit = guards.max_deviation,
      .code = "MD008",
      .atom = disagreement.atom,
      .position = disagreement.position};
}

void check_committee(const Potential& potential, OtherModels others) {
  for (const auto& other : others)
    if (other->requirements().elements != potential.requirements().elements)
      throw ModelError("the models of a committee know different elements, or list them in another order", "committee",
                       "Train all of them on the same data.");
}

double farthest_cutoff(const Potential& potential, OtherModels others) {
  double cutoff = potential.requirements().cutoff;
  for (const auto& other : others) cutoff = std::max(cutoff, other->requirements().cutoff);
  return cutoff;
}

}  // namespace haven
