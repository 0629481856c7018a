#include "training/edge_kernels.hpp"

#include <algorithm>
#include <utility>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "training/edge_kernels.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "training/neighbour_work-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace haven::training::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// Calls body(b, first, last) for the edges of each neighbour element.
template <class T, class Body>
HWY_ATTR inline void for_each_group(const EdgeProgram<T>& program, const Column<T>& column, Body&& body) {
  const std::size_t groups = program.layout.groups.size();
  const std::int32_t* offsets = column.edges->offsets.data() + static_cast<std::size_t>(column.atom) * groups;
  for (std::size_t b = 0; b < groups; ++b)
    if (offsets[b + 1] > offsets[b] && program.radial[b].functions() > 0)
      body(b, static_cast<std::size_t>(offsets[b] - offsets[0]), static_cast<std::size_t>(offsets[b + 1] - offsets[0]));
}

/// [lm][edge] -> [edge][lm].
template <class T>
HWY_ATTR inline void to_rows(const CentreWork<T>& work, const T* columns, int count, T* rows) {
  for (std::size_t e = 0; e < work.n; ++e)
    for (std::size_t k = 0; k < static_cast<std::size_t>(count); ++k)
      rows[e * work.width + k] = columns[k * work.capacity + e];
}

/// Local buffers of a block of centres <-> columns [begin, begin + count) of a matrix with `columns` columns.
template <class T>
HWY_ATTR void store_block(const CentreLayout& layout, const T* local, Index begin, Index count, Index columns,
                          T* matrix) {
  for (Index row = 0; row < layout.rows; ++row) {
    const T* from = local + layout.local_of_row[static_cast<std::size_t>(row)];
    T* to = matrix + row * columns + begin;
    for (Index k = 0; k < count; ++k) to[k] = from[k * layout.local_size];
  }
}
template <class T>
HWY_ATTR void load_block(const CentreLayout& layout, const T* matrix, Index begin, Index count, Index columns,
                         T* local) {
  for (Index row = 0; row < layout.rows; ++row) {
    T* to = local + layout.local_of_row[static_cast<std::size_t>(row)];
    const T* from = matrix + row * columns + begin;
    for (Index k = 0; k < count; ++k) to[k * layout.local_size] = from[k];
  }
}

/// local[p + k][lm] += sum over edges [first, last) of factor[edge][p + k] * rows[edge][lm], k < tile.
template <int tile, class T>
HWY_ATTR inline void add_outer_tile(const CentreWork<T>& work, const PrimitiveGroup& group, std::size_t p,
                                    std::span<const std::size_t, 2> edges, const T* factor, const T* rows, T* local) {
  const hn::ScalableTag<T> d;
  const auto count = static_cast<std::size_t>(harmonics_count(group.l_max[p]));
  for (std::size_t v = 0; v < count; v += hn::Lanes(d)) {
    hn::Vec<decltype(d)> sum[tile];
    for (int k = 0; k < tile; ++k)
      sum[k] = hn::LoadU(d, local + group.local_offset[p + static_cast<std::size_t>(k)] + v);
    for (std::size_t e = edges[0]; e < edges[1]; ++e) {
      const auto y = hn::LoadU(d, rows + e * work.width + v);
      const T* f = factor + e * work.stride + p;
      for (int k = 0; k < tile; ++k) sum[k] = hn::MulAdd(hn::Set(d, f[k]), y, sum[k]);
    }
    for (int k = 0; k < tile; ++k)
      hn::StoreU(sum[k], d, local + group.local_offset[p + static_cast<std::size_t>(k)] + v);
  }
}

template <class T>
HWY_ATTR void add_outer(const CentreWork<T>& work, const PrimitiveGroup& group, std::span<const std::size_t, 2> edges,
                        const T* factor, const T* rows, T* local) {
  constexpr std::size_t tile = 8;
  const std::size_t n = group.primitives.size();
  for (std::size_t p = 0; p < n;) {
    const bool full = p + tile <= n && group.l_max[p] == group.l_max[p + tile - 1];
    if (full)
      add_outer_tile<tile>(work, group, p, edges, factor, rows, local);
    else
      add_outer_tile<1>(work, group, p, edges, factor, rows, local);
    p += full ? tile : 1;
  }
}

