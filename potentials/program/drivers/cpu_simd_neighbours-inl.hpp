// From the neighbour list to radial channels and harmonics in vector-friendly order. Included once per instruction set.
#if defined(HAVEN_CPU_SIMD_NEIGHBOURS_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef HAVEN_CPU_SIMD_NEIGHBOURS_INL_HPP
#undef HAVEN_CPU_SIMD_NEIGHBOURS_INL_HPP
#else
#define HAVEN_CPU_SIMD_NEIGHBOURS_INL_HPP
#endif

#include <bit>

#include "potentials/potential.hpp"
#include "potentials/program/drivers/cpu_simd_lane-inl.hpp"
#include "potentials/program/drivers/cpu_simd_workspace.hpp"
#include "potentials/program/drivers/space_curve.hpp"
#define HAVEN_KERNEL_VECTORISED
#include "potentials/program/kernel.hpp"
#undef HAVEN_KERNEL_VECTORISED

HWY_BEFORE_NAMESPACE();
namespace haven::HWY_NAMESPACE {

/// Places behind the last neighbour: whole vectors are written and read there.
inline constexpr std::size_t room_behind = 32;

#if HWY_MAX_BYTES >= 32
/// Four entries as columns.
struct FourEntries {
  using D = hn::FixedTag<double, 4>;
  hn::Vec<D> x, y, z, tag;
};

HWY_INLINE FourEntries transposed(const hn::Vec<FourEntries::D>* row) {
  const FourEntries::D d;
  const auto x0z0 = hn::InterleaveLower(d, row[0], row[1]), y0t0 = hn::InterleaveUpper(d, row[0], row[1]);
  const auto x2z2 = hn::InterleaveLower(d, row[2], row[3]), y2t2 = hn::InterleaveUpper(d, row[2], row[3]);
  return {hn::ConcatLowerLower(d, x2z2, x0z0), hn::ConcatLowerLower(d, y2t2, y0t0), hn::ConcatUpperUpper(d, x2z2, x0z0),
          hn::ConcatUpperUpper(d, y2t2, y0t0)};
}

/// For each subset of four doubles, as bits: which of their eight halves come first when only the subset is kept. (The
/// library's Compress copies such a table at every call, and masked stores take dozens of cycles on some processors.)
struct HalvesOfKept {
  alignas(32) std::uint32_t order[16][8] = {};
  constexpr HalvesOfKept() {
    for (unsigned subset = 0; subset < 16; ++subset) {
      unsigned to = 0;
      for (unsigned k = 0; k < 4; ++k)
        if ((subset >> k & 1) != 0) {
          order[subset][to++] = 2 * k;
          order[subset][to++] = 2 * k + 1;
        }
    }
  }
};
inline constexpr HalvesOfKept halves_of_kept{};

/// Stores all four, those kept first.
HWY_INLINE void store_kept(hn::Vec<FourEntries::D> v, hn::Vec<hn::FixedTag<std::uint32_t, 8>> order, double* out) {
  const hn::FixedTag<float, 8> halves;
  const auto sorted = hn::TableLookupLanes(hn::BitCast(halves, v), hn::IndicesFromVec(halves, order));
  hn::StoreU(hn::BitCast(FourEntries::D(), sorted), FourEntries::D(), out);
}

/// Keeps the entries with |d| < cutoff, in list order and without branches. False when a distance is NaN.
template <class T>
bool find_neighbours(const QuadAtoms& quads, const NeighbourView& list, Index centre, double cutoff, Workspace<T>& w) {
  const auto first = static_cast<std::size_t>(list.offsets[static_cast<std::size_t>(centre)]);
  const auto last = static_cast<std::size_t>(list.offsets[static_cast<std::size_t>(centre) + 1]);
  w.reserve_found(last - first + room_behind);
  const FourEntries::D d;
  const double* atoms = quads.atoms.data();
  const double* translations = quads.translations.data();
  const auto origin = hn::IfThenElseZero(hn::FirstN(d, 3), hn::Load(d, atoms + 4 * centre));
  const auto cutoff2 = hn::Set(d, cutoff * cutoff);
  auto not_numbers = hn::IsNaN(cutoff2);
  double *x = w.found_x.data(), *y = w.found_y.data(), *z = w.found_z.data(), *squares = w.found_square.data(),
         *tags = w.found_tag.data();
  std::size_t n = 0;
  for (std::size_t e = first; e < last; e += 4) {
    hn::Vec<FourEntries::D> row[4];
    HAVEN_UNROLL
    for (std::size_t k = 0; k < 4; ++k) {
      const std::size_t at = std::min(e + k, last - 1);  // the last one again behind the end
      const auto j = static_cast<std::size_t>(list.atom[at]), shift = static_cast<std::size_t>(list.shift[at]);
      row[k] = hn::Add(hn::Sub(hn::Load(d, atoms + 4 * j), origin), hn::Load(d, translations + 4 * shift));
    }
    const FourEntries four = transposed(row);
    const auto square = hn::Add(hn::Add(hn::Mul(four.x, four.x), hn::Mul(four.y, four.y)), hn::Mul(four.z, four.z));
    not_numbers = hn::Or(not_numbers, hn::IsNaN(square));
    auto inside = hn::Lt(square, cutoff2);
    if (last - e < 4) inside = hn::And(inside, hn::FirstN(d, last - e));
    std::uint8_t bits[8];
    hn::StoreMaskBits(d, inside, bits);
    const auto order = hn::Load(hn::FixedTag<std::uint32_t, 8>(), halves_of_kept.order[bits[0]]);
    store_kept(four.x, order, x + n);
    store_kept(four.y, order, y + n);
    store_kept(four.z, order, z + n);
    store_kept(square, order, squares + n);
    store_kept(four.tag, order, tags + n);
    n += static_cast<std::size_t>(std::popcount(bits[0]));
  }
  w.found = static_cast<Index>(n);
  return hn::AllFalse(d, not_numbers);
}
#else
/// Keeps the entries with |d| < cutoff, in list order and without branches. False when a distance is NaN.
template <class T>
bool find_neighbours(const QuadAtoms& quads, const NeighbourView& list, Index centre, double cutoff, Workspace<T>& w) {
  const auto first = static_cast<std::size_t>(list.offsets[static_cast<std::size_t>(centre)]);
  const auto last = static_cast<std::size_t>(list.offsets[static_cast<std::size_t>(centre) + 1]);
  w.reserve_found(last - first + room_behind);
  const double* origin = quads.atoms.data() + 4 * centre;
  const double cutoff2 = cutoff * cutoff;
  std::size_t n = 0, not_numbers = 0;
  for (std::size_t e = first; e < last; ++e) {
    const double* atom = quads.atoms.data() + 4 * static_cast<std::size_t>(list.atom[e]);
    const double* translation = quads.translations.data() + 4 * static_cast<std::size_t>(list.shift[e]);
    const Vec3 d{(atom[0] - origin[0]) + translation[0], (atom[1] - origin[1]) + translation[1],
                 (atom[2] - origin[2]) + translation[2]};
    const double square = norm2(d);
    w.found_x[n] = d.x;
    w.found_y[n] = d.y;
    w.found_z[n] = d.z;
    w.found_square[n] = square;
    w.found_tag[n] = atom[3];
    not_numbers += static_cast<std::size_t>(square != square);
    n += static_cast<std::size_t>(square < cutoff2);
  }
  w.found = static_cast<Index>(n);
  return not_numbers == 0;
}
#endif

struct AtomTag {
  std::int32_t atom, species;
};

/// What the fourth number of an atom says.
HWY_INLINE AtomTag decoded(double tag) {
  const auto bits = std::bit_cast<std::uint64_t>(tag);
  return {static_cast<std::int32_t>(bits & 0xffffffff), static_cast<std::int32_t>((bits >> 32) & 0xfffff)};
}

/// The bin of each neighbour in the order of evaluation: its block and, where there are triplets, its place along the
/// curve in space. The last bin is for those that contribute nothing. Counts the neighbours of each.
template <class T>
void count_bins(const PackedCentre<T>& centre, double cutoff, std::int32_t n_cells, Workspace<T>& w) {
  const auto n_blocks = static_cast<std::int32_t>(centre.blocks.size());
  w.bin_count.assign(static_cast<std::size_t>(n_blocks * n_cells + 1), 0);
  const double scale = curve_side / (2 * cutoff);
  const bool shells = !centre.shell_end2.empty(), cells = n_cells > 1;
  for (std::size_t k = 0; k < static_cast<std::size_t>(w.found); ++k) {
    const auto b = static_cast<std::size_t>(decoded(w.found_tag[k]).species);
    const int block = shells && w.found_square[k] >= centre.shell_end2[b] ? centre.outer_block_of_element[b]
                                                                          : centre.block_of_element[b];
    std::int32_t bin = (block < 0 ? n_blocks : block) * n_cells;
    if (cells && block >= 0) bin += curve_position(w.found_x[k], w.found_y[k], w.found_z[k], scale);
    w.found_bin[k] = bin;
    ++w.bin_count[static_cast<std::size_t>(bin)];
  }
}

/// A harmless unit vector whose radial functions are zero, to fill a block up to full vectors.
template <class T>
HWY_INLINE void put_filler(std::size_t k, Workspace<T>& w) {
  w.x[k] = w.square[k] = 1;
  w.y[k] = w.z[k] = 0;
  w.species[k] = -1;
}

/// Where one block holds all neighbours, in the order they were found in.
template <class T>
void take_as_found(Workspace<T>& w) {
  std::swap(w.x, w.found_x);
  std::swap(w.y, w.found_y);
  std::swap(w.z, w.found_z);
  std::swap(w.square, w.found_square);
  for (std::size_t k = 0; k < static_cast<std::size_t>(w.found); ++k) {
    const AtomTag tag = decoded(w.found_tag[k]);
    w.atom[k] = tag.atom;
    w.species[k] = tag.species;
  }
  w.block_begin[0] = 0;
  w.block_count[0] = w.found;
  w.packed = padded(w.found, Lane<T>::width);
  for (Index k = w.found; k < w.packed; ++k) put_filler(static_cast<std::size_t>(k), w);
}

/// Groups neighbours by block, keeping their order (where there are triplets within each cell of the curve), and fills
/// each block up to full vectors.
template <class T>
void group_neighbours(const PackedCentre<T>& centre, double cutoff, Workspace<T>& w) {
  constexpr Index lanes = Lane<T>::width;
  const std::size_t n_blocks = centre.blocks.size(), n_cells = centre.triplets.empty() ? 1 : curve_cells;
  const auto room = static_cast<std::size_t>(w.found + (static_cast<Index>(n_blocks) + 1) * lanes);
  w.reserve(room, static_cast<std::size_t>(lanes), centre);
  w.block_begin.resize(n_blocks);
  w.block_count.resize(n_blocks);
  if (centre.one_block) return take_as_found(w);
  count_bins(centre, cutoff, static_cast<std::int32_t>(n_cells), w);
  std::int32_t next = 0;
  std::int32_t* bin = w.bin_count.data();  // counts become first places
  for (std::size_t block = 0; block < n_blocks; ++block) {
    w.block_begin[block] = next;
    for (std::size_t cell = 0; cell < n_cells; ++cell, ++bin) next += std::exchange(*bin, next);
    w.block_count[block] = next - w.block_begin[block];
    for (; next % lanes != 0; ++next) put_filler(static_cast<std::size_t>(next), w);
  }
  w.packed = next;
  *bin = next;  // the last bin: behind the others, to be ignored
  for (std::size_t k = 0; k < static_cast<std::size_t>(w.found); ++k) {
    const auto to = static_cast<std::size_t>(w.bin_count[static_cast<std::size_t>(w.found_bin[k])]++);
    w.x[to] = w.found_x[k];
    w.y[to] = w.found_y[k];
    w.z[to] = w.found_z[k];
    w.square[to] = w.found_square[k];
    const AtomTag tag = decoded(w.found_tag[k]);
    w.atom[to] = tag.atom;
    w.species[to] = tag.species;
  }
}

inline void store_as(hn::Vec<hn::ScalableTag<double>> v, double* out) { hn::StoreU(v, hn::ScalableTag<double>(), out); }
inline void store_as(hn::Vec<hn::ScalableTag<double>> v, float* out) {
  const hn::Rebind<float, hn::ScalableTag<double>> half;
  hn::StoreU(hn::DemoteTo(half, v), half, out);
}

inline hn::Vec<hn::ScalableTag<double>> load_double(const double* p) { return hn::LoadU(hn::ScalableTag<double>(), p); }
inline hn::Vec<hn::ScalableTag<double>> load_double(const float* p) {
  const hn::Rebind<float, hn::ScalableTag<double>> half;
  return hn::PromoteTo(hn::ScalableTag<double>(), hn::LoadU(half, p));
}

/// Distances in double; unit vectors and inverse distances are formed in double and rounded once.
template <class T>
void form_directions(Workspace<T>& w) {
  const hn::ScalableTag<double> d;
  const auto step = static_cast<std::size_t>(Lane<double>::width);
  for (std::size_t k = 0; k < static_cast<std::size_t>(w.packed); k += step) {
    const auto r = hn::Sqrt(hn::LoadU(d, &w.square[k]));
    const auto inverse = hn::Div(hn::Set(d, 1.0), r);
    hn::StoreU(r, d, &w.distance[k]);
    store_as(inverse, &w.inverse[k]);
    store_as(hn::Mul(hn::LoadU(d, &w.x[k]), inverse), &w.unit_x[k]);
    store_as(hn::Mul(hn::LoadU(d, &w.y[k]), inverse), &w.unit_y[k]);
    store_as(hn::Mul(hn::LoadU(d, &w.z[k]), inverse), &w.unit_z[k]);
  }
}

/// Calls work(stride) with the stride as a compile-time constant where one vector holds all channels.
template <class T, class Work>
HWY_INLINE void with_stride(Index stride, const Work& work) {
  if (stride == Lane<T>::width) return work(std::integral_constant<Index, Lane<T>::width>());
  work(stride);
}

/// Where the distances of a block lie in their tables.
template <class T>
void find_intervals(const std::vector<PackedTable<T>>& tables, Index stride, std::size_t begin, std::size_t end,
                    Workspace<T>& w) {
  const double* distance = w.distance.data();
  const std::int32_t* species = w.species.data();
  T *fraction = w.fraction.data(), *scale = w.table_scale.data();
  const T** rows = w.row.data();
  for (std::size_t k = begin; k < end; ++k) {
    const PackedTable<T>& table = tables[static_cast<std::size_t>(species[k])];
    const double x = distance[k] * table.inverse_spacing;
    const auto interval = std::min(static_cast<std::int32_t>(x), static_cast<std::int32_t>(table.intervals) - 1);
    fraction[k] = static_cast<T>(x - interval);
    scale[k] = static_cast<T>(table.inverse_spacing);
    rows[k] = table.coefficients.data() + interval * 6 * stride;
  }
}

/// Value and slope of all channels, `stride` numbers, in one interval; lanes over channels.
template <class T, class Stride>
HWY_INLINE void look_up(const T* row, T fraction, Stride stride, Lane<T> scale, T* value_out, T* slope_out) {
  const Lane<T> t(fraction);
  for (Index at = 0; at < stride; at += Lane<T>::width) {
    Lane<T> value = Lane<T>::load(row + 5 * stride + at), slope = value;
    value = multiply_add(value, t, Lane<T>::load(row + 4 * stride + at));
    HAVEN_UNROLL
    for (Index power = 3; power >= 0; --power) {
      slope = multiply_add(slope, t, value);
      value = multiply_add(value, t, Lane<T>::load(row + power * stride + at));
    }
    value.store(value_out + at);
    (slope * scale).store(slope_out + at);
  }
}

#if HWY_TARGET == HWY_SCALAR
/// One lane: both layouts are the same.
template <class T>
void transpose_channels(const T* from, Index count, const PackedBlock& block, T* to) {
  std::copy(from, from + count * block.stride, to);
}
#else
/// Rows a, b, c, e of four numbers in each 128-bit block; out[k] gets the k-th number of each.
template <class D, class V = hn::Vec<D>>
HWY_INLINE void transpose_blocks(D d, V a, V b, V c, V e, V* out) {
  const auto ac_low = hn::InterleaveLower(d, a, c), ac_high = hn::InterleaveUpper(d, a, c);
  const auto be_low = hn::InterleaveLower(d, b, e), be_high = hn::InterleaveUpper(d, b, e);
  out[0] = hn::InterleaveLower(d, ac_low, be_low);
  out[1] = hn::InterleaveUpper(d, ac_low, be_low);
  out[2] = hn::InterleaveLower(d, ac_high, be_high);
  out[3] = hn::InterleaveUpper(d, ac_high, be_high);
}

/// Numbers in a row of a tile: whole vectors of 256 bits, blocks of 128 bits otherwise.
template <class T>
inline constexpr Index tile_side = (Lane<T>::width * static_cast<Index>(sizeof(T)) == 32 ? 32 : 16) /
                                   static_cast<Index>(sizeof(T));

/// Transposes a tile: rows are `from`, `from + stride`, ...; columns go to `to`, `to + lanes`, ...
template <class T>
HWY_INLINE void transpose_tile(const T* from, Index stride, T* to, Index lanes) {
  constexpr Index side = tile_side<T>;
  const hn::FixedTag<T, static_cast<std::size_t>(side)> d;
  const auto row = [&](Index k) HWY_ATTR { return hn::LoadU(d, from + k * stride); };
  if constexpr (side == 8) {
    hn::Vec<decltype(d)> upper[4], lower[4];
    transpose_blocks(d, row(0), row(1), row(2), row(3), upper);
    transpose_blocks(d, row(4), row(5), row(6), row(7), lower);
    HAVEN_UNROLL
    for (int k = 0; k < 4; ++k) {
      hn::StoreU(hn::ConcatLowerLower(d, lower[k], upper[k]), d, to + k * lanes);
      hn::StoreU(hn::ConcatUpperUpper(d, lower[k], upper[k]), d, to + (k + 4) * lanes);
    }
  } else if constexpr (side == 4 && sizeof(T) == 4) {
    hn::Vec<decltype(d)> columns[4];
    transpose_blocks(d, row(0), row(1), row(2), row(3), columns);
    HAVEN_UNROLL
    for (int k = 0; k < 4; ++k) hn::StoreU(columns[k], d, to + k * lanes);
  } else if constexpr (side == 4) {
    const auto a = row(0), b = row(1), c = row(2), e = row(3);
    const auto ab_even = hn::InterleaveLower(d, a, b), ab_odd = hn::InterleaveUpper(d, a, b);
    const auto ce_even = hn::InterleaveLower(d, c, e), ce_odd = hn::InterleaveUpper(d, c, e);
    hn::StoreU(hn::ConcatLowerLower(d, ce_even, ab_even), d, to);
    hn::StoreU(hn::ConcatLowerLower(d, ce_odd, ab_odd), d, to + lanes);
    hn::StoreU(hn::ConcatUpperUpper(d, ce_even, ab_even), d, to + 2 * lanes);
    hn::StoreU(hn::ConcatUpperUpper(d, ce_odd, ab_odd), d, to + 3 * lanes);
  } else {
    hn::StoreU(hn::InterleaveLower(d, row(0), row(1)), d, to);
    hn::StoreU(hn::InterleaveUpper(d, row(0), row(1)), d, to + lanes);
  }
}

/// [neighbour][stride] -> [neighbour / lanes][stride][lanes] for `count` neighbours (whole vectors).
template <class T>
void transpose_channels(const T* from, Index count, const PackedBlock& block, T* to) {
  constexpr Index lanes = Lane<T>::width, tile = tile_side<T>;
  const auto channels = padded(static_cast<Index>(block.channels.size()), tile);
  for (Index j = 0; j < count; j += lanes)
    for (Index c = 0; c < channels; c += tile)
      for (Index row = 0; row < lanes; row += tile)
        transpose_tile(from + (j + row) * block.stride + c, block.stride, to + j * block.stride + c * lanes + row,
                       lanes);
}
#endif

/// Radial channels of all neighbours in both layouts. With l = 0 alone the adjoint needs no values with lanes over
/// neighbours.
template <class T>
void form_radial(const PackedCentre<T>& centre, Workspace<T>& w) {
  for (std::size_t b = 0; b < centre.blocks.size(); ++b) {
    const PackedBlock& block = centre.blocks[b];
    const Index begin = w.block_begin[b], count = w.block_count[b], whole = padded(count, Lane<T>::width);
    const std::vector<PackedTable<T>>& tables = b < centre.inner_blocks ? centre.tables : centre.outer_tables;
    T* value = w.radial.data() + begin * centre.stride;
    T* slope = w.slope.data() + begin * centre.stride;
    find_intervals(tables, block.stride, static_cast<std::size_t>(begin), static_cast<std::size_t>(begin + count), w);
    with_stride<T>(block.stride, [&](auto stride) HWY_ATTR {
      const T* const* rows = w.row.data() + begin;
      const T *fraction = w.fraction.data() + begin, *scale = w.table_scale.data() + begin;
      for (Index k = 0; k < count; ++k)
        look_up(rows[k], fraction[k], stride, Lane<T>(scale[k]), value + k * stride, slope + k * stride);
    });
    std::fill(value + count * block.stride, value + whole * block.stride, T(0));
    std::fill(slope + count * block.stride, slope + whole * block.stride, T(0));
    if (block.l_max > 0 || !centre.triplets.empty())
      transpose_channels(value, whole, block, w.radial_lanes.data() + begin * centre.stride);
    transpose_channels(slope, whole, block, w.slope_lanes.data() + begin * centre.stride);
  }
}

/// Calls work(l_max) with l_max as a compile-time constant for common degrees, so that loops over l and m unroll.
template <class Work>
HWY_INLINE void with_degree(int l_max, const Work& work) {
  switch (l_max) {
    case 0:
      return work(std::integral_constant<int, 0>());
    case 1:
      return work(std::integral_constant<int, 1>());
    case 2:
      return work(std::integral_constant<int, 2>());
    case 3:
      return work(std::integral_constant<int, 3>());
    case 4:
      return work(std::integral_constant<int, 4>());
    default:
      return work(l_max);
  }
}

/// Bare harmonics of some neighbours up to `degree`: an int or an integral_constant.
template <class T, class Degree>
void form_harmonics_of(Degree degree, Index begin, Index end, Index width, Workspace<T>& w) {
  constexpr Index lanes = Lane<T>::width;
  for (Index j = begin; j < end; j += lanes) {
    const auto k = static_cast<std::size_t>(j);
    Lane<T> y[(largest_l + 1) * (largest_l + 1)];
    bare_harmonics(degree, Lane<T>::load(&w.unit_x[k]), Lane<T>::load(&w.unit_y[k]), Lane<T>::load(&w.unit_z[k]), y);
    T* out = w.harmonics.data() + j * width;
    for (int lm = 0; lm < (degree + 1) * (degree + 1); ++lm) y[lm].store(out + lm * lanes);
  }
}

/// Bare harmonics of all neighbours, lanes over neighbours; each block only up to its own largest l.
template <class T>
void form_harmonics(const PackedCentre<T>& centre, Workspace<T>& w) {
  for (std::size_t b = 0; b < centre.blocks.size(); ++b) {
    const int l_max = centre.blocks[b].l_max;
    const Index begin = w.block_begin[b], end = begin + w.block_count[b];
    if (l_max == 0) {
      for (Index j = begin; j < end; j += Lane<T>::width) Lane<T>(1.0).store(w.harmonics.data() + j * centre.width);
    } else {
      with_degree(l_max, [&](auto degree) HWY_ATTR { form_harmonics_of(degree, begin, end, centre.width, w); });
    }
  }
}

}  // namespace haven::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif  // HAVEN_CPU_SIMD_NEIGHBOURS_INL_HPP
