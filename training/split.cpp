#include "training/split.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "core/error.hpp"
#include "core/rng.hpp"

namespace haven::training {
namespace {

using Unit = std::vector<std::size_t>;  // frames that stay together

/// Trajectories in order of first appearance, each as frame indices in input order.
std::vector<Unit> trajectories(std::span<const Frame> frames) {
  std::vector<Unit> units;
  std::map<std::string, std::size_t> known;
  for (std::size_t f = 0; f < frames.size(); ++f) {
    const std::string& name = frames[f].trajectory;
    if (name.empty()) {
      units.push_back({f});
      continue;
    }
    const auto [at, is_new] = known.try_emplace(name, units.size());
    if (is_new) units.emplace_back();
    units[at->second].push_back(f);
  }
  return units;
}

std::vector<Unit> cut_long_units(const std::vector<Unit>& units, std::size_t longest) {
  constexpr std::size_t blocks = 20;
  std::vector<Unit> result;
  for (const Unit& unit : units) {
    if (unit.size() <= longest) {
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

std::size_t wanted_frames(std::size_t n, double fraction) {
  return fraction > 0
             ? std::max<std::size_t>(1, static_cast<std::size_t>(std::lround(fraction * static_cast<double>(n))))
             : 0;
}

}  // namespace

std::vector<int> random_order(std::size_t n, std::uint64_t seed, std::uint32_t stream, std::uint64_t step) {
  std::vector<int> order(n);
  std::iota(order.begin(), order.end(), 0);
  RandomSequence random(seed, static_cast<Stream>(stream), step);
  for (std::size_t k = n; k > 1; --k) std::swap(order[k - 1], order[random.below(k)]);
  return order;
}

std::vector<Part> split_frames(std::span<const Frame> frames, double valid_fraction, double test_fraction,
                               std::uint64_t seed) {
  const std::size_t n = frames.size();
  const std::size_t n_valid = wanted_frames(n, valid_fraction), n_test = wanted_frames(n, test_fraction);
  const std::size_t held_out = std::max(n_valid, n_test);
  const auto units = cut_long_units(trajectories(frames), std::max<std::size_t>(1, held_out / 2));
  std::vector<Part> parts(n, Part::train);
  std::size_t valid = 0, test = 0;
  for (const int u : random_order(units.size(), seed, static_cast<std::uint32_t>(Stream::data_split), 0)) {
    const Unit& unit = units[static_cast<std::size_t>(u)];
    Part part = Part::train;
    if (valid < n_valid) {
      part = Part::valid;
      valid += unit.size();
    } else if (test < n_test) {
      part = Part::test;
      test += unit.size();
    }
    for (const std::size_t f : unit) parts[f] = part;
  }
  if (valid + test >= n)
    throw InputError(std::to_string(n) + " frames leave none to train on", "split of the data",
                     "Give more frames, or smaller fractions for validation and test.");
  return parts;
}

std::vector<Batch> plan_epoch(std::span<const Index> atoms, const BatchRules& rules, Index epoch) {
  const auto order = random_order(atoms.size(), rules.seed, static_cast<std::uint32_t>(Stream::batch_order),
                                  static_cast<std::uint64_t>(epoch));
  struct Open {
    std::vector<int> frames;
    Index atoms = 0;
  };
  std::map<long, Open> open;  // by size class: a factor of sqrt(2)
  std::vector<Batch> batches;
  const auto close = [&](Open& batch) {
    std::stable_sort(batch.frames.begin(), batch.frames.end(), [&](int a, int b) {
      return atoms[static_cast<std::size_t>(a)] > atoms[static_cast<std::size_t>(b)];
    });
    Batch shards(static_cast<std::size_t>(rules.shards));
    std::vector<Index> load(shards.size(), 0);
    for (const int f : batch.frames) {
      const auto lightest = static_cast<std::size_t>(std::min_element(load.begin(), load.end()) - load.begin());
      shards[lightest].push_back(f);
      load[lightest] += atoms[static_cast<std::size_t>(f)];
    }
    batches.push_back(std::move(shards));
    batch = {};
  };
  for (const int f : order) {
    const Index n = atoms[static_cast<std::size_t>(f)];
    Open& batch = open[std::lround(2 * std::log2(static_cast<double>(n)))];
    batch.frames.push_back(f);
    batch.atoms += n;
    if (batch.atoms >= rules.batch_atoms && static_cast<Index>(batch.frames.size()) >= rules.batch_frames) close(batch);
  }
  for (auto& [size_class, batch] : open)
    if (!batch.frames.empty()) close(batch);
  return batches;
}

}  // namespace haven::training
