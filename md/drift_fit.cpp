#include "md/drift_fit.hpp"

#include <algorithm>
#include <cmath>

#include "core/error.hpp"

namespace haven {

void DriftFit::add(double time, double value) {
  if (n_ == 0) {
    t0_ = time;
    v0_ = value;
  }
  const double t = time - t0_, v = value - v0_;
  n_ += 1;
  t_ += t;
  tt_ += t * t;
  v_ += v;
  tv_ += t * v;
  vv_ += v * v;
}

double DriftFit::slope() const {
  const double spread = n_ * tt_ - t_ * t_;
  return n_ < 2 || spread <= 0 ? 0 : (n_ * tv_ - t_ * v_) / spread;
}

double DriftFit::slope_error() const {
  const double spread = tt_ - t_ * t_ / n_;
  if (n_ < 3 || spread <= 0) return 0;
  const double s = slope(), residual = (vv_ - v_ * v_ / n_) - s * s * spread;
  return std::sqrt(std::max(0.0, residual) / (n_ - 2) / spread);
}

void DriftFit::restore(const std::vector<double>& state) {
  if (state.size() != 8)
    throw InputError("the checkpoint's energy drift record has the wrong size", "checkpoint",
                     "The file was written by another version of Haven: start the run anew.");
  n_ = state[0], t0_ = state[1], v0_ = state[2], t_ = state[3];
  tt_ = state[4], v_ = state[5], tv_ = state[6], vv_ = state[7];
}

}  // namespace haven
