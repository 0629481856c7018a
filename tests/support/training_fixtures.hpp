#pragma once
#include <string>
#include <vector>

#include "core/log.hpp"
#include "core/units.hpp"
#include "potentials/pair/lennard_jones.hpp"
#include "potentials/registry.hpp"
#include "potentials/structure_evaluation.hpp"
#include "support/structures.hpp"
#include "training/shard.hpp"
#include "training/training_api.hpp"

/// Made-up training sets and models for the tests of training.
namespace haven::testing {

/// A soft two-element Lennard-Jones mixture (Li, S): what the training tests learn.
inline std::unique_ptr<Potential> teacher() {
  const LennardJonesPair a{.epsilon = 0.06, .sigma = 1.9}, b{.epsilon = 0.10, .sigma = 2.0},
      c{.epsilon = 0.05, .sigma = 2.2};
  return make_lennard_jones({.elements = {3, 16}, .pairs = {a, b, b, c}, .cutoff = 4.0, .switch_start = 3.0});
}

/// `count` frames of 6 to 12 atoms, labelled with energy (an offset of -2 eV per Li and -4 eV per S), forces and
/// stress.
inline std::vector<Frame> labelled_frames(int count, std::uint64_t seed = 1) {
  const auto potential = teacher();
  std::vector<Frame> frames;
  for (int k = 0; k < count; ++k) {
    Frame frame;
    frame.structure = random_structure({.atoms = 6 + 2 * (k % 4),
                                        .elements = k % 3 == 0 ? std::vector<int>{3, 3, 16} : std::vector<int>{3, 16},
                                        .volume_per_atom = 16,
                                        .minimum_distance = 1.9,
                                        .seed = seed * 1000 + static_cast<std::uint64_t>(k)});
    const StructureEvaluation labels = evaluate_structure(*potential, frame.structure);
    double offset = 0;
    for (const int number : frame.structure.numbers) offset += number == 3 ? -2.0 : -4.0;
    frame.energy = labels.energy + offset;
    frame.forces = labels.forces;
    frame.stress = labels.stress;
    frame.group = k % 2 == 0 ? "even" : "odd";
    frames.push_back(std::move(frame));
  }
  return frames;
}

/// Quick settings: the fast preset with a short cut-off and one narrow layer.
inline TrainOptions quick_options() {
  TrainOptions options;
  options.descriptor = {.kind = "moment", .preset = "fast", .cutoff = 4.0};
  options.hidden_layers = {8};
  options.batch_atoms = 30;
  options.batch_frames = 4;
  options.max_epochs = 6;
  options.polish_iterations = 3;
  options.learning_rate_start = 5e-3;
  options.learning_rate_end = 1e-4;
  options.warm_up_steps = 5;
  options.average_decay = 0.9;
  options.valid_fraction = 0.2;
  options.threads = 1;
  options.shards = 4;
  return options;
}

/// What training needs to know of a model, with the model's own numbers as parameters.
struct TrainerView {
  Descriptor descriptor;
  training::ParameterLayout layout;
  std::vector<double> parameters;
  training::Normalisation normalisation;
};

inline TrainerView view_of(const Model& model) {
  TrainerView view{.descriptor = describe(model), .layout = {}, .parameters = {}, .normalisation = {}};
  std::vector<Index> hidden;
  const auto& layers = model.elements.front().network.layers;
  for (std::size_t k = 0; k + 1 < layers.size(); ++k) hidden.push_back(layers[k].outputs);
  view.layout = training::make_parameter_layout(view.descriptor, hidden, layers.front().activation);
  view.parameters.resize(static_cast<std::size_t>(view.layout.size));
  for (std::size_t a = 0; a < model.elements.size(); ++a) {
    const ModelElement& element = model.elements[a];
    const training::ElementSlice& slice = view.layout.elements[a];
    const auto put = [&](Index offset, const std::vector<double>& values) {
      std::copy(values.begin(), values.end(), view.parameters.begin() + offset);
    };
    if (slice.mixing >= 0) put(slice.mixing, view.descriptor.centres[a].mixing.values);
    for (std::size_t k = 0; k < slice.layers.size(); ++k) {
      put(slice.layers[k].weights, element.network.layers[k].weights);
      put(slice.layers[k].bias, element.network.layers[k].bias);
    }
    view.normalisation.elements.push_back(
        {.shift = element.feature_shift, .scale = element.feature_scale, .reference_energy = element.reference_energy});
  }
  return view;
}

/// One structure with its edges, ready for an evaluator.
template <class T>
struct PreparedFrame {
  std::vector<int> species;
  training::FrameEdges<T> edges;
  training::LabelledFrame<T> frame;

  PreparedFrame(const Structure& structure, const Model& model) {
    std::vector<int> elements;
    for (const ModelElement& element : model.elements) elements.push_back(element.number);
    species = species_indices(structure.numbers, elements);
    edges = training::find_edges<T>(structure, species, static_cast<Index>(elements.size()), model.cutoff);
    frame.edges = &edges;
    frame.species = species;
  }
  PreparedFrame(const PreparedFrame&) = delete;
  PreparedFrame& operator=(const PreparedFrame&) = delete;
};

}  // namespace haven::testing
