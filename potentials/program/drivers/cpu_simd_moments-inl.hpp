// Moments, invariants and their adjoints. Included once per instruction set.
#if defined(HAVEN_CPU_SIMD_MOMENTS_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef HAVEN_CPU_SIMD_MOMENTS_INL_HPP
#undef HAVEN_CPU_SIMD_MOMENTS_INL_HPP
#else
#define HAVEN_CPU_SIMD_MOMENTS_INL_HPP
#endif

#include "potentials/program/centre_loop.hpp"
#include "potentials/program/drivers/cpu_simd_neighbours-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace haven::HWY_NAMESPACE {

/// Neighbours in float that are added up before they join the rest: rounding errors of long sums stay small.
inline constexpr Index neighbours_in_partial_sum = 16;

/// out[lm][c..] = sum_j R[j][c..] H_lm(j) for Rows harmonics and one vector of channels; partial sums stay in
/// registers.
template <int Rows, class T>
HWY_INLINE void moment_tile(const T* radial, Index stride, const T* harmonics, Index width, Index count, T* out,
                            Index out_stride) {
  constexpr Index lanes = Lane<T>::width;
  constexpr Index partial = sizeof(T) == 4 ? std::max(neighbours_in_partial_sum, lanes) : Index{1} << 30;
  for (Index begin = 0; begin == 0 || begin < count; begin += partial) {
    Lane<T> sum[Rows];
    HAVEN_UNROLL
    for (int k = 0; k < Rows; ++k) sum[k] = Lane<T>(0.0);
    const Index end = std::min(begin + partial, count);
    for (Index j = begin; j < end; j += lanes) {
      const T* y = harmonics + j * width;
      const Index some = std::min(lanes, end - j);
      for (Index k = 0; k < some; ++k) {
        const Lane<T> r = Lane<T>::load(radial + (j + k) * stride);
        HAVEN_UNROLL
        for (int row = 0; row < Rows; ++row) sum[row] = multiply_add(r, Lane<T>(y[row * lanes + k]), sum[row]);
      }
    }
    HAVEN_UNROLL
    for (int row = 0; row < Rows; ++row) {
      T* to = out + row * out_stride;
      (begin == 0 ? sum[row] : Lane<T>::load(to) + sum[row]).store(to);
    }
  }
}

/// Moments of one block into [width][out_stride].
template <class T>
void block_moments(const PackedBlock& block, const T* radial, const T* harmonics, Index width, Index count, T* out,
                   Index out_stride) {
  constexpr Index lanes = Lane<T>::width;
  for (const Band& band : block.bands)
    for (Index c = 0; c < band.count; c += lanes) {
      int lm = band.first;
      // An odd one out would cost a sweep of its own.
      for (; lm + 8 <= band.last && lm + 9 != band.last; lm += 8)
        moment_tile<8>(radial + c, block.stride, harmonics + lm * lanes, width, count, out + lm * out_stride + c,
                       out_stride);
      if (lm + 9 == band.last) {
        moment_tile<9>(radial + c, block.stride, harmonics + lm * lanes, width, count, out + lm * out_stride + c,
                       out_stride);
        continue;
      }
      for (; lm + 4 <= band.last; lm += 4)
        moment_tile<4>(radial + c, block.stride, harmonics + lm * lanes, width, count, out + lm * out_stride + c,
                       out_stride);
      for (; lm < band.last; ++lm)
        moment_tile<1>(radial + c, block.stride, harmonics + lm * lanes, width, count, out + lm * out_stride + c,
                       out_stride);
    }
}

