#pragma once
#include <omp.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include <algorithm>
#include <limits>
#include <vector>

#include "core/error.hpp"
#include "potentials/potential.hpp"

namespace haven {

/// to_fixed for |value| <= fixed_force_limit: llrint as one instruction instead of a library call, to the same integer.
inline std::int64_t round_to_fixed(double value) {
#ifdef __SSE2__
  return _mm_cvtsd_si64(_mm_set_sd(value * fixed_scale));
#else
  return to_fixed(value);
#endif
}

/// Where one thread puts the results of its centres. Everything that crosses atoms is rounded once and summed as
/// integers, so neither the number of threads nor their schedule can change a bit.
class CentreSink {
 public:
  CentreSink(Wanted wanted, std::span<FixedVec3> forces, std::span<FixedMat3> atom_virials,
             std::span<double> atom_energies, std::span<unsigned char> extrapolates)
      : wanted_(wanted),
        forces_(forces),
        atom_virials_(atom_virials),
        atom_energies_(atom_energies),
        extrapolates_(extrapolates) {}

  [[nodiscard]] Wanted wanted() const { return wanted_; }
  /// Where the deviations of a committee go: [members - 1] and [members - 1][local atoms].
  void set_deviations(std::span<FixedSum> energies, std::span<FixedVec3> forces) {
    energy_deviations_ = energies;
    force_deviations_ = forces;
  }

  /// Energy of centre i, eV.
  void add_energy(const LocalAtoms& atoms, Index i, double energy) {
    if (!std::isfinite(energy)) return report(EvaluationFault::not_finite, atoms.ids[static_cast<std::size_t>(i)]);
    energy_.add(energy);
    if (wants(wanted_, Wanted::atom_energies)) atom_energies_[static_cast<std::size_t>(i)] = energy;
  }

  /// f = dE_i/dr_ij for neighbour j at displacement d: F_i += f, F_j -= f. Call end_centre after the last neighbour.
  void add_pair(const LocalAtoms& atoms, Index i, Index j, const Vec3& d, const Vec3& f) {
    if (!fits_fixed(f)) [[unlikely]] {
      return report(is_finite(f) ? EvaluationFault::force_out_of_range : EvaluationFault::not_finite,
                    atoms.ids[static_cast<std::size_t>(i)]);
    }
    const FixedVec3 fixed{round_to_fixed(f.x), round_to_fixed(f.y), round_to_fixed(f.z)};
    on_centre_ += fixed;
    forces_[static_cast<std::size_t>(j)] -= fixed;
    if (wants(wanted_, Wanted::virial)) centre_virial_ += outer(d, f);
    if (wants(wanted_, Wanted::atom_virials)) add_atom_virial(j, d, f);
  }

  /// Neighbours of a centre: their indices, displacements, and dE_i/dr_ij in the arithmetic of the driver.
  template <class T>
  struct Pairs {
    const std::int32_t* atom;
    const double *x, *y, *z;
    const T *force_x, *force_y, *force_z;
    Index count;
  };
  /// add_pair for each of them.
  template <class T>
  void add_pairs(const LocalAtoms& atoms, Index i, const Pairs<T>& pairs) {
    for (Index k = 0; k < pairs.count; ++k)
      add_pair(atoms, i, pairs.atom[k], {pairs.x[k], pairs.y[k], pairs.z[k]},
               {static_cast<double>(pairs.force_x[k]), static_cast<double>(pairs.force_y[k]),
                static_cast<double>(pairs.force_z[k])});
  }

  /// True when nothing but forces is made of pairs: add_fixed may take the place of add_pairs.
  [[nodiscard]] bool forces_only() const { return wanted_ == Wanted::forces || wanted_ == Wanted::atom_energies; }
  /// add_pair for `count` neighbours whose dE_i/dr_ij are multiples of fixed_resolution already.
  void add_fixed(const std::int32_t* atom, const std::int64_t* x, const std::int64_t* y, const std::int64_t* z,
                 Index count) {
    FixedVec3 sum = on_centre_;
    for (Index k = 0; k < count; ++k) {
      const FixedVec3 force{x[k], y[k], z[k]};
      sum += force;
      forces_[static_cast<std::size_t>(atom[k])] -= force;
    }
    on_centre_ = sum;
  }

