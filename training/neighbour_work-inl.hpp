// The per-centre part of the edge kernels, compiled once per instruction set: included by a file under Highway's
// foreach_target.hpp, hence this guard.
#if defined(HAVEN_NEIGHBOUR_WORK_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef HAVEN_NEIGHBOUR_WORK_INL
#undef HAVEN_NEIGHBOUR_WORK_INL
#else
#define HAVEN_NEIGHBOUR_WORK_INL
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <utility>

#include "training/edge_kernels.hpp"
#include "training/harmonics.hpp"

HWY_BEFORE_NAMESPACE();
namespace haven::training::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// Centres handled together, so that the strided matrices are read and written in whole cache lines.
constexpr Index block_columns = 16;

template <class T>
const HarmonicsConstants<T>& constants() {
  static const HarmonicsConstants<T> values;
  return values;
}

/// Buffers for the neighbours of one centre. "Columns" are [quantity][edge], "rows" [edge][quantity].
template <class T>
struct CentreWork {
  std::size_t n = 0, capacity = 0;    // edges; room for whole vectors beyond any of them
  std::size_t width = 0, stride = 0;  // of rows of harmonics and of radial functions
  T *x, *y, *z, *r;                   // columns: displacement, distance
  T* unit[3];                         // columns: x/r, y/r, z/r
  T* value;                           // columns [lm]: Y
  T* gradient[3];                     // columns [lm]: dY/dx, dY/dy, dY/dz
  T *phi, *slope;                     // rows: radial functions of the edge's group
  T *first, *second;                  // rows: harmonics, or other factors of the same width
  T* force[3];                        // columns
};

/// Lays the buffers out for centres with up to `most` neighbours.
template <class T>
CentreWork<T> prepare(const EdgeProgram<T>& program, std::span<const Column<T>> columns, EdgeScratch<T>& scratch) {
  const std::size_t groups = program.layout.groups.size();
  std::int32_t most = 0;
  for (const Column<T>& column : columns) {
    const std::int32_t* offsets = column.edges->offsets.data() + static_cast<std::size_t>(column.atom) * groups;
    most = std::max(most, offsets[groups] - offsets[0]);
  }
  CentreWork<T> work;
  work.capacity = static_cast<std::size_t>(padded(most) + lane_padding);
  work.width = static_cast<std::size_t>(padded(harmonics_count(program.layout.l_max)));
  for (const RadialTable<T>& radial : program.radial) work.stride = std::max(work.stride, radial.stride());
  const std::size_t column = work.capacity, lm = work.width * work.capacity, row = work.stride * work.capacity;
  scratch.row.assign(10 * column + 6 * lm + 2 * row + 2 * work.stride * column, T(0));
  scratch.local.assign(static_cast<std::size_t>(block_columns * program.layout.local_size), T(0));
  T* next = scratch.row.data();
  const auto take = [&](std::size_t size) { return std::exchange(next, next + size); };
  work.x = take(column);
  work.y = take(column);
  work.z = take(column);
  work.r = take(column);
  for (T*& unit : work.unit) unit = take(column);
  for (T*& force : work.force) force = take(column);
  work.value = take(lm);
  for (T*& gradient : work.gradient) gradient = take(lm);
  work.first = take(lm);
  work.second = take(lm);
  work.phi = take(row);
  work.slope = take(row);
  return work;
}

/// Y_lm of one vector of edges, and their gradients (the polynomial's derivative projected on the tangent plane, over
/// r).
template <bool with_gradient, class T>
HWY_ATTR void harmonics(const CentreWork<T>& work, int l_max, std::size_t edge) {
  const hn::ScalableTag<T> d;
  using V = hn::Vec<decltype(d)>;
  const HarmonicsConstants<T>& table = constants<T>();
  const V x = hn::LoadU(d, work.unit[0] + edge), y = hn::LoadU(d, work.unit[1] + edge),
          z = hn::LoadU(d, work.unit[2] + edge);
  const V inverse = hn::Div(hn::Set(d, T(1)), hn::LoadU(d, work.r + edge));
  const V px = hn::Mul(x, inverse), py = hn::Mul(y, inverse), pz = hn::Mul(z, inverse);
  V cosine = hn::Set(d, T(1)), sine = hn::Zero(d), cosine_before = hn::Zero(d), sine_before = hn::Zero(d);
  V q[harmonics_l_limit + 2], q_next[harmonics_l_limit + 2];
  T first = 1;  // Q_m^m = (2m - 1)!!
  const auto column = [&](int m, V* out) HWY_ATTR {
    if (m <= l_max) out[m] = hn::Set(d, first);
    if (m < l_max) out[m + 1] = hn::Mul(hn::Set(d, static_cast<T>(2 * m + 1) * first), z);
    for (int l = m + 2; l <= l_max; ++l) {
      const T scale = table.reciprocal[static_cast<std::size_t>(l - m)];
      const V step = hn::Mul(hn::Mul(hn::Set(d, static_cast<T>(2 * l - 1) * scale), z), out[l - 1]);
      out[l] = hn::NegMulAdd(hn::Set(d, static_cast<T>(l + m - 1) * scale), out[l - 2], step);
    }
  };
  const auto store = [&](int lm, V value, V gx, V gy, V gz) HWY_ATTR {
    const std::size_t at = static_cast<std::size_t>(lm) * work.capacity + edge;
    hn::StoreU(value, d, work.value + at);
    if (!with_gradient) return;
    const V along = hn::MulAdd(x, gx, hn::MulAdd(y, gy, hn::Mul(z, gz)));
    hn::StoreU(hn::NegMulAdd(px, along, hn::Mul(gx, inverse)), d, work.gradient[0] + at);
    hn::StoreU(hn::NegMulAdd(py, along, hn::Mul(gy, inverse)), d, work.gradient[1] + at);
    hn::StoreU(hn::NegMulAdd(pz, along, hn::Mul(gz, inverse)), d, work.gradient[2] + at);
  };
  column(0, q);
  for (int m = 0; m <= l_max; ++m) {
    first *= static_cast<T>(2 * m + 1);
    if (with_gradient) {
      q_next[m] = hn::Zero(d);
      column(m + 1, q_next);
    }
    for (int l = m; l <= l_max; ++l) {
      const V norm = hn::Set(d, table.norm[static_cast<std::size_t>(harmonics_index(l, m))]);
      const V radial = hn::Mul(norm, q[l]);
      const V slope = hn::Mul(radial, hn::Set(d, static_cast<T>(m)));
      const V rise = with_gradient ? hn::Mul(norm, q_next[l]) : hn::Zero(d);
      store(harmonics_index(l, m), hn::Mul(radial, cosine), hn::Mul(slope, cosine_before),
            hn::Neg(hn::Mul(slope, sine_before)), hn::Mul(rise, cosine));
      if (m > 0)
        store(harmonics_index(l, -m), hn::Mul(radial, sine), hn::Mul(slope, sine_before), hn::Mul(slope, cosine_before),
              hn::Mul(rise, sine));
    }
    cosine_before = cosine;
    sine_before = sine;
    cosine = hn::NegMulAdd(y, sine_before, hn::Mul(x, cosine_before));
    sine = hn::MulAdd(x, sine_before, hn::Mul(y, cosine_before));
    if (with_gradient)
      for (int l = m + 1; l <= l_max; ++l) q[l] = q_next[l];
    else
      column(m + 1, q);
  }
}