/// sum_j R_c H_lm of all channels.
template <class T>
void form_bare_moments(const PackedCentre<T>& centre, Workspace<T>& w) {
  if (centre.blocks.size() == 1 && centre.blocks[0].all_channels) {
    return block_moments(centre.blocks[0], w.radial.data(), w.harmonics.data(), centre.width, w.block_count[0],
                         w.moments.data(), centre.stride);
  }
  if (centre.first_block < 0) {
    std::fill(w.moments.data(), w.moments.data() + centre.width * centre.stride, T(0));
  } else {
    const auto b = static_cast<std::size_t>(centre.first_block);
    const Index begin = w.block_begin[b];
    block_moments(centre.blocks[b], w.radial.data() + begin * centre.stride, w.harmonics.data() + begin * centre.width,
                  centre.width, w.block_count[b], w.moments.data(), centre.stride);
  }
  for (std::size_t b = 0; b < centre.blocks.size(); ++b) {
    if (static_cast<int>(b) == centre.first_block || w.block_count[b] == 0) continue;
    const PackedBlock& block = centre.blocks[b];
    const Index begin = w.block_begin[b];
    block_moments(block, w.radial.data() + begin * centre.stride, w.harmonics.data() + begin * centre.width,
                  centre.width, w.block_count[b], w.block_moments.data(), block.stride);
    for (const Band& band : block.bands)
      for (int lm = band.first; lm < band.last; ++lm)
        for (Index c = 0; c < band.count; ++c)
          w.moments[static_cast<std::size_t>(lm * centre.stride + block.channels[static_cast<std::size_t>(c)])] +=
              w.block_moments[static_cast<std::size_t>(lm * block.stride + c)];
  }
}

/// The bare moments a_{c,lm} = A_{c,lm} / norm_lm, and times their weights: of these two p_{cc'l} is the scalar
/// product.
template <class T>
void form_moments(const PackedCentre<T>& centre, Workspace<T>& w) {
  form_bare_moments(centre, w);
  for (Index lm = 0; lm < centre.width; ++lm) {
    const Lane<T> weight(bare_harmonic_coefficients<T>.weight[lm]);
    for (Index k = lm * centre.stride; k < (lm + 1) * centre.stride; k += Lane<T>::width)
      (weight * Lane<T>::load(w.moments.data() + k)).store(w.weighted_moments.data() + k);
  }
}

/// Stores a vector, or the first `count` lanes of it: terms of other kinds may follow.
template <class T>
HWY_INLINE void store_some(Lane<T> x, Index count, T* out) {
  if (count >= Lane<T>::width) return x.store(out);
  hn::BlendedStore(x.v, hn::FirstN(typename Lane<T>::Tag(), static_cast<std::size_t>(count)), typename Lane<T>::Tag(),
                   out);
}

template <class T>
HWY_INLINE Lane<T> product_of(const PackedProduct<T, 3>& p, const T* a) {
  return Lane<T>(p.weight) * Lane<T>::load(a + p.at[0]) * Lane<T>::load(a + p.at[1]) * Lane<T>::load(a + p.at[2]);
}
template <class T>
HWY_INLINE Lane<T> product_of(const PackedProduct<T, 4>& p, const T* a) {
  return (Lane<T>(p.weight) * Lane<T>::load(a + p.at[0]) * Lane<T>::load(a + p.at[1])) *
         (Lane<T>::load(a + p.at[2]) * Lane<T>::load(a + p.at[3]));
}

/// Products of three and four moments, lanes over the terms of a run.
template <class T>
void form_products(const PackedCentre<T>& centre, Workspace<T>& w) {
  for (const PackedProductRun& run : centre.product_runs)
    for (Index k = 0; k < run.count; k += Lane<T>::width) {
      Lane<T> sum(0.0);
      const T* moments = w.moments.data() + k;
      for (std::size_t e = run.first_cubic; e < run.last_cubic; ++e) sum = sum + product_of(centre.cubic[e], moments);
      for (std::size_t e = run.first_quartic; e < run.last_quartic; ++e)
        sum = sum + product_of(centre.quartic[e], moments);
      store_some(sum, run.count - k, w.terms.data() + run.term + k);
    }
}

/// Adds dE/da of the terms p_{ccl}, lanes over channels.
template <class T>
void add_diagonal_gradients(const PackedCentre<T>& centre, Workspace<T>& w) {
  constexpr Index lanes = Lane<T>::width;
  const typename Lane<T>::Tag d;
  for (const TermRun& run : centre.diagonals)
    for (Index k = 0; k < run.count; k += lanes) {
      const Lane<T> by_term(hn::IfThenElseZero(hn::FirstN(d, static_cast<std::size_t>(run.count - k)),
                                               hn::LoadU(d, w.term_gradients.data() + run.term + k)));
      const Lane<T> factor = by_term + by_term;
      const Index at = run.l * run.l * centre.stride + run.channel + k;
      for (int m = 0; m < 2 * run.l + 1; ++m) {
        T* out = w.moment_gradients.data() + at + m * centre.stride;
        multiply_add(factor, Lane<T>::load(w.weighted_moments.data() + at + m * centre.stride), Lane<T>::load(out))
            .store(out);
      }
    }
}

