#include "core/neighbour_list.hpp"

#include <algorithm>
#include <map>

#include "core/error.hpp"

namespace haven {
namespace {

/// An atom or periodic image near the centres, in wrapped coordinates.
struct Site {
  Vec3 position;  // wrapped + image, for the search only
  std::int32_t atom;
  LatticeShift shift;  // relative to the stored (unwrapped) position
};

struct Bounds {
  Vec3 low{1e300, 1e300, 1e300}, high{-1e300, -1e300, -1e300};
  void include(const Vec3& f) {
    for (int k = 0; k < 3; ++k) {
      low[k] = std::min(low[k], f[k]);
      high[k] = std::max(high[k], f[k]);
    }
  }
};

/// Cells of a regular grid over the fractional bounding box of all sites; each is at least `radius` wide.
struct Grid {
  Vec3 low, scale;
  std::int64_t n[3];
  std::vector<std::int32_t> start, order;

  std::int64_t coordinate(const Vec3& f, int k) const {
    return std::clamp<std::int64_t>(static_cast<std::int64_t>((f[k] - low[k]) * scale[k]), 0, n[k] - 1);
  }
  std::size_t cell_of(const Vec3& f) const {
    return static_cast<std::size_t>((coordinate(f, 0) * n[1] + coordinate(f, 1)) * n[2] + coordinate(f, 2));
  }
};

LatticeShift add(const LatticeShift& a, const LatticeShift& b) { return {a.a + b.a, a.b + b.b, a.c + b.c}; }
LatticeShift subtract(const LatticeShift& a, const LatticeShift& b) { return {a.a - b.a, a.b - b.b, a.c - b.c}; }

Bounds centre_bounds(const std::vector<Vec3>& fractional, Index n_centres) {
  Bounds bounds;
  for (Index i = 0; i < n_centres; ++i) bounds.include(fractional[static_cast<std::size_t>(i)]);
  return bounds;
}

std::vector<Site> collect_sites(const Cell& cell, const LocalAtoms& atoms, const std::vector<LatticeShift>& wraps,
                                const std::vector<Vec3>& fractional, const Bounds& box, const Vec3& margin) {
  std::vector<Site> sites;
  sites.reserve(atoms.positions.size() * 2);
  for (std::size_t j = 0; j < atoms.positions.size(); ++j) {
    std::int32_t first[3], last[3];
    for (int k = 0; k < 3; ++k) {
      const bool periodic = cell.periodic()[static_cast<std::size_t>(k)];
      // Images n with low - margin <= f + n <= high + margin.
      first[k] = periodic ? static_cast<std::int32_t>(std::ceil(box.low[k] - margin[k] - fractional[j][k])) : 0;
      last[k] = periodic ? static_cast<std::int32_t>(std::floor(box.high[k] + margin[k] - fractional[j][k])) : 0;
    }
    for (std::int32_t a = first[0]; a <= last[0]; ++a)
      for (std::int32_t b = first[1]; b <= last[1]; ++b)
        for (std::int32_t c = first[2]; c <= last[2]; ++c) {
          const LatticeShift shift = add(wraps[j], {a, b, c});
          sites.push_back({atoms.positions[j] + cell.translation(shift), static_cast<std::int32_t>(j), shift});
        }
  }
  return sites;
}

Grid bin_sites(const Cell& cell, const std::vector<Site>& sites, const Vec3& margin) {
  Bounds bounds;
  for (const Site& site : sites) bounds.include(cell.to_fractional(site.position));
  Grid grid{.low = bounds.low, .scale = {}, .n = {1, 1, 1}, .start = {}, .order = {}};
  for (int k = 0; k < 3; ++k) {
    const double extent = std::max(bounds.high[k] - bounds.low[k], 1e-9);
    const double most =
        std::cbrt(static_cast<double>(sites.size())) * 4 + 1;  // sparse systems need no more cells than atoms
    grid.n[k] = static_cast<std::int64_t>(std::clamp(std::floor(extent / margin[k]), 1.0, most));
    grid.scale[k] = static_cast<double>(grid.n[k]) / extent;
  }
  const auto cells = static_cast<std::size_t>(grid.n[0] * grid.n[1] * grid.n[2]);
  grid.start.assign(cells + 1, 0);
  grid.order.resize(sites.size());
  std::vector<std::size_t> home(sites.size());
  for (std::size_t s = 0; s < sites.size(); ++s) {
    home[s] = grid.cell_of(cell.to_fractional(sites[s].position));
    ++grid.start[home[s] + 1];
  }
  for (std::size_t c = 0; c < cells; ++c) grid.start[c + 1] += grid.start[c];
  std::vector<std::int32_t> next(grid.start.begin(), grid.start.end() - 1);
  for (std::size_t s = 0; s < sites.size(); ++s)
    grid.order[static_cast<std::size_t>(next[home[s]]++)] = static_cast<std::int32_t>(s);
  return grid;
}

struct Entry {
  AtomId id;
  LatticeShift shift;
  std::int32_t atom;
  friend auto operator<=>(const Entry&, const Entry&) = default;
};

}  // namespace

void NeighbourList::build(const Cell& cell, const LocalAtoms& atoms, double radius) {
  HAVEN_ASSERT(radius > 0 && atoms.n_centres <= static_cast<Index>(atoms.positions.size()));
  const std::size_t n = atoms.positions.size();
  std::vector<LatticeShift> wraps(n);
  std::vector<Vec3> fractional(n);
  for (std::size_t j = 0; j < n; ++j) {
    HAVEN_ASSERT(is_finite(atoms.positions[j]));
    wraps[j] = cell.wrapping_shift(atoms.positions[j]);
    fractional[j] = cell.to_fractional(atoms.positions[j] + cell.translation(wraps[j]));
  }
  const Vec3 heights = cell.heights();
  // A relative margin covers the rounding of fractional coordinates; the exact test is the distance below.
  const Vec3 margin{radius / heights.x * (1 + 1e-9), radius / heights.y * (1 + 1e-9), radius / heights.z * (1 + 1e-9)};
  offsets_.assign(1, 0);
  build_ = std::make_shared<char>();
  atom_.clear();
  shift_.clear();
  translations_.assign(1, Vec3{});
  shifts_.assign(1, LatticeShift{});
  if (atoms.n_centres == 0) return;
  const auto sites = collect_sites(cell, atoms, wraps, fractional, centre_bounds(fractional, atoms.n_centres), margin);
  const Grid grid = bin_sites(cell, sites, margin);

  std::map<LatticeShift, std::int32_t> known{{LatticeShift{}, 0}};
  const auto translation_index = [&](const LatticeShift& shift) {
    const auto [it, is_new] = known.try_emplace(shift, static_cast<std::int32_t>(translations_.size()));
    if (is_new) {
      translations_.push_back(cell.translation(shift));
      shifts_.push_back(shift);
    }
    return it->second;
  };
  std::vector<Entry> entries;
  const double radius2 = radius * radius;
  for (Index i = 0; i < atoms.n_centres; ++i) {
    const auto centre = static_cast<std::size_t>(i);
    entries.clear();
    const Vec3 wrapped = atoms.positions[centre] + cell.translation(wraps[centre]);
    const Vec3 f = cell.to_fractional(wrapped);
    std::int64_t first[3], last[3];
    for (int k = 0; k < 3; ++k) {
      const Vec3 below{f.x - margin.x, f.y - margin.y, f.z - margin.z},
          above{f.x + margin.x, f.y + margin.y, f.z + margin.z};
      first[k] = grid.coordinate(below, k);
      last[k] = grid.coordinate(above, k);
    }
    for (std::int64_t a = first[0]; a <= last[0]; ++a)
      for (std::int64_t b = first[1]; b <= last[1]; ++b) {
        const auto line = static_cast<std::size_t>((a * grid.n[1] + b) * grid.n[2]);
        const auto begin = static_cast<std::size_t>(grid.start[line + static_cast<std::size_t>(first[2])]);
        const auto end = static_cast<std::size_t>(grid.start[line + static_cast<std::size_t>(last[2]) + 1]);
        for (std::size_t s = begin; s < end; ++s) {
          const Site& site = sites[static_cast<std::size_t>(grid.order[s])];
          if (norm2(site.position - wrapped) >= radius2 * (1 + 1e-9)) continue;
          const LatticeShift shift = subtract(site.shift, wraps[centre]);
          if (site.atom == i && shift == LatticeShift{}) continue;
          const auto j = static_cast<std::size_t>(site.atom);
          const Vec3 d = (atoms.positions[j] - atoms.positions[centre]) + cell.translation(shift);
          if (norm2(d) < radius2) entries.push_back({atoms.ids[j], shift, site.atom});
        }
      }
    std::sort(entries.begin(), entries.end());
    for (const Entry& entry : entries) {
      atom_.push_back(entry.atom);
      shift_.push_back(translation_index(entry.shift));
    }
    offsets_.push_back(static_cast<Index>(atom_.size()));
  }
}

void NeighbourList::follow_cell(const Cell& cell) {
  for (std::size_t k = 1; k < shifts_.size(); ++k) translations_[k] = cell.translation(shifts_[k]);
}

NeighbourView NeighbourList::view() const {
  return {.offsets = offsets_,
          .atom = atom_,
          .shift = shift_,
          .translations = translations_,
          .shifts = shifts_,
          .build = build_};
}

}  // namespace haven
