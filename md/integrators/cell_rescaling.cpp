#include "md/integrators/cell_rescaling.hpp"

#include <algorithm>
#include <cmath>

#include "core/rng.hpp"
#include "core/units.hpp"
#include "md/integrators/strain.hpp"
#include "md/observables.hpp"

namespace haven {
namespace {

constexpr const char* received_name = "cell_rescaling.exchanged_energy";
constexpr const char* reference_name = "cell_rescaling.reference_cell";

/// Random unit noise in the space of traceless strains; adds the squares of its coordinates to `noise2`.
Mat3 random_strain(CellShape shape, RandomSequence& random, double& noise2) {
  Mat3 strain;
  if (shape == CellShape::isotropic) return strain;
  const auto draw = [&] {
    const double xi = random.normal();
    noise2 += xi * xi;
    return xi;
  };
  const double u = draw() / std::sqrt(2.0), w = draw() / std::sqrt(6.0);  // diag(1,-1,0)/sqrt 2, diag(1,1,-2)/sqrt 6
  strain[0].x = u + w, strain[1].y = w - u, strain[2].z = -2 * w;
  if (shape == CellShape::anisotropic) return strain;
  for (const auto& [i, j] : {std::pair(0, 1), std::pair(0, 2), std::pair(1, 2)})
    strain[i][j] = strain[j][i] = draw() / std::sqrt(2.0);
  return strain;
}

/// 1 / (bulk modulus * tau): the mobility of the logarithm of the volume per pressure, A^3/(eV fs).
double mobility(const CellRescalingOptions& options) { return 1.0 / (options.bulk_modulus * options.tau); }

double volume_of(const Mat3& cell) { return std::abs(determinant(cell)); }

/// Drift of the square root of the volume over one step (the Ito term included).
double root_drift(const CellRescalingOptions& options, const CellState& state, double timestep) {
  const double volume = volume_of(state.cell);
  return 0.5 * mobility(options) * std::sqrt(volume) * timestep *
         (trace(state.pressure) / 3 - options.pressure + 0.5 * state.kt / volume);
}

double root_amplitude(const CellRescalingOptions& options, double kt, double timestep) {
  return std::sqrt(0.5 * kt * mobility(options) * timestep);
}

/// Drift of the traceless strain over one step; `volume` is the geometric mean of the volumes before and after, so that
/// the amplitude of the noise is that of the backward step too.
Mat3 strain_drift(const CellRescalingOptions& options, const CellState& state, double volume, double timestep) {
  return (mobility(options) / 3 * volume_of(state.cell) / volume * timestep) * deviatoric_stress(options.shape, state);
}

double strain_amplitude(const CellRescalingOptions& options, double kt, double volume, double timestep) {
  return std::sqrt(2 * kt * mobility(options) / (3 * volume) * timestep);
}

}  // namespace

Mat3 deviatoric_stress(CellShape shape, const CellState& state) {
  if (shape == CellShape::isotropic) return {};
  return traceless_part(allowed_strain(shape, state.pressure, state.cell));
}

CellChange propose_cell(const CellRescalingOptions& options, const CellState& state, double timestep,
                        std::uint64_t seed, std::uint64_t step) {
  RandomSequence random(seed, Stream::cell_rescaling, step);
  CellChange change{.cell = state.cell, .strain = {}};
  const double root = std::sqrt(volume_of(state.cell)), xi = random.normal();
  change.noise2 = xi * xi;
  const double new_root =
      root + root_drift(options, state, timestep) + root_amplitude(options, state.kt, timestep) * xi;
  change.root_ratio = new_root / root;
  const double volume = root * new_root;
  const Mat3 noise = random_strain(options.shape, random, change.noise2);
  change.largest_change = std::abs(change.root_ratio - 1);
  if (!(change.largest_change <= max_cell_change)) return change;
  const double scale = std::cbrt(change.root_ratio * change.root_ratio);
  if (options.shape != CellShape::isotropic) {
    change.strain =
        strain_drift(options, state, volume, timestep) + strain_amplitude(options, state.kt, volume, timestep) * noise;
    change.largest_change = std::max(change.largest_change, std::sqrt(squared_norm(change.strain)));
    if (!(change.largest_change <= max_cell_change)) return change;
  }
  if (options.shape == CellShape::triclinic) change.cell = state.cell * (scale * exponential(change.strain));
  if (options.shape != CellShape::triclinic)
    for (int k = 0; k < 3; ++k) change.cell[k] *= scale * std::exp(change.strain[k][k]);
  return change;
}

double reverse_noise2(const CellRescalingOptions& options, const CellChange& change, const CellState& after,
                      const Mat3& rotation, double timestep) {
  const double root = std::sqrt(volume_of(after.cell)), old_root = root / change.root_ratio;
  const double xi =
      (old_root - root - root_drift(options, after, timestep)) / root_amplitude(options, after.kt, timestep);
  if (options.shape == CellShape::isotropic) return xi * xi;
  const double volume = root * old_root;
  const Mat3 strain = transpose(rotation) * change.strain * rotation;
  const Mat3 noise = strain + strain_drift(options, after, volume, timestep);
  return xi * xi + squared_norm(noise) / std::pow(strain_amplitude(options, after.kt, volume, timestep), 2);
}

CellState CellRescaling::state_of(const Dynamics& dynamics, const Mat3& kinetic) const {
  return {.cell = dynamics.cell.vectors(),
          .pressure = (1.0 / dynamics.cell.volume()) * (2.0 * kinetic + *virial_),
          .kt = units::boltzmann * dynamics.target_temperature};
}

/// Positions go with the cell, momenta against it, in the middle of the drift.
void CellRescaling::rescale(Dynamics& dynamics, const Mat3& new_cell) {
  AtomStore& atoms = dynamics.atoms;
  const Mat3 map = dynamics.cell.inverse_vectors() * new_cell, back = transpose(inverse(map));
  const double half = 0.5 * dynamics.timestep;
  for (std::size_t i = 0; i < static_cast<std::size_t>(atoms.n_owned); ++i) {
    Vec3 &r = atoms.positions[i], &v = atoms.velocities[i];
    r = (r + half * v) * map;
    v = v * back;
    r += half * v;
  }
  dynamics.cell = Cell(new_cell, dynamics.cell.periodic());
  const Mat3 inverse_map = inverse(map);
  kinetic_ = inverse_map * kinetic_ * transpose(inverse_map);
}

void CellRescaling::before_forces(Dynamics& dynamics, Communicator& group) {
  half_kick(dynamics);
  change_.reset();
  if (!reference_) reference_ = dynamics.cell.vectors();
  if (mobility(options_) == 0) {  // infinitely slow: velocity Verlet to the bit
    drift(dynamics);
    return;
  }
  if (!virial_) virial_ = total_virial(dynamics, group);
  kinetic_ = kinetic_tensor(dynamics.atoms, group);
  CellChange change = propose_cell(options_, state_of(dynamics, kinetic_), dynamics.timestep, dynamics.seed,
                                   static_cast<std::uint64_t>(dynamics.step));
  dynamics.cell_change = change.largest_change;
  if (!(change.largest_change <= max_cell_change)) return;
  rotation_ = Mat3::identity();
  if (options_.shape == CellShape::triclinic) {
    const Mat3 deformation = inverse(*reference_) * change.cell;
    rotation_ = transpose(polar_rotation(deformation));
    change.cell = *reference_ * symmetric_part(deformation * rotation_);
  }
  rescale(dynamics, change.cell);
  change_ = change;
}

void CellRescaling::after_forces(Dynamics& dynamics, Communicator& group) {
  half_kick(dynamics);
  virial_ = total_virial(dynamics, group);
  if (change_) {
    const CellState after = state_of(dynamics, kinetic_);
    const double backward = reverse_noise2(options_, *change_, after, rotation_, dynamics.timestep);
    received_ -= after.kt * (0.5 * (backward - change_->noise2) - std::log(change_->root_ratio));
  }
  thermostat_.apply(dynamics, group);
}

void CellRescaling::save(Variables& variables) const {
  thermostat_.save(variables);
  variables[received_name] = {received_};
  variables[reference_name] = reference_ ? components(*reference_) : std::vector<double>{};
}

void CellRescaling::load(const Variables& variables) {
  thermostat_.load(variables);
  received_ = stored_variable(variables, received_name, 1)[0];
  reference_ = matrix_of(stored_variable(variables, reference_name, 9));
}

}  // namespace haven
