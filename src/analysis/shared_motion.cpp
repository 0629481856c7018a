#include "analysis/shared_motion.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "core/error.hpp"

namespace haven {
namespace {

constexpr Index most_segments = 512;
constexpr double most_products = 1e8;  ///< a tenth of a second of one core
constexpr Index fewest_sampled = 64;

/// Displacements over consecutive segments, [3 * ion + axis][segment].
std::vector<std::vector<double>> segments_of(const IonTracks& tracks, Index lag) {
  const Index count = std::min((tracks.n_frames - 1) / lag, most_segments);
  std::vector<std::vector<double>> steps;
  for (std::size_t ion = 0; ion < static_cast<std::size_t>(tracks.n_ions()); ++ion) {
    const IonPath path = tracks.ion(ion);
    for (std::size_t axis = 0; axis < 3; ++axis) {
      steps.emplace_back();
      for (Index k = 0; k < count; ++k)
        steps.back().push_back(path[axis][static_cast<std::size_t>((k + 1) * lag)] -
                               path[axis][static_cast<std::size_t>(k * lag)]);
    }
  }
  return steps;
}

double mean_product(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (std::size_t k = 0; k < a.size(); ++k) sum += a[k] * b[k];
  return sum / static_cast<double>(a.size());
}

struct Sums {
  double own = 0, shared = 0;  ///< sum of w_i^2 |C_ii|^2 and of w_i w_j |C_ij|^2
};

/// Ions i = 0, stride, 2 stride, ... with all others.
Sums pair_sums(const std::vector<std::vector<double>>& steps, std::span<const double> weights, std::size_t stride) {
  const std::size_t ions = steps.size() / 3;
  const auto n = static_cast<double>(steps[0].size());
  std::vector<double> variance;
  for (const std::vector<double>& one : steps) variance.push_back(mean_product(one, one));
  const auto weight = [&](std::size_t i) { return weights.empty() ? 1.0 : weights[i]; };
  Sums sums;
  for (std::size_t i = 0; i < ions; i += stride)
    for (std::size_t j = 0; j < ions; ++j)
      for (std::size_t a = 0; a < 3; ++a)
        for (std::size_t b = 0; b < 3; ++b) {
          const double by_chance = variance[3 * i + a] * variance[3 * j + b];
          if (i == j) {
            if (a == b) sums.own += weight(i) * weight(i) * by_chance;
            continue;
          }
          const double c = mean_product(steps[3 * i + a], steps[3 * j + b]);
          // E[c^2] = C^2 + (v_a v_b + C^2) / n
          sums.shared += weight(i) * weight(j) * (n * c * c - by_chance) / (n + 1.0);
        }
  return sums;
}

}  // namespace

double shared_motion_factor(const std::vector<IonTracks>& replicas, std::span<const double> weights, Index lag) {
  HAVEN_ASSERT(lag > 0);
  Sums sums;
  for (const IonTracks& tracks : replicas) {
    if (tracks.n_ions() < 2 || tracks.n_frames <= 2 * lag) continue;
    const auto steps = segments_of(tracks, lag);
    const double products = 9.0 * static_cast<double>(steps[0].size()) * static_cast<double>(tracks.n_ions());
    const Index sampled = std::max(fewest_sampled, static_cast<Index>(most_products / products));
    const Index stride = std::max<Index>(1, tracks.n_ions() / sampled);
    const Sums of_run = pair_sums(steps, weights, static_cast<std::size_t>(stride));
    sums.own += of_run.own, sums.shared += of_run.shared;
  }
  return sums.own > 0 ? std::sqrt(std::max(1.0, 1.0 + sums.shared / sums.own)) : 1.0;
}

}  // namespace haven
