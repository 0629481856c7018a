#include "analysis/error_interval.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>

#include "analysis/distributions.hpp"
#include "core/rng.hpp"

namespace haven {
namespace {

constexpr std::size_t wanted_blocks = 20, most_units = 500;
constexpr std::uint64_t seed = 1;

/// Frames of each trajectory in order of time, trajectories in order of first appearance.
std::vector<std::vector<std::size_t>> trajectories_of(std::span<const FrameOrigin> frames) {
  std::vector<std::vector<std::size_t>> result;
  std::map<std::string, std::size_t> known;
  for (std::size_t f = 0; f < frames.size(); ++f) {
    std::size_t at = result.size();
    if (!frames[f].trajectory.empty()) at = known.try_emplace(frames[f].trajectory, at).first->second;
    if (at == result.size()) result.emplace_back();
    result[at].push_back(f);
  }
  for (auto& members : result)
    std::stable_sort(members.begin(), members.end(),
                     [&](std::size_t a, std::size_t b) { return frames[a].step < frames[b].step; });
  return result;
}

std::vector<std::vector<std::size_t>> blocks_of(const std::vector<std::vector<std::size_t>>& trajectories,
                                                std::size_t frames) {
  std::vector<std::vector<std::size_t>> result;
  for (const auto& members : trajectories) {
    const std::size_t wanted =
        std::clamp<std::size_t>((wanted_blocks * members.size() + frames - 1) / frames, 1, members.size());
    for (std::size_t b = 0; b < wanted; ++b)
      result.emplace_back(members.begin() + static_cast<std::ptrdiff_t>(b * members.size() / wanted),
                          members.begin() + static_cast<std::ptrdiff_t>((b + 1) * members.size() / wanted));
  }
  return result;
}

/// Labelled units, at most `most_units` of them: the k-th is added to number k modulo that.
std::vector<SquaredErrors> merged(std::span<const SquaredErrors> units) {
  std::vector<SquaredErrors> result;
  std::size_t labelled = 0;
  for (const SquaredErrors& unit : units) {
    if (unit.count == 0) continue;
    if (result.size() < most_units) result.emplace_back();
    SquaredErrors& into = result[labelled++ % most_units];
    into.sum += unit.sum;
    into.count += unit.count;
  }
  return result;
}

/// Moments of units drawn with replacement; all that ln RMSE and its standard error need.
struct Moments {
  double s = 0, n = 0, ss = 0, sn = 0, nn = 0;

  void add(const SquaredErrors& unit) {
    const auto count = static_cast<double>(unit.count);
    s += unit.sum, n += count;
    ss += unit.sum * unit.sum, sn += unit.sum * count, nn += count * count;
  }
  [[nodiscard]] double log_rmse() const { return 0.5 * std::log(s / n); }
  /// Of log_rmse(), to first order in the ratio of two sums.
  [[nodiscard]] double standard_error(double units) const {
    const double mean = s / n;
    const double squares = std::max(0.0, ss - 2 * mean * sn + mean * mean * nn);
    return 0.5 * std::sqrt(units / (units - 1) * squares) / s;
  }
};

/// As many units as there are, drawn with replacement: an index is the product of 32 random bits and their number.
Moments resample(std::span<const SquaredErrors> units, std::uint64_t number) {
  Moments drawn;
  for (std::size_t k = 0; k < units.size(); k += 4) {
    const auto bits = random_bits(seed, Stream::bootstrap, number, static_cast<std::uint32_t>(k / 4));
    for (std::size_t j = 0; j < std::min<std::size_t>(4, units.size() - k); ++j)
      drawn.add(units[(std::uint64_t{bits[j]} * units.size()) >> 32]);
  }
  return drawn;
}

}  // namespace

ResamplingUnits resampling_units(std::span<const FrameOrigin> frames) {
  std::vector<std::vector<std::size_t>> groups = trajectories_of(frames);
  ResamplingUnits units{.kind = groups.size() == frames.size() ? "frames" : "trajectories",
                        .count = 0,
                        .unit_of = std::vector<Index>(frames.size())};
  if (static_cast<Index>(groups.size()) < least_resampling_units && groups.size() < frames.size()) {
    groups = blocks_of(groups, frames.size());
    units.kind = "blocks";
  }
  for (const auto& members : groups) {
    for (const std::size_t f : members) units.unit_of[f] = units.count;
    ++units.count;
  }
  return units;
}

std::optional<std::array<double, 2>> rmse_interval(std::span<const SquaredErrors> all) {
  const std::vector<SquaredErrors> units = merged(all);
  if (static_cast<Index>(units.size()) < least_resampling_units) return std::nullopt;
  const auto count = static_cast<double>(units.size());
  Moments whole;
  for (const SquaredErrors& unit : units) whole.add(unit);
  if (!(whole.s > 0)) return std::nullopt;
  const double centre = whole.log_rmse();
  // The squared errors of a model have long tails, of which few units show less than there is. The factor was chosen on
  // made-up sets of 10 to 80 frames (docs/training.md), not derived.
  const double hidden_tails = 1 + 1 / count, error = hidden_tails * whole.standard_error(count);
  std::vector<double> t(resamples);
  for (std::size_t r = 0; r < t.size(); ++r) {
    const Moments drawn = resample(units, r);
    const double spread = drawn.s > 0 ? drawn.standard_error(count) : 0;
    // Drawings of one unit alone, or of units without errors, say nothing about the upper end: they count as unbounded.
    t[r] = spread > 0 ? (drawn.log_rmse() - centre) / spread : -std::numeric_limits<double>::infinity();
  }
  std::sort(t.begin(), t.end());
  const double student = student_quantile(0.975, count - 1);
  const double lower = std::min(t[resamples / 40], -student),
               upper = std::max(t[resamples - 1 - resamples / 40], student);
  if (!(error > 0) || !std::isfinite(lower)) return std::nullopt;
  return std::array<double, 2>{std::exp(centre - upper * error), std::exp(centre - lower * error)};
}

}  // namespace haven
