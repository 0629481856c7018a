#include "training/radial_table.hpp"

#include <algorithm>
#include <cmath>
#include <type_traits>

#include "core/error.hpp"

namespace haven::training {
namespace {

constexpr std::size_t vector_entries = 16;  // floats of the widest vector
constexpr std::size_t most_segments = std::size_t{1} << 14;

}  // namespace

template <class T>
RadialTable<T>::RadialTable(std::vector<RadialFunction> functions, double cutoff, RadialMode mode)
    : functions_(std::move(functions)), cutoff_(cutoff), mode_(mode) {
  stride_ = (functions_.size() + vector_entries - 1) / vector_entries * vector_entries;
  if (mode_ == RadialMode::exact || functions_.empty()) return;
  constexpr double tolerance = std::is_same_v<T, float> ? 1e-7 : 1e-12;
  // Coefficients are formed in double; only their storage is T. The bound is on the segment's shape, not on the
  // rounding.
  for (std::size_t segments = 64; segments <= most_segments; segments *= 2) {
    fill(segments);
    if (worst_error() <= tolerance) return;
  }
}

template <class T>
void RadialTable<T>::fill(std::size_t segments) {
  segments_ = segments;
  const double h = cutoff_ / static_cast<double>(segments);
  inverse_step_ = static_cast<T>(1.0 / h);
  coefficients_.assign(segments * 6 * stride_, T(0));
  for (std::size_t k = 0; k < functions_.size(); ++k)
    for (std::size_t s = 0; s < segments; ++s) {
      const RadialValue a = functions_[k](h * static_cast<double>(s));
      const RadialValue b = functions_[k](h * static_cast<double>(s + 1));
      const double rise = b.value - a.value - h * (a.slope + 0.5 * h * a.curvature);
      const double bend = h * (b.slope - a.slope - h * a.curvature), twist = h * h * (b.curvature - a.curvature);
      const double c[6] = {a.value,
                           h * a.slope,
                           0.5 * h * h * a.curvature,
                           10 * rise - 4 * bend + 0.5 * twist,
                           -15 * rise + 7 * bend - twist,
                           6 * rise - 3 * bend + 0.5 * twist};
      for (std::size_t power = 0; power < 6; ++power)
        coefficients_[(s * 6 + power) * stride_ + k] = static_cast<T>(c[power]);
    }
}

template <class T>
double RadialTable<T>::worst_error() const {
  const double h = cutoff_ / static_cast<double>(segments_);
  double worst = 0;
  for (const RadialFunction& function : functions_) {
    double largest = 0, error = 0;
    for (std::size_t s = 0; s < segments_; ++s) {
      const double left = h * static_cast<double>(s);
      const RadialValue a = function(left), b = function(left + h);
      const RadialValue exact = function(left + 0.5 * h);
      const double middle =
          0.5 * (a.value + b.value) + h * 5.0 / 32 * (a.slope - b.slope) + h * h / 64 * (a.curvature + b.curvature);
      largest = std::max({largest, std::abs(a.value), std::abs(exact.value)});
      error = std::max(error, std::abs(middle - exact.value));
    }
    if (largest > 0) worst = std::max(worst, error / largest);
  }
  return worst;
}

template <class T>
void RadialTable<T>::evaluate_exact(T r, T* value, T* slope) const {
  std::fill_n(value, stride_, T(0));
  std::fill_n(slope, stride_, T(0));
  for (std::size_t k = 0; k < functions_.size(); ++k) {
    const RadialValue v = functions_[k](static_cast<double>(r));
    value[k] = static_cast<T>(v.value);
    slope[k] = static_cast<T>(v.slope);
  }
}

template class RadialTable<float>;
template class RadialTable<double>;

}  // namespace haven::training
