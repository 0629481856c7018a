#include "potentials/program/drivers/cpu_simd.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "core/error.hpp"
#include "potentials/descriptor.hpp"
#include "potentials/program/centre_loop.hpp"
#include "potentials/program/compile.hpp"
#include "potentials/program/drivers/cpu_simd_workspace.hpp"
#include "potentials/program/drivers/packed_program.hpp"

// SSSE3 machines without SSE4 have not been made since 2008; fewer targets compile faster.
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3_DL)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "potentials/program/drivers/cpu_simd.cpp"
#include <hwy/foreach_target.h>
// Everything below is compiled once per instruction set.
#include "potentials/program/drivers/cpu_simd_committee-inl.hpp"
#include "potentials/program/drivers/cpu_simd_moments-inl.hpp"
#include "potentials/program/drivers/cpu_simd_network-inl.hpp"
#include "potentials/program/drivers/cpu_simd_triplets-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace haven::HWY_NAMESPACE {

/// Pairs below the wall's range, half of each pair's energy for this centre. Returns that energy.
template <class T>
double add_wall(const RepulsiveWall& wall, const PackedCentre<T>& centre, const LocalAtoms& atoms, Index i,
                const Workspace<T>& w, CentreSink& sink) {
  // All that were found, also those without a block; take_as_found() has moved them.
  const auto &x = centre.one_block ? w.x : w.found_x, &y = centre.one_block ? w.y : w.found_y,
             &z = centre.one_block ? w.z : w.found_z, &square = centre.one_block ? w.square : w.found_square;
  double energy = 0;
  for (std::size_t k = 0; k < static_cast<std::size_t>(w.found); ++k) {
    if (square[k] >= wall.range() * wall.range()) continue;
    const double r = std::sqrt(square[k]);
    const AtomTag other = decoded(w.found_tag[k]);
    const PairValue pair = wall(atoms.species[static_cast<std::size_t>(i)], other.species, r);
    const Vec3 d{x[k], y[k], z[k]};
    energy += 0.5 * pair.energy;
    sink.add_pair(atoms, i, other.atom, d, (0.5 * pair.slope / r) * d);
  }
  return energy;
}

/// Forces as multiples of fixed_resolution, rounded to the nearest as by to_fixed(): a number below 2^51 appears in the
/// last bits of its sum with 1.5 2^52. False when one is too large for that, or not a number.
template <class T>
bool form_fixed_forces(Workspace<T>& w) {
  const hn::ScalableTag<double> d;
  const hn::RebindToSigned<decltype(d)> integers;
  constexpr double limit = 64, magic = 6755399441055744.0;
  static_assert(limit * fixed_scale <= magic / 6);
  const auto one = hn::Set(d, magic);
  auto fits = hn::Eq(one, one);
  const auto fix = [&](const AlignedArray<T>& from, AlignedArray<std::int64_t>& to) HWY_ATTR {
    for (std::size_t k = 0; k < static_cast<std::size_t>(w.packed); k += hn::Lanes(d)) {
      const auto force = load_double(from.data() + k);
      fits = hn::And(fits, hn::Le(hn::Abs(force), hn::Set(d, limit)));
      const auto shifted = hn::Add(hn::Mul(force, hn::Set(d, fixed_scale)), one);
      hn::StoreU(hn::Sub(hn::BitCast(integers, shifted), hn::BitCast(integers, one)), integers, to.data() + k);
    }
  };
  fix(w.force_x, w.fixed_x);
  fix(w.force_y, w.fixed_y);
  fix(w.force_z, w.fixed_z);
  return hn::AllTrue(d, fits);
}

/// True when a feature lies outside the training range.
template <class T>
bool extrapolates(const PackedCentre<T>& centre, const Workspace<T>& w) {
  if (centre.term_min.size() > 0) {
    const typename Lane<T>::Tag d;
    for (std::size_t t = 0; t < static_cast<std::size_t>(centre.terms); t += static_cast<std::size_t>(Lane<T>::width)) {
      const auto x = hn::LoadU(d, &w.terms[t]);
      const auto outside =
          hn::Or(hn::Lt(x, hn::LoadU(d, &centre.term_min[t])), hn::Gt(x, hn::LoadU(d, &centre.term_max[t])));
      if (!hn::AllFalse(d, outside)) return true;
    }
    return false;
  }
  for (std::size_t f = 0; f < centre.feature_min.size(); ++f) {
    double feature = 0;
    for (auto k = static_cast<std::size_t>(centre.feature_map.offsets[f]);
         k < static_cast<std::size_t>(centre.feature_map.offsets[f + 1]); ++k)
      feature += centre.feature_map.values[k] *
                 static_cast<double>(w.terms[static_cast<std::size_t>(centre.feature_map.columns[k])]);
    if (feature < centre.feature_min[f] || feature > centre.feature_max[f]) return true;
  }
  return false;
}

