#pragma once
#include <cstddef>
#include <vector>

#include "potentials/descriptor.hpp"

namespace haven::training {

enum class RadialMode {
  table,  ///< quintic Hermite segments; error below 1e-7 (float) or 1e-12 (double) of the largest value
  exact,  ///< the closed form at every call: slow, for comparisons
};

/// Several radial functions on [0, cutoff], evaluated together.
template <class T>
class RadialTable {
 public:
  RadialTable() = default;
  RadialTable(std::vector<RadialFunction> functions, double cutoff, RadialMode mode);

  [[nodiscard]] std::size_t functions() const { return functions_.size(); }
  /// Functions padded to whole vectors: the room that values and slopes need.
  [[nodiscard]] std::size_t stride() const { return stride_; }
  [[nodiscard]] RadialMode mode() const { return mode_; }
  /// Closed forms and their slopes; padding entries become 0.
  void evaluate_exact(T r, T* value, T* slope) const;
  /// Polynomial of the segment that holds r, for RadialMode::table: value_k = sum_n c[n * stride() + k] t^n and
  /// slope_k = inverse_step * d(value_k)/dt, n = 0..5.
  struct Segment {
    const T* c;
    T t, inverse_step;
  };
  [[nodiscard]] Segment segment(T r) const {
    const T x = r * inverse_step_;
    const auto found = static_cast<std::size_t>(x);
    const std::size_t index = found < segments_ ? found : segments_ - 1;
    return {coefficients_.data() + index * 6 * stride_, x - static_cast<T>(index), inverse_step_};
  }

 private:
  void fill(std::size_t segments);
  [[nodiscard]] double worst_error() const;  ///< half-way between knots, relative to each function's largest value

  std::vector<RadialFunction> functions_;
  double cutoff_ = 0;
  RadialMode mode_ = RadialMode::table;
  std::size_t stride_ = 0, segments_ = 0;
  T inverse_step_ = 0;
  std::vector<T> coefficients_;  ///< [segment][power][function]
};

extern template class RadialTable<float>;
extern template class RadialTable<double>;

}  // namespace haven::training
