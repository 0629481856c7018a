#include "md/relax_surface.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/error.hpp"
#include "md/integrators/strain.hpp"
#include "potentials/structure_evaluation.hpp"

namespace haven {
namespace {

constexpr double longest_move = 0.1, largest_strain = 0.02;  // A, per step

}  // namespace

void RelaxVector::add(double factor, const RelaxVector& other) {
  for (std::size_t i = 0; i < atoms.size(); ++i) atoms[i] += factor * other.atoms[i];
  cell += factor * other.cell;
}

RelaxVector& RelaxVector::operator*=(double factor) {
  for (Vec3& v : atoms) v *= factor;
  cell *= factor;
  return *this;
}

double inner(const RelaxVector& a, const RelaxVector& b) {
  double sum = dot(a.cell[0], b.cell[0]) + dot(a.cell[1], b.cell[1]) + dot(a.cell[2], b.cell[2]);
  for (std::size_t i = 0; i < a.atoms.size(); ++i) sum += dot(a.atoms[i], b.atoms[i]);
  return sum;
}

RelaxSurface::RelaxSurface(const Potential& potential, const Structure& structure, const RelaxOptions& options)
    : potential_(potential), options_(options) {
  const auto atoms = static_cast<double>(structure.size());
  scale_ = std::sqrt(atoms) * std::cbrt(structure.cell.volume() / atoms);
  present_.structure = structure;
  evaluate();
}

/// The strains that may happen: in Cartesian axes, or along the cell's own vectors (anisotropic).
Mat3 RelaxSurface::allowed(const Mat3& stress) const {
  const Mat3& cell = present_.structure.cell.vectors();
  switch (options_.cell) {
    case RelaxedCell::fixed:
      return {};
    case RelaxedCell::isotropic:
      return allowed_strain(CellShape::isotropic, stress, cell);
    case RelaxedCell::triclinic:
      return allowed_strain(CellShape::triclinic, stress, cell);
    case RelaxedCell::anisotropic:
      return allowed_strain(CellShape::anisotropic, stress, cell);
  }
  throw InternalError("unknown kind of cell", "RelaxSurface::allowed");
}

void RelaxSurface::evaluate() {
  const StructureEvaluation result = evaluate_structure(potential_, present_.structure);
  const double volume = present_.structure.cell.volume();
  const Mat3 excess = allowed((-1.0) * result.stress + (-options_.pressure) * Mat3::identity());
  present_.force = {.atoms = result.forces, .cell = (volume / scale_) * excess};
  RelaxStep& values = present_.values;
  ++values.step;
  values.energy = result.energy;
  values.enthalpy = result.energy + options_.pressure * volume;
  values.volume = volume;
  values.max_force = values.max_stress = 0;
  for (const Vec3& f : result.forces) values.max_force = std::max(values.max_force, norm(f));
  for (int k = 0; k < 9; ++k) values.max_stress = std::max(values.max_stress, std::abs(excess[k / 3][k % 3]));
}

double RelaxSurface::allowed_factor(const RelaxVector& step, double wanted) const {
  double farthest = 0;
  for (const Vec3& v : step.atoms) farthest = std::max(farthest, norm(v));
  const double strain = std::sqrt(squared_norm(step.cell)) / scale_;
  return std::min(
      {wanted, farthest > 0 ? longest_move / farthest : wanted, strain > 0 ? largest_strain / strain : wanted});
}

void RelaxSurface::go(const RelaxPoint& from, double factor, const RelaxVector& step) {
  Structure& structure = present_.structure;
  const Mat3 change = exponential((factor / scale_) * step.cell), old_cell = from.structure.cell.vectors();
  const Mat3 cell = options_.cell == RelaxedCell::anisotropic ? change * old_cell : old_cell * change;
  const Mat3 map = from.structure.cell.inverse_vectors() * cell;
  for (std::size_t i = 0; i < step.atoms.size(); ++i) {
    const Vec3& r = from.structure.positions[i];
    structure.positions[i] = (options_.cell == RelaxedCell::fixed ? r : r * map) + factor * step.atoms[i];
  }
  if (options_.cell != RelaxedCell::fixed) structure.cell = Cell(cell, from.structure.cell.periodic());
  const Vec3 heights = structure.cell.heights();
  if (!(std::min({heights.x, heights.y, heights.z}) > 1.0))
    throw NumericalError("the cell collapses during the minimisation", fmt::format("step {}", present_.values.step + 1),
                         "Check the pressure and its unit, or relax with a fixed cell first.");
  evaluate();
}

}  // namespace haven
