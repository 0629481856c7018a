#pragma once
#include <map>
#include <string>
#include <vector>

#include "core/types.hpp"

namespace haven {

/// Activation functions of dense layers.
enum class Activation : int {
  identity = 0,
  tanh = 1,
  silu = 2,
  softplus = 3,
  gelu = 4,
  logistic = 5,           ///< 1/(1 + e^-x)
  relu = 6,               ///< max(x, 0)
  gaussian = 7,           ///< e^{-x^2/2}
  cosine = 8,             ///< cos x
  reversed_logistic = 9,  ///< 1 - 1/(1 + e^-x)
  exponential = 10,       ///< e^-x
  harmonic = 11,          ///< x^2
};
inline constexpr int activation_count = 12;

/// y = activation(W x + b); `weights` is row-major [outputs][inputs].
struct Layer {
  Index inputs = 0, outputs = 0;
  Activation activation = Activation::identity;
  std::vector<double> weights, bias;
};

/// Dense network with one output, the atom's energy in eV (without the reference energy).
struct Network {
  std::vector<Layer> layers;
};

/// Dense array of numbers with a shape; integers are stored exactly as doubles.
struct Array {
  std::vector<Index> shape;
  std::vector<double> values;  ///< row-major; size is the product of the shape
};

/// What a model knows about one element.
struct ModelElement {
  int number = 0;               ///< atomic number
  double mass = 0;              ///< amu
  double reference_energy = 0;  ///< eV; E_i = network(features) + reference_energy
  /// The network sees (G - feature_shift) * feature_scale. Both have one entry per feature.
  std::vector<double> feature_shift, feature_scale;
  /// Range of each feature over the training set, before shift and scale; empty when unknown. MD counts atoms outside.
  std::vector<double> feature_min, feature_max;
  Network network;
  /// Networks of the further members of a committee, which see the same shifted and scaled features; empty when the
  /// model is one potential. E_i is then the mean over `network` and these, plus reference_energy.
  std::vector<Network> committee{};
};

/// A potential as data: everything the model file holds. `kind` names the lowering that turns `parameters` into a
/// descriptor; see potentials/lowerings/.
struct Model {
  std::string kind;             ///< "moment", "behler-parrinello", "chebyshev", "deeppot-se", ...: see registry.cpp
  double cutoff = 0;            ///< A
  double minimum_distance = 0;  ///< A; smallest pair distance in the training set, 0 when unknown
  std::string repulsion;        ///< "none" | "zbl": pair wall added below the training minimum distance
  std::vector<ModelElement> elements;
  std::map<std::string, Array> parameters;        ///< only the names the lowering declares
  std::map<std::string, std::string> provenance;  ///< free text: training configuration, data hashes, errors, version

  /// Potentials in it: more than one for a committee. Every element has as many networks.
  [[nodiscard]] Index members() const {
    return elements.empty() ? 1 : 1 + static_cast<Index>(elements.front().committee.size());
  }
};

}  // namespace haven
