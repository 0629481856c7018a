#include "support/structures.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <stdexcept>

#include "core/fixed_sum.hpp"
#include "core/neighbour_list.hpp"
#include "core/rng.hpp"
#include "potentials/program/drivers/cpu_scalar.hpp"
#include "potentials/registry.hpp"
#include "potentials/structure_evaluation.hpp"

namespace haven::testing {
namespace {

/// Smallest distance between two positions over images of up to two cells.
double image_distance(const Cell& cell, const Vec3& d) {
  double smallest = 1e300;
  for (int a = -2; a <= 2; ++a)
    for (int b = -2; b <= 2; ++b)
      for (int c = -2; c <= 2; ++c) smallest = std::min(smallest, norm(d + cell.translation({a, b, c})));
  return smallest;
}

/// Two dense layers with normal weights of unit gain.
Network random_network(Index inputs, const RandomModel& options, RandomSequence& random) {
  Network network;
  const std::vector<Index> widths{inputs, options.hidden, options.hidden, 1};
  for (std::size_t k = 0; k + 1 < widths.size(); ++k) {
    Layer layer{.inputs = widths[k],
                .outputs = widths[k + 1],
                .activation = k + 2 < widths.size() ? options.activation : Activation::identity,
                .weights = {},
                .bias = {}};
    const double gain = 1 / std::sqrt(static_cast<double>(layer.inputs));
    for (Index w = 0; w < layer.inputs * layer.outputs; ++w) layer.weights.push_back(gain * random.normal());
    for (Index b = 0; b < layer.outputs; ++b) layer.bias.push_back(0.3 * random.normal());
    network.layers.push_back(std::move(layer));
  }
  return network;
}

/// Features of every atom of `structure`, per element.
std::vector<std::vector<std::vector<double>>> sample_features(const Model& model, const Descriptor& descriptor,
                                                              const Structure& structure) {
  std::vector<int> elements;
  for (const ModelElement& element : model.elements) elements.push_back(element.number);
  const std::vector<int> species = species_indices(structure.numbers, elements);
  std::vector<AtomId> ids(species.size());
  std::iota(ids.begin(), ids.end(), AtomId{0});
  const LocalAtoms atoms{
      .positions = structure.positions, .ids = ids, .species = species, .n_centres = structure.size()};
  NeighbourList list;
  list.build(structure.cell, atoms, model.cutoff);
  const NeighbourView view = list.view();
  std::vector<std::vector<std::vector<double>>> features(elements.size());
  for (Index i = 0; i < structure.size(); ++i) {
    const auto centre = static_cast<std::size_t>(i);
    std::vector<reference::Neighbour<double>> neighbours;
    for (Index e = view.offsets[centre]; e < view.offsets[centre + 1]; ++e) {
      const Vec3 d = view.displacement(structure.positions, i, e);
      neighbours.push_back(
          {.species = species[static_cast<std::size_t>(view.atom[static_cast<std::size_t>(e)])], .d = {d.x, d.y, d.z}});
    }
    const auto result =
        reference::evaluate_centre<double>(descriptor, model, reference::ClosedFormRadial{&descriptor}, species[centre],
                                           std::span<const reference::Neighbour<double>>(neighbours));
    features[static_cast<std::size_t>(species[centre])].push_back(result.features);
  }
  return features;
}

void standardise(const std::vector<std::vector<double>>& samples, ModelElement& element) {
  const auto n = static_cast<double>(samples.size());
  for (std::size_t f = 0; f < element.feature_shift.size(); ++f) {
    double mean = 0, square = 0, low = 1e300, high = -1e300;
    for (const auto& sample : samples) {
      mean += sample[f] / n;
      low = std::min(low, sample[f]);
      high = std::max(high, sample[f]);
    }
    for (const auto& sample : samples) square += (sample[f] - mean) * (sample[f] - mean) / n;
    element.feature_shift[f] = mean;
    element.feature_scale[f] = 1 / std::max(std::sqrt(square), 1e-3);
    element.feature_min.push_back(low);
    element.feature_max.push_back(high);
  }
}

}  // namespace

Structure random_structure(const RandomStructure& options) {
  RandomSequence random(options.seed, Stream::test, 17);
  const double edge = std::cbrt(options.volume_per_atom * options.atoms);
  Mat3 vectors = edge * Mat3::identity();
  vectors[1].x = options.shear * edge;
  vectors[2].x = -0.4 * options.shear * edge;
  vectors[2].y = 0.6 * options.shear * edge;
  Structure structure{.cell = Cell(vectors), .numbers = {}, .positions = {}};
  for (int attempt = 0; structure.size() < options.atoms; ++attempt) {
    if (attempt > 200000) throw std::runtime_error("random_structure: too dense for the minimum distance");
    const Vec3 fractional{random.uniform(), random.uniform(), random.uniform()};
    const Vec3 position = structure.cell.to_cartesian(fractional);
    const bool fits = std::all_of(structure.positions.begin(), structure.positions.end(), [&](const Vec3& other) {
      return image_distance(structure.cell, position - other) >= options.minimum_distance;
    });
    if (!fits) continue;
    structure.numbers.push_back(options.elements[static_cast<std::size_t>(structure.size()) % options.elements.size()]);
    structure.positions.push_back(position);
  }
  return structure;
}

Model with_random_networks(Model model, const RandomModel& options) {
  const Descriptor descriptor = describe(model);
  RandomSequence random(options.seed, Stream::test, 23);
  for (std::size_t a = 0; a < model.elements.size(); ++a) {
    const auto features = static_cast<std::size_t>(descriptor.centres[a].features());
    ModelElement& element = model.elements[a];
    element.feature_shift.assign(features, 0.0);
    element.feature_scale.assign(features, 1.0);
    element.reference_energy = -1.5 - static_cast<double>(a);
    element.network = random_network(static_cast<Index>(features), options, random);
  }
  const auto n = static_cast<int>(options.elements.size());
  const auto samples = sample_features(
      model, descriptor, random_structure({.atoms = 12 * n, .elements = options.elements, .seed = options.seed + 100}));
  for (std::size_t a = 0; a < model.elements.size(); ++a) standardise(samples[a], model.elements[a]);
  return model;
}

Model random_model(const RandomModel& options) {
  Model model =
      with_random_networks(new_model({.kind = options.kind, .preset = options.preset, .cutoff = options.cutoff},
                                     options.elements, options.seed),
                           options);
  if (options.wall_range > 0) {
    model.repulsion = "zbl";
    model.minimum_distance = options.wall_range;
  }
  return model;
}

Structure transformed(const Structure& structure, const Mat3& m) {
  const Mat3 mt = transpose(m);  // row vectors: v' = v m^T
  Structure out{.cell = Cell(structure.cell.vectors() * mt, structure.cell.periodic()),
                .numbers = structure.numbers,
                .positions = {}};
  for (const Vec3& position : structure.positions) out.positions.push_back(position * mt);
  return out;
}

Mat3 random_orthogonal(std::uint64_t seed, int reflect) {
  RandomSequence random(seed, Stream::test, 31);
  const Vec3 a{random.normal(), random.normal(), random.normal()}, b{random.normal(), random.normal(), random.normal()};
  const Vec3 e1 = (1 / norm(a)) * a;
  Vec3 e2 = b - dot(b, e1) * e1;
  e2 *= 1 / norm(e2);
  return {{{e1, e2, static_cast<double>(reflect) * cross(e1, e2)}}};
}

namespace {

/// @param ranges  of centres, see evaluate_in_parts()
FullEvaluation evaluate_with_list(const Potential& potential, const LocalAtoms& atoms, const NeighbourView& list,
                                  const std::vector<Index>& ranges) {
  const auto n = static_cast<std::size_t>(atoms.n_centres);
  FullEvaluation result;
  result.fixed_forces.resize(n);
  result.atom_energies.resize(n);
  std::vector<FixedMat3> virials(n);
  result.extrapolates.resize(n);
  Evaluation out{.forces = result.fixed_forces,
                 .energy = {},
                 .virial = {},
                 .atom_energies = result.atom_energies,
                 .atom_virials = virials,
                 .fault = EvaluationFault::none,
                 .fault_atom = -1,
                 .extrapolating = 0,
                 .extrapolates = result.extrapolates};
  for (std::size_t k = 0; k + 1 < ranges.size(); k += 2) {
    LocalAtoms part = atoms;
    part.first_centre = ranges[k];
    part.n_centres = ranges[k + 1];
    potential.evaluate(part, list, Wanted::virial | Wanted::atom_energies | Wanted::atom_virials, out);
  }
  result.energy = out.energy.value();
  result.fixed_energy = out.energy;
  result.virial = out.virial.value();
  result.fixed_virial = out.virial;
  result.fault = out.fault;
  result.fault_atom = out.fault_atom;
  result.extrapolating = out.extrapolating;
  for (std::size_t i = 0; i < n; ++i) {
    result.forces.push_back(from_fixed(result.fixed_forces[i]));
    Mat3 w;
    for (int a = 0; a < 3; ++a)
      for (int b = 0; b < 3; ++b) w[a][b] = from_fixed(virials[i].element[3 * a + b]);
    result.atom_virials.push_back(w);
  }
  return result;
}

/// Where the atoms are, with how much skin, and in which calls.
struct How {
  std::vector<Vec3> positions;
  double skin = 0;
  std::vector<Index> ranges;
};

FullEvaluation evaluate_at(const Potential& potential, const Structure& structure, const How& how) {
  const std::vector<int> species = species_indices(structure.numbers, potential.requirements().elements);
  std::vector<AtomId> ids(species.size());
  std::iota(ids.begin(), ids.end(), AtomId{0});
  LocalAtoms atoms{.positions = structure.positions, .ids = ids, .species = species, .n_centres = structure.size()};
  NeighbourList list;
  list.build(structure.cell, atoms, potential.requirements().cutoff + how.skin);
  atoms.positions = how.positions;
  return evaluate_with_list(potential, atoms, list.view(), how.ranges);
}

}  // namespace

FullEvaluation evaluate_all(const Potential& potential, const Structure& structure, double skin) {
  return evaluate_at(potential, structure,
                     {.positions = structure.positions, .skin = skin, .ranges = {0, structure.size()}});
}

FullEvaluation evaluate_in_parts(const Potential& potential, const Structure& structure,
                                 const std::vector<Index>& ranges) {
  return evaluate_at(potential, structure, {.positions = structure.positions, .skin = 0, .ranges = ranges});
}

FullEvaluation evaluate_moved(const Potential& potential, const Structure& structure,
                              const std::vector<Vec3>& positions) {
  return evaluate_at(potential, structure, {.positions = positions, .skin = 0, .ranges = {0, structure.size()}});
}

double largest_component(const std::vector<Vec3>& vectors) {
  double largest = 0;
  for (const Vec3& v : vectors) largest = std::max({largest, std::abs(v.x), std::abs(v.y), std::abs(v.z)});
  return largest;
}

double largest_difference(const std::vector<Vec3>& a, const std::vector<Vec3>& b) {
  std::vector<Vec3> difference;
  for (std::size_t i = 0; i < a.size(); ++i) difference.push_back(a[i] - b[i]);
  return largest_component(difference);
}

double largest_component(const Mat3& m) { return largest_component(std::vector<Vec3>(m.row.begin(), m.row.end())); }
double largest_difference(const Mat3& a, const Mat3& b) { return largest_component(a + -1.0 * b); }

double force_rounding(const Potential& potential, const FullEvaluation& expected, const Structure& structure) {
  const double cutoff = potential.requirements().cutoff;
  const double scale = std::max(largest_component(expected.forces), largest_component(expected.virial) / cutoff);
  const double density = static_cast<double>(structure.positions.size()) / structure.cell.volume();
  const double neighbours = 4 * std::numbers::pi / 3 * std::pow(cutoff, 3) * density;
  return std::max(1e-12 * scale, std::sqrt(2 * neighbours) * fixed_resolution);
}

}  // namespace haven::testing
