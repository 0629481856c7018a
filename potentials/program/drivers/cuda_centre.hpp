#pragma once
#include <cmath>

#include "potentials/program/drivers/cuda_moments.hpp"
#include "potentials/program/drivers/cuda_network.hpp"

/// One centre from its list entries to forces, by one warp.
///
/// Why a warp per centre: 500 atoms already give every scheduler of a large GPU work, no barrier is wider than a warp,
/// and with about ten kilobytes of scratch and a hundred registers sixteen to twenty warps share a multiprocessor, each
/// at another place of the program. Positions, distances and whatever leaves the atom are double or integers; all else
/// is T (float in mixed precision, of which these GPUs do twice as many per clock and fit twice as many in a register).
namespace haven::gpu {

/// What a lane has gathered for its centre.
template <class Warp>
struct CentreSums {
  typename Warp::template PerLane<std::int64_t> x{}, y{}, z{};
  typename Warp::template PerLane<double> virial[9]{};
  typename Warp::template PerLane<double> wall_energy{};
};

/// f = dE_i/dr_ij at displacement d: rounded once, subtracted from neighbour j and kept for the centre.
template <class T, class Warp>
HAVEN_HD inline void add_pair(const EvaluationView<T>& e, std::int32_t j, const Vec3& d, const Vec3& f, int lane,
                              CentreSums<Warp>& sums, unsigned& remarks) {
  const auto fits = [](double value) { return std::abs(value) <= fixed_force_limit; };  // false for NaN too
  if (!(fits(f.x) && fits(f.y) && fits(f.z))) {
    const double sum = f.x + f.y + f.z;
    remarks |= sum - sum == 0 ? remark_range : remark_not_finite;
    return;
  }
  const std::int64_t x = nearest_fixed(f.x), y = nearest_fixed(f.y), z = nearest_fixed(f.z);
  sums.x[lane] += x;
  sums.y[lane] += y;
  sums.z[lane] += z;
  add_to(e.forces[j].x, -x);
  add_to(e.forces[j].y, -y);
  add_to(e.forces[j].z, -z);
  if (!wants(e.wanted, Wanted::virial | Wanted::atom_virials)) return;
  repeat<9>([&](int k) {
    const double element = d[k / 3] * f[k % 3];
    if (wants(e.wanted, Wanted::virial)) sums.virial[k][lane] += element;
    if (wants(e.wanted, Wanted::atom_virials)) add_to(e.atom_virials[j].element[k], -nearest_fixed(element));
  });
}

/// The neighbours within the cut-off whose elements belong to block b of the centre.
template <class T>
HAVEN_HD inline Filter block_filter(const ProgramView<T>& program, const CentreImage& centre, std::int32_t b) {
  return {program.cutoff_square, program.integers + centre.block_of_element, b};
}

/// Moments of the centre, block by block.
template <class T, int LMax, class Warp>
HAVEN_HD inline void form_moments(const EvaluationView<T>& e, Warp warp, Index i, const CentreImage& centre,
                                  const Scratch<T>& s, typename Warp::template PerLane<unsigned>& remarks) {
  warp.each([&](int lane) {
    for (int k = lane; k < centre.n_moments; k += warp_size) s.moments()[k] = T(0);
  });
  for (std::int32_t b = 0; b < centre.n_blocks; ++b) {
    const BlockImage block = e.program.blocks[centre.blocks + b];
    for_each_tile(e, warp, i, block_filter(e.program, centre, b), s, remarks, [&](int head, int count) {
      warp.each([&](int lane) {
        if (lane >= count) return;
        const Direction<T> u = place_neighbour(e.program, centre, s, head, lane);
        store_harmonics<T, LMax>(block, u, s, lane);
      });
      warp.each([&](int lane) { look_up(e.program, block, s, count, lane, WithoutSlopes{}); });
      warp.each([&](int lane) { add_moments(e.program, centre, block, s, count, lane); });
    });
  }
}

/// Forces of the descriptor, block by block.
template <class T, int LMax, class Warp>
HAVEN_HD inline void form_forces(const EvaluationView<T>& e, Warp warp, Index i, const CentreImage& centre,
                                 const Scratch<T>& s, CentreSums<Warp>& sums,
                                 typename Warp::template PerLane<unsigned>& remarks) {
  for (std::int32_t b = 0; b < centre.n_blocks; ++b) {
    const BlockImage block = e.program.blocks[centre.blocks + b];
    if (block.all_channels == 0)
      warp.each([&](int lane) { gather_block_gradients(e.program, centre, block, s, lane); });
    for_each_tile(e, warp, i, block_filter(e.program, centre, b), s, remarks, [&](int head, int count) {
      typename Warp::template PerLane<Direction<T>> u{};
      warp.each([&](int lane) {
        if (lane < count) u[lane] = place_neighbour(e.program, centre, s, head, lane);
      });
      warp.each([&](int lane) { look_up(e.program, block, s, count, lane, WithSlopes{}); });
      warp.each([&](int lane) {
        if (lane >= count) return;
        const Vec3 f = pair_force<T, LMax>(e.program, centre, block, u[lane], s, lane);
        const int slot = (head + lane) & (queue_size - 1);
        add_pair(e, s.queue_atom()[slot], {s.queue_x()[slot], s.queue_y()[slot], s.queue_z()[slot]}, f, lane, sums,
                 remarks[lane]);
      });
    });
  }
}

/// Pairs below the wall's range, half of each pair's energy for this centre.
template <class T, class Warp>
HAVEN_HD inline void add_wall(const EvaluationView<T>& e, Warp warp, Index i, const Scratch<T>& s,
                              CentreSums<Warp>& sums, typename Warp::template PerLane<unsigned>& remarks) {
  const PairRepulsion* pairs = e.program.wall + e.atoms[i].species * e.program.elements;
  const Filter filter{e.program.wall_range * e.program.wall_range, nullptr, 0};
  for_each_tile(e, warp, i, filter, s, remarks, [&](int head, int count) {
    warp.each([&](int lane) {
      if (lane >= count) return;
      const int slot = (head + lane) & (queue_size - 1);
      const Vec3 d{s.queue_x()[slot], s.queue_y()[slot], s.queue_z()[slot]};
      const double r = std::sqrt(d.x * d.x + d.y * d.y + d.z * d.z);
      const PairValue pair = repulsion_of(pairs[s.queue_species()[slot]], r);
      sums.wall_energy[lane] += 0.5 * pair.energy;
      add_pair(e, s.queue_atom()[slot], d, (0.5 * pair.slope / r) * d, lane, sums, remarks[lane]);
    });
  });
}

/// True when one of the lane's features lies outside the training range.
template <class T>
HAVEN_HD inline bool extrapolates(const ProgramView<T>& program, const CentreImage& centre, const Scratch<T>& s,
                                  int lane) {
  bool outside = false;
  if (centre.ranges == 1) {
    const T* low = program.numbers + centre.range_first;
    for (int t = lane; t < centre.terms; t += warp_size)
      outside = outside || s.terms()[t] < low[t] || s.terms()[t] > low[centre.terms + t];
  } else if (centre.ranges == 2) {
    const double* low = program.doubles + centre.range_first;
    const std::int32_t* offsets = program.integers + centre.map_offsets;
    for (int f = lane; f < centre.n_features; f += warp_size) {
      double feature = 0;
      for (std::int32_t k = offsets[f]; k < offsets[f + 1]; ++k)
        feature += program.doubles[centre.map_values + k] *
                   static_cast<double>(s.terms()[program.integers[centre.map_columns + k]]);
      outside = outside || feature < low[f] || feature > low[centre.n_features + f];
    }
  }
  return outside;
}

/// Adds the centre's sums to memory: one addition per centre and component, whatever the number of neighbours.
template <class T, class Warp>
HAVEN_HD inline void finish_centre(const EvaluationView<T>& e, Warp warp, Index i, double reference_energy,
                                   CentreSums<Warp>& sums, typename Warp::template PerLane<double>& energy,
                                   typename Warp::template PerLane<unsigned>& remarks) {
  const std::int64_t x = warp.sum(sums.x), y = warp.sum(sums.y), z = warp.sum(sums.z);
  const double wall = e.program.wall_range > 0 ? warp.sum(sums.wall_energy) : 0;
  double virial[9] = {};
  if (wants(e.wanted, Wanted::virial)) repeat<9>([&](int k) { virial[k] = -warp.sum(sums.virial[k]); });
  unsigned all = 0;
  for (unsigned bit = 1; bit <= remark_not_finite; bit *= 2)
    all |= warp.ballot([&](int lane) { return (remarks[lane] & bit) != 0; }) != 0 ? bit : 0U;
  warp.each([&](int lane) {
    if (lane != 0) return;
    add_to(e.forces[i].x, x);
    add_to(e.forces[i].y, y);
    add_to(e.forces[i].z, z);
    const double total = energy[lane] + reference_energy + wall;
    e.energies[i] = total;
    e.remarks[i] = static_cast<unsigned char>(std::abs(total) < largest_energy ? all : all | remark_not_finite);
    if (!wants(e.wanted, Wanted::virial)) return;
    repeat<9>([&](int k) { e.virials[9 * i + k] = virial[k]; });
  });
}

/// Centre i; LMax is at least the program's l_max, or -1 for any.
template <class T, int LMax, class Warp>
HAVEN_HD inline void evaluate_centre(const EvaluationView<T>& e, Warp warp, Index i, const Scratch<T>& s) {
  const CentreImage& centre = e.program.centres[e.atoms[i].species];
  typename Warp::template PerLane<unsigned> remarks{};
  typename Warp::template PerLane<double> energy{};
  CentreSums<Warp> sums;
  form_moments<T, LMax>(e, warp, i, centre, s, remarks);
  warp.each([&](int lane) { form_terms(e.program, centre, s, lane); });
  evaluate_network(e.program, warp, centre, s, energy, [&] {
    warp.each([&](int lane) {
      if (extrapolates(e.program, centre, s, lane)) remarks[lane] |= remark_extrapolates;
    });
  });
  warp.each([&](int lane) { form_moment_gradients(e.program, centre, s, lane); });
  form_forces<T, LMax>(e, warp, i, centre, s, sums, remarks);
  if (e.program.wall_range > 0) add_wall(e, warp, i, s, sums, remarks);
  finish_centre(e, warp, i, centre.reference_energy, sums, energy, remarks);
}

}  // namespace haven::gpu