template <class T>
HWY_INLINE void add_to(Lane<T> x, T* out) {
  (Lane<T>::load(out) + x).store(out);
}

/// Adds to dE/da of each factor in turn: factors may be equal.
template <class T>
HWY_INLINE void add_product_gradient(const PackedProduct<T, 3>& p, Lane<T> by_term, const T* a, T* gradient) {
  const Lane<T> x = Lane<T>::load(a + p.at[0]), y = Lane<T>::load(a + p.at[1]), z = Lane<T>::load(a + p.at[2]);
  const Lane<T> scale = by_term * Lane<T>(p.weight), by_z = scale * z;
  add_to(by_z * y, gradient + p.at[0]);
  add_to(by_z * x, gradient + p.at[1]);
  add_to(scale * x * y, gradient + p.at[2]);
}
template <class T>
HWY_INLINE void add_product_gradient(const PackedProduct<T, 4>& p, Lane<T> by_term, const T* a, T* gradient) {
  const Lane<T> x = Lane<T>::load(a + p.at[0]), y = Lane<T>::load(a + p.at[1]), z = Lane<T>::load(a + p.at[2]),
                u = Lane<T>::load(a + p.at[3]);
  const Lane<T> scale = by_term * Lane<T>(p.weight), by_first = scale * x * y, by_second = scale * z * u;
  add_to(by_second * y, gradient + p.at[0]);
  add_to(by_second * x, gradient + p.at[1]);
  add_to(by_first * u, gradient + p.at[2]);
  add_to(by_first * z, gradient + p.at[3]);
}

/// Adds dE/da of the products.
template <class T>
void add_product_gradients(const PackedCentre<T>& centre, Workspace<T>& w) {
  const typename Lane<T>::Tag d;
  for (const PackedProductRun& run : centre.product_runs)
    for (Index k = 0; k < run.count; k += Lane<T>::width) {
      // Lanes beyond the run belong to other terms.
      const Lane<T> by_term(hn::IfThenElseZero(hn::FirstN(d, static_cast<std::size_t>(run.count - k)),
                                               hn::LoadU(d, w.term_gradients.data() + run.term + k)));
      const T* moments = w.moments.data() + k;
      T* gradients = w.moment_gradients.data() + k;
      for (std::size_t e = run.first_cubic; e < run.last_cubic; ++e)
        add_product_gradient(centre.cubic[e], by_term, moments, gradients);
      for (std::size_t e = run.first_quartic; e < run.last_quartic; ++e)
        add_product_gradient(centre.quartic[e], by_term, moments, gradients);
    }
}

/// sum + sum_m own_m others_m over Rows rows, for one vector of others.
template <int Rows, class T, class Stride>
HWY_INLINE Lane<T> row_products(const T* own, const T* others, Stride stride, Lane<T> sum) {
  HAVEN_UNROLL
  for (int row = 0; row < Rows; ++row)
    sum = multiply_add(Lane<T>(own[row * stride]), Lane<T>::load(others + row * stride), sum);
  return sum;
}

/// p_{cc'l} of one run. What is written behind its last term belongs to terms that are formed later.
template <class T, class Degree, class Stride>
HWY_INLINE void form_run(Degree l, const PackedTermRun& run, const T* moments, const T* weighted, Stride stride,
                         T* terms) {
  const T *own = weighted + run.own, *others = moments + run.others;
  for (Index k = 0; k < run.count; k += Lane<T>::width) {
    Lane<T> sum(0.0);
    if constexpr (std::is_same_v<Degree, int>) {
      for (int m = 0; m < 2 * l + 1; ++m) sum = row_products<1>(own + m * stride, others + m * stride + k, stride, sum);
    } else {
      sum = row_products<2 * Degree::value + 1>(own, others + k, stride, sum);
    }
    sum.store(terms + run.term + k);
  }
}

