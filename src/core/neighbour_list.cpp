#include "core/neighbour_list.hpp"

#include <algorithm>
#include <memory>
#include <numeric>
#include <tuple>

#include "core/error.hpp"

namespace haven {
namespace {

struct Bounds {
  Vec3 low{1e300, 1e300, 1e300}, high{-1e300, -1e300, -1e300};
  void include(const Vec3& f) {
    for (int k = 0; k < 3; ++k) {
      low[k] = std::min(low[k], f[k]);
      high[k] = std::max(high[k], f[k]);
    }
  }
};

/// Atoms in wrapped coordinates, for the search only.
struct WrappedAtoms {
  std::vector<LatticeShift> shift;  ///< wrapped = stored position + translation of this
  std::vector<Vec3> position, fractional;

  WrappedAtoms(const Cell& cell, std::span<const Vec3> positions) {
    shift.reserve(positions.size());
    position.reserve(positions.size());
    fractional.reserve(positions.size());
    for (const Vec3& r : positions) {
      HAVEN_ASSERT(is_finite(r));
      shift.push_back(cell.wrapping_shift(r));
      position.push_back(r + cell.translation(shift.back()));
      fractional.push_back(cell.to_fractional(position.back()));
    }
  }
};

/// The centres in the cells of a regular grid over their fractional bounding box, each at least half of the radius
/// wide: with five cells to search along an axis less is tested in vain than with three of the whole width.
class CentreGrid {
 public:
  struct Found {
    std::int32_t centre;
    std::int32_t certain;  ///< 0: so near the radius that rounding decides
  };

  CentreGrid(const Cell& cell, const WrappedAtoms& atoms, std::size_t n_centres, double radius)
      : certain2_(radius * radius * (1 - 1e-9)), possible2_(radius * radius * (1 + 1e-9)) {
    const Vec3 heights = cell.heights();
    Bounds bounds;
    for (std::size_t i = 0; i < n_centres; ++i) bounds.include(atoms.fractional[i]);
    low_ = bounds.low, high_ = bounds.high;
    // Sparse systems need no more cells than atoms.
    const double most = std::cbrt(static_cast<double>(n_centres)) * 4 + 1;
    for (int k = 0; k < 3; ++k) {
      // The relative part covers the rounding of fractional coordinates; the exact test is the distance.
      margin_[k] = radius / heights[k] * (1 + 1e-9);
      const double extent = std::max(high_[k] - low_[k], 1e-9);
      n_[k] = static_cast<std::int64_t>(std::clamp(std::floor(2 * extent / margin_[k]), 1.0, most));
      scale_[k] = static_cast<double>(n_[k]) / extent;
    }
    fill(atoms, n_centres);
  }

  /// First and last image along axis k of an atom that may be near a centre.
  [[nodiscard]] std::pair<std::int32_t, std::int32_t> images(double fractional, int k) const {
    return {static_cast<std::int32_t>(std::ceil(low_[k] - margin_[k] - fractional)),
            static_cast<std::int32_t>(std::floor(high_[k] + margin_[k] - fractional))};
  }

  /// The centres within the radius of a point, in no particular order; valid until the next call.
  std::span<const Found> near(const Vec3& point, const Vec3& fractional) {
    std::int64_t first[3], last[3];
    for (int k = 0; k < 3; ++k) {
      first[k] = coordinate(fractional[k] - margin_[k], k);
      last[k] = coordinate(fractional[k] + margin_[k], k);
    }
    std::size_t n = 0;
    for (std::int64_t a = first[0]; a <= last[0]; ++a)
      for (std::int64_t b = first[1]; b <= last[1]; ++b) {
        const std::int64_t line = (a * n_[1] + b) * n_[2];
        n = add_line(start_[static_cast<std::size_t>(line + first[2])],
                     start_[static_cast<std::size_t>(line + last[2]) + 1], point, n);
      }
    return {found_.data(), n};
  }

