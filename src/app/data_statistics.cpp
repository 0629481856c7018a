#include "app/data_statistics.hpp"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "core/neighbour_list.hpp"
#include "core/species.hpp"
#include "core/units.hpp"

namespace haven {
namespace {

constexpr double farthest_neighbour = 6.0;  // A

/// Raw numbers of one group before they become distributions.
struct Raw {
  std::vector<double> energy, residual, force, pressure, volume, temperature;
};

/// Energies per element whose sums come nearest to the energies per atom (smallest norm where they are not determined).
std::map<int, double> reference_energies(std::span<const Frame> frames) {
  std::set<int> elements;
  Eigen::Index rows = 0;
  for (const Frame& frame : frames)
    if (frame.energy) {
      elements.insert(frame.structure.numbers.begin(), frame.structure.numbers.end());
      ++rows;
    }
  if (rows == 0) return {};
  const std::vector<int> order(elements.begin(), elements.end());
  // Normal equations: compositions are few, frames may be many.
  const auto n = static_cast<Eigen::Index>(order.size());
  Eigen::MatrixXd matrix = Eigen::MatrixXd::Zero(n, n);
  Eigen::VectorXd right = Eigen::VectorXd::Zero(n);
  for (const Frame& frame : frames) {
    if (!frame.energy || frame.structure.numbers.empty()) continue;
    Eigen::VectorXd share = Eigen::VectorXd::Zero(n);
    for (const int number : frame.structure.numbers)
      share(std::lower_bound(order.begin(), order.end(), number) - order.begin()) += 1;
    const auto atoms = static_cast<double>(frame.structure.size());
    share /= atoms;
    matrix += share * share.transpose();
    right += share * (*frame.energy / atoms);
  }
  const Eigen::VectorXd solution = matrix.completeOrthogonalDecomposition().solve(right);
  std::map<int, double> result;
  for (Eigen::Index k = 0; k < n; ++k) result[order[static_cast<std::size_t>(k)]] = solution(k);
  return result;
}

/// For every atom the distance to the nearest neighbour of each element within reach.
void add_distances(const Structure& structure, NeighbourList& list,
                   std::map<std::pair<int, int>, std::vector<double>>& distances) {
  std::vector<AtomId> ids(structure.numbers.size());
  std::iota(ids.begin(), ids.end(), AtomId{0});
  const std::vector<int> species(structure.numbers.size(), 0);
  list.build(structure.cell,
             {.positions = structure.positions, .ids = ids, .species = species, .n_centres = structure.size()},
             farthest_neighbour);
  const NeighbourView view = list.view();
  for (Index i = 0; i < structure.size(); ++i) {
    const auto atom = static_cast<std::size_t>(i);
    std::map<int, double> nearest;
    for (Index entry = view.offsets[atom]; entry < view.offsets[atom + 1]; ++entry) {
      const int other = structure.numbers[static_cast<std::size_t>(view.atom[static_cast<std::size_t>(entry)])];
      const double d2 = norm2(view.displacement(structure.positions, i, entry));
      const auto [at, is_new] = nearest.try_emplace(other, d2);
      if (!is_new) at->second = std::min(at->second, d2);
    }
    for (const auto& [other, d2] : nearest) distances[{structure.numbers[atom], other}].push_back(std::sqrt(d2));
  }
}

void count(const Frame& frame, GroupStatistics& group) {
  ++group.frames;
  group.atoms += frame.structure.size();
  group.with_forces += frame.forces.empty() ? 0 : 1;
  group.with_stress += frame.stress ? 1 : 0;
  ++group.compositions[composition(frame.structure)];
}

void collect(const Frame& frame, const std::map<int, double>& reference, Raw& raw) {
  const auto atoms = static_cast<double>(std::max<Index>(1, frame.structure.size()));
  raw.volume.push_back(frame.structure.cell.volume() / atoms);
  if (frame.temperature) raw.temperature.push_back(*frame.temperature);
  if (frame.stress) {
    const Mat3& s = *frame.stress;
    raw.pressure.push_back(-(s[0].x + s[1].y + s[2].z) / 3 * units::ev_per_a3_in_gpa);
  }
  for (const Vec3& force : frame.forces) raw.force.push_back(norm(force));
  if (!frame.energy) return;
  double expected = 0;
  for (const int number : frame.structure.numbers) expected += reference.at(number);
  raw.energy.push_back(*frame.energy / atoms);
  raw.residual.push_back(1000 * (*frame.energy - expected) / atoms);
}

void settle(Raw&& raw, GroupStatistics& group) {
  group.energy = distribution_of(std::move(raw.energy));
  group.residual = distribution_of(std::move(raw.residual));
  group.force = distribution_of(std::move(raw.force));
  group.pressure = distribution_of(std::move(raw.pressure));
  group.volume = distribution_of(std::move(raw.volume));
  group.temperature = distribution_of(std::move(raw.temperature));
}

}  // namespace

Distribution distribution_of(std::vector<double> values) {
  Distribution d;
  if (values.empty()) return d;
  std::sort(values.begin(), values.end());
  const auto n = static_cast<double>(values.size());
  d.count = static_cast<Index>(values.size());
  d.mean = std::accumulate(values.begin(), values.end(), 0.0) / n;
  double squares = 0;
  for (const double v : values) squares += (v - d.mean) * (v - d.mean);
  d.deviation = std::sqrt(squares / n);
  const auto rank = [&](double p) {
    return values[static_cast<std::size_t>(std::clamp(std::ceil(p * n) - 1, 0.0, n - 1))];
  };
  d.smallest = values.front();
  d.largest = values.back();
  d.p01 = rank(0.01);
  d.median = rank(0.5);
  d.p99 = rank(0.99);
  d.values = std::move(values);
  return d;
}

Histogram histogram_of(const Distribution& distribution, std::size_t bins) {
  Histogram h;
  const auto& values = distribution.values;
  if (values.empty() || bins == 0) return h;
  const auto at = [&](double p) {
    return values[static_cast<std::size_t>(p * static_cast<double>(values.size() - 1))];
  };
  h.low = at(0.001);
  double high = at(0.999);
  if (!(high > h.low)) {
    const double half = std::max(1e-6, 1e-3 * std::abs(h.low));
    high = h.low + half;
    h.low -= half;
  }
  h.width = (high - h.low) / static_cast<double>(bins);
  h.counts.assign(bins, 0);
  for (const double v : values) {
    const double bin = std::clamp(std::floor((v - h.low) / h.width), 0.0, static_cast<double>(bins - 1));
    ++h.counts[static_cast<std::size_t>(bin)];
  }
  return h;
}

DatasetStatistics dataset_statistics(std::span<const Frame> frames) {
  DatasetStatistics result;
  const std::map<int, double> reference = reference_energies(frames);
  std::map<std::string, Raw> raw;
  std::map<int, std::vector<double>> forces;
  std::map<std::pair<int, int>, std::vector<double>> distances;
  std::set<std::string> trajectories, sources;
  NeighbourList list;
  Raw all;
  for (const Frame& frame : frames) {
    count(frame, result.all);
    count(frame, result.groups[frame.group]);
    collect(frame, reference, all);
    collect(frame, reference, raw[frame.group]);
    for (std::size_t atom = 0; atom < frame.structure.numbers.size(); ++atom) {
      const int number = frame.structure.numbers[atom];
      ++result.elements[std::string(element_symbol(number))].atoms;
      if (!frame.forces.empty()) forces[number].push_back(norm(frame.forces[atom]));
    }
    add_distances(frame.structure, list, distances);
    if (!frame.trajectory.empty()) trajectories.insert(frame.trajectory);
    if (!frame.source.path.empty()) sources.insert(frame.source.path);
    ++result.codes[frame.source.code.empty() ? "unknown" : frame.source.code];
    ++result.settings[frame.source.settings ? *frame.source.settings : ""];
  }
  settle(std::move(all), result.all);
  for (auto& [group, values] : raw) settle(std::move(values), result.groups[group]);
  for (const auto& [number, energy] : reference)
    result.elements[std::string(element_symbol(number))].reference_energy = energy;
  for (auto& [number, values] : forces)
    result.elements[std::string(element_symbol(number))].force = distribution_of(std::move(values));
  for (auto& [pair, values] : distances)
    result.pairs[{std::string(element_symbol(pair.first)), std::string(element_symbol(pair.second))}] =
        distribution_of(std::move(values));
  result.trajectories = static_cast<Index>(trajectories.size());
  result.sources = static_cast<Index>(sources.size());
  return result;
}

}  // namespace haven
