#include "analysis/structure.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>
#include <set>

#include "core/error.hpp"
#include "core/species.hpp"
#include "core/units.hpp"

namespace haven {
namespace {

constexpr int blocks = 5;

/// Shortest vector between two fractional positions, A. Exact up to half the smallest height of the cell, which is as
/// far as it is used.
double distance(const Cell& cell, Vec3 d) {
  for (int k = 0; k < 3; ++k) d[k] -= std::nearbyint(d[k]);
  return norm(cell.to_cartesian(d));
}

double half_height(const Cell& cell) {
  const Vec3 h = cell.heights();
  return 0.5 * std::min({h.x, h.y, h.z});
}

double shell(double r, double bin) {
  const double inner = r - 0.5 * bin, outer = r + 0.5 * bin;
  return 4.0 / 3.0 * std::numbers::pi * (outer * outer * outer - inner * inner * inner);
}

/// Histogram of pair distances of two elements, one for each block of frames.
struct PairCounts {
  std::array<std::vector<double>, blocks> counts;
  double first = 0, second = 0;  ///< atoms
};

/// Fractional positions of the mobile ions in some frames, [frame][ion].
std::vector<std::vector<Vec3>> mobile_ions(const IonTracks& tracks, const Cell& cell,
                                           const std::vector<std::size_t>& frames) {
  std::vector<std::vector<Vec3>> s(frames.size());
  for (std::size_t i = 0; i < tracks.numbers.size(); ++i) {
    const IonPath path = tracks.ion(i);
    for (std::size_t f = 0; f < frames.size(); ++f) s[f].push_back(cell.to_fractional(path.at(frames[f])));
  }
  return s;
}

/// First peak above 1 and the minimum after it, both of the smoothed curve.
void find_shell(PairDistribution& pair) {
  const auto n = pair.g.size();
  std::vector<double> smooth(n);
  for (std::size_t k = 0; k < n; ++k) {
    double sum = 0, weight = 0;
    for (std::size_t j = k < 2 ? 0 : k - 2; j < std::min(n, k + 3); ++j) sum += pair.g[j], weight += 1;
    smooth[k] = sum / weight;
  }
  std::size_t peak = 0;
  while (peak < n && smooth[peak] < 1.2) ++peak;
  if (peak == n) return;
  while (peak + 1 < n && smooth[peak + 1] >= smooth[peak]) ++peak;
  // The lowest point before the curve rises again by a tenth of the peak.
  std::size_t low = peak;
  for (std::size_t k = peak; k < n && smooth[k] < smooth[low] + 0.1 * smooth[peak]; ++k)
    if (smooth[k] < smooth[low]) low = k;
  if (low == peak || low + 1 == n) return;
  pair.first_peak = pair.r[peak], pair.first_minimum = pair.r[low];
  pair.neighbours = pair.coordination[low];
}

/// Frames in which the host is kept, as (host frame, frame of the tracks).
std::vector<std::pair<std::size_t, std::size_t>> sampled_frames(const IonTracks& tracks) {
  std::vector<std::pair<std::size_t, std::size_t>> frames;
  const auto n = static_cast<std::size_t>(tracks.n_frames);
  if (tracks.host.frames.empty()) {
    const std::size_t stride = std::max<std::size_t>(1, n / 256);
    for (std::size_t t = 0; t < n; t += stride) frames.emplace_back(0, t);
    return frames;
  }
  const double ratio = tracks.host.interval_ps / tracks.interval_ps;
  for (std::size_t h = 0; h < tracks.host.frames.size(); ++h) {
    const double frame = ratio * static_cast<double>(h);
    const auto t = static_cast<std::size_t>(std::lround(frame));
    if (std::abs(frame - static_cast<double>(t)) < 1e-6 && t < n) frames.emplace_back(h, t);
  }
  return frames;
}

}  // namespace

std::vector<Vec3> mean_host(const IonTracks& tracks) {
  if (tracks.host.frames.empty()) return {};
  std::vector<Vec3> mean(tracks.host.frames[0].size());
  for (const auto& frame : tracks.host.frames)
    for (std::size_t i = 0; i < mean.size(); ++i) mean[i] += frame[i];
  for (Vec3& r : mean) r *= 1.0 / static_cast<double>(tracks.host.frames.size());
  return mean;
}

std::vector<PairDistribution> pair_distributions(const IonTracks& tracks, double bin) {
  const Cell cell(tracks.mean_cell);
  const auto bins = static_cast<std::size_t>(half_height(cell) / bin);
  std::vector<int> numbers = tracks.numbers;
  numbers.insert(numbers.end(), tracks.host.numbers.begin(), tracks.host.numbers.end());
  std::map<std::pair<int, int>, PairCounts> pairs;
  for (const int a : numbers)
    for (const int b : std::set<int>(numbers.begin(), numbers.end()))
      if (a <= b) pairs[{a, b}].first += 1;
  for (auto& [ends, pair] : pairs) {
    for (auto& counts : pair.counts) counts.assign(bins, 0.0);
    pair.second = static_cast<double>(std::count(numbers.begin(), numbers.end(), ends.second));
  }
  const std::set<int> kinds(numbers.begin(), numbers.end());
  std::vector<PairCounts*> table;  // of two kinds, in order: a map would take most of the time
  std::vector<std::size_t> kind_of;
  for (const int number : numbers)
    kind_of.push_back(static_cast<std::size_t>(std::distance(kinds.begin(), kinds.find(number))));
  for (const int a : kinds)
    for (const int b : kinds) table.push_back(&pairs.at({std::min(a, b), std::max(a, b)}));
  const auto frames = sampled_frames(tracks);
  std::vector<std::size_t> of_tracks;
  for (const auto& [host_frame, frame] : frames) of_tracks.push_back(frame);
  std::vector<std::vector<Vec3>> positions = mobile_ions(tracks, cell, of_tracks);
  std::array<double, blocks> frames_in{};
  for (std::size_t f = 0; f < frames.size(); ++f) {
    const std::size_t block = f * blocks / frames.size();
    frames_in[block] += 1;
    std::vector<Vec3>& s = positions[f];  // then the host behind the mobile ions
    if (!tracks.host.frames.empty())
      for (const Vec3& r : tracks.host.frames[frames[f].first]) s.push_back(cell.to_fractional(r));
    for (std::size_t i = 0; i < s.size(); ++i)
      for (std::size_t j = 0; j < i; ++j) {
        const auto k = static_cast<std::size_t>(distance(cell, s[i] - s[j]) / bin);
        if (k >= bins) continue;
        auto& counts = table[kind_of[i] * kinds.size() + kind_of[j]]->counts[block];
        counts[k] += numbers[i] == numbers[j] ? 2.0 : 1.0;  // an equal pair is seen from both ends
      }
  }
  std::vector<PairDistribution> out;
  for (const auto& [ends, pair] : pairs) {
    PairDistribution result{.first = ends.first, .second = ends.second};
    const double density = pair.second / tracks.volume, total = static_cast<double>(frames.size());
    double within = 0;
    std::array<std::vector<double>, blocks> by_block;
    std::array<double, blocks> sums{};
    for (std::size_t k = 0; k < bins; ++k) {
      const double r = (static_cast<double>(k) + 0.5) * bin;
      double count = 0;
      for (std::size_t b = 0; b < blocks; ++b) {
        count += pair.counts[b][k];
        sums[b] += frames_in[b] > 0 ? pair.counts[b][k] / (frames_in[b] * pair.first) : 0.0;
        by_block[b].push_back(sums[b]);
      }
      within += count / (total * pair.first);
      result.r.push_back(r);
      result.g.push_back(count / (total * pair.first * density * shell(r, bin)));
      result.coordination.push_back(within);
    }
    find_shell(result);
    if (result.first_minimum > 0 && frames.size() >= blocks) {
      const auto low = static_cast<std::size_t>(result.first_minimum / bin);
      double sum = 0;
      for (const auto& block : by_block) sum += std::pow(block[low] - result.neighbours, 2);
      result.neighbours_sd = std::sqrt(sum / (blocks * (blocks - 1.0)));
    }
    out.push_back(std::move(result));
  }
  return out;
}

std::vector<VanHove> van_hove(const IonTracks& tracks, const std::vector<Index>& lags, double bin) {
  const Cell cell(tracks.mean_cell);
  const auto ions = static_cast<std::size_t>(tracks.n_ions());
  const auto bins = static_cast<std::size_t>(half_height(cell) / bin);
  std::vector<VanHove> out;
  for (const Index lag : lags) {
    HAVEN_ASSERT(lag > 0 && lag < tracks.n_frames);
    const auto step = static_cast<std::size_t>(lag), origins = static_cast<std::size_t>(tracks.n_frames - lag);
    VanHove result{.lag_ps = tracks.interval_ps * static_cast<double>(lag)};
    std::vector<double> self(bins, 0.0), distinct(bins, 0.0);
    for (std::size_t i = 0; i < ions; ++i) {
      const IonPath path = tracks.ion(i);
      for (std::size_t t = 0; t < origins; ++t) {
        const auto k = static_cast<std::size_t>(norm(path.at(t + step) - path.at(t)) / bin);
        if (k < bins) self[k] += 1.0 / (static_cast<double>(ions * origins) * bin);
      }
    }
    std::vector<std::size_t> sampled_origins, ends;
    for (std::size_t t = 0; t < origins; t += std::max<std::size_t>(1, origins / 200))
      sampled_origins.push_back(t), ends.push_back(t + step);
    const auto sampled = static_cast<double>(sampled_origins.size());
    const auto befores = mobile_ions(tracks, cell, sampled_origins), afters = mobile_ions(tracks, cell, ends);
    for (std::size_t o = 0; o < befores.size(); ++o) {
      const std::vector<Vec3>&before = befores[o], &after = afters[o];
      for (std::size_t i = 0; i < ions; ++i)
        for (std::size_t j = 0; j < ions; ++j) {
          if (i == j) continue;
          const auto k = static_cast<std::size_t>(distance(cell, after[j] - before[i]) / bin);
          if (k < bins) distinct[k] += 1;
        }
    }
    const double density = static_cast<double>(ions) / tracks.volume;
    for (std::size_t k = 0; k < bins; ++k) {
      result.r.push_back((static_cast<double>(k) + 0.5) * bin);
      result.self.push_back(self[k]);
      result.distinct.push_back(distinct[k] /
                                (sampled * static_cast<double>(ions) * density * shell(result.r[k], bin)));
    }
    out.push_back(std::move(result));
  }
  return out;
}

DensityMap density_map(const IonTracks& tracks, double spacing) {
  constexpr double most_points = 64e6;
  const Cell cell(tracks.mean_cell);
  DensityMap map{.cell = tracks.mean_cell};
  double total = 1;
  for (int k = 0; k < 3; ++k) {
    const double points = std::max(1.0, std::round(norm(tracks.mean_cell[k]) / spacing));
    total *= points;
    if (total > most_points)
      throw ConfigError(fmt::format("a density grid of more than {:.0f} million points", most_points / 1e6), "spacing",
                        "Use a coarser grid, e.g. 0.5 A.");
    map.points[static_cast<std::size_t>(k)] = static_cast<int>(points);
  }
  map.values.assign(static_cast<std::size_t>(total), 0.0);
  const double weight = total / (tracks.volume * static_cast<double>(tracks.n_frames));
  for (std::size_t i = 0; i < static_cast<std::size_t>(tracks.n_ions()); ++i) {
    const IonPath path = tracks.ion(i);
    for (std::size_t t = 0; t < static_cast<std::size_t>(tracks.n_frames); ++t) {
      const Vec3 s = cell.to_fractional(path.at(t));
      std::array<int, 3> at{};
      for (int k = 0; k < 3; ++k) {
        const int points = map.points[static_cast<std::size_t>(k)];
        // The value of a grid point is the density around it.
        const double place = (s[k] - std::floor(s[k])) * points;
        at[static_cast<std::size_t>(k)] = static_cast<int>(std::floor(place + 0.5)) % points;
      }
      map.values[map.index(at[0], at[1], at[2])] += weight;
    }
  }
  return map;
}

std::string cube_text(const DensityMap& map, const IonTracks& tracks) {
  constexpr double bohr = units::bohr_in_angstrom;
  const std::vector<Vec3> host = mean_host(tracks);
  std::string text =
      "Haven: number density of the mobile ions, 1/bohr^3\naveraged over the run; host at its mean positions\n";
  text += fmt::format("{:5d} {:12.6f} {:12.6f} {:12.6f}\n", host.size(), 0.0, 0.0, 0.0);
  for (int k = 0; k < 3; ++k) {
    const Vec3 v = (1.0 / (bohr * map.points[static_cast<std::size_t>(k)])) * map.cell[k];
    text += fmt::format("{:5d} {:12.6f} {:12.6f} {:12.6f}\n", map.points[static_cast<std::size_t>(k)], v.x, v.y, v.z);
  }
  for (std::size_t i = 0; i < host.size(); ++i) {
    const Vec3 r = (1.0 / bohr) * host[i];
    text += fmt::format("{:5d} {:12.6f} {:12.6f} {:12.6f} {:12.6f}\n", tracks.host.numbers[i],
                        static_cast<double>(tracks.host.numbers[i]), r.x, r.y, r.z);
  }
  const auto row = static_cast<std::size_t>(map.points[2]);
  for (std::size_t k = 0; k < map.values.size(); ++k) {
    text += fmt::format(" {:.5E}", map.values[k] * bohr * bohr * bohr);
    if ((k % row) % 6 == 5 || k % row == row - 1) text += '\n';
  }
  return text;
}

std::string chgcar_text(const DensityMap& map, const IonTracks& tracks) {
  const Cell cell(map.cell);
  const std::vector<Vec3> host = mean_host(tracks);
  std::string text = "Haven: number density of the mobile ions times the volume; host at its mean positions\n 1.0\n";
  for (int k = 0; k < 3; ++k)
    text += fmt::format(" {:.10f} {:.10f} {:.10f}\n", map.cell[k].x, map.cell[k].y, map.cell[k].z);
  std::vector<int> kinds;
  for (const int number : tracks.host.numbers)
    if (std::find(kinds.begin(), kinds.end(), number) == kinds.end()) kinds.push_back(number);
  std::string symbols, counts, positions;
  for (const int kind : kinds) {
    symbols += fmt::format(" {}", element_symbol(kind));
    counts += fmt::format(" {}", std::count(tracks.host.numbers.begin(), tracks.host.numbers.end(), kind));
    for (std::size_t i = 0; i < host.size(); ++i) {
      if (tracks.host.numbers[i] != kind) continue;
      const Vec3 s = cell.to_fractional(host[i]);
      positions += fmt::format(" {:.8f} {:.8f} {:.8f}\n", s.x, s.y, s.z);
    }
  }
  if (kinds.empty()) symbols = " X", counts = " 0";
  text += symbols + "\n" + counts + "\nDirect\n" + positions + "\n";
  text += fmt::format(" {} {} {}\n", map.points[0], map.points[1], map.points[2]);
  // CHGCAR runs over a fastest.
  std::size_t written = 0;
  for (int c = 0; c < map.points[2]; ++c)
    for (int b = 0; b < map.points[1]; ++b)
      for (int a = 0; a < map.points[0]; ++a)
        text +=
            fmt::format(" {:.8E}{}", map.values[map.index(a, b, c)] * cell.volume(), ++written % 5 == 0 ? "\n" : "");
  return text + (written % 5 == 0 ? "" : "\n");
}

}  // namespace haven
