#include "md/domain.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "core/error.hpp"

namespace haven {
namespace {

// A copy costs communication and list building, but no evaluation: measured against the potentials, about this share.
constexpr double copy_cost = 0.15;

Vec3 wrapped(const Cell& cell, const Vec3& position) {
  return cell.to_fractional(position + cell.translation(cell.wrapping_shift(position)));
}

int domain_index(double fractional, int n) {
  return std::clamp(static_cast<int>(std::floor(fractional * n)), 0, n - 1);
}

double busiest_rank_cost(const Cell& cell, const RankGrid& grid, double halo, std::span<const Vec3> fractional) {
  std::vector<Index> owned(static_cast<std::size_t>(grid.size()));
  for (const Vec3& f : fractional) {
    const int rank =
        grid.rank(domain_index(f.x, grid.n[0]), domain_index(f.y, grid.n[1]), domain_index(f.z, grid.n[2]));
    ++owned[static_cast<std::size_t>(rank)];
  }
  const Vec3 heights = cell.heights();
  double held = 1, surface = 1;  // fractions of the cell; an atom is held at most once, so `held` ends at 1 per axis
  for (int k = 0; k < 3; ++k) {
    const double width = 1.0 / grid.n[static_cast<std::size_t>(k)];
    const double reach = grid.n[static_cast<std::size_t>(k)] == 1 ? width : width + 2 * halo / heights[k];
    held *= std::min(1.0, reach);
    surface *= reach;
  }
  const auto n = static_cast<double>(fractional.size());
  const double copies = n * (held - 1.0 / grid.size());
  // The last term only decides between grids that hold everything everywhere (cells of the size of the halo).
  return static_cast<double>(*std::max_element(owned.begin(), owned.end())) + copy_cost * copies + 1e-6 * n * surface;
}

}  // namespace

RankGrid choose_rank_grid(const Cell& cell, int ranks, double halo, std::span<const Vec3> positions) {
  HAVEN_ASSERT(ranks >= 1);
  std::vector<Vec3> fractional(positions.size());
  std::transform(positions.begin(), positions.end(), fractional.begin(),
                 [&](const Vec3& r) { return wrapped(cell, r); });
  RankGrid best{{ranks, 1, 1}};
  double least = std::numeric_limits<double>::infinity();
  for (int a = 1; a <= ranks; ++a) {
    if (ranks % a != 0) continue;
    for (int b = 1; b <= ranks / a; ++b) {
      if ((ranks / a) % b != 0) continue;
      const RankGrid grid{{a, b, ranks / a / b}};
      const double cost = busiest_rank_cost(cell, grid, halo, fractional);
      if (cost < least) {
        least = cost;
        best = grid;
      }
    }
  }
  return best;
}

DomainPlanes equal_planes(const RankGrid& grid) {
  DomainPlanes planes;
  for (std::size_t axis = 0; axis < 3; ++axis)
    for (int k = 1; k < grid.n[axis]; ++k) planes.cuts[axis].push_back(static_cast<double>(k) / grid.n[axis]);
  return planes;
}

void add_to_profile(const Cell& cell, std::span<const Vec3> positions, LoadProfile& profile) {
  for (const Vec3& r : positions) {
    const Vec3 f = wrapped(cell, r);
    for (std::size_t axis = 0; axis < 3; ++axis) {
      const int slice = domain_index(f[static_cast<int>(axis)], static_cast<int>(load_slices));
      ++profile[axis * load_slices + static_cast<std::size_t>(slice)];
    }
  }
}

DomainPlanes balanced_planes(const RankGrid& grid, const LoadProfile& profile) {
  DomainPlanes planes;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    const auto slices = std::span(profile).subspan(axis * load_slices, load_slices);
    const auto total = static_cast<double>(std::accumulate(slices.begin(), slices.end(), std::int64_t{0}));
    double below = 0;
    std::size_t slice = 0;
    for (int k = 1; k < grid.n[axis]; ++k) {
      const double wanted = total * k / grid.n[axis];
      while (slice + 1 < load_slices && below + static_cast<double>(slices[slice]) < wanted)
        below += static_cast<double>(slices[slice++]);
      const auto here = static_cast<double>(slices[slice]);
      const double part = here > 0 ? std::clamp((wanted - below) / here, 0.0, 1.0) : 0.0;
      planes.cuts[axis].push_back((static_cast<double>(slice) + part) / static_cast<double>(load_slices));
    }
  }
  return planes;
}

int DomainGeometry::index(std::size_t axis, double fractional) const {
  const auto& cuts = planes_.cuts[axis];
  return static_cast<int>(std::upper_bound(cuts.begin(), cuts.end(), fractional) - cuts.begin());
}

Vec3 DomainGeometry::wrapped_fractional(const Vec3& position) const { return wrapped(cell_, position); }

int DomainGeometry::owner(const Vec3& position) const {
  const Vec3 f = wrapped_fractional(position);
  return grid_.rank(index(0, f.x), index(1, f.y), index(2, f.z));
}

void DomainGeometry::ranks_needing(const Vec3& position, double halo, int self, std::vector<int>& ranks) const {
  const Vec3 f = wrapped_fractional(position), heights = cell_.heights();
  // The condition separates into the axes: domain c needs the atom if an image n has low - w <= f + n <= high + w.
  thread_local std::array<std::vector<int>, 3> needing;
  for (int k = 0; k < 3; ++k) {
    const auto axis = static_cast<std::size_t>(k);
    const int n = grid_.n[axis];
    const bool periodic = cell_.periodic()[axis];
    const double width = halo / heights[k] * (1 + 1e-9) + 1e-12;  // covers the rounding of fractional coordinates
    needing[axis].clear();
    const auto& cuts = planes_.cuts[axis];
    for (int c = 0; c < n; ++c) {
      const double low = (c == 0 ? 0.0 : cuts[static_cast<std::size_t>(c) - 1]) - width,
                   high = (c == n - 1 ? 1.0 : cuts[static_cast<std::size_t>(c)]) + width;
      const bool inside =
          periodic ? f[k] + std::ceil(low - f[k]) <= high : (c == 0 || f[k] >= low) && (c == n - 1 || f[k] <= high);
      if (inside) needing[axis].push_back(c);
    }
  }
  for (const int a : needing[0])
    for (const int b : needing[1])
      for (const int c : needing[2])
        if (const int rank = grid_.rank(a, b, c); rank != self) ranks.push_back(rank);
}

}  // namespace haven
