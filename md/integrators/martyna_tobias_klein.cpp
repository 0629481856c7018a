#include "md/integrators/martyna_tobias_klein.hpp"

#include <cmath>

#include "core/units.hpp"
#include "md/integrators/strain.hpp"
#include "md/integrators/velocity_verlet.hpp"
#include "md/observables.hpp"

namespace haven {
namespace {

constexpr const char* chain_name = "mtk.chain";
constexpr const char* cell_chain_name = "mtk.cell_chain";
constexpr const char* rate_name = "mtk.cell_rate";
constexpr const char* kt_name = "mtk.inertia_kt";
constexpr const char* reference_name = "mtk.reference_cell";

}  // namespace

Index MartynaTobiasKlein::cell_degrees() const {
  return options_.shape == CellShape::isotropic ? 1 : options_.shape == CellShape::anisotropic ? 3 : 6;
}

double MartynaTobiasKlein::inertia(const Dynamics& dynamics) const {
  const auto degrees = static_cast<double>(dynamics.degrees_of_freedom + 3);
  return degrees * kt_ * options_.barostat_tau * options_.barostat_tau / 3;
}

double MartynaTobiasKlein::cell_kinetic_energy(const Dynamics& dynamics) const {
  const double norm = squared_norm(rate_);
  return norm == 0 ? 0 : 0.5 * inertia(dynamics) * norm;
}

Mat3 MartynaTobiasKlein::rate(const Mat3& cell) const {
  return options_.shape == CellShape::anisotropic ? inverse(cell) * rate_ * cell : rate_;
}

void MartynaTobiasKlein::apply_chains(Dynamics& dynamics, Communicator& group) {
  const double half = 0.5 * dynamics.timestep, kt = units::boltzmann * dynamics.target_temperature;
  const double factor = chain_.apply(half, kt, dynamics.degrees_of_freedom, kinetic_energy(dynamics.atoms, group));
  for (std::size_t i = 0; i < static_cast<std::size_t>(dynamics.atoms.n_owned); ++i)
    dynamics.atoms.velocities[i] *= factor;
  rate_ *= cell_chain_.apply(half, kt, cell_degrees(), cell_kinetic_energy(dynamics));
}

/// Half a step of the rate of strain.
void MartynaTobiasKlein::push_cell(Dynamics& dynamics, Communicator& group) {
  const Mat3 kinetic = kinetic_tensor(dynamics.atoms, group);
  const double volume = dynamics.cell.volume();
  const Mat3 work = 2.0 * kinetic + *virial_ + (-options_.pressure * volume) * Mat3::identity();
  const double ideal = 2 * trace(kinetic) / static_cast<double>(dynamics.degrees_of_freedom);
  const Mat3 force = allowed_strain(options_.shape, work, dynamics.cell.vectors()) + ideal * Mat3::identity();
  rate_ += (0.5 * dynamics.timestep / inertia(dynamics)) * force;
}

/// Half a step of the velocities.
void MartynaTobiasKlein::kick(Dynamics& dynamics) const {
  AtomStore& atoms = dynamics.atoms;
  const double half = 0.5 * dynamics.timestep;
  const Mat3 l = rate(dynamics.cell.vectors());
  const Mat3 damping =
      (-half) * (transpose(l) + (trace(l) / static_cast<double>(dynamics.degrees_of_freedom)) * Mat3::identity());
  const Mat3 decay = exponential(damping), gain = mean_exponential(damping);
  for (std::size_t i = 0; i < static_cast<std::size_t>(atoms.n_owned); ++i)
    atoms.velocities[i] =
        atoms.velocities[i] * decay + ((half * atoms.acceleration[i]) * from_fixed(atoms.forces[i])) * gain;
}

/// A whole step of positions and cell.
void MartynaTobiasKlein::move(Dynamics& dynamics) {
  if (squared_norm(rate_) == 0) return drift(dynamics);  // infinitely slow: velocity Verlet to the bit
  const Mat3 old_cell = dynamics.cell.vectors();
  const Mat3 strain = dynamics.timestep * rate(old_cell);
  Mat3 stretch = exponential(strain), path = dynamics.timestep * mean_exponential(strain);
  Mat3 cell = old_cell * stretch;
  AtomStore& atoms = dynamics.atoms;
  const auto owned = static_cast<std::size_t>(atoms.n_owned);
  if (options_.shape == CellShape::anisotropic)  // the angles keep their bits
    for (int k = 0; k < 3; ++k) cell[k] = std::exp(dynamics.timestep * rate_[k][k]) * old_cell[k];
  if (options_.shape == CellShape::triclinic) {
    const Mat3 deformation = inverse(*reference_) * cell, turn = transpose(polar_rotation(deformation));
    cell = *reference_ * symmetric_part(deformation * turn);
    stretch = stretch * turn;
    path = path * turn;
    rate_ = symmetric_part(transpose(turn) * rate_ * turn);
    for (std::size_t i = 0; i < owned; ++i) {
      atoms.positions[i] = atoms.positions[i] * stretch + atoms.velocities[i] * path;
      atoms.velocities[i] = atoms.velocities[i] * turn;
    }
  } else {
    for (std::size_t i = 0; i < owned; ++i)
      atoms.positions[i] = atoms.positions[i] * stretch + atoms.velocities[i] * path;
  }
  dynamics.cell = Cell(cell, dynamics.cell.periodic());
}

void MartynaTobiasKlein::before_forces(Dynamics& dynamics, Communicator& group) {
  if (kt_ == 0) kt_ = units::boltzmann * dynamics.target_temperature;
  if (!reference_) reference_ = dynamics.cell.vectors();
  if (!virial_) virial_ = total_virial(dynamics, group);
  apply_chains(dynamics, group);
  push_cell(dynamics, group);
  dynamics.cell_change = dynamics.timestep * std::sqrt(squared_norm(rate_));
  if (!(dynamics.cell_change <= max_cell_change)) return;
  kick(dynamics);
  move(dynamics);
}

void MartynaTobiasKlein::after_forces(Dynamics& dynamics, Communicator& group) {
  virial_ = total_virial(dynamics, group);
  kick(dynamics);
  push_cell(dynamics, group);
  apply_chains(dynamics, group);
}

double MartynaTobiasKlein::conserved(const Dynamics& dynamics, double kinetic, double potential) const {
  return kinetic + potential + options_.pressure * dynamics.cell.volume() + cell_kinetic_energy(dynamics) +
         chain_.energy(dynamics.degrees_of_freedom) + cell_chain_.energy(cell_degrees());
}

void MartynaTobiasKlein::save(Variables& variables) const {
  variables[chain_name] = chain_.state();
  variables[cell_chain_name] = cell_chain_.state();
  variables[rate_name] = components(rate_);
  variables[kt_name] = {kt_};
  variables[reference_name] = reference_ ? components(*reference_) : std::vector<double>{};
}

void MartynaTobiasKlein::load(const Variables& variables) {
  chain_.restore(stored_variable(variables, chain_name, ThermostatChain::state_size));
  cell_chain_.restore(stored_variable(variables, cell_chain_name, ThermostatChain::state_size));
  rate_ = matrix_of(stored_variable(variables, rate_name, 9));
  kt_ = stored_variable(variables, kt_name, 1)[0];
  reference_ = matrix_of(stored_variable(variables, reference_name, 9));
}

}  // namespace haven
