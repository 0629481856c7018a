#include "io/dataset_split.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "core/error.hpp"
#include "core/rng.hpp"

namespace haven {
namespace {

using Unit = std::vector<std::size_t>;  // frames that stay together, in order of time

/// Trajectories by the group of their first frame and in order of first appearance; inside, frames in order of time.
std::map<std::string, std::vector<Unit>> trajectories(std::span<const Frame> frames) {
  std::map<std::string, std::vector<Unit>> groups;
  std::map<std::string, std::pair<std::string, std::size_t>> known;  // group and unit of each trajectory
  for (std::size_t f = 0; f < frames.size(); ++f) {
    const Frame& frame = frames[f];
    if (frame.trajectory.empty()) {
      groups[frame.group].push_back({f});
      continue;
    }
    const auto [at, is_new] = known.try_emplace(frame.trajectory, frame.group, groups[frame.group].size());
    std::vector<Unit>& units = groups[at->second.first];
    if (is_new) units.emplace_back();
    units[at->second.second].push_back(f);
  }
  const auto earlier = [&](std::size_t a, std::size_t b) { return frames[a].source.index < frames[b].source.index; };
  for (auto& [group, units] : groups)
    for (Unit& unit : units) std::stable_sort(unit.begin(), unit.end(), earlier);
  std::erase_if(groups, [](const auto& entry) { return entry.second.empty(); });
  return groups;
}

/// Steps of the source from the first to the last frame of a unit.
Index length_in_steps(std::span<const Frame> frames, const Unit& unit) {
  return frames[unit.back()].source.index - frames[unit.front()].source.index;
}

std::vector<Unit> cut_long_units(std::span<const Frame> frames, const std::vector<Unit>& units, std::size_t longest,
                                 Index gap) {
  constexpr Index most_blocks = 20;
  std::vector<Unit> result;
  for (const Unit& unit : units) {
    const Index room = gap > 0 ? length_in_steps(frames, unit) / (4 * gap) : most_blocks;
    const auto blocks = static_cast<std::size_t>(std::clamp<Index>(room, 1, most_blocks));
    if (unit.size() <= longest || blocks < 2) {
      result.push_back(unit);
      continue;
    }
    const std::size_t length = std::max<std::size_t>(1, (unit.size() + blocks - 1) / blocks);
    for (std::size_t begin = 0; begin < unit.size(); begin += length)
      result.emplace_back(unit.begin() + static_cast<std::ptrdiff_t>(begin),
                          unit.begin() + static_cast<std::ptrdiff_t>(std::min(unit.size(), begin + length)));
  }
  return result;
}

/// Gives the units of one group to the parts, at least one of several to training.
void deal(const std::vector<Unit>& units, const DatasetSplitOptions& options, RandomSequence& random,
          std::vector<DatasetPart>& parts) {
  std::size_t total = 0;
  for (const Unit& unit : units) total += unit.size();
  const auto wanted = [&](double fraction) { return fraction * static_cast<double>(total); };
  std::vector<std::size_t> order(units.size());
  std::iota(order.begin(), order.end(), 0);
  for (std::size_t k = order.size(); k > 1; --k) std::swap(order[k - 1], order[random.below(k)]);
  double valid = 0, test = 0;
  for (std::size_t k = 0; k + 1 < order.size(); ++k) {  // the last one is always trained on
    const Unit& unit = units[order[k]];
    const auto size = static_cast<double>(unit.size());
    // A part takes a unit as long as that brings it nearer to its share, and one in any case.
    const auto takes = [&](double fraction, double sum) {
      return fraction > 0 && (sum == 0 || sum + 0.5 * size <= wanted(fraction));
    };
    const DatasetPart part = takes(options.valid, valid) ? DatasetPart::valid
                             : takes(options.test, test) ? DatasetPart::test
                                                         : DatasetPart::train;
    if (part == DatasetPart::valid) valid += size;
    if (part == DatasetPart::test) test += size;
    for (const std::size_t f : unit) parts[f] = part;
  }
}

/// Training gives way to the held-out parts, validation to test.
int rank_of(DatasetPart part) { return part == DatasetPart::train ? 0 : (part == DatasetPart::valid ? 1 : 2); }

/// Leaves out what is nearer than the gap to a frame of a higher rank.
void open_gaps(std::span<const Frame> frames, const Unit& trajectory, Index gap, std::vector<DatasetPart>& parts) {
  const std::vector<DatasetPart> before = [&] {
    std::vector<DatasetPart> list;
    for (const std::size_t f : trajectory) list.push_back(parts[f]);
    return list;
  }();
  for (std::size_t k = 0; k < trajectory.size(); ++k) {
    const Index time = frames[trajectory[k]].source.index;
    bool near = false;
    for (std::size_t j = k; j > 0 && !near && time - frames[trajectory[j - 1]].source.index <= gap; --j)
      near = rank_of(before[j - 1]) > rank_of(before[k]);
    for (std::size_t j = k + 1; j < trajectory.size() && !near && frames[trajectory[j]].source.index - time <= gap; ++j)
      near = rank_of(before[j]) > rank_of(before[k]);
    if (near) parts[trajectory[k]] = DatasetPart::left_out;
  }
}

void check(const DatasetSplitOptions& options) {
  const auto fraction = [](double value) { return value >= 0 && value < 1; };
  if (!fraction(options.valid) || !fraction(options.test) || options.valid + options.test >= 1)
    throw ConfigError(fmt::format("fractions {} and {} leave nothing to train on", options.valid, options.test),
                      "--valid, --test", "Give fractions between 0 and 1 with a sum below 1.");
  if (options.gap < 0) throw ConfigError("a gap is a number of steps", "--gap", "0 allows neighbours in time.");
}

}  // namespace

std::vector<DatasetPart> split_dataset(std::span<const Frame> frames, const DatasetSplitOptions& options) {
  check(options);
  std::vector<DatasetPart> parts(frames.size(), DatasetPart::train);
  RandomSequence random(options.seed, Stream::data_split, 1);
  for (const auto& [group, whole] : trajectories(frames)) {
    std::size_t total = 0;
    for (const Unit& unit : whole) total += unit.size();
    double smaller = 1;
    for (const double fraction : {options.valid, options.test})
      if (fraction > 0) smaller = std::min(smaller, fraction);
    const auto held_out = static_cast<std::size_t>(std::lround(smaller * static_cast<double>(total)));
    deal(cut_long_units(frames, whole, std::max<std::size_t>(1, held_out / 2), options.gap), options, random, parts);
    if (options.gap > 0)
      for (const Unit& trajectory : whole)
        if (!frames[trajectory.front()].trajectory.empty()) open_gaps(frames, trajectory, options.gap, parts);
  }
  const auto empty = [&](DatasetPart part) { return std::find(parts.begin(), parts.end(), part) == parts.end(); };
  if (empty(DatasetPart::train) || (options.valid > 0 && empty(DatasetPart::valid)) ||
      (options.test > 0 && empty(DatasetPart::test)))
    throw InputError(fmt::format("{} frames cannot be divided into the parts asked for with a gap of {} steps",
                                 frames.size(), options.gap),
                     "split of the dataset", "Give more trajectories or longer ones, a smaller gap, or fewer parts.");
  return parts;
}

}  // namespace haven
