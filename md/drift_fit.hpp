#pragma once
#include <vector>

#include "core/types.hpp"

namespace haven {

/// Straight line through points that arrive one by one, with the standard error of its slope.
class DriftFit {
 public:
  void add(double time, double value);
  [[nodiscard]] Index count() const { return static_cast<Index>(n_); }
  [[nodiscard]] double slope() const;        ///< 0 below two points
  [[nodiscard]] double slope_error() const;  ///< from the residuals; 0 below three points
  [[nodiscard]] std::vector<double> state() const { return {n_, t0_, v0_, t_, tt_, v_, tv_, vv_}; }
  /// Inverse of state(). @throws InputError for another number of values.
  void restore(const std::vector<double>& state);

 private:
  double n_ = 0, t0_ = 0, v0_ = 0, t_ = 0, tt_ = 0, v_ = 0, tv_ = 0, vv_ = 0;  // sums relative to the first point
};

}  // namespace haven