/// q_c, p_{cc'l} and products.
template <class T>
void form_terms(const PackedCentre<T>& centre, Workspace<T>& w) {
  constexpr Index lanes = Lane<T>::width;
  with_stride<T>(centre.stride, [&](auto stride) HWY_ATTR {
    for (const PackedTermRun& run : centre.runs)
      with_degree(run.l, [&](auto l) HWY_ATTR {
        form_run(l, run, w.moments.data(), w.weighted_moments.data(), stride, w.terms.data());
      });
  });
  for (std::size_t t = 0; t < centre.radial_terms.size(); ++t)  // q_c = sqrt(4 pi) A_c00
    w.terms[t] = w.moments[static_cast<std::size_t>(centre.radial_terms[t])];
  for (const TermRun& run : centre.diagonals) {
    const Index shell = run.l * run.l * centre.stride + run.channel;
    for (Index k = 0; k < run.count; k += lanes) {
      Lane<T> sum(0.0);
      for (Index at = shell + k; at < shell + k + (2 * run.l + 1) * centre.stride; at += centre.stride)
        sum = multiply_add(Lane<T>::load(w.moments.data() + at), Lane<T>::load(w.weighted_moments.data() + at), sum);
      store_some(sum, run.count - k, w.terms.data() + run.term + k);
    }
  }
  form_products(centre, w);
  const auto end = static_cast<std::size_t>(padded(centre.terms, lanes));
  for (auto t = static_cast<std::size_t>(centre.terms); t < end; ++t) w.terms[t] = 0;
}

/// Adds the transpose of a [size][stride] matrix to it; `scratch` has its size. Rows beyond `size` are free to use.
template <class T>
void symmetrise(Index size, Index stride, T* matrix, T* scratch) {
#if HWY_TARGET == HWY_SCALAR
  for (Index row = 0; row < size; ++row)
    for (Index column = 0; column < size; ++column) scratch[column * stride + row] = matrix[row * stride + column];
#else
  constexpr Index tile = tile_side<T>;
  for (Index row = 0; row < size; row += tile)
    for (Index column = 0; column < size; column += tile)
      transpose_tile(matrix + row * stride + column, stride, scratch + column * stride + row, stride);
#endif
  for (Index k = 0; k < size * stride; k += Lane<T>::width)
    (Lane<T>::load(matrix + k) + Lane<T>::load(scratch + k)).store(matrix + k);
}

/// Symmetric matrices g_l[c][c'] = dE/dp_{cc'l}, the diagonal twice.
template <class T>
void form_pair_gradients(const PackedCentre<T>& centre, Workspace<T>& w) {
  const typename Lane<T>::Tag d;
  const Index size = centre.paired_stride * centre.paired_stride;
  T* matrices = w.pair_gradients.data();
  std::fill(matrices, matrices + (centre.paired_l_max + 1) * size, T(0));
  for (const PackedTermRun& run : centre.runs) {  // in the order of rows: zeros behind a run are written over
    const T* by_term = w.term_gradients.data() + run.term;
    for (Index k = 0; k < run.count; k += Lane<T>::width)
      hn::StoreU(hn::IfThenElseZero(hn::FirstN(d, static_cast<std::size_t>(run.count - k)), hn::LoadU(d, by_term + k)),
                 d, matrices + run.row + k);
  }
  for (int l = 0; l <= centre.paired_l_max; ++l)
    symmetrise(centre.paired, centre.paired_stride, matrices + l * size, w.pair_transposed.data());
}

/// dE/da[lm][c] = sum_c' g_l[c'][c] (weight a)[lm][c'] for Rows harmonics of one shell.
template <int Rows, class T>
HWY_INLINE void gradient_tile(const T* g, Index g_stride, Index channels, const T* moments, Index stride, T* out) {
  Lane<T> sum[Rows];
  HAVEN_UNROLL
  for (int row = 0; row < Rows; ++row) sum[row] = Lane<T>(0.0);
  for (Index c = 0; c < channels; ++c) {
    const Lane<T> weight = Lane<T>::load(g + c * g_stride);
    HAVEN_UNROLL
    for (int row = 0; row < Rows; ++row) sum[row] = multiply_add(weight, Lane<T>(moments[row * stride + c]), sum[row]);
  }
  HAVEN_UNROLL
  for (int row = 0; row < Rows; ++row) sum[row].store(out + row * stride);
}

