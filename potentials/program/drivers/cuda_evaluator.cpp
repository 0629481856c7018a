#include "potentials/program/drivers/cuda_evaluator.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "core/error.hpp"

namespace haven::gpu {
namespace {

__int128 value_of(const WideSum& sum) {
  __int128 value = 0;
  for (int k = 2; k >= 0; --k) value = value * (__int128{1} << 32) + sum.limb[k];
  return value;
}

void order_by_element(const LocalAtoms& atoms, std::size_t n_elements, std::span<std::int32_t> order) {
  std::size_t next = 0;
  for (std::size_t element = 0; element < n_elements; ++element)
    for (std::size_t i = 0; i < order.size(); ++i)
      if (atoms.species[i] == static_cast<int>(element)) order[next++] = static_cast<std::int32_t>(i);
  HAVEN_ASSERT(next == order.size());  // a species outside the model is a bug of the caller
}

void pack_atoms(const LocalAtoms& atoms, std::span<PackedAtom> packed) {
#pragma omp parallel for schedule(static) if (packed.size() > 20000)
  for (std::size_t i = 0; i < packed.size(); ++i) {
    const Vec3& r = atoms.positions[i];
    packed[i] = {.x = r.x, .y = r.y, .z = r.z, .species = atoms.species[i]};
  }
}

void add_arrays(const Staging& staging, Wanted wanted, Evaluation& out) {
  const std::size_t n = staging.forces.size();
#pragma omp parallel for schedule(static) if (n > 20000)
  for (std::size_t i = 0; i < n; ++i) out.forces[i] += staging.forces[i];
  if (wants(wanted, Wanted::atom_virials))
    for (std::size_t i = 0; i < n; ++i) out.atom_virials[i] += staging.atom_virials[i];
  if (wants(wanted, Wanted::atom_energies))
    std::copy(staging.energies.begin(), staging.energies.end(), out.atom_energies.begin());
}

void report_faults(const LocalAtoms& atoms, const Staging& staging, const Totals& totals, Evaluation& out) {
  const EvaluationFault fault = totals.not_finite > 0     ? EvaluationFault::not_finite
                                : totals.out_of_range > 0 ? EvaluationFault::force_out_of_range
                                                          : EvaluationFault::none;
  if (fault == EvaluationFault::none) return;
  AtomId lowest = std::numeric_limits<AtomId>::max();
  for (std::size_t i = 0; i < staging.remarks.size(); ++i)
    if ((staging.remarks[i] & (remark_range | remark_not_finite)) != 0) lowest = std::min(lowest, atoms.ids[i]);
  out.fault_atom = out.fault == EvaluationFault::none ? lowest : std::min(out.fault_atom, lowest);
  out.fault = std::max(out.fault, fault);
}

}  // namespace

void WarpPotential::evaluate(const LocalAtoms& atoms, const NeighbourView& list, Wanted wanted, Evaluation& out) const {
  if (atoms.n_centres == 0) return;
  HAVEN_ASSERT(atoms.first_centre == 0 && list.offsets.size() == static_cast<std::size_t>(atoms.n_centres) + 1);
  const std::lock_guard lock(busy_);
  const Staging staging = executor_->prepare(
      {.atoms = atoms.positions.size(), .centres = static_cast<std::size_t>(atoms.n_centres), .wanted = wanted});
  const bool known = list.build != nullptr && list.build == list_ && list_atoms_ == atoms.positions.size();
  list_.reset();  // an evaluation that throws leaves nothing to rely on
  if (!known) order_by_element(atoms, requirements_.elements.size(), staging.order);
  pack_atoms(atoms, staging.atoms);
  const Totals totals = executor_->run(list, known ? ListState::unchanged : ListState::changed, wanted);
  list_ = list.build;
  list_atoms_ = atoms.positions.size();
  add_arrays(staging, wanted, out);
  out.energy.add_multiples(value_of(totals.energy));
  if (wants(wanted, Wanted::virial))
    for (std::size_t k = 0; k < 9; ++k) out.virial.element[k].add_multiples(value_of(totals.virial[k]));
  out.extrapolating += totals.extrapolating;
  if (totals.extrapolating > 0 && !out.extrapolates.empty())
    for (std::size_t i = 0; i < staging.remarks.size(); ++i)
      if ((staging.remarks[i] & remark_extrapolates) != 0) out.extrapolates[i] = 1;
  report_faults(atoms, staging, totals, out);
}

std::string describe_model(const Model& model, const Descriptor& descriptor, Precision precision,
                           const std::string& where) {
  Index channels = 0, features = 0;
  for (const CentreDescriptor& centre : descriptor.centres) {
    channels = std::max(channels, centre.channels());
    features = std::max(features, centre.features());
  }
  return fmt::format("{} ({} channels, {} features), {} precision, {}", model.kind, channels, features,
                     precision == Precision::mixed ? "mixed" : "double", where);
}

Requirements requirements_of(const Model& model) {
  Requirements requirements{.cutoff = model.cutoff, .elements = {}, .minimum_distance = model.minimum_distance};
  for (const ModelElement& element : model.elements) requirements.elements.push_back(element.number);
  return requirements;
}

}  // namespace haven::gpu
