// Explicit triplets: for each neighbour j of a centre, the neighbours k in vectors. Included once per instruction set.
#if defined(HAVEN_CPU_SIMD_TRIPLETS_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef HAVEN_CPU_SIMD_TRIPLETS_INL_HPP
#undef HAVEN_CPU_SIMD_TRIPLETS_INL_HPP
#else
#define HAVEN_CPU_SIMD_TRIPLETS_INL_HPP
#endif

#include "potentials/program/drivers/cpu_simd_neighbours-inl.hpp"
#define HAVEN_KERNEL_VECTORISED
#include "potentials/program/triplets.hpp"
#undef HAVEN_KERNEL_VECTORISED

HWY_BEFORE_NAMESPACE();
namespace haven::HWY_NAMESPACE {

/// What is kept of a pair (j, vector of k): cos, r_jk, 1/r_jk, w, w', and the gaussian of each shape.
inline constexpr Index third_fixed = 5;

template <class T>
void clear_triplets(const PackedCentre<T>& centre, Workspace<T>& w) {
  const hn::ScalableTag<double> d;
  for (std::size_t k = 0; k < static_cast<std::size_t>(w.packed); k += static_cast<std::size_t>(Lane<double>::width)) {
    store_as(hn::LoadU(d, &w.x[k]), &w.near_x[k]);
    store_as(hn::LoadU(d, &w.y[k]), &w.near_y[k]);
    store_as(hn::LoadU(d, &w.z[k]), &w.near_z[k]);
  }
  std::fill(w.leg_gradients.data(), w.leg_gradients.data() + w.packed * centre.stride, T(0));
  for (auto* array : {&w.triplet_x, &w.triplet_y, &w.triplet_z})
    std::fill(array->data(), array->data() + w.packed, T(0));
}

/// Values and derivatives with respect to the cosine of all powers of a group, [power][value, slope][lanes].
template <class T>
HWY_INLINE void form_powers(const PackedTripletGroup& group, Lane<T> cosine, T* out) {
  constexpr Index lanes = Lane<T>::width;
  for (const TripletPower& power : group.powers) {
    const Lane<T> lambda(power.lambda), base = multiply_add(lambda, cosine, Lane<T>(1.0));
    const int zeta = static_cast<int>(power.zeta);
    const auto p = static_cast<double>(zeta) == power.zeta ? integer_power(base, zeta) : real_power(base, power.zeta);
    p.value.store(out);
    (lambda * p.slope).store(out + lanes);
    out += 2 * lanes;
  }
}

/// One neighbour in every lane.
template <class T>
struct Repeated {
  Lane<T> x, y, z, ux, uy, uz, inverse;
};
template <class T>
HWY_INLINE Repeated<T> repeat(const Workspace<T>& w, Index j) {
  const auto a = static_cast<std::size_t>(j);
  return {Lane<T>(w.near_x[a]), Lane<T>(w.near_y[a]), Lane<T>(w.near_z[a]), Lane<T>(w.unit_x[a]),
          Lane<T>(w.unit_y[a]), Lane<T>(w.unit_z[a]), Lane<T>(w.inverse[a])};
}

/// Third sides between neighbour j and the vector of neighbours at k; false when none is inside the cut-off.
template <class T>
HWY_INLINE bool form_thirds(const PackedTripletGroup& group, const Repeated<T>& one, Index j, Index k, Index last,
                            const Workspace<T>& w, T* out) {
  constexpr Index lanes = Lane<T>::width;
  const typename Lane<T>::Tag d;
  const auto b = static_cast<std::size_t>(k);
  const Lane<T> x = Lane<T>::load(&w.near_x[b]) - one.x;
  const Lane<T> y = Lane<T>::load(&w.near_y[b]) - one.y;
  const Lane<T> z = Lane<T>::load(&w.near_z[b]) - one.z;
  Lane<T> square = multiply_add(x, x, multiply_add(y, y, z * z));
  // Lanes from j + 1 (within one block) to the last neighbour.
  auto inside = hn::FirstN(d, static_cast<std::size_t>(std::min(last - k, lanes)));
  if (j >= k) inside = hn::AndNot(hn::FirstN(d, static_cast<std::size_t>(std::min(j + 1 - k, lanes))), inside);
  if (group.window.type != WindowType::none)
    inside = hn::And(inside, hn::Lt(square.v, hn::Set(d, static_cast<T>(group.window.cutoff * group.window.cutoff))));
  if (hn::AllFalse(d, inside)) return false;
  square = Lane<T>(hn::IfThenElse(inside, square.v, hn::Set(d, T(1))));
  const Lane<T> r = square_root(square), inverse = Lane<T>(1.0) / r;
  const Lane<T> cosine =
      multiply_add(Lane<T>::load(&w.unit_x[b]), one.ux,
                   multiply_add(Lane<T>::load(&w.unit_y[b]), one.uy, Lane<T>::load(&w.unit_z[b]) * one.uz));
  const Window& window = group.window;
  const double width = window.type == WindowType::none ? 0 : 1 / (window.cutoff - window.inner);
  const auto f = window_value(window.type, window.inner, width, r);
  cosine.store(out);
  r.store(out + lanes);
  inverse.store(out + 2 * lanes);
  Lane<T>(hn::IfThenElseZero(inside, f.value.v)).store(out + 3 * lanes);
  Lane<T>(hn::IfThenElseZero(inside, f.slope.v)).store(out + 4 * lanes);
  out += third_fixed * lanes;
  for (const TripletShape& shape : group.shapes) {
    const Lane<T> off = r - Lane<T>(shape.shift);
    decaying_exponential(Lane<T>(-shape.eta) * off * off).store(out);
    out += lanes;
  }
  return true;
}

/// The channels of a neighbour of a block, lanes over neighbours: element c of neighbour j is at c * lanes + j % lanes.
template <class T>
T* leg_row(AlignedArray<T>& array, const PackedCentre<T>& centre, const Workspace<T>& w, int block, Index j) {
  const auto b = static_cast<std::size_t>(block);
  const Index begin = w.block_begin[b], lanes = Lane<T>::width;
  return array.data() + begin * centre.stride + (j - begin) / lanes * lanes * centre.blocks[b].stride;
}

/// Adds a pair (j, vector of k) to the sums of the angles.
template <class T>
HWY_INLINE void add_to_sums(const PackedTripletGroup& group, const T* leg, const T* other, const T* third,
                            Workspace<T>& w) {
  constexpr Index lanes = Lane<T>::width;
  const Lane<T> window = Lane<T>::load(third + 3 * lanes);
  const T* gaussian = third + third_fixed * lanes;
  T* sum = w.angle_sums.data();
  const TripletAngle* angle = group.angles.data();
  for (const TripletShape& shape : group.shapes) {
    const Lane<T> factor = Lane<T>(leg[shape.channel * lanes]) * Lane<T>::load(other + shape.other_channel * lanes) *
                           (window * Lane<T>::load(gaussian));
    gaussian += lanes;
    for (int a = 0; a < shape.angles; ++a, ++angle, sum += lanes)
      multiply_add(factor, Lane<T>::load(w.powers.data() + angle->power * 2 * lanes), Lane<T>::load(sum)).store(sum);
  }
}

/// Sums of one group into the terms; keeps what the adjoint needs.
template <class T>
void sum_group(const PackedCentre<T>& centre, std::size_t index, Workspace<T>& w) {
  constexpr Index lanes = Lane<T>::width;
  const PackedTripletGroup& group = centre.triplets[index];
  const auto first = static_cast<std::size_t>(group.first_block), second = static_cast<std::size_t>(group.second_block);
  const Index j_begin = w.block_begin[first], j_end = j_begin + w.block_count[first];
  const Index k_begin = w.block_begin[second], k_end = k_begin + w.block_count[second];
  const Index size = (third_fixed + static_cast<Index>(group.shapes.size())) * lanes;
  const Index vectors = padded(w.block_count[second], lanes) / lanes;
  w.thirds[index].reserve(static_cast<std::size_t>(w.block_count[first] * vectors * size));
  ThirdVectors& kept = w.third_vectors[index];
  kept.reserve(static_cast<std::size_t>(w.block_count[first]),
               static_cast<std::size_t>(w.block_count[first] * vectors));
  std::fill(w.angle_sums.data(), w.angle_sums.data() + static_cast<Index>(group.angles.size()) * lanes, T(0));
  T* third = w.thirds[index].data();
  std::int32_t n = 0;
  for (Index j = j_begin; j < j_end; ++j) {
    kept.offsets[static_cast<std::size_t>(j - j_begin)] = n;
    const T* leg = leg_row(w.radial_lanes, centre, w, group.first_block, j) + j % lanes;
    const Repeated<T> one = repeat(w, j);
    for (Index k = first == second ? k_begin + (j + 1 - k_begin) / lanes * lanes : k_begin; k < k_end; k += lanes) {
      if (!form_thirds(group, one, j, k, k_end, w, third)) continue;
      kept.first[static_cast<std::size_t>(n++)] = static_cast<std::int32_t>(k);
      form_powers(group, Lane<T>::load(third), w.powers.data());
      add_to_sums(group, leg, leg_row(w.radial_lanes, centre, w, group.second_block, k), third, w);
      third += size;
    }
  }
  kept.offsets[static_cast<std::size_t>(j_end - j_begin)] = n;
  for (std::size_t a = 0; a < group.angles.size(); ++a)
    w.terms[static_cast<std::size_t>(group.angles[a].term)] +=
        Lane<T>::load(w.angle_sums.data() + static_cast<Index>(a) * lanes).sum();
}
template <class T>
void form_triplets(const PackedCentre<T>& centre, Workspace<T>& w) {
  if (centre.triplets.empty()) return;
  clear_triplets(centre, w);
  for (Index t = centre.triplet_term; t < centre.terms; ++t) w.terms[static_cast<std::size_t>(t)] = 0;
  for (std::size_t g = 0; g < centre.triplets.size(); ++g) sum_group(centre, g, w);
}

/// dE/d(cos) and dE/dr_jk of a pair (j, vector of k); adds dE/dR of the legs, of k in place and of j in vectors.
template <class T>
HWY_INLINE void adjoint_of_shapes(const PackedTripletGroup& group, const T* leg, const T* other, T* other_bar,
                                  const T* third, Workspace<T>& w, Lane<T>& by_cosine, Lane<T>& by_third) {
  constexpr Index lanes = Lane<T>::width;
  const Lane<T> r = Lane<T>::load(third + lanes);
  const Lane<T> window = Lane<T>::load(third + 3 * lanes), window_slope = Lane<T>::load(third + 4 * lanes);
  const T* gaussian_at = third + third_fixed * lanes;
  const T* weight = w.angle_sums.data();
  T* leg_bar = w.leg_sums.data();
  const TripletAngle* angle = group.angles.data();
  for (const TripletShape& shape : group.shapes) {
    Lane<T> value(0.0), slope(0.0);
    for (int a = 0; a < shape.angles; ++a, ++angle, ++weight) {
      const T* power = w.powers.data() + angle->power * 2 * lanes;
      value = multiply_add(Lane<T>(*weight), Lane<T>::load(power), value);
      slope = multiply_add(Lane<T>(*weight), Lane<T>::load(power + lanes), slope);
    }
    const Lane<T> gaussian = Lane<T>::load(gaussian_at);
    const Lane<T> one(leg[shape.channel * lanes]), two = Lane<T>::load(other + shape.other_channel * lanes);
    const Lane<T> both = one * two, side = gaussian * window;
    const Lane<T> side_slope =
        gaussian * multiply_add(Lane<T>(-2 * shape.eta) * (r - Lane<T>(shape.shift)), window, window_slope);
    by_cosine = multiply_add(slope * side, both, by_cosine);
    by_third = multiply_add(value * side_slope, both, by_third);
    const Lane<T> common = value * side;
    T* at = other_bar + shape.other_channel * lanes;
    multiply_add(common, one, Lane<T>::load(at)).store(at);
    multiply_add(common, two, Lane<T>::load(leg_bar)).store(leg_bar);
    gaussian_at += lanes;
    leg_bar += lanes;
  }
}

/// Adjoint of one group: dE/dR of the legs and dE/dr_ij at fixed legs.
template <class T>
void spread_group(const PackedCentre<T>& centre, std::size_t index, Workspace<T>& w) {
  constexpr Index lanes = Lane<T>::width;
  const PackedTripletGroup& group = centre.triplets[index];
  const auto first = static_cast<std::size_t>(group.first_block);
  const Index size = (third_fixed + static_cast<Index>(group.shapes.size())) * lanes;
  const T* third = w.thirds[index].data();
  const ThirdVectors& kept = w.third_vectors[index];
  for (std::size_t a = 0; a < group.angles.size(); ++a)
    w.angle_sums[a] = w.term_gradients[static_cast<std::size_t>(group.angles[a].term)];
  for (Index n = 0; n < w.block_count[first]; ++n) {
    const std::int32_t begin = kept.offsets[static_cast<std::size_t>(n)],
                       end = kept.offsets[static_cast<std::size_t>(n) + 1];
    if (begin == end) continue;
    const Index j = w.block_begin[first] + n;
    const auto a = static_cast<std::size_t>(j);
    const T* leg = leg_row(w.radial_lanes, centre, w, group.first_block, j) + j % lanes;
    std::fill(w.leg_sums.data(), w.leg_sums.data() + static_cast<Index>(group.shapes.size()) * lanes, T(0));
    const Repeated<T> one = repeat(w, j);
    Lane<T> on_x(0.0), on_y(0.0), on_z(0.0);
    for (std::int32_t p = begin; p < end; ++p, third += size) {
      const Index k = kept.first[static_cast<std::size_t>(p)];
      const auto b = static_cast<std::size_t>(k);
      const Lane<T> cosine = Lane<T>::load(third);
      form_powers(group, cosine, w.powers.data());
      Lane<T> by_cosine(0.0), by_third(0.0);
      adjoint_of_shapes(group, leg, leg_row(w.radial_lanes, centre, w, group.second_block, k),
                        leg_row(w.leg_gradients, centre, w, group.second_block, k), third, w, by_cosine, by_third);
      // d cos/dr_k = (u_j - cos u_k)/r_k and the same with j and k exchanged; dr_jk/dr_k = (r_k - r_j)/r_jk.
      const Lane<T> pull = by_third * Lane<T>::load(third + 2 * lanes);
      const Lane<T> turn_k = by_cosine * Lane<T>::load(&w.inverse[b]), turn_j = by_cosine * one.inverse;
      const auto component = [&](const AlignedArray<T>& near, const AlignedArray<T>& unit, Lane<T> xj, Lane<T> uj,
                                 AlignedArray<T>& out, Lane<T>& on_j) HWY_ATTR {
        const Lane<T> along = pull * (Lane<T>::load(&near[b]) - xj);
        const Lane<T> uk = Lane<T>::load(&unit[b]);
        (Lane<T>::load(&out[b]) + multiply_add(turn_k, uj - cosine * uk, along)).store(&out[b]);
        on_j = on_j + multiply_add(turn_j, uk - cosine * uj, Lane<T>(0.0) - along);
      };
      component(w.near_x, w.unit_x, one.x, one.ux, w.triplet_x, on_x);
      component(w.near_y, w.unit_y, one.y, one.uy, w.triplet_y, on_y);
      component(w.near_z, w.unit_z, one.z, one.uz, w.triplet_z, on_z);
    }
    T* leg_bar = leg_row(w.leg_gradients, centre, w, group.first_block, j) + j % lanes;
    for (std::size_t s = 0; s < group.shapes.size(); ++s)
      leg_bar[group.shapes[s].channel * lanes] +=
          Lane<T>::load(w.leg_sums.data() + static_cast<Index>(s) * lanes).sum();
    w.triplet_x[a] += on_x.sum();
    w.triplet_y[a] += on_y.sum();
    w.triplet_z[a] += on_z.sum();
  }
}

/// Adds dE/dr_ij of all triplets to the forces of the neighbours.
template <class T>
void add_triplet_forces(const PackedCentre<T>& centre, Workspace<T>& w) {
  if (centre.triplets.empty()) return;
  constexpr Index lanes = Lane<T>::width;
  for (std::size_t g = 0; g < centre.triplets.size(); ++g) spread_group(centre, g, w);
  for (std::size_t b = 0; b < centre.blocks.size(); ++b)
    for (Index j = w.block_begin[b]; j < w.block_begin[b] + w.block_count[b]; j += lanes) {
      const T* bar = leg_row(w.leg_gradients, centre, w, static_cast<int>(b), j);
      const T* slope = leg_row(w.slope_lanes, centre, w, static_cast<int>(b), j);
      Lane<T> along(0.0);
      for (std::size_t c = 0; c < centre.blocks[b].channels.size(); ++c) {
        const Index at = static_cast<Index>(c) * lanes;
        along = multiply_add(Lane<T>::load(bar + at), Lane<T>::load(slope + at), along);
      }
      const auto k = static_cast<std::size_t>(j);
      const auto add = [&](const AlignedArray<T>& unit, const AlignedArray<T>& more, AlignedArray<T>& force) {
        (multiply_add(along, Lane<T>::load(&unit[k]), Lane<T>::load(&force[k])) + Lane<T>::load(&more[k]))
            .store(&force[k]);
      };
      add(w.unit_x, w.triplet_x, w.force_x);
      add(w.unit_y, w.triplet_y, w.force_y);
      add(w.unit_z, w.triplet_z, w.force_z);
    }
}

}  // namespace haven::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif  // HAVEN_CPU_SIMD_TRIPLETS_INL_HPP
