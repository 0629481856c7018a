#include "training/embedding.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/error.hpp"
#include "potentials/structure_evaluation.hpp"
#include "training/edges.hpp"

namespace haven::training {
namespace {

std::size_t at(Index k) { return static_cast<std::size_t>(k); }

bool has_embedding(const Model& model) { return model.kind == "deeppot-se" || model.kind == "deeppot-se-r"; }

/// Mixing is [channels][elements][nodes]: copies the part of one neighbour element out of it, or into it.
template <class From, class To>
void copy_part(From from, Index from_stride, To to, Index to_stride, std::pair<Index, Index> shape) {
  for (Index c = 0; c < shape.first; ++c) std::copy_n(from + c * from_stride, shape.second, to + c * to_stride);
}

}  // namespace

EmbeddingMap::EmbeddingMap(const Model& model, const ParameterLayout& evaluator)
    : embedding_(radial_embedding(model)), evaluator_(evaluator) {
  trained_.mixing_name = "embedding";
  const auto elements = static_cast<Index>(evaluator.elements.size());
  for (std::size_t a = 0; a < evaluator.elements.size(); ++a) {
    const ElementSlice& from = evaluator.elements[a];
    HAVEN_ASSERT(from.mixing >= 0 && from.channels == embedding_.net().channels() &&
                 from.primitives == elements * embedding_.nodes());
    const Index rest = from.mixing + from.channels * from.primitives;
    const Index end = a + 1 < evaluator.elements.size() ? evaluator.elements[a + 1].mixing : evaluator.size;
    ElementSlice slice{.mixing = trained_.size,
                       .channels = elements,
                       .primitives = embedding_.net().parameters(),
                       .layers = from.layers};
    const Index own_rest = slice.mixing + slice.channels * slice.primitives;
    for (LayerSlice& layer : slice.layers) {
      layer.weights += own_rest - rest;
      layer.bias += own_rest - rest;
    }
    rest_.push_back({.trained = own_rest, .evaluator = rest, .size = end - rest});
    trained_.size = own_rest + end - rest;
    trained_.elements.push_back(std::move(slice));
  }
  // Linear paths lie behind all elements, in the rest of the last one.
  for (std::size_t a = 0; a < evaluator.elements.size(); ++a)
    if (evaluator.elements[a].linear >= 0)
      trained_.elements[a].linear = evaluator.elements[a].linear + trained_.size - evaluator.size;
}

std::span<const double> EmbeddingMap::net_of(std::span<const double> trained, std::size_t a, Index b) const {
  const ElementSlice& slice = trained_.elements[a];
  return trained.subspan(at(slice.mixing + b * slice.primitives), at(slice.primitives));
}

std::vector<double> EmbeddingMap::initial(const Model& model, std::span<const double> evaluator) const {
  std::vector<double> values(at(trained_.size));
  for (std::size_t a = 0; a < rest_.size(); ++a) {
    const Array& nets = model.parameters.at(fmt::format("embedding_{}", a));
    std::copy(nets.values.begin(), nets.values.end(), values.begin() + trained_.elements[a].mixing);
    std::copy_n(evaluator.begin() + rest_[a].evaluator, rest_[a].size, values.begin() + rest_[a].trained);
  }
  return values;
}

void EmbeddingMap::expand(std::span<const double> trained, std::span<double> evaluator) const {
  HAVEN_ASSERT(trained.size() == at(trained_.size) && evaluator.size() == at(evaluator_.size));
  const Index nodes = embedding_.nodes();
  for (std::size_t a = 0; a < rest_.size(); ++a) {
    const ElementSlice& to = evaluator_.elements[a];
    for (Index b = 0; b < trained_.elements[a].channels; ++b) {
      const std::vector<double> mixing = embedding_.coefficients(net_of(trained, a, b));
      copy_part(mixing.begin(), nodes, evaluator.begin() + to.mixing + b * nodes, to.primitives, {to.channels, nodes});
    }
    std::copy_n(trained.begin() + rest_[a].trained, rest_[a].size, evaluator.begin() + rest_[a].evaluator);
  }
}

void EmbeddingMap::pull_back(std::span<const double> trained, std::span<const double> evaluator_gradient,
                             std::span<double> gradient) const {
  HAVEN_ASSERT(gradient.size() == at(trained_.size) && evaluator_gradient.size() == at(evaluator_.size));
  const Index nodes = embedding_.nodes();
  std::fill(gradient.begin(), gradient.end(), 0.0);
  for (std::size_t a = 0; a < rest_.size(); ++a) {
    const ElementSlice &from = evaluator_.elements[a], &to = trained_.elements[a];
    std::vector<double> part(at(from.channels * nodes));
    for (Index b = 0; b < to.channels; ++b) {
      copy_part(evaluator_gradient.begin() + from.mixing + b * nodes, from.primitives, part.begin(), nodes,
                {from.channels, nodes});
      embedding_.add_gradient(net_of(trained, a, b), part,
                              gradient.subspan(at(to.mixing + b * to.primitives), at(to.primitives)));
    }
    std::copy_n(evaluator_gradient.begin() + rest_[a].evaluator, rest_[a].size, gradient.begin() + rest_[a].trained);
  }
}

std::optional<EmbeddingMap> make_embedding_map(const Model& model, const ParameterLayout& evaluator) {
  if (!has_embedding(model)) return std::nullopt;
  return EmbeddingMap(model, evaluator);
}

Model new_model_for(const DescriptorOptions& options, const std::vector<int>& elements, std::span<const Frame> frames,
                    std::uint64_t seed) {
  constexpr std::size_t most_frames = 200;
  Model model = new_model(options, elements, seed);
  if (!has_embedding(model)) return model;
  double smallest = std::numeric_limits<double>::infinity();
  const std::size_t stride = (frames.size() + most_frames - 1) / most_frames;
  for (std::size_t f = 0; f < frames.size(); f += stride) {
    const Structure& structure = frames[f].structure;
    const std::vector<int> species = species_indices(structure.numbers, elements);
    smallest = std::min(
        smallest,
        find_edges<float>(structure, species, static_cast<Index>(elements.size()), model.cutoff).minimum_distance);
  }
  if (std::isfinite(smallest)) set_deeppot_core(model, smallest);
  return model;
}

}  // namespace haven::training
