#pragma once
#include <optional>
#include <span>
#include <vector>

#include "core/structure.hpp"
#include "potentials/lowerings/deeppot_se.hpp"
#include "training/parameters.hpp"

namespace haven::training {

/// Training of DeepPot-SE: the optimiser moves the numbers of embedding nets and fitting nets, evaluators see the
/// radial mixing that the embedding nets give. The mixing is formed once per step and its gradient carried back once
/// per step, both in double and the same on every rank, so that the sweeps over neighbours are those of any model with
/// trainable mixing.
class EmbeddingMap {
 public:
  /// @param evaluator  layout of make_parameter_layout() for the model's descriptor
  EmbeddingMap(const Model& model, const ParameterLayout& evaluator);

  /// Layout of what the optimiser moves: in the place of each mixing the nets of that centre, [elements][numbers].
  [[nodiscard]] const ParameterLayout& trained() const { return trained_; }
  /// Initial values: the model's nets, and what `evaluator` holds besides the mixing.
  [[nodiscard]] std::vector<double> initial(const Model& model, std::span<const double> evaluator) const;
  /// Evaluator parameters.
  void expand(std::span<const double> trained, std::span<double> evaluator) const;
  /// The gradient with respect to trained numbers from that with respect to evaluator parameters.
  void pull_back(std::span<const double> trained, std::span<const double> evaluator_gradient,
                 std::span<double> gradient) const;

 private:
  /// Fitting nets of an element: `size` numbers from these offsets on.
  struct Rest {
    Index trained = 0, evaluator = 0, size = 0;
  };
  [[nodiscard]] std::span<const double> net_of(std::span<const double> trained, std::size_t a, Index b) const;

  RadialEmbedding embedding_;
  ParameterLayout evaluator_, trained_;
  std::vector<Rest> rest_;  // per element
};

/// Nothing for kinds without embedding nets.
[[nodiscard]] std::optional<EmbeddingMap> make_embedding_map(const Model& model, const ParameterLayout& evaluator);

/// new_model() made ready for these frames: the core of a DeepPot-SE model goes below the smallest distance in (up to
/// 200 of) them.
[[nodiscard]] Model new_model_for(const DescriptorOptions& options, const std::vector<int>& elements,
                                  std::span<const Frame> frames, std::uint64_t seed);

}  // namespace haven::training
