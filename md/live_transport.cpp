#include "md/live_transport.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/error.hpp"

namespace haven {
namespace {

constexpr const char* variable_name = "live_transport.correlator";

/// Three sums of displacements. Where the multiple fits into 64 bits it is the one that FixedSum::add finds in two
/// parts, at a fraction of the cost; the rest, and what is not a number, is left to add().
void add_to(FixedSum* sums, const Vec3& moved) {
  constexpr double fits = 0x1p18;  // A
  for (int k = 0; k < 3; ++k) {
    if (std::abs(moved[k]) < fits)
      sums[k].add_multiples(to_fixed(moved[k]));
    else
      sums[k].add(moved[k]);
  }
}

}  // namespace

LiveTransportMeter::LiveTransportMeter(Communicator& group, const AtomTable& table, const std::vector<int>& mobile)
    : group_(group), table_(table) {
  for (const int number : mobile)
    if (const auto n = std::count(table.numbers.begin(), table.numbers.end(), number); n > 0) {
      elements_.push_back(number);
      atoms_.push_back(n);
      tracers_.push_back(std::min<Index>(n, most_tracers));
    }
}

/// Arrays over all atoms exist only when they are used.
void LiveTransportMeter::assign_atoms() {
  const std::size_t atoms = table_.numbers.size();
  part_.resize(atoms);
  slot_.assign(atoms, -1);
  weight_.resize(atoms);
  std::vector<Index> seen(elements_.size(), 0), first(elements_.size(), 0);
  for (std::size_t e = 1; e < elements_.size(); ++e) first[e] = first[e - 1] + tracers_[e - 1];
  bool has_host = false;
  for (std::size_t id = 0; id < atoms; ++id) {
    const auto found = std::find(elements_.begin(), elements_.end(), table_.numbers[id]);
    const auto e = part_[id] = static_cast<std::size_t>(found - elements_.begin());
    if (found == elements_.end()) {
      has_host = true;
      continue;
    }
    // Tracer k of T is the first of the element's n atoms whose index i has i T >= k n: evenly spread.
    const Index index = seen[e]++, before = (index * tracers_[e] + atoms_[e] - 1) / atoms_[e],
                after = ((index + 1) * tracers_[e] + atoms_[e] - 1) / atoms_[e];
    if (after > before) slot_[id] = first[e] + before;
  }
  FixedSum total;
  for (std::size_t id = 0; id < atoms; ++id) {
    weight_[id] = !has_host ? table_.masses[id] : part_[id] == elements_.size() ? 1.0 : 0.0;
    total.add(weight_[id]);
  }
  total_weight_ = total.value();
}

void LiveTransportMeter::begin_stage(const StageOptions& stage, double timestep_fs, std::int64_t first_step) {
  interval_ = elements_.empty() ? 0 : stage.correlator_interval;
  if (is_on() && slot_.empty()) assign_atoms();
  first_step_ = first_step;
  interval_fs_ = static_cast<double>(interval_) * timestep_fs;
  stage_ = stage.name;
  correlator_ = DisplacementCorrelator(tracers_);
}

void LiveTransportMeter::sample(const Dynamics& dynamics) {
  const AtomStore& atoms = dynamics.atoms;
  const std::size_t n = elements_.size();
  std::vector<FixedSum> sums(3 * n + 3);  // displacements of each element, then of all, weighted
  std::vector<Place> places;
  for (std::size_t i = 0; i < static_cast<std::size_t>(atoms.n_owned); ++i) {
    const auto id = static_cast<std::size_t>(atoms.ids[i]);
    const Vec3 moved = atoms.positions[i] - table_.reference[id];
    const double weight = weight_[id];
    if (part_[id] < n) add_to(&sums[3 * part_[id]], moved);
    if (weight > 0) add_to(&sums[3 * n], weight * moved);
    if (slot_[id] >= 0) places.push_back({atoms.ids[i], moved});
  }
  group_.all_reduce_sum(sums);
  const auto gathered = group_.gather(bytes_of(std::span<const Place>(places)));
  if (!group_.is_root()) return;
  const auto vector_at = [&](std::size_t k) { return Vec3{sums[k].value(), sums[k + 1].value(), sums[k + 2].value()}; };
  const Vec3 drift = (1.0 / total_weight_) * vector_at(3 * n);
  std::vector<Vec3> collective;
  for (std::size_t e = 0; e < n; ++e) collective.push_back(vector_at(3 * e) - static_cast<double>(atoms_[e]) * drift);
  std::vector<Vec3> tracers(static_cast<std::size_t>(std::accumulate(tracers_.begin(), tracers_.end(), Index{0})));
  for (const auto& bytes : gathered)
    for (const Place& place : values_of<Place>(bytes))
      tracers[static_cast<std::size_t>(slot_[static_cast<std::size_t>(place.id)])] = place.position - drift;
  correlator_.add(tracers, collective);
}

LiveTransport LiveTransportMeter::result() const {
  LiveTransport result{.stage = stage_,
                       .first_step = first_step_,
                       .last_step = first_step_ + (correlator_.samples() - 1) * interval_,
                       .interval_fs = interval_fs_,
                       .elements = elements_,
                       .atoms = atoms_,
                       .tracers = tracers_,
                       .lags_fs = {},
                       .origins = correlator_.origins(),
                       .tracer = {},
                       .collective = {}};
  for (const Index lag : correlator_.lags()) result.lags_fs.push_back(static_cast<double>(lag) * interval_fs_);
  for (std::size_t b = 0; b < elements_.size(); ++b) {
    result.tracer.push_back(correlator_.tracer(b));
    for (std::size_t a = 0; a <= b; ++a) result.collective.push_back(correlator_.collective(a, b));
  }
  return result;
}

void LiveTransportMeter::save(Integrator::Variables& variables) const {
  if (is_on() && group_.is_root()) variables[variable_name] = correlator_.state();
}

void LiveTransportMeter::load(const Integrator::Variables& variables) {
  if (!is_on()) return;
  const auto found = variables.find(variable_name);
  if (found == variables.end())
    throw InputError("the checkpoint lacks the displacement correlators", "checkpoint",
                     "It was written by a stage without them: start the run anew.");
  correlator_.restore(found->second);
}

}  // namespace haven