  /// Energy of centre i by a member of a committee less that by the mean, eV.
  void add_energy_deviation(const LocalAtoms& atoms, Index i, Index member, double energy) {
    if (!std::isfinite(energy)) return report(EvaluationFault::not_finite, atoms.ids[static_cast<std::size_t>(i)]);
    energy_deviations_[static_cast<std::size_t>(member)].add(energy);
  }
  /// dE_i/dr_ij of those deviations on neighbours of centre i; complete at once, without end_centre.
  template <class T>
  void add_force_deviations(const LocalAtoms& atoms, Index i, Index member, const Pairs<T>& pairs) {
    const std::size_t n = forces_.size();
    const std::span<FixedVec3> forces = force_deviations_.subspan(static_cast<std::size_t>(member) * n, n);
    FixedVec3 sum{};
    for (Index k = 0; k < pairs.count; ++k) {
      const Vec3 f{static_cast<double>(pairs.force_x[k]), static_cast<double>(pairs.force_y[k]),
                   static_cast<double>(pairs.force_z[k])};
      if (!fits_fixed(f)) [[unlikely]] {
        report(is_finite(f) ? EvaluationFault::force_out_of_range : EvaluationFault::not_finite,
               atoms.ids[static_cast<std::size_t>(i)]);
        continue;
      }
      const FixedVec3 fixed{round_to_fixed(f.x), round_to_fixed(f.y), round_to_fixed(f.z)};
      sum += fixed;
      forces[static_cast<std::size_t>(pairs.atom[k])] -= fixed;
    }
    forces[static_cast<std::size_t>(i)] += sum;
  }

  /// Flushes the sums of centre i.
  void end_centre(Index i) {
    forces_[static_cast<std::size_t>(i)] += on_centre_;
    on_centre_ = {};
    if (!wants(wanted_, Wanted::virial)) return;
    virial_.add(-1.0 * centre_virial_);
    centre_virial_ = {};
  }

  void report(EvaluationFault fault, AtomId id) {
    fault_ = std::max(fault_, fault);
    fault_atom_ = std::min(fault_atom_, id);
  }
  /// Centre i has a feature outside the training range.
  void count_extrapolation(Index i) {
    ++extrapolating_;
    if (!extrapolates_.empty()) extrapolates_[static_cast<std::size_t>(i)] = 1;
  }

  /// Adds this thread's sums to the evaluation (not the arrays).
  void merge_into(Evaluation& out) const {
    out.energy += energy_;
    if (wants(wanted_, Wanted::virial)) out.virial += virial_;
    out.extrapolating += extrapolating_;
    if (fault_ == EvaluationFault::none) return;
    out.fault_atom = out.fault == EvaluationFault::none ? fault_atom_ : std::min(out.fault_atom, fault_atom_);
    out.fault = std::max(out.fault, fault_);
  }

 private:
  void add_atom_virial(Index j, const Vec3& d, const Vec3& f) {
    FixedMat3& sum = atom_virials_[static_cast<std::size_t>(j)];
    for (int a = 0; a < 3; ++a)
      for (int b = 0; b < 3; ++b) sum.element[3 * a + b] -= to_fixed(d[a] * f[b]);
  }