/// dE/da of one shell by the pair terms.
template <class T, class Degree>
HWY_INLINE void form_shell_gradients(Degree l, const PackedCentre<T>& centre, Workspace<T>& w) {
  const T* moments = w.weighted_moments.data() + l * l * centre.stride;
  T* out = w.moment_gradients.data() + l * l * centre.stride;
  const T* g = w.pair_gradients.data() + l * centre.paired_stride * centre.paired_stride;
  for (Index c = 0; c < centre.paired; c += Lane<T>::width) {
    if constexpr (std::is_same_v<Degree, int>) {
      for (int m = 0; m < 2 * l + 1; ++m)
        gradient_tile<1>(g + c, centre.paired_stride, centre.paired, moments + m * centre.stride, centre.stride,
                         out + m * centre.stride + c);
    } else {
      gradient_tile<2 * Degree::value + 1>(g + c, centre.paired_stride, centre.paired, moments, centre.stride, out + c);
    }
  }
}

/// dE/da from dE/dterms.
template <class T>
void form_moment_gradients(const PackedCentre<T>& centre, Workspace<T>& w) {
  std::fill(w.moment_gradients.data(), w.moment_gradients.data() + centre.width * centre.stride, T(0));
  form_pair_gradients(centre, w);
  for (int l = 0; l <= centre.paired_l_max; ++l)
    with_degree(l, [&](auto degree) HWY_ATTR { form_shell_gradients(degree, centre, w); });
  for (std::size_t t = 0; t < centre.radial_terms.size(); ++t)
    w.moment_gradients[static_cast<std::size_t>(centre.radial_terms[t])] += w.term_gradients[t];
  add_diagonal_gradients(centre, w);
  add_product_gradients(centre, w);
}

/// V_lm = sum_c Abar R and sum_lm (sum_c Abar R') H_lm for one vector of neighbours and Rows harmonics.
template <int Rows, class T, class Stride>
HWY_INLINE Lane<T> adjoint_tile(const T* bar, Stride bar_stride, Index count, const T* radial, const T* slope,
                                const T* harmonics, Lane<T> along, Lane<T>* v) {
  constexpr Index lanes = Lane<T>::width;
  Lane<T> by_value[Rows], by_slope[Rows];
  HAVEN_UNROLL
  for (int row = 0; row < Rows; ++row) by_value[row] = by_slope[row] = Lane<T>(0.0);
  for (Index c = 0; c < count; ++c) {
    const Lane<T> value = Lane<T>::load(radial + c * lanes), derivative = Lane<T>::load(slope + c * lanes);
    HAVEN_UNROLL
    for (int row = 0; row < Rows; ++row) {
      const Lane<T> weight(bar[row * bar_stride + c]);
      by_value[row] = multiply_add(weight, value, by_value[row]);
      by_slope[row] = multiply_add(weight, derivative, by_slope[row]);
    }
  }
  HAVEN_UNROLL
  for (int row = 0; row < Rows; ++row) {
    v[row] = by_value[row];
    along = multiply_add(by_slope[row], Lane<T>::load(harmonics + row * lanes), along);
  }
  return along;
}

/// dE_i/dr_ij of one vector of neighbours, up to `degree`: an int or an integral_constant.
template <class T, class Degree, class Stride>
void adjoint_of_neighbours(const PackedCentre<T>& centre, const PackedBlock& block, Degree degree, const T* bar,
                           Stride bar_stride, Index begin, Index j, Workspace<T>& w) {
  constexpr Index lanes = Lane<T>::width;
  const T* radial = w.radial_lanes.data() + begin * centre.stride + (j - begin) * block.stride;
  const T* slope = w.slope_lanes.data() + begin * centre.stride + (j - begin) * block.stride;
  const T* harmonics = w.harmonics.data() + j * centre.width;
  Lane<T> v[(largest_l + 1) * (largest_l + 1)], y[(largest_l + 1) * (largest_l + 1)];
  Lane<T> along(0.0);
  for (const Band& band : block.bands) {
    int lm = band.first;
    for (; lm + 4 <= band.last && lm + 5 != band.last; lm += 4)
      along = adjoint_tile<4>(bar + lm * bar_stride, bar_stride, band.count, radial, slope, harmonics + lm * lanes,
                              along, v + lm);
    if (lm + 5 == band.last) {
      along = adjoint_tile<5>(bar + lm * bar_stride, bar_stride, band.count, radial, slope, harmonics + lm * lanes,
                              along, v + lm);
      continue;
    }
    for (; lm < band.last; ++lm)
      along = adjoint_tile<1>(bar + lm * bar_stride, bar_stride, band.count, radial, slope, harmonics + lm * lanes,
                              along, v + lm);
  }
  for (int lm = 0; lm < degree * degree; ++lm) y[lm] = Lane<T>::load(harmonics + lm * lanes);
  const Gradient<Lane<T>> g = bare_harmonic_gradient(degree, y, v);
  const auto k = static_cast<std::size_t>(j);
  const Lane<T> ux = Lane<T>::load(&w.unit_x[k]), uy = Lane<T>::load(&w.unit_y[k]), uz = Lane<T>::load(&w.unit_z[k]);
  const Lane<T> inverse = Lane<T>::load(&w.inverse[k]);
  const Lane<T> normal = multiply_add(g.x, ux, multiply_add(g.y, uy, g.z * uz));
  const Lane<T> rest = along - inverse * normal;
  multiply_add(inverse, g.x, rest * ux).store(&w.force_x[k]);
  multiply_add(inverse, g.y, rest * uy).store(&w.force_y[k]);
  multiply_add(inverse, g.z, rest * uz).store(&w.force_z[k]);
}

