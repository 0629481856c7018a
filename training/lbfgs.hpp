#pragma once
#include <deque>
#include <span>
#include <vector>

namespace haven::training {

/// Directions of the limited-memory BFGS method (Nocedal & Wright, Numerical Optimization, algorithm 7.4) with a
/// diagonal initial matrix, which takes care of parameters of different size. Everything is double and in a fixed
/// order.
class LimitedMemoryBfgs {
 public:
  /// @param diagonal  of the initial inverse Hessian, positive
  explicit LimitedMemoryBfgs(std::vector<double> diagonal) : diagonal_(std::move(diagonal)) {}

  /// -H g, a direction of descent.
  [[nodiscard]] std::vector<double> direction(std::span<const double> gradient) const;
  /// Learns from a step and the change of the gradient over it; pairs without positive curvature are left out.
  void learn(std::vector<double> step, std::vector<double> change);

 private:
  struct Pair {
    std::vector<double> step, change;
    double inverse_curvature = 0;  // 1 / (step . change)
  };
  std::vector<double> diagonal_;
  std::deque<Pair> pairs_;
  double scale_ = 1;
};

}  // namespace haven::training
