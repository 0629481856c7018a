#include "support/tiny_model.hpp"

#include <cmath>

#include "core/rng.hpp"
#include "core/species.hpp"
#include "potentials/descriptor.hpp"
#include "potentials/registry.hpp"

namespace haven::testing {

Model tiny_model() {
  Model model = new_model({.kind = "moment", .preset = "fast", .cutoff = 4.5}, {3, 17}, 7);
  const Descriptor descriptor = describe(model);
  model.repulsion = "zbl";  // keeps the atoms apart: a dilute gas of hard spheres, stable for any time
  model.minimum_distance = 3.0;
  model.elements.resize(2);
  for (std::size_t e = 0; e < 2; ++e) {
    ModelElement& element = model.elements[e];
    element.number = e == 0 ? 3 : 17;
    element.mass = standard_mass(element.number);
    const Index features = descriptor.centres[e].features();
    element.feature_shift.assign(static_cast<std::size_t>(features), 0.0);
    element.feature_scale.assign(static_cast<std::size_t>(features), 1e-3);
    RandomSequence random(7, Stream::test, e);
    Index inputs = features;
    for (const Index outputs : {Index{8}, Index{1}}) {
      Layer layer{.inputs = inputs,
                  .outputs = outputs,
                  .activation = outputs == 1 ? Activation::identity : Activation::tanh,
                  .weights = {},
                  .bias = {}};
      for (Index k = 0; k < inputs * outputs; ++k)
        layer.weights.push_back(1e-3 * random.normal() / std::sqrt(static_cast<double>(inputs)));
      layer.bias.assign(static_cast<std::size_t>(outputs), 0.0);
      element.network.layers.push_back(layer);
      inputs = outputs;
    }
  }
  return model;
}

}  // namespace haven::testing
