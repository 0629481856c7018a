#include "md/relax.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/error.hpp"
#include "md/integrators/strain.hpp"
#include "potentials/structure_evaluation.hpp"

namespace haven {
namespace {

// FIRE's parameters as published, in A per sqrt(eV/A * A) with unit masses.
constexpr double first_timestep = 0.1, longest_timestep = 1.0, grow = 1.1, shrink = 0.5, first_mixing = 0.1,
                 mixing_decay = 0.99;
constexpr int patience = 5;
constexpr double longest_move = 0.1, largest_strain = 0.02;  // A, per step

/// A point of the minimisation with what drives it on.
class Minimiser {
 public:
  Minimiser(const Potential& potential, const Structure& structure, const RelaxOptions& options)
      : potential_(potential), options_(options), structure_(structure) {
    const auto atoms = static_cast<double>(structure.size());
    scale_ = std::sqrt(atoms) * std::cbrt(structure.cell.volume() / atoms);
    velocities_.resize(structure.positions.size());
    evaluate();
  }
  [[nodiscard]] const RelaxStep& present() const { return present_; }
  [[nodiscard]] const Structure& structure() const { return structure_; }
  [[nodiscard]] bool converged() const {
    return present_.max_force <= options_.force_tolerance && present_.max_stress <= options_.stress_tolerance;
  }
  void step();

 private:
  void evaluate();
  void mix();
  void move();
  [[nodiscard]] Mat3 allowed(const Mat3& stress) const;
  [[nodiscard]] double power() const;

  const Potential& potential_;
  const RelaxOptions& options_;
  Structure structure_;
  double scale_ = 1;  // A: length of the coordinate that is a unit of strain
  std::vector<Vec3> forces_, velocities_;
  Mat3 cell_force_{}, cell_velocity_{};  // of the scaled strain
  double timestep_ = first_timestep, mixing_ = first_mixing;
  int downhill_ = 0;
  RelaxStep present_{.step = -1};
};

double inner(const Mat3& a, const Mat3& b) { return dot(a[0], b[0]) + dot(a[1], b[1]) + dot(a[2], b[2]); }

/// The strains that may happen: in Cartesian axes, or along the cell's own vectors (anisotropic).
Mat3 Minimiser::allowed(const Mat3& stress) const {
  switch (options_.cell) {
    case RelaxedCell::fixed:
      return {};
    case RelaxedCell::isotropic:
      return (trace(stress) / 3) * Mat3::identity();
    case RelaxedCell::triclinic:
      return symmetric_part(stress);
    case RelaxedCell::anisotropic:
      break;
  }
  const Mat3 in_frame = structure_.cell.vectors() * stress * structure_.cell.inverse_vectors();
  Mat3 diagonal;
  for (int k = 0; k < 3; ++k) diagonal[k][k] = in_frame[k][k];
  return diagonal;
}

void Minimiser::evaluate() {
  const StructureEvaluation result = evaluate_structure(potential_, structure_);
  forces_ = result.forces;
  const double volume = structure_.cell.volume();
  const Mat3 excess = allowed((-1.0) * result.stress + (-options_.pressure) * Mat3::identity());
  cell_force_ = (volume / scale_) * excess;
  ++present_.step;
  present_.energy = result.energy;
  present_.enthalpy = result.energy + options_.pressure * volume;
  present_.volume = volume;
  present_.max_force = present_.max_stress = 0;
  for (const Vec3& f : forces_) present_.max_force = std::max(present_.max_force, norm(f));
  for (int k = 0; k < 9; ++k) present_.max_stress = std::max(present_.max_stress, std::abs(excess[k / 3][k % 3]));
}

double Minimiser::power() const {
  double sum = inner(cell_force_, cell_velocity_);
  for (std::size_t i = 0; i < forces_.size(); ++i) sum += dot(forces_[i], velocities_[i]);
  return sum;
}

/// Turns the velocity towards the force, or stops when it leads uphill.
void Minimiser::mix() {
  if (power() <= 0) {
    std::fill(velocities_.begin(), velocities_.end(), Vec3{});
    cell_velocity_ = {};
    timestep_ *= shrink;
    mixing_ = first_mixing;
    downhill_ = 0;
    return;
  }
  double force2 = squared_norm(cell_force_), velocity2 = squared_norm(cell_velocity_);
  for (std::size_t i = 0; i < forces_.size(); ++i) force2 += norm2(forces_[i]), velocity2 += norm2(velocities_[i]);
  const double along = mixing_ * std::sqrt(velocity2 / force2);
  for (std::size_t i = 0; i < forces_.size(); ++i) velocities_[i] = (1 - mixing_) * velocities_[i] + along * forces_[i];
  cell_velocity_ = (1 - mixing_) * cell_velocity_ + along * cell_force_;
  if (++downhill_ <= patience) return;
  timestep_ = std::min(longest_timestep, timestep_ * grow);
  mixing_ *= mixing_decay;
}

void Minimiser::move() {
  double farthest = 0;
  for (const Vec3& v : velocities_) farthest = std::max(farthest, norm(v));
  const double strain = std::sqrt(squared_norm(cell_velocity_)) / scale_;
  const double time = std::min({timestep_, farthest > 0 ? longest_move / farthest : timestep_,
                                strain > 0 ? largest_strain / strain : timestep_});
  const Mat3 change = exponential((time / scale_) * cell_velocity_), old_cell = structure_.cell.vectors();
  const Mat3 cell = options_.cell == RelaxedCell::anisotropic ? change * old_cell : old_cell * change;
  const Mat3 map = structure_.cell.inverse_vectors() * cell;
  for (std::size_t i = 0; i < velocities_.size(); ++i)
    structure_.positions[i] = options_.cell == RelaxedCell::fixed
                                  ? structure_.positions[i] + time * velocities_[i]
                                  : structure_.positions[i] * map + time * velocities_[i];
  if (options_.cell != RelaxedCell::fixed) structure_.cell = Cell(cell, structure_.cell.periodic());
}

void Minimiser::step() {
  mix();
  for (std::size_t i = 0; i < forces_.size(); ++i) velocities_[i] += timestep_ * forces_[i];
  cell_velocity_ = cell_velocity_ + timestep_ * cell_force_;
  move();
  const Vec3 heights = structure_.cell.heights();
  if (!(std::min({heights.x, heights.y, heights.z}) > 1.0))
    throw NumericalError("the cell collapses during the minimisation", fmt::format("step {}", present_.step + 1),
                         "Check the pressure and its unit, or relax with a fixed cell first.");
  evaluate();
}

}  // namespace

RelaxResult relax(const Potential& potential, const Structure& structure, const RelaxOptions& options,
                  const std::function<void(const RelaxStep&)>& report) {
  Minimiser minimiser(potential, structure, options);
  RelaxResult result{.structure = {}, .first = minimiser.present(), .last = {}};
  if (report) report(minimiser.present());
  while (!minimiser.converged() && minimiser.present().step < options.max_steps) {
    minimiser.step();
    if (report) report(minimiser.present());
  }
  result.structure = minimiser.structure();
  result.structure.velocities.clear();
  result.last = minimiser.present();
  result.converged = minimiser.converged();
  return result;
}

}  // namespace haven
