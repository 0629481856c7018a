#include "potentials/program/operations.hpp"

#include <cstddef>
#include <vector>

namespace haven {
namespace {

constexpr double transcendental = 10;

struct Near {
  Vec3 d;
  int element = 0;
};

std::vector<Near> neighbours_of(const Program& program, const LocalAtoms& atoms, const NeighbourView& list, Index i) {
  std::vector<Near> near;
  for (Index e = list.offsets[static_cast<std::size_t>(i)]; e < list.offsets[static_cast<std::size_t>(i) + 1]; ++e) {
    const Vec3 d = list.displacement(atoms.positions, i, e);
    if (norm(d) >= program.cutoff) continue;
    const auto j = static_cast<std::size_t>(list.atom[static_cast<std::size_t>(e)]);
    near.push_back({d, atoms.species[j]});
  }
  return near;
}

/// Distance, direction, table look-ups, harmonics, moments and their adjoint of one neighbour.
double of_neighbour(const NeighbourBlock& block) {
  const auto channels = static_cast<double>(block.channels.size());
  double harmonics = 0, moments = 0;
  for (std::size_t l = 0; l < block.count_of_l.size(); ++l) {
    if (block.count_of_l[l] == 0) break;
    const auto orders = static_cast<double>(2 * l + 1);
    harmonics += orders;
    moments += orders * block.count_of_l[l];
  }
  const double geometry = 14, look_up = 18 * channels + 4;
  const double sums = 2 * moments;              // A += R Y
  const double adjoint = 4 * moments;           // sum_c Abar R and sum_c Abar R'
  const double gradient = 16 * harmonics + 20;  // Y_lm and its gradient; the force
  return geometry + look_up + sums + adjoint + gradient;
}

/// Terms and network of one centre, forward and backward.
double of_centre(const CentreProgram& centre) {
  double count = 2 * static_cast<double>(centre.radial_terms.size());
  for (const TermRun& run : centre.runs) count += run.count * (2 * run.l + 1) * 6.0;
  for (const ProductRun& run : centre.product_runs)
    for (int e = run.first; e < run.first + run.entries; ++e) {
      const double degree = centre.products[static_cast<std::size_t>(e)].degree;
      count += run.count * (degree + 1 + degree * (degree + 1));
    }
  const auto add_network = [&count](const Network& network) {
    for (const Layer& layer : network.layers)
      count +=
          4 * static_cast<double>(layer.weights.size()) + (transcendental + 2) * static_cast<double>(layer.outputs);
  };
  add_network(centre.network);
  for (const Network& network : centre.committee) add_network(network);
  return count;
}

/// One pair of a triplet group: third side, window, powers, factors and their adjoint, the force on both neighbours.
double of_triplet(const TripletGroup& group) {
  const double geometry = 14, window = transcendental + 4, force = 30;
  const double shapes = static_cast<double>(group.shapes.size()) * (transcendental + 22);
  double powers = 0, arc_cosine = 0;
  for (const TripletPower& power : group.powers) {
    const bool sector = power.sector.type != WindowType::none;
    powers += sector ? 30 : 3;
    if (sector) arc_cosine = transcendental;
  }
  const double angles = 6 * static_cast<double>(group.angles.size());
  return geometry + window + shapes + powers + arc_cosine + angles + force;
}

double pairs_of(const TripletGroup& group, const std::vector<Near>& near) {
  const bool windowed = group.window.type != WindowType::none;
  double pairs = 0;
  for (std::size_t j = 0; j < near.size(); ++j)
    for (std::size_t k = j + 1; k < near.size(); ++k) {
      const bool match = (near[j].element == group.first_element && near[k].element == group.second_element) ||
                         (near[k].element == group.first_element && near[j].element == group.second_element);
      if (match && (!windowed || norm(near[k].d - near[j].d) < group.window.cutoff)) ++pairs;
    }
  return pairs;
}

}  // namespace

OperationCount count_operations(const Program& program, const LocalAtoms& atoms, const NeighbourView& list) {
  OperationCount count;
  for (Index i = 0; i < atoms.n_centres; ++i) {
    const CentreProgram& centre = program.centres[static_cast<std::size_t>(atoms.species[static_cast<std::size_t>(i)])];
    const std::vector<Near> near = neighbours_of(program, atoms, list, i);
    count.total += of_centre(centre);
    for (const Near& neighbour : near) {
      const auto b = static_cast<std::size_t>(neighbour.element);
      const bool outer = !centre.shell_end.empty() && norm(neighbour.d) >= centre.shell_end[b];
      const int block = outer ? centre.outer_block_of_element[b] : centre.block_of_element[b];
      if (block < 0) continue;
      count.total += of_neighbour((outer ? centre.outer_blocks : centre.blocks)[static_cast<std::size_t>(block)]);
      ++count.neighbours;
    }
    for (const TripletGroup& group : centre.triplets) {
      const double pairs = pairs_of(group, near);
      count.total += pairs * of_triplet(group);
      count.triplets += pairs;
    }
  }
  return count;
}

}  // namespace haven