/// Forces f = dE_i/dr_ij = sum_p,lm G_plm (phi'_p Y_lm u + phi_p grad Y_lm) of the vector of edges that starts at
/// `edge`, from columns of phi and phi' ([p][edge]).
template <class T>
HWY_ATTR inline void edge_forces(const CentreWork<T>& work, const PrimitiveGroup& group, std::size_t edge, const T* phi,
                                 const T* slope, const T* local) {
  const hn::ScalableTag<T> d;
  using V = hn::Vec<decltype(d)>;
  constexpr std::size_t tile = 4;  // divides the padding of local buffers
  V radial = hn::Zero(d), fx = radial, fy = radial, fz = radial;
  const auto widest = static_cast<std::size_t>(harmonics_count(group.group_l_max));
  for (std::size_t lm = 0; lm < widest; lm += tile) {
    V t[tile], s[tile];
    for (std::size_t k = 0; k < tile; ++k) t[k] = s[k] = hn::Zero(d);
    for (std::size_t p = 0; p < group.primitives.size(); ++p) {
      if (lm >= static_cast<std::size_t>(harmonics_count(group.l_max[p]))) continue;
      const V f = hn::LoadU(d, phi + p * work.capacity + edge), g = hn::LoadU(d, slope + p * work.capacity + edge);
      const T* factor = local + group.local_offset[p] + lm;
      for (std::size_t k = 0; k < tile; ++k) {
        const V c = hn::Set(d, factor[k]);
        t[k] = hn::MulAdd(f, c, t[k]);
        s[k] = hn::MulAdd(g, c, s[k]);
      }
    }
    for (std::size_t k = 0; k < tile && lm + k < widest; ++k) {
      const std::size_t at = (lm + k) * work.capacity + edge;
      radial = hn::MulAdd(s[k], hn::LoadU(d, work.value + at), radial);
      fx = hn::MulAdd(t[k], hn::LoadU(d, work.gradient[0] + at), fx);
      fy = hn::MulAdd(t[k], hn::LoadU(d, work.gradient[1] + at), fy);
      fz = hn::MulAdd(t[k], hn::LoadU(d, work.gradient[2] + at), fz);
    }
  }
  hn::StoreU(hn::MulAdd(radial, hn::LoadU(d, work.unit[0] + edge), fx), d, work.force[0] + edge);
  hn::StoreU(hn::MulAdd(radial, hn::LoadU(d, work.unit[1] + edge), fy), d, work.force[1] + edge);
  hn::StoreU(hn::MulAdd(radial, hn::LoadU(d, work.unit[2] + edge), fz), d, work.force[2] + edge);
}

/// Adds the forces of a centre's edges to the atoms and to the virial.
template <class T>
HWY_ATTR void scatter_forces(const CentreWork<T>& work, const Column<T>& column, std::size_t first_edge,
                             std::span<T> forces, std::span<double> virials) {
  T* own = forces.data() + 3 * static_cast<std::size_t>(column.first_atom + column.atom);
  T virial[9] = {}, sum[3] = {};
  for (std::size_t e = 0; e < work.n; ++e) {
    const auto j = static_cast<std::size_t>(column.first_atom + column.edges->atom[first_edge + e]);
    T* other = forces.data() + 3 * j;
    const T r[3] = {work.x[e], work.y[e], work.z[e]};
    for (int m = 0; m < 3; ++m) {
      const T f = work.force[m][e];
      sum[m] += f;
      other[m] -= f;
      for (int i = 0; i < 3; ++i) virial[3 * i + m] -= r[i] * f;
    }
  }
  for (int i = 0; i < 3; ++i) own[i] += sum[i];
  double* total = virials.data() + 9 * static_cast<std::size_t>(column.frame);
  for (int m = 0; m < 9; ++m) total[m] += static_cast<double>(virial[m]);
}

template <class T>
HWY_ATTR void sum_moments_of(const EdgeProgram<T>& program, std::span<const Column<T>> columns, EdgeScratch<T>& scratch,
                             T* moments) {
  const CentreLayout& layout = program.layout;
  const auto n = static_cast<Index>(columns.size());
  CentreWork<T> work = prepare(program, columns, scratch);
  for (Index begin = 0; begin < n; begin += block_columns) {
    const Index count = std::min(block_columns, n - begin);
    std::fill(scratch.local.begin(), scratch.local.end(), T(0));
    for (Index k = 0; k < count; ++k) {
      const Column<T>& column = columns[static_cast<std::size_t>(begin + k)];
      describe_neighbours<false>(program, column, work);
      to_rows(work, work.value, harmonics_count(layout.l_max), work.first);
      for_each_group(program, column, [&](std::size_t b, std::size_t first, std::size_t last) HWY_ATTR {
        const std::size_t edges[2] = {first, last};
        add_outer<T>(work, layout.groups[b], edges, work.phi, work.first, scratch.local.data() + k * layout.local_size);
      });
    }
    store_block(layout, scratch.local.data(), begin, count, n, moments);
  }
}

