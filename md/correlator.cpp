#include "md/correlator.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/error.hpp"

namespace haven {

DisplacementCorrelator::DisplacementCorrelator(std::vector<Index> tracers) : tracers_(std::move(tracers)) {
  levels_.push_back(new_level());
}

std::size_t DisplacementCorrelator::width() const {
  return static_cast<std::size_t>(std::accumulate(tracers_.begin(), tracers_.end(), Index{0})) + n_elements();
}

std::size_t DisplacementCorrelator::pair(std::size_t a, std::size_t b) const {
  const auto [low, high] = std::minmax(a, b);
  return n_elements() + high * (high + 1) / 2 + low;
}

DisplacementCorrelator::Level DisplacementCorrelator::new_level() const {
  Level level;
  level.sums.assign(points, std::vector<double>(n_sums(), 0.0));
  return level;
}

void DisplacementCorrelator::correlate(const std::vector<Vec3>& now, const std::vector<Vec3>& then,
                                       std::vector<double>& sums) const {
  std::size_t at = 0;
  for (std::size_t e = 0; e < n_elements(); ++e) {
    double sum = 0;
    for (Index i = 0; i < tracers_[e]; ++i, ++at) sum += norm2(now[at] - then[at]);
    sums[e] += sum;
  }
  for (std::size_t b = 0; b < n_elements(); ++b)
    for (std::size_t a = 0; a <= b; ++a)
      sums[pair(a, b)] += dot(now[at + a] - then[at + a], now[at + b] - then[at + b]);
}

void DisplacementCorrelator::add_to(Level& level, std::size_t least, const std::vector<Vec3>& sample) const {
  for (std::size_t k = least; k <= level.ring.size(); ++k) {
    correlate(sample, level.ring[level.ring.size() - k], level.sums[k - 1]);
    ++level.origins[k - 1];
  }
  if (level.ring.size() == points) level.ring.erase(level.ring.begin());
  level.ring.push_back(sample);
}

void DisplacementCorrelator::add(std::span<const Vec3> tracers, std::span<const Vec3> collective) {
  std::vector<Vec3> sample(tracers.begin(), tracers.end());
  sample.insert(sample.end(), collective.begin(), collective.end());
  HAVEN_ASSERT(collective.size() == n_elements() && sample.size() == width());
  if (levels_.back().ring.size() == points) {  // before the first sample leaves the top level, the next one takes over
    Level next = new_level();
    for (std::size_t k = 0; k < points; k += 2) next.ring.push_back(levels_.back().ring[k]);
    levels_.push_back(std::move(next));
  }
  Index stride = 1;
  for (std::size_t l = 0; l < levels_.size() && samples_ % stride == 0; ++l, stride *= 2)
    add_to(levels_[l], l == 0 ? 1 : points / 2 + 1, sample);
  ++samples_;
}

/// Calls value(lag, level, k - 1) for all lags that have an origin.
template <class Value>
void DisplacementCorrelator::for_each_lag(const Value& value) const {
  Index stride = 1;
  for (const Level& level : levels_) {
    for (std::size_t k = 1; k <= points; ++k)
      if (level.origins[k - 1] > 0) value(static_cast<Index>(k) * stride, level, k - 1);
    stride *= 2;
  }
}

std::vector<Index> DisplacementCorrelator::lags() const {
  std::vector<Index> lags;
  for_each_lag([&](Index lag, const Level&, std::size_t) { lags.push_back(lag); });
  return lags;
}

std::vector<Index> DisplacementCorrelator::origins() const {
  std::vector<Index> origins;
  for_each_lag([&](Index, const Level& level, std::size_t k) { origins.push_back(level.origins[k]); });
  return origins;
}

std::vector<double> DisplacementCorrelator::tracer(std::size_t element) const {
  std::vector<double> msd;
  for_each_lag([&](Index, const Level& level, std::size_t k) {
    msd.push_back(level.sums[k][element] / static_cast<double>(level.origins[k] * tracers_[element]));
  });
  return msd;
}

std::vector<double> DisplacementCorrelator::collective(std::size_t a, std::size_t b) const {
  std::vector<double> values;
  for_each_lag([&](Index, const Level& level, std::size_t k) {
    values.push_back(level.sums[k][pair(a, b)] / static_cast<double>(level.origins[k]));
  });
  return values;
}

std::vector<double> DisplacementCorrelator::state() const {
  std::vector<double> values{static_cast<double>(samples_), static_cast<double>(levels_.size())};
  for (const Level& level : levels_) {
    values.push_back(static_cast<double>(level.ring.size()));
    for (const auto& sample : level.ring)
      for (const Vec3& r : sample) values.insert(values.end(), {r.x, r.y, r.z});
    for (std::size_t k = 0; k < points; ++k) {
      values.push_back(static_cast<double>(level.origins[k]));
      values.insert(values.end(), level.sums[k].begin(), level.sums[k].end());
    }
  }
  return values;
}

void DisplacementCorrelator::restore(std::span<const double> state) {
  const auto take = [&] {
    if (state.empty())
      throw InputError("the state of the displacement correlators is not complete", "checkpoint",
                       "It was written for other elements: start the run anew.");
    const double value = state.front();
    state = state.subspan(1);
    return value;
  };
  const auto take_count = [&](double most) {
    const double value = take();
    if (!(value >= 0 && value <= most && value == std::floor(value)))
      throw InputError("the state of the displacement correlators is not one", "checkpoint",
                       "It was written by another version: start the run anew.");
    return static_cast<std::size_t>(value);
  };
  samples_ = static_cast<Index>(take_count(1e15));
  levels_.assign(take_count(64), new_level());
  for (Level& level : levels_) {
    level.ring.resize(take_count(static_cast<double>(points)));
    for (auto& sample : level.ring) {
      sample.resize(width());
      for (Vec3& r : sample) r.x = take(), r.y = take(), r.z = take();
    }
    for (std::size_t k = 0; k < points; ++k) {
      level.origins[k] = static_cast<Index>(take_count(1e15));
      for (double& sum : level.sums[k]) sum = take();
    }
  }
  if (!state.empty() || levels_.empty())
    throw InputError("the state of the displacement correlators has another size", "checkpoint",
                     "It was written for other elements: start the run anew.");
}

}  // namespace haven
