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

/// Energies of the members from the sums over all ranks: for each model that of the mean, then the deviations of its
/// members but the last.
std::vector<double> member_energies(std::span<const FixedSum> sums, std::span<const std::size_t> members) {
  std::vector<double> energies;
  for (const std::size_t count : members) {
    double last = sums.front().value();
    for (std::size_t m = 1; m < count; ++m) {
      energies.push_back(sums.front().value() + sums[m].value());
      last -= sums[m].value();
    }
    energies.push_back(last);
    sums = sums.subspan(count);
  }
  return energies;
}

double deviation(std::span<const double> values) {
  const double share = 1.0 / static_cast<double>(values.size());
  double mean = 0, square = 0;
  for (const double value : values) mean += share * value;
  for (const double value : values) square += share * (value - mean) * (value - mean);
  return std::sqrt(square);
}

/// What all members say on this rank.
struct Opinions {
  std::vector<std::vector<FixedVec3>> forces;  // [members][local atoms]
  std::vector<FixedSum> energies;              // see member_energies()
  std::vector<std::size_t> members;            // of each model
  double faulty = 0;

  void add(MemberResults&& results) {
    members.push_back(results.forces.size());
    for (auto& of_member : results.forces) forces.push_back(std::move(of_member));
    energies.push_back(results.energy);
    energies.insert(energies.end(), results.energy_deviations.begin(), results.energy_deviations.end());
    if (results.fault != EvaluationFault::none) faulty = 1;
  }
};

}  // namespace

Index Committee::members() const {
  Index sum = mover.requirements().members;
  for (const auto& other : others) sum += other->requirements().members;
  return sum;
}

Disagreement measure_disagreement(Communicator& group, Agreement& agreement, ForceEngine& engine, Dynamics& dynamics,
                                  const Committee& committee) {
  AtomStore& atoms = dynamics.atoms;
  Opinions opinions;
  if (committee.mover.requirements().members > 1) {
    opinions.add(engine.evaluate_members(committee.mover, atoms));
  } else {
    opinions.add({.forces = {atoms.forces}, .energy = dynamics.result.energy, .energy_deviations = {}});
  }
  for (const auto& other : committee.others) opinions.add(engine.evaluate_members(*other, atoms));
  std::vector<FixedSum>& sums = opinions.energies;
  const std::size_t n_energies = sums.size();
  Worst mine;
  FixedSum squares, count;
  for (std::size_t i = 0; i < static_cast<std::size_t>(atoms.n_owned) && !agreement.failed(); ++i) {
    const double square = squared_deviation(opinions.forces, i);
    squares.add(square);
    count.add(1);
    take_worse({square, atoms.ids[i], atoms.positions[i]}, mine);
  }
  sums.push_back(squares);
  sums.push_back(count);
  group.all_reduce_sum(sums);
  const double faulty = max_over_ranks(group, opinions.faulty);
  Worst worst;
  for (const auto& bytes : group.all_gather(bytes_of(std::span<const Worst>(&mine, 1))))
    take_worse(values_of<Worst>(bytes).front(), worst);
  const double n = std::max(1.0, sums.back().value());
  const std::vector<double> energies = member_energies(sums, opinions.members);
  const double infinity = std::numeric_limits<double>::infinity();
  return {.force = faulty > 0 ? infinity : std::sqrt(std::max(0.0, worst.square)),
          .force_rms = std::sqrt(sums[n_energies].value() / n),
          .energy = deviation(energies) / n,
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

void check_committee(const Committee& committee) {
  for (const auto& other : committee.others)
    if (other->requirements().elements != committee.mover.requirements().elements)
      throw ModelError("the models of a committee know different elements, or list them in another order", "committee",
                       "Train all of them on the same data.");
}

double farthest_cutoff(const Committee& committee) {
  double cutoff = committee.mover.requirements().cutoff;
  for (const auto& other : committee.others) cutoff = std::max(cutoff, other->requirements().cutoff);
  return cutoff;
}

}  // namespace haven
