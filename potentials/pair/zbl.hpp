#pragma once
#include <vector>

namespace haven {

/// Energy of a pair and its derivative.
struct PairValue {
  double energy = 0;  ///< eV
  double slope = 0;   ///< eV/A
};

/// Factor that falls from 1 at `start` to 0 at `end` with zero slope and curvature at both: value in `energy` (no
/// unit).
[[nodiscard]] PairValue switch_off(double r, double start, double end);

/// Screened nuclear repulsion (Ziegler, Biersack & Littmark 1985) as a wall below the distances that training has seen:
/// multiplied by a switch that is 1 below half of `range` and 0 from `range` on, with continuous slope and curvature.
class RepulsiveWall {
 public:
  RepulsiveWall() = default;
  /// @throws ModelError unless range > 0 (the model's minimum distance).
  RepulsiveWall(std::vector<int> elements, double range);

  [[nodiscard]] bool active() const { return range_ > 0; }
  [[nodiscard]] double range() const { return range_; }  ///< A; exactly zero at and beyond it
  [[nodiscard]] PairValue operator()(int species, int other, double distance) const;

 private:
  std::vector<int> elements_;
  double range_ = 0;
};

}  // namespace haven
