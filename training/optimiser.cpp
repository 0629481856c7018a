#include "training/optimiser.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

namespace haven::training {

Optimiser::Optimiser(std::vector<double> initial, std::span<const MatrixBlock> blocks)
    : parameters(std::move(initial)),
      average(parameters),
      first(parameters.size(), 0.0),
      second(parameters.size(), 0.0) {
  for (const MatrixBlock& block : blocks) bases.emplace_back(block);
}

double Optimiser::clipping_factor(std::span<const double> gradient, double ratio) {
  constexpr double norm_decay = 0.98;
  constexpr Index first_clipped = 20;
  double squares = 0;
  for (const double g : gradient) squares += g * g;
  const double norm = std::sqrt(squares);
  const bool clip = ratio > 0 && step > first_clipped && norm > ratio * gradient_norm;
  const double factor = clip ? ratio * gradient_norm / norm : 1.0;
  gradient_norm = step == 1 ? norm : norm_decay * gradient_norm + (1 - norm_decay) * norm * factor;
  return factor;
}

void Optimiser::to_bases(std::span<double> flat) const {
  for (const KroneckerBasis& basis : bases) scatter(basis.block, basis.to_basis(gather(basis.block, flat)), flat);
}

void Optimiser::from_bases(std::span<double> flat) const {
  for (const KroneckerBasis& basis : bases) scatter(basis.block, basis.from_basis(gather(basis.block, flat)), flat);
}

void Optimiser::update(std::span<const double> gradient, double rate, std::span<const std::uint8_t> mask,
                       const Options& options) {
  constexpr double beta1 = 0.95, beta2 = 0.95, relative_floor = 1e-6;  // of the largest root mean square
  constexpr Index turn_interval = 10;
  ++step;
  const double factor = clipping_factor(gradient, options.gradient_clip);
  std::vector<double> change(gradient.begin(), gradient.end());
  for (double& g : change) g *= factor;
  for (KroneckerBasis& basis : bases) {
    basis.observe(gather(basis.block, change));
    if (step >= turn_interval && step % turn_interval != 0) continue;
    std::vector<double> momentum = gather(basis.block, first);
    basis.turn(momentum);
    scatter(basis.block, momentum, first);
  }
  to_bases(change);

  const double steps = static_cast<double>(step);
  const double size = rate / (1 - std::pow(beta1, steps)), correction = 1.0 / (1 - std::pow(beta2, steps));
  double largest = 0;
  for (std::size_t k = 0; k < change.size(); ++k) {
    first[k] = beta1 * first[k] + (1 - beta1) * change[k];
    second[k] = beta2 * second[k] + (1 - beta2) * change[k] * change[k];
    largest = std::max(largest, second[k]);
  }
  const double epsilon = relative_floor * std::sqrt(largest * correction) + std::numeric_limits<double>::min();
  for (std::size_t k = 0; k < change.size(); ++k)
    change[k] = size * first[k] / (std::sqrt(second[k] * correction) + epsilon);
  from_bases(change);
  const double keep = std::min(options.average_decay, (1 + steps) / (10 + steps));
  for (std::size_t k = 0; k < parameters.size(); ++k) {
    const double decay = mask[k] != 0 ? rate * options.weight_decay * parameters[k] : 0.0;
    parameters[k] -= change[k] + decay;
    average[k] = keep * average[k] + (1 - keep) * parameters[k];
  }
}

std::vector<double> Optimiser::precondition(std::span<const double> gradient) const {
  constexpr double relative_floor = 1e-8;
  const double floor = relative_floor * *std::max_element(second.begin(), second.end());
  std::vector<double> x(gradient.begin(), gradient.end());
  to_bases(x);
  for (std::size_t k = 0; k < x.size(); ++k) x[k] /= second[k] + floor;
  from_bases(x);
  return x;
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
