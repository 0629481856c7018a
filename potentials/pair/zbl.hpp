#pragma once
#include <cmath>
#include <cstddef>
#include <numbers>
#include <vector>

#include "potentials/program/host_device.hpp"

namespace haven {

/// Energy of a pair and its derivative.
struct PairValue {
  double energy = 0;  ///< eV
  double slope = 0;   ///< eV/A
};

/// Factor that falls from 1 at `start` to 0 at `end` with zero slope and curvature at both: value in `energy` (no
/// unit).
[[nodiscard]] HAVEN_HD inline PairValue switch_off(double r, double start, double end) {
  if (r <= start) return {.energy = 1, .slope = 0};
  if (r >= end) return {.energy = 0, .slope = 0};
  const double width = end - start, x = (r - start) / width, rest = 1 - x;
  return {.energy = rest * rest * rest * (1 + x * (3 + x * 6)), .slope = -30 * x * x * rest * rest / width};
}

/// Screened Coulomb repulsion of one pair of elements, V(r) = strength/r sum_k amplitude_k e^{-decay_k r} times a
/// switch from 1 at `inner` to 0 at `outer`.
struct PairRepulsion {
  enum class Switch : int {
    quintic = 0,  ///< switch_off(): zero slope and curvature at both ends
    cosine = 1,   ///< (1 + cos(pi (r - inner)/(outer - inner)))/2, as NEP has it
  };
  double strength = 0;          ///< eV A; 0 for no repulsion
  double amplitude[4] = {};     ///< dimensionless
  double decay[4] = {};         ///< 1/A
  double inner = 0, outer = 0;  ///< A
  Switch ending = Switch::quintic;
};
/// Energy and slope of a pair; zero at and beyond `outer`.
[[nodiscard]] HAVEN_HD inline PairValue repulsion_of(const PairRepulsion& pair, double r) {
  if (r >= pair.outer) return {};
  double screening = 0, slope = 0;
  for (int k = 0; k < 4; ++k) {
    const double term = pair.amplitude[k] * std::exp(-pair.decay[k] * r);
    screening += term;
    slope -= pair.decay[k] * term;
  }
  const double bare = pair.strength / r;
  const PairValue full{.energy = bare * screening, .slope = bare * (slope - screening / r)};
  PairValue factor = switch_off(r, pair.inner, pair.outer);
  if (pair.ending == PairRepulsion::Switch::cosine && r > pair.inner) {
    const double k = std::numbers::pi / (pair.outer - pair.inner), angle = k * (r - pair.inner);
    factor = {.energy = 0.5 * (1 + std::cos(angle)), .slope = -0.5 * k * std::sin(angle)};
  }
  return {.energy = full.energy * factor.energy, .slope = full.slope * factor.energy + full.energy * factor.slope};
}

/// The universal screening function of J. F. Ziegler, J. P. Biersack, U. Littmark, The Stopping and Range of Ions in
/// Solids (1985).
inline constexpr double zbl_amplitude[4] = {0.18175, 0.50986, 0.28022, 0.02817};
inline constexpr double zbl_decay[4] = {3.19980, 0.94229, 0.40290, 0.20162};

/// Repulsion of all pairs of elements, closed form. Either a wall below the distances that training has seen (ZBL
/// multiplied by a switch that is 1 below half of `range` and 0 from `range` on), or the one a potential defines.
class RepulsiveWall {
 public:
  RepulsiveWall() = default;
  /// The wall of a model. @throws ModelError unless range > 0 (the model's minimum distance).
  RepulsiveWall(std::vector<int> elements, double range);
  /// A potential's own repulsion, [elements][elements].
  RepulsiveWall(int elements, std::vector<PairRepulsion> pairs);

  [[nodiscard]] bool active() const { return range_ > 0; }
  [[nodiscard]] double range() const { return range_; }  ///< A; exactly zero at and beyond it
  [[nodiscard]] int elements() const { return elements_; }
  [[nodiscard]] const std::vector<PairRepulsion>& pairs() const { return pairs_; }  ///< [elements][elements]
  [[nodiscard]] PairValue operator()(int species, int other, double distance) const {
    return repulsion_of(pairs_[static_cast<std::size_t>(species * elements_ + other)], distance);
  }

 private:
  int elements_ = 0;
  std::vector<PairRepulsion> pairs_;
  double range_ = 0;
};

}  // namespace haven
