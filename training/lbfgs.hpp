#pragma once
#include <deque>
#include <functional>
#include <span>
#include <vector>

namespace haven::training {

/// Directions of the limited-memory BFGS method (Nocedal & Wright, Numerical Optimization, algorithm 7.4) from a
/// given initial matrix. Everything is double and in a fixed
/// order.
class LimitedMemoryBfgs {
 public:
  /// The initial inverse Hessian times a vector; symmetric and positive definite.
  using InitialMatrix = std::function<std::vector<double>(std::span<const double>)>;
  explicit LimitedMemoryBfgs(InitialMatrix initial) : initial_(std::move(initial)) {}

  /// -H g, a direction of descent.
  [[nodiscard]] std::vector<double> direction(std::span<const double> gradient) const;
  /// Learns from a step and the change of the gradient over it; pairs without positive curvature are left out.
  void learn(std::vector<double> step, std::vector<double> change);

 private:
  struct Pair {
    std::vector<double> step, change;
    double inverse_curvature = 0;  // 1 / (step . change)
  };
  InitialMatrix initial_;
  std::deque<Pair> pairs_;
  double scale_ = 1;
};

}  // namespace haven::training
