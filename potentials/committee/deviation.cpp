#include "potentials/committee/deviation.hpp"

#include <cmath>

namespace haven {

// The deviations of the members but the last are given; that of the last is minus their sum.

double energy_deviation(std::span<const FixedSum> energy_deviations) {
  if (energy_deviations.empty()) return 0;
  double sum = 0, squares = 0;
  for (const FixedSum& deviation : energy_deviations) {
    sum += deviation.value();
    squares += deviation.value() * deviation.value();
  }
  return std::sqrt((squares + sum * sum) / static_cast<double>(energy_deviations.size() + 1));
}

double force_deviation(std::span<const FixedVec3> force_deviations, Index local_atoms, Index i) {
  Vec3 sum{};
  double squares = 0, members = 1;
  for (auto k = static_cast<std::size_t>(i); k < force_deviations.size(); k += static_cast<std::size_t>(local_atoms)) {
    const Vec3 deviation = from_fixed(force_deviations[k]);
    sum += deviation;
    squares += norm2(deviation);
    ++members;
  }
  return std::sqrt((squares + norm2(sum)) / members);
}

}  // namespace haven
