// Explicit triplets: their sums and the adjoint. Included once per instruction set.
#if defined(HAVEN_CPU_SIMD_TRIPLETS_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef HAVEN_CPU_SIMD_TRIPLETS_INL_HPP
#undef HAVEN_CPU_SIMD_TRIPLETS_INL_HPP
#else
#define HAVEN_CPU_SIMD_TRIPLETS_INL_HPP
#endif

#include "potentials/program/drivers/cpu_simd_pairs-inl.hpp"
#define HAVEN_KERNEL_VECTORISED
#include "potentials/program/triplets.hpp"
#undef HAVEN_KERNEL_VECTORISED

HWY_BEFORE_NAMESPACE();
namespace haven::HWY_NAMESPACE {

/// The rows of one chunk.
template <class T>
struct ChunkRows {
  T* numbers = nullptr;
  Index pairs = 0;
  std::size_t shapes = 0;

  [[nodiscard]] HWY_INLINE T* row(PairRow r) const { return numbers + static_cast<Index>(r) * chunk_stride; }
  [[nodiscard]] HWY_INLINE T* row(std::size_t shape, ShapeRow r) const {
    return row(PairRow::shapes) +
           (static_cast<Index>(ShapeRow::count) * static_cast<Index>(shape) + static_cast<Index>(r)) * chunk_stride;
  }
};

/// Calls body(p) for the first pair p of each vector of a chunk.
template <class T, class Body>
HWY_INLINE void for_vectors(Index pairs, const Body& body) {
  static_assert(chunk_unroll == 2);
  for (Index p = 0; p < pairs; p += 2 * Lane<T>::width) {
    body(p);
    body(p + Lane<T>::width);
  }
}

/// Gaussians of the third sides.
template <class T>
void form_gaussians(const PackedTripletGroup& group, const ChunkRows<T>& chunk) {
  const T* square = chunk.row(PairRow::square);
  for (std::size_t s = 0; s < chunk.shapes; ++s) {
    const Lane<T> minus_eta(-group.shapes[s].eta), shift(group.shapes[s].shift);
    T* out = chunk.row(s, ShapeRow::gaussian);
    if (group.shapes[s].shift == 0) {
      for_vectors<T>(chunk.pairs, [&](Index p) HWY_ATTR {
        decaying_exponential(minus_eta * Lane<T>::load(square + p)).store(out + p);
      });
    } else {
      for_vectors<T>(chunk.pairs, [&](Index p) HWY_ATTR {
        const Lane<T> off = square_root(Lane<T>::load(square + p)) - shift;
        decaying_exponential(minus_eta * off * off).store(out + p);
      });
    }
  }
}

/// Window of the third sides, and 1/r_jk in the place of r_jk^2.
template <WindowType Type, WindowShape Shape, class T>
void form_shaped_windows(const Window& given, const ChunkRows<T>& chunk) {
  Window window = given;
  window.type = Type;  // constants, so that the loop below has no choice to make
  window.shape = Shape;
  const double width = Type == WindowType::none ? 0 : 1 / (window.cutoff - window.inner);
  T *square = chunk.row(PairRow::square), *value = chunk.row(PairRow::window);
  T* slope = chunk.row(PairRow::window_slope);
  for_vectors<T>(chunk.pairs, [&](Index p) HWY_ATTR {
    const Lane<T> r = square_root(Lane<T>::load(square + p)), inverse = Lane<T>(1.0) / r;
    const ValueAndSlope<Lane<T>> f = window_value(window, width, r);
    inverse.store(square + p);
    f.value.store(value + p);
    (f.slope * inverse).store(slope + p);
  });
}
template <WindowType Type, class T>
void form_windows(const Window& window, const ChunkRows<T>& chunk) {
  switch (window.shape) {
    case WindowShape::step:
      return form_shaped_windows<Type, WindowShape::step>(window, chunk);
    case WindowShape::bump:
      return form_shaped_windows<Type, WindowShape::bump>(window, chunk);
    case WindowShape::flat_bump:
      return form_shaped_windows<Type, WindowShape::flat_bump>(window, chunk);
  }
}
template <class T>
void form_windows(const Window& window, const ChunkRows<T>& chunk) {
  switch (window.type) {
    case WindowType::none:
    case WindowType::hard:
      return form_shaped_windows<WindowType::none, WindowShape::step>(window, chunk);
    case WindowType::cosine:
      return form_windows<WindowType::cosine>(window, chunk);
    case WindowType::tanh_cubed:
      return form_windows<WindowType::tanh_cubed>(window, chunk);
    case WindowType::tanh_scaled:
      return form_windows<WindowType::tanh_scaled>(window, chunk);
    case WindowType::exponential:
      return form_windows<WindowType::exponential>(window, chunk);
    case WindowType::poly1:
      return form_windows<WindowType::poly1>(window, chunk);
    case WindowType::poly2:
      return form_windows<WindowType::poly2>(window, chunk);
    case WindowType::poly3:
      return form_windows<WindowType::poly3>(window, chunk);
    case WindowType::poly4:
      return form_windows<WindowType::poly4>(window, chunk);
  }
}

/// Windows on the angles of a chunk, or their slopes.
template <class T>
void form_sectors(const PowerStep& step, const T* cosine, const T* angle, Index pairs, T* out) {
  const auto form = [&](auto part) HWY_ATTR {
    for_vectors<T>(pairs, [&](Index p) HWY_ATTR {
      const Lane<T> c = smallest(largest(Lane<T>::load(cosine + p), Lane<T>(-1.0)), Lane<T>(1.0));
      part(sector_value(step.window, Lane<T>::load(angle + p), c)).store(out + p);
    });
  };
  if (step.kind == PowerStep::Kind::sector)
    form([](const ValueAndSlope<Lane<T>>& f) HWY_ATTR { return f.value; });
  else
    form([](const ValueAndSlope<Lane<T>>& f) HWY_ATTR { return f.slope; });
}

/// The first `steps` rows of angular functions.
template <class T>
void form_powers(const PowerRows& powers, std::size_t steps, const T* cosine, Index pairs, T* rows) {
  for (std::size_t k = 0; k < steps; ++k) {
    const PowerStep& step = powers.steps[k];
    T* out = rows + static_cast<Index>(k) * chunk_stride;
    const T* left = rows + static_cast<Index>(step.left) * chunk_stride;
    const T* right = rows + static_cast<Index>(step.right) * chunk_stride;
    const Lane<T> lambda(step.lambda), one(1.0);
    switch (step.kind) {
      case PowerStep::Kind::base:
        for_vectors<T>(pairs,
                       [&](Index p) HWY_ATTR { multiply_add(lambda, Lane<T>::load(cosine + p), one).store(out + p); });
        break;
      case PowerStep::Kind::product:
        for_vectors<T>(pairs,
                       [&](Index p) HWY_ATTR { (Lane<T>::load(left + p) * Lane<T>::load(right + p)).store(out + p); });
        break;
      case PowerStep::Kind::real:
        for_vectors<T>(pairs,
                       [&](Index p) HWY_ATTR { real_power(Lane<T>::load(left + p), step.zeta).value.store(out + p); });
        break;
      case PowerStep::Kind::angle:
        for_vectors<T>(pairs, [&](Index p) HWY_ATTR {
          arc_cosine(smallest(largest(Lane<T>::load(cosine + p), Lane<T>(-1.0)), one)).store(out + p);
        });
        break;
      case PowerStep::Kind::sector:
      case PowerStep::Kind::sector_slope:
        form_sectors(step, cosine, left, pairs, out);
        break;
    }
  }
}

/// Adds sum_p factor_p rows_p to the terms of `Angles` angles.
template <int Angles, class T>
HWY_INLINE void sum_angles(const PackedTripletAngle* angles, const T* factor, const T* rows, Index pairs, T* terms) {
  Lane<T> sum[Angles];
  const T* row[Angles];
  HAVEN_UNROLL
  for (int a = 0; a < Angles; ++a) {
    sum[a] = Lane<T>(0.0);
    row[a] = rows + angles[a].value * chunk_stride;
  }
  for_vectors<T>(pairs, [&](Index p) HWY_ATTR {
    const Lane<T> f = Lane<T>::load(factor + p);
    HAVEN_UNROLL
    for (int a = 0; a < Angles; ++a) sum[a] = multiply_add(f, Lane<T>::load(row[a] + p), sum[a]);
  });
  HAVEN_UNROLL
  for (int a = 0; a < Angles; ++a) terms[angles[a].term] += sum[a].sum();
}

/// Sums of a chunk into the terms.
template <class T>
void sum_chunk(const PackedTripletGroup& group, const ChunkRows<T>& chunk, Workspace<T>& w) {
  const T* window = chunk.row(PairRow::window);
  T *factor = w.pair_rows.data(), *powers = w.power_rows.data(), *terms = w.terms.data();
  form_powers(group.powers, group.powers.for_values, chunk.row(PairRow::cosine), chunk.pairs, powers);
  const PackedTripletAngle* angle = group.angles.data();
  for (std::size_t s = 0; s < chunk.shapes; ++s) {
    const T *legs = chunk.row(s, ShapeRow::legs), *gaussian = chunk.row(s, ShapeRow::gaussian);
    for_vectors<T>(chunk.pairs, [&](Index p) HWY_ATTR {
      (Lane<T>::load(legs + p) * (Lane<T>::load(gaussian + p) * Lane<T>::load(window + p))).store(factor + p);
    });
    int left = group.shapes[s].angles;
    for (; left >= 4; left -= 4, angle += 4) sum_angles<4>(angle, factor, powers, chunk.pairs, terms);
    if (left == 3) sum_angles<3>(angle, factor, powers, chunk.pairs, terms);
    if (left == 2) sum_angles<2>(angle, factor, powers, chunk.pairs, terms);
    if (left == 1) sum_angles<1>(angle, factor, powers, chunk.pairs, terms);
    angle += left;
  }
}

template <class T>
ChunkRows<T> rows_of(PairChunks<T>& pairs, std::size_t chunk, std::size_t shapes) {
  return {.numbers = pairs.numbers.data() + static_cast<Index>(chunk) * chunk_size(shapes),
          .pairs = pairs.chunks[chunk].pairs,
          .shapes = shapes};
}

/// Sums over all triplets; keeps what the adjoint needs.
template <class T>
void form_triplets(const PackedCentre<T>& centre, Workspace<T>& w) {
  if (centre.triplets.empty()) return;
  const hn::ScalableTag<double> d;
  for (std::size_t k = 0; k < static_cast<std::size_t>(w.packed); k += static_cast<std::size_t>(Lane<double>::width)) {
    store_as(hn::LoadU(d, &w.x[k]), &w.near_x[k]);
    store_as(hn::LoadU(d, &w.y[k]), &w.near_y[k]);
    store_as(hn::LoadU(d, &w.z[k]), &w.near_z[k]);
  }
  for (Index t = centre.triplet_term; t < centre.terms; ++t) w.terms[static_cast<std::size_t>(t)] = 0;
  for (std::size_t g = 0; g < centre.triplets.size(); ++g) {
    const PackedTripletGroup& group = centre.triplets[g];
    PairChunks<T>& pairs = w.pairs[g];
    find_pairs(centre, group, w, pairs);
    for (std::size_t c = 0; c < pairs.chunks.size(); ++c) {
      const ChunkRows<T> chunk = rows_of(pairs, c, group.shapes.size());
      form_gaussians(group, chunk);
      form_windows(group.window, chunk);
      sum_chunk(group, chunk, w);
    }
  }
}

/// by_factor (+)= sum_a gradient_a value_a and by_cosine (+)= sum_a gradient_a slope_a for `Angles` angles of a shape.
template <int Angles, bool Add, class T>
HWY_INLINE void spread_angles(const PackedTripletAngle* angles, const T* rows, const T* gradients, Index pairs,
                              T* by_factor, T* by_cosine) {
  Lane<T> weight[Angles], slope_weight[Angles];
  const T *value[Angles], *below[Angles];
  HAVEN_UNROLL
  for (int a = 0; a < Angles; ++a) {
    weight[a] = Lane<T>(gradients[angles[a].term]);
    slope_weight[a] = weight[a] * Lane<T>(angles[a].slope_scale);
    value[a] = rows + angles[a].value * chunk_stride;
    below[a] = rows + angles[a].below * chunk_stride;
  }
  for_vectors<T>(pairs, [&](Index p) HWY_ATTR {
    Lane<T> v = Add ? Lane<T>::load(by_factor + p) : Lane<T>(0.0), s = Add ? Lane<T>::load(by_cosine + p) : v;
    HAVEN_UNROLL
    for (int a = 0; a < Angles; ++a) {
      v = multiply_add(weight[a], Lane<T>::load(value[a] + p), v);
      s = multiply_add(slope_weight[a], Lane<T>::load(below[a] + p), s);
    }
    v.store(by_factor + p);
    s.store(by_cosine + p);
  });
}

/// The same for all angles of a shape.
template <class T>
void spread_shape(const PackedTripletAngle* angles, int count, const T* rows, const T* gradients, Index pairs,
                  T* by_factor, T* by_cosine) {
  switch (count) {
    case 1:
      return spread_angles<1, false>(angles, rows, gradients, pairs, by_factor, by_cosine);
    case 2:
      return spread_angles<2, false>(angles, rows, gradients, pairs, by_factor, by_cosine);
    case 3:
      return spread_angles<3, false>(angles, rows, gradients, pairs, by_factor, by_cosine);
    default:
      spread_angles<4, false>(angles, rows, gradients, pairs, by_factor, by_cosine);
  }
  int a = 4;
  for (; a + 4 <= count; a += 4) spread_angles<4, true>(angles + a, rows, gradients, pairs, by_factor, by_cosine);
  for (; a < count; ++a) spread_angles<1, true>(angles + a, rows, gradients, pairs, by_factor, by_cosine);
}

/// dE/dcos, dE/dr_jk as by its window and otherwise, and dE/dr_j and dE/dr_k through the legs of a chunk's pairs.
template <class T>
struct PairGradients {
  T *cosine, *window, *side, *leg_j, *leg_k;
  HWY_INLINE explicit PairGradients(T* rows)
      : cosine(rows),
        window(rows + chunk_stride),
        side(rows + 2 * chunk_stride),
        leg_j(rows + 3 * chunk_stride),
        leg_k(rows + 4 * chunk_stride) {}
};

/// Adds those of one shape, given dE/dF and dF/dcos-weighted dE of its factors F = R_c(j) R_c'(k) gaussian window.
template <bool Add, class T>
void add_shape(const PackedTripletShape& shape, std::size_t index, const ChunkRows<T>& chunk, const T* by_factor,
               const T* by_cosine, const PairGradients<T>& out) {
  const T *legs = chunk.row(index, ShapeRow::legs), *slope_j = chunk.row(index, ShapeRow::slope_j),
          *slope_k = chunk.row(index, ShapeRow::slope_k), *gaussian = chunk.row(index, ShapeRow::gaussian),
          *inverse = chunk.row(PairRow::square), *window = chunk.row(PairRow::window);
  const Lane<T> eta(-2 * shape.eta), off(2 * shape.eta * shape.shift);
  const auto add = [](T* at, Lane<T> x, Lane<T> y)
                       HWY_ATTR { (Add ? multiply_add(x, y, Lane<T>::load(at)) : x * y).store(at); };
  for_vectors<T>(chunk.pairs, [&](Index p) HWY_ATTR {
    const Lane<T> leg = Lane<T>::load(legs + p), gauss = Lane<T>::load(gaussian + p);
    const Lane<T> side = gauss * Lane<T>::load(window + p), value = Lane<T>::load(by_factor + p);
    const Lane<T> by_side = value * leg, by_legs = value * side;
    add(out.cosine + p, Lane<T>::load(by_cosine + p) * leg, side);
    add(out.window + p, by_side, gauss);
    add(out.side + p, by_side * side, multiply_add(off, Lane<T>::load(inverse + p), eta));
    add(out.leg_j + p, by_legs, Lane<T>::load(slope_j + p));
    add(out.leg_k + p, by_legs, Lane<T>::load(slope_k + p));
  });
}

/// The force of each pair of a chunk on k = M r_j + N_k r_k, and on j = M r_k + N_j r_j: with C = dE/dcos and
/// Q = dE/dr_jk / r_jk, M = C/(r_j r_k) - Q and N_k = Q + (dE/dr_k - C cos/r_k)/r_k.
template <class T>
void spread_chunk(const PackedTripletGroup& group, const ChunkRows<T>& chunk, Workspace<T>& w) {
  T *by_factor = w.pair_rows.data(), *by_cosine = by_factor + chunk_stride;
  const PairGradients<T> by(by_cosine + chunk_stride);
  T* cosine = chunk.row(PairRow::cosine);
  form_powers(group.powers, group.powers.steps.size(), cosine, chunk.pairs, w.power_rows.data());
  const PackedTripletAngle* angle = group.angles.data();
  for (std::size_t s = 0; s < chunk.shapes; ++s) {
    const PackedTripletShape& shape = group.shapes[s];
    spread_shape(angle, shape.angles, w.power_rows.data(), w.term_gradients.data(), chunk.pairs, by_factor, by_cosine);
    angle += shape.angles;
    if (s == 0) add_shape<false>(shape, s, chunk, by_factor, by_cosine, by);
    if (s != 0) add_shape<true>(shape, s, chunk, by_factor, by_cosine, by);
  }
  const T *window_slope = chunk.row(PairRow::window_slope), *inverses_j = chunk.row(PairRow::inverse_j),
          *inverses_k = chunk.row(PairRow::inverse_k);
  T *on_j = chunk.row(PairRow::square), *on_k = chunk.row(PairRow::window);
  for_vectors<T>(chunk.pairs, [&](Index p) HWY_ATTR {
    const Lane<T> turn = Lane<T>::load(by.cosine + p), tilt = turn * Lane<T>::load(cosine + p);
    const Lane<T> inverse_j = Lane<T>::load(inverses_j + p), inverse_k = Lane<T>::load(inverses_k + p);
    const Lane<T> pull =
        multiply_add(Lane<T>::load(window_slope + p), Lane<T>::load(by.window + p), Lane<T>::load(by.side + p));
    (turn * inverse_j * inverse_k - pull).store(cosine + p);
    multiply_add(Lane<T>::load(by.leg_j + p) - tilt * inverse_j, inverse_j, pull).store(on_j + p);
    multiply_add(Lane<T>::load(by.leg_k + p) - tilt * inverse_k, inverse_k, pull).store(on_k + p);
  });
}

/// Hands the forces of a chunk's pairs to its neighbours; `vectors` are those of the chunk.
template <class T>
void distribute_chunk(const ChunkRows<T>& chunk, std::span<const PairVector> vectors, Workspace<T>& w) {
  const T *across = chunk.row(PairRow::cosine), *on_j = chunk.row(PairRow::square), *on_k = chunk.row(PairRow::window);
  for (std::size_t v = 0; v < vectors.size();) {
    const std::int32_t j = vectors[v].j;
    const auto a = static_cast<std::size_t>(j);
    const Lane<T> xj(w.near_x[a]), yj(w.near_y[a]), zj(w.near_z[a]);
    Lane<T> x(0.0), y(0.0), z(0.0), along(0.0);
    for (; v < vectors.size() && vectors[v].j == j; ++v) {
      const auto b = static_cast<std::size_t>(vectors[v].k);
      const std::int32_t at = vectors[v].at;
      const Expander<T> expand(vectors[v].bits);
      const Lane<T> both = expand(across + at);
      multiply_add(both, xj, Lane<T>::load(&w.triplet_x[b])).store(&w.triplet_x[b]);
      multiply_add(both, yj, Lane<T>::load(&w.triplet_y[b])).store(&w.triplet_y[b]);
      multiply_add(both, zj, Lane<T>::load(&w.triplet_z[b])).store(&w.triplet_z[b]);
      (Lane<T>::load(&w.triplet_along[b]) + expand(on_k + at)).store(&w.triplet_along[b]);
      x = multiply_add(both, Lane<T>::load(&w.near_x[b]), x);
      y = multiply_add(both, Lane<T>::load(&w.near_y[b]), y);
      z = multiply_add(both, Lane<T>::load(&w.near_z[b]), z);
      along = along + expand(on_j + at);
    }
    w.triplet_x[a] += x.sum();
    w.triplet_y[a] += y.sum();
    w.triplet_z[a] += z.sum();
    w.triplet_along[a] += along.sum();
  }
}

/// Adds dE/dr_ij of all triplets to the forces of the neighbours.
template <class T>
void add_triplet_forces(const PackedCentre<T>& centre, Workspace<T>& w) {
  if (centre.triplets.empty()) return;
  for (auto* array : {&w.triplet_x, &w.triplet_y, &w.triplet_z, &w.triplet_along})
    std::fill(array->data(), array->data() + w.packed, T(0));
  for (std::size_t g = 0; g < centre.triplets.size(); ++g) {
    const PackedTripletGroup& group = centre.triplets[g];
    PairChunks<T>& pairs = w.pairs[g];
    std::size_t begin = 0;
    for (std::size_t c = 0; c < pairs.chunks.size(); ++c) {
      const ChunkRows<T> chunk = rows_of(pairs, c, group.shapes.size());
      const std::size_t end = pairs.chunks[c].vectors_end;
      spread_chunk(group, chunk, w);
      distribute_chunk<T>(chunk, std::span(pairs.vectors).subspan(begin, end - begin), w);
      begin = end;
    }
  }
  for (std::size_t k = 0; k < static_cast<std::size_t>(w.packed); k += static_cast<std::size_t>(Lane<T>::width)) {
    const Lane<T> along = Lane<T>::load(&w.triplet_along[k]);
    const auto add = [&](const AlignedArray<T>& near, const AlignedArray<T>& more, AlignedArray<T>& force) HWY_ATTR {
      const Lane<T> others = Lane<T>::load(&force[k]) + Lane<T>::load(&more[k]);
      multiply_add(along, Lane<T>::load(&near[k]), others).store(&force[k]);
    };
    add(w.near_x, w.triplet_x, w.force_x);
    add(w.near_y, w.triplet_y, w.force_y);
    add(w.near_z, w.triplet_z, w.force_z);
  }
}

}  // namespace haven::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif  // HAVEN_CPU_SIMD_TRIPLETS_INL_HPP
