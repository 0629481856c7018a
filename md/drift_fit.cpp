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
  span_ = t;
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
  if (state.size() != 9)
    throw InputError("the checkpoint's energy drift record has the wrong size", "checkpoint",
                     "The file was written by another version of Haven: start the run anew.");
  n_ = state[0], t0_ = state[1], v0_ = state[2], t_ = state[3];
  tt_ = state[4], v_ = state[5], tv_ = state[6], vv_ = state[7], span_ = state[8];
}

void TrendTest::add(double value) {
  if (empty_) first_ = value;
  empty_ = false;
  sum_ += value - first_;
  count_ += 1;
  if (count_ < length_) return;
  means_.push_back(sum_ / length_);
  sum_ = count_ = 0;
  if (means_.size() < most_stretches) return;
  for (std::size_t k = 0; k < most_stretches / 2; ++k) means_[k] = 0.5 * (means_[2 * k] + means_[2 * k + 1]);
  means_.resize(most_stretches / 2);
  length_ *= 2;
}

double TrendTest::significance() const {
  constexpr std::size_t least_stretches = 8;
  if (means_.size() < least_stretches) return 0;
  const auto n = static_cast<double>(means_.size() - 1);
  const double mean = (means_.back() - means_.front()) / n;
  double squares = 0;
  for (std::size_t k = 1; k < means_.size(); ++k) squares += std::pow(means_[k] - means_[k - 1] - mean, 2);
  if (mean == 0) return 0;
  return mean / std::sqrt(squares / (n - 1) / n);  // infinite for a perfect line
}

std::vector<double> TrendTest::state() const {
  std::vector<double> state{empty_ ? 1.0 : 0.0, first_, length_, count_, sum_};
  state.insert(state.end(), means_.begin(), means_.end());
  return state;
}

void TrendTest::restore(const std::vector<double>& state) {
  if (state.size() < 5 || state.size() >= 5 + most_stretches)
    throw InputError("the checkpoint's record of the energy's trend has the wrong size", "checkpoint",
                     "The file was written by another version of Haven: start the run anew.");
  empty_ = state[0] != 0;
  first_ = state[1], length_ = state[2], count_ = state[3], sum_ = state[4];
  means_.assign(state.begin() + 5, state.end());
}

}  // namespace haven
