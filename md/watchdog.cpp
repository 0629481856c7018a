#include "md/watchdog.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "core/species.hpp"
#include "core/units.hpp"

namespace haven {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
// Beyond this a double no longer resolves an interatomic distance to 1e-7 A, and lattice shifts leave 32 bits.
constexpr double largest_coordinate = 1e9;
constexpr const char* unstable =
    "Reduce the timestep, relax the structure first, or extend the training set to such configurations.";

bool usable(const Vec3& r) {  // false for NaN
  return std::abs(r.x) < largest_coordinate && std::abs(r.y) < largest_coordinate && std::abs(r.z) < largest_coordinate;
}

// NaN would vanish in a maximum.
double finite_or_infinity(double value) { return std::isfinite(value) ? value : infinity; }

double mean_nearest_distance(const Cell& cell, std::span<const Vec3> positions) {
  if (positions.size() < 2) return 0;
  std::vector<AtomId> ids(positions.size());
  for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = static_cast<AtomId>(i);
  const std::vector<int> species(positions.size(), 0);
  const auto n = static_cast<Index>(positions.size());
  const LocalAtoms atoms{.positions = positions, .ids = ids, .species = species, .n_centres = n};
  NeighbourList list;
  for (double radius = 1.5 * std::cbrt(cell.volume() / static_cast<double>(n));; radius *= 1.5) {
    list.build(cell, atoms, radius);
    const NeighbourView view = list.view();
    double sum = 0;
    for (Index i = 0; i < n; ++i) {
      double nearest2 = infinity;
      for (Index k = view.offsets[static_cast<std::size_t>(i)]; k < view.offsets[static_cast<std::size_t>(i) + 1]; ++k)
        nearest2 = std::min(nearest2, norm2(view.displacement(positions, i, k)));
      sum += std::sqrt(nearest2);
    }
    if (std::isfinite(sum)) return sum / static_cast<double>(n);
  }
}

}  // namespace

std::string describe_atom(const AtomTable& table, AtomId atom, const Vec3& position) {
  return fmt::format("atom {} ({}) at ({:.4f}, {:.4f}, {:.4f}) A", atom,
                     element_symbol(table.numbers[static_cast<std::size_t>(atom)]), position.x, position.y, position.z);
}

Host find_host(const Cell& cell, const AtomTable& table, std::span<const int> mobile_elements) {
  Host host;
  if (mobile_elements.empty()) return host;
  std::vector<Vec3> positions;
  host.flags.resize(table.numbers.size());
  for (std::size_t id = 0; id < host.flags.size(); ++id) {
    host.flags[id] =
        std::find(mobile_elements.begin(), mobile_elements.end(), table.numbers[id]) == mobile_elements.end();
    if (host.flags[id] != 0) positions.push_back(table.reference[id]);
  }
  host.spacing = mean_nearest_distance(cell, positions);
  if (host.spacing == 0) host.flags.clear();
  return host;
}

Watchdog::Watchdog(Communicator& group, Agreement& agreement, Setup setup)
    : group_(group),
      agreement_(agreement),
      table_(setup.table),
      options_(setup.options),
      host_(std::move(setup.host)),
      minimum_distance_(setup.options.guards.minimum_distance_factor * setup.trained_minimum_distance) {}

void Watchdog::begin_stage(Ensemble ensemble, double temperature) {
  ensemble_ = ensemble;
  start_temperature_ = temperature;
  drift_ = DriftFit{};
  trend_ = TrendTest{};
}

Watchdog::Candidate Watchdog::worst(Candidate mine) {
  const auto all = group_.all_gather(bytes_of(std::span<const Candidate>(&mine, 1)));
  Candidate found{.value = -infinity};
  for (const auto& bytes : all) {
    const Candidate candidate = values_of<Candidate>(bytes).front();
    if (candidate.atom < 0) continue;
    const bool tie = candidate.value == found.value && candidate.atom < found.atom;
    if (candidate.value > found.value || tie) found = candidate;
  }
  return found;
}