template <class T>
HWY_ATTR void add_forces_of(const EdgeProgram<T>& program, std::span<const Column<T>> columns, EdgeScratch<T>& scratch,
                            const T* gradient, std::span<T> forces, std::span<double> virials) {
  const hn::ScalableTag<T> d;
  const CentreLayout& layout = program.layout;
  const auto n = static_cast<Index>(columns.size());
  CentreWork<T> work = prepare(program, columns, scratch);
  // Columns [p][edge] of the radial functions, at the end of the buffer.
  T* slope = scratch.row.data() + scratch.row.size() - work.stride * work.capacity;
  T* phi = slope - work.stride * work.capacity;
  for (Index begin = 0; begin < n; begin += block_columns) {
    const Index count = std::min(block_columns, n - begin);
    load_block(layout, gradient, begin, count, n, scratch.local.data());
    for (Index k = 0; k < count; ++k) {
      const Column<T>& column = columns[static_cast<std::size_t>(begin + k)];
      const T* local = scratch.local.data() + k * layout.local_size;
      describe_neighbours<true>(program, column, work);
      std::fill_n(work.force[0], 3 * work.capacity, T(0));
      for_each_group(program, column, [&](std::size_t b, std::size_t first, std::size_t last) HWY_ATTR {
        const PrimitiveGroup& group = layout.groups[b];
        for (std::size_t e = first; e < last; ++e)
          for (std::size_t p = 0; p < group.primitives.size(); ++p) {
            phi[p * work.capacity + e] = work.phi[e * work.stride + p];
            slope[p * work.capacity + e] = work.slope[e * work.stride + p];
          }
        // The last vector may run into the next group's edges, which are computed after it, or into unused lanes.
        for (std::size_t e = first; e < last; e += hn::Lanes(d)) edge_forces(work, group, e, phi, slope, local);
      });
      const auto groups = layout.groups.size();
      scatter_forces(work, column,
                     static_cast<std::size_t>(column.edges->offsets[static_cast<std::size_t>(column.atom) * groups]),
                     forces, virials);
    }
  }
}

/// dL/df_ij of a centre's edges as columns (in work.force), and from it the factors of phi' and phi.
template <class T>
HWY_ATTR void gather_tangents(CentreWork<T>& work, const Column<T>& column, const std::int32_t* neighbours,
                              const T* force_gradient, const T* virial_gradient) {
  const T* own = force_gradient + 3 * static_cast<std::size_t>(column.first_atom + column.atom);
  const T* w = virial_gradient + 9 * static_cast<std::size_t>(column.frame);
  for (std::size_t e = 0; e < work.n; ++e) {
    const T* other = force_gradient + 3 * static_cast<std::size_t>(column.first_atom + neighbours[e]);
    for (int m = 0; m < 3; ++m)
      work.force[m][e] = own[m] - other[m] - (work.x[e] * w[m] + work.y[e] * w[3 + m] + work.z[e] * w[6 + m]);
  }
}

/// Columns Y -> Y (u . g), dY/dx -> grad Y . g.
template <class T>
HWY_ATTR void contract_tangents(CentreWork<T>& work, int l_max) {
  const hn::ScalableTag<T> d;
  for (std::size_t e = 0; e < work.n; e += hn::Lanes(d)) {
    const auto gx = hn::LoadU(d, work.force[0] + e), gy = hn::LoadU(d, work.force[1] + e),
               gz = hn::LoadU(d, work.force[2] + e);
    const auto along =
        hn::MulAdd(gx, hn::LoadU(d, work.unit[0] + e),
                   hn::MulAdd(gy, hn::LoadU(d, work.unit[1] + e), hn::Mul(gz, hn::LoadU(d, work.unit[2] + e))));
    for (std::size_t lm = 0; lm < static_cast<std::size_t>(harmonics_count(l_max)); ++lm) {
      const std::size_t at = lm * work.capacity + e;
      hn::StoreU(hn::Mul(along, hn::LoadU(d, work.value + at)), d, work.value + at);
      const auto sum = hn::MulAdd(
          gx, hn::LoadU(d, work.gradient[0] + at),
          hn::MulAdd(gy, hn::LoadU(d, work.gradient[1] + at), hn::Mul(gz, hn::LoadU(d, work.gradient[2] + at))));
      hn::StoreU(sum, d, work.gradient[0] + at);
    }
  }
}

