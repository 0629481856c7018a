#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "potentials/descriptor.hpp"
#include "potentials/model.hpp"

namespace haven::training {

/// One dense layer in the flat parameter vector: weights row-major [outputs][inputs], then the bias.
struct LayerSlice {
  Index inputs = 0, outputs = 0;
  Activation activation = Activation::identity;
  Index weights = 0, bias = 0;  ///< offsets
};

/// One element's part of the flat parameter vector.
struct ElementSlice {
  Index mixing = -1;  ///< offset of [channels][primitives], -1 when the mixing is constant
  Index channels = 0, primitives = 0;
  std::vector<LayerSlice> layers;
  Index linear = -1;  ///< offset of the weights of the linear path, one per input of the first layer; -1: there is none
};

/// All trainable numbers of a model as one vector: optimiser, average, checkpoint and gradient sums know nothing else.
struct ParameterLayout {
  std::vector<ElementSlice> elements;
  Index size = 0;
  /// The model's parameter "<mixing_name>_<element>" is what ElementSlice::mixing holds, with its shape.
  std::string mixing_name = "mixing";
};

[[nodiscard]] ParameterLayout make_parameter_layout(const Descriptor& descriptor, std::span<const Index> hidden_layers,
                                                    Activation activation);

/// Hidden units of every layer that carry the linear path in an exported network.
inline constexpr Index linear_path_units = 2;
/// Whether two units f(x) and f(-x) can pass a number on: f(x) - f(-x) = x. True of silu, gelu and softplus.
[[nodiscard]] bool carries_linear_path(Activation activation);
/// Adds a path that is linear in the features beside every network: E = network(G) + w G. It is exported as two more
/// units per hidden layer, so that models need to know nothing of it.
void add_linear_path(ParameterLayout& layout);

/// Seeded initial values: the descriptor's own mixing; weights normal with variance 1/inputs, biases 0 in the output
/// layer and normal with variance 0.1^2 elsewhere; linear paths 0. A function of (seed, element, layer) alone.
[[nodiscard]] std::vector<double> initial_parameters(const ParameterLayout& layout, const Descriptor& descriptor,
                                                     std::uint64_t seed);

/// 1 for weights of layers, which weight decay applies to, 0 for biases and mixing.
[[nodiscard]] std::vector<std::uint8_t> decay_mask(const ParameterLayout& layout);

/// What stays fixed during training besides the parameters. E_i = energy_scale * network((G - shift) * scale) +
/// reference.
struct Normalisation {
  struct Element {
    std::vector<double> shift, scale;  ///< per feature
    double reference_energy = 0;       ///< eV
  };
  std::vector<Element> elements;
  double energy_scale = 1;  ///< eV
};

/// Puts parameters and normalisation into a model made by new_model(): mixing, networks (with the energy scale in the
/// last layer), shift, scale, reference energies.
void export_parameters(const ParameterLayout& layout, std::span<const double> parameters,
                       const Normalisation& normalisation, Model& model);

}  // namespace haven::training