Watchdog::Candidate Watchdog::worst_owned(const AtomStore& atoms, const std::function<double(std::size_t)>& badness) {
  Candidate mine{.value = -infinity};
  for (std::size_t i = 0; i < static_cast<std::size_t>(atoms.n_owned); ++i) {
    const double value = finite_or_infinity(badness(i));
    const bool tie = value == mine.value && atoms.ids[i] < mine.atom;
    if (value > mine.value || tie)
      mine = {value, atoms.ids[i], is_finite(atoms.positions[i]) ? atoms.positions[i] : atoms.list_positions[i]};
  }
  return worst(mine);
}

/// The same on every rank without asking: the cell is.
std::optional<Finding> Watchdog::cell_finding(const Dynamics& dynamics) const {
  constexpr const char* remedy =
      "Check the pressure and its unit (GPa), and the model's stress; equilibrate at constant volume first, or use a "
      "larger barostat tau.";
  if (!(dynamics.cell_change <= max_cell_change))
    return Finding{
        .guard = "cell_change",
        .text = fmt::format("the barostat asks for a change of the cell by {:.3g} in one step, more than {:g}",
                            dynamics.cell_change, max_cell_change),
        .remedy = remedy,
        .value = dynamics.cell_change,
        .limit = max_cell_change};
  if (dynamics.cell == table_.reference_cell || ensemble_ != Ensemble::npt) return std::nullopt;
  const Vec3 heights = dynamics.cell.heights();
  const double height = std::min({heights.x, heights.y, heights.z}), least = options_.guards.least_height;
  if (!(height >= least))
    return Finding{.guard = "cell_height",
                   .text = fmt::format("a height of the cell has fallen to {:.3f} A, below {:g} A", height, least),
                   .remedy = remedy,
                   .value = height,
                   .limit = least};
  const double ratio = dynamics.cell.volume() / table_.reference_cell.volume(),
               limit = options_.guards.max_volume_factor;
  if (limit > 0 && (ratio > limit || ratio < 1 / limit))
    return Finding{
        .guard = "cell_volume",
        .text = fmt::format("the volume has become {:.3g} of that of the structure: it collapses or evaporates", ratio),
        .remedy = remedy,
        .value = ratio,
        .limit = limit};
  return std::nullopt;
}

Watchdog::Motion Watchdog::check_motion(const Dynamics& dynamics, const Mat3& deformation) {
  const AtomStore& atoms = dynamics.atoms;
  const bool same_cell = deformation == Mat3::identity();
  double displacement2 = 0, speed2 = 0, unusable = 0;
  for (std::size_t i = 0; i < static_cast<std::size_t>(atoms.n_owned); ++i) {
    const Vec3& from = atoms.list_positions[i];
    displacement2 = std::max(displacement2, norm2(atoms.positions[i] - (same_cell ? from : from * deformation)));
    speed2 = std::max(speed2, norm2(atoms.velocities[i]));
    if (!usable(atoms.positions[i]) || !is_finite(atoms.velocities[i])) unusable = 1;
  }
  std::array<double, 4> agreed{finite_or_infinity(displacement2), finite_or_infinity(speed2), unusable,
                               static_cast<double>(agreement_.failed())};
  group_.all_reduce_max(agreed);
  if (agreed[3] != 0) agreement_.raise();
  Motion motion{.displacement2 = agreed[0]};
  const double limit = options_.guards.max_step_displacement, moved = std::sqrt(agreed[1]) * dynamics.timestep;
  if (agreed[2] != 0) {
    motion.finding = unusable_finding(atoms);
  } else if (limit > 0 && moved > limit) {
    const Candidate c = worst_owned(atoms, [&](std::size_t i) { return norm2(atoms.velocities[i]); });
    motion.finding =
        Finding{.guard = "max_step_displacement",
                .text = fmt::format("an atom moved {:.3g} A in one step, more than the limit of {:g} A", moved, limit),
                .remedy = unstable,
                .value = moved,
                .limit = limit,
                .atom = c.atom,
                .position = c.position};
  } else {
    motion.finding = cell_finding(dynamics);
  }
  return motion;
}

