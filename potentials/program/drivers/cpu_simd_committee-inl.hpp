// Committees that share a descriptor: every network after one pass over the neighbours, one adjoint for the mean, and
// one more per member where the deviations are wanted. Included once per instruction set.
#if defined(HAVEN_CPU_SIMD_COMMITTEE_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef HAVEN_CPU_SIMD_COMMITTEE_INL_HPP
#undef HAVEN_CPU_SIMD_COMMITTEE_INL_HPP
#else
#define HAVEN_CPU_SIMD_COMMITTEE_INL_HPP
#endif

#include <algorithm>
#include <cstddef>
#include <vector>

#include "potentials/program/centre_loop.hpp"
#include "potentials/program/drivers/cpu_simd_moments-inl.hpp"
#include "potentials/program/drivers/cpu_simd_network-inl.hpp"
#include "potentials/program/drivers/cpu_simd_triplets-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace haven::HWY_NAMESPACE {

/// What the members say of one centre; it grows to the largest committee seen and is then reused.
template <class T>
struct MemberResults {
  std::vector<double> energy;              ///< without the reference energy
  std::vector<AlignedArray<T>> gradients;  ///< dE/dterms
  std::vector<T> pair_rows;                ///< the rows of the triplets that an adjoint overwrites

  void reserve(std::size_t members, std::size_t terms) {
    if (energy.size() < members) {
      energy.resize(members);
      gradients.resize(members);
    }
    for (std::size_t m = 0; m < members; ++m) gradients[m].reserve(terms);
  }
};

/// Cosine, square and window, which come first in every chunk.
inline constexpr Index overwritten_rows = 3 * chunk_stride;

/// Calls work(row, rows of the chunk) for the chunks of all groups, the rows lying side by side in `rows`.
template <class T, class Work>
void for_each_chunk(const PackedCentre<T>& centre, Workspace<T>& w, const Work& work) {
  std::ptrdiff_t at = 0;
  for (std::size_t g = 0; g < centre.triplets.size(); ++g)
    for (std::size_t c = 0; c < w.pairs[g].chunks.size(); ++c, at += overwritten_rows)
      work(at, w.pairs[g].numbers.data() + static_cast<Index>(c) * chunk_size(centre.triplets[g].shapes.size()));
}

template <class T>
void save_pair_rows(const PackedCentre<T>& centre, Workspace<T>& w, std::vector<T>& rows) {
  std::size_t chunks = 0;
  for (std::size_t g = 0; g < centre.triplets.size(); ++g) chunks += w.pairs[g].chunks.size();
  rows.resize(std::max(rows.size(), chunks * static_cast<std::size_t>(overwritten_rows)));
  for_each_chunk(centre, w,
                 [&](std::ptrdiff_t at, const T* chunk) { std::copy_n(chunk, overwritten_rows, rows.begin() + at); });
}

template <class T>
void restore_pair_rows(const PackedCentre<T>& centre, const std::vector<T>& rows, Workspace<T>& w) {
  for_each_chunk(centre, w,
                 [&](std::ptrdiff_t at, T* chunk) { std::copy_n(rows.begin() + at, overwritten_rows, chunk); });
}

/// The deviations of all members but the last from the mean, whose gradients are in w.term_gradients.
template <class T>
void add_deviations(const PackedCentre<T>& centre, const LocalAtoms& atoms, Index i, double mean_energy,
                    MemberResults<T>& members, Workspace<T>& w, CentreSink& sink) {
  const auto terms = static_cast<std::size_t>(centre.terms);
  AlignedArray<T>& mean = members.gradients[centre.committee.size()];  // the last member's are needed no more
  std::copy_n(w.term_gradients.data(), terms, mean.data());
  save_pair_rows(centre, w, members.pair_rows);
  for (std::size_t m = 0; m < centre.committee.size(); ++m) {
    for (std::size_t t = 0; t < terms; ++t) w.term_gradients[t] = members.gradients[m][t] - mean[t];
    form_moment_gradients(centre, w);
    form_pair_forces(centre, w);
    add_triplet_forces(centre, w);
    restore_pair_rows(centre, members.pair_rows, w);
    const auto member = static_cast<Index>(m);
    sink.add_energy_deviation(atoms, i, member, members.energy[m] - mean_energy);
    for (std::size_t b = 0; b < centre.blocks.size(); ++b)
      sink.add_force_deviations(atoms, i, member, pairs_of_block(w, b));
  }
  std::copy_n(mean.data(), terms, w.term_gradients.data());
}

/// The networks of n <= Atoms centres of one element whose terms are formed: as evaluate_networks, for the mean of the
/// committee, and the deviations to the sink when they are wanted.
template <int Atoms, class T>
void evaluate_committee(const PackedCentre<T>& centre, const LocalAtoms& atoms, std::span<const std::int32_t> centres,
                        Workspace<T>* w, CentreSink& sink) {
  thread_local std::array<MemberResults<T>, Atoms> results;
  const std::size_t members = 1 + centre.committee.size(), n = centres.size();
  const auto terms = static_cast<std::size_t>(centre.terms);
  const std::size_t last = centre.layers.size() - 1;
  for (std::size_t a = 0; a < n; ++a) results[a].reserve(members, terms);
  for (std::size_t m = 0; m < members; ++m) {
    const std::vector<PackedLayer<T>>& layers = m == 0 ? centre.layers : centre.committee[m - 1];
    if (n == Atoms) {
      evaluate_networks<Atoms>(layers, w);
    } else {
      for (std::size_t a = 0; a < n; ++a) evaluate_networks<1>(layers, w + a);
    }
    for (std::size_t a = 0; a < n; ++a) {
      results[a].energy[m] = static_cast<double>(w[a].outputs[last][0]);
      std::copy_n(w[a].term_gradients.data(), terms, results[a].gradients[m].data());
    }
  }
  const T share = T(1) / static_cast<T>(members);
  for (std::size_t a = 0; a < n; ++a) {
    double energy = 0;
    for (std::size_t m = 0; m < members; ++m) energy += results[a].energy[m];
    energy /= static_cast<double>(members);
    for (std::size_t t = 0; t < terms; ++t) {
      T sum = 0;
      for (std::size_t m = 0; m < members; ++m) sum += results[a].gradients[m][t];
      w[a].term_gradients[t] = share * sum;
    }
    w[a].outputs[last][0] = static_cast<T>(energy);
    if (wants(sink.wanted(), Wanted::deviation))
      add_deviations(centre, atoms, centres[a], energy, results[a], w[a], sink);
  }
}

}  // namespace haven::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif  // HAVEN_CPU_SIMD_COMMITTEE_INL_HPP