/// The same where no channel reaches beyond l = 0: the force is along the neighbour.
template <class T>
void adjoint_of_spheres(const PackedCentre<T>& centre, const PackedBlock& block, const T* bar, Index begin, Index j,
                        Workspace<T>& w) {
  constexpr Index lanes = Lane<T>::width;
  const T* slope = w.slope_lanes.data() + begin * centre.stride + (j - begin) * block.stride;
  Lane<T> along(0.0);
  for (std::size_t c = 0; c < block.channels.size(); ++c, slope += lanes)
    along = multiply_add(Lane<T>(bar[c]), Lane<T>::load(slope), along);
  const auto k = static_cast<std::size_t>(j);
  (along * Lane<T>::load(&w.unit_x[k])).store(&w.force_x[k]);
  (along * Lane<T>::load(&w.unit_y[k])).store(&w.force_y[k]);
  (along * Lane<T>::load(&w.unit_z[k])).store(&w.force_z[k]);
}

/// dE_i/dr_ij of all neighbours.
template <class T>
void form_pair_forces(const PackedCentre<T>& centre, Workspace<T>& w) {
  for (std::size_t b = 0; b < centre.blocks.size(); ++b) {
    const PackedBlock& block = centre.blocks[b];
    const T* bar = w.moment_gradients.data();
    Index bar_stride = centre.stride;
    if (!block.all_channels) {
      bar = w.block_moments.data();
      bar_stride = block.stride;
      for (const Band& band : block.bands)
        for (int lm = band.first; lm < band.last; ++lm)
          for (Index c = 0; c < band.count; ++c)
            w.block_moments[static_cast<std::size_t>(lm * block.stride + c)] =
                w.moment_gradients[static_cast<std::size_t>(lm * centre.stride +
                                                            block.channels[static_cast<std::size_t>(c)])];
    }
    const Index begin = w.block_begin[b], end = begin + w.block_count[b];
    if (block.l_max == 0) {
      for (Index j = begin; j < end; j += Lane<T>::width) adjoint_of_spheres(centre, block, bar, begin, j, w);
    } else {
      with_degree(block.l_max, [&](auto degree) HWY_ATTR {
        with_stride<T>(bar_stride, [&](auto stride) HWY_ATTR {
          for (Index j = begin; j < end; j += Lane<T>::width)
            adjoint_of_neighbours(centre, block, degree, bar, stride, begin, j, w);
        });
      });
    }
  }
}

/// The neighbours of one block with their forces.
template <class T>
CentreSink::Pairs<T> pairs_of_block(const Workspace<T>& w, std::size_t block) {
  const auto k = static_cast<std::size_t>(w.block_begin[block]);
  return {.atom = w.atom.data() + k,
          .x = &w.x[k],
          .y = &w.y[k],
          .z = &w.z[k],
          .force_x = &w.force_x[k],
          .force_y = &w.force_y[k],
          .force_z = &w.force_z[k],
          .count = w.block_count[block]};
}

}  // namespace haven::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif  // HAVEN_CPU_SIMD_MOMENTS_INL_HPP
