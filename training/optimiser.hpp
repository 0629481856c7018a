#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "core/types.hpp"
#include "training/training_api.hpp"

namespace haven::training {

/// AdamW (Kingma & Ba 2015; Loshchilov & Hutter 2019) on the flat parameter vector, with clipping relative to the
/// running gradient norm and an exponential moving average of the parameters. Everything is double and in a fixed
/// order.
struct Optimiser {
  struct Options {
    double weight_decay = 0, average_decay = 0.999, gradient_clip = 3;
  };

  std::vector<double> parameters, first, second, average;  ///< `average` is what is validated and exported
  Index step = 0;
  double gradient_norm = 0;  ///< running mean

  Optimiser() = default;
  explicit Optimiser(std::vector<double> initial);
  /// One step. @param mask 1 where weight decay applies
  void update(std::span<const double> gradient, double learning_rate, std::span<const std::uint8_t> mask,
              const Options& options);
};

/// Learning rate at a step: a linear ramp over the warm-up times the decay from start to end with `progress` in [0, 1].
[[nodiscard]] double learning_rate(const TrainOptions& options, Index step, double progress);
/// Weight of the energy term: from start to end, geometrically in the fraction of the logarithmic decay gone by.
[[nodiscard]] double energy_weight(double start, double end, double progress);

}  // namespace haven::training