template <class T>
HWY_ATTR void sum_tangents_of(const EdgeProgram<T>& program, std::span<const Column<T>> columns,
                              EdgeScratch<T>& scratch, std::span<const T> force_gradient,
                              std::span<const T> virial_gradient, T* tangents) {
  const CentreLayout& layout = program.layout;
  const auto n = static_cast<Index>(columns.size());
  CentreWork<T> work = prepare(program, columns, scratch);
  for (Index begin = 0; begin < n; begin += block_columns) {
    const Index count = std::min(block_columns, n - begin);
    std::fill(scratch.local.begin(), scratch.local.end(), T(0));
    for (Index k = 0; k < count; ++k) {
      const Column<T>& column = columns[static_cast<std::size_t>(begin + k)];
      T* local = scratch.local.data() + k * layout.local_size;
      describe_neighbours<true>(program, column, work);
      const std::int32_t first_edge =
          column.edges->offsets[static_cast<std::size_t>(column.atom) * layout.groups.size()];
      gather_tangents(work, column, column.edges->atom.data() + first_edge, force_gradient.data(),
                      virial_gradient.data());
      contract_tangents(work, layout.l_max);
      to_rows(work, work.value, harmonics_count(layout.l_max), work.first);
      to_rows(work, work.gradient[0], harmonics_count(layout.l_max), work.second);
      for_each_group(program, column, [&](std::size_t b, std::size_t first, std::size_t last) HWY_ATTR {
        const std::size_t edges[2] = {first, last};
        add_outer<T>(work, layout.groups[b], edges, work.slope, work.first, local);
        add_outer<T>(work, layout.groups[b], edges, work.phi, work.second, local);
      });
    }
    store_block(layout, scratch.local.data(), begin, count, n, tangents);
  }
}

void moments_float(const EdgeProgram<float>& p, std::span<const Column<float>> c, EdgeScratch<float>& s, float* m) {
  sum_moments_of(p, c, s, m);
}
void moments_double(const EdgeProgram<double>& p, std::span<const Column<double>> c, EdgeScratch<double>& s,
                    double* m) {
  sum_moments_of(p, c, s, m);
}
void forces_float(const EdgeProgram<float>& p, std::span<const Column<float>> c, EdgeScratch<float>& s, const float* g,
                  std::span<float> f, std::span<double> w) {
  add_forces_of(p, c, s, g, f, w);
}
void forces_double(const EdgeProgram<double>& p, std::span<const Column<double>> c, EdgeScratch<double>& s,
                   const double* g, std::span<double> f, std::span<double> w) {
  add_forces_of(p, c, s, g, f, w);
}
void tangents_float(const EdgeProgram<float>& p, std::span<const Column<float>> c, EdgeScratch<float>& s,
                    std::span<const float> f, std::span<const float> w, float* t) {
  sum_tangents_of(p, c, s, f, w, t);
}
void tangents_double(const EdgeProgram<double>& p, std::span<const Column<double>> c, EdgeScratch<double>& s,
                     std::span<const double> f, std::span<const double> w, double* t) {
  sum_tangents_of(p, c, s, f, w, t);
}

}  // namespace haven::training::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace haven::training {

HWY_EXPORT(moments_float);
HWY_EXPORT(moments_double);
HWY_EXPORT(forces_float);
HWY_EXPORT(forces_double);
HWY_EXPORT(tangents_float);
HWY_EXPORT(tangents_double);

template <>
void sum_moments(const EdgeProgram<float>& program, std::span<const Column<float>> columns, EdgeScratch<float>& scratch,
                 float* moments) {
  HWY_DYNAMIC_DISPATCH(moments_float)(program, columns, scratch, moments);
}
template <>
void sum_moments(const EdgeProgram<double>& program, std::span<const Column<double>> columns,
                 EdgeScratch<double>& scratch, double* moments) {
  HWY_DYNAMIC_DISPATCH(moments_double)(program, columns, scratch, moments);
}
template <>
void add_forces(const EdgeProgram<float>& program, std::span<const Column<float>> columns, EdgeScratch<float>& scratch,
                const float* moment_gradient, std::span<float> forces, std::span<double> virials) {
  HWY_DYNAMIC_DISPATCH(forces_float)(program, columns, scratch, moment_gradient, forces, virials);
}
template <>
void add_forces(const EdgeProgram<double>& program, std::span<const Column<double>> columns,
                EdgeScratch<double>& scratch, const double* moment_gradient, std::span<double> forces,
                std::span<double> virials) {
  HWY_DYNAMIC_DISPATCH(forces_double)(program, columns, scratch, moment_gradient, forces, virials);
}
template <>
void sum_tangents(const EdgeProgram<float>& program, std::span<const Column<float>> columns,
                  EdgeScratch<float>& scratch, std::span<const float> force_gradient,
                  std::span<const float> virial_gradient, float* tangents) {
  HWY_DYNAMIC_DISPATCH(tangents_float)(program, columns, scratch, force_gradient, virial_gradient, tangents);
}
template <>
void sum_tangents(const EdgeProgram<double>& program, std::span<const Column<double>> columns,
                  EdgeScratch<double>& scratch, std::span<const double> force_gradient,
                  std::span<const double> virial_gradient, double* tangents) {
  HWY_DYNAMIC_DISPATCH(tangents_double)(program, columns, scratch, force_gradient, virial_gradient, tangents);
}

}  // namespace haven::training
#endif
