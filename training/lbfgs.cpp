#include "training/lbfgs.hpp"

#include <numeric>

namespace haven::training {
namespace {

constexpr std::size_t most_pairs = 30;

double dot(std::span<const double> a, std::span<const double> b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

void add(double factor, std::span<const double> x, std::span<double> y) {
  for (std::size_t k = 0; k < y.size(); ++k) y[k] += factor * x[k];
}

}  // namespace

std::vector<double> LimitedMemoryBfgs::direction(std::span<const double> gradient) const {
  std::vector<double> q(gradient.begin(), gradient.end()), weights;
  for (auto pair = pairs_.rbegin(); pair != pairs_.rend(); ++pair) {
    weights.push_back(pair->inverse_curvature * dot(pair->step, q));
    add(-weights.back(), pair->change, q);
  }
  q = initial_(q);
  for (double& value : q) value *= scale_;
  for (const Pair& pair : pairs_) {
    add(weights.back() - pair.inverse_curvature * dot(pair.change, q), pair.step, q);
    weights.pop_back();
  }
  for (double& value : q) value = -value;
  return q;
}

void LimitedMemoryBfgs::learn(std::vector<double> step, std::vector<double> change) {
  constexpr double least_cosine_squared = 1e-16;
  const double curvature = dot(step, change);
  if (curvature <= 0 || curvature * curvature <= least_cosine_squared * dot(step, step) * dot(change, change)) return;
  scale_ = curvature / dot(change, initial_(change));
  pairs_.push_back({.step = std::move(step), .change = std::move(change), .inverse_curvature = 1 / curvature});
  if (pairs_.size() > most_pairs) pairs_.pop_front();
}

}  // namespace haven::training