Watchdog::StepVerdict Watchdog::check_step(const Dynamics& dynamics, bool stop, bool checkpoint) {
  const AtomStore& atoms = dynamics.atoms;
  double force2 = 0, unusable = 0;
  for (std::size_t i = 0; i < static_cast<std::size_t>(atoms.n_owned); ++i) {
    force2 = std::max(force2, norm2(from_fixed(atoms.forces[i])));
    if (!is_finite(atoms.velocities[i])) unusable = 1;  // before a checkpoint could keep it
  }
  const bool outside = options_.guards.extrapolation == GuardAction::stop && dynamics.result.extrapolating > 0;
  std::array<double, 7> agreed{force2,
                               static_cast<double>(dynamics.result.fault),
                               static_cast<double>(outside),
                               static_cast<double>(stop),
                               static_cast<double>(checkpoint),
                               static_cast<double>(agreement_.failed()),
                               unusable};
  group_.all_reduce_max(agreed);
  if (agreed[5] != 0) agreement_.raise();
  StepVerdict verdict{.stop = agreed[3] != 0, .checkpoint = agreed[4] != 0, .max_force = std::sqrt(agreed[0])};
  const double limit = options_.guards.max_force;
  if (agreed[1] != 0) {
    verdict.finding = fault_finding(dynamics);
  } else if (agreed[6] != 0) {
    verdict.finding = unusable_finding(atoms);
  } else if (limit > 0 && verdict.max_force > limit) {
    verdict.finding = force_finding(atoms);
  } else if (agreed[2] != 0) {
    const auto count = static_cast<double>(sum_over_ranks(group_, dynamics.result.extrapolating));
    verdict.finding = Finding{.guard = "extrapolation",
                              .text = fmt::format("{:.0f} atoms are outside the training range of the model", count),
                              .remedy = "Extend the training set, or set the extrapolation guard to \"flag\".",
                              .value = count};
  }
  return verdict;
}

Finding Watchdog::fault_finding(const Dynamics& dynamics) {
  const AtomStore& atoms = dynamics.atoms;
  Candidate mine{.value = static_cast<double>(dynamics.result.fault), .atom = dynamics.result.fault_atom};
  const auto found = std::find(atoms.ids.begin(), atoms.ids.end(), mine.atom);
  if (dynamics.result.fault == EvaluationFault::none) mine.atom = -1;
  if (found != atoms.ids.end()) mine.position = atoms.positions[static_cast<std::size_t>(found - atoms.ids.begin())];
  const Candidate c = worst(mine);
  const bool range = c.value == static_cast<double>(EvaluationFault::force_out_of_range);
  return {.guard = range ? "force_out_of_range" : "not_finite",
          .text = range ? fmt::format("a force contribution exceeds {:g} eV/A", fixed_force_limit)
                        : "the potential gave an energy or force that is not a finite number",
          .remedy = unstable,
          .value = infinity,
          .limit = fixed_force_limit,
          .atom = c.atom,
          .position = c.position};
}

Finding Watchdog::unusable_finding(const AtomStore& atoms) {
  const Candidate c = worst_owned(atoms, [&](std::size_t i) {
    return usable(atoms.positions[i]) && is_finite(atoms.velocities[i]) ? 0.0 : infinity;
  });
  return {.guard = "not_finite",
          .text = "a position or velocity is not a usable number",
          .remedy = unstable,
          .value = infinity,
          .limit = largest_coordinate,
          .atom = c.atom,
          .position = c.position};
}

Finding Watchdog::force_finding(const AtomStore& atoms) {
  const Candidate c = worst_owned(atoms, [&](std::size_t i) { return norm2(from_fixed(atoms.forces[i])); });
  const double force = std::sqrt(c.value), limit = options_.guards.max_force;
  return {.guard = "max_force",
          .text = fmt::format("a force of {:.4g} eV/A exceeds the limit of {:g} eV/A", force, limit),
          .remedy = unstable,
          .value = force,
          .limit = limit,
          .atom = c.atom,
          .position = c.position};
}

