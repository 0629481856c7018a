#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "core/types.hpp"
#include "training/kronecker_basis.hpp"
#include "training/training_api.hpp"

namespace haven::training {

/// AdamW (Kingma & Ba 2015; Loshchilov & Hutter 2019) on the flat parameter vector, in the slowly turning bases of its
/// matrices (see KroneckerBasis; together SOAP, Vyas et al. 2024), with clipping relative to the running gradient norm
/// and an exponential moving average of the parameters. In the plain basis the steps along stiff directions of the loss
/// are far too small: features that differ little from atom to atom are strongly correlated. Everything is double and
/// in a fixed order.
struct Optimiser {
  struct Options {
    double weight_decay = 0, average_decay = 0.999, gradient_clip = 3;
  };

  std::vector<double> parameters, average;  ///< `average` is what is validated and exported
  std::vector<double> first, second;        ///< moments of the gradient, in the bases
  std::vector<KroneckerBasis> bases;        ///< parameters outside all of them keep the plain one
  Index step = 0;
  double gradient_norm = 0;  ///< running mean

  Optimiser() = default;
  explicit Optimiser(std::vector<double> initial, std::span<const MatrixBlock> blocks = {});
  /// One step. @param mask 1 where weight decay applies
  void update(std::span<const double> gradient, double learning_rate, std::span<const std::uint8_t> mask,
              const Options& options);
  /// An estimate of the inverse Hessian times a gradient: divided by the second moments, bounded from below, in the
  /// bases. Gradients of small batches scatter in proportion to the curvature.
  [[nodiscard]] std::vector<double> precondition(std::span<const double> gradient) const;

 private:
  /// The running norm, and the factor that keeps this gradient within the clipping ratio.
  double clipping_factor(std::span<const double> gradient, double ratio);
  void to_bases(std::span<double> flat) const;
  void from_bases(std::span<double> flat) const;
};

/// Learning rate at a step: a linear ramp over the warm-up times the decay from start to end with `progress` in [0, 1].
[[nodiscard]] double learning_rate(const TrainOptions& options, Index step, double progress);
/// Weight of the energy term: from start to end, geometrically in the fraction of the logarithmic decay gone by.
[[nodiscard]] double energy_weight(double start, double end, double progress);

}  // namespace haven::training