 private:
  [[nodiscard]] std::int64_t coordinate(double fractional, int k) const {
    return std::clamp<std::int64_t>(static_cast<std::int64_t>((fractional - low_[k]) * scale_[k]), 0, n_[k] - 1);
  }
  void fill(const WrappedAtoms& atoms, std::size_t n_centres) {
    start_.assign(static_cast<std::size_t>(n_[0] * n_[1] * n_[2]) + 1, 0);
    std::vector<std::size_t> home(n_centres);
    for (std::size_t i = 0; i < n_centres; ++i) {
      const Vec3& f = atoms.fractional[i];
      home[i] =
          static_cast<std::size_t>((coordinate(f.x, 0) * n_[1] + coordinate(f.y, 1)) * n_[2] + coordinate(f.z, 2));
      ++start_[home[i] + 1];
    }
    std::partial_sum(start_.begin(), start_.end(), start_.begin());
    for (auto* array : {&x_, &y_, &z_}) array->resize(n_centres);
    centre_.resize(n_centres);
    found_.resize(n_centres);
    std::vector<std::size_t> next(start_.begin(), start_.end() - 1);
    for (std::size_t i = 0; i < n_centres; ++i) {
      const std::size_t at = next[home[i]]++;
      x_[at] = atoms.position[i].x;
      y_[at] = atoms.position[i].y;
      z_[at] = atoms.position[i].z;
      centre_[at] = static_cast<std::int32_t>(i);
    }
  }
  /// Tests the centres begin, ..., end - 1 without branches.
  std::size_t add_line(std::size_t begin, std::size_t end, const Vec3& point, std::size_t n) {
    for (std::size_t s = begin; s < end; ++s) {
      const double x = x_[s] - point.x, y = y_[s] - point.y, z = z_[s] - point.z;
      const double square = x * x + y * y + z * z;
      found_[n] = {centre_[s], static_cast<std::int32_t>(square < certain2_)};
      n += static_cast<std::size_t>(square < possible2_);
    }
    return n;
  }

  double certain2_, possible2_;
  Vec3 low_, high_, margin_, scale_;
  std::int64_t n_[3] = {};
  std::vector<std::size_t> start_;  // of each cell in the arrays below
  std::vector<double> x_, y_, z_;
  std::vector<std::int32_t> centre_;
  std::vector<Found> found_;
};

std::vector<std::size_t> order_by_id(std::span<const AtomId> ids) {
  std::vector<std::size_t> order(ids.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  if (!std::is_sorted(ids.begin(), ids.end()))
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return ids[a] < ids[b]; });
  return order;
}

LatticeShift add(const LatticeShift& a, const LatticeShift& b) { return {a.a + b.a, a.b + b.b, a.c + b.c}; }
LatticeShift subtract(const LatticeShift& a, const LatticeShift& b) { return {a.a - b.a, a.b - b.b, a.c - b.c}; }

/// Numbers lattice shifts in the order of their first appearance; {0, 0, 0} is number 0. A hash table with open
/// addresses: it is asked once for each entry of a list.
class ShiftNumbers {
 public:
  explicit ShiftNumbers(std::vector<LatticeShift>& shifts) : shifts_(shifts), slots_(64, -1) {}

  std::int32_t operator()(const LatticeShift& shift) {
    if (shift == LatticeShift{}) return 0;
    for (std::size_t at = place(shift);; at = (at + 1) % slots_.size()) {
      if (slots_[at] < 0) return insert(shift, at);
      if (shifts_[static_cast<std::size_t>(slots_[at])] == shift) return slots_[at];
    }
  }

 private:
  [[nodiscard]] std::size_t place(const LatticeShift& s) const {
    const auto mix = [](std::int32_t n) { return static_cast<std::uint32_t>(n); };
    return ((mix(s.a) * 73856093U) ^ (mix(s.b) * 19349663U) ^ (mix(s.c) * 83492791U)) % slots_.size();
  }
  std::int32_t insert(const LatticeShift& shift, std::size_t at) {
    const auto number = static_cast<std::int32_t>(shifts_.size());
    shifts_.push_back(shift);
    slots_[at] = number;
    if (2 * shifts_.size() > slots_.size()) {
      slots_.assign(4 * slots_.size(), -1);
      for (std::size_t k = 1; k < shifts_.size(); ++k) {
        std::size_t to = place(shifts_[k]);
        while (slots_[to] >= 0) to = (to + 1) % slots_.size();
        slots_[to] = static_cast<std::int32_t>(k);
      }
    }
    return number;
  }

