#pragma once
#include <cmath>
#include <type_traits>
#include <utility>

#include "potentials/program/drivers/cuda_centre_data.hpp"
#include "potentials/program/kernel.hpp"

/// From list entries to tiles of 32 neighbours.
///
/// Nothing is stored per neighbour beyond one tile: the list is swept once for the moments and once for the forces, and
/// distances, table look-ups and harmonics are computed twice. That costs some arithmetic, of which the GPU has plenty,
/// and saves memory traffic and shared memory, which decide how many warps hide each other's latency; and no number of
/// neighbours is too large.
namespace haven::gpu {

/// One atom's view of a list entry.
template <class Warp>
struct Candidates {
  typename Warp::template PerLane<double> x{}, y{}, z{}, square{};
  typename Warp::template PerLane<std::int32_t> atom{}, species{};
};

/// Displacement of entry k, in the order of operations that all backends use. False beyond the end of the list.
template <class T, class Warp>
HAVEN_HD inline bool load_candidate(const EvaluationView<T>& e, const PackedAtom& self, Index k, Index last, int lane,
                                    Candidates<Warp>& c) {
  if (k >= last) return false;
  const std::int32_t j = e.entry_atom[k];
  const PackedAtom other = e.atoms[j];
  const Vec3 t = e.translations[e.entry_shift[k]];
  c.atom[lane] = j;
  c.species[lane] = static_cast<std::int32_t>(other.species);
  c.x[lane] = (other.x - self.x) + t.x;
  c.y[lane] = (other.y - self.y) + t.y;
  c.z[lane] = (other.z - self.z) + t.z;
  c.square[lane] = c.x[lane] * c.x[lane] + c.y[lane] * c.y[lane] + c.z[lane] * c.z[lane];
  return true;
}

/// Which entries of a list take part in a sweep.
struct Filter {
  double square = 0;                       ///< those nearer than the root of this, A^2
  const std::int32_t* block_of = nullptr;  ///< block of each element; null: all elements
  std::int32_t block = 0;                  ///< and of this block
};

/// Calls body(head, count) for tiles of neighbours that pass the filter: entries head, ..., head + count - 1 of the
/// ring, in list order. Tiles are full but for the last, whatever share of the entries passes: which neighbour meets
/// which lane does not depend on the radius of the list.
template <class T, class Warp, class Body>
HAVEN_HD inline void for_each_tile(const EvaluationView<T>& e, Warp warp, Index centre, const Filter& filter,
                                   const Scratch<T>& s, typename Warp::template PerLane<unsigned>& remarks,
                                   const Body& body) {
  const PackedAtom self = e.atoms[centre];
  const Index first = e.offsets[centre], last = e.offsets[centre + 1];
  int head = 0, queued = 0;
  Candidates<Warp> c;
  Index base = first;
  while (true) {
    for (; queued < warp_size && base < last; base += warp_size) {
      const unsigned kept = warp.ballot([&](int lane) {
        if (!load_candidate(e, self, base + lane, last, lane, c)) return false;
        const bool inside = c.square[lane] < filter.square;
        if (!inside && !(c.square[lane] >= filter.square)) remarks[lane] |= remark_not_finite;
        return inside && (filter.block_of == nullptr || filter.block_of[c.species[lane]] == filter.block);
      });
      warp.each([&](int lane) {
        if ((kept >> lane & 1U) == 0) return;
        const int slot = (head + queued + count_bits(kept & ((1U << lane) - 1))) & (queue_size - 1);
        s.queue_x()[slot] = c.x[lane];
        s.queue_y()[slot] = c.y[lane];
        s.queue_z()[slot] = c.z[lane];
        s.queue_atom()[slot] = c.atom[lane];
        s.queue_species()[slot] = c.species[lane];
      });
      queued += count_bits(kept);
    }
    if (queued == 0) return;
    const int count = queued < warp_size ? queued : warp_size;
    body(head, count);
    head = (head + count) & (queue_size - 1);
    queued -= count;
  }
}

/// Unit vector and inverse distance of one neighbour, formed in double and rounded once.
template <class T>
struct Direction {
  T x = 0, y = 0, z = 0, inverse = 0;
};

/// Takes one neighbour of the ring: its direction, and where it lies in its table.
template <class T>
HAVEN_HD inline Direction<T> place_neighbour(const ProgramView<T>& program, const CentreImage& centre,
                                             const Scratch<T>& s, int head, int lane) {
  const int slot = (head + lane) & (queue_size - 1);
  const double x = s.queue_x()[slot], y = s.queue_y()[slot], z = s.queue_z()[slot];
  const double r = std::sqrt(x * x + y * y + z * z), inverse = 1.0 / r;
  const TableImage table = program.tables[centre.tables + s.queue_species()[slot]];
  const double position = r * table.inverse_spacing;
  std::int32_t interval = static_cast<std::int32_t>(position);
  if (interval >= table.intervals) interval = table.intervals - 1;
  s.tile_row()[lane] = table.first + interval * table.row;
  s.tile_fraction()[lane] = static_cast<T>(position - interval);
  return {static_cast<T>(x * inverse), static_cast<T>(y * inverse), static_cast<T>(z * inverse),
          static_cast<T>(inverse)};
}

/// Radial channels of a tile, and their slopes into tile_second. Four or eight lanes share a neighbour and take one
/// channel each, so that a warp reads few, whole cache lines of the table.
template <class T, class Slopes>
HAVEN_HD inline void look_up(const ProgramView<T>& program, const BlockImage& block, const Scratch<T>& s, int count,
                             int lane, Slopes) {
  using kernel::multiply_add;
  const int member = lane & (block.group - 1), step = warp_size / block.group;
  for (int j = lane / block.group; j < count; j += step) {
    const T t = s.tile_fraction()[j];
    const T* row = program.numbers + s.tile_row()[j];
    for (int c = member; c < block.padded; c += block.group) {
      const Four<T> low = load4(row + c * 8), high = load4(row + c * 8 + 4);
      T value = high.v[1], slope = value;
      value = multiply_add(value, t, high.v[0]);
      HAVEN_UNROLL_ON_DEVICE
      for (int power = 3; power >= 0; --power) {
        slope = multiply_add(slope, t, value);
        value = multiply_add(value, t, low.v[power]);
      }
      s.tile_radial()[j * s.radial_stride() + c] = value;
      if constexpr (Slopes::wanted) s.tile_second()[j * s.radial_stride() + c] = slope * high.v[2];
    }
  }
}
struct WithSlopes {
  static constexpr bool wanted = true;
};
struct WithoutSlopes {
  static constexpr bool wanted = false;
};

/// body(k) for the constants k = 0, ..., N - 1: unrolled whatever the compiler thinks, so that arrays indexed by k stay
/// in registers.
template <int N, class Body>
HAVEN_HD inline void repeat(const Body& body) {
  [&]<int... K>(std::integer_sequence<int, K...>) { (body(std::integral_constant<int, K>{}), ...); }
  (std::make_integer_sequence<int, N>{});
}

/// Loops over harmonics up to a compile-time l_max, which keeps them in registers; LMax = -1 takes the block's own.
template <int LMax>
struct Reach {
  static constexpr int largest = LMax < 0 ? largest_l : LMax;
  static constexpr int width = (largest + 1) * (largest + 1);

