#pragma once
#include <functional>

#include "core/structure.hpp"
#include "potentials/potential.hpp"

namespace haven::testing {

/// df/dx at 0 by the fourth-order central difference with step h.
[[nodiscard]] inline double central_difference(const std::function<double(double)>& f, double h) {
  return (8 * (f(h) - f(-h)) - (f(2 * h) - f(-2 * h))) / (12 * h);
}

/// Energy of a structure by evaluate(), eV.
[[nodiscard]] double energy_of(const Potential& potential, const Structure& structure);
/// The structure with atom i displaced by d.
[[nodiscard]] Structure displaced(Structure structure, std::size_t i, const Vec3& d);
/// The structure (cell and positions) under the strain e: every vector v becomes v (1 + e).
[[nodiscard]] Structure strained(const Structure& structure, const Mat3& e);

}  // namespace haven::testing
