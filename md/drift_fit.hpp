#pragma once
#include <vector>

#include "core/types.hpp"

namespace haven {

/// Straight line through points that arrive one by one, with the standard error of its slope.
class DriftFit {
 public:
  void add(double time, double value);
  [[nodiscard]] Index count() const { return static_cast<Index>(n_); }
  [[nodiscard]] double span() const { return span_; }  ///< time from the first to the last point
  [[nodiscard]] double slope() const;                  ///< 0 below two points
  [[nodiscard]] double slope_error() const;            ///< from the residuals; 0 below three points
  [[nodiscard]] std::vector<double> state() const { return {n_, t0_, v0_, t_, tt_, v_, tv_, vv_, span_}; }
  /// Inverse of state(). @throws InputError for another number of values.
  void restore(const std::vector<double>& state);

 private:
  double n_ = 0, t0_ = 0, v0_ = 0, t_ = 0, tt_ = 0, v_ = 0, tv_ = 0, vv_ = 0,
         span_ = 0;  // sums relative to the first point
};

/// Is the change of a series a drift, or may it be a random walk? Means of consecutive stretches of equal length, at
/// most 32 of them whatever the length of the series. Increments between stretches are independent for a random walk,
/// as rounding errors make, and anticorrelated for noise about a constant: their mean over its standard error is a fair
/// measure in the first case and a cautious one in the second.
class TrendTest {
 public:
  void add(double value);
  /// Student's t of the mean increment, with its sign; 0 below eight stretches.
  [[nodiscard]] double significance() const;
  [[nodiscard]] std::vector<double> state() const;
  /// Inverse of state(). @throws InputError when the values are not a state.
  void restore(const std::vector<double>& state);

 private:
  static constexpr std::size_t most_stretches = 32;
  double first_ = 0;            // values are relative to the first
  double length_ = 1;           // values per stretch
  double count_ = 0, sum_ = 0;  // of the stretch that is not complete
  std::vector<double> means_;   // of the complete ones
  bool empty_ = true;
};

}  // namespace haven