  HAVEN_HD static int l_max(const BlockImage& block) {
    if (LMax >= 0) return LMax;
    int l = 0;
    while ((l + 1) * (l + 1) < block.width) ++l;
    return l;
  }
  /// body(lm) for the harmonics up to l_max.
  template <class Body>
  HAVEN_HD static void each(int l_max, const Body& body) {
    if constexpr (LMax >= 0) {
      repeat<width>(body);
    } else {
      for (int lm = 0; lm < (l_max + 1) * (l_max + 1); ++lm) body(lm);
    }
  }
  /// shell(l), and where it says so, row(lm) for its harmonics.
  template <class ShellBody, class RowBody>
  HAVEN_HD static void each_shell(int l_max, const ShellBody& shell, const RowBody& row) {
    if constexpr (LMax >= 0) {
      repeat<LMax + 1>([&](auto l) {
        constexpr int first = decltype(l)::value * decltype(l)::value, count = 2 * decltype(l)::value + 1;
        if (shell(l)) repeat<count>([&](auto m) { row(first + decltype(m)::value); });
      });
    } else {
      for (int l = 0; l <= l_max; ++l)
        if (shell(l))
          for (int lm = l * l; lm < (l + 1) * (l + 1); ++lm) row(lm);
    }
  }
};

}  // namespace haven::gpu
