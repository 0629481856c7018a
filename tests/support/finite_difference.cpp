#include "support/finite_difference.hpp"

#include "support/structures.hpp"

namespace haven::testing {

double energy_of(const Potential& potential, const Structure& structure) {
  return evaluate_all(potential, structure).energy;
}

Structure displaced(Structure structure, std::size_t i, const Vec3& d) {
  structure.positions[i] += d;
  return structure;
}

Structure strained(const Structure& structure, const Mat3& e) {
  return transformed(structure, transpose(Mat3::identity() + e));
}

}  // namespace haven::testing
