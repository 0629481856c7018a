#pragma once
#include <array>
#include <memory>
#include <span>
#include <vector>

#include "potentials/descriptor.hpp"
#include "potentials/pair/zbl.hpp"
#include "potentials/potential.hpp"
#include "potentials/program/compile.hpp"
#include "potentials/program/dual.hpp"
#include "potentials/program/kernel.hpp"
#include "potentials/program/program.hpp"
#include "potentials/program/tables.hpp"
#include "potentials/program/triplets.hpp"

/// The literal evaluator of the moment program, term by term as the design defines it: nothing folded, reordered or
/// vectorised. Scalar = double is the reference for every test; Scalar = Dual gives exact directional derivatives.
namespace haven::reference {

/// A neighbour within the cut-off.
template <class Scalar>
struct Neighbour {
  int species = 0;
  std::array<Scalar, 3> d;  ///< r_j - r_i, A
};

template <class Scalar>
struct CentreResult {
  Scalar energy = Scalar(0.0);                  ///< eV
  std::vector<std::array<Scalar, 3>> gradient;  ///< dE_i/dr_ij per neighbour, eV/A
  std::vector<Scalar> features;                 ///< G, before shift and scale
  /// Of a committee: what each member has more than the mean.
  struct Deviation {
    Scalar energy = Scalar(0.0);
    std::vector<std::array<Scalar, 3>> gradient;
  };
  std::vector<Deviation> deviations;
};

/// Channel values and slopes from the closed forms (the default of the reference).
struct ClosedFormRadial {
  const Descriptor* descriptor;
  template <class Scalar>
  void operator()(int centre, int neighbour, Scalar r, std::vector<Scalar>& value, std::vector<Scalar>& slope) const {
    std::vector<RadialValue> channels;
    radial_channels(descriptor->centres[static_cast<std::size_t>(centre)], neighbour, primal(r), channels);
    for (std::size_t c = 0; c < channels.size(); ++c) {
      value[c] = with_derivative(r, channels[c].value, channels[c].slope);
      slope[c] = with_derivative(r, channels[c].slope, channels[c].curvature);
    }
  }
};

/// Channel values and slopes from the tables of the compiled program, whose channels are those of the descriptor
/// stable-sorted by descending l_max. Both arguments outlive it.
class TableRadial {
 public:
  TableRadial(const Descriptor& descriptor, const Program& program);
  template <class Scalar>
  void operator()(int centre, int neighbour, Scalar r, std::vector<Scalar>& value, std::vector<Scalar>& slope) const {
    const CentreProgram& p = program_->centres[static_cast<std::size_t>(centre)];
    std::fill(value.begin(), value.end(), Scalar(0.0));
    std::fill(slope.begin(), slope.end(), Scalar(0.0));
    const int block = p.block_of_element[static_cast<std::size_t>(neighbour)];
    if (block < 0) return;
    const auto& channels = p.blocks[static_cast<std::size_t>(block)].channels;
    for (std::size_t k = 0; k < channels.size(); ++k) {
      const auto c =
          static_cast<std::size_t>(order_[static_cast<std::size_t>(centre)][static_cast<std::size_t>(channels[k])]);
      interpolate(p.tables[static_cast<std::size_t>(neighbour)], k, r, value[c], slope[c]);
    }
  }