/// From the list entries of a centre to the inputs of its network: the terms less their origin.
template <class T>
void describe_centre(const PackedProgram<T>& program, const PackedCentre<T>& centre, const LocalAtoms& atoms,
                     const QuadAtoms& quads, const NeighbourView& list, Index i, Workspace<T>& w, CentreSink& sink) {
  if (!find_neighbours(quads, list, i, program.cutoff, w))
    sink.report(EvaluationFault::not_finite, atoms.ids[static_cast<std::size_t>(i)]);
  group_neighbours(centre, program.cutoff, w);
  form_directions(w);
  form_radial(centre, w);
  form_harmonics(centre, w);
  form_moments(centre, w);
  form_terms(centre, w);
  form_triplets(centre, w);
  for (Index t = 0; t < centre.terms; t += Lane<T>::width)
    (Lane<T>::load(w.terms.data() + t) - Lane<T>::load(centre.term_origin.data() + t)).store(w.terms.data() + t);
}

/// From the gradients with respect to the terms to forces.
template <class T>
void add_forces_of_centre(const PackedProgram<T>& program, const PackedCentre<T>& centre, const LocalAtoms& atoms,
                          Index i, Workspace<T>& w, CentreSink& sink) {
  form_moment_gradients(centre, w);
  form_pair_forces(centre, w);
  add_triplet_forces(centre, w);
  const bool fixed = sink.forces_only() && form_fixed_forces(w);
  for (std::size_t b = 0; b < centre.blocks.size(); ++b) {
    const auto k = static_cast<std::size_t>(w.block_begin[b]);
    if (fixed) {
      sink.add_fixed(w.atom.data() + k, w.fixed_x.data() + k, w.fixed_y.data() + k, w.fixed_z.data() + k,
                     w.block_count[b]);
      continue;
    }
    sink.add_pairs(atoms, i, pairs_of_block(w, b));
  }
  double energy = static_cast<double>(w.outputs[centre.layers.size() - 1][0]) + centre.reference_energy;
  if (program.wall.active()) energy += add_wall(program.wall, centre, atoms, i, w, sink);
  if (extrapolates(centre, w)) sink.count_extrapolation(i);
  sink.add_energy(atoms, i, energy);
  sink.end_centre(i);
}

/// Centres whose networks are evaluated together.
inline constexpr std::size_t batch_size = 4;

/// Centres of any elements, those of one element side by side.
template <class T>
void evaluate_group(const PackedProgram<T>& program, const LocalAtoms& atoms, const QuadAtoms& quads,
                    const NeighbourView& list, std::span<const std::int32_t> centres, CentreSink& sink) {
  thread_local std::array<Workspace<T>, batch_size> w;
  const auto element = [&](std::size_t k) {
    return static_cast<std::size_t>(atoms.species[static_cast<std::size_t>(centres[k])]);
  };
  for (std::size_t first = 0, n = 0; first < centres.size(); first += n) {
    const PackedCentre<T>& centre = program.centres[element(first)];
    // Triplets fill the cache: one at a time there.
    const std::size_t most = centre.triplets.empty() ? std::min(batch_size, centres.size() - first) : 1;
    for (n = 1; n < most && element(first + n) == element(first);) ++n;
    for (std::size_t k = 0; k < n; ++k)
      describe_centre(program, centre, atoms, quads, list, centres[first + k], w[k], sink);
    if (!centre.committee.empty()) {
      evaluate_committee<batch_size>(centre, atoms, centres.subspan(first, n), w.data(), sink);
    } else if (n == batch_size) {
      evaluate_networks<batch_size>(centre.layers, w.data());
    } else {
      for (std::size_t k = 0; k < n; ++k) evaluate_networks<1>(centre.layers, &w[k]);
    }
    for (std::size_t k = 0; k < n; ++k) add_forces_of_centre(program, centre, atoms, centres[first + k], w[k], sink);
  }
}

template <class T>
class VectorisedPotential final : public Potential {
 public:
  VectorisedPotential(const Program& program, Requirements requirements, std::string description)
      : program_(pack<T>(program, Lane<T>::width)),
        requirements_(std::move(requirements)),
        description_(std::move(description)) {}