  Wanted wanted_;
  std::span<FixedVec3> forces_;
  std::span<FixedMat3> atom_virials_;
  std::span<double> atom_energies_;
  std::span<unsigned char> extrapolates_;
  std::span<FixedSum> energy_deviations_;
  std::span<FixedVec3> force_deviations_;
  FixedVec3 on_centre_{};
  Mat3 centre_virial_{};
  FixedSum energy_{};
  FixedTensor virial_{};
  Index extrapolating_ = 0;
  EvaluationFault fault_ = EvaluationFault::none;
  AtomId fault_atom_ = std::numeric_limits<AtomId>::max();
};

/// Buffers of one calling thread, kept between calls so that a step allocates nothing.
struct CentreLoopBuffers {
  std::vector<std::int32_t> order;  // centres grouped by element: tables and weights stay in cache
  std::vector<std::vector<FixedVec3>> forces;
  std::vector<std::vector<FixedMat3>> virials;
  std::vector<std::vector<FixedSum>> energy_deviations;
  std::vector<std::vector<FixedVec3>> force_deviations;
};

inline void order_by_element(const LocalAtoms& atoms, int n_elements, std::vector<std::int32_t>& order) {
  order.resize(static_cast<std::size_t>(atoms.n_centres - atoms.first_centre));
  std::size_t next = 0;
  for (int element = 0; element < n_elements; ++element)
    for (Index i = atoms.first_centre; i < atoms.n_centres; ++i)
      if (atoms.species[static_cast<std::size_t>(i)] == element) order[next++] = static_cast<std::int32_t>(i);
  HAVEN_ASSERT(next == order.size());  // a species outside the model is a bug of the caller
}

/// Centres that are handed out together.
inline constexpr std::int64_t centres_in_group = 16;

/// Calls body(centres, sink) for groups of centres, elements in order, on all OpenMP threads (or on the calling one
/// inside a parallel region). For each centre i the body adds its pairs, then its energy, then calls
/// sink.end_centre(i).
template <class Body>
void for_each_group(const LocalAtoms& atoms, int n_elements, Wanted wanted, Evaluation& out, const Body& body) {
  thread_local CentreLoopBuffers buffers;
  CentreLoopBuffers& shared = buffers;  // a thread_local name inside the region would mean another object per thread
  order_by_element(atoms, n_elements, shared.order);
  const auto n = static_cast<std::int64_t>(shared.order.size());
  const auto group = [&](std::int64_t first) {
    return std::span<const std::int32_t>(shared.order)
        .subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(std::min(centres_in_group, n - first)));
  };
  const int threads = omp_in_parallel() != 0 ? 1 : std::max(1, omp_get_max_threads());
  if (threads == 1) {
    CentreSink sink(wanted, out.forces, out.atom_virials, out.atom_energies, out.extrapolates);
    sink.set_deviations(out.energy_deviations, out.force_deviations);
    for (std::int64_t k = 0; k < n; k += centres_in_group) body(group(k), sink);
    return sink.merge_into(out);
  }
  shared.forces.resize(static_cast<std::size_t>(threads));
  shared.virials.resize(static_cast<std::size_t>(threads));
  shared.energy_deviations.resize(static_cast<std::size_t>(threads));
  shared.force_deviations.resize(static_cast<std::size_t>(threads));
  const auto n_forces = static_cast<std::int64_t>(out.forces.size());
  const bool deviates = wants(wanted, Wanted::deviation);
  const auto n_deviations = deviates ? static_cast<std::int64_t>(out.force_deviations.size()) : 0;
  const auto n_virials = wants(wanted, Wanted::atom_virials) ? static_cast<std::int64_t>(out.atom_virials.size()) : 0;
#pragma omp parallel num_threads(threads)
  {
    const auto self = static_cast<std::size_t>(omp_get_thread_num());
    const auto team = static_cast<std::size_t>(omp_get_num_threads());
    shared.forces[self].assign(static_cast<std::size_t>(n_forces), FixedVec3{});
    shared.virials[self].assign(static_cast<std::size_t>(n_virials), FixedMat3{});
    shared.energy_deviations[self].assign(deviates ? out.energy_deviations.size() : 0, FixedSum{});
    shared.force_deviations[self].assign(static_cast<std::size_t>(n_deviations), FixedVec3{});
    CentreSink sink(wanted, shared.forces[self], shared.virials[self], out.atom_energies, out.extrapolates);
    sink.set_deviations(shared.energy_deviations[self], shared.force_deviations[self]);
#pragma omp for schedule(dynamic, 1)
    for (std::int64_t k = 0; k < n; k += centres_in_group) body(group(k), sink);
#pragma omp for schedule(static) nowait
    for (std::int64_t j = 0; j < n_forces; ++j)
      for (std::size_t t = 0; t < team; ++t)
        out.forces[static_cast<std::size_t>(j)] += shared.forces[t][static_cast<std::size_t>(j)];
#pragma omp for schedule(static)
    for (std::int64_t j = 0; j < n_virials; ++j)
      for (std::size_t t = 0; t < team; ++t)
        out.atom_virials[static_cast<std::size_t>(j)] += shared.virials[t][static_cast<std::size_t>(j)];
#pragma omp for schedule(static)
    for (std::int64_t j = 0; j < n_deviations; ++j)
      for (std::size_t t = 0; t < team; ++t)
        out.force_deviations[static_cast<std::size_t>(j)] += shared.force_deviations[t][static_cast<std::size_t>(j)];
#pragma omp critical(haven_merge_centres)
    {
      sink.merge_into(out);
      for (std::size_t m = 0; m < shared.energy_deviations[self].size(); ++m)
        out.energy_deviations[m] += shared.energy_deviations[self][m];
    }
  }
}

/// Calls body(i, sink) for every centre; otherwise as for_each_group.
template <class Body>
void for_each_centre(const LocalAtoms& atoms, int n_elements, Wanted wanted, Evaluation& out, const Body& body) {
  for_each_group(atoms, n_elements, wanted, out, [&](std::span<const std::int32_t> centres, CentreSink& sink) {
    for (const std::int32_t i : centres) body(static_cast<Index>(i), sink);
  });
}

}  // namespace haven
