// Pairs of neighbours with the third side inside the cut-off, packed side by side. Included once per instruction set.
#if defined(HAVEN_CPU_SIMD_PAIRS_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef HAVEN_CPU_SIMD_PAIRS_INL_HPP
#undef HAVEN_CPU_SIMD_PAIRS_INL_HPP
#else
#define HAVEN_CPU_SIMD_PAIRS_INL_HPP
#endif

#include "potentials/program/drivers/cpu_simd_expand-inl.hpp"
#include "potentials/program/drivers/cpu_simd_neighbours-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace haven::HWY_NAMESPACE {

/// A neighbour j, or a vector of neighbours k: the rows of its channels and their slopes.
template <class T>
struct Legs {
  const T *value, *slope;
};
template <class T>
HWY_INLINE Legs<T> legs_of(const PackedCentre<T>& centre, const Workspace<T>& w, std::size_t block, Index j) {
  const Index begin = w.block_begin[block], lanes = Lane<T>::width;
  const Index at = begin * centre.stride + (j - begin) / lanes * lanes * centre.blocks[block].stride + j % lanes;
  return {w.radial_lanes.data() + at, w.slope_lanes.data() + at};
}

/// Appends the pairs of a group to chunks, those of a neighbour with a vector of neighbours at a time.
template <class T>
class PairPacker {
 public:
  PairPacker(std::span<const PackedTripletShape> shapes, PairChunks<T>& out)
      : shapes_(shapes), size_(chunk_size(shapes.size())), out_(out), rows_(out.numbers.data()) {}

  HWY_INLINE void add(Index j, Index k, hn::Mask<typename Lane<T>::Tag> inside, Lane<T> cosine, Lane<T> square,
                      Lane<T> inverse_j, Lane<T> inverse_k, Legs<T> one, Legs<T> two) {
    if (pairs_ + Lane<T>::width > chunk_pairs) close();
    PairVector& vector = out_.vectors[n_vectors_++];
    vector.j = static_cast<std::int32_t>(j);
    vector.k = static_cast<std::int32_t>(k);
    vector.at = static_cast<std::int32_t>(pairs_);
    hn::StoreMaskBits(typename Lane<T>::Tag(), inside, vector.bits);
    const Packer<T> pack(inside, vector.bits);
    pack(cosine, row(PairRow::cosine));
    pack(square, row(PairRow::square));
    inverse_j.store(row(PairRow::inverse_j));
    pack(inverse_k, row(PairRow::inverse_k));
    T* at = row(PairRow::shapes);
    for (const PackedTripletShape& shape : shapes_) {
      const Lane<T> first(one.value[shape.leg]), first_slope(one.slope[shape.leg]);
      const Lane<T> second = Lane<T>::load(two.value + shape.other_leg);
      pack(first * second, at);
      pack(first_slope * second, at + chunk_stride);
      pack(first * Lane<T>::load(two.slope + shape.other_leg), at + 2 * chunk_stride);
      at += static_cast<Index>(ShapeRow::count) * chunk_stride;
    }
    pairs_ += static_cast<Index>(hn::CountTrue(typename Lane<T>::Tag(), inside));
  }
  /// Ends the last chunk.
  void finish() {
    if (pairs_ > 0) close();
  }

 private:
  [[nodiscard]] HWY_INLINE T* row(PairRow r) const { return rows_ + static_cast<Index>(r) * chunk_stride + pairs_; }
  /// Fills the last vectors up with pairs that contribute nothing.
  void close() {
    const Index whole = padded(pairs_, chunk_unroll * Lane<T>::width), fill = whole - pairs_;
    std::fill_n(row(PairRow::cosine), fill, T(0));
    for (const PairRow r : {PairRow::square, PairRow::inverse_j, PairRow::inverse_k}) std::fill_n(row(r), fill, T(1));
    T* at = row(PairRow::shapes);
    for (std::size_t s = 0; s < shapes_.size(); ++s)
      for (Index r = 0; r < static_cast<Index>(ShapeRow::count); ++r, at += chunk_stride) std::fill_n(at, fill, T(0));
    out_.chunks.push_back({.pairs = whole, .vectors_end = n_vectors_});
    rows_ += size_;
    pairs_ = 0;
  }

  std::span<const PackedTripletShape> shapes_;
  Index size_ = 0, pairs_ = 0;
  std::size_t n_vectors_ = 0;
  PairChunks<T>& out_;
  T* rows_;
};

/// All pairs of a group, each once. The k are those of the larger block: its vectors are the more compact ones.
template <class T>
void find_pairs(const PackedCentre<T>& centre, const PackedTripletGroup& group, Workspace<T>& w, PairChunks<T>& out) {
  constexpr Index lanes = Lane<T>::width;
  const typename Lane<T>::Tag d;
  auto first = static_cast<std::size_t>(group.first_block), second = static_cast<std::size_t>(group.second_block);
  std::span<const PackedTripletShape> shapes = group.shapes;
  if (w.block_count[first] > w.block_count[second]) {
    std::swap(first, second);
    shapes = group.swapped_shapes;
  }
  const Index j_begin = w.block_begin[first], j_end = j_begin + w.block_count[first];
  const Index k_begin = w.block_begin[second], k_end = k_begin + w.block_count[second];
  out.prepare(w.block_count[first], w.block_count[second], lanes, shapes.size());
  PairPacker<T> packer(shapes, out);
  const auto limit =
      hn::Set(d, group.window.type == WindowType::none ? hwy::HighestValue<T>()
                                                       : static_cast<T>(group.window.cutoff * group.window.cutoff));
  for (Index j = j_begin; j < j_end; ++j) {
    const auto a = static_cast<std::size_t>(j);
    const Lane<T> x(w.near_x[a]), y(w.near_y[a]), z(w.near_z[a]), ux(w.unit_x[a]), uy(w.unit_y[a]), uz(w.unit_z[a]);
    const Lane<T> inverse_j(w.inverse[a]);
    const Legs<T> one = legs_of(centre, w, first, j);
    const Index k_first = first == second ? k_begin + (j + 1 - k_begin) / lanes * lanes : k_begin;
    Legs<T> two = legs_of(centre, w, second, k_first);
    const Index step = lanes * centre.blocks[second].stride;
    for (Index k = k_first; k < k_end; k += lanes, two.value += step, two.slope += step) {
      const auto b = static_cast<std::size_t>(k);
      const Lane<T> dx = Lane<T>::load(&w.near_x[b]) - x, dy = Lane<T>::load(&w.near_y[b]) - y,
                    dz = Lane<T>::load(&w.near_z[b]) - z;
      const Lane<T> square = multiply_add(dx, dx, multiply_add(dy, dy, dz * dz));
      auto inside = hn::Lt(square.v, limit);
      // Lanes from j + 1 (within one block) to the last neighbour.
      if (k + lanes > k_end) inside = hn::And(inside, hn::FirstN(d, static_cast<std::size_t>(k_end - k)));
      if (first == second && j >= k) inside = hn::AndNot(hn::FirstN(d, static_cast<std::size_t>(j + 1 - k)), inside);
      if (hn::AllFalse(d, inside)) continue;
      const Lane<T> cosine =
          multiply_add(Lane<T>::load(&w.unit_x[b]), ux,
                       multiply_add(Lane<T>::load(&w.unit_y[b]), uy, Lane<T>::load(&w.unit_z[b]) * uz));
      packer.add(j, k, inside, cosine, square, inverse_j, Lane<T>::load(&w.inverse[b]), one, two);
    }
  }
  packer.finish();
}

}  // namespace haven::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif  // HAVEN_CPU_SIMD_PAIRS_INL_HPP