  std::vector<LatticeShift>& shifts_;
  std::vector<std::int32_t> slots_;  // a power of two
};

/// An atom or image and where the entries with it end among those found.
struct Run {
  std::int32_t atom;
  LatticeShift shift;
  std::size_t end;
};

/// Puts the number of each entry's run down in the row of its centre, in the order in which they were found.
void fill_rows(std::span<const std::int32_t> found, std::span<const Run> runs, std::span<const Index> offsets,
               std::vector<std::int32_t>& rows) {
  if (rows.capacity() < found.size()) std::vector<std::int32_t>().swap(rows);  // never the old one beside the new
  rows.resize(found.size());
  std::vector<Index> next(offsets.begin(), offsets.end() - 1);
  std::size_t e = 0;
  for (std::size_t run = 0; run < runs.size(); ++run)
    for (; e < runs[run].end; ++e)
      rows[static_cast<std::size_t>(next[static_cast<std::size_t>(found[e])]++)] = static_cast<std::int32_t>(run);
}

}  // namespace

/// Atoms and their images are taken in ascending order of (id, shift). Seen from a centre all shifts change by the same
/// one, which keeps that order: each list comes out sorted when its entries are put down as they are found.
void NeighbourList::build(const Cell& cell, const LocalAtoms& atoms, double radius) {
  HAVEN_ASSERT(radius > 0 && atoms.n_centres <= static_cast<Index>(atoms.positions.size()));
  const auto n_centres = static_cast<std::size_t>(atoms.n_centres);
  offsets_.assign(n_centres + 1, 0);
  build_ = std::make_shared<char>();
  atom_.clear();
  shift_.clear();
  translations_.assign(1, Vec3{});
  shifts_.assign(1, LatticeShift{});
  if (n_centres == 0) return;
  const WrappedAtoms wrapped(cell, atoms.positions);
  CentreGrid grid(cell, wrapped, n_centres, radius);
  ShiftNumbers number_of(shifts_);
  const std::vector<std::size_t> order = order_by_id(atoms.ids);
  std::vector<std::int32_t>& found = shift_;  // the centres of all entries as they are found, until rows need the place
  std::vector<Run> runs;
  for (const std::size_t j : order) {
    std::int32_t first[3] = {}, last[3] = {};
    for (int k = 0; k < 3; ++k)
      if (cell.periodic()[static_cast<std::size_t>(k)])
        std::tie(first[k], last[k]) = grid.images(wrapped.fractional[j][k], k);
    for (std::int32_t a = first[0]; a <= last[0]; ++a)
      for (std::int32_t b = first[1]; b <= last[1]; ++b)
        for (std::int32_t c = first[2]; c <= last[2]; ++c) {
          const LatticeShift shift = add(wrapped.shift[j], {a, b, c});
          const Vec3 point = atoms.positions[j] + cell.translation(shift);
          for (const auto [centre, certain] : grid.near(point, cell.to_fractional(point))) {
            const auto i = static_cast<std::size_t>(centre);
            const std::int32_t number = number_of(subtract(shift, wrapped.shift[i]));
            if (j == i && number == 0) continue;
            while (translations_.size() < shifts_.size())
              translations_.push_back(cell.translation(shifts_[translations_.size()]));
            // As evaluated everywhere (NeighbourView), so that the list is exact to the last bit.
            const Vec3& translation = translations_[static_cast<std::size_t>(number)];
            if (certain == 0 && !(norm2((atoms.positions[j] - atoms.positions[i]) + translation) < radius * radius))
              continue;
            found.push_back(centre);
            ++offsets_[i + 1];
          }
          if (found.size() > (runs.empty() ? 0 : runs.back().end))
            runs.push_back({static_cast<std::int32_t>(j), shift, found.size()});
        }
  }
  std::partial_sum(offsets_.begin(), offsets_.end(), offsets_.begin());
  fill_rows(found, runs, offsets_, atom_);
  for (std::size_t i = 0; i < n_centres; ++i)
    for (auto e = static_cast<std::size_t>(offsets_[i]); e < static_cast<std::size_t>(offsets_[i + 1]); ++e) {
      const Run& run = runs[static_cast<std::size_t>(atom_[e])];
      shift_[e] = number_of(subtract(run.shift, wrapped.shift[i]));
      atom_[e] = run.atom;
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