ClosePair Watchdog::closest_pair(const ForceEngine& engine, const AtomStore& atoms) {
  const ClosePair mine = engine.closest_pair(atoms);
  ClosePair closest{.distance2 = infinity};
  for (const auto& bytes : group_.all_gather(bytes_of(std::span<const ClosePair>(&mine, 1)))) {
    const ClosePair pair = values_of<ClosePair>(bytes).front();
    const bool tie = pair.distance2 == closest.distance2 &&
                     std::pair(pair.first, pair.second) < std::pair(closest.first, closest.second);
    if (pair.distance2 < closest.distance2 || tie) closest = pair;
  }
  return closest;
}

std::optional<Finding> Watchdog::check_overlap(const ForceEngine& engine, const AtomStore& atoms) {
  const ClosePair pair = closest_pair(engine, atoms);
  const double distance = std::sqrt(pair.distance2), limit = options_.guards.overlap_distance;
  if (!(distance < limit)) return std::nullopt;
  const auto symbol = [&](AtomId id) { return element_symbol(table_.numbers[static_cast<std::size_t>(id)]); };
  return Finding{.guard = "overlap",
                 .text = fmt::format("atoms {} ({}) and {} ({}) are {:.4f} A apart, nearer than {:g} A", pair.first,
                                     symbol(pair.first), pair.second, symbol(pair.second), distance, limit),
                 .remedy = "Remove one of the atoms, or correct cell and coordinates (atoms are counted from 0).",
                 .value = distance,
                 .limit = limit,
                 .atom = pair.first,
                 .position = table_.reference[static_cast<std::size_t>(pair.first)]};
}

std::vector<Finding> Watchdog::check_row(const Dynamics& dynamics, const ForceEngine& engine,
                                         const Thermodynamics& thermo, double conserved) {
  std::vector<Finding> findings;
  if (!std::isfinite(conserved) || !std::isfinite(thermo.pressure))
    findings.push_back({.guard = "not_finite",
                        .text = "the energy or pressure is not a finite number",
                        .remedy = unstable,
                        .value = infinity});
  add_temperature_finding(dynamics, thermo.temperature, findings);
  add_distance_finding(engine, dynamics.atoms, findings);
  add_host_finding(dynamics, findings);
  add_drift_finding(dynamics, conserved, findings);
  if (thermo.extrapolating > 0)
    findings.push_back(
        {.guard = "extrapolation",
         .action = options_.guards.extrapolation,
         .text = fmt::format("{} atoms are outside the training range of the model", thermo.extrapolating),
         .remedy = "Look at the structure; if it is meant to occur, add such structures to the training set.",
         .value = static_cast<double>(thermo.extrapolating),
         .code = "MD001"});
  return findings;
}

void Watchdog::add_temperature_finding(const Dynamics& dynamics, double temperature,
                                       std::vector<Finding>& findings) const {
  const double reference = std::max(dynamics.target_temperature, start_temperature_);
  if (options_.guards.max_temperature_factor <= 0 || reference <= 0 || dynamics.degrees_of_freedom == 0) return;
  // Five standard deviations of the canonical distribution are allowed on top, so that small cells may fluctuate.
  const double width = std::sqrt(2.0 / static_cast<double>(dynamics.degrees_of_freedom));
  const double limit = reference * (options_.guards.max_temperature_factor + 5 * width);
  if (temperature <= limit) return;
  findings.push_back(
      {.guard = "max_temperature",
       .text = fmt::format("the temperature of {:.1f} K exceeds the limit of {:.1f} K", temperature, limit),
       .remedy = unstable,
       .value = temperature,
       .limit = limit});
}

void Watchdog::add_distance_finding(const ForceEngine& engine, const AtomStore& atoms, std::vector<Finding>& findings) {
  if (minimum_distance_ <= 0) return;
  const ClosePair pair = closest_pair(engine, atoms);
  const double distance = std::sqrt(pair.distance2);
  if (distance >= minimum_distance_) return;
  const Candidate first = worst_owned(atoms, [&](std::size_t i) { return atoms.ids[i] == pair.first ? 1.0 : 0.0; });
  const auto symbol = [&](AtomId id) { return element_symbol(table_.numbers[static_cast<std::size_t>(id)]); };
  findings.push_back(
      {.guard = "minimum_distance",
       .text = fmt::format("atoms {} ({}) and {} ({}) are {:.3f} A apart, below the limit of {:.3f} A", pair.first,
                           symbol(pair.first), pair.second, symbol(pair.second), distance, minimum_distance_),
       .remedy = "The model has not seen such pairs: extend the training set, or reduce temperature or timestep.",
       .value = distance,
       .limit = minimum_distance_,
       .atom = first.atom,
       .position = first.position});
}

