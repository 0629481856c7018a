#include "potentials/pair/zbl.hpp"

#include <fmt/format.h>

#include <cmath>

#include "core/error.hpp"

namespace haven {
namespace {

/// e^2 / (4 pi epsilon_0), eV A (CODATA 2018).
constexpr double coulomb = 14.399645478;

/// Universal screening function, J. F. Ziegler, J. P. Biersack, U. Littmark, The Stopping and Range of Ions in Solids
/// (1985).
constexpr double amplitude[4] = {0.18175, 0.50986, 0.28022, 0.02817};
constexpr double decay[4] = {3.19980, 0.94229, 0.40290, 0.20162};

PairValue screened_repulsion(double z, double z_other, double r) {
  const double length = 0.46850 / (std::pow(z, 0.23) + std::pow(z_other, 0.23));
  double screening = 0, slope = 0;
  for (int k = 0; k < 4; ++k) {
    const double term = amplitude[k] * std::exp(-decay[k] * r / length);
    screening += term;
    slope -= decay[k] / length * term;
  }
  const double bare = coulomb * z * z_other / r;
  return {.energy = bare * screening, .slope = bare * (slope - screening / r)};
}

}  // namespace

PairValue switch_off(double r, double start, double end) {
  if (r <= start) return {.energy = 1, .slope = 0};
  if (r >= end) return {.energy = 0, .slope = 0};
  const double width = end - start, x = (r - start) / width, rest = 1 - x;
  return {.energy = rest * rest * rest * (1 + x * (3 + x * 6)), .slope = -30 * x * x * rest * rest / width};
}

RepulsiveWall::RepulsiveWall(std::vector<int> elements, double range) : elements_(std::move(elements)), range_(range) {
  if (!(range > 0 && std::isfinite(range)))
    throw ModelError(
        fmt::format("a repulsive wall of range {} A", range), "minimum_distance",
        "Set minimum_distance to the smallest pair distance of the training set, or repulsion to \"none\".");
}

PairValue RepulsiveWall::operator()(int species, int other, double distance) const {
  if (distance >= range_) return {};
  const PairValue full = screened_repulsion(elements_[static_cast<std::size_t>(species)],
                                            elements_[static_cast<std::size_t>(other)], distance);
  const PairValue factor = switch_off(distance, 0.5 * range_, range_);
  return {.energy = full.energy * factor.energy, .slope = full.slope * factor.energy + full.energy * factor.slope};
}

}  // namespace haven
