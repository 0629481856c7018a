#pragma once
#include "potentials/program/drivers/cuda_neighbours.hpp"

/// Moments, invariants and their adjoints by one warp.
namespace haven::gpu {

inline constexpr double four_pi = 12.566370614359172954;
inline constexpr double root_four_pi = 3.5449077018110320546;

/// Harmonics of the tile's neighbours, one lane each.
template <class T, int LMax>
HAVEN_HD inline void store_harmonics(const BlockImage& block, const Direction<T>& u, const Scratch<T>& s, int lane) {
  T y[Reach<LMax>::width];
  const int l_max = Reach<LMax>::l_max(block);
  kernel::spherical_harmonics(l_max, u.x, u.y, u.z, y);
  Reach<LMax>::each(l_max, [&](int lm) {
    if (lm < block.width) s.tile_second()[lm * harmonics_stride + lane] = y[lm];
  });
}

/// Adds the sums of four channels of a block, from c on, to the moments of harmonic lm.
template <class T>
HAVEN_HD inline void add_to_row(const ProgramView<T>& program, const CentreImage& centre, const BlockImage& block,
                                const Scratch<T>& s, int lm, int c, const T (&sums)[4]) {
  const int row = program.integers[centre.rows + lm], reach = program.integers[centre.counts + lm];
  HAVEN_UNROLL_ON_DEVICE
  for (int k = 0; k < 4; ++k) {
    const int channel = program.integers[block.channels + c + k];
    if (channel >= 0 && channel < reach) s.moments()[row + channel] += sums[k];
  }
}

/// Adds the tile's sum_j R_c(j) Y_lm(j). A lane owns 4 channels x 2 harmonics in registers: eight multiply-adds for one
/// 128-bit and two 32-bit reads of shared memory, most of which are broadcasts.
template <class T>
HAVEN_HD inline void add_moments(const ProgramView<T>& program, const CentreImage& centre, const BlockImage& block,
                                 const Scratch<T>& s, int count, int lane) {
  using kernel::multiply_add;
  const std::int32_t* integers = program.integers;
  for (int n = lane; n < block.n_tiles; n += warp_size) {
    const int code = integers[block.tiles + n], c = code & 0xffff, first = code >> 16;
    const int second = first + 1 < block.width ? first + 1 : first;
    T even[4] = {}, odd[4] = {};
    for (int j = 0; j < count; ++j) {
      const Four<T> r = load4(s.tile_radial() + j * s.radial_stride() + c);
      const T y0 = s.tile_second()[first * harmonics_stride + j], y1 = s.tile_second()[second * harmonics_stride + j];
      HAVEN_UNROLL_ON_DEVICE
      for (int k = 0; k < 4; ++k) {
        even[k] = multiply_add(r.v[k], y0, even[k]);
        odd[k] = multiply_add(r.v[k], y1, odd[k]);
      }
    }
    add_to_row(program, centre, block, s, first, c, even);
    if (second > first) add_to_row(program, centre, block, s, second, c, odd);
  }
}

/// q_c and p_{cc'l} and products, one lane per term; whatever lies behind the last term is zero.
template <class T>
HAVEN_HD inline void form_terms(const ProgramView<T>& program, const CentreImage& centre, const Scratch<T>& s,
                                int lane) {
  using kernel::multiply_add;
  const std::int32_t* codes = program.integers + centre.term_codes;
  for (int t = lane; t < padded4(centre.terms + 1); t += warp_size) {
    if (t < centre.n_radial) {
      s.terms()[t] = static_cast<T>(root_four_pi) * s.moments()[codes[t]];
    } else if (t < centre.n_radial + centre.n_paired) {
      const int at = centre.n_radial + 2 * (t - centre.n_radial);
      const int c = codes[at], other = codes[at + 1] & 0xffff, l = codes[at + 1] >> 16;
      const Shell shell = program.shells[centre.shells + l];
      const T* row = s.moments() + shell.start;
      T sum(0);
      for (int m = 0; m < 2 * l + 1; ++m, row += shell.padded) sum = multiply_add(row[c], row[other], sum);
      s.terms()[t] = static_cast<T>(four_pi / (2 * l + 1)) * sum;
    } else if (t < centre.terms) {
      const std::int32_t* offsets = program.integers + centre.product_offsets + (t - centre.n_radial - centre.n_paired);
      T sum(0);
      for (std::int32_t p = offsets[0]; p < offsets[1]; ++p) {
        const ProductImage product = program.products[p];
        T value = static_cast<T>(product.weight);
        HAVEN_UNROLL_ON_DEVICE
        for (int f = 0; f < 4; ++f)
          if (product.factor[f] >= 0) value = value * s.moments()[product.factor[f]];
        sum = sum + value;
      }
      s.terms()[t] = sum;
    } else {
      s.terms()[t] = T(0);
    }
  }
}

/// Contribution of the products of degree 3 and 4 to dE/dA of one moment.
template <class T>
HAVEN_HD inline T product_gradient(const ProgramView<T>& program, const CentreImage& centre, const Scratch<T>& s,
                                   int place) {
  const std::int32_t* offsets = program.integers + centre.adjoint_offsets + place;
  T sum(0);
  for (std::int32_t p = offsets[0]; p < offsets[1]; ++p) {
    const ProductImage product = program.products[p];
    T value = static_cast<T>(product.weight) * s.terms()[product.term];
    HAVEN_UNROLL_ON_DEVICE
    for (int f = 0; f < 3; ++f)
      if (product.factor[f] >= 0) value = value * s.moments()[product.factor[f]];
    sum = sum + value;
  }
  return sum;
}

/// dE/dA from dE/dterms: a lane owns a moment and gathers, so that no two lanes add to the same place.
template <class T>
HAVEN_HD inline void form_moment_gradients(const ProgramView<T>& program, const CentreImage& centre,
                                           const Scratch<T>& s, int lane) {
  using kernel::multiply_add;
  const std::int32_t* integers = program.integers;
  for (int place = lane; place < centre.n_moments; place += warp_size) {
    const int code = integers[centre.moments + place], c = code & 0xffff, l = code >> 16;
    const Shell shell = program.shells[centre.shells + l];
    const T* row = s.moments() + (place - c);
    const PartnerRows partners = program.partners[centre.partners + l];
    const std::int32_t* others = integers + partners.first + c;
    const std::int32_t* terms = others + partners.degree * shell.padded;
    T sum(0);
    for (int k = 0; k < partners.degree; ++k) {
      const int other = others[k * shell.padded];
      const T g = s.terms()[terms[k * shell.padded]];
      sum = multiply_add((other >> 16) != 0 ? T(2) * g : g, row[other & 0xffff], sum);
    }
    sum = sum * static_cast<T>(four_pi / (2 * l + 1));
    if (l == 0) {
      for (int k = 0; k < centre.radial_degree; ++k)
        sum = multiply_add(static_cast<T>(root_four_pi), s.terms()[integers[centre.radial_rows + k * shell.padded + c]],
                           sum);
    }
    if (centre.adjoint_offsets >= 0) sum = sum + product_gradient(program, centre, s, place);
    s.gradients()[place] = c < shell.count ? sum : T(0);
  }
}

/// Copies the gradients that a block's channels need into the block's own packing.
template <class T>
HAVEN_HD inline void gather_block_gradients(const ProgramView<T>& program, const CentreImage& centre,
                                            const BlockImage& block, const Scratch<T>& s, int lane) {
  for (int n = lane; n < block.padded; n += warp_size) {
    const int channel = program.integers[block.channels + n];
    for (int l = 0, lm = 0; lm < block.width; ++l) {
      const Shell shell = program.shells[block.shells + l];
      for (int m = 0; m < 2 * l + 1; ++m, ++lm)
        if (n < shell.padded)
          s.block_gradients()[shell.start + m * shell.padded + n] =
              n < shell.count ? s.gradients()[program.integers[centre.rows + lm] + channel] : T(0);
    }
  }
}

/// dE_i/dr_ij of one neighbour of the tile, eV/A.
template <class T, int LMax>
HAVEN_HD inline Vec3 pair_force(const ProgramView<T>& program, const CentreImage& centre, const BlockImage& block,
                                const Direction<T>& u, const Scratch<T>& s, int lane) {
  using kernel::multiply_add;
  const bool own = block.all_channels != 0;
  const Shell* shells = program.shells + (own ? centre.shells : block.shells);
  const T* bar = own ? s.gradients() : s.block_gradients();
  const int l_max = Reach<LMax>::l_max(block);
  T y[Reach<LMax>::width], v[Reach<LMax>::width];
  kernel::spherical_harmonics(l_max, u.x, u.y, u.z, y);
  Reach<LMax>::each(l_max, [&](int lm) { v[lm] = T(0); });
  T along(0);
  for (int c = 0; c < block.padded; c += 4) {
    const Four<T> value = load4(s.tile_radial() + lane * s.radial_stride() + c);
    const Four<T> slope = load4(s.tile_second() + lane * s.radial_stride() + c);
    const T* row = nullptr;
    int step = 0;
    const auto enter_shell = [&](int l) {
      if (l * l >= block.width) return false;
      const Shell shell = shells[l];
      row = bar + shell.start + c;
      step = shell.padded;
      return c < shell.count;
    };
    Reach<LMax>::each_shell(l_max, enter_shell, [&](int lm) {
      const Four<T> weight = load4(row);
      row += step;
      T by_slope(0);
      HAVEN_UNROLL_ON_DEVICE
      for (int k = 0; k < 4; ++k) {
        v[lm] = multiply_add(weight.v[k], value.v[k], v[lm]);
        by_slope = multiply_add(weight.v[k], slope.v[k], by_slope);
      }
      along = multiply_add(by_slope, y[lm], along);
    });
  }
  const auto g = kernel::solid_harmonic_gradient(l_max, y, v);
  const T normal = multiply_add(g.x, u.x, multiply_add(g.y, u.y, g.z * u.z));
  const T rest = along - u.inverse * normal;
  return {static_cast<double>(multiply_add(u.inverse, g.x, rest * u.x)),
          static_cast<double>(multiply_add(u.inverse, g.y, rest * u.y)),
          static_cast<double>(multiply_add(u.inverse, g.z, rest * u.z))};
}

}  // namespace haven::gpu