  [[nodiscard]] const Requirements& requirements() const override { return requirements_; }
  [[nodiscard]] std::string description() const override { return description_; }
  void evaluate(const LocalAtoms& atoms, const NeighbourView& list, Wanted wanted, Evaluation& out) const override {
    thread_local QuadAtoms buffer;
    const QuadAtoms& quads = buffer;  // a thread_local name inside the loop would mean another object per thread
    buffer.set(atoms, list);
    for_each_group(atoms, static_cast<int>(program_.centres.size()), wanted, out,
                   [&](std::span<const std::int32_t> centres, CentreSink& sink) {
                     evaluate_group(program_, atoms, quads, list, centres, sink);
                   });
  }

 private:
  PackedProgram<T> program_;
  Requirements requirements_;
  std::string description_;
};

std::unique_ptr<Potential> make_for_target(const Program& program, Precision precision,
                                           const Requirements& requirements, const std::string& description) {
  if (precision == Precision::float64)
    return std::make_unique<VectorisedPotential<double>>(program, requirements, description);
  return std::make_unique<VectorisedPotential<float>>(program, requirements, description);
}

}  // namespace haven::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace haven {
namespace {

using Factory = std::unique_ptr<Potential> (*)(const Program&, Precision, const Requirements&, const std::string&);

struct Target {
  Isa isa;
  std::int64_t bit;
  Factory make;
};

/// The compiled targets, the best first.
constexpr Target targets[] = {
#if HWY_TARGETS & HWY_AVX3
    {Isa::avx512, HWY_AVX3, N_AVX3::make_for_target},
#endif
#if HWY_TARGETS & HWY_AVX2
    {Isa::avx2, HWY_AVX2, N_AVX2::make_for_target},
#endif
#if HWY_TARGETS & HWY_SSE4
    {Isa::sse4, HWY_SSE4, N_SSE4::make_for_target},
#endif
#if HWY_TARGETS & HWY_EMU128
    {Isa::baseline, HWY_EMU128, N_EMU128::make_for_target},
#elif HWY_TARGETS & HWY_SCALAR
    {Isa::baseline, HWY_SCALAR, N_SCALAR::make_for_target},
#endif
};

bool runs_here(const Target& target) {
  return target.isa == Isa::baseline || (hwy::SupportedTargets() & target.bit) != 0;
}

/// Tables for float need not be better than float.
double table_tolerance(Precision precision) { return precision == Precision::float64 ? 1e-10 : 1e-7; }

}  // namespace

std::vector<Isa> available_isas() {
  std::vector<Isa> isas;
  for (const Target& target : targets)
    if (runs_here(target)) isas.push_back(target.isa);
  return isas;
}

std::string isa_name(Isa isa) {
  switch (isa) {
    case Isa::baseline:
      return "baseline";
    case Isa::sse4:
      return "SSE4";
    case Isa::avx2:
      return "AVX2";
    case Isa::avx512:
      return "AVX-512";
    case Isa::automatic:
      break;
  }
  return "automatic";
}

std::unique_ptr<Potential> make_vectorised_potential(const Model& model, Precision precision, Isa isa) {
  return make_vectorised_potential(describe(model), model, precision, isa);
}

std::unique_ptr<Potential> make_vectorised_potential(const Descriptor& descriptor, const Model& model,
                                                     Precision precision, Isa isa) {
  Program program = compile(descriptor, model, table_tolerance(precision));
  const bool beyond_float = precision == Precision::mixed && !fits_float(program);
  if (beyond_float) {
    precision = Precision::float64;
    program = compile(descriptor, model, table_tolerance(precision));
  }
  Requirements requirements{
      .cutoff = model.cutoff, .elements = {}, .minimum_distance = model.minimum_distance, .members = model.members()};
  for (const ModelElement& element : model.elements) requirements.elements.push_back(element.number);
  for (const Target& target : targets) {
    if ((isa != Isa::automatic && isa != target.isa) || !runs_here(target)) continue;
    Index channels = 0, features = 0;
    for (const CentreDescriptor& centre : descriptor.centres) {
      channels = std::max(channels, centre.channels());
      features = std::max(features, centre.features());
    }
    return target.make(program, precision, requirements,
                       fmt::format("{} ({} channels, {} features), {} precision, {}", model.kind, channels, features,
                                   precision == Precision::mixed ? "mixed"
                                   : beyond_float                ? "double (its features are beyond float)"
                                                                 : "double",
                                   isa_name(target.isa)));
  }
  throw ResourceError(fmt::format("this machine cannot run {}", isa_name(isa)), "instruction set",
                      "Choose another one, or automatic.");
}

}  // namespace haven
#endif  // HWY_ONCE
