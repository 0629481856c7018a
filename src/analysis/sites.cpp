#include "analysis/sites.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/cell.hpp"
#include "core/error.hpp"

namespace haven {
namespace {

Vec3 folded(Vec3 s) {
  for (int k = 0; k < 3; ++k) {
    s[k] -= std::floor(s[k]);
    if (s[k] >= 1.0) s[k] = 0.0;  // a tiny negative number rounds up
  }
  return s;
}

Vec3 nearest(Vec3 d) {
  for (int k = 0; k < 3; ++k) d[k] -= std::nearbyint(d[k]);
  return d;
}

/// Elements and distances of the nearest host atoms.
std::vector<std::pair<int, double>> surroundings(const Cell& cell, const Vec3& site, const std::vector<Vec3>& host,
                                                 const std::vector<int>& numbers) {
  constexpr std::size_t looked_at = 8;
  std::vector<std::pair<double, int>> all;
  for (std::size_t i = 0; i < host.size(); ++i)
    all.emplace_back(norm(cell.to_cartesian(nearest(host[i] - site))), numbers[i]);
  std::sort(all.begin(), all.end());
  all.resize(std::min(all.size(), looked_at));
  // Grouped by element, so that two atoms at almost equal distances do not change places.
  std::vector<std::pair<int, double>> out;
  for (const auto& [distance, number] : all) out.emplace_back(number, distance);
  std::sort(out.begin(), out.end());
  return out;
}

/// Sites whose surroundings agree within what thermal motion does to mean positions.
void find_types(SiteMap& map, const IonTracks& tracks) {
  constexpr double tolerance = 0.35;  // A
  const Cell cell(map.cell);
  std::vector<Vec3> host = mean_host(tracks);
  for (Vec3& r : host) r = cell.to_fractional(r);
  std::vector<std::vector<std::pair<int, double>>> known;
  map.type.clear();
  for (const Vec3& site : map.fractional) {
    const auto here = surroundings(cell, site, host, tracks.host.numbers);
    const auto same = [&](const auto& other) {
      for (std::size_t k = 0; k < here.size(); ++k)
        if (other[k].first != here[k].first || std::abs(other[k].second - here[k].second) > tolerance) return false;
      return true;
    };
    const auto found = std::find_if(known.begin(), known.end(), same);
    map.type.push_back(static_cast<int>(found - known.begin()));
    if (found == known.end()) known.push_back(here);
  }
}

/// How well a rigid shift brings the reference onto the run.
struct Match {
  double misfit = 0;  ///< A, mean distance of a reference atom from the nearest host atom of its element
  Vec3 remainder;     ///< mean displacement that is left, fractional
};

Match match(const std::vector<Vec3>& reference, const std::vector<int>& numbers, const std::vector<Vec3>& host,
            const IonTracks& tracks, const Vec3& shift, std::size_t stride) {
  const Cell cell(tracks.mean_cell);
  Match out;
  double count = 0;
  for (std::size_t a = 0; a < reference.size(); a += stride, count += 1) {
    Vec3 closest;
    double distance = std::numeric_limits<double>::max();
    for (std::size_t b = 0; b < host.size(); ++b) {
      if (tracks.host.numbers[b] != numbers[a]) continue;
      const Vec3 d = nearest(host[b] - reference[a] - shift);
      if (const double length = norm(cell.to_cartesian(d)); length < distance) distance = length, closest = d;
    }
    out.misfit += distance, out.remainder += closest;
  }
  out.misfit /= count, out.remainder *= 1.0 / count;
  return out;
}

/// Mean over the host atoms of (run - reference) in fractional coordinates.
Vec3 rigid_shift(const std::vector<Vec3>& reference, const std::vector<int>& numbers, const std::vector<Vec3>& host,
                 const IonTracks& tracks) {
  // Each atom that the first one could be is a guess; some forty atoms tell which is right.
  const std::size_t stride = std::max<std::size_t>(1, reference.size() / 40);
  double best_misfit = std::numeric_limits<double>::max();
  Vec3 best;
  for (std::size_t i = 0; i < host.size(); ++i) {
    if (tracks.host.numbers[i] != numbers[0]) continue;
    const Vec3 guess = nearest(host[i] - reference[0]);
    const double misfit = match(reference, numbers, host, tracks, guess, stride).misfit;
    if (misfit < best_misfit) best_misfit = misfit, best = guess;
  }
  const Match all = match(reference, numbers, host, tracks, best, 1);
  constexpr double tolerated = 1.0;  // A
  if (!(all.misfit <= tolerated))
    throw InputError(
        fmt::format("the host of the reference differs from that of the run by {:.2g} A on average", all.misfit),
        tracks.path, "The reference must be the same supercell of the same phase.");
  return best + all.remainder;
}

}  // namespace

SiteMap sites_of_reference(const Structure& reference, const IonTracks& tracks) {
  std::vector<Vec3> host, sites;
  std::vector<int> numbers;
  for (std::size_t i = 0; i < reference.numbers.size(); ++i) {
    const Vec3 s = reference.cell.to_fractional(reference.positions[i]);
    const bool mobile =
        std::find(tracks.numbers.begin(), tracks.numbers.end(), reference.numbers[i]) != tracks.numbers.end();
    (mobile ? sites : host).push_back(s);
    if (!mobile) numbers.push_back(reference.numbers[i]);
  }
  if (sites.empty())
    throw InputError("the reference crystal has no atom of the mobile elements", "--sites",
                     "Put the mobile element on every site, full or empty in the run.");
  if (host.size() != tracks.host.numbers.size())
    throw InputError(
        fmt::format("{} host atoms in the reference, {} in the run", host.size(), tracks.host.numbers.size()),
        "--sites", "The reference must be the same supercell as the run.");
  Vec3 shift;
  if (!host.empty()) {
    std::vector<Vec3> mean = mean_host(tracks);
    const Cell cell(tracks.mean_cell);
    for (Vec3& r : mean) r = cell.to_fractional(r);
    shift = rigid_shift(host, numbers, mean, tracks);
  }
  SiteMap map{.cell = tracks.mean_cell, .origin = "reference crystal"};
  for (const Vec3& s : sites) map.fractional.push_back(folded(s + shift));
  find_types(map, tracks);
  return map;
}

SiteMap sites_of_density(const DensityMap& map, const IonTracks& tracks, double separation) {
  const Cell cell(map.cell);
  const auto points = map.values.size();
  // Counting noise makes false maxima: the density is averaged over spheres of 0.35 times the separation first.
  const double radius = 0.35 * separation;
  std::array<int, 3> reach{};
  const Vec3 heights = cell.heights();
  for (int k = 0; k < 3; ++k)
    reach[static_cast<std::size_t>(k)] =
        static_cast<int>(std::ceil(separation / heights[k] * map.points[static_cast<std::size_t>(k)]));
  struct Offset {
    int a, b, c;
    double length;
  };
  std::vector<Offset> around;
  for (int a = -reach[0]; a <= reach[0]; ++a)
    for (int b = -reach[1]; b <= reach[1]; ++b)
      for (int c = -reach[2]; c <= reach[2]; ++c) {
        const Vec3 d{static_cast<double>(a) / map.points[0], static_cast<double>(b) / map.points[1],
                     static_cast<double>(c) / map.points[2]};
        const double length = norm(cell.to_cartesian(d));
        if (length <= separation) around.push_back({a, b, c, length});
      }
  std::sort(around.begin(), around.end(), [](const Offset& x, const Offset& y) { return x.length < y.length; });
  const auto close_end =
      std::partition_point(around.begin(), around.end(), [&](const Offset& o) { return o.length <= radius; });
  const auto at = [&](int a, int b, int c, const Offset& o) {
    const auto wrap = [](int x, int n) { return ((x % n) + n) % n; };
    return map.index(wrap(a + o.a, map.points[0]), wrap(b + o.b, map.points[1]), wrap(c + o.c, map.points[2]));
  };
  std::vector<double> smooth(points, 0.0);
  const double volume = cell.volume() / static_cast<double>(points);
  const auto each_point = [&](auto action) {
    for (int a = 0; a < map.points[0]; ++a)
      for (int b = 0; b < map.points[1]; ++b)
        for (int c = 0; c < map.points[2]; ++c) action(a, b, c);
  };
  each_point([&](int a, int b, int c) {
    double sum = 0;
    for (auto o = around.begin(); o != close_end; ++o) sum += map.values[at(a, b, c, *o)];
    smooth[map.index(a, b, c)] = sum * volume;  // ions in the sphere
  });
  SiteMap sites{.cell = map.cell, .origin = "maxima of the density"};
  constexpr double fewest_ions = 0.1;
  each_point([&](int a, int b, int c) {
    const std::size_t here = map.index(a, b, c);
    if (smooth[here] < fewest_ions) return;
    Vec3 sum;
    double weight = 0;
    for (const Offset& o : around) {
      const std::size_t there = at(a, b, c, o);
      // Of equal points the one with the lowest index is the maximum.
      if (there != here && (smooth[there] > smooth[here] || (smooth[there] == smooth[here] && there < here))) return;
      if (o.length > radius) continue;
      sum +=
          map.values[there] * Vec3{static_cast<double>(o.a) / map.points[0], static_cast<double>(o.b) / map.points[1],
                                   static_cast<double>(o.c) / map.points[2]};
      weight += map.values[there];
    }
    const Vec3 point{static_cast<double>(a) / map.points[0], static_cast<double>(b) / map.points[1],
                     static_cast<double>(c) / map.points[2]};
    sites.fractional.push_back(folded(point + (1.0 / weight) * sum));
  });
  if (sites.fractional.empty())
    throw InputError("the density has no clear maxima", tracks.path,
                     "The ions may move like a liquid; give a reference crystal (--sites).");
  find_types(sites, tracks);
  return sites;
}

}  // namespace haven