 private:
  const Program* program_;
  std::vector<std::vector<int>> order_;  // per centre: descriptor channel of each program channel
};

/// sqrt(4 pi) A_{c,00}, or 4 pi/(2l+1) sum_m A_{c,lm} A_{c',lm}; moments are [channel][(l_max+1)^2].
template <class Scalar>
std::vector<Scalar> basis_terms(const CentreDescriptor& centre, const std::vector<Scalar>& moments, int width) {
  constexpr double pi = 3.14159265358979323846;
  std::vector<Scalar> terms;
  terms.reserve(static_cast<std::size_t>(centre.basis_size()));
  for (const BasisTerm& term : centre.terms) {
    const Scalar* a = &moments[static_cast<std::size_t>(term.channel * width)];
    if (term.degree == 1) {
      terms.push_back(Scalar(std::sqrt(4 * pi)) * a[0]);
      continue;
    }
    const Scalar* b = &moments[static_cast<std::size_t>(term.other_channel * width)];
    Scalar sum(0.0);
    for (int k = term.l * term.l; k < (term.l + 1) * (term.l + 1); ++k) sum += a[k] * b[k];
    terms.push_back(Scalar(4 * pi / (2 * term.l + 1)) * sum);
  }
  for (const ProductTerm& term : centre.products) {
    Scalar sum(0.0);
    for (const MomentProduct& p : term) {
      Scalar product(p.weight);
      for (std::size_t f = 0; f < static_cast<std::size_t>(p.degree); ++f)
        product = product * moments[static_cast<std::size_t>(p.channel[f] * width + p.moment[f])];
      sum += product;
    }
    terms.push_back(sum);
  }
  return terms;
}

/// Adds dE/dmoments of the terms of degree 3 and 4.
template <class Scalar>
void add_product_gradients(const CentreDescriptor& centre, const std::vector<Scalar>& moments,
                           const std::vector<Scalar>& by_term, int width, std::vector<Scalar>& bar) {
  for (std::size_t t = 0; t < centre.products.size(); ++t)
    for (const MomentProduct& p : centre.products[t])
      for (std::size_t f = 0; f < static_cast<std::size_t>(p.degree); ++f) {
        Scalar product = Scalar(p.weight) * by_term[centre.terms.size() + t];
        for (std::size_t g = 0; g < static_cast<std::size_t>(p.degree); ++g)
          if (g != f) product = product * moments[static_cast<std::size_t>(p.channel[g] * width + p.moment[g])];
        bar[static_cast<std::size_t>(p.channel[f] * width + p.moment[f])] += product;
      }
}

/// dE/dmoments from dE/dterms.
template <class Scalar>
std::vector<Scalar> moment_gradients(const CentreDescriptor& centre, const std::vector<Scalar>& moments,
                                     const std::vector<Scalar>& by_term, int width) {
  constexpr double pi = 3.14159265358979323846;
  std::vector<Scalar> bar(moments.size(), Scalar(0.0));
  for (std::size_t t = 0; t < centre.terms.size(); ++t) {
    const BasisTerm& term = centre.terms[t];
    const auto a = static_cast<std::size_t>(term.channel * width),
               b = static_cast<std::size_t>(term.other_channel * width);
    if (term.degree == 1) {
      bar[a] += Scalar(std::sqrt(4 * pi)) * by_term[t];
      continue;
    }
    const Scalar factor = Scalar(4 * pi / (2 * term.l + 1)) * by_term[t];
    for (auto k = static_cast<std::size_t>(term.l * term.l); k < static_cast<std::size_t>((term.l + 1) * (term.l + 1));
         ++k) {
      bar[a + k] += factor * moments[b + k];
      bar[b + k] += factor * moments[a + k];
    }
  }
  add_product_gradients(centre, moments, by_term, width, bar);
  return bar;
}

/// G = feature_map * terms (the terms themselves when the map is empty).
template <class Scalar>
std::vector<Scalar> map_features(const Matrix& map, const std::vector<Scalar>& terms) {
  if (map.rows == 0) return terms;
  std::vector<Scalar> features(static_cast<std::size_t>(map.rows), Scalar(0.0));
  for (Index f = 0; f < map.rows; ++f)
    for (Index t = 0; t < map.columns; ++t)
      features[static_cast<std::size_t>(f)] += Scalar(map(f, t)) * terms[static_cast<std::size_t>(t)];
  return features;
}

/// Transpose of map_features.
template <class Scalar>
std::vector<Scalar> map_gradients(const Matrix& map, const std::vector<Scalar>& by_feature) {
  if (map.rows == 0) return by_feature;
  std::vector<Scalar> by_term(static_cast<std::size_t>(map.columns), Scalar(0.0));
  for (Index f = 0; f < map.rows; ++f)
    for (Index t = 0; t < map.columns; ++t)
      by_term[static_cast<std::size_t>(t)] += Scalar(map(f, t)) * by_feature[static_cast<std::size_t>(f)];
  return by_term;
}

/// Energy of the network without the reference energy; `by_input` receives dE/dinput.
template <class Scalar>
Scalar evaluate_network(const Network& network, std::vector<Scalar> input, std::vector<Scalar>& by_input) {
  using kernel::activate;
  std::vector<std::vector<Scalar>> slopes;
  for (const Layer& layer : network.layers) {
    std::vector<Scalar> output, slope;
    for (Index o = 0; o < layer.outputs; ++o) {
      Scalar sum(layer.bias[static_cast<std::size_t>(o)]);
      for (Index k = 0; k < layer.inputs; ++k)
        sum +=
            Scalar(layer.weights[static_cast<std::size_t>(o * layer.inputs + k)]) * input[static_cast<std::size_t>(k)];
      const auto activated = activate(layer.activation, sum);
      output.push_back(activated.value);
      slope.push_back(activated.slope);
    }
    input = output;
    slopes.push_back(slope);
  }
  std::vector<Scalar> bar{Scalar(1.0)};
  for (std::size_t l = network.layers.size(); l-- > 0;) {
    const Layer& layer = network.layers[l];
    std::vector<Scalar> below(static_cast<std::size_t>(layer.inputs), Scalar(0.0));
    for (Index o = 0; o < layer.outputs; ++o) {
      const Scalar g = bar[static_cast<std::size_t>(o)] * slopes[l][static_cast<std::size_t>(o)];
      for (Index k = 0; k < layer.inputs; ++k)
        below[static_cast<std::size_t>(k)] += Scalar(layer.weights[static_cast<std::size_t>(o * layer.inputs + k)]) * g;
    }
    bar = below;
  }
  by_input = bar;
  return input[0];
}

/// Unit vectors, radial channels and harmonics of one neighbour.
template <class Scalar>
struct Edge {
  Scalar distance, inverse_distance;
  std::array<Scalar, 3> unit;
  std::vector<Scalar> value, slope, harmonics;
};

template <class Scalar, class Radial>
Edge<Scalar> make_edge(const Radial& radial, int centre, std::size_t channels, int l_max, const Neighbour<Scalar>& n) {
  const Scalar r = square_root(n.d[0] * n.d[0] + n.d[1] * n.d[1] + n.d[2] * n.d[2]);
  const Scalar inverse = Scalar(1.0) / r;
  Edge<Scalar> edge{.distance = r,
                    .inverse_distance = inverse,
                    .unit = {n.d[0] * inverse, n.d[1] * inverse, n.d[2] * inverse},
                    .value = std::vector<Scalar>(channels),
                    .slope = std::vector<Scalar>(channels),
                    .harmonics = std::vector<Scalar>(static_cast<std::size_t>((l_max + 1) * (l_max + 1)))};
  radial(centre, n.species, r, edge.value, edge.slope);
  kernel::spherical_harmonics(l_max, edge.unit[0], edge.unit[1], edge.unit[2], edge.harmonics.data());
  return edge;
}

/// f = sum_{c,lm} Abar_{c,lm} (R'_c Y_lm u + R_c grad Y_lm).
template <class Scalar>
std::array<Scalar, 3> edge_gradient(const CentreDescriptor& centre, const std::vector<Scalar>& bar, int l_max,
                                    const Edge<Scalar>& edge) {
  const auto width = static_cast<std::size_t>((l_max + 1) * (l_max + 1));
  std::vector<Scalar> v(width, Scalar(0.0));
  Scalar along(0.0);
  for (std::size_t c = 0; c < edge.value.size(); ++c) {
    const auto reach = static_cast<std::size_t>((centre.channel_l_max[c] + 1) * (centre.channel_l_max[c] + 1));
    for (std::size_t k = 0; k < reach; ++k) {
      v[k] += bar[c * width + k] * edge.value[c];
      along += bar[c * width + k] * edge.slope[c] * edge.harmonics[k];
    }
  }
  const auto g = kernel::solid_harmonic_gradient(l_max, edge.harmonics.data(), v.data());
  const auto& u = edge.unit;
  const Scalar radial_part = g.x * u[0] + g.y * u[1] + g.z * u[2];
  return {along * u[0] + edge.inverse_distance * (g.x - radial_part * u[0]),
          along * u[1] + edge.inverse_distance * (g.y - radial_part * u[1]),
          along * u[2] + edge.inverse_distance * (g.z - radial_part * u[2])};
}

/// The factors of one triplet that depend on two neighbours, with their derivatives.
template <class Scalar>
struct TripletGeometry {
  Scalar third_distance;
  std::array<Scalar, 3> third_unit;  ///< from j to k
  Scalar cosine;
  kernel::ValueAndSlope<Scalar> third, angle;
  bool counts = false;
};

template <class Scalar>
TripletGeometry<Scalar> triplet_geometry(const TripletTerm& term, const Edge<Scalar>& j, const Edge<Scalar>& k) {
  TripletGeometry<Scalar> g;
  g.cosine = j.unit[0] * k.unit[0] + j.unit[1] * k.unit[1] + j.unit[2] * k.unit[2];
  std::array<Scalar, 3> d;
  for (std::size_t a = 0; a < 3; ++a) d[a] = k.distance * k.unit[a] - j.distance * j.unit[a];
  g.third_distance = square_root(d[0] * d[0] + d[1] * d[1] + d[2] * d[2]);
  for (std::size_t a = 0; a < 3; ++a) g.third_unit[a] = d[a] / g.third_distance;
  const Window& w = term.third.window;
  g.counts = w.type == WindowType::none || primal(g.third_distance) < w.cutoff;
  if (!g.counts) return g;
  const Scalar off = g.third_distance - Scalar(term.third.shift);
  const auto window =
      kernel::window_value(w, w.type == WindowType::none ? 0 : 1 / (w.cutoff - w.inner), g.third_distance);
  using kernel::exponential;
  const Scalar gaussian = exponential(Scalar(-term.third.eta) * off * off);
  g.third = {gaussian * window.value, gaussian * (window.slope - Scalar(2 * term.third.eta) * off * window.value)};
  if (term.sector.type != WindowType::none) {
    // Rounding may leave a cosine just outside [-1, 1].
    using kernel::arc_cosine, kernel::largest, kernel::smallest;
    const Scalar bounded = largest(smallest(g.cosine, Scalar(1.0)), Scalar(-1.0));
    g.angle = kernel::sector_value(term.sector, arc_cosine(bounded), bounded);
    return g;
  }
  const Scalar base = Scalar(1.0) + Scalar(term.lambda) * g.cosine;
  const auto power = term.zeta == std::floor(term.zeta) ? kernel::integer_power(base, static_cast<int>(term.zeta))
                                                        : kernel::real_power(base, term.zeta);
  g.angle = {power.value, Scalar(term.lambda) * power.slope};
  return g;
}

/// T of one triplet term, pair by pair.
template <class Scalar>
Scalar triplet_sum(const TripletTerm& term, const std::vector<Edge<Scalar>>& edges) {
  const auto c = static_cast<std::size_t>(term.channel), other = static_cast<std::size_t>(term.other_channel);
  Scalar sum(0.0);
  for (std::size_t j = 0; j < edges.size(); ++j)
    for (std::size_t k = j + 1; k < edges.size(); ++k) {
      const TripletGeometry<Scalar> g = triplet_geometry(term, edges[j], edges[k]);
      if (!g.counts) continue;
      Scalar legs = edges[j].value[c] * edges[k].value[other];
      if (c != other) legs += edges[j].value[other] * edges[k].value[c];
      sum += legs * g.third.value * g.angle.value;
    }
  return sum;
}

/// Adds by_term dT/dr_ij to the gradients of the edges.
template <class Scalar>
void add_triplet_gradients(const TripletTerm& term, const std::vector<Edge<Scalar>>& edges, Scalar by_term,
                           std::vector<std::array<Scalar, 3>>& gradient) {
  const auto c = static_cast<std::size_t>(term.channel), other = static_cast<std::size_t>(term.other_channel);
  const Scalar both(c != other ? 1.0 : 0.0);
  for (std::size_t j = 0; j < edges.size(); ++j)
    for (std::size_t k = j + 1; k < edges.size(); ++k) {
      const TripletGeometry<Scalar> g = triplet_geometry(term, edges[j], edges[k]);
      if (!g.counts) continue;
      const Edge<Scalar>&x = edges[j], &y = edges[k];
      const Scalar legs = x.value[c] * y.value[other] + both * x.value[other] * y.value[c];
      const Scalar along_x = x.slope[c] * y.value[other] + both * x.slope[other] * y.value[c];
      const Scalar along_y = x.value[c] * y.slope[other] + both * x.value[other] * y.slope[c];
      const Scalar radial = by_term * g.third.value * g.angle.value;
      const Scalar third = by_term * legs * g.third.slope * g.angle.value;
      const Scalar angle = by_term * legs * g.third.value * g.angle.slope;
      for (std::size_t a = 0; a < 3; ++a) {
        gradient[j][a] += radial * along_x * x.unit[a] - third * g.third_unit[a] +
                          angle * x.inverse_distance * (y.unit[a] - g.cosine * x.unit[a]);
        gradient[k][a] += radial * along_y * y.unit[a] + third * g.third_unit[a] +
                          angle * y.inverse_distance * (x.unit[a] - g.cosine * y.unit[a]);
      }
    }
}

/// The neighbours of a centre and what is summed over them.
template <class Scalar>
struct Surroundings {
  int l_max = 0;
  std::vector<Edge<Scalar>> edges;
  std::vector<Scalar> moments;
};

/// dE/dr_ij from dE/dfeatures, the features being scaled.
template <class Scalar>
std::vector<std::array<Scalar, 3>> edge_gradients(const CentreDescriptor& centre, const ModelElement& element,
                                                  const Surroundings<Scalar>& near, std::vector<Scalar> by_feature) {
  const int width = (near.l_max + 1) * (near.l_max + 1);
  for (std::size_t f = 0; f < by_feature.size(); ++f) by_feature[f] = by_feature[f] * Scalar(element.feature_scale[f]);
  const std::vector<Scalar> by_term = map_gradients(centre.feature_map, by_feature);
  const std::vector<Scalar> bar = moment_gradients(centre, near.moments, by_term, width);
  std::vector<std::array<Scalar, 3>> gradient;
  for (const Edge<Scalar>& edge : near.edges) gradient.push_back(edge_gradient(centre, bar, near.l_max, edge));
  for (std::size_t t = 0; t < centre.triplets.size(); ++t)
    add_triplet_gradients(centre.triplets[t], near.edges, by_term[centre.terms.size() + centre.products.size() + t],
                          gradient);
  return gradient;
}

/// Energy and gradient of the mean over the networks, and the deviations of a committee from it.
template <class Scalar>
void evaluate_members(const CentreDescriptor& centre, const ModelElement& element, const Surroundings<Scalar>& near,
                      const std::vector<Scalar>& input, CentreResult<Scalar>& result) {
  std::vector<const Network*> networks{&element.network};
  for (const Network& network : element.committee) networks.push_back(&network);
  const Scalar members(static_cast<double>(networks.size()));
  std::vector<Scalar> energies;
  std::vector<std::vector<Scalar>> by_feature;
  Scalar energy(0.0);
  std::vector<Scalar> mean(input.size(), Scalar(0.0));
  for (const Network* network : networks) {
    by_feature.emplace_back();
    energies.push_back(evaluate_network(*network, input, by_feature.back()));
    energy += energies.back();
    for (std::size_t f = 0; f < mean.size(); ++f) mean[f] += by_feature.back()[f];
  }
  energy = energy / members;
  for (Scalar& g : mean) g = g / members;
  result.energy = energy + Scalar(element.reference_energy);
  result.gradient = edge_gradients(centre, element, near, mean);
  if (element.committee.empty()) return;
  for (std::size_t m = 0; m < networks.size(); ++m) {
    for (std::size_t f = 0; f < mean.size(); ++f) by_feature[m][f] = by_feature[m][f] - mean[f];
    result.deviations.push_back(
        {.energy = energies[m] - energy, .gradient = edge_gradients(centre, element, near, by_feature[m])});
  }
}

/// One centre, with everything in the order of the definitions.
template <class Scalar, class Radial>
CentreResult<Scalar> evaluate_centre(const Descriptor& descriptor, const Model& model, const Radial& radial,
                                     int species, std::span<const Neighbour<Scalar>> neighbours) {
  const CentreDescriptor& centre = descriptor.centres[static_cast<std::size_t>(species)];
  const ModelElement& element = model.elements[static_cast<std::size_t>(species)];
  Surroundings<Scalar> near;
  for (const int l : centre.channel_l_max) near.l_max = std::max(near.l_max, l);
  const int width = (near.l_max + 1) * (near.l_max + 1);
  const auto channels = static_cast<std::size_t>(centre.channels());

  auto& [l_max, edges, moments] = near;
  moments.assign(channels * static_cast<std::size_t>(width), Scalar(0.0));
  for (const Neighbour<Scalar>& n : neighbours) {
    edges.push_back(make_edge(radial, species, channels, l_max, n));
    for (std::size_t c = 0; c < channels; ++c)
      for (int k = 0; k < (centre.channel_l_max[c] + 1) * (centre.channel_l_max[c] + 1); ++k)
        moments[c * static_cast<std::size_t>(width) + static_cast<std::size_t>(k)] +=
            edges.back().value[c] * edges.back().harmonics[static_cast<std::size_t>(k)];
  }

  CentreResult<Scalar> result;
  std::vector<Scalar> basis = basis_terms(centre, moments, width);
  for (const TripletTerm& term : centre.triplets) basis.push_back(triplet_sum(term, edges));
  result.features = map_features(centre.feature_map, basis);
  std::vector<Scalar> input(result.features);
  for (std::size_t f = 0; f < input.size(); ++f)
    input[f] = (input[f] - Scalar(element.feature_shift[f])) * Scalar(element.feature_scale[f]);
  evaluate_members(centre, element, near, input, result);
  return result;
}

/// Half the wall's energy of a pair and its gradient, as one neighbour of a centre sees it.
template <class Scalar>
void add_wall(const RepulsiveWall& wall, int species, std::span<const Neighbour<Scalar>> neighbours,
              CentreResult<Scalar>& result) {
  if (!wall.active()) return;
  for (std::size_t k = 0; k < neighbours.size(); ++k) {
    const auto& d = neighbours[k].d;
    const Scalar r = square_root(d[0] * d[0] + d[1] * d[1] + d[2] * d[2]);
    if (primal(r) >= wall.range()) continue;
    const PairValue pair = wall(species, neighbours[k].species, primal(r));
    result.energy += Scalar(0.5) * with_derivative(r, pair.energy, pair.slope);
    // The tangent of the slope is not propagated: first derivatives of the energy are what duals are used for.
    for (std::size_t a = 0; a < 3; ++a) result.gradient[k][a] += Scalar(0.5 * pair.slope) * d[a] / r;
  }
}

/// The reference as a Potential. `radial_source` tables are those of the compiled program, so that the vectorised
/// driver can be compared to rounding; the closed forms are the truth.
enum class RadialSource { closed_form, tables };
[[nodiscard]] std::unique_ptr<Potential> make_reference_potential(
    const Model& model, RadialSource radial_source = RadialSource::closed_form);

}  // namespace haven::reference