void Watchdog::add_host_finding(const Dynamics& dynamics, std::vector<Finding>& findings) {
  const double factor = options_.guards.host_msd_factor;
  if (host_.flags.empty() || factor <= 0) return;
  const double rms = std::sqrt(std::max(0.0, mean_squared_displacement(dynamics, table_, host_.flags, group_)));
  const double limit = factor * host_.spacing;
  if (!(rms > limit)) return;
  findings.push_back(
      {.guard = "host_msd",
       .action = options_.guards.host,
       .text = fmt::format("the host has moved {:.2f} A (rms), more than {:g} of its spacing of {:.2f} A: it melts "
                           "or transforms",
                           rms, factor, host_.spacing),
       .remedy = "Lower the temperature; transport in a molten host is not that of the solid.",
       .value = rms,
       .limit = limit,
       .code = "MD003"});
}

/// Two bars, both only for drifts that rounding cannot explain: the limit on the rate, which says that the integration
/// is wrong, and, where no thermostat takes the heat away, the change of temperature that has come of it so far.
void Watchdog::add_drift_finding(const Dynamics& dynamics, double conserved, std::vector<Finding>& findings) {
  constexpr Index least_points = 200;
  constexpr double fs_per_ns = 1e6, significant = 5, tolerable_heating = 0.01;
  const auto atoms = static_cast<double>(table_.size());
  drift_.add(static_cast<double>(dynamics.step) * dynamics.timestep / fs_per_ns, conserved / atoms);
  trend_.add(conserved / atoms);
  const double limit = options_.guards.energy_drift;
  if (limit <= 0 || drift_.count() < least_points || std::abs(trend_.significance()) < significant) return;
  const double slope = drift_.slope();
  if (std::abs(slope) - 5 * drift_.slope_error() > limit) {
    findings.push_back(
        {.guard = "energy_drift",
         .action = ensemble_ == Ensemble::nve ? GuardAction::stop : GuardAction::flag,
         .text = fmt::format("the conserved energy drifts by {:.3g} eV/atom/ns, more than {:g}", slope, limit),
         .remedy = "Reduce the timestep, or use double precision.",
         .value = slope,
         .limit = limit,
         .code = "MD002"});
    return;
  }
  const double heating = slope * drift_.span() / (3 * units::boltzmann);  // of a classical solid
  if (ensemble_ != Ensemble::nve || !(std::abs(heating) > tolerable_heating * start_temperature_)) return;
  findings.push_back(
      {.guard = "heating",
       .action = GuardAction::flag,
       .text = fmt::format("the drift of the conserved energy has changed the temperature by about {:.2g} K", heating),
       .remedy = "Use a weak thermostat, a smaller timestep, or double precision.",
       .value = heating,
       .limit = tolerable_heating * start_temperature_,
       .code = "MD002"});
}

void Watchdog::save(Integrator::Variables& variables) const {
  variables["guard.drift"] = drift_.state();
  variables["guard.trend"] = trend_.state();
  variables["guard.start_temperature"] = {start_temperature_};
}

void Watchdog::load(const Integrator::Variables& variables) {
  const auto drift = variables.find("guard.drift"), trend = variables.find("guard.trend"),
             start = variables.find("guard.start_temperature");
  if (drift == variables.end() || trend == variables.end() || start == variables.end() || start->second.size() != 1)
    throw InputError("the checkpoint lacks guard variables", "checkpoint",
                     "It was written by another version: start the run anew.");
  drift_.restore(drift->second);
  trend_.restore(trend->second);
  start_temperature_ = start->second[0];
}

}  // namespace haven
