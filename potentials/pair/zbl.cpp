#include "potentials/pair/zbl.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/error.hpp"

namespace haven {
namespace {

/// e^2 / (4 pi epsilon_0), eV A (CODATA 2018).
constexpr double coulomb = 14.399645478;

}  // namespace

RepulsiveWall::RepulsiveWall(std::vector<int> elements, double range)
    : elements_(static_cast<int>(elements.size())), range_(range) {
  if (!(range > 0 && std::isfinite(range)))
    throw ModelError(
        fmt::format("a repulsive wall of range {} A", range), "minimum_distance",
        "Set minimum_distance to the smallest pair distance of the training set, or repulsion to \"none\".");
  for (const int z : elements)
    for (const int other : elements) {
      const double inverse_length = (std::pow(z, 0.23) + std::pow(other, 0.23)) / 0.46850;
      PairRepulsion pair{.strength = coulomb * z * other, .inner = 0.5 * range, .outer = range};
      for (int k = 0; k < 4; ++k) {
        pair.amplitude[k] = zbl_amplitude[k];
        pair.decay[k] = zbl_decay[k] * inverse_length;
      }
      pairs_.push_back(pair);
    }
}

RepulsiveWall::RepulsiveWall(int elements, std::vector<PairRepulsion> pairs)
    : elements_(elements), pairs_(std::move(pairs)) {
  HAVEN_ASSERT(pairs_.size() == static_cast<std::size_t>(elements) * static_cast<std::size_t>(elements));
  for (const PairRepulsion& pair : pairs_) range_ = std::max(range_, pair.outer);
}

}  // namespace haven
