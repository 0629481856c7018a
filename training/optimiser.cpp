#include "training/optimiser.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace haven::training {

Optimiser::Optimiser(std::vector<double> initial)
    : parameters(std::move(initial)),
      first(parameters.size(), 0.0),
      second(parameters.size(), 0.0),
      average(parameters) {}

void Optimiser::update(std::span<const double> gradient, double rate, std::span<const std::uint8_t> mask,
                       const Options& options) {
  constexpr double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-12, norm_decay = 0.98;
  ++step;
  double squares = 0;
  for (const double g : gradient) squares += g * g;
  const double norm = std::sqrt(squares);
  const bool clip = options.gradient_clip > 0 && step > 20 && norm > options.gradient_clip * gradient_norm;
  const double factor = clip ? options.gradient_clip * gradient_norm / norm : 1.0;
  gradient_norm = step == 1 ? norm : norm_decay * gradient_norm + (1 - norm_decay) * norm * factor;

  const double steps = static_cast<double>(step);
  const double size = rate / (1 - std::pow(beta1, steps)), correction = 1.0 / std::sqrt(1 - std::pow(beta2, steps));
  const double keep = std::min(options.average_decay, (1 + steps) / (10 + steps));
  for (std::size_t k = 0; k < parameters.size(); ++k) {
    const double g = factor * gradient[k];
    first[k] = beta1 * first[k] + (1 - beta1) * g;
    second[k] = beta2 * second[k] + (1 - beta2) * g * g;
    const double decay = mask[k] != 0 ? rate * options.weight_decay * parameters[k] : 0.0;
    parameters[k] -= size * first[k] / (std::sqrt(second[k]) * correction + epsilon) + decay;
    average[k] = keep * average[k] + (1 - keep) * parameters[k];
  }
}

double learning_rate(const TrainOptions& options, Index step, double progress) {
  const double start = options.learning_rate_start, end = options.learning_rate_end;
  const double x = std::clamp(progress, 0.0, 1.0);
  const double ramp = options.warm_up_steps > 0
                          ? std::min(1.0, static_cast<double>(step + 1) / static_cast<double>(options.warm_up_steps))
                          : 1.0;
  const double decayed = options.schedule == TrainOptions::Schedule::cosine
                             ? end + 0.5 * (start - end) * (1 + std::cos(std::numbers::pi * x))
                             : start * std::pow(end / start, x);
  return ramp * decayed;
}

double energy_weight(double start, double end, double progress) {
  if (start <= 0 || end <= 0) return progress < 1 ? start : end;
  return start * std::pow(end / start, std::clamp(progress, 0.0, 1.0));
}

}  // namespace haven::training