/// phi_p(r) and phi'_p(r) of all functions of a table.
template <class T>
HWY_ATTR inline void evaluate_radial(const RadialTable<T>& table, T r, T* HWY_RESTRICT phi, T* HWY_RESTRICT slope) {
  if (table.mode() == RadialMode::exact) return table.evaluate_exact(r, phi, slope);
  const hn::ScalableTag<T> d;
  const auto segment = table.segment(r);
  const auto t = hn::Set(d, segment.t), scale = hn::Set(d, segment.inverse_step);
  const std::size_t stride = table.stride(), functions = table.functions();
  for (std::size_t k = 0; k < functions; k += hn::Lanes(d)) {
    const T* c = segment.c + k;
    auto value = hn::LoadU(d, c + 5 * stride), rise = value;  // Horner's rule for the polynomial and its derivative
    value = hn::MulAdd(value, t, hn::LoadU(d, c + 4 * stride));
    for (std::size_t n = 4; n > 0; --n) {
      rise = hn::MulAdd(rise, t, value);
      value = hn::MulAdd(value, t, hn::LoadU(d, c + (n - 1) * stride));
    }
    hn::StoreU(value, d, phi + k);
    hn::StoreU(hn::Mul(rise, scale), d, slope + k);
  }
}

/// Distances, harmonics and radial functions of a centre's neighbours.
template <bool with_gradient, class T>
HWY_ATTR void describe_neighbours(const EdgeProgram<T>& program, const Column<T>& column, CentreWork<T>& work) {
  const hn::ScalableTag<T> d;
  const std::size_t groups = program.layout.groups.size();
  const std::int32_t* offsets = column.edges->offsets.data() + static_cast<std::size_t>(column.atom) * groups;
  const auto begin = static_cast<std::size_t>(offsets[0]);
  work.n = static_cast<std::size_t>(offsets[groups]) - begin;
  std::copy_n(column.edges->x.data() + begin, work.n, work.x);
  std::copy_n(column.edges->y.data() + begin, work.n, work.y);
  std::copy_n(column.edges->z.data() + begin, work.n, work.z);
  const std::size_t lanes = hn::Lanes(d), whole = (work.n + lanes - 1) / lanes * lanes;
  for (std::size_t e = work.n; e < whole; ++e) {  // unused lanes: any direction will do
    work.x[e] = 1;
    work.y[e] = work.z[e] = 0;
  }
  for (std::size_t e = 0; e < whole; e += lanes) {
    const auto x = hn::LoadU(d, work.x + e), y = hn::LoadU(d, work.y + e), z = hn::LoadU(d, work.z + e);
    const auto r = hn::Sqrt(hn::MulAdd(x, x, hn::MulAdd(y, y, hn::Mul(z, z))));
    hn::StoreU(r, d, work.r + e);
    hn::StoreU(hn::Div(x, r), d, work.unit[0] + e);
    hn::StoreU(hn::Div(y, r), d, work.unit[1] + e);
    hn::StoreU(hn::Div(z, r), d, work.unit[2] + e);
    harmonics<with_gradient>(work, program.layout.l_max, e);
  }
  for (std::size_t b = 0; b < groups; ++b)
    for (auto e = static_cast<std::size_t>(offsets[b]) - begin; e < static_cast<std::size_t>(offsets[b + 1]) - begin;
         ++e)
      evaluate_radial(program.radial[b], work.r[e], work.phi + e * work.stride, work.slope + e * work.stride);
}

}  // namespace haven::training::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
